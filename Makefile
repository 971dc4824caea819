# Two commands do everything: `make demo` runs the main job on an embedded target, `make test` runs all tests.
# Both make a virtual environment in .venv first, from the lock file. Needs Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# An editable install has no bytecode but what it writes itself: without it every process compiles the package anew,
# which takes longer than all else that a short run does.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-vm test-fast check docs pictures crash truth fuzz bench lock clean help

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q chaos_runner
	touch $@

demo: $(STAMP) ## a small shop on this machine, three acts, three reports
	$(BIN)/chaos-runner demo

test: $(STAMP) system ## all tests; installs what they need
	$(BIN)/python -m pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist loadgroup
	./tests/vm/run

test-vm: $(STAMP) ## network faults, measured in a guest whose kernel has netem
	./tests/vm/run

test-fast: $(STAMP) ## the tests without real servers, under a minute
	$(BIN)/python -m pytest -q -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) -m "not slow"

check: $(STAMP) ## ruff, mypy, the direction of imports
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(STAMP) ## print the reference and the sample reports from the code, build the site in build/site, check its links
	$(BIN)/python docs/print_reference.py
	$(BIN)/python -m tests.report.samples
	$(BIN)/python docs/build_site.py

pictures: $(STAMP) ## the README's pictures, from a real run; needs Chromium
	$(BIN)/python docs/pictures/make.py

crash: $(STAMP) ## kill the runner at every moment of every fault, and look
	$(BIN)/python -m tests.crash
	$(BIN)/python -m tests.crash --kubernetes
	$(BIN)/python -m tests.crash --aws
	$(BIN)/python -m tests.crash.signals

fuzz: $(STAMP) ## ten thousand fuzzed files, and not one traceback
	$(BIN)/python -m tests.fuzz

bench: $(STAMP) ## figures against Chaos Toolkit, in the same run
	$(BIN)/python -m benchmarks $(if $(WRITE),--write)

.PHONY: system
system: ## what tests use beside Python
	@./tests/install

truth: $(STAMP) ## false-green traps, told by us and by Chaos Toolkit
	$(BIN)/python -m tests.truth $(if $(WRITE),--write)

lock: $(STAMP) ## write requirements.lock anew
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --all-extras \
		--group dev --python-version 3.11 pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

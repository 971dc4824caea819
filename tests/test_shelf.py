"""The shelf finds what lies on it, and what lies on it can be described."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from chaos_runner import shelf
from chaos_runner.experiment.arguments import names

FAULTS = ["host.process_kill", "host.process_pause", "proxy.cut", "proxy.latency"]
PROBES = ["http.latency", "http.status", "process.running", "tcp.connect"]


def test_the_faults_and_probes_of_the_first_release_are_there() -> None:
    assert set(FAULTS) <= set(shelf.fault_names())
    assert set(PROBES) <= set(shelf.probe_names())


@pytest.mark.parametrize("name", shelf.fault_names())
def test_every_fault_can_be_had_and_described(name: str) -> None:
    fault = shelf.fault(name)
    assert type(fault).__doc__
    assert fault.band.word
    assert names(fault.target)
    for words in (fault.target, fault.arguments):
        assert issubclass(words, msgspec.Struct)
        assert words.__struct_config__.frozen
        assert words.__struct_config__.forbid_unknown_fields
        assert words.__doc__


@pytest.mark.parametrize("name", shelf.probe_names())
def test_every_probe_can_be_had_and_described(name: str) -> None:
    probe = shelf.probe(name)
    assert probe.name == name
    assert probe.says.endswith(".")
    assert probe.arguments.__struct_config__.frozen
    assert probe.arguments.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("name", [
    "", "host", "host.process_paus", "host.process-pause", "proxy._toxic", "..os", "nowhere.at_all", "host..x",
])
def test_what_is_no_fault_is_not_found(name: str) -> None:
    with pytest.raises(shelf.NotOnShelf):
        shelf.fault(name)


@pytest.mark.parametrize("name", ["", "http", "http.Request", "_network.connect", "http.nothing", "os.getpid", "tcp."])
def test_what_is_no_probe_is_not_found(name: str) -> None:
    with pytest.raises(shelf.NotOnShelf):
        shelf.probe(name)


def test_only_what_is_asked_for_is_imported() -> None:
    code = ("import sys; from chaos_runner import shelf; shelf.fault_names(); shelf.fault('host.process_pause');"
            "print(*(name for name in sys.modules if name.startswith('chaos_runner.faults.') or name == 'psutil'))")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert sorted(said) == ["chaos_runner.faults.host", "chaos_runner.faults.host._processes",
                            "chaos_runner.faults.host.process_pause"]


def test_another_package_can_put_things_on_the_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "guest_faults.py").write_text(
        "from chaos_runner.testing import FakeFault as Sneeze\n"
        "from chaos_runner.contracts import NoArguments, Reading, probe\n"
        "from chaos_runner.units import Unit\n\n\n"
        "@probe(NoArguments, Unit.COUNT)\ndef fever(arguments):\n    return Reading(value=37)\n")
    info = tmp_path / "guest_faults-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: guest-faults\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[chaos_runner.faults]\nguest.sneeze = guest_faults:Sneeze\n"
                                           "[chaos_runner.probes]\nguest.fever = guest_faults:fever\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "guest.sneeze" in shelf.fault_names()
    assert shelf.own_fault("guest.sneeze").band.word == "hurt"
    assert shelf.own_probe("guest.fever").read(None).value == 37

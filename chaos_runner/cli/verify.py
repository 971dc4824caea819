"""`chaos-runner verify BUNDLE|RUN`"""

import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from chaos_runner.cli.ink import out_ink
from chaos_runner.cli.runs import find_run
from chaos_runner.errors import ActFailed, UsageError
from chaos_runner.experiment.complaints import escaped
from chaos_runner.history.bundle import FILES, Bundle, unpack
from chaos_runner.history.verifying import Verified, of_run, verified
from chaos_runner.report.folders import reports_folder
from chaos_runner.wiring import bundle_key

CHANGED_EXIT: Final = ActFailed.exit_code


@click.command()
@click.argument("what", metavar="BUNDLE|RUN")
@click.option("--digest", metavar="HEX", default="", help="The digest that `export` printed.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object.")
def command(what: str, digest: str, reports: Path | None, *, as_json: bool) -> None:
    """Say whether a run is as it was written, and what was changed if not. Exit code 0, or 5 when something was.

    A bundle is held against its manifest; its journal, and that of a RUN, against its own chain of hashes, and the
    outcome against the journal. With CHAOS_RUNNER_KEY set the manifest's signature is looked at too.
    """
    found = _of_bundle(Path(what), digest) if Path(what).is_file() else _of_run(find_run(reports_folder(reports), what))
    if as_json:
        said = {"run": found.run, "whole": found.whole, "looked_at": found.looked_at, "changed": found.changed,
                "notes": found.notes}
        click.echo(msgspec.json.encode(said).decode())
    else:
        click.echo("\n".join(_lines(found)))
    sys.exit(0 if found.whole else CHANGED_EXIT)


def _of_bundle(file: Path, digest: str) -> Verified:
    bundle = unpack(_read(file), str(file))
    found = verified(bundle, bundle_key())
    return _with_digest(found, bundle, digest) if digest else found


def _with_digest(found: Verified, bundle: Bundle, digest: str) -> Verified:
    if bundle.digest == digest.lower():
        return msgspec.structs.replace(found, looked_at=[*found.looked_at, "the manifest's digest"])
    said = f"the manifest's digest is {bundle.digest}, not the one that was given"
    return msgspec.structs.replace(found, changed=[said, *found.changed])


def _of_run(folder: Path) -> Verified:
    return of_run(folder.name, {name: _read(folder / name) for name in FILES[:2] if (folder / name).exists()})


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise UsageError(f"{file}: {problem.strerror}") from problem


def _lines(found: Verified) -> list[str]:
    ink = out_ink()
    answer = f"{ink.green('✔')} as it was written" if found.whole else f"{ink.red('✖')} changed"
    return [f"{answer}: run {escaped(found.run)}", *(f"  {ink.red('changed')}    {escaped(words)}"
                                                    for words in found.changed),
            *(f"  looked at  {escaped(words)}" for words in found.looked_at),
            *(f"  note       {escaped(words)}" for words in found.notes)]

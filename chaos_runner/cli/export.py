"""`chaos-runner export RUN`"""

from pathlib import Path

import click
import msgspec

from chaos_runner.cli.runs import find_run
from chaos_runner.errors import UsageError
from chaos_runner.history.bundle import pack
from chaos_runner.report.folders import reports_folder
from chaos_runner.report.writing import write
from chaos_runner.wiring import bundle_key


@click.command()
@click.argument("run", default="latest")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where it is written (default: ./RUN.tar.gz).")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print path and digest as one JSON object.")
def command(run: str, out: Path | None, reports: Path | None, *, as_json: bool) -> None:
    """Pack a run into one file: journal, outcome, reports, the experiment, and a manifest of their hashes.

    Keep the digest that is printed apart from the file, or set CHAOS_RUNNER_KEY to have the manifest signed: whoever
    changes the file could make the manifest fit. RUN is an id, a unique beginning of one, or latest.
    """
    folder = find_run(reports_folder(reports), run)
    data, digest = pack(folder, bundle_key())
    file = out or Path(f"{folder.name}.tar.gz")
    try:
        write(file, data)
    except OSError as problem:
        raise UsageError(f"{file}: {problem.strerror}") from problem
    said = {"path": str(file), "bytes": len(data), "digest": digest, "signed": bool(bundle_key())}
    click.echo(msgspec.json.encode(said).decode() if as_json else f"{file}\ndigest of its manifest: {digest}")

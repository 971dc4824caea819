"""`chaos-runner gameday FILE`"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import Struct

from chaos_runner.errors import NotDurable, Refused, UsageError

if TYPE_CHECKING:
    from chaos_runner.cli.day.diary import Diary
    from chaos_runner.cli.day.end import Summary
    from chaos_runner.cli.day.table import Table
    from chaos_runner.gameday.day import Day
    from chaos_runner.gameday.model import GameDay
    from chaos_runner.journal.days import DayJournal

FOLDER: Final = "gamedays"
LATEST: Final = "latest"


class Options(Struct, frozen=True, kw_only=True):
    """The command's options."""

    env: str
    var: tuple[str, ...]
    var_file: tuple[str, ...]
    by: str
    yes: bool
    reports: Path | None
    as_json: bool
    open: bool


@click.command()
@click.argument("file", metavar="FILE", required=False)
@click.option("--resume", metavar="DAY", help="Take a day up again that was left or killed: its id, or latest.")
@click.option("--check", is_flag=True, help="Say what is wrong with FILE, or its agenda and what is committed to.")
@click.option("--env", metavar="NAME", default="", help="An environment of chaos.yaml, instead of the file's.")
@click.option("--var", multiple=True, metavar="KEY[:TYPE]=VALUE", help="Override a value of every configuration.")
@click.option("--var-file", multiple=True, metavar="FILE", help="Override values of configurations and secrets.")
@click.option("--by", metavar="NAME", default="", help="Who sits at the keyboard (default: the user).")
@click.option("--yes", "-y", is_flag=True, help=(
    "Ask nobody: every question is answered go, and the record says by --yes. Needed where there is no terminal."))
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--open", "open", is_flag=True, help="Open the day's report in a browser.")
@click.option("--json", "as_json", is_flag=True, help="Print the day as one JSON object at its end.")
def command(file: str | None, *, resume: str | None, check: bool, **options: Any) -> None:
    """Play a game day: an agenda of experiments, manual steps, go/no-go questions and notes, with one report.

    Whatever is typed at any prompt is kept as a note with its time; `help` there tells the commands: hold, extend,
    skip, retry, abort. Each experiment is a run of its own; Ctrl-C stops and undoes it. Everything is on the disk
    before it counts, so a day that was left or killed is taken up again with --resume. Exit code of the worst run.
    """
    chosen = Options(**options)
    if (file is None) == (resume is None):
        raise click.UsageError("name the FILE of a game day, or give --resume DAY")
    if resume is not None:
        sys.exit(_resume(resume, chosen))
    if check:
        _check(str(file), chosen)
        return
    sys.exit(_begin(str(file), chosen))


def _check(file: str, options: Options) -> None:
    from chaos_runner.cli.day.screen import overture
    from chaos_runner.clock import SystemClock
    from chaos_runner.gameday.day import Day

    plan = _loaded(file, options.env)
    began = _began(plan, "(not begun)", options, SystemClock().now().isoformat())
    click.echo("\n".join(overture(Day.of([began]))))


def _loaded(file: str, env: str) -> "GameDay":
    """The game day. Leaves with exit code 2 and every complaint when it cannot be followed. Raises UsageError."""
    from chaos_runner.cli.complained import Complained
    from chaos_runner.cli.ink import err_ink
    from chaos_runner.experiment.complaints import render
    from chaos_runner.gameday.loading import load

    loaded = load(file, env)
    if loaded.findings:
        click.echo(render(loaded.findings, loaded.sources, color=err_ink().on), err=True)
    if loaded.day is None:
        raise Complained(loaded.findings)
    return loaded.day


def _attended(options: Options) -> bool:
    """Whether somebody plays. Raises Refused where nobody could, and nobody said that this is meant."""
    if options.yes:
        return False
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused("there is no terminal, so nobody can be asked: play it on one, or say --yes")
    return True


# ── beginning, and taking up again ──────────────────────────────────────────────────────────────────────────────────

def _begin(file: str, options: Options) -> int:
    from chaos_runner.cli.day.screen import overture
    from chaos_runner.cli.files import surroundings_or_leave
    from chaos_runner.clock import SystemClock, rfc3339
    from chaos_runner.gameday.day import Day
    from chaos_runner.journal.days import NAME, DayJournal
    from chaos_runner.plan.build import new_run_id
    from chaos_runner.report.folders import reports_folder

    attended = _attended(options)
    plan = _loaded(file, options.env)
    clock = SystemClock()
    started, reports = clock.now(), reports_folder(options.reports, surroundings_or_leave(file, plan.env).project)
    began = _began(plan, new_run_id(started), options, rfc3339(started))
    folder = _new_folder(reports, began.day)
    with _held(folder):
        journal = DayJournal.create(folder / NAME, started)
        journal.append([began])
        day = Day.of([began])
        click.echo("\n".join(overture(day)), err=True)
        return _play(_table(plan, folder, reports, options, attended=attended), day, journal, options)


def _resume(name: str, options: Options) -> int:
    from chaos_runner.journal.days import NAME, DayJournal, read_day
    from chaos_runner.report.folders import reports_folder

    attended = _attended(options)
    reports = reports_folder(options.reports)
    folder = find_day(reports, name)
    with _held(folder):
        day = read_day(folder / NAME)
        if day.ended:
            raise UsageError(f"that day is over ({day.ended.verdict}); its report is {folder / 'report.html'}")
        table = _table(_same(day, folder), folder, reports, options, attended=attended)
        return _play(table, day, DayJournal.resume(folder / NAME), options, resumed=True)


def _same(day: "Day", folder: Path) -> "GameDay":
    """The plan that the day was begun with. Raises UsageError when the file is another by now."""
    from chaos_runner.gameday.loading import digest_of

    began = day.began
    own = next(one for one in began.committed if one.item is None)
    if not Path(began.file).is_file():
        raise UsageError(f"{began.file} is not here: take the day up again in the folder in which it was begun")
    if digest_of(began.file) != own.digest:
        raise UsageError(f"{began.file} is not what the day was begun with ({own.digest[:12]}…): bring that back, or "
                         f"begin a new day; what has happened stands in {folder}")
    return _loaded(began.file, began.env)


def find_day(reports: Path, name: str) -> Path:
    """The folder of a day: by its id, a unique beginning of that, or latest. Raises UsageError."""
    days = reports / FOLDER
    if name == LATEST:
        if not (days / LATEST).is_dir():
            raise UsageError(f"{reports} holds no game day yet")
        return days / (days / LATEST).resolve().name
    found = sorted(one for one in days.glob("*") if one.name.startswith(name.upper()) and not one.is_symlink())
    if not name.isalnum() or len(found) != 1:
        raise UsageError(f"{days} holds no game day {name!r}, or several: give its id, or {LATEST}")
    return found[0]


def _new_folder(reports: Path, day: str) -> Path:
    folder = reports / FOLDER / day
    link = reports / FOLDER / f".latest-{day}"
    try:
        folder.mkdir(parents=True)
        link.symlink_to(day)
        link.replace(reports / FOLDER / LATEST)
    except OSError as problem:
        raise NotDurable(f"the folder {folder} cannot be written ({problem.strerror}); choose another with --reports") \
            from problem
    return folder


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Nobody else plays that day meanwhile. Raises UsageError."""
    from chaos_runner.journal.lock import hold, holder

    try:
        lock = hold(folder)
    except OSError as problem:
        raise NotDurable(f"the folder {folder} cannot be locked ({problem.strerror})") from problem
    if lock is None:
        raise UsageError(f"that day is being played by process {holder(folder)}")
    try:
        yield
    finally:
        lock.release()


def _began(plan: "GameDay", day: str, options: Options, started: str) -> Any:
    from chaos_runner import __version__
    from chaos_runner.gameday.events import DayBegan
    from chaos_runner.gameday.loading import committed, planned
    from chaos_runner.plan.build import origin

    me = origin()
    return DayBegan(
        t=0.0, day=day, title=plan.title, file=plan.file, env=plan.env, description=plan.description,
        by=options.by or me.user, host=me.host, started=started, version=__version__, roles=plan.roles,
        agenda=planned(plan), committed=committed(plan), attended=not options.yes)


def _table(plan: "GameDay", folder: Path, reports: Path, options: Options, *, attended: bool) -> "Table":
    from chaos_runner.cli.day.table import Table
    from chaos_runner.clock import SystemClock
    from chaos_runner.plan.build import origin

    return Table(plan=plan, folder=folder, reports=reports, by=options.by or origin().user, attended=attended,
                 options=list(_passed_on(options)), clock=SystemClock())


def _passed_on(options: Options) -> Iterator[str]:
    for name, values in (("--var", options.var), ("--var-file", options.var_file)):
        for value in values:
            yield from (name, value)


# ── playing, and the end ────────────────────────────────────────────────────────────────────────────────────────────

def _play(table: "Table", day: "Day", journal: "DayJournal", options: Options, *, resumed: bool = False) -> int:
    from chaos_runner.cli.day.diary import Diary
    from chaos_runner.cli.day.play import Play
    from chaos_runner.cli.day.talk import Leave
    from chaos_runner.cli.ears import listening
    from chaos_runner.gameday.events import DayLeft, DayResumed
    from chaos_runner.plan.build import origin

    diary = Diary(day, journal, table.clock)
    with listening(attended=table.attended) as ears:
        if resumed:
            diary.record([DayResumed(t=diary.t, by=table.by, host=origin().host)])
        try:
            aborted = Play(table, diary, ears).play()
        except Leave as left:
            diary.record([DayLeft(t=diary.t, why=str(left))])
            return _left(diary.day, table, left.number)
        return _end(diary, table, aborted, options)


def _left(day: "Day", table: "Table", number: int) -> int:
    _report(day, table)
    click.echo(f"\nthe day is left, nothing runs; take it up again:  chaos-runner gameday --resume {day.began.day}"
               f"{_again(table)}", err=True)
    return 128 + number


def _again(table: "Table") -> str:
    import shlex

    return "" if table.reports == Path("reports") else f" --reports {shlex.quote(str(table.reports))}"


def _end(diary: "Diary", table: "Table", aborted: str | None, options: Options) -> int:
    import msgspec

    from chaos_runner.cli.day import end
    from chaos_runner.cli.opening import open_page
    from chaos_runner.gameday.events import Opened

    diary.record(end.up_to_date(diary.day, table.reports))
    diary.record([Opened(t=diary.t, files=end.found(table.plan, diary.day))])
    diary.record([end.ended(diary.day, aborted, table.by, diary.t)])
    told = _report(diary.day, table)
    click.echo("\n".join(_closing(diary.day, table)), err=True)
    if options.as_json:
        click.echo(msgspec.json.encode(told).decode())
    if options.open:
        open_page(table.folder / "report.html")
    return told.exit


def _counted(day: "Day") -> str:
    from chaos_runner.cli.moment import counted

    actions = sum(note.action for note in day.notes)
    return f"{counted(len(day.notes) - actions, 'note')}, {counted(actions, 'action item')}"


def _report(day: "Day", table: "Table") -> "Summary":
    """Writes the day's files. What cannot be written is said, and changes nothing."""
    from chaos_runner.cli.day import end
    from chaos_runner.cli.ink import err_ink
    from chaos_runner.report.gameday import write_day

    told = end.summary(day, table.reports, table.folder)
    try:
        end.keep(told, table.folder)
        write_day(day, table.reports, table.folder)
    except OSError as problem:
        click.echo(f"{err_ink().yellow('warning')}: {table.folder}: {problem.strerror}", err=True)
    return told


def _closing(day: "Day", table: "Table") -> Sequence[str]:
    """The last lines: the verdict, each run, what to read."""
    from chaos_runner.cli.closing import near
    from chaos_runner.cli.ink import err_ink
    from chaos_runner.experiment.complaints import escaped

    end = day.ended
    if end is None:
        return []
    ink, changed = err_ink(), [one for one in day.opened if one.now != one.committed]
    paint = ink.green if not end.exit else ink.red if end.exit in (1, 6) else ink.yellow
    return ["", f"{paint(end.verdict.upper())}  {escaped(end.sentence)}",
            *(f"  {run.run}  {run.over.verdict:<12} {escaped(day.name(item))}" for item, run in day.runs if run.over),
            *(f"  {ink.yellow('changed')}   {escaped(one.name)} is not what was committed to" for one in changed),
            f"  said      {_counted(day)}",
            f"  report    {escaped(str(near(table.folder.absolute() / 'report.html')))}",
            f"  learn     {escaped(str(near(table.folder.absolute() / 'postmortem.md')))}",
            f"  exit {end.exit}"]

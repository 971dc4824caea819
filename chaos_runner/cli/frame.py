"""The live view as lines: what stands on the screen at one moment, for a terminal so wide and so high.

Imported only where there is a terminal: it is the one place that imports rich.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from rich.text import Text

from chaos_runner.cli import moment
from chaos_runner.cli.recent import WINDOW_S, Recent, bars, columns
from chaos_runner.cli.wrapping import NARROW, wrapped
from chaos_runner.experiment.complaints import escaped
from chaos_runner.run.events import Stage
from chaos_runner.run.run import Run
from chaos_runner.run.sentences import limit_words, value_words

_TEXT_MOST: Final = 200
_STATE_WIDTH: Final = 14
_NOW_WIDTH: Final = 9
_STYLES: Final = {"good": "green", "bad": "bold red", "odd": "bold yellow", "dim": "dim", "": ""}
_ICONS: Final = {"good": "●", "bad": "✖", "odd": "■"}
_ORDER: Final = tuple(Stage)


class View(NamedTuple):
    """What is shown: the run, its age just now in seconds, and the last minute of each probe by its number."""

    run: Run
    t: float
    recent: Mapping[int, Recent]


class Row(NamedTuple):
    """One line. Where there is no room those with the highest `rank` are left out first."""

    rank: int
    text: Text


def frame(view: View, width: int, height: int) -> list[Text]:
    """The lines, none wider than `width` cells and no more than `height`."""
    rows = [_headline(view, width), _about(view), *_stages(view, width), *_faults(view, width), *_probes(view, width),
            *(Row(0, Text(line, style="bold")) for line in _ctrl_c(view, width))]
    kept = sorted(range(len(rows)), key=lambda number: (rows[number].rank, number))[:max(1, height)]
    return [_cut(rows[number].text, width) for number in sorted(kept)]


def shown(text: str) -> str:
    """Text from outside as it may stand on a terminal: nothing in it that cannot be seen, and not too much of it."""
    return escaped(text[:_TEXT_MOST])


def _cut(text: Text, width: int, *, pad: bool = False) -> Text:
    text.truncate(width, overflow="ellipsis", pad=pad)
    return text


def _cell(words: str, width: int, style: str = "") -> Text:
    return _cut(Text(shown(words), style=_STYLES[style]), width, pad=True)


def _right(words: str, width: int, style: str = "") -> Text:
    text = _cut(Text(shown(words), style=_STYLES[style]), width)
    text.pad_left(max(0, width - text.cell_len))
    return text


def _headline(view: View, width: int) -> Row:
    words, mood = moment.headline(view.run)
    age = moment.remaining_words(view.run, view.t) if width >= NARROW else f"T+{moment.clock(view.t)}"
    left = _cell(f"{_ICONS[mood]} {words}", max(1, width - len(age) - 1), mood)
    return Row(0, Text.assemble(left, " ", (age, "dim")))


def _ctrl_c(view: View, width: int) -> list[str]:
    return [f"  {line}" for line in wrapped(moment.ctrl_c_words(view.run), width - 2, 0).split("\n")]


def _about(view: View) -> Row:
    plan = view.run.plan
    return Row(7, Text(f"  {plan.run}  {shown(plan.experiment.title)}", style="dim"))


# ── the stages ──────────────────────────────────────────────────────────────────────────────────────────────────────

def _stages(view: View, width: int) -> Iterator[Row]:
    now = _ORDER.index(view.run.stage)
    for name, first, last, words in _lines_of_stages(view, width):
        if now > _ORDER.index(last):
            icon, style, rank = "✔", "dim", 6
        elif now >= _ORDER.index(first):
            icon, style, rank = "●", "bold", 2
        else:
            icon, style, rank = "○", "dim", 6
        yield Row(rank, Text.assemble("  ", icon, f" {name:<8} ", (shown(words), style)))


def _lines_of_stages(view: View, width: int) -> Iterator[tuple[str, Stage, Stage, str]]:
    run = view.run
    yield "before", Stage.CHECKING, Stage.REHEARSING, _before(view, width)
    yield "during", Stage.METHOD, Stage.READING, _during(view)
    yield "undo", Stage.UNDOING, Stage.UNDOING, moment.undo_words(run)
    yield "after", Stage.AFTER, Stage.OVER, _after(view, width)


def _before(view: View, width: int) -> str:
    run = view.run
    if run.stage is Stage.BEFORE and run.plan.baseline_s:
        bar = _progress(view.t - run.stages[Stage.BEFORE], run.plan.baseline_s, width)
        return f"{bar}  {moment.within_words(run)}"
    if run.stage is Stage.BEFORE:
        return f"reading {moment.counted(len(run.plan.watched), 'probe')}"
    return moment.clock(run.plan.baseline_s) if run.plan.baseline_s else ""


def _during(view: View) -> str:
    run, steps = view.run, len(view.run.plan.experiment.method)
    if run.stage not in (Stage.METHOD, Stage.READING):
        return moment.counted(steps, "step")
    begun, step = moment.next_step(run)
    return f"step {begun} of {steps}{f': {step.name}' if step else ''}"


def _after(view: View, width: int) -> str:
    run = view.run
    if run.stage is not Stage.AFTER:
        return moment.recovery_words(run)
    bar = _progress(view.t - run.stages[Stage.AFTER], run.plan.recovers_within_s, width)
    return f"{bar}  {moment.within_words(run)}"


def _progress(done_s: float, all_s: float, width: int) -> str:
    cells = 20 if width >= NARROW else 8
    full = min(cells, int(cells * done_s / all_s)) if all_s else cells
    return f"{'━' * full}{'─' * (cells - full)} {moment.clock(min(done_s, all_s))} of {moment.clock(all_s)}"


def _faults(view: View, width: int) -> Iterator[Row]:
    for name, for_s, of_s in moment.acting(view.run, view.t):
        lasts = f"for {moment.clock(for_s)}" if of_s is None else f"{moment.clock(of_s - for_s)} left"
        yield Row(3, Text.assemble("  ", ("▨ ", "yellow"), _cell(name, max(8, width - 4 - len(lasts) - 1)), " ",
                                   (lasts, "bold")))


# ── the probes ──────────────────────────────────────────────────────────────────────────────────────────────────────

class _Widths(NamedTuple):
    """The cells that the columns of the probes take."""

    name: int
    limit: int
    line: int


def _probes(view: View, width: int) -> Iterator[Row]:
    watched = view.run.plan.watched
    if not watched:
        return
    if width < NARROW:
        for number in range(len(watched)):
            yield from _two_lines(view, number, width)
        return
    widths = _widths(view, width)
    head = Text.assemble("  ", _cell("probe", widths.name), " ", _right("now", _NOW_WIDTH), " ",
                         _cell("limit", widths.limit), " ", _cell(f"last {WINDOW_S} s", widths.line), " state")
    head.stylize("dim")
    yield Row(5, head)
    if band := _band(view, widths.line):
        before = widths.name + _NOW_WIDTH + widths.limit + 3
        yield Row(5, Text.assemble("  ", _cell("faults", before), (band, "yellow")))
    for number in range(len(watched)):
        yield Row(_rank(view, number), _one_line(view, number, widths))


def _rank(view: View, number: int) -> int:
    return 1 if moment.is_bad(view.run, number) else 4


def _widths(view: View, width: int) -> _Widths:
    names = max(len(_name(view, number)) for number in range(len(view.run.plan.watched)))
    limits = max(len(limit_words(probe)) for probe in view.run.plan.watched)
    name, limit = min(names, max(14, width // 4 - 1)), min(limits, max(12, width // 7))
    room = width - (2 + name + 1 + _NOW_WIDTH + 1 + limit + 1 + 1 + _STATE_WIDTH)
    return _Widths(max(name, 6), max(limit, 5), _line_width(room))


def _line_width(room: int) -> int:
    """As many columns as there is room for, each a whole number of seconds."""
    return next((cells for cells in (60, 30, 20, 15, 12) if cells <= room), 10)


def _name(view: View, number: int) -> str:
    rule = number >= len(view.run.plan.probes)
    return f"{'stop: ' if rule else ''}{view.run.plan.watched[number].name}"


def _one_line(view: View, number: int, widths: _Widths) -> Text:
    words, mood = moment.state_words(view.run, number, view.t)
    return Text.assemble("  ", _cell(_name(view, number), widths.name), " ", _right(_now(view, number), _NOW_WIDTH),
                         " ", _cell(limit_words(view.run.plan.watched[number]), widths.limit, "dim"), " ",
                         _line(view, number, widths.line), " ", (words, _STYLES[mood]))


def _two_lines(view: View, number: int, width: int) -> Iterator[Row]:
    words, mood = moment.state_words(view.run, number, view.t)
    cells = _line_width(min(20, width - 2 - _STATE_WIDTH))
    now = _now(view, number)
    yield Row(_rank(view, number), Text.assemble("  ", _cell(_name(view, number), max(6, width - 3 - len(now[:12]))),
                                                 " ", shown(now[:12])))
    yield Row(_rank(view, number), Text.assemble("  ", _line(view, number, cells), " ", (words, _STYLES[mood])))


def _now(view: View, number: int) -> str:
    probe, tally = view.run.plan.watched[number], view.run.tally(number, view.run.phase)
    if tally.last is None:
        return "no answer" if tally.bad_in_a_row else ""
    return value_words(tally.last, probe.unit)


def _line(view: View, number: int, width: int) -> Text:
    probe = view.run.plan.watched[number]
    cells = view.recent[number].columns(view.t, width)
    text = Text(bars(probe, cells))
    for place, cell in enumerate(cells):
        if cell and not cell.good:
            text.stylize(_STYLES["bad" if cell.good is False else "odd"], place, place + 1)
    return text


def _band(view: View, width: int) -> str:
    signs: Sequence[str] = ["▨" if moment.in_band(view.run, seconds, view.t) else " "
                            for seconds in columns(view.t, width)]
    return "".join(signs) if "▨" in signs else ""

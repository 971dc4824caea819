from chaos_runner.report import charts
from chaos_runner.report.axis import Axis
from chaos_runner.run.events import Phase, Sampled

AXIS = Axis(100.0)
TO = charts.Scale(0.0, 10.0)


def trace(*read: tuple[float, float | None]) -> charts.Trace:
    return charts.Trace.of([Sampled(t=t, probe=0, phase=Phase.DURING, good=True, value=value) for t, value in read])


def test_a_line_breaks_where_a_sample_has_no_value() -> None:
    pieces = charts.columns(AXIS, trace((1, 1.0), (2, 1.0), (3, None), (4, 1.0)), gap_s=9)
    assert [len(piece.xs) for piece in pieces] == [2, 1]


def test_a_line_breaks_where_samples_are_too_far_apart() -> None:
    assert len(charts.columns(AXIS, trace((1, 1.0), (2, 1.0), (9, 1.0)), gap_s=2.5)) == 2


def test_a_column_keeps_its_lowest_and_highest() -> None:
    (piece,) = charts.columns(AXIS, trace((1.00, 3.0), (1.05, 9.0), (1.1, 1.0)), gap_s=9)
    assert (piece.lows, piece.highs) == ([1.0], [9.0])


def test_only_what_is_past_the_limit_is_filled() -> None:
    (piece,) = charts.columns(AXIS, trace((0, 2.0), (10, 8.0), (20, 2.0)), gap_s=99)
    assert charts.breach([piece], TO, 5.0, 1) == "M50 57l50-19.8 50 19.8Z"
    assert charts.breach([piece], TO, 5.0, -1).count("Z") == 2
    assert charts.breach([piece], TO, 9.0, 1) == ""


def test_neighbouring_ticks_become_one_block() -> None:
    drawn = charts.ticks(AXIS, [1.0, 1.2, 50.0], 94, 100)
    assert drawn.count("M") == 2


def test_a_scale_begins_at_zero_where_that_leaves_room_and_shows_the_limit() -> None:
    assert charts.scale([0.2, 0.3], [0.4]).low == 0.0
    assert charts.scale([98.0, 99.0], [100.0]).low == 98.0
    assert charts.scale([5.0, 5.0], []).high > 5.0
    assert charts.scale([0.0], [0.0]).high > 0.0


def test_numbers_below_zero_can_be_drawn() -> None:
    to = charts.scale([-5.0, -1.0], [])
    assert charts.TOP <= to.y(-1.0) < to.y(-5.0) <= charts.BOTTOM

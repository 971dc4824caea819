from chaos_runner.report import charts
from chaos_runner.report.axis import Axis
from chaos_runner.run.events import Phase, Sampled

AXIS = Axis(100.0)
TO = charts.Scale(0.0, 10.0)


def sample(t: float, value: float | None) -> Sampled:
    return Sampled(t=t, probe=0, phase=Phase.DURING, good=True, value=value)


def test_a_line_breaks_where_a_sample_has_no_value() -> None:
    pieces = charts.columns(AXIS, [sample(1, 1.0), sample(2, 1.0), sample(3, None), sample(4, 1.0)], gap_s=9)
    assert [len(piece) for piece in pieces] == [2, 1]


def test_a_line_breaks_where_samples_are_too_far_apart() -> None:
    assert len(charts.columns(AXIS, [sample(1, 1.0), sample(2, 1.0), sample(9, 1.0)], gap_s=2.5)) == 2


def test_a_column_keeps_its_lowest_and_highest() -> None:
    (piece,) = charts.columns(AXIS, [sample(1.00, 3.0), sample(1.05, 9.0), sample(1.1, 1.0)], gap_s=9)
    assert (piece[0].low, piece[0].high) == (1.0, 9.0)


def test_only_what_is_past_the_limit_is_filled() -> None:
    (piece,) = charts.columns(AXIS, [sample(t, value) for t, value in ((0, 2.0), (10, 8.0), (20, 2.0))], gap_s=99)
    assert charts.breach([piece], TO, 5.0, 1) == "M50 57l50-19.8 50 19.8Z"
    assert charts.breach([piece], TO, 5.0, -1).count("Z") == 2
    assert charts.breach([piece], TO, 9.0, 1) == ""


def test_neighbouring_ticks_become_one_block() -> None:
    drawn = charts.ticks(AXIS, [sample(1.0, None), sample(1.2, None), sample(50.0, None)], 94, 100)
    assert drawn.count("M") == 2


def test_a_scale_begins_at_zero_where_that_leaves_room_and_shows_the_limit() -> None:
    assert charts.scale([0.2, 0.3], [0.4]).low == 0.0
    assert charts.scale([98.0, 99.0], [100.0]).low == 98.0
    assert charts.scale([5.0, 5.0], []).high > 5.0
    assert charts.scale([0.0], [0.0]).high > 0.0


def test_numbers_below_zero_can_be_drawn() -> None:
    to = charts.scale([-5.0, -1.0], [])
    assert charts.TOP <= to.y(-1.0) < to.y(-5.0) <= charts.BOTTOM

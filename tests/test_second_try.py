"""What of these tests is tried again when it fails, and what never is."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import again

HERE = Path(__file__).parent


@pytest.mark.parametrize("folder", ["crash", "engine", "faults", "journal", "recovery", "run", "truth", "toolkit"])
def test_what_tries_to_break_a_promise_is_never_tried_again(folder: str) -> None:
    assert not again.may_be_tried_again(Path(folder, "test_x.py"), has_a_turn=False)


@pytest.mark.parametrize("file", sorted(again.PROMISES))
def test_such_a_file_is_there_and_is_not_tried_again_wherever_it_is(file: str) -> None:
    assert (HERE / file).is_file()
    assert not again.may_be_tried_again(Path(file), has_a_turn=True)


def test_what_goes_by_servers_of_others_is_tried_again() -> None:
    assert again.may_be_tried_again(Path("kubernetes/test_nodes.py"), has_a_turn=False)
    assert again.may_be_tried_again(Path("cli/test_demo.py"), has_a_turn=True)
    assert not again.may_be_tried_again(Path("cli/test_run.py"), has_a_turn=False)


def test_who_passed_at_the_second_try_is_told_and_who_failed_twice_is_not() -> None:
    crash = SimpleNamespace(reprcrash=SimpleNamespace(message="assert 3 < 2\nfurther lines"))
    stats = {"rerun": [SimpleNamespace(nodeid="a::b", when="call", longrepr=crash),
                       SimpleNamespace(nodeid="a::c", when="setup", longrepr="a text")],
             "failed": [SimpleNamespace(nodeid="a::c")]}
    assert list(again.told(stats)) == ["passed at the second try: a::b (call: assert 3 < 2)"]

"""One watch for all who look, against a small API server."""

import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from chaos_runner.targets.kubernetes import watching
from chaos_runner.targets.kubernetes.objects import Whole
from chaos_runner.targets.kubernetes.watching import Blind, Collection, Watched, stop_all, watched
from tests.targets.kubernetes_api import Api, serving

pytest.importorskip("kubernetes")


def name_of(_: str | None, found: Whole, __: float) -> str:
    return found.metadata.name


THINGS: Collection[Whole, str] = Collection("/api/v1/things", Whole, name_of)


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as api:
        api.put("a")
        yield api
        stop_all()


@pytest.fixture
def seen(api: Api) -> Watched[Whole, str]:
    found = watched(api.cluster(), THINGS)
    assert found.look() == ("a",)
    return found


def soon(holds: Callable[[], bool], within_s: float = 3.0) -> bool:
    until_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.01)
    return True


def blind(seen: Watched[Whole, str]) -> bool:
    try:
        seen.look()
    except Blind:
        return True
    return False


def test_what_is_made_changed_and_deleted_is_seen_at_once(api: Api, seen: Watched[Whole, str]) -> None:
    api.put("b")
    assert soon(lambda: set(seen.look()) == {"a", "b"})
    api.remove("a")
    assert soon(lambda: seen.look() == ("b",))


def test_all_who_look_share_one_watch(api: Api, seen: Watched[Whole, str]) -> None:
    assert all(watched(api.cluster(), THINGS) is seen for _ in range(20))
    assert api.lists() == 1
    assert soon(lambda: api.watches() == 1)


def test_looking_asks_nothing_of_the_server(api: Api, seen: Watched[Whole, str]) -> None:
    assert soon(lambda: api.watches() == 1)
    before = len(api.asked)
    for _ in range(100):
        seen.look()
    assert len(api.asked) == before


def test_what_is_made_of_them_is_made_anew_only_of_what_has_changed(api: Api, seen: Watched[Whole, str]) -> None:
    made: list[str] = []

    def initials(names: Sequence[str]) -> str:
        made.append("".join(names))
        return made[-1]

    by_name = watched(api.cluster(), THINGS._replace(group=str))
    api.put("b")
    assert soon(lambda: by_name.fold("initials", initials) == ["a", "b"])
    assert by_name.fold("initials", initials) == ["a", "b"]
    assert sorted(made) == ["a", "b"]
    api.put("b")
    api.put("c")
    assert soon(lambda: by_name.fold("initials", initials) == ["a", "b", "c"])
    assert made.count("a") == 1
    assert by_name.fold("some", initials, lambda name: name != "a") == ["b", "c"]
    api.remove("b")
    assert soon(lambda: by_name.fold("initials", initials) == ["a", "c"])


@pytest.mark.slow
def test_a_leg_that_is_over_goes_on_where_it_ended(api: Api, seen: Watched[Whole, str]) -> None:
    assert soon(lambda: api.watches() == 2, within_s=watching.LEG_S + 3)
    api.put("b")
    assert soon(lambda: set(seen.look()) == {"a", "b"})
    assert (api.lists(), seen.lists) == (1, 1)


@pytest.mark.slow
def test_a_version_that_is_too_old_makes_a_new_list(api: Api, seen: Watched[Whole, str]) -> None:
    api.stop()
    api.put("b")
    api.remove("a")
    api.put("c")
    api.forget()
    api.start()
    assert soon(lambda: not blind(seen) and set(seen.look()) == {"b", "c"}, within_s=6)
    assert seen.lists == 2


@pytest.mark.slow
def test_a_server_that_is_gone_is_blindness_and_never_what_was_last_seen(api: Api, seen: Watched[Whole, str]) -> None:
    api.stop()
    assert soon(lambda: blind(seen))
    with pytest.raises(Blind, match="no Kubernetes API server answers"):
        seen.look()


@pytest.mark.slow
def test_a_server_that_is_back_is_seen_again_without_a_new_list(api: Api, seen: Watched[Whole, str]) -> None:
    api.stop()
    assert soon(lambda: blind(seen))
    api.put("b")
    api.start()
    assert soon(lambda: not blind(seen) and set(seen.look()) == {"a", "b"}, within_s=6)
    assert seen.lists == 1


@pytest.mark.slow
def test_a_server_that_hangs_is_blindness_after_a_few_seconds(api: Api, seen: Watched[Whole, str]) -> None:
    assert soon(lambda: api.watches() >= 1)
    api.silent = True
    began_s = time.monotonic()
    assert soon(lambda: blind(seen), within_s=12)
    assert time.monotonic() - began_s < watching.STALE_S + 2


def test_a_list_that_is_forbidden_is_told_at_once(api: Api) -> None:
    api.refuses["list"] = 403
    began_s = time.monotonic()
    with pytest.raises(Blind, match=r"so it is \(HTTP 403\)"):
        watched(api.cluster(), THINGS).look()
    assert time.monotonic() - began_s < 1


@pytest.mark.slow
def test_a_watch_that_is_forbidden_does_not_pass_for_a_fresh_one(api: Api, seen: Watched[Whole, str]) -> None:
    api.refuses["watch"] = 403
    assert soon(lambda: blind(seen), within_s=watching.LEG_S + 3)
    for _ in range(20):
        assert blind(seen)
        time.sleep(0.05)


@pytest.mark.slow
def test_storage_that_does_not_answer_is_blindness_although_the_watch_is_open(
        api: Api, seen: Watched[Whole, str]) -> None:
    api.refuses["list"] = 500
    assert soon(lambda: blind(seen), within_s=watching.LEG_S + 3)


class Notes:
    def __init__(self) -> None:
        self.told: list[tuple[str | None, str | None]] = []

    def changed(self, old: str | None, new: str | None, _: float) -> None:
        self.told.append((old, new))


def test_who_follows_is_told_of_all_there_is_and_of_each_change(api: Api, seen: Watched[Whole, str]) -> None:
    notes = Notes()
    seen.follow(notes)
    api.put("b")
    api.put("b")
    api.remove("a")
    assert soon(lambda: len(notes.told) == 4)
    assert notes.told == [(None, "a"), (None, "b"), ("b", "b"), ("a", None)]


@pytest.mark.slow
def test_what_vanished_while_nobody_looked_is_told_by_the_new_list(api: Api, seen: Watched[Whole, str]) -> None:
    notes = Notes()
    seen.follow(notes)
    api.stop()
    api.remove("a")
    api.forget()
    api.start()
    assert soon(lambda: ("a", None) in notes.told, within_s=6)

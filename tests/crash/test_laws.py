"""Every reversible fault on the shelf keeps the laws; and the check finds one that does not."""

from pathlib import Path
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, NativeProbe, Restored
from chaos_runner.laws import TRIAL, BrokenLaw, apply_acts_and_undo_brings_back
from chaos_runner.targets.host import with_words
from chaos_runner.testing import FakeFault, Trial, check_fault
from tests.crash.scenes import SCENES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sorted(SCENES))
def test_every_fault_keeps_the_laws(name: str, tmp_path: Path) -> None:
    with SCENES[name](tmp_path) as scene:
        picture = _looks(scene.picture, name)
        check_fault(name, Trial(target=scene.step.get("target", {}), arguments=scene.step.get("arguments", {}),
                                picture=picture))


def _looks(picture: Any, name: str) -> Any:
    """A load is seen by its processes, whatever run they belong to."""
    if name not in ("host.cpu_load", "host.memory_fill", "host.disk_fill"):
        return picture
    kind = name.removeprefix("host.").partition("_")[0]
    return lambda: [process.command for process in with_words("chaos_runner.targets.load", kind)
                    if any(TRIAL in word for word in process.command)]


class Forgetful(FakeFault):
    """Says that it is back, and is not."""

    def undo(self, act: Act) -> None:  # noqa: ARG002
        self._say("undo")

    def verify(self, act: Act) -> Any:
        answer = super().verify(act)
        return Restored(answer=Answer.RESTORED) if self.calls.count("undo") else answer


class Guests:
    """One broken fault on the shelf."""

    def __init__(self, broken: FakeFault) -> None:
        self._broken = broken

    def fault(self, _: str) -> FakeFault:
        """The broken one."""
        return self._broken

    def probe(self, name: str) -> NativeProbe:
        """As ever."""
        return shelf.own_probe(name)


def test_a_fault_that_lies_about_its_undo_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Forgetful()
    monkeypatch.setattr(shelf, "guests", Guests(broken))
    with pytest.raises(BrokenLaw, match="the target is not as it was"):
        apply_acts_and_undo_brings_back("fake.lie", Trial(picture=lambda: dict(broken.state)))

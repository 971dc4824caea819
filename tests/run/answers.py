"""A Chaos Toolkit probe whose answers a test lays out beforehand; the last one is given for ever."""

ANSWERS: list[bool] = []


def answer() -> bool:
    """The next answer."""
    return ANSWERS.pop(0) if len(ANSWERS) > 1 else ANSWERS[0]


def surrogate() -> str:
    """Text that UTF-8 does not have."""
    return "\udcff"


def huge() -> int:
    """A number that 64 bits do not hold."""
    return 10**5000


def endless() -> list[object]:
    """A list within itself."""
    found: list[object] = []
    found.append(found)
    return found


class _Unspeakable:
    def __repr__(self) -> str:
        raise SystemExit(0)


def unspeakable() -> object:
    """Something whose words end the process."""
    return _Unspeakable()


def unspeakable_error() -> None:
    """Raises an error with text that UTF-8 does not have."""
    raise FileNotFoundError("\udcff")

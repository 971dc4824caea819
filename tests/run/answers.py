"""A Chaos Toolkit probe whose answers a test lays out beforehand; the last one is given for ever."""

ANSWERS: list[bool] = []


def answer() -> bool:
    """The next answer."""
    return ANSWERS.pop(0) if len(ANSWERS) > 1 else ANSWERS[0]

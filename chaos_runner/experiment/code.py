"""One code, and what is to be said about it."""

from msgspec import Struct


class Code(Struct, frozen=True):
    """What is wrong, why it matters, and an example before and after. Empty examples are not shown."""

    code: str
    title: str
    explanation: str
    example_wrong: str = ""
    example_right: str = ""

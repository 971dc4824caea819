"""What the API answers when it cannot do what was asked, in Toxiproxy's words."""


class Rejected(Exception):
    """An HTTP status and the text that stands under `error`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def bad_body(what: str) -> Rejected:
    return Rejected(400, f"bad request body: {what}")


def missing(field: str) -> Rejected:
    return Rejected(400, f"missing required field: {field}")

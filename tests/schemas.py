"""A JSON Schema of ours beside the loader that it speaks for."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chaos_runner.experiment.schema_values import Schema


class Beside:
    """The schema, and what reads the text of a file: what comes of it, and what is complained of."""

    def __init__(self, schema: Schema, read: Callable[[str], tuple[object, list[Any]]]) -> None:
        jsonschema = pytest.importorskip("jsonschema")
        self._kind = jsonschema.Draft202012Validator
        self._schema = schema
        self._read = read

    def errors(self, data: Any) -> list[str]:
        """What the schema says against it."""
        return [error.message for error in self._kind(self._schema).iter_errors(data)]

    def is_sound(self, data: Any) -> bool:
        """Whether the loader finds nothing to complain of."""
        found, findings = self._read(json.dumps(data))
        return found is not None and not findings

    def check(self) -> None:
        """Raises when it is no schema of its draft."""
        self._kind.check_schema(self._schema)

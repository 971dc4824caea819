"""How a command is left because of what was found in a file."""

from collections.abc import Sequence

from chaos_runner.errors import UsageError
from chaos_runner.experiment.findings import Finding


class Complained(SystemExit):
    """The command is left because of what was found in a file. All of it has been said."""

    def __init__(self, findings: Sequence[Finding], exit_code: int = UsageError.exit_code) -> None:
        super().__init__(exit_code)
        self.findings = tuple(findings)
        self.exit_code = exit_code

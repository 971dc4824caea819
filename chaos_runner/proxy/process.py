"""The proxy as a process beside the one that starts it."""

import subprocess
import sys
from typing import Final, Self

from chaos_runner.errors import ActFailed

_STOP_S: Final = 5.0


class ProxyProcess:
    """Starts `python -m chaos_runner.proxy` in a session of its own, so that it outlives its starter if need be.

    As a context manager it is stopped at the end. Raises ActFailed when it does not come up.
    """

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "chaos_runner.proxy", *(arguments or ("--listen", "127.0.0.1:0"))]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )
        self.pid = self._process.pid
        self.address = self._read_address()

    def stop(self) -> int:
        """Asks it to end, insists after five seconds, and returns its exit code."""
        self._process.terminate()
        try:
            code = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _read_address(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("listening on "):
            raise ActFailed(f"the proxy process did not start (exit code {self.stop()}); its stderr says why")
        return line.removeprefix("listening on ").strip()

"""`python -m chaos_runner.proxy --listen 127.0.0.1:8474 --config toxiproxy.json`"""

import argparse
import sys
from typing import TYPE_CHECKING

from chaos_runner.errors import ChaosRunnerError
from chaos_runner.proxy.server import DEFAULT_LISTEN, serve

if TYPE_CHECKING:
    from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos_runner.proxy", description="A TCP proxy with toxics.")
    parser.add_argument("--listen", default=DEFAULT_LISTEN, help="where the HTTP API listens (default: %(default)s)")
    parser.add_argument("--config", type=_path, help="a JSON list of proxies to start with")
    given = parser.parse_args()
    try:
        serve(given.listen, given.config)
    except ChaosRunnerError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _path(text: str) -> "Path":
    from pathlib import Path

    return Path(text)


if __name__ == "__main__":
    sys.exit(main())

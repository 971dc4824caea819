"""`chaos-runner proxy serve`"""

from pathlib import Path

import click


@click.group()
def command() -> None:
    """A TCP proxy that can slow and cut connections, with Toxiproxy's HTTP API."""


@command.command()
@click.option("--listen", default="127.0.0.1:8474", show_default=True, metavar="HOST:PORT",
              help="Where the HTTP API answers; port 0 for any free one.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Proxies to begin with, as Toxiproxy's configuration file has them.")
def serve(listen: str, config: Path | None) -> None:
    """Run the proxy until SIGTERM or Ctrl-C."""
    from chaos_runner.proxy.server import serve as run_proxy

    run_proxy(listen, config)

"""`--open`: a page in the reader's browser."""

from pathlib import Path

import click

from chaos_runner.cli.ink import err_ink


def open_page(page: Path) -> None:
    """Opens it, or says that nothing here can."""
    try:
        opened = page.is_file() and click.launch(page.absolute().as_uri()) == 0
    except OSError:
        opened = False
    if not opened:
        click.echo(f"{err_ink().yellow('warning')}: no browser could be opened here; the page is {page}", err=True)

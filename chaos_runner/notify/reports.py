"""Where the report of a run can be read by people elsewhere."""

from urllib.parse import quote

from chaos_runner.notify.notice import Notice


def link(base: str, notice: Notice) -> str:
    """The report's address below that of the folder of reports; empty where there is none."""
    return f"{base.rstrip('/')}/runs/{quote(notice.run, safe='')}/report.html" if base and notice.run else ""

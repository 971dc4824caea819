"""The site that is built from the pages."""

import subprocess
import sys
from pathlib import Path

from tests.docs.pages import DOCS

_BUILDS = str(DOCS / "build_site.py")


def test_the_site_is_built_and_every_link_in_it_leads_somewhere(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, _BUILDS, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "how-to" / "dead-process.html").read_text(encoding="utf-8")
    assert '<h1 id="a-process-dies-or-hangs">' in page
    assert 'href="../recovery.html"' in page
    assert (tmp_path / "style.css").is_file()


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    code = (f"import sys; sys.path.insert(0, {str(DOCS)!r}); import build_site as site; from pathlib import Path\n"
            "pages = {source: site.read(site.ROOT / source) for source in site.sources()}\n"
            "index = pages['docs/index.md']\n"
            "links = site._MARKDOWN.parse('[a](gone.md) [b](verdicts.md#gone) [c](verdicts.md) ![d](gone.png)')\n"
            "print(*site.led(site.Page(index.source, links, '', frozenset()), pages), sep='\\n')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "docs/index.md: gone.md leads nowhere", "docs/index.md: verdicts.md#gone leads to a heading that is not there",
        "docs/index.md: gone.png leads nowhere"]


def test_the_readme_s_pictures_load_nothing_from_elsewhere_and_name_no_path_of_a_machine() -> None:
    picture = (DOCS / "pictures" / "console.svg").read_text(encoding="utf-8")
    assert "@font-face" not in picture
    assert "url(http" not in picture
    assert not [word for word in ("/tmp/", "/home/", "/root/") if word in picture]
    assert (DOCS / "pictures" / "report.png").read_bytes().startswith(b"\x89PNG")

"""Fifty things that a hostile target says, wherever it is asked for its name, an answer or an error."""

from typing import Final

_MARK: Final = "window.pwned=1"
PAYLOADS: Final = (
    f"<script>{_MARK}</script>", f"</script><script>{_MARK}</script>", f"<ScRiPt>{_MARK}</sCrIpT>",
    f"<img src=x onerror={_MARK}>", f"<img src=x onerror='{_MARK}'//", f"<svg onload={_MARK}>",
    f"<svg><script>{_MARK}</script></svg>", f"<svg><animate onbegin={_MARK} attributeName=x dur=1s>",
    f"<body onload={_MARK}>", f"<iframe srcdoc='<script>parent.{_MARK}</script>'></iframe>",
    f"<iframe src=javascript:{_MARK}>", f"<a href=javascript:{_MARK}>go</a>", f"<details open ontoggle={_MARK}>",
    f"<input autofocus onfocus={_MARK}>", f"<video><source onerror={_MARK}></video>",
    f"<object data=javascript:{_MARK}>",
    f"<embed src=javascript:{_MARK}>", f"<math><mi xlink:href=javascript:{_MARK}>x</mi></math>",
    f"<meta http-equiv=refresh content='0;url=javascript:{_MARK}'>", f"<base href=javascript:{_MARK}//>",
    f"<form action=javascript:{_MARK}><button>x</button></form>", f"<link rel=stylesheet href=javascript:{_MARK}>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x.css>", "<img src=http://127.0.0.1:9/x.png>",
    "<style>@import 'http://127.0.0.1:9/x.css';</style>", "</style><style>*{display:none!important}</style>",
    "<style>body{background:url(http://127.0.0.1:9/x)}</style>", "<div style='position:fixed;inset:0;background:red'>",
    f"\" onmouseover=\"{_MARK}", f"' onmouseover='{_MARK}", f"\"><script>{_MARK}</script>", f"'><svg/onload={_MARK}>",
    f"`-{_MARK}-`", f"${{{_MARK}}}", "{{ 7*7 }}{% raw %}{{ self }}", f"-->\n<script>{_MARK}</script><!--",
    f"]]><script>{_MARK}</script>", f"</pre></details><script>{_MARK}</script>", f"</title><script>{_MARK}</script>",
    f"</textarea><script>{_MARK}</script>", f"&lt;script&gt;{_MARK}&lt;/script&gt;", f"&#60;script&#62;{_MARK}",
    "\u202egnp.exe\u202d\u2066mixed\u2069\u200f", "in\u200bvis\u200dible\ufeff\u2060",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "\x1b[2J\x1b[H\x1b]8;;http://evil\x07link\x1b]8;;\x07", "\x00\x08\x7f\x9b31m", "Z\u0351\u034a\u0300" * 400,
    "x" * 1_000_000, "word " * 200_000,
)
assert len(PAYLOADS) == 50

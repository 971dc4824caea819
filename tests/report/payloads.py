"""Texts that a target may say to break whatever tells of it."""

from typing import Final

PAYLOADS: Final = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "end of CDATA": "]]></failure><testcase name='x'/>&amp;&#0;\"'",
    "colour": "\x1b[31mred\x1b]0;title\x07\x1b[2J",
    "control": "".join(map(chr, range(32))) + "\x7f\x85\x9b",
    "halves of characters": "\ud800 \udfff \uffff \ufffe",
    "turned text": "\u202egnp.exe\u2066\u200b\u200d\ufeff\U000e0041",
    "lines": "a\n::error file=x,line=1::owned\r\n::add-mask::*\r::set-output name=a::b\u2028::warning::c",
    "old commands": "##[error]owned ##[set-env name=PATH;]x",
    "escapes": "100%25, 50%0A::error::x %3A %2C a:b,c=d%",
    "blocks": "```\n````\n# owned\n~~~\n| a | b |\n</details>",
    "mentions": "@everyone #1 !2 www.evil.example http://evil.example [x](javascript:alert(1)) ![x](http://evil.example)",
    "nothing": "",
    "space": " \t\n ",
    "a long line": "A" * 1_000_000,
    "a long line that has to be shown": "\u202e%" * 100_000,
}

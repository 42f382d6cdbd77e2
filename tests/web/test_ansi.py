"""Colours as classes, everything else escaped or dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.web import ansi


def drawn(text: bytes) -> str:
    return ansi.render(text, ansi.Pen())[0]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (b"plain", "plain"),
        (b"\x1b[31mred\x1b[0m plain", '<span class="c31">red</span> plain'),
        (b"\x1b[1mbold\x1b[22m", "<b>bold</b>"),
        (b"\x1b[1;91mF\x1b[m.", '<b class="c31">F</b>.'),
        (b"\x1b[90mgrey\x1b[39mink", '<span class="c90">grey</span>ink'),
        (b"\x1b[30mblack\x1b[37mwhite", "blackwhite"),
        (b"\x1b[38;5;196mred", '<span class="c31">red</span>'),
        (b"\x1b[38;2;0;200;20mgreen", '<span class="c32">green</span>'),
        (b"\x1b[38:2:200:0:200mmagenta", '<span class="c35">magenta</span>'),
        (b"\x1b[48;5;196mground\x1b[48;2;1;2;3m too", "ground too"),
        (b"\x1b[38;5mbroken\x1b[38m too", "broken too"),
        (b"\x1b[2Jcleared\x1b[10;10H", "cleared"),
        (b"\x1b[31m<script>alert(1)</script>", '<span class="c31">&lt;script&gt;alert(1)&lt;/script&gt;</span>'),
        (b'"quoted" & more', "&quot;quoted&quot; &amp; more"),
        ("\u202egnp\x00".encode(), '<span class="odd">U+202E</span>gnp<span class="odd">NUL</span>'),
        (b"\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\", "link"),
    ],
)
def test_a_line_is_drawn(text: bytes, html: str) -> None:
    assert html == drawn(text)


def test_a_colour_goes_on_into_the_next_line() -> None:
    _, pen = ansi.render(b"\x1b[31mred", ansi.Pen())

    assert ansi.render(b"still red", pen)[0] == '<span class="c31">still red</span>'


@given(st.binary(max_size=300) | st.text(alphabet="\x1b[]0;38m<>&\"'\r", max_size=60).map(str.encode))
def test_whatever_the_bytes_only_our_own_tags_come_out(text: bytes) -> None:
    html = drawn(text)
    for tag in (
        "<b>",
        "</b>",
        "</span>",
        '<span class="odd">',
        *(f'<{t} class="c{n}">' for t in ("b", "span") for n in ansi._CLASSED),
    ):
        html = html.replace(tag, "")

    assert not set("<>\x1b\r\x00") & set(html)

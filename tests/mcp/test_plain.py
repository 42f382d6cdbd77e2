"""What an agent is given is plain, and never too large."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.mcp import plain, telling


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07x", "red x"),
        ("a\x00b\x07c\x9bd", "abcd"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("zero\u200bwidth\ufeff\u2060", "zerowidth"),
        # A text in tag characters, and one in variation selectors: nobody sees them, and a model reads them.
        ("a\U000e0041\U000e0042b\ufe0f\U000e0101c", "abc"),
        ("two\nlines\r\n\u2028", "two lines  "),
        ("größer 値段", "größer 値段"),
    ],
)
def test_nothing_is_left_that_nobody_sees(text: str, seen: str) -> None:
    assert seen == plain.clean(text)


@given(st.lists(st.text(), max_size=5), st.integers(1, 10**6))
def test_no_line_of_a_log_ends_its_block(lines: list[str], first: int) -> None:
    told = telling.block("log", first, [*lines, "--- END abc ---"], "abc").split("\n")

    assert len(told) == len(lines) + 3
    assert told.index("--- END abc ---") == len(told) - 1
    assert all(" | " in line for line in told[1:-1])
    assert not any(unicodedata.category(each) in ("Cc", "Cf") for line in told for each in line)


@given(st.text())
def test_quoted_words_stay_in_their_quotes(text: str) -> None:
    told = telling.quoted(text)

    assert "\n" not in told
    assert json.loads(told) == plain.clean(text)


def test_the_first_answer_that_fits_is_taken() -> None:
    made: list[int] = []

    def make(count: int) -> tuple[str, dict[str, str]]:
        made.append(count)
        return "x" * count, {"x": "x" * count}

    text, _ = plain.fitting((40_000, 20_000, 10_000, 5_000), make)

    assert (len(text), made) == (10_000, [40_000, 20_000, 10_000])
    with pytest.raises(OverflowError):
        plain.fitting((40_000,), make)

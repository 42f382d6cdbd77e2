"""What is new in a log: its words first, then its names; what moves from run to run is never new."""

import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ctci.formats import novel
from ctci.model import Lines, NewLine, Novel

GREEN = b"""\
Nov 30 03:15:28 start of run 4711
[  1/20] CC src/cart.o
[ 20/20] CC src/shop.o
cc: warning: option -Wodd is ignored
test_cart_total ... ok
10 passed, 0 failed in 12.20s
"""


def learnt(*logs: bytes) -> Lines:
    """What is known after these green logs."""
    each = [novel.scan([log], None)[0] for log in logs]
    words = [lines.words for lines in each if lines.words is not None]
    whole = [lines.whole for lines in each if lines.whole is not None]
    return Lines(
        way=novel.WAY,
        words=frozenset().union(*words) if len(words) == len(logs) else None,
        whole=frozenset().union(*whole) if len(whole) == len(logs) else None,
    )


def new(log: bytes, *greens: bytes) -> list[tuple[int, str]]:
    """(line, text) of what is new in a log after green ones."""
    _, news = novel.scan([log], learnt(*(greens or (GREEN,))))
    return [] if news is None else [(each.line, each.text) for each in news.lines]


def test_what_no_green_log_had_is_new_with_the_number_of_its_line() -> None:
    red = GREEN.replace(b"... ok", b"... 3 is not 4, GIVING UP")

    _, news = novel.scan([red], learnt(GREEN))

    assert news == Novel(count=1, lines=(NewLine(line=5, text="test_cart_total ... 3 is not 4, GIVING UP"),))


def test_without_a_green_log_nothing_is_new() -> None:
    assert novel.scan([b"boom\n"], None)[1] is None


def test_after_a_green_log_that_was_empty_everything_is_new() -> None:
    assert new(b"boom\n", b"") == [(1, "boom")]


@pytest.mark.parametrize(
    "line",
    [
        b"Dec  1 23:59:01 start of run 12\n",
        b"Sat May  2 3:15:28 start of run 4711\n",
        b"[ 7/2100] CC src/cart.o\n",
        b"\x1b[1m[ 1/20]\x1b[0m CC \x1b[32msrc/cart.o\x1b[0m\n",
        b"9 passed, 1 failed in 2 ms\n",
        b"11 passed, 0 failed in 1 m 12.2 s\n",
        b"  7%\r 40%\r[ 3/20] CC src/cart.o\r\n",
    ],
)
def test_times_numbers_and_colours_are_no_news(line: bytes) -> None:
    assert new(GREEN + line) == []


@pytest.mark.parametrize(
    ("green", "red"),
    [
        (b"pid 4211 wrote /tmp/tmp.aB3dE9xY2z/out\n", b"pid 77 wrote /tmp/tmp.q7LmN0pQ1r/out\n"),
        (b"at 0x7f3a2b10 of 9f86d081884c\n", b"at 0x55d1c0 of e3b0c44298fc1c149afb\n"),
        (b"request 123e4567-e89b-12d3-a456-426614174000 ok\n", b"request 00000000-aaaa-bbbb-cccc-dddddddddddd ok\n"),
        (b"2026-11-24T09:43:53.120Z INFO ready\n", b"2027-01-02T23:00:00+01:00 INFO ready\n"),
        (b"[==>      ]  20%\n", b"[=======> ]  9%\n"),
        ("\u2588\u2588\u2591\u2591 20 % of 9.4 MB\n".encode(), "\u2588\u2588\u2588\u2588 100 % of 12 kB\n".encode()),
        (b"took 900 ms\n", b"took 2 min 3 s\n"),
        (b"Sun Oct 24 03:15:28 CEST 2026 start\n", b"Mon Nov  1 03:15:28 CET 2026 start\n"),
        (b"remote: 9% (1/12), 3.2 MiB/s, eta 0:12\n", b"remote: 100% (12/12), 700 KiB/s, eta 0:00\n"),
        (b"....s..x   [ 45%]\n", b"..........   [  9%]\n"),
        (b"0.1 kB\r3 MB\rdone in 3 s\n", b"9 kB\rdone in 2 min\n"),
        (b"reading /build/ci/a1.obj\n", b"reading /agent/seven/work/a27.obj\n"),
        (b"keys: 7 kB of Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4\n", b"keys: 1 B of " + b"AbCd" * 12 + b"\n"),
    ],
)
def test_what_moves_between_runs_is_no_news(green: bytes, red: bytes) -> None:
    assert new(red, green) == []


@pytest.mark.parametrize(
    ("green", "red"),
    [
        (b"ok 1 - cart\n", b"not ok 1 - cart\n"),
        ("\u2713 cart\n".encode(), "\u2717 cart\n".encode()),
        (b"......\n", b"..F...\n"),
        (b"state: ready\n", b"state: stuck\n"),
        (b"cart_total passed\n", b"cart_total FAILED\n"),
        (b"HTTP_OK\n", b"HTTP_ERROR\n"),
        (b"java.lang.String ok\n", b"java.lang.NullPointerException at cart\n"),
    ],
)
def test_what_a_tool_says_of_a_failure_is_news(green: bytes, red: bytes) -> None:
    assert new(red, green) == [(1, red.decode().rstrip())]


@pytest.mark.parametrize(
    "line",
    ["ok 7 - a voucher is read", "voucher            OK   0.2 s", "--- PASS: TestVoucher (0.00s)", "\u2713 voucher"],
)
def test_a_new_success_is_no_news(line: str) -> None:
    green = b"ok 1 - cart\n"

    assert new(green + f"{line}\nstock is gone\n".encode(), green) == [(3, "stock is gone")]
    assert new(green + f"{line}\n".encode(), green) == []


def test_a_success_that_is_taken_back_is_news() -> None:
    for line in (
        "not ok 7 - voucher",
        "voucher done with errors",
        "1 test failed, voucher passed",
        "status is gone, expected ok",
    ):
        assert new(f"{line}\n".encode(), b"ok 1 - cart\n") == [(1, line)]


def test_a_new_name_is_told_where_no_word_is_new() -> None:
    green = b"cannot open data/a.csv, left out\ncannot open data/b.csv, left out\n"

    assert new(green + b"cannot open data/prices.csv, left out\n", green) == [
        (3, "cannot open data/prices.csv, left out")
    ]
    assert new(green + b"cannot open data/prices.csv, left out\nno prices\n", green) == [(4, "no prices")]


def test_the_same_line_is_told_once_where_it_stands_first() -> None:
    _, news = novel.scan([b"a\nretry 1\nretry 2\nb\nretry 3\nout of disk\n"], learnt(b"a\nb\n"))

    assert news == Novel(count=2, lines=(NewLine(line=2, text="retry 1"), NewLine(line=6, text="out of disk")))


def test_of_many_new_lines_the_first_are_told() -> None:
    letters = [f"{one}{other}" for one in "bcdfg" for other in "jklnpq"]

    _, news = novel.scan(["".join(f"broken {each}x\n" for each in letters).encode()], novel.NONE)

    assert news is not None
    assert (news.count, [each.line for each in news.lines]) == (30, list(range(1, novel.MOST_TOLD + 1)))


def test_what_is_told_is_cut_and_holds_no_controls() -> None:
    ((_, text),) = new(b"bad \x07\xe2\x80\xae\xff " + b"x" * 9000 + b"\n", b"good\n")

    assert len(text) <= novel.MOST_TEXT
    assert text.isprintable()


def test_lines_of_ctci_itself_are_no_news() -> None:
    assert new(GREEN + b"[ctci] the time was up: sent TERM\n") == []


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_where_a_log_was_cut_the_torn_lines_are_no_news(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(novel, "BLOCK", 120)
    whole = GREEN + b"half a torn li\n[ctci] 123456 bytes left out here\nrn line, torn again\n" + GREEN + b"boom\n"
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]

    _, news = novel.scan(pieces, learnt(GREEN))

    assert news == Novel(count=1, lines=(NewLine(line=16, text="boom"),))


def test_a_log_that_ends_where_it_was_cut_is_read_too() -> None:
    assert new(b"torn\n[ctci] 1 bytes left out here\n") == []
    assert new(b"torn\n[ctci] 1 bytes left out here\nboom\nbang") == [(4, "bang")]


def test_a_line_longer_than_a_block_is_passed_over_and_counted() -> None:
    log = b"one\n" + b"x" * (5 * novel.BLOCK) + b"\nthree\n" + b"y" * novel.BLOCK

    assert new(log, b"one\n") == [(3, "three")]


@pytest.mark.parametrize("many", ["forms", "short"])
def test_a_log_that_is_too_various_says_nothing_and_teaches_nothing(many: str) -> None:
    letters = random.Random(1)
    words = ["".join(letters.choices("ghijklmnop", k=6)) for _ in range(novel.MOST_FORMS + 100)]
    log = "\n".join(words) if many == "forms" else "a\n" * (novel.BLOCK // 2 + 10)

    lines, news = novel.scan([log.encode()], novel.NONE)

    assert (lines, news) == (novel.VARIOUS, None)


def test_a_log_with_too_many_names_is_known_by_its_words() -> None:
    letters = random.Random(1)
    names = ["".join(letters.choices("ghijklmnop", k=6)) for _ in range(novel.MOST_WHOLE + 2000)]
    green = "".join(f"CC src/{name}.c\n" for name in names).encode()

    assert learnt(green).whole is None
    assert new(green + b"CC src/late.c\n", green) == []
    assert new(green + b"src/late.c is cursed\n", green) == [(len(names) + 1, "src/late.c is cursed")]


def test_where_green_logs_are_too_various_nothing_is_new() -> None:
    assert novel.scan([b"boom\n"], novel.VARIOUS)[1] is None
    words_only = Lines(way=novel.WAY, words=None, whole=frozenset())
    assert novel.scan([b"boom\n"], words_only)[1] is not None


def test_lines_that_were_told_apart_in_another_way_are_not_compared() -> None:
    assert novel.scan([b"boom\n"], Lines(way=novel.WAY + 1))[1] is None


def test_lines_come_back_from_json_as_they_were() -> None:
    for lines in (learnt(GREEN), novel.NONE, novel.VARIOUS):
        assert novel.lines(novel.plain(lines)) == lines


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [b"\n", b"\r", b"\r\n", b"\x1b[31m", b"FAIL x\n", b"a.c:12: ok\n", b"12:30 boom\n", b"[ctci] "]
        ),
        st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    ),
    max_size=30,
)


@given(PIECES)
@example([b"a\n[ctci] 1 bytes left out here\n[ctci] 1 bytes left out here\n"])
@example([b"x\r\n\x1b[0m"])
def test_a_log_is_never_new_to_itself_in_whatever_order_its_lines_come(pieces: list[bytes]) -> None:
    log = b"".join(pieces)
    turned = b"\n".join(reversed(log.split(b"\n")))

    lines = novel.scan([log], None)[0]

    assert novel.scan([log], lines) == (lines, None)
    if b"left out here" not in log:
        assert novel.scan([turned], lines) == (lines, None)


@given(PIECES, st.lists(st.integers(min_value=1, max_value=50), max_size=20))
def test_how_a_log_is_cut_into_pieces_changes_nothing(pieces: list[bytes], cuts: Sequence[int]) -> None:
    log, at, cut = b"".join(pieces), 0, []
    for size in cuts:
        cut.append(log[at : at + size])
        at += size

    assert novel.scan([*cut, log[at:]], novel.NONE) == novel.scan([log], novel.NONE)


@given(PIECES)
def test_each_new_line_stands_where_it_is_told_to(pieces: list[bytes]) -> None:
    log = b"".join(pieces)
    rows = log.split(b"\n")

    _, news = novel.scan([log], novel.NONE)

    for each in news.lines if news is not None else ():
        alone = novel.scan([rows[each.line - 1]], novel.NONE)[1]
        assert alone is not None
        assert (alone.lines[0].text, alone.lines[0].line) == (each.text, 1)


@pytest.mark.parametrize(
    "line",
    [
        b"./" * 4000,
        b"1." * 4000,
        b"\x1b[" * 4000,
        b"a_b." * 2000,
        b"/tmp/" * 1600,
        b"12:30 " * 1300,
        b"\xff\xfe" * 4000,
    ],
)
def test_a_line_made_to_hurt_is_read_at_once(line: bytes) -> None:
    log = [b"%s%s\n" % (line, bytes([97 + at % 26]) * (at // 26)) for at in range(300)]

    began = time.process_time()
    novel.scan(log, novel.NONE)

    assert time.process_time() - began < 4.0

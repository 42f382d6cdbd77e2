"""A log on disk: every window equals what a plain split says, whatever the bytes, and big ones cost little."""

import itertools
import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import logs

_examples = itertools.count()


def opened(path: Path) -> logs.Log:
    log = logs.open_(path)
    assert log is not None
    return log


def texts(path: Path, first: int, count: int) -> list[bytes]:
    return [line.text for line in logs.window(opened(path), first, count)]


def test_there_is_no_log_where_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "log"

    assert logs.open_(path) is None
    assert logs.tail(path, 10) == (1, [])


def test_an_empty_log_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()

    assert opened(path).lines == 0
    assert logs.window(opened(path), 1, 10) == ()
    assert logs.tail(path, 10) == (1, [])


@given(
    parts=st.lists(st.tuples(st.sampled_from([b"", b"x", b"x" * 300, b"\xff\x00"]), st.integers(1, 400)), max_size=6),
    ended=st.booleans(),
    first=st.integers(1, 2500),
    count=st.integers(1, 700),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_is_what_a_split_says(
    *, tmp_path: Path, parts: list[tuple[bytes, int]], ended: bool, first: int, count: int
) -> None:
    # A file of its own for each example: the index of a log is kept, and a log is never written anew.
    path = tmp_path / f"log{next(_examples)}"
    content = b"".join((line + b"\n") * times for line, times in parts)
    content = content if ended else content[:-1]
    path.write_bytes(content)
    lines = content.split(b"\n")
    lines = lines[:-1] if lines[-1] == b"" else lines

    log = opened(path)
    start, end = logs.span(log, first, count)

    assert len(lines) == log.lines
    assert lines[first - 1 : first - 1 + count] == texts(path, first, count)
    assert content[start:end].split(b"\n")[: len(lines[first - 1 : first - 1 + count])] == lines[first - 1 :][:count]
    assert (max(1, len(lines) - count + 1), lines[-count:]) == logs.tail(path, count)


@pytest.mark.parametrize("piece", [b"one\n", b"a line\nand a half", b"\n" * 70_000, b"x" * (logs.STEP - 1) + b"\n"])
def test_a_log_that_grows_is_read_on(tmp_path: Path, piece: bytes) -> None:
    path = tmp_path / "log"
    whole = b""
    for _ in range(4):
        whole += piece
        with path.open("ab") as file:
            file.write(piece)

        log = opened(path)

        assert len(whole.splitlines()) == log.lines
        assert whole.endswith(b"\n") == log.whole
        assert whole.splitlines()[-1][: logs.WIDTH] == logs.tail(path, 1)[1][0]


def test_a_log_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"old\n" * 10)
    opened(path)
    (tmp_path / "other").write_bytes(b"new\n" * 3)

    os.replace(tmp_path / "other", path)

    assert texts(path, 1, 10) == [b"new"] * 3


def test_of_a_progress_bar_the_last_state_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    bar = b"".join(b"%d %%\r" % percent for percent in range(20_000))
    path.write_bytes(b"windows line\r\n" + bar + b"done\nnext\n")

    windows, line, after = logs.window(opened(path), 1, 3)

    assert (windows.text, windows.states) == (b"windows line", 0)
    assert (line.text, line.states, line.more) == (b"done", 20_000, 0)
    assert after.text == b"next"


def test_a_long_line_is_cut_and_says_how_much_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 3_000_000 + b"\n" + "ä".encode() * 4000 + b"\nshort\n")

    long, umlauts, short = logs.window(opened(path), 1, 3)

    assert (len(long.text), long.more) == (logs.WIDTH, 3_000_000 - logs.WIDTH)
    assert umlauts.text.decode() == "ä" * 2048
    assert (short.text, short.more) == (b"short", 0)


def test_a_big_log_costs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        for _ in range(40):
            file.write(b"tests/test_cart.py ............... [ 35%]\n" * 25_000)
    tracemalloc.start()

    first, lines = logs.tail(path, 500)
    window = logs.window(opened(path), 700_000, 500)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (first, len(lines)) == (1_000_000 - 499, 500)
    assert (window[0].number, window[-1].number) == (700_000, 700_499)
    assert peak < 4_000_000


def test_times_are_those_of_the_chunk_that_holds_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "log"
    records = [(0, 1000), (100, 2000), (250, 3000)]
    (tmp_path / "log.idx").write_bytes(b"".join(struct.pack("<QQ", *record) for record in records) + b"half a rec")

    assert logs.times(path, [0, 99, 100, 249, 250, 9999]) == [1000, 1000, 2000, 2000, 3000, 3000]
    assert logs.times(path, [300]) == [3000]


def test_without_a_record_nobody_knows_the_time(tmp_path: Path) -> None:
    path = tmp_path / "log"
    without = logs.times(path, [0, 10])
    (tmp_path / "log.idx").write_bytes(struct.pack("<QQ", 5, 1000))

    assert without == [None, None]
    assert logs.times(path, [0, 10]) == [None, 1000]
    assert logs.times(path, []) == []


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain\ttext", "plain\ttext"),
        (b"\x1b[1;31mred\x1b[0m \x1b[38;5;12mblue\x1b[K", "red blue"),
        (b"\x1b]0;a title\x07text\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "textlink"),
        (b"\x1bPdevice\x1b\\after\x1b(B\x1b7", "after"),
        (b"1 %\r50 %\r100 %\r\n", "100 %"),
        (b"bell\x07 nul\x00 back\x08", "bell<BEL> nul<NUL> back<BS>"),
        ("a\u202egnp.exe\u200b".encode(), "a<U+202E>gnp.exe<U+200B>"),
        (b"\x1b[unended", "nended"),
        (b"\x1b", "<ESC>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\xc2\x9b31m", "<U+009B>31m"),
    ],
)
def test_clean_text_obeys_no_terminal_and_hides_nothing(raw: bytes, shown: str) -> None:
    assert shown == logs.clean(raw)

"""The scan as a whole: any bytes, any chunks, any length; and ctci's word on what was left out."""

import os
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctci.formats import diagnostics, window
from ctci.formats.diagnostics import BLOCK, MOST_ALIKE
from ctci.formats.window import NEAR, WIDTH
from tests.formats import logs

COUNT = int(os.environ.get("CTCI_FUZZ", "2000"))
FILLER = b"compiling one more part of the shop, which goes well as always\n"
LINES = sorted({line for name in logs.NAMES for line in logs.sample(name).splitlines(keepends=True)})

#: Logs of lines that the families know, in any order, with any bytes between and within.
pieces = st.sampled_from(LINES) | st.sampled_from([b"\n", b"\r", b"\x1b[31m", b"\xff", b"\0", b"error: "]) | st.binary()
odd_logs = st.lists(pieces, max_size=30).map(b"".join)


@settings(max_examples=COUNT // 4, deadline=None)
@given(odd_logs)
def test_any_bytes_are_read_and_each_finding_can_be_shown(log: bytes) -> None:
    found = diagnostics.scan([log], root="/build/shop")

    for each in found:
        assert each.severity in ("error", "failure", "warning", "note")
        assert 0 < len(each.message) <= 2000
        for text in (each.message, each.file or "", each.test or "", each.rule or ""):
            assert not {"\x1b", "\x00", "\r", "\u202e"} & set(text)
            text.encode()
        assert each.tool == "ctci" or 0 < (each.log_line or 0) <= log.count(b"\n") + 1


def _cut(log: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({cut % (len(log) + 1) for cut in cuts})
    for start, end in zip([0, *places], [*places, len(log)], strict=True):
        yield log[start:end]


@settings(max_examples=COUNT // 10, deadline=None)
@given(odd_logs, st.lists(st.integers(0, 10**6), max_size=20))
def test_how_a_log_is_cut_into_chunks_changes_nothing(log: bytes, cuts: list[int]) -> None:
    assert diagnostics.scan([log]) == diagnostics.scan(_cut(log, cuts))


@settings(max_examples=COUNT // 20, deadline=None)
@given(odd_logs, st.integers(1, 400), st.lists(st.integers(0, 10**6), max_size=20))
def test_chunks_change_nothing_in_a_log_of_many_blocks_with_a_long_line(log: bytes, size: int, cuts: list[int]) -> None:
    long = log + b"x" * (size * 20) + b"\n" + log * 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diagnostics, "BLOCK", 1000)
        patch.setattr(diagnostics, "NEAR", 500)
        patch.setattr(diagnostics, "WIDTH", 200)
        patch.setattr(window, "WIDTH", 200)

        assert diagnostics.scan([long]) == diagnostics.scan(_cut(long, cuts))


@pytest.mark.parametrize("name", ["pytest", "cargo", "gcc-notes", "eslint", "chained", "go-test-verbose"])
def test_a_blocks_end_may_stand_anywhere_in_what_a_tool_says(name: str) -> None:
    sample = logs.sample(name)
    alone = [(each.tool, each.message, each.file, each.line, each.test) for each in logs.scan(sample)]

    for shift in range(0, len(sample) + 1, max(1, len(sample) // 12)):
        before = FILLER * ((BLOCK - shift) // len(FILLER))
        found = logs.scan(before + sample + FILLER * ((BLOCK + NEAR) // len(FILLER)))

        assert alone == [(each.tool, each.message, each.file, each.line, each.test) for each in found], shift


def test_the_log_line_is_counted_over_blocks_and_long_lines() -> None:
    log = FILLER * 40_000 + b"x" * 3 * BLOCK + b"\n" + FILLER * 10 + b"src/a.c:3:1: error: broken\n"

    assert logs.only(log).log_line == 40_012


def test_the_last_line_counts_without_its_end() -> None:
    assert logs.only("src/a.c:3:1: error: broken").message == "broken"
    assert logs.only("error[E0308]: mismatched types\n --> src/main.rs:3:5").tool == "rustc"


def test_an_empty_log_tells_nothing() -> None:
    assert () == diagnostics.scan([]) == diagnostics.scan([b"", b""])


def test_of_a_line_without_end_the_beginning_is_read_and_that_is_said() -> None:
    log = b"src/a.c:3:1: error: broken " + b"src/b.c:3:1: error: late " * 1000 + b"\nsrc/c.c:3:1: error: next\n"

    found = logs.scan(log)

    assert [each.tool for each in found] == ["gcc", "gcc", "ctci"]
    assert [each.file for each in found[:2]] == ["src/a.c", "src/c.c"]
    assert found[-1].message == "lines longer than 8 KB were read only in their beginning"
    assert WIDTH == 8192


def test_a_line_of_many_blocks_is_read_in_its_beginning_only() -> None:
    log = b"src/a.c:3:1: error: broken " + b"x" * 5 * BLOCK + b"src/b.c:3:1: error: late\nsrc/c.c:3:1: error: next\n"

    found = logs.scan(log)

    assert [each.file for each in found] == ["src/a.c", "src/c.c", None]
    assert [each.log_line for each in found] == [1, 2, None]
    assert found[-1].tool == "ctci"


def test_of_the_same_kind_only_the_first_are_kept_and_that_is_said() -> None:
    log = "".join(f"src/a.c:{line}:1: warning: odd\n" for line in range(1, 301)) + "src/b.c:1:1: error: broken\n"

    *found, own = logs.scan(log)

    assert len(found) == MOST_ALIKE + 1
    assert found[-1].file == "src/b.c"
    assert (own.tool, own.message) == ("ctci", "only the first 200 warnings of gcc are kept")


def test_of_all_only_the_first_are_kept_and_that_is_said() -> None:
    shapes: tuple[str, ...]
    shapes = ("a.c:{}:1: error: x", "a.py:{}: error: x", "a.java:{}: error: x", "a.sh:{}:1: error: x", "a.go:{}:1: x")
    shapes += ("a.ts({},1): error TS2322: x", "a.cs({},1): error CS1002: x", "::error line={}::x")
    log = "\n".join(shape.format(line) for shape in shapes for line in range(1, 181))

    *found, own = logs.scan(log)

    assert len(found) == 1000
    assert (own.tool, own.message) == ("ctci", "only the first 1000 findings are kept")


def test_the_same_said_again_is_one_finding() -> None:
    assert len(logs.scan("src/a.c:3:1: error: broken\n" * 500)) == 1


def test_lines_that_only_look_so_are_given_up_one_day_and_that_is_said() -> None:
    nonsense = "ordinary :12: error: nonsense\n" * 4000

    found = logs.scan(nonsense + "src/main.rs:1:1: error: late\nE   assert 0\n")

    assert [each.tool for each in found] == ["pytest", "ctci"]
    assert "lines like those of compilers were no longer read from line 3001 on" in found[-1].message


def test_memory_is_bounded_whatever_the_log() -> None:
    def endless() -> Iterator[bytes]:
        for number in range(400):
            yield FILLER * 500
            yield b"src/a.c:%d:1: error: %s\n" % (number, b"x" * 10_000)
            yield b"y" * 70_000

    tracemalloc.start()
    diagnostics.scan(endless())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 12_000_000

"""Problem-matcher files: what they find in a log, and what is said of one that cannot be used."""

import json
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctci.formats import diagnostics, problem_matcher
from ctci.model import Finding

COUNT = int(os.environ.get("CTCI_FUZZ", "2000"))
LINE = {
    "regexp": r"^(\S+):(\d+) (bad|odd) \[(\w+)\] (.*)$",
    "file": 1,
    "line": 2,
    "severity": 3,
    "code": 4,
    "message": 5,
}


def file_of(*matchers: Any) -> bytes:
    """A file of such matchers."""
    return json.dumps({"problemMatcher": list(matchers)}).encode()


def matcher(*lines: Any, **keys: Any) -> dict[str, Any]:
    """A matcher of such lines."""
    return {"owner": "ours", "pattern": list(lines), **keys}


def scan(log: str, body: bytes, root: str = "") -> tuple[Finding, ...]:
    """What the matchers of a file find in a log."""
    matchers, wrong = problem_matcher.read(body)
    assert wrong == ()
    return diagnostics.scan([log.encode()], root=root, matchers=matchers)


def test_one_line_tells_all() -> None:
    line = {**LINE, "regexp": r"^(\S+):(\d+) (warning|error) \[(\w+)\] (.*)$"}

    (found,) = scan("hello\n./src/a.f90:12 warning [W7] odd thing\n", file_of(matcher(line)))

    expected = Finding(
        severity="warning", tool="ours", message="odd thing", rule="W7", file="src/a.f90", line=12, log_line=2
    )
    assert expected == found


def test_a_severity_that_is_not_told_is_the_matchers() -> None:
    log = "a.f90:12 bad [W7] thing\n"

    assert [each.severity for each in scan(log, file_of(matcher(LINE)))] == ["error"]
    assert [each.severity for each in scan(log, file_of(matcher(LINE, severity="notice")))] == ["note"]


def test_several_lines_tell_together_and_the_last_may_loop() -> None:
    body = file_of(
        matcher(
            {"regexp": r"^File (.+)$", "file": 1},
            {"regexp": r"^-+$"},
            {"regexp": r"^  (\d+):(\d+) (.*)$", "line": 1, "column": 2, "message": 3, "loop": True},
        )
    )

    found = scan("File a.f90\n---\n  1:2 first\n  3:4 second\nend\n  5:6 not of it\nFile b.f90\nno dashes\n", body)

    assert [(each.file, each.line, each.column, each.message, each.log_line) for each in found] == [
        ("a.f90", 1, 2, "first", 3),
        ("a.f90", 3, 4, "second", 4),
    ]


def test_colours_and_carriage_returns_are_not_seen_by_patterns() -> None:
    found = scan("\x1b[1ma.f90\x1b[0m:12 bad [W7] \x1b[31mthing\x1b[0m\r\n", file_of(matcher(LINE)))

    assert [each.message for each in found] == ["thing"]


def test_javascripts_characters_and_classes_of_letters_are_understood() -> None:
    body = file_of(matcher({"regexp": r"^\u25cf ([^é]+)\/(.*)$", "file": 1, "message": 2}))

    assert [(each.file, each.message) for each in scan("● über/gut\n", body)] == [("über", "gut")]


def test_a_pattern_never_matches_over_the_end_of_a_line() -> None:
    body = file_of(matcher({"regexp": r"bad\s+([^:]+):(.*)", "file": 1, "message": 2}))

    assert [(each.file, each.message) for each in scan("bad\nbad one\nbad x:y\n", body)] == [("x", "y")]


def test_a_pattern_made_to_hurt_is_read_in_linear_time() -> None:
    body = file_of(matcher({"regexp": r"^(a+)+b(.*)$", "message": 2}))

    assert scan(("a" * 5000 + "\n") * 2000, body) == ()


def test_a_pattern_that_matches_every_line_ends_at_the_cap() -> None:
    found = scan(
        "".join(f"line {number}\n" for number in range(30_000)), file_of(matcher({"regexp": ".*", "message": 0}))
    )

    assert sum(each.tool == "ours" for each in found) == 200
    assert {"only the first 200 errors of ours are kept"} <= {each.message for each in found}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the file is not JSON"),
        (b"\xff\xfe", "the file is not JSON"),
        (b"[]", "the file has no list `problemMatcher`"),
        (b'{"problemMatcher": []}', "the file has no list `problemMatcher`"),
        (b"[" * 100_000, "the file is nested deeper than 20"),
        (b" " * 300_000, "the file is larger than 256 KiB"),
        (file_of(7), "matcher number 1: it is not an object"),
        (file_of({"pattern": [LINE]}), "matcher number 1: `owner` must be a short name"),
        (file_of(matcher(LINE), matcher(LINE)), "matcher `ours`: an earlier one has the same owner"),
        (file_of(matcher(LINE, severity="fatal!")), "matcher `ours`: `severity` must be error, warning or notice"),
        (file_of(matcher()), "matcher `ours`: `pattern` must be a list of 1 to 10 patterns"),
        (file_of(matcher({"message": 1})), "matcher `ours`: pattern 1 needs a `regexp` of at most 2000 characters"),
        (
            file_of(matcher({**LINE, "file": 6})),
            "matcher `ours`: pattern 1: `file` must be a group of its regexp, 0 to 5",
        ),
        (file_of(matcher({**LINE, "flie": 1})), "matcher `ours`: pattern 1 has the unknown key 'flie'"),
        (
            file_of(matcher({**LINE, "fromPath": 1})),
            "matcher `ours`: pattern 1 has `fromPath`, which ctci does not follow",
        ),
        (file_of(matcher({"regexp": "(x)"})), "matcher `ours`: the last pattern must tell the group of the `message`"),
        (file_of(matcher({**LINE, "loop": True})), "matcher `ours`: a pattern that loops needs another before it"),
        (file_of(matcher({**LINE, "loop": True}, LINE)), "matcher `ours`: only the last pattern may loop"),
        (file_of(matcher({**LINE, "loop": 1}, LINE)), "matcher `ours`: pattern 1: `loop` must be true or false"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(body: bytes, sentence: str) -> None:
    assert sentence == problem_matcher.read(body)[1][-1]


@pytest.mark.parametrize("regexp", [r"(?=x)(y)", r"(x)\1", r"(x", r"(?<!x)(y)", "(\ud800)", r"(x){1001}", "(x)" * 600])
def test_what_re2_refuses_is_a_sentence(regexp: str) -> None:
    matchers, wrong = problem_matcher.read(file_of(matcher({"regexp": regexp, "message": 1})))

    if len(regexp) < 1000:
        assert matchers == ()
        assert wrong[0].startswith("matcher `ours`: pattern 1 cannot be used by RE2: ")
    else:
        assert (len(matchers), wrong) == (1, ())


def test_a_wrong_matcher_leaves_the_others_in_use() -> None:
    matchers, wrong = problem_matcher.read(file_of(matcher(LINE), {**matcher(LINE), "owner": "b", "severity": 3}))

    assert [each.owner for each in matchers] == ["ours"]
    assert len(wrong) == 1


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["(a)|b*", "ours"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["owner", "pattern", "regexp", "message", "loop", "severity", "x"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=COUNT // 8, deadline=None)
@given(st.binary() | odd.map(lambda each: json.dumps({"problemMatcher": [each]}).encode()))
def test_any_bytes_give_matchers_or_sentences(body: bytes) -> None:
    matchers, wrong = problem_matcher.read(body)

    assert matchers or wrong
    diagnostics.scan([b"ours\na\nb\n"], matchers=matchers)

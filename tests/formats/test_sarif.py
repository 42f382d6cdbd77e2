"""SARIF says first what is most severe, as its tool meant it, and no bytes do harm."""

import copy
import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci.formats import sarif
from ctci.model import Finding
from tests.formats import throwing

NAMES = sorted(path.stem for path in throwing.SAMPLES.joinpath("sarif").glob("*.sarif"))


def sample(name: str) -> bytes:
    return throwing.SAMPLES.joinpath("sarif", f"{name}.sarif").read_bytes()


def report(*results: Any, **run: Any) -> bytes:
    return json.dumps({"version": "2.1.0", "runs": [{"results": results, **run}]}).encode()


def one(result: dict[str, Any], **run: Any) -> Finding:
    (found,) = sarif.read(report(result, **run))
    return found


def said(text: str) -> dict[str, Any]:
    return {"message": {"text": text}}


def placed(uri: str, **location: Any) -> dict[str, Any]:
    return {"locations": [{"physicalLocation": {"artifactLocation": {"uri": uri, **location}}}]}


#: Tool -> what is shown first: severity, tool, rule, place, message.
FIRST: dict[str, tuple[str, str, str | None, str, str]] = {
    "analyser": (
        "error",
        "CartCheck",
        None,
        "None:None:None",
        "the tool says that it did not run to its end: exit code 3",
    ),
    "eslint": ("error", "ESLint", "no-undef", "src/my cart.js:5:12", "'totl' is not defined."),
    "ruff": ("error", "ruff", "F401", "src/cart.py:1:8", "`os` imported but unused"),
}


@pytest.mark.parametrize("name", NAMES)
def test_each_tool_shows_first_what_a_developer_wants(name: str) -> None:
    first = sarif.read(sample(name), "/srv/demo")[0]

    place = f"{first.file}:{first.line}:{first.column}"
    assert FIRST[name] == (first.severity, first.tool, first.rule, place, first.message)


def test_all_that_the_standard_knows_is_told_as_it_was_meant() -> None:
    told = [
        (each.severity, each.rule, each.file, each.line, each.message)
        for each in sarif.read(sample("analyser"))
        if each.tool != "ctci"
    ]

    expected = [
        ("error", None, None, None, "the tool says that it did not run to its end: exit code 3"),
        # The rule by the head of its id, and the rule's own words.
        ("error", "CC2/sum", "total.py", 12, "A total must be the sum."),
        # A rule of an extension, a message for all rules.
        ("error", "EX1", None, None, "tax was lost"),
        ("warning", "N1", "empty.py", None, "could not read empty.py"),
        ("warning", "CC9", "a/a/a/a/a/x.py", None, "nobody declares this rule"),
        # The rule by its index, the arguments at their places, a base of a base.
        ("note", "CC1", "src/cart.py", 4, "{x} price is set, tax is not; {7}"),
        ("note", "CC2", None, None, "look at this"),
    ]
    assert expected == told


def test_what_is_no_finding_is_counted_by_ctci() -> None:
    told = [(each.severity, each.message) for each in sarif.read(sample("analyser")) if each.tool == "ctci"]

    expected = [
        ("note", "SARIF results left out as the tool's baseline has them already: 1"),
        ("note", "SARIF results left out as the tool suppressed them: 1"),
        ("warning", "SARIF entries left out as they are no results: 1"),
    ]
    assert expected == told


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("src/a%20b.py", "src/a b.py"),
        ("./src/x.py", "src/x.py"),
        ("file:///srv/demo/src/x.py", "src/x.py"),
        ("file:///srv/other/x.py", "/srv/other/x.py"),
        ("file://localhost/srv/demo/x.py", "x.py"),
        ("file:/srv/demo/x.py", "x.py"),
        ("file:///C:/demo/x.cs", "C:/demo/x.cs"),
        ("file://server/share/x.cs", "//server/share/x.cs"),
        ("C:/demo/x.cs", "C:/demo/x.cs"),
        ("https://example.org/a%20b.py", "https://example.org/a%20b.py"),
        ("a%FF%0Ab.py", "a\ufffd b.py"),
        ("", None),
    ],
)
def test_an_address_becomes_a_file(uri: str, file: str | None) -> None:
    (found,) = sarif.read(report(said("x") | placed(uri)), "/srv/demo")

    assert file == found.file


@pytest.mark.parametrize(
    ("result", "severity"),
    [
        ({"level": "error"}, "error"),
        ({"level": "none"}, "note"),
        ({"level": "loud"}, "warning"),
        ({}, "warning"),
        ({"kind": "open"}, "note"),
        ({"kind": "fail", "ruleId": "r"}, "error"),
        ({"ruleId": "r/part"}, "error"),
        ({"ruleIndex": 0}, "error"),
        ({"ruleIndex": 0, "ruleId": "other"}, "warning"),
        ({"ruleIndex": -1}, "warning"),
        ({"ruleIndex": True}, "warning"),
        ({"ruleId": "r", "level": "note"}, "note"),
    ],
)
def test_a_level_is_the_results_own_or_its_rules(result: dict[str, Any], severity: str) -> None:
    rules = [{"id": "r", "defaultConfiguration": {"level": "error"}}]

    assert severity == one(said("x") | result, tool={"driver": {"rules": rules}}).severity


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_every_encoding_of_json_is_read(encoding: str) -> None:
    text = json.dumps({"runs": [{"results": [said("Größe")]}]}, ensure_ascii=False)

    assert [each.message for each in sarif.read(text.encode(encoding))] == ["Größe"]


def test_the_tools_own_fingerprint_outlives_its_words() -> None:
    def mark(text: str, **marks: str) -> str:
        return one({"ruleId": "r", "partialFingerprints": marks} | said(text)).fingerprint

    assert mark("one", hash="a") == mark("two", hash="a")
    assert mark("one", hash="a") != mark("one", hash="b")
    assert mark("one") != mark("two")
    assert mark("line 3") == mark("line 44")


def test_an_error_behind_many_notes_is_kept_and_shown_first() -> None:
    notes = [said(f"note {number}") | {"level": "note"} for number in range(sarif.MOST_FINDINGS)]

    found = sarif.read(report(*notes, said("broken") | {"level": "error"}))

    assert found[0].message == "broken"
    assert len(found) == sarif.MOST_FINDINGS + 1
    assert found[-1].message == "SARIF results left out beyond the 1,000 most severe: 1"


def test_a_tool_that_says_why_it_broke_is_not_said_to_have_broken_twice() -> None:
    notice = {"level": "error", "exception": {"message": "no such rule"}}
    call = {"executionSuccessful": False, "toolConfigurationNotifications": [notice]}

    assert [each.message for each in sarif.read(report(invocations=[call]))] == ["no such rule"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b"\n ", "it is empty"),
        (b"[]", "it has no list `runs`"),
        (b'{"runs": {}}', "it has no list `runs`"),
        (b"<sarif/>", "it is no JSON from line 1, column 1"),
        (sample("ruff")[:300], "it is no JSON from line 6, column 200 (it ends early)"),
        (b'{"runs": [' + b"9" * 5000 + b"]}", "it is no JSON"),
        (b'{"runs":' + b"[" * 100_000, "it is nested more than 100 deep"),
        (b'{"runs":' * 100_000, "it is nested more than 100 deep"),
        (b'{"runs":["\\\\",' + b"[" * 100_000, "it is nested more than 100 deep"),
        (b'{"runs":[' + b"[]," * 2_000_000, "it has more than 3,000,000 values"),
        (b" " * (sarif.MOST_BYTES + 1), "it is larger than 64 MB"),
    ],
)
def test_what_cannot_be_read_is_said(body: bytes, why: str) -> None:
    (found,) = sarif.read(body)

    assert ("ctci", "error", f"the SARIF report cannot be read: {why}") == (found.tool, found.severity, found.message)


def test_brackets_in_a_text_are_no_depth() -> None:
    text = '[{"\\' * 500

    assert one(said(text)).message == text.strip()


def test_only_the_first_runs_are_read() -> None:
    body = json.dumps({"runs": [{"results": [said("x")]}, *[{}] * sarif.MOST_RUNS]}).encode()

    assert [each.message for each in sarif.read(body)] == ["x", "SARIF runs left out beyond the first 1,000: 1"]


ODD: list[Any] = [
    None,
    True,
    -1,
    10**400,
    1.5,
    "",
    "\ud800",
    "x" * 5000,
    [],
    {},
    [[]],
    {"a": {}},
    "{0}{1}",
    "\0\x1b[1m",
]


def placed_everywhere(plain: Any, inner: Any) -> list[Any]:
    """`plain` once for each of its places, with `inner` there."""
    found: list[Any] = [inner]
    if isinstance(plain, dict):
        found += [{**plain, key: deep} for key, value in plain.items() for deep in placed_everywhere(value, inner)]
    elif isinstance(plain, list):
        for at, value in enumerate(plain):
            found += [[*plain[:at], deep, *plain[at + 1 :]] for deep in placed_everywhere(value, inner)]
    return found


@pytest.mark.parametrize("odd", [None, 7, -1, True, "", "{0}", [], ["a"], {}, {"text": []}], ids=repr)
def test_an_odd_value_in_any_place_is_read_or_refused(odd: Any) -> None:
    for plain in placed_everywhere(json.loads(sample("analyser")), odd):
        throwing.check(sarif.read(json.dumps(plain).encode()), sarif.MOST_FINDINGS)


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A sample with values at any depth replaced or taken away."""
    plain = json.loads(sample(draw(st.sampled_from(NAMES))))
    for _ in range(draw(st.integers(1, 4))):
        place: Any = plain
        while True:
            keys = list(range(len(place))) if isinstance(place, list) else sorted(place)
            key = draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or not place[key] or not draw(st.integers(0, 4)):
                break
            place = place[key]
        place[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
        if not isinstance(plain.get("runs"), list) or not plain["runs"]:
            break
    return json.dumps(plain).encode()


BYTES = [
    b'"',
    b"\\",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b"null",
    b'{"a":',
    b"[" * 200,
    b"\xff",
    b"\0",
    b"1e999",
    b"NaN",
]


@settings(
    max_examples=int(os.environ.get("CTCI_FUZZ", "400")),
    deadline=None,
    database=None,
    derandomize="CTCI_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(body=changed() | changed() | throwing.mutated([sample(name) for name in NAMES], BYTES) | st.binary(max_size=60))
def test_no_bytes_are_anything_but_read_or_refused(body: bytes) -> None:
    throwing.check(sarif.read(body), sarif.MOST_FINDINGS)

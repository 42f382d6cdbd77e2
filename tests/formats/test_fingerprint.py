"""A fingerprint is the same for the same thing in another run, and another for another thing."""

import re
import time
from dataclasses import astuple, dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctci.formats import fingerprint
from ctci.formats.fingerprint import normal

known = settings(max_examples=80, deadline=None, database=None, derandomize=True)
#: No hex, no month, no unit: what has to stay.
WORDS = ("cart", "total", "wrong", "type", "lookup", "unknown", "symbol", "kitten", "purple", "zip")
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
folders = st.lists(st.sampled_from([*WORDS, "slots", "7", "bob", "x-y", "v1.2"]), min_size=1, max_size=6).map("/".join)
numbers = st.integers(-(10**12), 10**12).map(str) | st.floats(allow_nan=False, allow_infinity=False).map(str)
hexes = st.integers(0, 2**64).map(hex) | st.integers(0, 2**256).map(lambda n: f"1{n:063x}7")
uuids = st.uuids().map(str) | st.uuids().map(lambda each: str(each).upper())
times = (
    st.datetimes()
    .map(lambda at: at.replace(year=2000 + at.year % 99))
    .flatmap(
        lambda at: st.sampled_from(
            [
                at.isoformat(),
                at.isoformat(" ", "seconds") + "Z",
                at.isoformat(timespec="milliseconds") + "+02:00",
                at.strftime("%a %b %d %H:%M:%S %Y"),
                at.strftime("%d %b %Y %H:%M:%S"),
                at.strftime("%H:%M:%S"),
                at.strftime("%Y-%m-%d"),
            ]
        )
    )
)
durations = st.builds(
    "{}{}{}".format,
    st.integers(0, 9999).map(str) | st.floats(0, 999).map("{:.2f}".format),
    st.sampled_from(["", " "]),
    st.sampled_from(["s", "ms", "seconds", "min", "h", "ns", "µs"]),
) | st.builds("{}m{}s".format, st.integers(0, 99), st.integers(0, 59))
letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
temps = st.text(letters, min_size=8, max_size=8).map("tmp{}".format) | st.text(
    letters[:-1], min_size=10, max_size=10
).map("tmp.{}".format)
made_up = {"number": numbers, "hex": hexes, "uuid": uuids, "time": times, "duration": durations, "temp": temps}


@pytest.mark.parametrize("kind", made_up)
def test_what_moves_between_runs_does_not_change_it(kind: str) -> None:
    @known
    @given(one=made_up[kind], other=made_up[kind], before=words, after=words)
    def hold(one: str, other: str, before: str, after: str) -> None:
        for shape in ("{} {} {}", "{}: ({}) {}", "{} '{}', {}"):
            assert normal(shape.format(before, one, after)) == normal(shape.format(before, other, after))

    hold()


@known
@given(one=folders, other=folders, name=st.sampled_from(["cart.py", "src.tar.gz", "total.test.ts"]), text=words)
def test_the_head_of_a_path_does_not_change_it(one: str, other: str, name: str, text: str) -> None:
    shapes = ("{0} /{1}/{2}:{3}: {0}", "{0} 'file:///{1}/{2}' {0}", "{0} /srv/{1}/{2}", "({0}) /tmp/{1}/{2}")
    for shape in shapes:
        assert normal(shape.format(text, one, name, 3)) == normal(shape.format(text, other, name, 44))
    windows = [f"{text} C:\\{head}\\{name}(3)".replace("/", "\\") for head in (one, other)]
    assert normal(windows[0]) == normal(windows[1])


@known
@given(one=words, other=words, number=numbers)
def test_another_message_has_another(one: str, other: str, number: str) -> None:
    assert (one == other) == (normal(f"{one} {number}") == normal(f"{other} {number}"))


@dataclass(frozen=True)
class Said:
    tool: str
    rule: str | None
    file: str | None
    message: str
    test: str | None


said = st.builds(
    Said,
    st.sampled_from(["gcc", "pytest"]),
    st.none() | st.sampled_from(["E501", "E502"]),
    st.none() | st.sampled_from(["src/cart.py", "src/total.py", "src/0001_a.sql", "src/0002_a.sql"]),
    words,
    st.none() | st.sampled_from(["tests.a::test_total[1]", "tests.a::test_total[2]"]),
)


@known
@given(one=said, other=said)
def test_another_tool_rule_file_or_test_has_another(one: Said, other: Said) -> None:
    marks = [
        fingerprint.fingerprint(tool=each.tool, rule=each.rule, file=each.file, message=each.message, test=each.test)
        for each in (one, other)
    ]

    assert (astuple(one) == astuple(other)) == (marks[0] == marks[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("line too long (133 > 120)", "line too long (<n> > <n>)"),
        ("cannot read /srv/demo/slots/3/cart.py", "cannot read /…/cart.py"),
        ("no rule to make /tmp/ccAbCd12.o", "no rule to make /…/<temp>.o"),
        ("in /usr/include/stdio.h:27", "in /usr/include/stdio.h:<n>"),
        ("GET /api/carts/list gave 404", "GET /api/carts/list gave <n>"),
        ("http://127.0.0.1:8484/runs", "http://<n>:<n>/runs"),
        ("use utf8, not utf16 or int32", "use utf8, not utf16 or int32"),
        ("the face was defaced and effaced", "the face was defaced and effaced"),
        ("<Cart object at 0x7f12ab>", "<Cart object at <n>>"),
        ("\x1b[31merror\x1b[0m:  two\n  lines", "error: two lines"),
        ("and/or ./src/cart.py ../x", "and/or ./src/cart.py ../x"),
        ("took 1m 30.5s, 3 tests", "took <for>, <n> tests"),
        ("build-3f2a9c1d at 3f2a9c1", "build-<n> at <n>"),
    ],
)
def test_what_is_left_of_a_message(text: str, expected: str) -> None:
    assert expected == normal(text)


def test_a_moved_path_of_the_file_itself_does_not_change_it() -> None:
    def of(file: str) -> str:
        return fingerprint.fingerprint(tool="gcc", file=file, message="x")

    assert of("/srv/demo/slots/1/cart.c") == of("/home/bob/cart.c")
    assert of("./src/cart.c") == of("src/cart.c")
    assert of("src\\cart.c") == of("src/cart.c")
    assert of("lib/cart.c") != of("src/cart.c")


@pytest.mark.parametrize(
    "piece", ["/a", "1", "1.", "1,1", "f", "a:", "1 s ", "tmp", "\x1b[", "Jan 1 ", "0x", "1:11", "-"]
)
def test_a_text_made_to_hurt_is_done_in_no_time(piece: str) -> None:
    text = piece * 200_000

    began = time.process_time()
    found = [normal(text) for _ in range(10)]
    took = time.process_time() - began

    # `1.1.1…` took a second each while durations were looked for at each digit.
    assert len(found[0]) <= fingerprint.MOST_NORMAL
    assert took < 3


@known
@given(text=st.text(st.characters(), max_size=60))
def test_any_text_has_one(text: str) -> None:
    assert re.fullmatch(
        "[0-9a-f]{32}", fingerprint.fingerprint(tool=text, rule=text, file=text, message=text, test=text)
    )

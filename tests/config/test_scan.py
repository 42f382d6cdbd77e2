"""The span scanner against tomllib: every path of a document has its place, and the text there is its value."""

import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ctci.config import scan
from ctci.config.scan import At

ODD = """\
# comment = "not a key"
bare-key_1 = 1
"quoted.key" = "a # b"
'literal key' = 'C:\\path'
"" = "empty"
"esc\\u00e9\\"" = "q\\"q"
a . "b" .c = 0x_f
 indented=true# close
multi = \"\"\"
one \\" two \"\" three
four\"\"\"\"\"
lit = '''
it''s'''''
empty = \"\"\"\"\"\"
date = 1979-05-27 07:32:00Z
day = 1979-05-27
time = 07:32:00.5
floats = [1e3, -inf, nan, 1_0.5, ]
nested = [ [1, 2], ["]", '}'], [{ x = 1, y.z = "," }], # comment ]
  [] , {} ]
inline = { a = { b = [ { c = 1 } ] }, "d e" = 2 }
"日本" = "語"

[ table . "sub" ]
k = 1
[table]
k = 2
[[many]]
n = 1
[many.sub]
x = 1
[[many.deep]]
y = 1
[[many.deep]]
y = 2
[[many]]
[many.sub]
x = 2
"""
ODD = ODD.replace("0x_f", "0xf")


def paths(value: object, at: At = ()) -> Iterator[tuple[At, object]]:
    """Every path below a value, with what is there."""
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, each in entries:
        yield (*at, part), each
        yield from paths(each, (*at, part))


def judge(text: str) -> None:
    """Every path has a place; the text there, read alone, is the key or the value."""
    spans = scan.scan(text)
    lines = text.split("\n")
    for at, value in paths(tomllib.loads(text)):
        assert at in spans.keys or at in spans.values
        if at in spans.values:
            span = spans.values[at]
            raw = text[span.start : span.stop]
            assert repr(value) == repr(tomllib.loads(f"v = {raw}")["v"])
            assert raw.split("\n")[0] == lines[span.line - 1][span.column - 1 : span.end - 1]
        else:
            assert isinstance(value, dict | list)
        if isinstance(at[-1], str):
            key = spans.keys[at]
            assert [at[-1]] == list(tomllib.loads(f"{text[key.start : key.stop]} = 1"))
            assert lines[key.line - 1][key.column - 1 : key.end - 1] == text[key.start : key.stop]
        elif at in spans.keys:
            # The header of an entry of an array of tables.
            assert isinstance(value, dict)


def quoted(text: str) -> str:
    """A basic string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


basic = st.text("ab1\"'\\#[]{}=,.: é語\U0001f600", max_size=8)
keys = st.one_of(st.text("ab1-_", min_size=1, max_size=3), basic.map(quoted))
blank = st.sampled_from(["", " ", "\t", "  "])
gap = st.sampled_from(["", " ", "\n", " # ]}\"'\n"])


scalars = st.one_of(
    basic.map(quoted),
    basic.filter(lambda text: "'" not in text).map(lambda text: f"'{text}'"),
    basic.map(lambda text: '"""\n' + text.replace("\\", "\\\\").replace('"', '\\"') + '\n""""'),
    basic.filter(lambda text: "'" not in text).map(lambda text: f"'''{text}\n'''''"),
    st.integers(-(2**60), 2**60).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.booleans().map(lambda value: str(value).lower()),
    st.datetimes().map(lambda at: at.isoformat(sep=" ", timespec="seconds")),
    st.dates().map(str),
)


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(inner, max_size=4))
    parts = [f"{draw(gap)}{item}{draw(gap)}" for item in items]
    last = draw(st.sampled_from(["", ","])) if items else ""
    return f"[{','.join(parts)}{last}{draw(gap)}]"


@st.composite
def tables(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    names = draw(st.lists(keys, max_size=3, unique_by=lambda raw: next(iter(tomllib.loads(f"{raw} = 1")))))
    return "{" + ",".join(f"{draw(blank)}{name}{draw(blank)}={draw(blank)}{draw(inner)} " for name in names) + "}"


values = st.recursive(scalars, lambda inner: st.one_of(arrays(inner), tables(inner)), max_leaves=8)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Lines that tomllib accepts one after the other; what it refuses (a key twice) is left out."""
    text = ""
    for _ in range(draw(st.integers(0, 8))):
        dotted = f"{draw(blank)}.{draw(blank)}".join(draw(st.lists(keys, min_size=1, max_size=3)))
        line = draw(
            st.one_of(
                values.map(f"{dotted} = ".__add__),
                st.sampled_from([f"[{dotted}]", f"[[ {dotted} ]]", f"[ {dotted} ] # x", "", "# [a]"]),
            )
        )
        try:
            tomllib.loads(f"{text}{line}\n")
        except tomllib.TOMLDecodeError:
            continue
        text += f"{line}\n"
    return text


def test_odd_documents_have_all_their_places() -> None:
    judge(ODD)


@given(documents())
def test_every_path_has_a_place_whose_text_is_its_value(text: str) -> None:
    judge(text)


def test_columns_are_code_points() -> None:
    spans = scan.scan('x = ["日本", "é"]\n')

    assert (spans.values["x", 1].line, spans.values["x", 1].column, spans.values["x", 1].end) == (1, 12, 15)


def test_what_is_not_there_has_the_place_of_what_it_would_stand_in() -> None:
    spans = scan.scan("[a.b]\nc = 1\n")

    assert spans.keys["a", "b"] == spans.nearest(("a", "b", "d", 3), key=False)
    assert (spans.nearest((), key=True).line, spans.nearest((), key=True).column) == (1, 1)


def test_a_path_of_thousands_of_parts_costs_no_memory() -> None:
    text = f"{'a.' * 3000}a = 1\n"

    spans = scan.scan(text)

    assert max(map(len, spans.keys)) == scan.DEEPEST

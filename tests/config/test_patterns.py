"""Patterns against a slow reference, and the order of §2.2: exact, longer prefix, fewer wildcards, `*` before `**`."""

from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ctci.config import patterns

NAMES = [
    "".join(letters)
    for length in range(1, 6)
    for letters in product("ax/", repeat=length)
    if not (letters[0] == "/" or letters[-1] == "/" or "//" in "".join(letters))
]
some_pattern = st.lists(st.sampled_from(["a", "x", "/", "*", "**", "?"]), min_size=1, max_size=5).map("".join)


def slow(pattern: str, name: str) -> bool:
    """What a pattern means, by trying everything."""
    if pattern.startswith("**"):
        return slow(pattern[2:], name) or (name != "" and slow(pattern, name[1:]))
    if pattern.startswith("*"):
        return slow(pattern[1:], name) or (name[:1] not in ("", "/") and slow(pattern, name[1:]))
    if not pattern or not name:
        return pattern == name
    fits = name[0] != "/" if pattern[0] == "?" else name[0] == pattern[0]
    return fits and slow(pattern[1:], name[1:])


@given(some_pattern, st.text("ax/", max_size=6))
def test_a_pattern_means_what_trying_everything_finds(pattern: str, name: str) -> None:
    assert slow(pattern, name) == patterns.matches(pattern, name)


@st.composite
def rivals(draw: st.DrawFn) -> tuple[str, str]:
    """Two patterns of the same rank."""
    prefix = draw(st.sampled_from(["", "a", "x/"]))
    wild = draw(st.lists(st.sampled_from(["*", "**", "?"]), min_size=1, max_size=3))
    literal = st.sampled_from(["a", "x", "/a", "a/x", ""])
    first, second = (prefix + "".join(each + draw(literal) for each in draw(st.permutations(wild))) for _ in range(2))
    return first, second


@given(rivals())
def test_two_patterns_tie_exactly_where_trying_all_names_finds_one(pair: tuple[str, str]) -> None:
    first, second = pair
    assume(first != second and patterns.fault(first) is None and patterns.fault(second) is None)
    # Two stars that came to stand side by side are another wildcard.
    assume(patterns.rank(first) == patterns.rank(second))

    found = patterns.tie(first, second)

    if found is None:
        assert [name for name in NAMES if slow(first, name) and slow(second, name)] == []
    else:
        assert slow(first, found)
        assert slow(second, found)
        assert patterns.fault(found) is None


@given(st.lists(some_pattern, max_size=6, unique=True), st.sampled_from(NAMES))
def test_the_order_of_a_table_means_nothing(names: list[str], name: str) -> None:
    there = {pattern: (pattern,) for pattern in names}
    back = {pattern: (pattern,) for pattern in reversed(names)}

    chosen = patterns.choose(there, name)

    assert chosen == patterns.choose(back, name)
    assert (chosen is None) == (not any(slow(pattern, name) for pattern in names))


@pytest.mark.parametrize(
    ("name", "wins"),
    [
        ("main", "main"),
        ("release/1", "release/*"),
        ("release/lts", "release/l*"),
        ("release/a/b", "**"),
        ("feature/x", "**"),
        ("topic", "*"),
        ("re1", "re?"),
        ("deep/a", "deep/**"),
        ("deep/a/b", "deep/**"),
        ("deep/a/b/c", "deep/**"),
        ("v1", "v*"),
        ("v1/2", "v**"),
    ],
)
def test_the_most_specific_pattern_wins(name: str, wins: str) -> None:
    known = ("**", "*", "main", "release/*", "release/l*", "re?", "deep/**", "deep/*/*", "v*", "v**")
    table = {pattern: (pattern,) for pattern in known}

    assert (wins, (wins,)) == patterns.choose(table, name)


def test_what_nothing_matches_is_not_chosen() -> None:
    assert patterns.choose({"main": ("api",), "v*": ()}, "feature/x") is None


def test_every_other_character_is_itself() -> None:
    assert patterns.matches("a.b+(c)|d", "a.b+(c)|d")
    assert not patterns.matches("a.b", "axb")
    assert not patterns.matches("main", "main2")


def test_many_stars_and_a_long_name_take_no_time() -> None:
    assert not patterns.matches("*a" * 30 + "b", "a" * 250)


@pytest.mark.parametrize("good", ["main", "*", "**", "release/*", "v?.*", "renovate/**", "größe", "a-b_c.d"])
def test_what_can_be_a_name_is_no_fault(good: str) -> None:
    assert patterns.fault(good) is None

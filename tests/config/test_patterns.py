"""Patterns against slow references. The order: exact, longer prefix, fewer wildcards, `*` before `**`."""

import re
import time
from itertools import product
from random import Random

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


some_path = st.lists(st.sampled_from(["a", "x", "ab", ".md", "ö", "a b", "\n", "*", "!"]), min_size=1, max_size=3).map(
    "".join
)
some_file = st.lists(some_path, min_size=1, max_size=4).map("/".join)
some_glob = st.lists(
    st.sampled_from(["a", "x", "ab", ".md", "ö", " ", "\n", "/", "/", "*", "**", "**/", "?"]), min_size=1, max_size=6
).map("".join)


def regex(pattern: str) -> str:
    """What a pattern of files means, as a regular expression."""
    if not set(pattern) & {"*", "?"}:
        return re.escape(pattern) + "(?:/.*)?"
    even = re.sub(r"\*{3,}", "**", pattern)
    found = ""
    for token in re.findall(r"(?:^|(?<=/))\*\*/|\*\*|.", even, re.DOTALL):
        found += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token, re.escape(token))
    return found


def of_regex(wanted: list[str], path: str) -> bool:
    def fits(pattern: str) -> bool:
        return re.fullmatch(regex(pattern), path, re.DOTALL) is not None

    return any(fits(each) for each in wanted if each[0] != "!") and not any(
        fits(each[1:]) for each in wanted if each[0] == "!"
    )


@given(some_glob, some_file)
def test_a_pattern_of_files_means_what_its_regular_expression_means(pattern: str, path: str) -> None:
    assert of_regex([pattern], path) == patterns.touches([pattern], path)


@given(some_file, st.data())
def test_a_pattern_made_of_a_path_means_what_its_regular_expression_means(path: str, data: st.DataObject) -> None:
    """As above, but most of these match."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(path)), min_size=2, max_size=4)))
    pattern = data.draw(st.sampled_from(["*", "**", "?", "**/", ""])).join(
        path[start:stop] for start, stop in zip([0, *cuts[1::2]], [*cuts[::2], len(path)], strict=False)
    )

    assert of_regex([pattern or "a"], path) == patterns.touches([pattern or "a"], path)


@given(st.lists(st.tuples(st.sampled_from(["", "!"]), some_glob).map("".join), max_size=5), some_file, st.randoms())
def test_the_order_of_patterns_of_files_means_nothing(wanted: list[str], path: str, chance: Random) -> None:
    mixed = list(wanted)
    chance.shuffle(mixed)

    found = patterns.touches(mixed, path)

    assert found == patterns.touches(wanted, path)
    assert found == of_regex(wanted, path)


@pytest.mark.parametrize(
    ("wanted", "path", "expected"),
    [
        (["docs/**"], "docs/a.md", True),
        (["docs/**"], "docs/a/b/c.md", True),
        (["docs/**"], "docs2/a.md", False),
        (["docs"], "docs/a.md", True),
        (["docs"], "docs", True),
        (["docs"], "docs.md", False),
        (["docs"], "src/docs/a.md", False),
        (["*.md"], "README.md", True),
        (["*.md"], "docs/a.md", False),
        (["**/*.md"], "docs/a/b.md", True),
        (["**/*.md"], "README.md", True),
        (["**.md"], "docs/a.md", True),
        (["src/**/test/*.py"], "src/test/a.py", True),
        (["src/**/test/*.py"], "src/a/b/test/a.py", True),
        (["src/**/test/*.py"], "srctest/a.py", False),
        (["v?/x"], "v1/x", True),
        (["v?x"], "v/x", False),
        (["services/api/**", "libs/**", "!**/*.md"], "libs/a.py", True),
        (["services/api/**", "libs/**", "!**/*.md"], "libs/README.md", False),
        (["!**/*.md", "**"], "README.md", False),
        (["**", "!docs"], "docs/a.md", False),
        (["**", "!docs"], "docs.txt", True),
        (["!docs"], "src/a.py", False),
        ([], "src/a.py", False),
        (["[id].ts"], "[id].ts", True),
        (["[id].ts"], "i.ts", False),
        (["my files/*"], "my files/größe 1.txt", True),
        (["a*b"], "a\nb", True),
        (["**"], "a\n/\udcff", True),
    ],
)
def test_a_file_counts_when_a_pattern_takes_it_and_none_excludes_it(
    wanted: list[str], path: str, expected: bool
) -> None:
    assert expected == patterns.touches(wanted, path)


@pytest.mark.parametrize("pattern", ["a*" * 60 + "b", "**/a" * 60 + "b", "a**" * 60 + "b", "?*" * 60 + "/b"])
def test_no_pattern_of_files_can_make_a_long_path_slow(pattern: str) -> None:
    began = time.process_time()

    found = patterns.touches([pattern], "a/" * 1000 + "a" * 2000)

    assert not found
    assert time.process_time() - began < 10  # our own work, whatever else the machine does; backtracking takes ages


@pytest.mark.parametrize(
    "good", ["**", "docs", "docs/**", "!docs/**", "!**/*.md", "my files/*", "[id].ts", "a.", ".gitignore"]
)
def test_what_can_be_a_file_is_no_fault(good: str) -> None:
    assert patterns.file_fault(good) is None


def by_the_rule(table: list[str], name: str) -> str | None:
    """The winner, by the sentence in the chapter: each step leaves the best of those that are left."""
    left = [pattern for pattern in table if slow(pattern, name)]

    def wild(pattern: str) -> list[str]:
        return re.findall(r"\*\*|\*|\?", pattern)

    exact = [pattern for pattern in left if not wild(pattern)]
    left = exact or left

    def prefix(pattern: str) -> int:
        return len(re.split(r"[*?]", pattern)[0])

    def few(pattern: str) -> int:
        return -len(wild(pattern))

    def shallow(pattern: str) -> int:
        return -wild(pattern).count("**")

    for measure in (prefix, few, shallow):
        best = max((measure(pattern) for pattern in left), default=0)
        left = [pattern for pattern in left if measure(pattern) == best]
    return left[0] if len(left) == 1 else None


@given(st.lists(some_pattern, min_size=1, max_size=8, unique=True), st.sampled_from(NAMES))
def test_the_most_specific_pattern_is_the_one_that_the_rule_leaves(table: list[str], name: str) -> None:
    expected = by_the_rule(table, name)

    chosen = patterns.choose(dict.fromkeys(table, ()), name)

    # Where the rule leaves two, `check` has told so (C119), or both mean the same subprojects.
    if expected is not None:
        assert chosen == (expected, ())

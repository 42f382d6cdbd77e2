"""Branch and tag patterns: what matches, and which of several is the most specific. Pure."""

import re
from collections.abc import Mapping
from functools import lru_cache

_TOKEN = re.compile(r"\*\*|\*|\?|[^*?]+")


@lru_cache(maxsize=2000)
def _compiled(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stop at a slash, `**` does not; everything else is itself."""
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(parts.get(piece) or re.escape(piece) for piece in _TOKEN.findall(pattern))
    return re.compile(body, re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name is what the pattern means."""
    return _compiled(pattern).fullmatch(name) is not None


def rank(pattern: str) -> tuple[bool, int, int, int]:
    """Greater is more specific: an exact name, then a longer literal prefix, then fewer wildcards, `*` before `**`."""
    pieces = _TOKEN.findall(pattern)
    wild = [piece for piece in pieces if piece in ("*", "**", "?")]
    prefix = len(pieces[0]) if pieces and pieces[0] not in ("*", "**", "?") else 0
    return (not wild, prefix, -len(wild), -wild.count("**"))


def choose(table: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, tuple[str, ...]] | None:
    """The most specific pattern of the table that matches, and its value. The table's order means nothing."""
    found = [pattern for pattern in table if matches(pattern, name)]
    if not found:
        return None
    best = max(found, key=lambda pattern: (rank(pattern), pattern))
    return best, table[best]


def fault(pattern: str) -> str | None:
    """What is wrong with a pattern, or None."""
    if not pattern:
        return "it is empty"
    if "***" in pattern:
        return "`***` means nothing; `**` matches everything"
    if any(letter.isspace() or ord(letter) < 32 for letter in pattern):
        return "no branch or tag has a blank in its name"
    bad = next((letter for letter in "~^:[\\" if letter in pattern), None)
    return f"no branch or tag has `{bad}` in its name" if bad else None


def tie(first: str, second: str) -> str | None:
    """A name that both patterns match and neither is more specific for, or None where none was found."""
    if rank(first) != rank(second) or first == second:
        return None
    for sample in (_sample(first, second), _sample(second, first)):
        if matches(first, sample) and matches(second, sample):
            return sample
    return None


def _sample(pattern: str, other: str) -> str:
    """A name that the pattern matches, made of the literal parts of the other where it has wildcards."""
    literal = [piece for piece in _TOKEN.findall(other) if piece not in ("*", "**", "?")]
    filler = iter(literal)
    return "".join(
        next(filler, "x").strip("/") if piece in ("*", "**") else "x" if piece == "?" else piece
        for piece in _TOKEN.findall(pattern)
    )

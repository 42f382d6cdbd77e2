"""Branch and tag patterns: what matches, which of several is the most specific, which two tie. Pure."""

import re
from collections import deque
from collections.abc import Iterable, Mapping

_WILD = ("**", "*", "?")
_TOKEN = re.compile(r"\*\*|.", re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name is what the pattern means: `*` and `?` stop at a slash, `**` does not."""
    tokens = _TOKEN.findall(pattern)
    # All places of the pattern at once, so that no pattern and no name can make it slow.
    places = _skipped({0}, tokens)
    for letter in name:
        places = _skipped({step for at in places for step in _step(tokens, at, letter)}, tokens)
    return len(tokens) in places


def choose(table: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, tuple[str, ...]] | None:
    """The most specific pattern of the table that matches, and its value. The table's order means nothing."""
    found = [pattern for pattern in table if matches(pattern, name)]
    if not found:
        return None
    best = max(found, key=lambda pattern: (rank(pattern), pattern))
    return best, table[best]


def rank(pattern: str) -> tuple[bool, int, int, int]:
    """Greater is more specific: an exact name, then a longer literal prefix, then fewer wildcards, `*` before `**`."""
    tokens = _TOKEN.findall(pattern)
    wild = [number for number, token in enumerate(tokens) if token in _WILD]
    return (not wild, wild[0] if wild else len(tokens), -len(wild), -tokens.count("**"))


def fault(pattern: str) -> str | None:
    """Why no branch or tag can match, or None."""
    if not pattern:
        return "it is empty"
    if pattern.startswith("!"):
        return "`!` excludes nothing here; give the pattern without it the value []"
    if "***" in pattern:
        return "`***` means nothing; `**` matches across slashes"
    if any(letter.isspace() or not letter.isprintable() for letter in pattern):
        return "no branch or tag has a blank in its name"
    for wrong in ("~", "^", ":", "[", "\\", "..", "//", "@{"):
        if wrong in pattern:
            return f"no branch or tag has `{wrong}` in its name"
    if pattern.startswith("/") or pattern.endswith(("/", ".")):
        return "no branch or tag begins or ends so"
    return None


def tie(first: str, second: str) -> str | None:
    """A shortest possible name that both patterns match though neither is more specific, or None."""
    if first == second or rank(first) != rank(second):
        return None
    one, two = _TOKEN.findall(first), _TOKEN.findall(second)
    waiting = deque([(0, 0, "")])
    seen: set[tuple[int, int, bool]] = set()
    while waiting:
        at, other, name = waiting.popleft()
        slash = name[-1:] in ("", "/")
        if (at, other, slash) in seen:
            continue
        seen.add((at, other, slash))
        if not slash and len(one) in _skipped({at}, one) and len(two) in _skipped({other}, two):
            return name
        # No name begins or ends with a slash or has two in a row.
        for letter in sorted((_letters(one, at) | _letters(two, other)) - ({"/"} if slash else set())):
            for step in _steps(one, at, letter):
                waiting.extend((step, against, name + letter) for against in _steps(two, other, letter))
    return None


def _skipped(places: Iterable[int], tokens: list[str]) -> set[int]:
    """The places, and those reached by letting a star match nothing."""
    found = set(places)
    for at in tuple(found):
        step = at
        while step < len(tokens) and tokens[step] in ("*", "**"):
            step += 1
            found.add(step)
    return found


def _step(tokens: list[str], at: int, letter: str) -> Iterable[int]:
    """Where the letter leads from one place: on, to the same star again, or nowhere."""
    wants = tokens[at] if at < len(tokens) else ""
    if wants == "**" or (wants == "*" and letter != "/"):
        return (at,)
    # A `*` of a name is a letter like any other, but no branch or tag has one.
    return (at + 1,) if wants == letter or (wants == "?" and letter != "/") else ()


def _steps(tokens: list[str], at: int, letter: str) -> list[int]:
    return [step for place in sorted(_skipped({at}, tokens)) for step in _step(tokens, place, letter)]


def _letters(tokens: list[str], at: int) -> set[str]:
    """Letters worth trying from a place; for a wildcard one stands for all."""
    places = (place for place in _skipped({at}, tokens) if place < len(tokens))
    return {"x" if tokens[place] in _WILD else tokens[place] for place in places}

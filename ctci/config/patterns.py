"""Patterns of branches, tags and files: what matches, which of several is the most specific, which two tie. Pure."""

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

_WILD = ("**", "*", "?")
_TOKEN = re.compile(r"\*\*|.", re.DOTALL)
#: Stars side by side.
_STARS = re.compile(r"\*{2,}")
#: Of files, `**` as a whole part also stands for no directory at all; several of them are as good as one.
_DEPTH = re.compile(r"(?:(?<![^/])\*\*/)+")


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name is what the pattern means: `*` and `?` stop at a slash, `**` does not."""
    return _Machine.of(pattern, files=False).accepts(name)


def touches(wanted: Sequence[str], path: str) -> bool:
    """Whether a changed file counts: some pattern matches its path, and none that begins with `!`.

    As of branches, but `**/` also stands for no directory at all, and a name without wildcards for all that is in it.
    """
    return any(_is_of(each, path) for each in wanted if not each.startswith("!")) and not any(
        _is_of(each[1:], path) for each in wanted if each.startswith("!")
    )


def _is_of(pattern: str, path: str) -> bool:
    if "*" in pattern or "?" in pattern:
        return _Machine.of(pattern, files=True).accepts(path)
    return path == pattern or path.startswith(f"{pattern}/")


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


def file_fault(pattern: str) -> str | None:
    """Why no file of a repository can match, or nothing could with this `!`; or None."""
    bare = pattern.removeprefix("!")
    if not bare:
        return "it is empty"
    if pattern == "!**":
        return "it excludes every file"
    if "***" in bare:
        return "`***` means nothing; `**` matches across slashes"
    for wrong in ("/", "./"):
        if bare.startswith(wrong):
            return f"paths begin at the root of the repository, without `{wrong}`"
    if bare.endswith("/"):
        return f"for all that is in it write `{bare.rstrip('/')}/**`"
    return _no_path(bare)


def _no_path(pattern: str) -> str | None:
    """Why no path in a repository can be so, or None."""
    if "\0" in pattern:
        return "no file has a NUL in its name"
    parts = pattern.lower().split("/")
    for wrong, shown in (("", "//"), (".", "/./"), ("..", "..")):
        if wrong in parts:
            return f"no path in a repository has `{shown}` in it"
    if ".git" in parts:
        return "no repository keeps a `.git`"
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


class _Machine:
    """A pattern as bits, one for each place: a letter moves all of them at once, so nothing can make it slow."""

    def __init__(self, pattern: str, *, files: bool) -> None:
        even = _STARS.sub("**", pattern)
        tokens = _TOKEN.findall(_DEPTH.sub("**/", even) if files else even)
        self._end = 1 << len(tokens)
        #: Bits of the places of `*` and `**`, of `**` alone, and of those that may be left out with their slash.
        self._stars = self._deep = self._depths = 0
        #: Letter -> bits of the places that it leads on from, and of all letters that have no entry.
        self._letters: dict[str, int] = {"/": 0}
        self._others = 0
        before = "/"
        for number, each in enumerate(tokens):
            bit = 1 << number
            if each in ("*", "**"):
                self._stars |= bit
                self._deep |= bit if each == "**" else 0
                if files and each == "**" and before == "/" and tokens[number + 1 : number + 2] == ["/"]:
                    self._depths |= bit
            elif each == "?":
                self._others |= bit
            else:
                self._letters[each] = self._letters.get(each, 0) | bit
            before = each
        for letter in self._letters:
            self._letters[letter] |= 0 if letter == "/" else self._others

    @staticmethod
    @lru_cache(maxsize=1000)
    def of(pattern: str, *, files: bool) -> "_Machine":
        """Of each pattern one, for it is held against many names."""
        return _Machine(pattern, files=files)

    def accepts(self, name: str) -> bool:
        """Whether the whole name leads to the end."""
        places = self._passed(0, 1)
        for letter in name:
            stay = places & (self._deep if letter == "/" else self._stars)
            places = self._passed(stay, (places & self._letters.get(letter, self._others)) << 1)
            if not places:
                return False
        return bool(places & self._end)

    def _passed(self, stay: int, new: int) -> int:
        """The old and new places, and those reached by letting a star stand for nothing; no two stand side by side."""
        # `**/` is left out whole or not at all: not in the middle of a name.
        places = stay | new | (new & self._depths) << 2
        return places | (places & self._stars) << 1


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

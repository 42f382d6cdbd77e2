"""projects.toml and the files that it includes: which there are, and what stands in two of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctci.config import keys, looked, values
from ctci.config.reader import Reader

#: So many files are included; a pattern that finds more was not meant so.
MOST = 1000
LONGEST = 300


def read(folder: Path, noted: set[str]) -> list[Reader]:
    """The readers of projects.toml and of what it includes, all parsed. `noted`: shared, so each key is noted once."""
    path = folder / "projects.toml"
    first = Reader(path, shown(path))
    first.noted = noted
    readers = [first]
    if first.parse() and "include" in first.plain:
        for each in _included(first, folder):
            more = Reader(each, shown(each))
            more.noted = noted
            more.parse()
            readers.append(more)
    return readers


def shown(path: Path) -> str:
    """A file as a person would name it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def table(r: Reader, name: str) -> Mapping[str, Any]:
    """A table of a file, if it is one."""
    found = r.plain.get(name)
    return found if isinstance(found, dict) else {}


def tops(readers: list[Reader]) -> list[dict[str, Any]]:
    """The known tables of each file."""
    first, *more = readers
    return [
        first.table((), first.plain, keys.TOP, "this file"),
        *(each.table((), each.plain, keys.INCLUDED, "an included file") for each in more),
    ]


def twice(readers: list[Reader]) -> None:
    """Tell of what has the same name in two files, with both places."""
    words = {"projects": "project", "notify": "notify table", "each": "[each]"}
    for kind, word in words.items():
        seen: dict[str, tuple[str, Reader]] = {}
        for r in readers:
            for name in table(r, kind):
                first, other = seen.setdefault(name.casefold(), (name, r))
                if other is not r:
                    said = f"{word} `{name}` stands in two files"
                    also = ((kind, first), "the other")
                    r.say("C602", said, (kind, name), key=True, hint="rename or remove one", also=also, other=other)


def patterns(r: Reader) -> list[str]:
    """The patterns of `include` that files are looked for by."""
    named = r.plain.get("include", [])
    found = named if isinstance(named, list) else [named]
    return [each for each in found if isinstance(each, str) and _is_pattern(each)]


def _is_pattern(text: str) -> bool:
    """Whether it can be a pattern of files relative to projects.toml."""
    return bool(text) and text.isprintable() and len(text) <= LONGEST and not text.startswith(("/", "~"))


def _included(r: Reader, folder: Path) -> list[Path]:
    """The files that the patterns of `include` match: in their order, and by name within each."""
    found: dict[Path, None] = {}
    for place, pattern in values.texts(r, ("include",), r.plain["include"]):
        if not _is_pattern(pattern):
            r.say("C103", "`include` takes patterns of files relative to this one", place, hint='"projects.d/*.toml"')
            continue
        paths = [path for path in looked.matching(folder, pattern) if path != r.path]
        if not paths:
            said = f"no file matches `{pattern}`"
            r.say("C601", said, place, warning=True, hint=f"it is looked for in {shown(folder)}")
        found |= dict.fromkeys(paths)
        if len(found) > MOST:
            r.say("C103", f"`include` finds more than {MOST} files", place, hint="a pattern for fewer is needed")
            return list(found)[:MOST]
    return list(found)

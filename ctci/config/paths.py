"""`paths` of a subproject: patterns of the files that concern it, and what is wrong with them."""

from collections.abc import Mapping
from typing import Any

from ctci.config import patterns, values
from ctci.config.reader import Reader
from ctci.config.scan import At


def read(r: Reader, at: At, entries: Mapping[str, Any]) -> tuple[str, ...]:
    """The patterns of a table's `paths`, as they are written; none where it has none."""
    if "paths" not in entries:
        return ()
    place: At = (*at, "paths")
    written = values.texts(r, place, entries["paths"])
    for where, pattern in written:
        fault = patterns.file_fault(pattern)
        if fault is not None:
            r.say("C116", f"no file can match the pattern `{pattern}`", where, hint=fault)
    if entries["paths"] == []:
        r.say("C116", "`paths` is empty, so no push could match", place, hint="without the key every push does")
    elif written and all(pattern.startswith("!") for _, pattern in written):
        r.say("C116", "`paths` only excludes, so no push could match", place, hint='put "**" first')
    return tuple(dict.fromkeys(pattern for _, pattern in written))

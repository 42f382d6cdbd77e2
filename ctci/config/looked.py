"""What an attempt to read the configuration looked at, whatever came of it: a change there asks for another one.

A file that was not there and is now, and one that a pattern of `include` finds now, are such changes.
"""

import glob
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

#: When the file was written, when that or its mode was last changed, and its size; None: it is not there.
Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, kw_only=True)
class Looked:
    """The files that were read or missed, and the patterns of `include`, which are relative to `folder`."""

    folder: Path = Path()
    #: Each as it was before it was read.
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)
    patterns: tuple[str, ...] = ()


def at(folder: Path, stamps: Mapping[Path, Stamp], patterns: Iterable[str]) -> Looked:
    """What was looked at, with what the patterns find besides."""
    found = Looked(folder=folder, patterns=tuple(patterns))
    return replace(found, stamps={**again(found).stamps, **stamps})


def again(looked: Looked) -> Looked:
    """The same as it is now; equal while nothing has changed."""
    found = (path for pattern in looked.patterns for path in matching(looked.folder, pattern))
    return replace(looked, stamps={path: stamp(path) for path in {*looked.stamps, *found}})


def matching(folder: Path, pattern: str) -> list[Path]:
    """The files that a pattern of `include` finds, by name."""
    paths = map(folder.joinpath, sorted(glob.glob(pattern, root_dir=folder)))
    # isfile answers where nobody may look, too.
    return [path for path in paths if os.path.isfile(path)]


def stamp(path: Path) -> Stamp:
    """What changes when the file does."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_ctime_ns, told.st_size

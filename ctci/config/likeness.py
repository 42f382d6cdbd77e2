"""Which of the known words was meant by one that is not known. Pure."""

import difflib
from collections.abc import Sequence


def close(name: str, allowed: Sequence[str]) -> str | None:
    """The one of the allowed names that was probably meant."""
    found = difflib.get_close_matches(name[:100], allowed, n=3, cutoff=0.65)
    # Of two that are equally like it, the one that begins as it does: people err late in a word.
    return max(found, key=lambda each: (_likeness(name, each), _alike(name, each)), default=None)


def _alike(one: str, other: str) -> int:
    """With how many letters both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (here, there) in pairs if here != there), min(len(one), len(other)))


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, one[:100]).ratio()

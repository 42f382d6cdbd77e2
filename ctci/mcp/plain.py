"""What an agent may be given: text without what nobody sees, and answers that are never too large. Pure."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ctci import logs

#: Bytes of an answer as they go over the wire, its text and its structured form together.
LIMIT = 32 * 1024
#: What the protocol itself wraps around them.
FRAME = 1024
#: Characters of a text that is no line of a log.
MOST = 600

#: Control and format characters, what is for nobody's eyes, and half characters: a model reads them, a person does not.
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
#: What looks like nothing though its category says letter or mark: fillers, joiners, variation selectors.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

_Found = TypeVar("_Found")


def clean(text: str) -> str:
    """A text in one line, without terminal sequences and without what nobody sees."""
    if text.isascii() and text.isprintable():
        return text
    kept = _BLANK.sub("", logs.SEQUENCE.sub("", text))
    return "".join(_seen(character) for character in kept)


def _seen(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return "" if unicodedata.category(character) in _UNSEEN else character


def cut(text: str, most: int = MOST) -> str:
    """The text, or its beginning and how much is missing."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"


def cleaned(value: Any) -> Any:
    """The same with every text in it made clean."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(name)): cleaned(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(each) for each in value]
    return value


def size(*parts: object) -> int:
    """How many bytes it is on the wire: as JSON, where what is not ASCII takes most."""
    return len(json.dumps(parts)) + FRAME


def fitting(sizes: Iterable[_Found], make: Callable[[_Found], tuple[str, Mapping[str, Any]]]) -> tuple[str, Any]:
    """The first answer that is small enough, of what `make` makes of these sizes, the largest first.

    Raises OverflowError where none is: the last size has to be one that always fits.
    """
    for each in sizes:
        text, told = make(each)
        if size(text, told) <= LIMIT:
            return text, told
    raise OverflowError("no answer is small enough")

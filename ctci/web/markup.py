"""Text for XML: whatever people typed, escaped, and with nothing in it that XML 1.0 forbids. Pure."""

import html
import re
from collections.abc import Mapping

from ctci import logs

#: What XML 1.0 has no place for, not even as a reference.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def line(value: str, most: int) -> str:
    """One line of at most so many characters: no controls, no half characters, nothing that turns what follows."""
    said = logs.clean(" ".join(value.split()).encode("utf-8", "replace"))
    return said if len(said) <= most else f"{said[: most - 1]}…"


def escaped(value: str) -> str:
    """As the text of an element, or the value of an attribute."""
    return html.escape(_ILLEGAL.sub("\ufffd", value))


def element(name: str, attributes: Mapping[str, object], *children: str, text: str | None = None) -> str:
    """An element with its children, which are markup, or its text, which is not; no attribute that is None."""
    given = "".join(f' {key}="{escaped(str(value))}"' for key, value in attributes.items() if value is not None)
    inner = escaped(text) if text is not None else "".join(children)
    return f"<{name}{given}>{inner}</{name}>" if inner else f"<{name}{given}/>"

"""What a form's body says: name -> its values, of the two ways that browsers and mail programs write it in. Pure."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
#: Fields of one form.
MOST = 5000
_BOUNDARY = re.compile(r';\s*boundary="?([^\s";,]{1,70})', re.IGNORECASE)
_NAME = re.compile(rb'^content-disposition:\s*form-data;[^\n]*?\bname="([^"\n]*)"', re.IGNORECASE | re.MULTILINE)


def fields(content_type: str, body: bytes) -> Mapping[str, tuple[str, ...]]:
    """The fields. Raises ValueError, whose text can be shown, for what is no form."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == MULTIPART:
        return _multipart(content_type, body)
    if kind not in (URLENCODED, ""):
        raise ValueError(f"send {URLENCODED} or {MULTIPART}")
    try:
        found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST)
    except ValueError:
        raise ValueError(f"a form may have {MOST} fields") from None
    return {name: tuple(values) for name, values in found.items()}


def _multipart(content_type: str, body: bytes) -> Mapping[str, tuple[str, ...]]:
    told = _BOUNDARY.search(content_type)
    if told is None:
        raise ValueError(f"{MULTIPART} needs a boundary")
    mark = b"\n--" + told[1].encode("utf-8", "replace")
    pieces = (b"\n" + body.replace(b"\r\n", b"\n")).split(mark, MOST + 2)
    if len(pieces) > MOST + 2:
        raise ValueError(f"a form may have {MOST} fields")
    found: dict[str, tuple[str, ...]] = {}
    for piece in pieces[1:]:
        head, blank, value = piece.partition(b"\n\n")
        name = _NAME.search(head)
        if name is not None and blank:
            called = name[1].decode("utf-8", "replace")
            found[called] = (*found.get(called, ()), value.decode("utf-8", "replace"))
    return found

"""XML of strangers as UTF-8 in small pieces, whatever encoding it declares, without what XML forbids. Pure."""

import codecs
import re
from collections.abc import Iterable, Iterator

MOST_BYTES = 256 * 1024 * 1024
PIECE = 128 * 1024

_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
#: Codecs that turn bytes into text and do nothing else.
_ENCODING = re.compile(
    r"utf-?8|utf-?16(-?[lb]e)?|(us-?)?ascii|(iso|windows|cp|latin|koi8|mac|shift|sjis|euc|gb|big5)[\w-]*"
)
_CONTROL = bytes(63 if code < 32 and code not in (9, 10, 13) else code for code in range(256))
_REFERENCE = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")
_NO_TEXT = re.compile(rb"\xef\xbf[\xbe\xbf]")


class Stop(Exception):
    """No further; the message is fit for a finding."""


def as_utf8(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whatever encoding is declared, as UTF-8 in small pieces, without what XML forbids."""
    decoder: codecs.IncrementalDecoder | None = None
    kept = b""
    total = 0
    for part in _small(pieces):
        total += len(part)
        if total > MOST_BYTES:
            raise Stop(f"it is larger than {MOST_BYTES // (1024 * 1024)} MB")
        decoder = decoder or codecs.getincrementaldecoder(_encoding(part[:500]))("replace")
        raw = kept + decoder.decode(part).encode("utf-8", "replace").translate(_CONTROL)
        # A reference may be cut in two.
        at = raw.rfind(b"&", max(0, len(raw) - 14))
        kept, raw = (raw[at:], raw[:at]) if at >= 0 else (b"", raw)
        yield _legal(raw)
    yield _legal(kept + (decoder.decode(b"", final=True).encode() if decoder else b""))


def _small(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """First enough to tell the encoding by, then pieces of one size at most."""
    first = b""
    for piece in pieces:
        view = memoryview(piece)
        if len(first) < 500:
            need = 500 - len(first)
            first += view[:need]
            view = view[need:]
            if len(first) < 500:
                continue
            yield first
        for at in range(0, len(view), PIECE):
            yield bytes(view[at : at + PIECE])
    if len(first) < 500:
        yield first


def _encoding(begin: bytes) -> str:
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if begin.startswith((b"<\0", b"\0<")):
        return "utf-16-le" if begin[0] else "utf-16-be"
    declared = _DECLARED.match(begin.removeprefix(codecs.BOM_UTF8))
    name = declared[1].decode().lower() if declared else "utf-8"
    # It is readable as ASCII so far: UTF-16 is not what it is.
    if begin.startswith(codecs.BOM_UTF8) or name.startswith(("utf-16", "utf16")) or not _ENCODING.fullmatch(name):
        return "utf-8-sig"
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return "utf-8-sig"
    return "utf-8-sig" if found == "utf-8" else found


def _legal(raw: bytes) -> bytes:
    if b"&#" in raw:
        raw = _REFERENCE.sub(_referred, raw)
    return _NO_TEXT.sub(b"?", raw) if b"\xef\xbf" in raw else raw


def _referred(match: re.Match[bytes]) -> bytes:
    """A reference as it is, or `?` where XML has no such character."""
    code = int(match[1], 16) if match[1] else int(match[2])
    legal = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    return match[0] if legal else b"?"

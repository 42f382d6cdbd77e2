"""What small texts look like: names, variables, addresses of the web. Each form stands here once. Pure."""

import base64
import binascii
import re
from urllib.parse import unquote

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = re.compile(r"[^\0\n]+")
_URL = re.compile(r"https?://[A-Za-z0-9.\[][^\s/@?#]*(?:/[^\s?#]*)?")
#: An address that is called. Of visible ASCII only: a line break would begin a header of somebody else's.
_CALL = re.compile(
    r"https?://(?:[^\s/@?#\\]+@)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)(?::([0-9]{1,5}))?(?:[/?][^\s#\\]*)?"
)
_APPRISE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
#: A name of a header (RFC 9110, 5.1).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: What each kind of reference to a secret names.
_REFERENCES = {"env": _VARIABLE, "credential": _NAME, "file": _PATH}


def is_name(text: str) -> bool:
    """Whether it may stand in addresses and paths."""
    return _NAME.fullmatch(text) is not None


def is_variable(text: str) -> bool:
    """Whether a variable may be called so."""
    return _VARIABLE.fullmatch(text) is not None


def is_url(text: str) -> bool:
    """Whether it is an address of the web, without user, password and query."""
    return _URL.fullmatch(text) is not None


def is_call(text: str) -> bool:
    """Whether it is an address of the web that can be called; tokens may stand in it, for it is a secret."""
    found = _CALL.fullmatch(text)
    return found is not None and text.isascii() and is_line(text) and 0 < int(found[1] or 80) < 1 << 16


def is_apprise(text: str) -> bool:
    """Whether it has the form of one Apprise URL."""
    return _APPRISE.fullmatch(text) is not None and is_line(text)


def signing_key(text: str) -> bytes | None:
    """The key in a secret of Standard Webhooks, `whsec_` and 24 to 64 bytes in base64; None for anything else."""
    prefix, _, encoded = text.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if prefix == "whsec" and 24 <= len(key) <= 64 else None


def headers(text: str) -> dict[str, str] | None:
    """`NAME=VALUE,NAME=VALUE` as headers, as OpenTelemetry's exporters read it: values percent-encoded; None else."""
    found = {}
    try:
        for pair in text.split(","):
            name, between, written = (part.strip() for part in pair.partition("="))
            told = unquote(written, errors="strict")
            good = _TOKEN.fullmatch(name) and between and told.isascii() and is_line(told) and told == told.strip()
            # A call has these of its own.
            if not good or name.lower() in ("content-type", "content-length", "host"):
                return None
            found[name] = told
    except UnicodeDecodeError:
        return None
    return found


def is_line(text: str) -> bool:
    """Whether it is one line, without control characters."""
    return _CONTROL.search(text) is None


def is_reference(value: object) -> bool:
    """Whether a value is the place of a secret, well formed."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, name),) = value.items()
    return kind in _REFERENCES and isinstance(name, str) and _REFERENCES[kind].fullmatch(name) is not None

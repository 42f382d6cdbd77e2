"""What small texts look like: names, variables, addresses of the web. Each form stands here once. Pure."""

import re

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = re.compile(r"[^\0\n]+")
_URL = re.compile(r"https?://[A-Za-z0-9.\[][^\s/@?#]*(?:/[^\s?#]*)?")
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


def is_line(text: str) -> bool:
    """Whether it is one line, without control characters."""
    return _CONTROL.search(text) is None


def is_reference(value: object) -> bool:
    """Whether a value is the place of a secret, well formed."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, name),) = value.items()
    return kind in _REFERENCES and isinstance(name, str) and _REFERENCES[kind].fullmatch(name) is not None

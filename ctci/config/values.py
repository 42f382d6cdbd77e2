"""Typed values out of a Reader: each gives the value, or tells what is wrong with it and gives something harmless."""

import ipaddress
import re

from ctci.config import forms, keys, patterns, reader, times
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.config.settings import Network
from ctci.model import SecretRef

_DURATION = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)")
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_MAIL = re.compile(
    r"[^@\s<>\"',;:()\[\]\\\x00-\x1f\x7f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_SENDER = re.compile(r"[^<>\x00-\x1f\x7f]*<([^<>]*)>")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_SLOW = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)x")


def text(r: Reader, at: At, value: object, default: str = "") -> str:
    """Text of any length; no NUL, which nothing behind this can take."""
    if not isinstance(value, str):
        r.wrong_type(at, value, "text")
        return default
    if "\0" in value:
        r.say("C103", f"`{at[-1]}` has a NUL in it", at, hint="write it without")
        return default
    return value


def line(r: Reader, at: At, value: object, default: str = "") -> str:
    """Text of one line."""
    found = text(r, at, value, default)
    if not forms.is_line(found):
        r.say("C103", f"`{at[-1]}` is not one line of text", at, hint="no line breaks, no control characters")
        return default
    return found


def texts(r: Reader, at: At, value: object) -> list[tuple[At, str]]:
    """The entries of a list of text with their places; one text stands for a list of one."""
    if isinstance(value, str):
        return [(at, value)]
    if not isinstance(value, list):
        r.wrong_type(at, value, "a list of text")
        return []
    found: list[tuple[At, str]] = []
    for number, entry in enumerate(value):
        if isinstance(entry, str):
            found.append(((*at, number), entry))
        else:
            r.say("C109", f"`{at[-1]}` must be a list of text", (*at, number), hint=f"found {reader.kind_of(entry)}")
    return found


def names(r: Reader, at: At, value: object) -> tuple[str, ...]:
    """Patterns of branches."""
    found = texts(r, at, value)
    for place, pattern in found:
        fault = patterns.fault(pattern)
        if fault is not None:
            r.say("C116", f"no name can match the pattern `{pattern}`", place, hint=fault)
    return tuple(dict.fromkeys(pattern for _, pattern in found))


def is_free(r: Reader, at: At, name: str, *, key: bool) -> bool:
    """Whether a recipe may have the variable."""
    if not forms.is_variable(name):
        r.say("C105", f"not a name for a variable: `{name}`", at, key=key, hint="letters, digits and `_`")
        return False
    if name in keys.RESERVED or name.startswith("CTCI_"):
        r.say("C117", f"`{name}` is set by ctci itself", at, key=key, hint="choose another name")
        return False
    return True


def flag(r: Reader, at: At, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        r.wrong_type(at, value, "true or false")
        return False
    return value


def number(r: Reader, at: At, value: object, low: int, high: int, default: int) -> int:
    """A whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int):
        r.wrong_type(at, value, "a number")
        return default
    if not low <= value <= high:
        r.say("C103", f"`{at[-1]}` is out of range", at, hint=f"{low} to {high}")
        return default
    return value


def choice(r: Reader, at: At, value: object, allowed: tuple[str, ...]) -> str | None:
    """One of a few words."""
    if not isinstance(value, str):
        r.wrong_type(at, value, "text")
        return None
    if value in allowed:
        return value
    *most, last = allowed
    meant = r.close(value, allowed)
    hint = f"did you mean `{meant}`?" if meant else f"{', '.join(most)} or {last}"
    name = next(part for part in reversed(at) if isinstance(part, str))
    r.say("C103", f"`{value}` is not a choice for `{name}`", at, hint=hint)
    return None


def duration(r: Reader, at: At, value: object, default: int, such: str = '"90s", "20m" or "1h30m"') -> int:
    """Seconds of "1h30m"."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if found is None or not value:
        r.say("C302", f"not a duration: `{_written(r, at, value)}`", at, hint=f"write {such}")
    elif not 0 < total <= 30 * 24 * 3600:
        r.say("C302", f"not a duration: `{_written(r, at, value)}`", at, hint="more than nothing, and at most 30d")
    else:
        return total
    return default


def bytes_of(value: object) -> int | None:
    """Bytes of "5GiB", or None; of "0" too."""
    if value == "0":
        return 0
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    return int(float(found[1]) * _UNITS[found[2]]) if found else None


def size(r: Reader, at: At, value: object, default: int, least: int = 0) -> int:
    """Bytes of "5GiB", at least `least`."""
    found = bytes_of(value)
    if found is None:
        r.say("C306", f"not a size: `{_written(r, at, value)}`", at, hint='write "500MiB" or "5GiB"')
        return default
    if found < least:
        r.say("C306", f"`{at[-1]}` is too small", at, hint=f"at least {least >> 10}KiB")
        return default
    return found


def time(r: Reader, at: At, value: object) -> str | None:
    """A time of day."""
    found = line(r, at, value)
    if not isinstance(value, str) or times.is_time(found):
        return found or None
    r.say("C103", f"`{_written(r, at, value)}` is not a time of day", at, hint='write "07:30"')
    return None


def days(r: Reader, at: At, value: object) -> tuple[str, ...]:
    """Days of the week and ranges of them."""
    found = texts(r, at, value)
    faults = [(place, each, times.days_fault(each)) for place, each in found]
    for place, each, fault in faults:
        if fault is not None:
            r.say("C103", f"`{each}` is not a day of the week", place, hint=fault)
    if value == []:
        r.say("C103", f"`{at[-1]}` names no day", at, hint="without the key it is every day")
    return tuple(each for _, each, fault in faults if fault is None)


def zone(r: Reader, at: At, value: object) -> str | None:
    """The name of a time zone."""
    found = line(r, at, value)
    known = times.zones()
    if not isinstance(value, str) or found in known:
        return found or None
    if r.full:
        return None
    if not known:
        r.say("C301", "this machine knows no time zones", at, hint="install the package tzdata")
        return None
    meant = times.zone_like(found) or r.close(found, known)
    hint = f"did you mean `{meant}`?" if meant else 'an IANA name, such as "Europe/Berlin" or "UTC"'
    r.say("C301", f"not a time zone: `{found}`", at, hint=hint)
    return None


def slow(r: Reader, at: At, value: object) -> tuple[float | None, int | None]:
    """A multiple of the usual time, or a duration in seconds."""
    found = _SLOW.fullmatch(value) if isinstance(value, str) else None
    if found is None or not isinstance(value, str):
        return None, duration(r, at, value, 0, '"1.5x" (of its usual time) or "20m"') or None
    if float(found[1]) <= 1:
        r.say("C302", f"not more than usual: `{value}`", at, hint='such as "1.5x"')
        return None, None
    return float(found[1]), None


def globs(r: Reader, at: At, value: object) -> tuple[str, ...]:
    """Patterns of files."""
    found = texts(r, at, value)
    for place, pattern in found:
        fault = patterns.file_fault(pattern)
        if fault is not None:
            r.say("C116", f"no file can match the pattern `{pattern}`", place, hint=fault)
    return tuple(dict.fromkeys(pattern for _, pattern in found))


def networks(r: Reader, at: At, value: object) -> tuple[Network, ...]:
    """Addresses of machines, and of networks."""
    found: list[Network] = []
    for place, each in texts(r, at, value):
        try:
            found.append(ipaddress.ip_network(each, strict=False))
        except ValueError:
            said = f"`{each[:80]}` is not an address of a machine or network"
            r.say("C103", said, place, hint='such as "127.0.0.1", "10.0.0.0/8" or "::1"')
    return tuple(found)


def url(r: Reader, at: At, value: object) -> None:
    """An address of the web, without a password."""
    found = line(r, at, value)
    if isinstance(value, str) and not forms.is_url(found):
        r.say("C103", f"`{at[-1]}` is not an address", at, hint="such as http://localhost:4318/")


def header(r: Reader, at: At, value: object) -> str | None:
    """The name of a header; `true` is the usual one, `false` none."""
    if isinstance(value, bool):
        return "Remote-User" if value else None
    found = line(r, at, value)
    if isinstance(value, str) and not _HEADER.fullmatch(found):
        r.say("C103", f"`{found[:80]}` is not the name of a header", at, hint='true, or such as "X-Remote-User"')
        return None
    return found or None


def mails(r: Reader, at: At, value: object) -> tuple[str, ...]:
    """E-mail addresses."""
    good = []
    for place, each in texts(r, at, value):
        if is_mail(each):
            good.append(each)
        else:
            r.say("C501", f"not an e-mail address: `{each}`", place, hint="name@example.org")
    return tuple(good)


def is_mail(address: str) -> bool:
    """Whether it has the form of a plain address."""
    return len(address) <= 254 and ".." not in address and _MAIL.fullmatch(address) is not None


def is_sender(value: str) -> bool:
    """Whether it is an address, or a name and an address in angle brackets."""
    named = _SENDER.fullmatch(value)
    return is_mail(named[1] if named else value)


def secret(r: Reader, at: At, value: object) -> SecretRef | None:
    """A reference to a secret. A value is refused and not shown."""
    if forms.is_reference(value) and isinstance(value, dict):
        ((kind, name),) = value.items()
        return SecretRef(kind=kind, name=name)
    use = 'use { env = "NAME" }, { file = "/path" } or { credential = "name" }'
    if isinstance(value, dict):
        hint = "exactly one of `env`, `file` and `credential`, with a name"
        r.say("C102", f"`{at[-1]}` is not a reference to a secret", at, hint=hint, help=use)
        return None
    r.say(
        "C201",
        f"`{at[-1]}` must be a reference, not a value",
        at,
        hint="write the secret's location, not the secret",
        help=use,
        note="if this was a real secret it is now in your shell history and editor backups: rotate it",
    )
    return None


def _written(r: Reader, at: At, value: object) -> str:
    raw = value if isinstance(value, str) else r.spans.raw(at)
    return raw if len(raw) <= 40 and "\n" not in raw else f"{raw[:39]}…".replace("\n", " ")

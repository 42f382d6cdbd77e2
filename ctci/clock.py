"""The only file that asks for the time, for ids and for chance, so that tests can stop and move all three."""

import datetime as dt
import random
import secrets
import threading
import time
import uuid


def now() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds on a clock that only goes forward; for durations and deadlines."""
    return time.monotonic()


def wait(event: threading.Event, timeout_s: float) -> bool:
    """Whether `event` was set within `timeout_s`."""
    return event.wait(timeout_s)


def new_key() -> str:
    """A key that nobody else has."""
    return uuid.uuid4().hex


def new_token() -> str:
    """128 bits that nobody can guess, as hex: what follows a link in a letter keeps all of it."""
    return secrets.token_hex(16)


def spread(seconds: float) -> float:
    """`seconds`, a fifth more or less, so that what failed together is not tried again together."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - chance, not a secret


def local(at: int) -> dt.datetime:
    """A Unix time in milliseconds as local time of this machine, with its zone."""
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).astimezone()


def moment(at: int) -> str:
    """`24 Nov, 18:05`, by this machine's clock, of a Unix time in milliseconds."""
    return local(at).strftime("%-d %b, %H:%M")


def day(at: int) -> str:
    """`24 Dec`, by this machine's clock, with its year where that is not this one."""
    then = local(at)
    return then.strftime("%-d %b" if then.year == local(now()).year else "%-d %b %Y")


def end_of(date: dt.date) -> int:
    """When a day ends by this machine's clock, in Unix milliseconds."""
    return int(dt.datetime.combine(date + dt.timedelta(days=1), dt.time()).astimezone().timestamp() * 1000)


def stamp(at: int) -> str:
    """A Unix time in milliseconds as it stands in the names of files: `20261125T033000Z`."""
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).strftime("%Y%m%dT%H%M%SZ")


def stamped(text: str) -> int | None:
    """The time that a stamp names, in Unix milliseconds; None for what is none."""
    try:
        return int(dt.datetime.strptime(text, "%Y%m%dT%H%M%S%z").timestamp() * 1000)
    except ValueError:
        return None

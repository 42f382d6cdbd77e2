"""Times of day, days of the week, lines of cron and time zones: what is wrong with each, and `at` as a line of cron."""

import re
import zoneinfo
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from cronsim import CronSim, CronSimError

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_FIELD = re.compile(r"[0-9A-Za-z*,/-]{1,200}")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
#: Any will do: nothing is asked of the line but whether it can be read.
_SOME_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall clock's


def is_time(text: str) -> bool:
    """Whether it is a time of day, such as 07:30."""
    return _TIME.fullmatch(text) is not None


def days_fault(text: str) -> str | None:
    """Why it is neither a day of the week nor a range of them, or None."""
    parts = text.split("-")
    if len(parts) > 2 or any(part not in _DAYS for part in parts):
        return 'write "mon-fri", "sun" or ["mon", "thu"]'
    if len(parts) == 2 and _DAYS.index(parts[0]) > (_DAYS.index(parts[1]) or 7):
        return f'a week begins with sun: write ["{parts[0]}-sat", "sun-{parts[1]}"]'
    return None


def line(at: str, days: Sequence[str] = ()) -> str:
    """A time of day, and days, as a line of cron; any day without."""
    hour, _, minute = at.partition(":")
    # cron's week begins with sun, which is also 7.
    return f"{int(minute)} {int(hour)} * * {','.join(_through(each) for each in days) or '*'}"


def weekdays(days: Sequence[str]) -> frozenset[int]:
    """The days of the week that are meant, 0 for Monday; all of them without any."""
    found: set[int] = set()
    for each in days:
        first, dash, last = each.partition("-")
        begin, end = _DAYS.index(first), _DAYS.index(last) if dash else _DAYS.index(first)
        # Sunday ends a week as well as it begins one.
        found.update((day - 1) % 7 for day in range(begin, (end or 7 if dash else end) + 1))
    return frozenset(found or range(7))


def _through(days: str) -> str:
    first, dash, last = days.partition("-")
    return f"{_DAYS.index(first)}-7" if dash and last == "sun" else days


def cron_fault(text: str) -> str | None:
    """Why it is not a line of cron, or None."""
    fields = text.split()
    if len(fields) != 5:
        return f"five fields: {', '.join(_FIELDS)}"
    for field, name in zip(fields, _FIELDS, strict=True):
        # cronsim would also take `L` (the last day), seconds and `#`, which cron does not know.
        if not _FIELD.fullmatch(field) or re.search(r"(?<![A-Za-z])L", field.upper()):
            return f"`{field}` cannot be the {name}"
    for number, name in enumerate(_FIELDS):
        alone = ["*"] * 5
        alone[number] = fields[number]
        if not _reads(" ".join(alone)):
            return f"`{fields[number]}` cannot be the {name}"
    return None


def never(text: str) -> bool:
    """Whether a line of cron without a fault names no day that there is."""
    return not _reads(text)


def _reads(text: str) -> bool:
    try:
        CronSim(text, _SOME_DAY)
    except CronSimError:
        return False
    return True


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """All names of time zones; none where the machine has no such list."""
    return frozenset(zoneinfo.available_timezones())


def zone_like(text: str) -> str | None:
    """The zone whose name, or the last part of it, differs from this in case and blanks only."""
    whole, last = _folded()
    return whole.get(text.casefold()) or last.get(text.casefold().replace(" ", "_"))


@lru_cache(maxsize=1)
def _folded() -> tuple[dict[str, str], dict[str, str]]:
    known = sorted(zones())
    return {each.casefold(): each for each in known}, {each.rpartition("/")[2].casefold(): each for each in known}

"""Which daily time has come last: of a wall clock somewhere, as Unix milliseconds. Pure."""

import datetime as dt
from zoneinfo import ZoneInfo

DAY_MS = 24 * 3600 * 1000


def last(at: str, zone: str, now: int) -> int:
    """When it was `at` (`HH:MM`) in `zone` for the last time, at `now` or before.

    Once a day: of a doubled hour the first counts, and in place of a time that was left out the one as long after the
    clock was set.
    """
    # Known without any list of zones.
    where = dt.UTC if zone == "UTC" else ZoneInfo(zone)
    time = dt.time.fromisoformat(at)
    today = dt.datetime.fromtimestamp(now / 1000, where).date()
    days = (today, today - dt.timedelta(days=1), today - dt.timedelta(days=2))
    times = [int(dt.datetime.combine(day, time, where).timestamp() * 1000) for day in days]
    return next(each for each in times if each <= now)

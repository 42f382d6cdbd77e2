"""Moments and spans, as JSON has them. Pure."""

import datetime as dt


def time(at: int | None) -> str | None:
    """`2026-11-24T09:43:53.120Z`, of Unix milliseconds."""
    if at is None:
        return None
    moment = dt.datetime.fromtimestamp(at // 1000, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"


def seconds(began: int | None, finished: int | None) -> float | None:
    """Between two moments, where both are known."""
    return None if began is None or finished is None else max(0, finished - began) / 1000

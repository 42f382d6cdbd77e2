"""Keeps what was counted: written with what is counted, in one transaction, and read whole by who draws it.

There are as many rows as there are totals with a value, however long the history is.
"""

import json
from functools import lru_cache

from sqlalchemy import Connection, select

from ctci.ledger.engine import Ledger, accumulate, at_last
from ctci.ledger.tables import totals
from ctci.model import Total

_KEY, _SUMS = ("name", "labels", "bucket"), ("times", "ms")


def add(connection: Connection, total: Total) -> None:
    """Count something, in the caller's transaction.

    It is written when that ends, once for all that it counts and always in the same order: rows that everybody writes
    to are locked last and shortly, and no two servers wait for each other.
    """
    pending = at_last(connection, _Pending)
    pending.add(total)


def totals_(db: Ledger) -> tuple[Total, ...]:
    """All that was ever counted, in the order of names and labels."""
    with db.read() as connection:
        found = connection.execute(select(totals).order_by(totals.c.name, totals.c.labels, totals.c.bucket))
        return tuple(
            Total(
                name=row.name,
                labels=_labels(row.labels),
                bucket=row.bucket,
                times=row.times,
                ms=row.ms,
            )
            for row in found
        )


@lru_cache(4096)
def _labels(text: str) -> tuple[str, ...]:
    # One and the same text for all buckets of a histogram, at each look.
    return tuple(json.loads(text))


class _Pending:
    """What a transaction has counted so far."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, int], tuple[int, int]] = {}

    def add(self, total: Total) -> None:
        key = (total.name, json.dumps(total.labels), total.bucket)
        times, ms = self._found.get(key, (0, 0))
        self._found[key] = (times + total.times, ms + total.ms)

    def write(self, connection: Connection) -> None:
        rows = [
            {**dict(zip(_KEY, key, strict=True)), **dict(zip(_SUMS, sums, strict=True))}
            for key, sums in sorted(self._found.items())
        ]
        accumulate(connection, totals, _KEY, _SUMS, rows)

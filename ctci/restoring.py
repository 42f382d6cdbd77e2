"""Puts a copy of the ledger in the place of the one that is there, in a data folder that nobody serves.

Whole, or nothing is changed; what was there is kept. No number that has been given out is given out again.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ctci import clock, git, ledger, premises, words
from ctci.layout import Layout
from ctci.ledger import copies, restored
from ctci.model import Status
from ctci.run import adoption

#: Where nobody knows any more which numbers were given out, at least so many are left out.
LEAP = 1000
SINCE = "what was pushed since is found by the sweep, and what was due by a schedule is not made up for"
REASON = "the ledger was put back from a copy, and this may have run since that was made"


class RestoreError(Exception):
    """The ledger cannot be put back; the message says why, and what helps."""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What became of a data folder."""

    #: The newest run of the copy, and when the last thing happened that it knows of (Unix ms).
    run: int | None
    until: int | None
    #: The number that the next run gets.
    next_run: int
    #: Where the ledger of before lies; None where there was none.
    aside: Path | None
    #: The last run of that one; None where it could not be read.
    last_run: int | None
    #: Jobs that waited in the copy: how many were cancelled, and how many wait still.
    cancelled: int
    waiting: int
    #: Jobs that ran and that the copy does not know of: they were ended.
    ended: int


def restore(place: Layout, source: Path, *, by: str, end_jobs: bool = False, keep_queue: bool = False) -> Restored:
    """Put `source` in the place of the ledger.

    Raises ledger.LedgerError for a file that is none, premises.PremisesError while a server has the data folder, and
    RestoreError, unless `end_jobs`, while jobs run that the copy does not know of.
    """
    _look(place, source)
    premises.open_folder(place)
    with premises.hold(place):
        try:
            db = copies.draw(source, place.restoring)
            try:
                told = _ready(db, place, by=by, end_jobs=end_jobs, keep_queue=keep_queue)
            finally:
                db.close()
            aside = copies.put_in_place(place.restoring, place.ledger)
        finally:
            copies.discard(place.restoring)
        db = ledger.connect(place.ledger)
        try:
            adoption.set_aside(db, place)
        finally:
            db.close()
    return replace(told, aside=aside)


def _look(place: Layout, source: Path) -> None:
    if not source.is_file():
        raise RestoreError(f"there is no file {source}")
    if place.ledger.exists() and source.samefile(place.ledger):
        raise RestoreError(f"{source} is the ledger itself")
    uid = place.data.stat().st_uid if place.data.exists() else os.geteuid()
    if uid != os.geteuid():
        raise RestoreError(f"{place.data} belongs to another user: call ctci as that one (sudo -u '#{uid}' ctci …)")


def _ready(db: ledger.Ledger, place: Layout, *, by: str, end_jobs: bool, keep_queue: bool) -> Restored:
    """Tell the copy what it must know of the time after it."""
    ended = _end_strangers(db, place, asked=end_jobs)
    newest = ledger.runs_(db, limit=1)
    until = restored.until(db)
    present = restored.numbers_in(place.ledger)
    last = _given_out(db, place, present, until)
    _remember(place, last)
    restored.number_above(db, last)
    made = f", of {clock.moment(until)}" if until is not None else ""
    restored.go_on_from_here(db, reason=f"the ledger was put back from a copy{made}: {SINCE}")
    cancelled = 0 if keep_queue else restored.clear_queue(db, by=by, reason=REASON)
    return Restored(
        run=newest[0].id if newest else None,
        until=until,
        next_run=restored.numbers(db)["runs"] + 1,
        aside=None,
        last_run=None if present is None else present.get("runs", 0),
        cancelled=cancelled,
        waiting=ledger.counts(db)["queued"],
        ended=ended,
    )


def _end_strangers(db: ledger.Ledger, place: Layout, *, asked: bool) -> int:
    """End the jobs that run and that the copy does not know of: no server would ever hear of them. How many."""
    known = {(job.id, job.attempt) for job in ledger.in_state(db, Status.RUNNING) if job.began_at is not None}
    found = tuple(each for each in adoption.living(place) if each not in known)
    if found and not asked:
        raise RestoreError(
            f"{words.count(len(found), 'job')} of which the copy does not know {'runs' if len(found) == 1 else 'run'}: "
            "start the server again and wait for the end (`ctci stop` once nothing runs), or end them with --jobs"
        )
    adoption.end_strangers(place, found)
    return len(found)


def _given_out(
    db: ledger.Ledger, place: Layout, present: Mapping[str, int] | None, until: int | None
) -> Mapping[str, int]:
    """Table -> the last number that anybody may have by now."""
    found = _most({"runs": 0, "jobs": 0}, restored.numbers(db), _remembered(place))
    if present is None:
        # Of a time as long before the copy was made, twice as many as were given out then.
        before = 0 if until is None else restored.recorded_since(db, 2 * until - clock.now())
        grown = 2 * before / max(1, found["runs"])
        found = {table: last + LEAP + int(grown * last) for table, last in found.items()}
    jobs = [int(folder.name) for folder in place.jobs.iterdir() if folder.name.isdecimal()]
    runs = [run for mirror in place.mirrors.glob("*.git") for run in git.pinned(mirror)]
    return _most(found, present or {}, {"jobs": max(jobs, default=0), "runs": max(runs, default=0)})


def _most(*several: Mapping[str, int]) -> dict[str, int]:
    """Of each table the highest number."""
    tables = {table for each in several for table in each}
    return {table: max(each.get(table, 0) for each in several) for table in tables}


def _remembered(place: Layout) -> dict[str, int]:
    """The numbers up to which earlier restores went: where a ledger is lost again, only they know."""
    try:
        found = json.loads(place.numbers.read_bytes())
        return {str(table): int(last) for table, last in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _remember(place: Layout, last: Mapping[str, int]) -> None:
    new = place.numbers.with_suffix(".new")
    new.write_text(json.dumps(last))
    new.rename(place.numbers)

"""`/api/v1/jobs/N/log/live`: the lines of a log as they are written.

One task reads a log for all who follow it, and keeps its newest lines; who has fallen behind these is told which lines
were skipped, and goes on with what is kept. Only lines that have ended are told, so that a line's number is enough to
go on after it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctci
from ctci import clock, ledger, logs, shape
from ctci.model import FINISHED, Job, Status
from ctci.web import streams
from ctci.web.doors import Doors

log = logging.getLogger(__name__)

#: How often the file is looked at, seconds, and at every which look the ledger is asked how the job is.
EVERY_S, ASK = 0.25, 4
#: So many of the newest lines are kept, of so many bytes; so many of them are told at once.
KEPT, KEPT_BYTES, BATCH = 2000, 512 << 10, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Lines that follow each other, as they are sent."""

    first: int
    lines: tuple[str, ...]
    text: bytes

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


def batch(first: int, lines: Sequence[str]) -> Batch:
    """Lines from that number on."""
    text = streams.block("lines", {"from": first, "lines": lines}, first + len(lines) - 1)
    return Batch(first=first, lines=tuple(lines), text=text)


def batches(first: int, lines: Sequence[str]) -> list[Batch]:
    """Lines in pieces of at most BATCH, and not much more than what is sent at once."""
    found: list[Batch] = []
    start = size = 0
    for at, line in enumerate(lines):
        if at - start == BATCH or (at > start and size + len(line) > streams.BYTES):
            found.append(batch(first + start, lines[start:at]))
            start, size = at, 0
        size += len(line)
    return [*found, batch(first + start, lines[start:])] if lines else found


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What a look at the file found: lines from `first` on."""

    job: Job
    #: Of which attempt; the file is that of another job where its result is repeated.
    attempt: int
    path: Path
    first: int
    lines: tuple[str, ...]
    over: bool


class Tail(streams.Source):
    """The newest lines of an attempt's log."""

    def __init__(self, doors: Doors, job: int, attempt: int) -> None:
        super().__init__()
        self._doors = doors
        self.job = job
        self.attempt = attempt
        self.status = Status.QUEUED
        self._path: Path | None = None
        self._state: Job | None = None
        self._kept: deque[Batch] = deque()
        self._lines = self._bytes = 0
        #: The last line that was read.
        self.last = 0
        #: Whether the attempt has ended and all its lines were read.
        self.over = False

    @property
    def first(self) -> int:
        """The first line that is kept."""
        return self._kept[0].first if self._kept else self.last + 1

    def at(self, number: int) -> Batch | None:
        """The lines that are kept from this one on, as far as they are told at once."""
        for each in reversed(self._kept):
            if each.first <= number <= each.last:
                return each if each.first == number else batch(number, each.lines[number - each.first :])
        return None

    async def _begin(self) -> None:
        # Who came before may have left while something was written.
        self._kept.clear()
        self._lines = self._bytes = self.last = 0
        self._take(await asyncio.to_thread(self._look, ask=True))

    async def _go_on(self) -> None:
        looks = 0
        while not self.over and not self._doors.stopping():
            await asyncio.sleep(EVERY_S)
            looks += 1
            try:
                self._take(await asyncio.to_thread(self._look, ask=looks % ASK == 0))
            except ledger.Away:
                continue
            except Exception:  # a loop that dies silently is the worst fault
                log.exception("the log of job %s could not be followed; trying again", self.job)

    def _look(self, *, ask: bool) -> _Look | None:
        """What is new; None: nothing, or nothing any more."""
        job = self._asked() if ask or self._state is None else self._state
        if job is None:
            return None
        attempt = self.attempt
        if self._state is not None and job.attempt > attempt and not self.last:
            # It was put back before it began.
            attempt = job.attempt
        path = self._path_of(job, attempt) if ask or self._path is None else self._path
        found = logs.open_(path)
        # First asked, then read: of what is over then, all is read. Who has not asked cannot tell.
        waits = job.status is Status.QUEUED and self.last > 0
        over = ask and (job.status in FINISHED or job.attempt > attempt or waits)
        lines = 0 if found is None else found.lines if found.whole or over else found.lines - 1
        first = max(self.last + 1, lines - KEPT + 1)
        window = logs.window(found, first, lines - first + 1) if found is not None and lines >= first else ()
        texts = tuple(logs.clean(line.text) for line in window)
        return _Look(job=job, attempt=attempt, path=path, first=first, lines=texts, over=over)

    def _asked(self) -> Job | None:
        return ledger.job(self._doors.db, self.job)

    def _path_of(self, job: Job, attempt: int) -> Path:
        then = ledger.job(self._doors.db, job.same_as) if job.same_as is not None else None
        return self._doors.layout.log(*((then.id, then.attempt) if then is not None else (job.id, attempt)))

    def _take(self, look: _Look | None) -> None:
        if look is None:
            # The job was forgotten with its run.
            self.over = True
            return
        self._state, self._path = look.job, look.path
        self.status, self.attempt, self.over = look.job.status, look.attempt, look.over
        if look.lines and look.first > self.last + 1:
            self._kept.clear()
            self._lines = self._bytes = 0
        for each in batches(look.first, look.lines):
            self._kept.append(each)
            self._lines += len(each.lines)
            self._bytes += len(each.text)
            self.last = each.last
        while len(self._kept) > 1 and (self._lines > KEPT or self._bytes > KEPT_BYTES):
            old = self._kept.popleft()
            self._lines -= len(old.lines)
            self._bytes -= len(old.text)
        if look.lines or look.over:
            self.wake()


class Tails:
    """Of each log that is followed, its tail."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._tails: dict[tuple[int, int], Tail] = {}

    def of(self, job: int, attempt: int) -> Tail:
        """The one of an attempt."""
        return self._tails.setdefault((job, attempt), Tail(self._doors, job, attempt))

    def forget(self) -> None:
        """Keep only those that somebody follows."""
        self._tails = {key: tail for key, tail in self._tails.items() if not tail.idle}


class Follower(streams.Follower):
    """One who follows a log: what they have of it."""

    def __init__(self, tails: Tails, opened: Mapping[str, Any], last: int | None) -> None:
        """`last`: the number of the last line that they have from before; None: they begin."""
        super().__init__()
        self._tails = tails
        # One that waits is followed from its first attempt on.
        self._of = (opened["job"], max(1, opened["attempt"]))
        self._next = opened["from"] if last is None else last + 1
        self._again = last is not None
        self._hello = False

    async def begin(self) -> None:
        self._tail = self._tails.of(*self._of)
        await self._tail.join(self)
        if self._again and not 0 < self._next <= self._tail.last + 1:
            # What they have is of another attempt.
            self._next = 1

    def leave(self) -> None:
        self._tail.leave(self)
        self._tails.forget()

    def take(self) -> bytes:
        if not self._hello:
            return self._greeting()
        tail, found = self._tail, b""
        if self._next < tail.first:
            found = streams.block("skipped", {"from": self._next, "to": tail.first - 1}, tail.first - 1)
            self._next = tail.first
        lines = tail.at(self._next)
        if lines is not None:
            self._next = lines.last + 1
            return found + lines.text
        if tail.over and not self.over:
            self.over = True
            told = {"job": tail.job, "attempt": tail.attempt, "status": str(tail.status), "lines": tail.last}
            found += streams.block("end", told)
        return found

    def _greeting(self) -> bytes:
        self._hello = True
        tail = self._tail
        told = {
            "server_time": shape.time(clock.now()),
            "version": ctci.__version__,
            "job": tail.job,
            "attempt": tail.attempt,
            "status": str(tail.status),
            "next": self._next,
        }
        return streams.block("hello", told)

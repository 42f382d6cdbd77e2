"""`/api/v1/events`: what happens, as it happens.

One task reads the ledger for all who follow, and keeps what happened lately; a follower is only a place in that. So
who comes back goes on where they were, and who falls behind what is kept is told to read anew.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import ctci
from ctci import clock, ledger, shape
from ctci.model import Happening, Visitor
from ctci.web import streams
from ctci.web.doors import Doors

log = logging.getLogger(__name__)

#: How long what happened is kept for who comes back, milliseconds, and how much of it.
KEPT_MS, KEPT = 10 * 60_000, 2000
#: How long the ledger is slept over where nobody rings, and how long what happens may gather, seconds.
POLL_S, GATHER_S = 1.0, 0.1
#: Changes read, and told to one follower, at once.
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that happened, as it is sent, and who wants to hear of it."""

    seq: int
    at: int
    project: str
    run: int
    text: bytes


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What a look at the ledger found."""

    happened: tuple[Happening, ...]
    queues: Mapping[str, tuple[int, int]]


class Feed(streams.Source):
    """What happened lately, for all who follow."""

    def __init__(self, doors: Doors) -> None:
        super().__init__()
        self._doors = doors
        self._kept: deque[Told] = deque()
        #: All that happened after `floor`, and up to `newest`, is kept.
        self.floor = self.newest = 0
        self.queues: Mapping[str, tuple[int, int]] = {}
        self.config = (0, True)

    def after(self, seq: int, limit: int) -> list[Told]:
        """What happened after a change, oldest first."""
        if seq >= self.newest:
            return []
        found: list[Told] = []
        for each in reversed(self._kept):
            if each.seq <= seq:
                break
            found.append(each)
        return found[::-1][:limit]

    async def _begin(self) -> None:
        """Read what happened lately, so that who comes back after a restart goes on where they were."""
        db = self._doors.db
        newest = await asyncio.to_thread(ledger.newest_change, db)
        long_ago = await asyncio.to_thread(ledger.newest_change, db, before=clock.now() - KEPT_MS)
        self._kept.clear()
        self.floor = self.newest = max(long_ago, newest - KEPT)
        self.config = self._configuration()
        while self.newest < newest and self._take(await asyncio.to_thread(self._look)):
            pass
        self.newest = max(self.newest, newest)

    async def _go_on(self) -> None:
        rung = 0
        while not self._doors.stopping():
            try:
                # Not of the threads that answer calls: this one only sleeps.
                rung = await asyncio.to_thread(self._doors.db.nudge.wait, rung, POLL_S)
                self._take(await asyncio.to_thread(self._look))
            except ledger.Away:
                await asyncio.sleep(POLL_S)
            except Exception:  # a loop that dies silently is the worst fault
                log.exception("what happened could not be told; trying again")
                await asyncio.sleep(POLL_S)
            await asyncio.sleep(GATHER_S)

    def _look(self) -> _Look:
        db = self._doors.db
        return _Look(happened=ledger.happenings(db, self.newest, limit=PAGE), queues=ledger.queues(db))

    def _take(self, look: _Look) -> bool:
        """Keep what was found, forget what is old, and wake who follows; whether something was found."""
        url = self._doors.current.get().server.public_url
        for each in look.happened:
            *first, (name, data) = shape.happening(each, public_url=url)
            # The id comes with the last: who was told the first only is told both again.
            text = b"".join(streams.block(*one) for one in first) + streams.block(name, data, each.seq)
            self._kept.append(Told(seq=each.seq, at=each.at, project=each.project, run=each.run, text=text))
            self.newest = each.seq
        old = clock.now() - KEPT_MS
        while self._kept and (len(self._kept) > KEPT or self._kept[0].at < old):
            self.floor = self._kept.popleft().seq
        told = (look.queues, self._configuration())
        if look.happened or told != (self.queues, self.config):
            self.queues, self.config = told
            self.wake()
        return bool(look.happened)

    def _configuration(self) -> tuple[int, bool]:
        current = self._doors.current
        return current.generation, current.error is None


class Follower(streams.Follower):
    """One who is told what happens, of what they may see and asked for."""

    def __init__(self, feed: Feed, visitor: Visitor, topics: Collection[str], last: int | None) -> None:
        super().__init__()
        self._feed = feed
        self._visitor = visitor
        self._topics = frozenset(topics)
        #: The last change that they were told of, or that was none of theirs.
        self._last = last
        self._hello = False
        self._queue: tuple[int, int] | None = None
        self._config = (0, True)

    async def begin(self) -> None:
        await self._feed.join(self)
        self._config = self._feed.config

    def leave(self) -> None:
        self._feed.leave(self)

    def take(self) -> bytes:
        found = [] if self._hello else [self._greeting()]
        feed = self._feed
        if self._last is None:
            self._last = feed.newest
        elif not feed.floor <= self._last <= feed.newest:
            self._last = feed.newest
            found.append(streams.block("reset", {"newest": feed.newest}, feed.newest))
        size = 0
        while size < streams.BYTES and (page := feed.after(self._last, PAGE)):
            self._last = page[-1].seq
            theirs = [each.text for each in page if self._visitor.sees(each.project) and self._wants(each)]
            size += sum(map(len, theirs))
            found += theirs
        found += self._about_all()
        return b"".join(found)

    def ping(self) -> bytes:
        # With how far they came: who comes back after hours of nothing has missed nothing.
        return f": ping\nid: {self._last or 0}\n\n".encode()

    def _greeting(self) -> bytes:
        self._hello = True
        told = {"server_time": shape.time(clock.now()), "version": ctci.__version__}
        last = self._feed.newest if self._last is None else self._last
        return streams.block("hello", told, last if last >= 0 else None)

    def _wants(self, each: Told) -> bool:
        return not self._topics or not self._topics.isdisjoint((f"run:{each.run}", f"project:{each.project}"))

    def _about_all(self) -> list[bytes]:
        """The queue as far as they see it, and the configuration, where they are not what they were."""
        found = []
        if not self._topics or "queue" in self._topics:
            theirs = [each for name, each in self._feed.queues.items() if self._visitor.sees(name)]
            queue = (sum(queued for queued, _ in theirs), sum(running for _, running in theirs))
            if queue != self._queue:
                self._queue = queue
                found.append(streams.block("queue", {"queued": queue[0], "running": queue[1]}))
        if self._config != self._feed.config and self._visitor.sees_all:
            self._config = self._feed.config
            if not self._topics or "config" in self._topics:
                found.append(streams.block("config", {"generation": self._config[0], "ok": self._config[1]}))
        return found

"""Reads what changed, owes what is to be told, and tells what is due: the loop of the report room, one for each sink.

What is owed is on the ledger before anything is sent, so nothing is lost; a crash between sending and marking sends
again, under the same Message-ID. Never opens a repository and never touches a job.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from ctci import clock, ledger, trail
from ctci.model import Change, Owed, Sending

log = logging.getLogger(__name__)

#: Another process may write without waking us; seconds.
POLL_S = 2.0
#: Who is woken looks so much later, seconds: what is written in a burst is read once, not once for each commit.
LULL_S = 0.1
#: What ended longer ago is no news: who adds a receiver does not ask for all that ever was, milliseconds.
OLD_MS = 24 * 60 * 60_000
#: Receivers per tick: the changes are read between.
AT_ONCE = 5
#: Who tries a sending has it for so long; longer than the slowest server may take, milliseconds.
HOLD_MS = 10 * 60_000
#: First and longest wait before another try, milliseconds; and how many tries make a day.
FIRST_MS, LONGEST_MS, TRIES = 60_000, 60 * 60_000, 30
#: So often the other side's own word of when to come again is taken where it is sooner than ours.
QUICK = 5


def backoff(tries: int) -> int | None:
    """Milliseconds until the next try after `tries` that failed: 1, 2, 4 up to 60 minutes; None after a day."""
    return None if tries >= TRIES else int(min(FIRST_MS * 2 ** (tries - 1), LONGEST_MS))


class NotSent(Exception):
    """It did not go, and why, fit to be shown; `permanent` where no other try would help."""

    def __init__(
        self, message: str, *, permanent: bool = False, after_ms: int | None = None, tried: bool = True
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        #: Whether anybody was asked: what is only held back counts as no try.
        self.tried = tried
        #: The soonest other try that the other side allows; the sink bounds how long that may be.
        self.after_ms = after_ms


class Unwanted(Exception):
    """It is not to be told any more, and why, fit to be shown: it is dropped, and that is no fault."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """It is out: how it is called by now, and what is to be remembered of it."""

    message_id: str | None = None
    body: Mapping[str, Any] | None = None
    #: For the log.
    said: str = ""


class Sink(Protocol):
    """One way to tell people or machines outside."""

    #: Of its cursor among the changes, and of its sendings.
    name: str
    #: Whether what is due for one receiver is told as one.
    together: bool

    def owed(self, changes: Sequence[Change]) -> Sequence[Owed]:
        """What these changes ask for."""
        ...

    def before(self) -> bool:
        """Done at each turn before what is due is looked for; whether anything was written."""
        ...

    def deliver(self, taken: Sequence[Sending]) -> Sent:
        """One try of what is due for one receiver, told as one. Raises NotSent and Unwanted."""
        ...


def news(changes: Sequence[Change]) -> list[Change]:
    """What ended, and not long ago."""
    return [change for change in changes if change.kind == "settled" and change.at >= clock.now() - OLD_MS]


class Courier:
    """The loop of one sink. `holder` names this server among those that share the ledger."""

    def __init__(self, db: ledger.Ledger, sink: Sink, holder: str) -> None:
        self._db = db
        self._sink = sink
        self._holder = holder
        #: Changes that ask for nothing are not worth a write: the ledger's cursor may be behind this one.
        self._seen = 0

    def run(self, stop: threading.Event) -> None:
        """Tell what is to be told until `stop`."""
        rung = 0
        while not stop.is_set():
            try:
                if not self.tick(stop.is_set):
                    rung = self._db.nudge.wait(rung, self._pause_s())
                    clock.wait(stop, LULL_S)
            except Exception:  # a loop that dies silently is the worst fault
                log.exception("the courier of %s failed; trying again", self._sink.name)
                clock.wait(stop, POLL_S)

    def tick(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Owe what the changes ask for, then send some of what is due; whether there was anything."""
        busy = self._apart(self._read)
        busy = self._apart(self._sink.before) or busy
        for _ in range(AT_ONCE):
            if stopped():
                break
            taken = ledger.take(self._db, self._sink.name, holder=self._holder, hold_ms=HOLD_MS)
            if not taken:
                break
            busy = True
            for one in self._grouped(taken):
                self._deliver(one)
        return busy

    def tell(self, key: str) -> bool:
        """One try of this one alone; whether it was there to be tried."""
        taken = ledger.take(self._db, self._sink.name, holder=self._holder, hold_ms=HOLD_MS, key=key)
        if taken:
            self._deliver(taken)
        return bool(taken)

    def _apart(self, does: Callable[[], bool]) -> bool:
        """Do it, and where it fails say so: what is due must not wait behind it."""
        try:
            return does()
        except ledger.Away:
            raise
        except Exception:  # it is tried again at the next turn
            log.exception("the courier of %s failed; trying again", self._sink.name)
            return False

    def _grouped(self, taken: Sequence[Sending]) -> Iterator[Sequence[Sending]]:
        if not self._sink.together:
            yield from ((each,) for each in taken)
            return
        for _, one in groupby(sorted(taken, key=lambda each: each.to), key=lambda each: each.to):
            yield tuple(one)

    def _pause_s(self) -> float:
        due = ledger.next_due(self._db, self._sink.name)
        return POLL_S if due is None else min(POLL_S, max(0.05, (due - clock.now()) / 1000))

    def _read(self) -> bool:
        changes = ledger.changes_after(self._db, max(self._seen, ledger.cursor(self._db, self._sink.name)))
        if not changes:
            return False
        owed = self._sink.owed(changes)
        if owed or any(change.kind == "settled" for change in changes):
            ledger.owe(self._db, sink=self._sink.name, owed=owed, seq=changes[-1].seq)
        self._seen = changes[-1].seq
        return True

    def _deliver(self, taken: Sequence[Sending]) -> None:
        """One try, and what became of it."""
        # Several that go as one are about several runs: then none is named.
        runs = {each.run for each in taken if each.run}
        with trail.about(run=min(runs) if len(runs) == 1 else None):
            self._try(taken)

    def _try(self, taken: Sequence[Sending]) -> None:
        try:
            sent = self._sink.deliver(taken)
        except ledger.Away:
            raise
        except Unwanted as unwanted:
            log.info("%s to %s is dropped: %s", self._sink.name, taken[0].to, unwanted)
            ledger.drop(self._db, taken, holder=self._holder, reason=str(unwanted))
        except NotSent as error:
            if error.tried or error.permanent:
                self._missed(taken, str(error), permanent=error.permanent, after_ms=error.after_ms)
            else:
                delay = error.after_ms or FIRST_MS
                ledger.failed(self._db, taken, holder=self._holder, error=str(error), delay_ms=delay, tried=False)
        except Exception as error:  # around one sending: the others must not wait behind it
            log.exception("%s to %s", self._sink.name, taken[0].to)
            said = f"{type(error).__name__} in ctci; the server's log says more"
            self._missed(taken, said, permanent=False, after_ms=None)
        else:
            ledger.sent(self._db, taken, holder=self._holder, message_id=sent.message_id, body=sent.body)
            log.info("%s: told %s %s", self._sink.name, taken[0].to, sent.said)

    def _missed(self, taken: Sequence[Sending], error: str, *, permanent: bool, after_ms: int | None) -> None:
        tries = max(each.tries for each in taken) + 1
        delay = None if permanent else backoff(tries)
        if delay is not None and after_ms is not None:
            sooner = after_ms <= FIRST_MS and tries <= QUICK
            delay = max(1000, after_ms) if sooner else max(delay, after_ms)
        again = "given up" if delay is None else f"again in {round(delay / 60_000) or 1} min"
        log.warning("%s to %s did not go (try %s, %s): %s", self._sink.name, taken[0].to, tries, again, error)
        ledger.failed(self._db, taken, holder=self._holder, error=error, delay_ms=delay)

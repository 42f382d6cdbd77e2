"""The sink of digests: one for each address and date, of all that happened since the one before it.

A digest is written when it is due, and sent as it was written, however often that is tried. What did not go is told by
the next one, which then begins where the last that went out ended.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ctci import clock, config, ledger
from ctci.config.settings import Config, Digest, Notify
from ctci.layout import Layout
from ctci.model import DIGEST, Change, Owed, Remark, Sending, Subscription
from ctci.report import (
    dates,
    digest,
    digest_letter,
    gathering,
    letter,
    receivers,
    subscribing,
    transitions,
    upcoming,
    webhooks,
)
from ctci.report.courier import Sent, Unwanted
from ctci.report.receivers import Receiver

log = logging.getLogger(__name__)

#: How often is looked whether a digest is due, milliseconds; a clock that shows minutes is no more exact.
LOOK_MS = 20_000
#: A window ends so long ago, milliseconds: what ended in this very moment may not be on the ledger yet.
SETTLED_MS = 2_000
#: A digest that is late when a server starts waits so long, milliseconds: what was missed meanwhile is found first.
LATE_MS = 60_000
#: A digest waits for what fired since so long.
AWAITED_MS = 3 * 24 * 3600 * 1000
#: What is remembered of one that went out; `told` and `mark` of one that was asked for, see `upcoming`.
KEPT = ("date", "since", "until", "subject", "told", "mark")


class Almanac(Protocol):
    """When schedules fire; the receiving room knows."""

    def firings(
        self, schedule: str, projects: Collection[str], since: int, until: int
    ) -> Sequence[tuple[int, int | None]]:
        """(nominal time, when all that it asked for had ended, or None) of the schedules of that name."""
        ...

    def following(self, places: Collection[tuple[str, str]], after: int) -> Mapping[tuple[str, str], int]:
        """By (project, ref) when a schedule next runs there; of those where one does."""
        ...


@dataclass(frozen=True)
class _History:
    """By receiver the last digest that was owed, and the last that ended a window."""

    last: Mapping[str, Sending]
    ended: Mapping[str, Sending]


class Digests:
    """`remarks` says what is wrong with ctci itself, and with the webhooks of some projects."""

    name = upcoming.SINK
    together = False

    def __init__(
        self,
        db: ledger.Ledger,
        layout: Layout,
        current: config.Current,
        environ: Mapping[str, str],
        almanac: Almanac,
        remarks: Callable[[Collection[str]], tuple[Remark, ...]],
    ) -> None:
        self._db = db
        self._layout = layout
        self._current = current
        self._environ = environ
        self._almanac = almanac
        self._remarks = remarks
        self._look_at = 0
        self._began = clock.now()

    def owed(self, changes: Sequence[Change]) -> Sequence[Owed]:
        """Nothing: digests come by the clock."""
        del changes
        return ()

    def before(self) -> bool:
        """Write the digests that are due; whether there were any."""
        now = clock.now()
        # Also where the clock was set back.
        if 0 <= self._look_at - now <= LOOK_MS:
            return False
        self._look_at = now + LOOK_MS
        until = now - SETTLED_MS
        settings = self._current.get()
        wanted = [notify for notify in settings.notify.values() if notify.digest is not None]
        if not wanted:
            return False
        history = _History(
            ledger.last_to(self._db, self.name), ledger.last_to(self._db, self.name, states=upcoming.ENDING)
        )
        owed: list[Owed] = []
        for notify in wanted:
            try:
                owed += self._of_table(settings, notify, history, until)
            except ledger.Away:
                raise
            except Exception:  # around one table: the others must not wait behind it
                log.exception("the digests of [notify.%s] cannot be written; trying again", notify.name)
        if owed:
            ledger.owe(self._db, sink=self.name, owed=owed, overtaking=upcoming.OVERTAKEN)
            self._beat({each.to for each in owed if each.state == "quiet" and "since" in (each.body or {})})
        return bool(owed)

    def _of_table(self, settings: Config, notify: Notify, history: _History, until: int) -> Iterator[Owed]:
        """What is to be written down of the receivers of a table now."""
        every = [Receiver(notify=notify.name, address=address) for address in notify.email]
        wishes = ledger.subscriptions_of(self._db, {each.to for each in every})
        projects = config.named(settings, ledger.projects_(self._db))
        choices = subscribing.choices(notify, projects)
        firings = self._firings(settings, notify, until)
        # Most addresses of a table are told of the same.
        gathered: dict[tuple[Notify, upcoming.Window], digest.Facts] = {}
        for receiver in every:
            wish = wishes.get(receiver.to)
            mine = subscribing.narrowed(notify, wish, choices)
            found = self._due(mine, receiver, history, until, firings)
            if isinstance(found, Owed):
                yield found
            elif found is not None and not subscribing.wants(wish, DIGEST):
                # What is not told while it is stopped is not told when it comes again.
                yield self._owed(receiver, found, "quiet", {})
            elif found is not None:
                if (mine, found) not in gathered:
                    gathered[mine, found] = self.facts(settings, mine, found)
                yield self._compose(settings, receiver, found, gathered[mine, found])
        if notify.authors:
            yield from self._of_authors(settings, notify, history, until, firings)

    def _of_authors(
        self, settings: Config, notify: Notify, history: _History, until: int, firings: Sequence[dates.Firing]
    ) -> Iterator[Owed]:
        """A digest of their own commits to those who pushed in the window, where there is anything to tell."""
        # The table's own: it remembers how far its authors were told.
        table = Receiver(notify=notify.name, address="")
        found = self._due(notify, table, history, until, firings)
        if isinstance(found, Owed):
            yield found
        if found is None or isinstance(found, Owed):
            return
        gathered = {found: self.facts(settings, notify, found)}
        wrote = receivers.authors_of(notify, (place.verdict for place in gathered[found].places))
        every = [Receiver(notify=notify.name, address=address) for address in wrote]
        wishes = ledger.subscriptions_of(self._db, {each.to for each in every})
        for receiver in every:
            if subscribing.wants(wishes.get(receiver.to), DIGEST):
                window = upcoming.with_untold(found, history.last.get(receiver.to), clock.now())
                if window not in gathered:
                    gathered[window] = self.facts(settings, notify, window)
                facts = replace(gathered[window], quiet="skip", author=receiver.address)
                made = self._compose(settings, receiver, window, facts)
                if made.state != "quiet":
                    yield made
        yield self._owed(table, found, "quiet", {})

    def _due(
        self,
        notify: Notify,
        receiver: Receiver,
        history: _History,
        now: int,
        firings: Sequence[dates.Firing],
    ) -> Owed | upcoming.Window | None:
        """The window of the digest that is due now; for one who is new what is remembered of that."""
        asked, last = notify.digest or Digest(), history.last.get(receiver.to)
        if last is None or upcoming.is_new(last, now):
            day = dates.latest(asked, notify.timezone, now)
            return self._row(receiver, day, "quiet", {"date": day, "until": now})
        due = dates.due(asked, notify.timezone, upcoming.told(last), now, firings)
        if due is None:
            return None
        late = dates.at_latest(asked, notify.timezone, due.date) <= self._began
        if late and 0 <= clock.now() - self._began < LATE_MS:
            return None
        ended = history.ended.get(receiver.to)
        since, first = upcoming.mark(ended) if ended is not None else now, upcoming.is_first(ended)
        return upcoming.bounded(upcoming.Window(date=due.date, since=since, until=now, missed=due.missed, first=first))

    def _compose(self, settings: Config, receiver: Receiver, window: upcoming.Window, facts: digest.Facts) -> Owed:
        made = digest.compose(facts)
        if made.form == "skip":
            return self._owed(receiver, window, "quiet", {})
        link = subscribing.link(settings.server.public_url, ledger.subscription(self._db, receiver.to).token)
        written = digest_letter.write(replace(made, facts=replace(facts, manage_url=link)))
        kept = {"subject": written.subject, "text": written.text, "html": written.html, "words": list(made.words)}
        return self._owed(receiver, window, "due", kept)

    def _owed(self, receiver: Receiver, window: upcoming.Window, state: str, more: Mapping[str, object]) -> Owed:
        missed = {"missed": window.missed} if window.missed else {}
        body = {"date": window.date, "since": window.since, "until": window.until, **missed, **more}
        return self._row(receiver, window.date, state, body)

    def _row(self, receiver: Receiver, day: str, state: str, body: Mapping[str, object]) -> Owed:
        key = f"{self.name}/{receiver.to}/{day}"
        url = self._current.get().server.public_url
        return Owed(
            key=key,
            to=receiver.to,
            due=clock.now(),
            state=state,
            body=body,
            message_id=transitions.message_id(f"{key}/{body['until']}", f"digest-{day}", url),
        )

    def facts(self, settings: Config, notify: Notify, window: upcoming.Window) -> digest.Facts:
        """All that the digest of a window is made of."""
        return gathering.facts(
            self._db,
            settings,
            notify,
            window,
            following=self._almanac.following,
            remarks=self._remarks,
        )

    def _firings(self, settings: Config, notify: Notify, now: int) -> tuple[dates.Firing, ...]:
        asked = notify.digest
        if asked is None or asked.after is None:
            return ()
        projects = receivers.projects_of(settings, ledger.projects_(self._db), notify)
        found = self._almanac.firings(asked.after, projects, now - AWAITED_MS, now + AWAITED_MS)
        return tuple(dates.Firing(at=at, settled_at=settled) for at, settled in found)

    def deliver(self, taken: Sequence[Sending]) -> Sent:
        """Send a digest as it was written."""
        (sending,) = taken
        settings, body = self._current.get(), sending.body or {}
        found = receivers.find(settings, sending.to)
        wish = ledger.subscription(self._db, sending.to)
        if found is None or found[0].digest is None or not subscribing.wants(wish, DIGEST):
            raise Unwanted(f"{sending.to} is not to get a digest any more")
        composed = letter.Composed(subject=str(body["subject"]), text=str(body["text"]), html=str(body["html"]))
        transitions.post(
            settings,
            self._environ,
            self._layout,
            composed,
            to=found[1].address,
            message_id=sending.message_id,
            headers=self.headers(settings, found[0], body["words"], wish),
        )
        # A heartbeat says that digests come by the clock: one that was asked for says nothing of that.
        if "told" not in body:
            self._beat({sending.to})
        kept = {name: body[name] for name in KEPT if name in body}
        return Sent(body=kept, said=f"the digest of {body['date']}")

    def headers(
        self, settings: Config, notify: Notify, words: Sequence[str], wish: Subscription | None
    ) -> Mapping[str, str]:
        """For filters of mail programs, and for their button that ends it."""
        ends = subscribing.headers(settings.server.public_url, wish.token, DIGEST) if wish is not None else {}
        return {
            **ends,
            "List-Id": f"<{transitions.label(notify.name)}.digest.{transitions.host(settings.server.public_url)}>",
            "X-CTCI-Kind": "digest",
            "X-CTCI-Verdict": ", ".join(words),
        }

    def _beat(self, ended: Collection[str]) -> None:
        """Owe the heartbeats of the tables of these receivers, where no other receiver of them lacks its digest."""
        tables = {to.partition(":")[0] for to in ended}
        settings, last = self._current.get(), ledger.last_to(self._db, self.name)
        well = {*ended, *(to for to, each in last.items() if each.state in upcoming.ENDING)}
        beats = [
            webhooks.beat(notify, clock.now())
            for name, notify in settings.notify.items()
            if name in tables and notify.heartbeat is not None and all(f"{name}:{to}" in well for to in notify.email)
        ]
        if beats:
            ledger.owe(self._db, sink=webhooks.Heartbeats.name, owed=beats)

"""A digest that somebody asks for: shown, or sent beside those that come by the clock, none of which it replaces.

Its key has the moment in it, so it is never the one of a day. The next one begins where it ended, but only once it is
out; that of a day gone by moves nothing.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage

from ctci import clock, config, ledger
from ctci.config.settings import Config, Digest, Notify
from ctci.model import Owed, Sending, Subscription
from ctci.report import digest, digest_letter, letter, mail, subscribing, transitions, upcoming
from ctci.report.courier import Courier
from ctci.report.digests import SETTLED_MS, Digests
from ctci.report.receivers import Receiver

#: All that a digest of this table and window is made of.
Gather = Callable[[Config, Notify, upcoming.Window], digest.Facts]


class AskedError(Exception):
    """There is no such digest; the message says why and what helps."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A digest as it would be sent."""

    receiver: Receiver
    window: upcoming.Window
    composed: letter.Composed
    message_id: str
    #: For filters of mail programs.
    words: Sequence[str]
    #: Whether one that comes by the clock would not be sent, since there is nothing to tell.
    skipped: bool
    owed: Owed
    #: None for who has not got a letter yet.
    wish: Subscription | None


def receivers(settings: Config, to: str | None = None) -> tuple[tuple[Notify, Receiver], ...]:
    """Who of one notify table gets a digest: `to` is its name, an address, or both as NAME:ADDRESS.

    None: the only table with a digest. Raises AskedError, which names those there are.
    """
    having = [
        (notify, Receiver(notify=notify.name, address=address))
        for notify in settings.notify.values()
        if notify.digest is not None
        for address in notify.email
    ]
    if not having:
        raise AskedError('nobody gets a digest: `email` and `digest = { at = "07:30" }` in a [notify.NAME] ask for it')
    found = [each for each in having if to is None or to in (each[1].notify, each[1].to) or _same(to, each[1].address)]
    tables = {receiver.notify: 0 for _, receiver in found or having}
    named = ", ".join(tables)
    if not found:
        raise AskedError(f"{to} gets no digest; the tables of `notify` that do: {named}")
    if len(tables) > 1:
        raise AskedError(f"name one of them with `to`: {named if to is None else _whole(found)}")
    return tuple(found)


def _same(to: str, address: str) -> bool:
    return to.casefold() == address.casefold()


def _whole(found: Sequence[tuple[Notify, Receiver]]) -> str:
    return ", ".join(receiver.to for _, receiver in found)


def window(
    db: ledger.Ledger, notify: Notify, receiver: Receiver, *, date: str | None = None, since: str | None = None
) -> upcoming.Window:
    """What is told: all since the last digest; that of a `date`; or all since a day began. Raises AskedError."""
    asked, now = notify.digest or Digest(), clock.now() - SETTLED_MS
    for day in filter(None, (date, since)):
        _check(day, upcoming.day(notify.timezone, now))
    if since is not None:
        return upcoming.since_day(notify.timezone, since, now)
    if date is None:
        last, ended = _last(db, receiver)
        return upcoming.since_last(asked, notify.timezone, last, ended, now)
    sent = ledger.sendings_(db, key=f"{Digests.name}/{receiver.to}/{date}", limit=1)
    found = upcoming.of_date(asked, notify.timezone, date, sent[0] if sent else None)
    if found is None:
        raise AskedError(f"no digest comes on {date}: `days` of [notify.{notify.name}] has another day")
    if found.until > now:
        raise AskedError(f"the digest of {date} comes at {asked.at}; without a date you get what there is by now")
    return found


def _check(day: str, today: str) -> None:
    try:
        over = dt.date.fromisoformat(day) <= dt.date.fromisoformat(today)
    except ValueError:
        raise AskedError(f"{day} is no date such as {today}") from None
    if not over:
        raise AskedError(f"{day} is still to come")


def _last(db: ledger.Ledger, receiver: Receiver) -> tuple[Sending | None, Sending | None]:
    """The last that was owed to a receiver, and the last that ended a window."""
    ended = ledger.last_to(db, Digests.name, states=upcoming.ENDING)
    return ledger.last_to(db, Digests.name).get(receiver.to), ended.get(receiver.to)


def narrowed(db: ledger.Ledger, settings: Config, notify: Notify, wish: Subscription | None) -> Notify:
    """The table as a receiver wants to be told by it; None: they have not said."""
    choices = subscribing.choices(notify, config.named(settings, ledger.projects_(db)))
    return subscribing.narrowed(notify, wish, choices)


def made(facts: digest.Facts) -> tuple[digest.Digest, bool]:
    """The digest for who asks, who gets one on a quiet day too; and whether by the clock it would be left out."""
    found = digest.compose(facts)
    skipped = found.form == "skip"
    return (digest.compose(replace(facts, quiet="short")) if skipped else found), skipped


def write(
    db: ledger.Ledger,
    gather: Gather,
    settings: Config,
    notify: Notify,
    receiver: Receiver,
    window: upcoming.Window,
    *,
    past: bool = False,
) -> Written:
    """Write the digest of a window; nothing is sent. `past`: the next one does not begin where this one ends."""
    wish = ledger.subscriptions_of(db, {receiver.to}).get(receiver.to)
    link = None if wish is None else subscribing.link(settings.server.public_url, wish.token)
    facts = replace(gather(settings, narrowed(db, settings, notify, wish), window), manage_url=link)
    told_of, skipped = made(facts)
    composed = digest_letter.write(told_of)
    last, ended = _last(db, receiver)
    now = clock.now()
    url = settings.server.public_url
    key = f"{Digests.name}/{receiver.to}/{window.date}@{now}"
    id_ = transitions.message_id(key, f"digest-{window.date}", url)
    told = upcoming.latest(notify.digest or Digest(), notify.timezone, last, now)
    mark = window.until
    if past:
        # Who begins anew does so now, as by the clock.
        mark = now if ended is None or upcoming.is_new(last, now) else upcoming.mark(ended)
    body = {
        "date": window.date,
        "since": window.since,
        "until": window.until,
        "told": told,
        "mark": mark,
        "subject": composed.subject,
        "text": composed.text,
        "html": composed.html,
        "words": list(told_of.words),
    }
    return Written(
        receiver=receiver,
        window=window,
        composed=composed,
        message_id=id_,
        words=told_of.words,
        skipped=skipped,
        owed=Owed(key=key, to=receiver.to, due=now, body=body, message_id=id_),
        wish=wish,
    )


def message(sink: Digests, settings: Config, notify: Notify, written: Written) -> EmailMessage:
    """The whole message, with the headers that it would have. Raises mail.MailError."""
    smtp = settings.server.smtp
    return mail.message(
        written.composed,
        sender=smtp.sender if smtp else transitions.NOBODY,
        to=written.receiver.address,
        message_id=written.message_id,
        headers=sink.headers(settings, notify, written.words, written.wish),
    )


def owe(db: ledger.Ledger, *written: Written, past: bool = False) -> None:
    """Have them sent. What a receiver is still owed of digests is told in it, unless it is of a day gone by."""
    owed = [each.owed for each in written]
    ledger.owe(db, sink=Digests.name, owed=owed, overtaking=None if past else upcoming.OVERTAKEN)


def try_once(db: ledger.Ledger, sink: Digests, written: Written, holder: str) -> None:
    """Send it now, where no server does."""
    Courier(db, sink, holder).tell(written.owed.key)


def became(db: ledger.Ledger, written: Written) -> Sending | None:
    """What became of it so far."""
    found = ledger.sendings_(db, key=written.owed.key, limit=1)
    return found[0] if found else None

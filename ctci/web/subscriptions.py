"""What a receiver's page says and understands: which letters come and when, and what its form asks for. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ctci.config import times
from ctci.config.settings import Digest, Notify
from ctci.model import AT_ONCE, DIGEST, Subscription, Wishes
from ctci.report import subscribing

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORDS = {"broke": "breaks", "fixed": "is fixed", "errored": "cannot be tried"}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of letter, as one row."""

    #: As the form calls it, and as people do.
    kind: str
    name: str
    #: When such a letter comes, or why none does.
    when: str
    #: Whether the table has such letters at all.
    offered: bool
    #: Since when it is stopped, Unix milliseconds; None: it is not.
    stopped_at: int | None

    @property
    def comes(self) -> bool:
        return self.offered and self.stopped_at is None


def kinds(notify: Notify, subscription: Subscription) -> tuple[Kind, Kind]:
    """The digest and the letters at once, of a table as the receiver wishes it."""
    none = f"[notify.{notify.name}] has none"
    at_once = f"when something {_listed([_WORDS[each] for each in notify.immediate], 'or')}"
    return (
        Kind(
            kind=DIGEST,
            name="The digest",
            when=none if notify.digest is None else f"{_due(notify.digest)} ({notify.timezone})",
            offered=notify.digest is not None,
            stopped_at=subscription.stopped.get(DIGEST),
        ),
        Kind(
            kind=AT_ONCE,
            name="Letters at once",
            when=at_once if notify.immediate else none,
            offered=bool(notify.immediate),
            stopped_at=subscription.stopped.get(AT_ONCE),
        ),
    )


def headline(address: str, notify: Notify, rows: tuple[Kind, Kind]) -> str:
    """What the address gets, as one sentence."""
    digest, at_once = rows
    if digest.comes and notify.digest is not None:
        more = "and letters at once" if at_once.comes else "and no letters at once"
        return f"{address} gets the digest of {notify.name} {_due(notify.digest)}, {more}."
    if at_once.comes:
        return f"{address} gets letters of {notify.name} at once, and no digest."
    return f"{address} gets no letters of {notify.name}."


def _due(digest: Digest) -> str:
    days = _days(digest.days)
    if digest.after is None:
        return f"{days} at {digest.at}"
    return f"{days} when {digest.after} has settled, at the latest at {digest.at}"


def _days(days: Sequence[str]) -> str:
    meant = sorted(times.weekdays(days))
    if len(meant) == 7:
        return "every day"
    if meant == [*range(5)]:
        return "from Monday to Friday"
    return f"on {_listed([DAYS[day].capitalize() for day in meant], 'and')}"


def _listed(words: Sequence[str], joint: str) -> str:
    return f" {joint} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the form holds: at first what is in force, then what somebody asked for."""

    only: tuple[str, ...]
    at: str
    days: tuple[str, ...]
    timezone: str
    #: Field -> what is wrong with it.
    faults: Mapping[str, str] = field(default_factory=dict)


def in_force(notify: Notify, choices: Collection[str]) -> Asked:
    """What holds, of a table as the receiver wishes it."""
    digest = notify.digest or Digest()
    return Asked(
        only=tuple(each for each in choices if not notify.only or each in notify.only),
        at=digest.at,
        days=tuple(DAYS[day] for day in sorted(times.weekdays(digest.days))),
        timezone=notify.timezone,
    )


def read(form: Mapping[str, Sequence[str]], notify: Notify, choices: Collection[str]) -> Asked:
    """What is asked for. Of a table without a digest nothing of its time is asked; what nobody could choose is none."""
    held = in_force(notify, choices)
    picked = set(form.get("only", ()))
    only = tuple(each for each in choices if each in picked)
    if notify.digest is None:
        at, days, timezone = held.at, held.days, held.timezone
    else:
        at, timezone = (form.get(name, ("",))[0].strip() for name in ("at", "timezone"))
        days = tuple(each for each in DAYS if each in form.get("days", ()))
    faults = {
        "only": "" if only or not choices else "Choose one at least. To get nothing, stop the letters above.",
        "at": "" if times.is_time(at) else "Write a time of day, such as 07:30.",
        "days": "" if days else "Choose one day at least. To get no digest, stop it above.",
        "timezone": "" if timezone == notify.timezone else _zone_fault(timezone),
    }
    told = {name: fault for name, fault in faults.items() if fault}
    return Asked(only=only, at=at, days=days, timezone=timezone, faults=told)


def wishes(asked: Asked, notify: Notify, choices: Collection[str]) -> Wishes:
    """What of it differs from the table."""
    return subscribing.wished(notify, choices, only=asked.only, at=asked.at, days=asked.days, timezone=asked.timezone)


def _zone_fault(timezone: str) -> str:
    if timezone in times.zones():
        return ""
    like = times.zone_like(timezone)
    return f"Write {like}." if like else "Write the name of a time zone, such as Europe/Berlin."

"""Who is told of a verdict, and how far: the notify tables that a project names, their filters, and authors. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ctci import config
from ctci.config import values
from ctci.config.settings import Config, Notify
from ctci.model import Verdict

#: The word of `immediate` that asks for a verdict's word.
_ASKS = {"broke": "broke", "failed": "broke", "fixed": "fixed", "errored": "errored"}


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """One address of one notify table."""

    notify: str
    address: str

    @property
    def to(self) -> str:
        """As the ledger calls it."""
        return f"{self.notify}:{self.address}"


def at_once(
    settings: Config, verdict: Verdict, wants: Callable[[Notify, Receiver, Verdict], bool] = lambda *_: True
) -> tuple[Receiver, ...]:
    """Who is told of it at once, each address once: by the first table that it wants to be told by."""
    return _once(found for notify, found in asked(settings, verdict) if wants(notify, found, verdict))


def asked(settings: Config, verdict: Verdict) -> Iterator[tuple[Notify, Receiver]]:
    """Whom the tables tell of it at once; an address as often as they name it."""
    for notify in asking(settings, verdict):
        for address in (*notify.email, *_authors(notify, verdict)):
            yield notify, Receiver(notify=notify.name, address=address)


def asking(settings: Config, verdict: Verdict) -> tuple[Notify, ...]:
    """The notify tables that are told of it at once; of what is configured no longer none is."""
    if not config.ordered(settings, verdict.job.order):
        return ()
    return tuple(
        notify
        for notify in told_of(settings, verdict.run.project, verdict.job.order.remote.url)
        if _ASKS.get(verdict.word) in notify.immediate and matches(notify, verdict)
    )


def told_of(settings: Config, project: str, at: str | None = None) -> tuple[Notify, ...]:
    """The notify tables that a project names; `at` is the address that was built: more than one [each] may have it."""
    called = config.project(settings, project, at)
    asked = called.notify if called is not None else ()
    return tuple(settings.notify[name] for name in asked if name in settings.notify)


def is_told(settings: Config, notify: Notify, verdict: Verdict) -> bool:
    """Whether a notify table is to be told of it by now: its project names the table, and `only` lets it through."""
    naming = told_of(settings, verdict.run.project, verdict.job.order.remote.url)
    return notify in naming and matches(notify, verdict)


def projects_of(settings: Config, known: Iterable[str], notify: Notify) -> frozenset[str]:
    """The projects that name a notify table, of those that are configured and those that anything is known of."""
    every = {*settings.projects, *known}
    return frozenset(name for name in every if any(each.name == notify.name for each in told_of(settings, name)))


def find(settings: Config, to: str) -> tuple[Notify, Receiver] | None:
    """What the ledger calls `to`, where there is such a notify table still and the address may be of it."""
    name, _, address = to.partition(":")
    notify = settings.notify.get(name)
    named = () if notify is None else {each.casefold() for each in notify.email}
    if notify is None or not (address.casefold() in named or may_be_told(address, notify.authors)):
        return None
    return notify, Receiver(notify=name, address=address)


def matches(notify: Notify, verdict: Verdict) -> bool:
    """Whether `only` lets it through."""
    order = verdict.job.order
    return is_of(notify.only, order.project, order.subproject, verdict.run.branch)


def is_of(only: Iterable[str], project: str, subproject: str, branch: str) -> bool:
    """Whether a place is one of `project`, `project/sub`, `project@branch`; any is, without such."""
    wanted = tuple(only)
    return not wanted or any(_is(each, project, subproject, branch) for each in wanted)


def _is(only: str, project: str, subproject: str, branch: str) -> bool:
    place, at, on = only.partition("@")
    name, slash, sub = place.partition("/")
    return name == project and (not slash or sub == subproject) and (not at or on == branch)


def _authors(notify: Notify, verdict: Verdict) -> Iterator[str]:
    """Whose commits are suspected, or who mended it."""
    if not notify.authors:
        return
    theirs = [commit.email for commit in verdict.suspects] if verdict.cause == "commits" else []
    for address in theirs or [verdict.run.author_email or ""]:
        if may_be_told(address, notify.authors):
            yield address


def authors_of(notify: Notify, told: Iterable[Verdict | None]) -> tuple[str, ...]:
    """Who wrote what these verdicts are of, or is suspected, if the table tells authors; not who is in it anyway."""
    own = {address.casefold() for address in notify.email}
    theirs = (address for each in told if each is not None for address in wrote(each))
    known = {address.casefold(): address for address in theirs if may_be_told(address, notify.authors)}
    return tuple(address for folded, address in sorted(known.items()) if folded not in own)


def wrote(verdict: Verdict) -> Iterator[str]:
    """The addresses of who wrote the commit, and of who is suspected."""
    yield verdict.run.author_email or ""
    yield from (commit.email for commit in verdict.suspects)


def may_be_told(address: str, authors: Iterable[str]) -> bool:
    """Whether who pushed may be written to: an address that ends as `authors` allows, and that somebody reads."""
    written = address.casefold()
    unread = ("noreply", "no-reply", "donotreply", "do-not-reply")
    if not values.is_mail(address) or any(each in written for each in unread):
        return False
    return any(
        written.endswith(end.casefold()) if end.startswith("@") else written == end.casefold() for end in authors
    )


def _once(found: Iterable[Receiver]) -> tuple[Receiver, ...]:
    known: dict[str, Receiver] = {}
    for each in found:
        known.setdefault(each.address.casefold(), each)
    return tuple(known.values())

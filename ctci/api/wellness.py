"""What is to be said of ctci itself: a check for each thing that it stands on, with what mends it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ctci import words
from ctci.model import Sending, Status

WELL, WARNING, WRONG = "well", "see to it", "wrong"
#: The names of what /readyz tells faults of, and what mends each.
FIXES = {
    "loops": "`ctci stop`, then `ctci serve`: jobs that run go on; the server's log says why",
    "server": "`ctci serve`, when it has stopped",
    "ledger": "`ctci doctor` says what is wrong with it",
    "disk": "free some space: `ctci gc` forgets old runs, `keep` says which",
    "jobs": "`ctci doctor` says what a job is started with",
    "configuration": "the page Config shows the place",
}
_DISK = "`ctci gc` forgets old runs, `keep` says which"
_OUTBOX = "what is held up is tried again by itself; below stands to whom, and why not"
_HOOK = "the forge's page of the webhook says what it was answered; so does Deliveries"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    #: `well`, `see to it` or `wrong`.
    state: str
    said: str
    fix: str = ""


@dataclass(frozen=True)
class Headline:
    """The sentence over all of them, and the status whose colour it has."""

    text: str
    status: Status | None


@dataclass(frozen=True, kw_only=True)
class Room:
    """Bytes of the disk that the data folder is on, and what must be free."""

    free: int
    total: int
    floor: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was looked at."""

    #: What /readyz says.
    ready: Mapping[str, object]
    room: Room
    #: How the configuration was read, and how many warnings it has.
    read: str
    warnings: int
    #: None where the ledger cannot be read.
    unsent: Sequence[Sending] | None
    #: Sentences of webhooks that do not call.
    silences: Sequence[str] = ()


def checks(facts: Facts) -> tuple[Check, ...]:
    """All of them, the worst first."""
    faults = facts.ready.get("faults")
    told: Mapping[str, Sequence[str]] = faults if isinstance(faults, Mapping) else {}
    found = [*_wrong(told), *_strange(facts.ready, told)]
    known = {"loops": _loops, "jobs": _jobs, "disk": _disk, "configuration": _configuration, "ledger": _ledger}
    found += [look(facts) for name, look in known.items() if name not in told]
    found += [_slots(facts), _messages(facts), *_webhooks(facts)]
    return tuple(sorted(found, key=lambda check: (WRONG, WARNING, WELL).index(check.state)))


def verdict(found: Sequence[Check]) -> Headline:
    """The sentence over them; the worst one is told in it."""
    wrong = [check for check in found if check.state == WRONG]
    warned = [check for check in found if check.state == WARNING]
    if wrong:
        more = f", and {words.count(len(wrong) - 1, 'more thing')}" if len(wrong) > 1 else ""
        return Headline(f"ctci is not well: {wrong[0].said}{more}.", Status.ERRORED)
    if warned:
        many = words.count(len(warned), "thing")
        things = "One thing to see to" if len(warned) == 1 else f"{many} to see to, the first"
        return Headline(f"ctci is well. {things}: {warned[0].said}.", None)
    return Headline("ctci is well.", Status.SUCCEEDED)


def _wrong(told: Mapping[str, Sequence[str]]) -> list[Check]:
    return [
        Check(name=name.capitalize(), state=WRONG, said=reason, fix=FIXES.get(name, ""))
        for name, reasons in told.items()
        for reason in reasons
    ]


def _strange(ready: Mapping[str, object], told: Mapping[str, Sequence[str]]) -> list[Check]:
    """Reasons that /readyz has and that are of nothing that is known here."""
    reasons = ready.get("reasons")
    known = {reason for reasons in told.values() for reason in reasons}
    some = reasons if isinstance(reasons, Sequence) else ()
    return [Check(name="Server", state=WRONG, said=str(reason)) for reason in some if reason not in known]


def _loops(facts: Facts) -> Check:
    return Check(name="Loops", state=WELL, said=f"all {_number(facts, 'loops')} run")


def _jobs(facts: Facts) -> Check:
    return Check(name="Jobs", state=WELL, said=f"kept in: {facts.ready.get('containment', 'not known')}")


def _slots(facts: Facts) -> Check:
    running, slots, queued = (_number(facts, name) for name in ("running", "slots", "queued"))
    waiting = f"; {words.count(queued, 'job waits', 'jobs wait')}" if queued else ""
    peak = f"; at most {_number(facts, 'peak')} at once since the start"
    return Check(name="Slots", state=WELL, said=f"{running} of {slots} busy{peak}{waiting}")


def _disk(facts: Facts) -> Check:
    room = facts.room
    used = round(100 * (room.total - room.free) / room.total) if room.total else 0
    if room.free < 2 * room.floor:
        floor = f"under disk-floor = {words.size(room.floor)} no job is started"
        said = f"the disk is {used}{words.THIN}% full: {words.size(room.free)} are free, and {floor}"
        return Check(name="Disk", state=WARNING, said=said, fix=_DISK)
    said = f"{used}{words.THIN}% of {words.size(room.total)} used, {words.size(room.free)} free"
    return Check(name="Disk", state=WELL, said=said)


def _configuration(facts: Facts) -> Check:
    if facts.warnings:
        said = f"the configuration has {words.count(facts.warnings, 'warning')}; {facts.read}"
        return Check(name="Configuration", state=WARNING, said=said, fix="the page Config shows them")
    return Check(name="Configuration", state=WELL, said=f"{facts.read}, without a warning")


def _ledger(facts: Facts) -> Check:
    if facts.unsent is None:
        return Check(name="Ledger", state=WRONG, said="the ledger cannot be read now", fix=FIXES["ledger"])
    return Check(name="Ledger", state=WELL, said="it answers")


def _messages(facts: Facts) -> Check:
    if facts.unsent is None:
        return Check(name="Messages", state=WARNING, said="not known: the ledger cannot be read")
    if not facts.unsent:
        return Check(name="Messages", state=WELL, said="none is held up, none was given up in the last 7 days")
    return Check(name="Messages", state=WARNING, said=words.veiled(words.unsent(facts.unsent)), fix=_OUTBOX)


def _webhooks(facts: Facts) -> list[Check]:
    if not facts.silences:
        return [Check(name="Webhooks", state=WELL, said="none is silent while pushes come")]
    return [Check(name="Webhooks", state=WARNING, said=said, fix=_HOOK) for said in facts.silences]


def _number(facts: Facts, name: str) -> int:
    value = facts.ready.get(name, 0)
    return value if isinstance(value, int) else 0

"""What is done about nominal times that are due: the newest fires while it is in time, the others were missed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ctci.config import patterns
from ctci.config.settings import Schedule
from ctci.model import HEADS, Job, Order, unfired
from ctci.receive.cron import Due, Nominal


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of the nominal times that are due."""

    #: The one that fires.
    fire: Nominal | None
    #: The last of those that do not, and how many they are.
    last_missed: Nominal | None
    missed: int


#: Nobody is there at the very moment: so late is still in time, seconds.
GRACE_S = 60


def decide(due: Due, now: int, *, catch_up_s: int | None) -> Decision:
    """The decision at `now` (Unix ms, the schedule's jitter taken from it) about what is due, which is not nothing.

    One run makes up for all that were missed, if the newest is not older than `catch_up_s`; None: none does.
    """
    newest = due.times[-1]
    in_time = catch_up_s is not None and now - newest.at <= max(catch_up_s, GRACE_S) * 1000
    missed = due.times[:-1] if in_time else due.times
    return Decision(
        fire=newest if in_time else None,
        last_missed=missed[-1] if missed else None,
        missed=due.earlier + len(missed),
    )


def missed(decision: Decision, cause: str, *, catch_up_s: int) -> str:
    """What is said of those that did not fire; `cause` is why."""
    last = decision.last_missed.key if decision.last_missed else ""
    if decision.fire is not None:
        return unfired.said(decision.missed, last, f"{cause}; the next one makes up for it")
    minutes, seconds = divmod(catch_up_s, 60)
    span = f"{minutes} min" if not seconds else f"{catch_up_s} s"
    return unfired.said(decision.missed, last, f"{cause}, for longer than its catch-up of {span}")


def wanted(schedule: Schedule, refs: Iterable[str], default: str) -> tuple[str, ...]:
    """The branches of a remote that a schedule is about, in full; without patterns the default branch."""
    if not schedule.branches:
        return tuple(ref for ref in refs if ref == HEADS + default)
    return tuple(
        sorted(
            ref
            for ref in refs
            if ref.startswith(HEADS)
            and any(patterns.matches(pattern, ref.removeprefix(HEADS)) for pattern in schedule.branches)
        )
    )


def unchanged(orders: Sequence[Order], then: Sequence[Job]) -> bool:
    """Whether a run's jobs were what is ordered now: the same recipes in the same directories."""

    def work(found: Iterable[Order]) -> Mapping[str, object]:
        return {order.place: (order.recipe, order.directory) for order in found}

    return work(orders) == work(job.order for job in then)

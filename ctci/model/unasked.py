"""What comes without being called for: schedules, and what the sweep compares."""

from dataclasses import dataclass

from ctci.model.asked import Delivery
from ctci.model.statuses import Status


@dataclass(frozen=True, kw_only=True)
class Reckoned:
    """How far a schedule has been decided."""

    #: The line of cron and the IANA time zone that it is decided by.
    line: str
    timezone: str
    #: Unix milliseconds: every nominal time up to here has fired or was said to be missed.
    since: int


@dataclass(frozen=True, kw_only=True)
class Fired:
    """What became of a nominal time."""

    delivery: Delivery
    #: Of its run; None where there is none.
    status: Status | None
    #: How long the run took, once it has ended.
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Ref:
    """Where a ref was last recorded."""

    #: A commit or tag object; empty for a ref that is gone.
    commit: str
    #: None: decided against, or only seen.
    run: int | None
    #: `push`, `tag`, `sweep`, `deleted`, `seen` (by the sweep, for the first time), or `unhad`: its first push could
    #: not be fetched.
    via: str
    #: Whether its run is not prepared yet, and may turn out to be older than what was there before.
    open: bool = False


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A project whose hooks do not call."""

    project: str
    #: When one last did, Unix milliseconds; None: never.
    since: int | None
    #: How many pushes the sweep has found since.
    missed: int

"""The search for the commit that turned a place red: what is known of it, and what it has to go by."""

from dataclasses import dataclass

from ctci.model.done import Job, Run
from ctci.model.statuses import FINISHED, Status


@dataclass(frozen=True, kw_only=True)
class Hunt:
    """What has become of a search, for people."""

    #: The first red job of the break.
    red_job: int
    #: `looking`; `found`; `flaky`; `elsewhere` (no commit did it: the last green one fails now too); `stopped` before
    #: it was found; `unknown` where it cannot be told.
    word: str
    #: The commit that did it, with `found`.
    commit: str | None
    #: The whole of it in a sentence, without a full stop.
    sentence: str
    #: How many runs it took, of those that have ended.
    reruns: int
    #: Whether it goes on: what was found may still be confirmed.
    open: bool = False


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One run of a search."""

    #: Among the commits, from 1; 0 is that of the green job.
    position: int
    run: int
    #: Of its job.
    status: Status

    @property
    def ended(self) -> bool:
        """Whether its status stays."""
        return self.status in FINISHED


@dataclass(frozen=True, kw_only=True)
class Quarry:
    """A place that a schedule found broken. Times are Unix milliseconds."""

    #: The first red job since it was green, and its run; the last green one, and its.
    red: Job
    run: Run
    green: Job
    green_run: Run


@dataclass(frozen=True, kw_only=True)
class Hunting:
    """A search that goes on. Times are Unix milliseconds."""

    id: int
    quarry: Quarry
    hunt: Hunt
    schedule: str
    #: Oldest first; the last of them is that of the red job.
    commits: tuple[str, ...]
    #: Whether something besides the commits has changed.
    doubtful: bool
    #: Nothing is begun after it.
    until: int | None
    probes: tuple[Probe, ...]
    #: Whether the place is still as red as it was.
    broken: bool

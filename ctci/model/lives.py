"""What becomes of a finding over the results of a place: the looks that history has, and what follows from them.

Times are Unix milliseconds.
"""

from dataclasses import dataclass

from ctci.model.statuses import Status

#: Days that an acknowledgement lasts at most.
ACK_DAYS = 730


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One finding in one look, by what it is known again."""

    fingerprint: str
    #: The test that it is of; None: it is of a compiler, a linter, a line of the log.
    test: str | None = None
    #: The test failed and then passed in this very look, as its report says.
    recovered: bool = False


@dataclass(frozen=True, kw_only=True)
class Look:
    """One conclusive attempt at a place, with what was found in it."""

    job: int
    run: int
    attempt: int = 1
    status: Status
    at: int
    #: The same for looks at the same commit by the same recipe, and for no others.
    trial: int
    #: How many tests its reports tell of; 0 without any report.
    tests: int = 0
    #: Its reports and its log were read to their end, and all that was found is kept.
    whole: bool = True
    sightings: tuple[Sighting, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Life:
    """What has become of a finding at a place, up to the last look at it."""

    fingerprint: str
    #: `new`, `still`, `fixed`, `returned` or `flaky`.
    word: str
    #: The first look that saw it, the one since when it is there (or was, if it is fixed), and the last that saw it.
    first: Look
    since: Look
    last: Look
    #: The look that showed it gone; None while it is there, or may be.
    fixed: Look | None = None
    #: How many looks saw it, of how many that saw it or showed it gone.
    times: int = 1
    looks: int = 1

    @property
    def age(self) -> int:
        """How long it is known to have been there without a break, milliseconds."""
        return max(0, self.last.at - self.since.at)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one look says of one test."""

    look: Look
    #: `failed`, `recovered` (failed, then passed), `passed`, or `unknown`: it may not have come to this test.
    word: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What differs at one place between two runs. Fingerprints in their order there."""

    place: str
    #: `newly failing`, `newly passing`, `still failing`, `still passing`, `added` or `removed`.
    word: str
    #: None: that run has no conclusive result here.
    before: Look | None
    now: Look | None
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    #: Seen in the first run, and the second one did not come so far, or was not read: it may be there yet.
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ack:
    """A person's word that a finding of a project is known, and need not be shown for some time."""

    id: int
    project: str
    fingerprint: str
    #: Place and message of the finding, as they were then.
    said: str
    #: From this time on it is shown again.
    until: int
    why: str
    acked_by: str
    acked_at: int
    #: When it was taken back, or replaced by another, and by whom; None: it was not.
    lifted_at: int | None = None
    lifted_by: str | None = None

"""What a digest is made of: the places that it tells of, and what else happened in its window. Times are Unix ms."""

from dataclasses import dataclass

from ctci.model.asked import place_of, short_ref
from ctci.model.lives import Ack
from ctci.model.statuses import Status
from ctci.model.verdicts import Seen, Slower, Verdict


@dataclass(frozen=True, kw_only=True)
class Errored:
    """A job that ctci itself could not run."""

    job: int
    run: int
    #: When it was found so, and when it began; None: it never did.
    at: int
    began: int | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One recipe of one subproject on one branch, and what became of it in a window."""

    project: str
    ref: str
    #: Empty for a project without subprojects.
    subproject: str
    recipe: str
    #: Of its last conclusive job up to the end of the window; None where that is not known any more.
    verdict: Verdict | None = None
    #: The last conclusive result before the window (on a branch that began in it: that of the default branch where it
    #: left), and, where that is red, the first red one of its break.
    before: Seen | None = None
    red: Seen | None = None
    #: The results of the window, oldest first. Those that are not conclusive count for nothing.
    results: tuple[Seen, ...] = ()
    #: Those of the window, oldest first.
    errored: tuple[Errored, ...] = ()
    #: Runs that ended in it though something newer was there, and so change nothing here: those that ran a commit
    #: again, and those that were only late.
    again: tuple[int, ...] = ()
    late: tuple[int, ...] = ()
    #: What is acknowledged of that, and so is not shown.
    acked: tuple[Ack, ...] = ()
    #: Files with tests that fail in its last job, with their number, most first.
    failing: tuple[tuple[str, int], ...] = ()
    #: Why it is called flaky, by what happened in the window, and in which job; empty where it is not.
    flaky: str = ""
    shaky: Seen | None = None
    #: Where a job of the window became slower; else that of `verdict` counts, if it is of the window.
    slower: Slower | None = None
    #: Whether its branch is there no more, or nothing builds it there any more: what is gone is not red.
    gone: bool = False
    #: Whether its branch was deleted in the window.
    deleted: bool = False
    #: Whether its failure is allowed: that turns nothing red.
    allowed: bool = False

    @property
    def name(self) -> str:
        """`shop/api:test`, or `shop:test` where the project has no subprojects."""
        return f"{self.project}{'/' if self.subproject else ':'}{place_of(self.subproject, self.recipe)}"

    @property
    def branch(self) -> str:
        """The ref without its prefix."""
        return short_ref(self.ref)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One run of a strip."""

    status: Status
    seconds: float = 0.0
    #: Whether it is green by a second try.
    flaky: bool = False


@dataclass(frozen=True, kw_only=True)
class Branch:
    """What ran on one branch in a window."""

    project: str
    ref: str
    #: How many runs ended in the window, how many of those green, and how long their jobs took together.
    runs: int = 0
    green: int = 0
    seconds: float = 0.0
    #: Its last runs, also those before the window, oldest first.
    strip: tuple[Mark, ...] = ()
    #: When a schedule runs next here.
    next_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Overdue:
    """A schedule that did not do what it is for."""

    project: str
    schedule: str
    #: When it should have run, or did run.
    at: int
    #: The ref that moved and on which nothing concluded since; empty: the schedule did not run.
    ref: str = ""
    #: What is known of why.
    reason: str = ""
    #: How many times it should have run and did not; `at` is the last of them.
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Calls of a hook that were refused for one reason."""

    project: str
    forge: str
    reason: str
    count: int
    #: The last of them.
    at: int


@dataclass(frozen=True, kw_only=True)
class Lapsed:
    """An acknowledgement that ended in the window, while what it was for is still found."""

    place: Place
    #: What was acknowledged, who did so, why, and until when.
    finding: str
    by: str
    why: str
    until: int


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """A letter that could not be sent."""

    to: str
    #: What it was: `digest of 2026-11-24`, `letter about #1482`.
    what: str
    error: str
    #: Whether it is tried no more.
    given_up: bool


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What is wrong with ctci itself."""

    sentence: str
    #: For a subject, `disk 92 %`; empty: the subject says only that there is something.
    short: str = ""


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """What the digest would have waited for and still runs."""

    run: int
    project: str
    name: str
    branch: str
    since: int

"""What a result means: all that is known of the place that it is of, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ctci.model.done import Commit, Job, Run
from ctci.model.findings import Finding, Reading
from ctci.model.hunts import Hunt
from ctci.model.statuses import Status


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A result that a place had at one time, as history remembers it. Times are Unix milliseconds."""

    job: int
    run: int
    status: Status
    #: The commit that was built, who wrote it, and its subject.
    commit: str | None = None
    author: str | None = None
    subject: str | None = None
    at: int
    #: How long its last attempt took.
    seconds: float = 0.0
    #: Number of its last attempt, and whether one before it was red.
    attempt: int = 1
    was_red: bool = False
    #: The job whose result it repeats without having been run, or None.
    same_as: int | None = None
    #: Names of tests that failed and then passed, as its report says.
    flaky_tests: tuple[str, ...] = ()
    #: What the machine was, and the versions of tools.
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One fact of the machine that is not what it was."""

    #: `gcc`, `kernel`, `machine`.
    name: str
    before: str
    now: str


@dataclass(frozen=True, kw_only=True)
class Past:
    """All that is known of a finished job's place (project, ref, subproject, recipe) up to that job."""

    job: Job
    run: Run
    #: The conclusive result before it: of this branch, else that of the commit where it left the default branch.
    baseline: Seen | None = None
    #: Whether `baseline` and `green` are of the default branch.
    forked: bool = False
    #: Whether a newer run has a result here by now: a rerun of the past is told only while it is the present.
    overtaken: bool = False
    #: Whether an attempt of it before the last was red.
    retried: bool = False
    #: The last green result before it.
    green: Seen | None = None
    #: The first red one after `green`, up to this job; of a green job the first red one of the break that it ends.
    red: Seen | None = None
    #: The last result before it that was conclusive or errored: an outage is told once.
    last: Status | None = None
    #: What the runs after `green` brought, up to that of `red`, newest first.
    commits: tuple[Commit, ...] = ()
    #: The conclusive results before it, newest first: at most the last 50, none older than 90 days.
    results: tuple[Seen, ...] = ()
    #: Other conclusive results of this commit with this recipe, on any branch.
    twins: tuple[Seen, ...] = ()
    #: Whether the recipe of `red` is not that of `green`.
    recipe_changed: bool = False
    #: Facts of the machine and versions of tools, of `green` and of `red`.
    facts_before: Mapping[str, str] = field(default_factory=dict)
    facts_now: Mapping[str, str] = field(default_factory=dict)
    #: The same of this job itself.
    facts: Mapping[str, str] = field(default_factory=dict)
    #: What was found in the job, and the fingerprints known of this branch from the 21 days before.
    reading: Reading | None = None
    findings: tuple[Finding, ...] = ()
    known: frozenset[str] = frozenset()
    #: What the search for the commit that broke it has come to.
    hunt: Hunt | None = None
    #: The fingerprints that a person has acknowledged in this project, for the time being.
    acked: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Slower:
    """A green job that took much longer than it used to."""

    #: Median of the last green ones, and this one, seconds.
    usual_s: float
    now_s: float
    #: The run where it began, and who wrote its commit.
    since: Seen


@dataclass(frozen=True, kw_only=True)
class Mended:
    """A break that has ended."""

    #: Its first and its last red result, and the green one that ended it.
    red: Seen
    last: Seen
    green: Seen

    @property
    def by_itself(self) -> bool:
        """Whether the commit that is green is the one that was red: nobody has mended anything."""
        return self.green.commit is not None and self.green.commit == self.last.commit


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a job's result means against what was before it."""

    job: Job
    run: Run
    #: `broke`, `failed` (red as the first result here), `still broken`, `fixed`, `passed`, `allowed` (red, as its
    #: recipe may be), `errored`, or the status of what has no result (`queued`, `cancelled`, `skipped` ...).
    word: str
    #: Whether it changes something, and is worth a word at once.
    change: bool = False
    #: The last green result before, the first red one of the break (for `fixed`: of the break that it ends).
    green: Seen | None = None
    red: Seen | None = None
    #: The conclusive result before it, and whether that is of the branch that this one left.
    baseline: Seen | None = None
    forked: bool = False
    #: What may have broken it: commits newest first; of all of them where none touches the subproject.
    suspects: tuple[Commit, ...] = ()
    #: `commits`, `elsewhere` (none of them touches the subproject), `recipe`, `machine`, `nothing` (none of these
    #: changed), or empty where nothing is to be explained.
    cause: str = ""
    #: What the search for the commit that broke it has come to.
    hunt: Hunt | None = None
    #: Of the machine, with `machine`; known also beside commits, as is that the recipe changed.
    changed: tuple[Changed, ...] = ()
    recipe_changed: bool = False
    #: Why this job is called flaky, as a sentence; empty where it is not.
    flaky: str = ""
    #: Said once per change: by the first job that took so long, if it was seen twice or by `slow-after`.
    slower: Slower | None = None
    #: What a developer wants first, and what is told of the whole.
    first: Finding | None = None
    reading: Reading | None = None
    #: How many of the errors and failures were not seen on this branch in 21 days, and how many there are.
    news: int = 0
    wrong: int = 0
    #: The tests that fail, in the order of the report.
    failing: tuple[str, ...] = ()

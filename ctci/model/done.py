"""What is done: runs, jobs, attempts, what they wait for and how they ended, and the letters about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ctci.model.asked import AGAINST, TRY, Order, event_of, short_ref
from ctci.model.statuses import RED, Status


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How an attempt's command ended."""

    #: `exit`, `timeout`, `cancelled`, `interrupted` (a TERM nobody asked for), `lease`, `sandbox` (asked for and not to
    #: be had: never begun) or `lost`.
    how: str
    #: Exit code of the command, or None where a signal or nothing ended it.
    code: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    cpu_s: float = 0.0
    #: Peak resident memory of the largest process, bytes.
    peak_memory: int = 0
    #: Processes that had to be killed after the command itself had ended, by name.
    leftovers: tuple[str, ...] = ()
    #: Pids that could not be ended.
    survivors: tuple[int, ...] = ()
    log_bytes: int = 0
    #: Bytes that the log's cap left out between head and tail.
    log_dropped: int = 0


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit as prepare wrote it down. Times are Unix milliseconds."""

    sha: str
    author: str
    email: str
    subject: str
    at: int
    #: Names of the subprojects whose directory it touches.
    touches: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """The result that a job has without being run: nothing that it depends on has changed since."""

    #: The job that was run.
    job: int
    status: Status
    reason: str


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One execution of a job. Times are Unix milliseconds."""

    job: int
    number: int
    began_at: int | None
    finished_at: int | None
    status: Status | None
    exit: Exit | None
    #: What the machine was (`machine`, `kernel`, `system`, `cpu`, `memory`), and the versions of tools, by their names.
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A trigger on the ledger, with a number one can say aloud. Times are Unix milliseconds."""

    id: int
    project: str
    kind: str
    ref: str
    before: str | None
    #: What was pushed: a commit or a tag object.
    after: str | None
    #: The commit that is built; None until prepared.
    commit: str | None
    subject: str | None
    author: str | None
    author_email: str | None
    pusher: str | None
    options: tuple[str, ...]
    status: Status
    #: Why it ended without running, or what it waits for.
    reason: str | None
    created_at: int
    prepared_at: int | None
    finished_at: int | None
    rerun_of: int | None
    #: The run it waits behind, with `on-new-push = "queue"`.
    behind: int | None
    #: What the ref was recorded at before this run, and by which run.
    prev_commit: str | None
    prev_run: int | None
    #: The schedule that fired it.
    schedule: str | None = None
    #: Of a branch's first run, the commit where the branch left the default branch.
    merge_base: str | None = None

    @property
    def event(self) -> str:
        """What happened: of what the sweep found, the push or tag that it is."""
        return event_of(self.kind, self.ref)

    @property
    def branch(self) -> str:
        """The ref without its prefix."""
        return short_ref(self.ref)

    @property
    def against(self) -> str | None:
        """Of a try the full name of the ref by which its results are judged; else None: that is its own."""
        if self.kind != TRY:
            return None
        return next((each.removeprefix(AGAINST) for each in self.options if each.startswith(AGAINST)), None)


@dataclass(frozen=True, kw_only=True)
class Wait:
    """What a queued job waits for first."""

    #: `commit` (its run's prepare), `run` (of the same ref before it), `recipe` (that it needs), `lock`, or `slot`.
    kind: str
    #: The run that it waits behind, or of the job that holds the lock.
    run: int | None = None
    #: The lock, or the recipes that it needs.
    names: tuple[str, ...] = ()
    #: The name of the job that holds the lock.
    holder: str | None = None
    #: How many jobs are before it in the queue.
    ahead: int = 0


@dataclass(frozen=True, kw_only=True)
class Job:
    """An order on the ledger. Times are Unix milliseconds."""

    id: int
    run: int
    order: Order
    status: Status
    reason: str | None
    #: Number of the current or last attempt; 0 before the first.
    attempt: int
    host: int | None
    queued_at: int
    began_at: int | None
    finished_at: int | None
    cancel_asked_at: int | None
    cancel_by: str | None
    #: `cancelled` or `superseded`: what the wish makes of it.
    cancel_as: str | None
    cancel_reason: str | None
    exit: Exit | None
    #: The slot of its current attempt, and the boot of the machine that claimed it there.
    slot: int | None = None
    boot_id: str | None = None
    #: The job whose result it repeats without having been run, or None.
    same_as: int | None = None
    #: What it waits for while it is queued, where that was asked for too.
    wait: "Wait | None" = None

    @property
    def place(self) -> str:
        """`api:test`, or `test` where the project has no subprojects."""
        return self.order.place

    @property
    def is_red(self) -> bool:
        """Whether it turns its branch red: what is allowed to fail does not."""
        return self.status in RED and not self.order.recipe.allow_failure

    @property
    def name(self) -> str:
        """`shop/api:test`, or `shop:test` where the project has no subprojects."""
        sub = self.order.subproject
        return f"{self.order.project}{'/' if sub else ':'}{self.order.place}"

    @property
    def page(self) -> str:
        """Where its log is shown, relative to the root: `runs/1482/api/test`, by its number where that is no path."""
        return page_of(self.run, self.id, self.order.subproject, self.order.recipe.name)


def page_of(run: int, job: int, subproject: str, recipe: str) -> str:
    """Where the log of a job is shown, relative to the root; `run` and `job` are their numbers."""
    names = [name for name in (subproject, recipe) if name]
    if any("/" in name or name in (".", "..") for name in names):
        return f"jobs/{job}"
    return "/".join((f"runs/{run}", *(quote(name, safe="", errors="replace") for name in names)))


@dataclass(frozen=True, kw_only=True)
class Change:
    """One row of the append-only list that letters, statuses and live pages read with a cursor of their own."""

    seq: int
    #: `recorded`, `prepared`, `began`, `adopted`, `retried` or `settled`.
    kind: str
    run: int
    job: int | None
    at: int


@dataclass(frozen=True, kw_only=True)
class Happening:
    """A change as it is told to whoever follows; the statuses are those of when it was read, not of then."""

    seq: int
    #: That of the change.
    kind: str
    at: int
    project: str
    ref: str
    run: int
    run_status: Status
    #: None for what happened to the run as a whole.
    job: int | None
    #: `api:test`
    place: str | None
    job_status: Status | None


@dataclass(frozen=True, kw_only=True)
class Owed:
    """What somebody outside is to be told: a letter to an address, a status on a commit, a call."""

    #: Names it once and for all.
    key: str
    #: Who is told: `team:ana@example.org`, or what the sink calls it.
    to: str
    #: The run that it is about, and the jobs of it; 0 and none where it is about no one run.
    run: int = 0
    jobs: tuple[int, ...] = ()
    #: Unix milliseconds; not before.
    due: int
    #: Fixed before the first try: who gets it twice can tell. Empty where there is no such thing.
    message_id: str = ""
    #: `due`; another where nothing is to be sent and only that is to be remembered.
    state: str = "due"
    #: What is said, as its sink writes it, where that is not made when it is sent.
    body: Mapping[str, Any] | None = None
    #: Whether it takes the place of what its key said before.
    replaces: bool = False


@dataclass(frozen=True, kw_only=True)
class Sending:
    """What is owed, on the ledger. Times are Unix milliseconds."""

    id: int
    sink: str
    key: str
    to: str
    #: 0 where it is about no one run.
    run: int
    jobs: tuple[int, ...]
    due: int
    tries: int
    message_id: str
    #: `due`, `sent`, `given_up`; `dropped` where it is not wanted any more; `quiet` where nothing was worth to be sent.
    state: str
    last_error: str | None
    sent_at: int | None = None
    body: Mapping[str, Any] | None = None
    #: Number of what it says now.
    version: int = 1
    #: Who tries it at this moment, and until when it is theirs alone.
    held_by: str | None = None
    held_until: int | None = None

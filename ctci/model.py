"""The nouns of ctci and the statuses of a job: frozen values without behaviour beyond a property.

Knows no clock, no disk and no package. `MOVES` is the only statement of what may follow what.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """What has become of a job, and of a run as the worst of its jobs."""

    #: Waiting; `Job.reason` or the page says for what.
    QUEUED = "queued"
    #: Claimed by a worker; its keeper runs or is about to.
    RUNNING = "running"
    #: Exit code 0.
    SUCCEEDED = "succeeded"
    #: Theirs: any other exit.
    FAILED = "failed"
    #: Theirs: ended by us at the recipe's `timeout`.
    TIMED_OUT = "timed_out"
    #: A person, named in `Job.cancel_by`, stopped it.
    CANCELLED = "cancelled"
    #: A newer push of the ref replaced it.
    SUPERSEDED = "superseded"
    #: Nothing to do; `Job.reason` says why.
    SKIPPED = "skipped"
    #: Ours: no checkout, disk full, a crash. Never blames an author, never counts in history.
    ERRORED = "errored"


#: The only results that count in history.
CONCLUSIVE = frozenset({Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT})
#: The results that turn a branch red.
RED = frozenset({Status.FAILED, Status.TIMED_OUT})
#: Nothing follows these.
FINISHED = frozenset(Status) - {Status.QUEUED, Status.RUNNING}

#: Which status may follow which, and by which verb of the ledger.
MOVES: Mapping[str, tuple[frozenset[Status], frozenset[Status]]] = {
    "claim": (frozenset({Status.QUEUED}), frozenset({Status.RUNNING})),
    # Never begun: the attempt is given back, not closed.
    "put_back": (frozenset({Status.RUNNING}), frozenset({Status.QUEUED})),
    # The attempt is closed, and the recipe allows another.
    "retry": (frozenset({Status.RUNNING}), frozenset({Status.QUEUED})),
    "settle": (
        frozenset({Status.RUNNING}),
        frozenset(
            {
                Status.SUCCEEDED,
                Status.FAILED,
                Status.TIMED_OUT,
                Status.CANCELLED,
                Status.SUPERSEDED,
                Status.ERRORED,
            }
        ),
    ),
    # Not run, because nothing it depends on has changed: it has the result of the last one.
    "repeat": (frozenset({Status.QUEUED}), CONCLUSIVE),
    # Ended before it ran: by a wish, a newer push, a skip, or a commit that cannot be had.
    "drop": (
        frozenset({Status.QUEUED}),
        frozenset({Status.CANCELLED, Status.SUPERSEDED, Status.SKIPPED, Status.ERRORED}),
    ),
}

#: A run shows the first of these that one of its jobs has.
WORST_FIRST = (
    Status.FAILED,
    Status.TIMED_OUT,
    Status.ERRORED,
    Status.RUNNING,
    Status.QUEUED,
    Status.CANCELLED,
    Status.SUPERSEDED,
    Status.SUCCEEDED,
    Status.SKIPPED,
)

HEADS = "refs/heads/"
TAGS = "refs/tags/"


def short_ref(ref: str) -> str:
    """`main` of `refs/heads/main`: the prefix is cut once, for a branch may itself be called refs/heads/x."""
    for prefix in (HEADS, TAGS):
        if ref.startswith(prefix):
            return ref[len(prefix) :]
    return ref


@dataclass(frozen=True, kw_only=True)
class SecretRef:
    """Where a secret lies; never the secret."""

    #: `env`, `file` or `credential`.
    kind: str
    #: The variable, path or credential that holds it.
    name: str


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Where a project's repository is fetched from, and with what: references, never values."""

    url: str
    token: SecretRef | None = None
    ssh_key: SecretRef | None = None
    #: A known_hosts file; without it the first key seen is pinned in the data folder.
    known_hosts: str | None = None
    #: A PEM file with the certificate authority of a self-hosted forge.
    ca_file: str | None = None
    #: Lay out submodules too (relative or same-host addresses only).
    submodules: bool = False


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One named shell command of a subproject."""

    name: str
    run: str
    timeout_s: int = 3600
    env: Mapping[str, str] = field(default_factory=dict)
    #: Names that are passed on from the server's environment.
    env_pass: tuple[str, ...] = ()
    #: The shell and its arguments; the command is given to it as a file.
    shell: str = "sh -e"
    nice: int = 0
    #: Recipes of the same subproject and run that must succeed first.
    needs: tuple[str, ...] = ()
    #: A name that at most one running job of the whole server holds.
    lock: str | None = None
    #: How many more attempts a red one is given.
    retries: int = 0
    #: Its failure is shown, and counts for nothing.
    allow_failure: bool = False
    #: `fail` or `retry`: what becomes of an attempt that was lost or interrupted.
    on_interrupt: str = "fail"
    #: `none`, or `pid`: a PID namespace of its own, without which it is not run.
    sandbox: str = "none"


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """One reason to work."""

    #: `push`, `tag`, `schedule`, `manual`, `rerun` or `sweep`.
    kind: str
    #: Names it once and for all, so a second delivery of it changes nothing.
    key: str
    #: The project's name; forges leave it empty and the desk fills it in.
    project: str = ""
    #: Full name: refs/heads/main, refs/tags/v1.
    ref: str
    #: What the ref was before, as told; None if unknown or new.
    before: str | None = None
    #: What the ref is now: a commit or tag object; None for the head of `ref` (manual runs).
    after: str | None = None
    #: The repository's full name as told by the forge; the desk holds it against the configured address.
    repository: str | None = None
    pusher: str | None = None
    #: Push options, verbatim.
    options: tuple[str, ...] = ()
    default_branch: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """True, but nothing to build; the reason is what people read on /deliveries."""

    reason: str
    ref: str | None = None
    pusher: str | None = None
    #: The forge's name of the repository, held against the configured address like a trigger's.
    repository: str | None = None
    #: The ref is gone from the remote, so the same commit pushed there again is news.
    deleted: bool = False


@dataclass(frozen=True, kw_only=True)
class Order:
    """All that is needed to do one job; a frozen copy taken at planning."""

    project: str
    #: Empty for a project without subprojects.
    subproject: str
    #: The subproject's directory in the repository, `.` for its root.
    directory: str
    ref: str
    recipe: Recipe
    remote: Remote
    #: `supersede`, `queue` or `parallel`: what a newer push of the ref does to this one.
    on_new_push: str
    #: Patterns of files: a push that changes none of them since the last conclusive job repeats its result.
    paths: tuple[str, ...] = ()
    #: Bytes of log kept per attempt, head and tail.
    log_cap: int = 200 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Unordered:
    """A recipe that a trigger did not order, and why."""

    subproject: str
    recipe: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a trigger asks for: orders, and a reason for every recipe that is not ordered."""

    orders: tuple[Order, ...]
    unordered: tuple[Unordered, ...]
    #: One sentence: why these, or why none.
    reason: str


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
class Delivery:
    """One ref of one call of a hook, kept with its decision and the reason. Times are Unix milliseconds."""

    id: int
    project: str
    forge: str
    event: str
    #: The forge's own id of the call.
    key: str
    ref: str | None
    pusher: str | None
    at: int
    #: `queued`, `ignored`, `duplicate` or `refused`.
    decision: str
    reason: str
    run: int | None


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """The result that a job has without being run: nothing that it depends on has changed since."""

    #: The job that was run.
    job: int
    status: Status
    reason: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One ref of one call of a hook (or a wish of a person), decided and ready to be recorded."""

    project: str
    #: `github`, `gitea`, `forgejo`, `post_receive`, or `ctci` for what was asked here.
    forge: str
    event: str
    #: The forge's own id of the call.
    key: str
    ref: str | None = None
    pusher: str | None = None
    reason: str
    #: None: nothing to build, and `reason` says why.
    trigger: Trigger | None = None
    orders: tuple[Order, ...] = ()
    #: Smaller is sooner: a person's wish before a push before a schedule.
    priority: int = 10
    #: The ref is gone from the remote: forget where it was.
    deleted: bool = False
    rerun_of: int | None = None


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What record made of an entry."""

    delivery: int
    #: `queued`, `ignored` or `duplicate`.
    decision: str
    reason: str
    project: str
    ref: str | None
    #: What the ref is now, as told.
    after: str | None
    #: The new run; of a duplicate, the run it repeats.
    run: int | None
    #: (id, place) of the run's jobs, such as (3, "api:test").
    jobs: tuple[tuple[int, str], ...]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One execution of a job. Times are Unix milliseconds."""

    job: int
    number: int
    began_at: int | None
    finished_at: int | None
    status: Status | None
    exit: Exit | None


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A letter that is owed: which jobs of which run, to which `[notify.N]`."""

    key: str
    to: str
    run: int
    job: int
    #: Unix milliseconds; not before.
    due: int
    message_id: str


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

    @property
    def branch(self) -> str:
        """The ref without its prefix."""
        return short_ref(self.ref)


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
        sub = self.order.subproject
        return f"{sub}:{self.order.recipe.name}" if sub else self.order.recipe.name

    @property
    def name(self) -> str:
        """`shop/api:test`, or `shop:test` where the project has no subprojects."""
        sub = self.order.subproject
        return f"{self.order.project}{'/' + sub if sub else ''}:{self.order.recipe.name}"


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
    #: Why its commit is not there yet.
    reason: str | None = None
    #: How many jobs are before it in the queue.
    ahead: int = 0


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
class Sending:
    """A letter on the ledger. Times are Unix milliseconds."""

    id: int
    sink: str
    key: str
    to: str
    run: int
    jobs: tuple[int, ...]
    due: int
    tries: int
    message_id: str
    #: `due`, `sent` or `given_up`.
    state: str
    last_error: str | None

"""The tables of the ledger. Rows never leave this room; what does are the nouns of the model.

Times are Unix milliseconds. The migrations make them, with ids that are never given out twice.
"""

from typing import Any

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from ctci.ledger.engine import Json


def ms(*, index: bool = False) -> Any:
    """A time that may not have come yet."""
    return Field(default=None, sa_type=BigInteger, nullable=True, index=index)


class Deliveries(SQLModel, table=True):
    """One ref of one call of a hook, with its decision."""

    id: int | None = Field(default=None, primary_key=True)
    project: str
    forge: str
    event: str
    key: str
    ref: str | None
    pusher: str | None
    at: int = Field(sa_type=BigInteger)
    decision: str
    reason: str
    run: int | None


class Refs(SQLModel, table=True):
    """Where each ref was last recorded, and by which run (none: decided against)."""

    project: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    commit: str
    run: int | None
    via: str
    at: int = Field(sa_type=BigInteger)


class Runs(SQLModel, table=True):
    """A trigger on the ledger."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    project: str
    kind: str
    ref: str
    before: str | None
    after: str | None
    commit: str | None
    subject: str | None
    author: str | None
    author_email: str | None
    pusher: str | None
    options: list[str] = Field(sa_column=Column(Json, nullable=False))
    priority: int
    status: str
    reason: str | None
    created_at: int = Field(sa_type=BigInteger)
    prepared_at: int | None = ms()
    finished_at: int | None = ms()
    #: Fetches that failed, and when the next is due.
    tries: int
    next_try_at: int | None = ms()
    rerun_of: int | None
    #: The run whose place in history this has: a rerun stands where its original stood.
    as_of: int | None
    behind: int | None
    #: What the ref was recorded at before, and by which run: to put it back, and to know what came out of order.
    prev_commit: str | None
    prev_run: int | None
    prev_via: str | None
    #: The schedule that fired it.
    schedule: str | None
    #: Of a branch's first run.
    merge_base: str | None
    #: Of a run of a hunt and of a try, the ref that it is about. Its `ref` is empty, so that it counts for none.
    hunted_ref: str | None


class Jobs(SQLModel, table=True):
    """An order on the ledger."""

    id: int | None = Field(default=None, primary_key=True)
    run: int = Field(foreign_key="runs.id")
    #: As of its run.
    as_of: int
    project: str
    #: Empty for a job of a hunt and of a try, so that it counts for no place.
    ref: str
    subproject: str
    recipe: str
    order: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    status: str
    reason: str | None
    #: How many things must happen before it may be claimed: its prepare, a run it waits behind, what it needs.
    waiting: int
    priority: int
    #: Its place in the queue, given once at record and never computed in a claim.
    turn: int
    attempt: int
    host: int | None
    slot: int | None
    boot_id: str | None
    queued_at: int = Field(sa_type=BigInteger)
    began_at: int | None = ms()
    finished_at: int | None = ms()
    cancel_asked_at: int | None = ms()
    cancel_by: str | None
    cancel_as: str | None
    cancel_reason: str | None
    exit: dict[str, Any] | None = Field(sa_column=Column(Json, nullable=True))
    #: Held by at most one running job.
    lock: str | None
    #: 1: its failure counts for nothing.
    spared: int = 0
    #: The job whose result it repeats, nothing that it depends on having changed.
    same_as: int | None


class Needs(SQLModel, table=True):
    """What must succeed before a job: both of one run."""

    job: int = Field(primary_key=True, foreign_key="jobs.id")
    needs: int = Field(primary_key=True, foreign_key="jobs.id")


class Standing(SQLModel, table=True):
    """Of each place the last conclusive job, the last green one, and the first red one since; kept by settle.

    "Last" goes by the run whose place in history a job has (`as_of`), then by its id.
    """

    project: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    subproject: str = Field(primary_key=True)
    recipe: str = Field(primary_key=True)
    last_job: int | None
    last_as_of: int | None
    green_job: int | None
    red_job: int | None


class Turns(SQLModel, table=True):
    """The last turn given out, per project and priority: who asks for much waits behind who asks for little."""

    project: str = Field(primary_key=True)
    priority: int = Field(primary_key=True)
    turn: int


class Attempts(SQLModel, table=True):
    """One execution of a job."""

    job: int = Field(primary_key=True, foreign_key="jobs.id")
    number: int = Field(primary_key=True)
    host: int
    claimed_at: int = Field(sa_type=BigInteger)
    began_at: int | None = ms()
    finished_at: int | None = ms()
    status: str | None
    exit: dict[str, Any] | None = Field(sa_column=Column(Json, nullable=True))
    #: Of the machine when it began, and of its tools once it has ended.
    facts: dict[str, str] | None = Field(sa_column=Column(Json, nullable=True))


class Hosts(SQLModel, table=True):
    """A data folder that runs jobs."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    first_seen: int = Field(sa_type=BigInteger)


class Projects(SQLModel, table=True):
    """What was learnt of a project."""

    name: str = Field(primary_key=True)
    first_seen: int = Field(sa_type=BigInteger)
    #: The remote's HEAD, as prepare last wrote it.
    default_branch: str | None


class Schedules(SQLModel, table=True):
    """How far each schedule has been decided: every nominal time up to `since` has fired, or was said to be missed."""

    project: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    #: The line of cron and the time zone that it was decided by.
    line: str
    timezone: str
    since: int = Field(sa_type=BigInteger)


class Commits(SQLModel, table=True):
    """The commits that a run brought, newest first."""

    run: int = Field(primary_key=True, foreign_key="runs.id")
    position: int = Field(primary_key=True)
    sha: str
    author: str
    email: str
    subject: str
    at: int = Field(sa_type=BigInteger)
    touches: list[str] = Field(sa_column=Column(Json, nullable=False))


class Changes(SQLModel, table=True):
    """Append-only: what letters and live pages read, each with a cursor of its own."""

    seq: int | None = Field(default=None, primary_key=True)
    kind: str
    run: int
    job: int | None
    at: int = Field(sa_type=BigInteger)


class Readings(SQLModel, table=True):
    """What was read of the reports and the log of an attempt."""

    job: int = Field(primary_key=True, foreign_key="jobs.id")
    attempt: int = Field(primary_key=True)
    #: `read`, or `failed` where they could not be.
    state: str
    #: Counts of a JUnit report: total, failed, skipped.
    tests: dict[str, int] | None = Field(sa_column=Column(Json, nullable=True))
    errors: int
    warnings: int
    #: Position of the finding that a developer wants first.
    first: int | None
    #: Lines never seen in a green log: how many, and the first of them.
    novel: dict[str, Any] | None = Field(sa_column=Column(Json, nullable=True))
    at: int = Field(sa_type=BigInteger)


class Lines(SQLModel, table=True):
    """The lines of green logs of a recipe, on all branches: four bytes for the number of each, then one for its age."""

    project: str = Field(primary_key=True)
    subproject: str = Field(primary_key=True)
    recipe: str = Field(primary_key=True)
    #: How they were told apart: lines of another way are not to be compared.
    way: int
    words: bytes
    #: How many greens ago there were more than are kept; None: not in the last ones.
    words_over: int | None
    whole: bytes
    whole_over: int | None
    at: int = Field(sa_type=BigInteger)


class Findings(SQLModel, table=True):
    """One thing a tool said in an attempt."""

    job: int = Field(primary_key=True, foreign_key="jobs.id")
    attempt: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    severity: str
    tool: str
    message: str
    rule: str | None
    file: str | None
    line: int | None
    column: int | None
    test: str | None
    fingerprint: str
    log_line: int | None


class Acks(SQLModel, table=True):
    """A finding of a project that a person has acknowledged for some time; what is not lifted holds, or has lapsed."""

    id: int | None = Field(default=None, primary_key=True)
    project: str
    fingerprint: str
    #: Its place and message as they were then: the finding itself may be forgotten sooner.
    said: str
    until: int = Field(sa_type=BigInteger)
    why: str
    acked_by: str
    acked_at: int = Field(sa_type=BigInteger)
    lifted_at: int | None = ms()
    lifted_by: str | None


class Hunts(SQLModel, table=True):
    """The search for the commit that turned a place red."""

    id: int | None = Field(default=None, primary_key=True)
    project: str
    ref: str
    subproject: str
    recipe: str
    schedule: str
    green_job: int
    red_job: int = Field(unique=True)
    #: Oldest first, the last of them that of the red job.
    commits: list[str] = Field(sa_column=Column(Json, nullable=False))
    #: 1: something besides the commits has changed, so the green one is tried again first.
    doubtful: int
    #: Nothing is begun after it.
    until: int | None = ms()
    at: int = Field(sa_type=BigInteger)
    ended_at: int | None = ms()
    #: As of the noun Hunt.
    word: str
    commit: str | None
    sentence: str


class Probes(SQLModel, table=True):
    """The runs of a hunt, in their order."""

    hunt: int = Field(primary_key=True, foreign_key="hunts.id")
    number: int = Field(primary_key=True)
    #: Among the commits, from 1; 0 is that of the green job.
    position: int
    run: int


class Sendings(SQLModel, table=True):
    """What is owed to somebody outside, and what became of it."""

    id: int | None = Field(default=None, primary_key=True)
    sink: str
    key: str = Field(unique=True)
    to: str
    run: int
    jobs: list[int] = Field(sa_column=Column(Json, nullable=False))
    due: int = Field(sa_type=BigInteger)
    tries: int
    message_id: str
    state: str
    last_error: str | None
    sent_at: int | None = ms()
    #: What is to be said, or was, as its sink writes it; what it says now has this number.
    body: dict[str, Any] | None = Field(sa_column=Column(Json, nullable=True))
    version: int
    #: Who tries it at this moment, and until when nobody else does.
    held_by: str | None
    held_until: int | None = ms()


class Subscriptions(SQLModel, table=True):
    """What a receiver of letters has stopped, and what it wishes."""

    #: `to` without upper case: an address is the same however it is written.
    receiver: str = Field(primary_key=True)
    to: str
    #: Goes into each letter, so it is kept as it is; looked up by its hash.
    token: str
    mark: str = Field(unique=True)
    digest_stopped_at: int | None = ms()
    at_once_stopped_at: int | None = ms()
    wishes: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    changed_at: int | None = ms()


class Totals(SQLModel, table=True):
    """How often something happened, by its labels (JSON) and how long it took, and how long in all."""

    name: str = Field(primary_key=True)
    labels: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True)
    times: int = Field(sa_type=BigInteger)
    ms: int = Field(sa_type=BigInteger)


class Cursors(SQLModel, table=True):
    """How far each reader of the changes has come."""

    name: str = Field(primary_key=True)
    seq: int


class SchemaVersion(SQLModel, table=True):
    """One row."""

    __tablename__ = "schema_version"
    one: int = Field(primary_key=True)
    version: int


(
    deliveries,
    refs,
    runs,
    jobs,
    needs,
    standing,
    turns,
    attempts,
    hosts,
    projects,
    schedules,
    commits,
    changes,
    readings,
    lines,
    findings,
    acks,
    hunts,
    probes,
    sendings,
    subscriptions,
    totals,
    cursors,
    schema_version,
) = (
    SQLModel.metadata.tables[name]
    for name in (
        "deliveries",
        "refs",
        "runs",
        "jobs",
        "needs",
        "standing",
        "turns",
        "attempts",
        "hosts",
        "projects",
        "schedules",
        "commits",
        "changes",
        "readings",
        "lines",
        "findings",
        "acks",
        "hunts",
        "probes",
        "sendings",
        "subscriptions",
        "totals",
        "cursors",
        "schema_version",
    )
)

"""What operations give: models for the documentation and for the tests that hold every answer against them.

Keys may be added, never changed or taken away; whoever reads an answer ignores what they do not know.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Given(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="allow")


class Wait(Given):
    """What a queued job waits for first: `kind` is commit, run, recipe, lock or slot."""

    kind: str
    run: int | None
    names: list[str]
    held_by: str | None
    ahead: int


class Exit(Given):
    """How a command ended."""

    how: str
    code: int | None
    signal: int | None
    seconds: float
    cpu_s: float | None
    peak_memory_bytes: int | None
    log_bytes: int
    log_dropped_bytes: int
    leftovers: list[str]
    survivors: list[str]


class Job(Given):
    """A job: one recipe at one commit."""

    id: int
    run: int
    name: str
    project: str
    subproject: str | None
    recipe: str
    command: str
    status: str
    reason: str | None
    waits_for: Wait | None
    repeats: int | None
    needs: list[str]
    lock: str | None
    allow_failure: bool
    attempt: int
    queued_at: str | None
    started_at: str | None
    finished_at: str | None
    duration_s: float | None
    exit: Exit | None
    cancelled_by: str | None
    html_url: str


class Run(Given):
    """A run: one reason to work, with its jobs."""

    id: int
    project: str
    branch: str
    ref: str
    sha: str | None
    subject: str | None
    author: str | None
    before: str | None
    event: str
    status: str
    reason: str | None
    queued_at: str
    started_at: str | None
    finished_at: str | None
    duration_s: float | None
    pushed_by: str | None
    rerun_of: int | None
    waits_behind: int | None
    jobs: list[Job]
    html_url: str


class Commit(Given):
    """A commit that a run brought."""

    sha: str
    author: str
    email: str
    subject: str
    committed_at: str | None
    touches: list[str]


class Attempt(Given):
    """One execution of a job."""

    job: int
    number: int
    status: str | None
    started_at: str | None
    finished_at: str | None
    exit: Exit | None
    facts: dict[str, Any]


class Delivery(Given):
    """One ref of one call of a hook, with its decision."""

    id: str
    project: str
    forge: str
    event: str
    ref: str | None
    pushed_by: str | None
    received_at: str
    decision: str
    reason: str
    run: int | None


class Tests(Given):
    """How many tests there were."""

    total: int
    failed: int
    skipped: int


class Life(Given):
    """What became of a finding: new, still, fixed, returned or flaky."""

    word: str
    first_run: int
    first_seen_at: str | None
    since_run: int
    since: str | None
    last_run: int
    last_seen_at: str | None
    seen: int
    looked_for: int


class Acknowledged(Given):
    """By whom, until when and why a finding is hidden."""

    until: str | None
    why: str
    acknowledged_by: str
    acknowledged_at: str | None
    lapsed: bool


class FindingSaid(Given):
    """One thing that a tool said."""

    severity: str
    tool: str
    rule: str | None
    file: str | None
    line: int | None
    column: int | None
    message: str
    test: str | None
    fingerprint: str
    log_line: int | None


class Finding(FindingSaid):
    """The same with what became of it."""

    life: Life | None
    acknowledged: Acknowledged | None


class NovelLine(Given):
    """A line that no green log had."""

    log_line: int
    text: str


class Novel(Given):
    """The lines of a red log that no green one had."""

    count: int
    lines: list[NovelLine]


class Reading(Given):
    """What was read of the reports and the log of an attempt; `first` is the position of its first error."""

    job: int
    attempt: int
    state: str
    tests: Tests | None
    errors: int
    warnings: int
    first: int | None
    novel: Novel | None
    findings: list[Finding]


class Hunt(Given):
    """A search for the commit that broke a place."""

    job: int
    word: str
    sha: str | None
    sentence: str
    reruns: int
    open: bool


class RunWhole(Run):
    """A run with all that is known of it."""

    commits: list[Commit]
    attempts: list[Attempt]
    deliveries: list[Delivery]
    readings: list[Reading]
    hunts: list[Hunt]


class Asked(Given):
    """What became of a wish."""

    run: int | None
    decision: str
    reason: str
    jobs: list[str]
    html_url: str | None


class Cancelled(Given):
    """How many jobs ended at once, and how many that run were asked to end."""

    run: int
    ended: int
    asked: int
    html_url: str


class Runs(Given):
    """A page of runs, newest first."""

    items: list[Run]
    next: str | None


class Jobs(Given):
    """A page of jobs, newest first."""

    items: list[Job]
    next: str | None


class Readings(Given):
    """What was read of one job."""

    items: list[Reading]
    next: str | None


class Problem(Given):
    """Why a call was not granted (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    code: str
    errors: list[dict[str, Any]] = []
    request_id: str | None = None

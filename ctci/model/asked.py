"""What is asked for: recipes, triggers, orders, and what was decided about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

HEADS = "refs/heads/"
TAGS = "refs/tags/"


def short_ref(ref: str) -> str:
    """`main` of `refs/heads/main`: the prefix is cut once, for a branch may itself be called refs/heads/x."""
    for prefix in (HEADS, TAGS):
        if ref.startswith(prefix):
            return ref[len(prefix) :]
    return ref


#: The kinds of triggers that say that a ref has moved.
MOVED = ("push", "tag", "sweep")


#: The kind of the runs by which the commit is looked for that broke what a schedule found broken.
BISECT = "bisect"
#: The kind of a run of what lies in somebody's working copy.
TRY = "try"
#: The kinds of runs that count for no branch.
ASIDE = (BISECT, TRY)
#: The option of a try that names the ref by which its results are judged.
AGAINST = "ctci.against="


def event_of(kind: str, ref: str) -> str:
    """`push`, `tag`, `schedule`, `manual` or `rerun`: what the sweep found is the push or tag that nobody told of.

    A search for what a schedule found broken is to its recipes as that schedule was, and a try as a push would be.
    """
    if kind == BISECT:
        return "schedule"
    if kind == TRY:
        return "push"
    if kind != "sweep":
        return kind
    return "tag" if ref.startswith(TAGS) else "push"


def place_of(subproject: str, recipe: str) -> str:
    """`api:test`, or `test` where the project has no subprojects."""
    return f"{subproject}:{recipe}" if subproject else recipe


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
    #: What orders it: `push`, `tag`, `manual` and names of schedules; None: all of them.
    on: tuple[str, ...] | None = None
    #: Names that a trigger may set, for the recipe's environment.
    vars: tuple[str, ...] = ()
    #: Patterns of files below where it runs: reports of tests, of linters, and matchers of problems in its log.
    junit: tuple[str, ...] = ()
    sarif: tuple[str, ...] = ()
    matchers: tuple[str, ...] = ()
    #: Beyond so many times its usual time, or so many seconds, a green one is told as slower; at most one is given.
    slow_by: float | None = field(default=None, compare=False)
    slow_s: int | None = field(default=None, compare=False)
    #: Commands whose first lines are the versions of tools. It is no other recipe for being asked more of them.
    facts: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """One reason to work."""

    #: `push`, `tag`, `schedule`, `manual`, `rerun`, `sweep`, `bisect` or `try`.
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
    #: Push options, verbatim; `ci.only=` and `ci.var=` of a person's wish too.
    options: tuple[str, ...] = ()
    default_branch: str | None = None
    #: The schedule that fired, of kind `schedule`.
    schedule: str | None = None

    @property
    def event(self) -> str:
        """What happened: of what the sweep found, the push or tag that it is."""
        return event_of(self.kind, self.ref)


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

    @property
    def place(self) -> str:
        """`api:test`, or `test` where the project has no subprojects."""
        return place_of(self.subproject, self.recipe.name)


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
    #: The part of it that stays true of fewer of these orders; empty where there are none.
    why: str = ""
    #: What was asked for besides and is not done, for who asked; empty where there is nothing.
    remark: str = ""


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
    #: For who asked, beside the decision.
    remarks: tuple[str, ...] = ()
    #: Smaller is sooner: a person's wish before a push before a schedule.
    priority: int = 10
    #: The ref is gone from the remote: forget where it was.
    deleted: bool = False
    rerun_of: int | None = None
    #: A schedule of the project, and how many of its nominal times it tells were missed.
    missed: tuple[str, int] | None = None


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
    #: Why the new run will be skipped, where that is known already.
    skip: str | None = None
    #: What is to be said to who asked, beside the decision.
    remarks: tuple[str, ...] = ()

"""What an operation is: its place, who may call it, what it takes and gives, and the function that does it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from ctci import ledger
from ctci.config.current import Current
from ctci.config.settings import Config
from ctci.layout import Layout
from ctci.model import Job, Remark, Tier, Visitor


class Known(BaseModel):
    """What is taken; a name that nobody knows is an error, for it may be a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Empty(Known):
    """Nothing is taken."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """All that an operation may ask, and who asks."""

    db: ledger.Ledger
    layout: Layout
    settings: Config
    environ: Mapping[str, str]
    visitor: Visitor
    #: From where: an address, `socket` or `command line`; for the log of who did what.
    via: str
    #: What /readyz says; None where no server runs.
    ready: Callable[[], Mapping[str, Any]] | None = None
    #: How the configuration was read, and what is wrong with the last change of it; None where no server runs.
    current: Current | None = None
    #: What is wrong with ctci itself, and with the webhooks of these projects, as a digest tells it.
    remarks: Callable[[Collection[str]], tuple[Remark, ...]] = lambda _: ()

    def sees(self, project: str) -> bool:
        """Whether the project is there for who asks."""
        return self.visitor.sees(project)

    @property
    def within(self) -> Collection[str] | None:
        """The projects that are there for who asks; None: all of them."""
        return self.visitor.projects

    def among(self, projects: Sequence[str]) -> Collection[str] | None:
        """Of the projects asked for those that are there for who asks; none asked for: all of those."""
        if not projects:
            return self.within
        return {project for project in projects if self.sees(project)}

    def unnamed(self, jobs: Sequence[Job]) -> tuple[Job, ...]:
        """Jobs, of which none names another that who asks may not see as the holder of its lock."""
        return tuple(unnamed(job, self.visitor) for job in jobs)

    def did(self, what: str, *, project: str | None = None, run: int | None = None) -> None:
        """Write down who did it."""
        ledger.did(self.db, who=self.visitor.name, via=self.via, did=what, project=project, run=run)

    @property
    def public_url(self) -> str:
        """How people reach the server."""
        return self.settings.server.public_url


def unnamed(job: Job, visitor: Visitor) -> Job:
    """A job that tells nothing of others which a visitor may not see: whom it waits for, and how many are before it."""
    wait = job.wait
    if wait is None:
        return job
    if wait.ahead and not visitor.sees_all:
        job = replace(job, wait=(wait := replace(wait, ahead=0)))
    if wait.holder is None or visitor.sees(wait.holder.partition(":")[0].partition("/")[0]):
        return job
    return replace(job, wait=replace(wait, holder="another project", run=None))


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation; `do(context, query, body)` gives its answer as JSON."""

    name: str
    method: str
    #: Below /api/v1, such as `/runs/{run}`.
    path: str
    tier: Tier
    #: One sentence.
    summary: str
    #: What stands in path and query.
    query: type[BaseModel] = Empty
    body: type[BaseModel] | None = None
    #: What comes back.
    answer: type[BaseModel]
    status: int = 200
    do: Callable[[Context, Any, Any], Mapping[str, Any]]
    #: An answer and a body for the documentation.
    example: Mapping[str, Any] = field(default_factory=dict)
    body_example: Mapping[str, Any] = field(default_factory=dict)
    #: The statuses of its refusals, besides those that every operation has.
    refusals: tuple[str, ...] = ()
    #: Of an answer that goes on and on, as server-sent events: each event's name -> its data. Then `do` only says
    #: whether it may be followed, and whoever speaks it does the rest.
    events: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    #: Whether only who sees every project may call it.
    whole: bool = False
    #: Whether its answer holds a secret: that is kept nowhere, so a repeated call is not answered with it again.
    secret: bool = False
    tag: str = "runs"

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return self.method not in ("GET", "HEAD")

"""What the web room is given by the roof: the ledger, the data folder, the configuration, and how the server is."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ctci import config, ledger
from ctci.api.operation import unnamed
from ctci.layout import Layout
from ctci.model import Job, Remark, Run, Visitor

#: Nobody yet: sees nothing.
STRANGER = Visitor(name="a stranger", tier=None, projects=frozenset(), badges=False)


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Everything a page or a hook may ask; lies in `app.state.doors`."""

    db: ledger.Ledger
    layout: Layout
    current: config.Current
    #: Where webhook secrets are looked up.
    environ: Mapping[str, str]
    #: What /readyz says: `ok` and `reasons`.
    ready: Callable[[], Mapping[str, object]]
    #: What is wrong with ctci itself, and with the webhooks of these projects, as a digest tells it.
    remarks: Callable[[Collection[str]], tuple[Remark, ...]]
    #: Whether the server is about to end: an answer that goes on and on ends before.
    stopping: Callable[[], bool]
    #: How many jobs run here now.
    busy: Callable[[], int]
    #: What takes room in the data folder -> its bytes, as they were last measured.
    sizes: Callable[[], Mapping[str, int]]
    #: Who asks; filled in for each request.
    visitor: Visitor = STRANGER

    def sees(self, project: str) -> bool:
        """Whether the project is there for who asks."""
        return self.visitor.sees(project)

    def masked(self, waiting: Sequence[tuple[Job, Run]]) -> tuple[tuple[Job, Run], ...]:
        """Jobs that wait, of which none names a job that who asks may not see."""
        return tuple((unnamed(job, self.visitor), run) for job, run in waiting)

    def unnamed(self, jobs: Sequence[Job]) -> tuple[Job, ...]:
        """The same of jobs alone."""
        return tuple(unnamed(job, self.visitor) for job in jobs)

    @property
    def within(self) -> Collection[str] | None:
        """The projects that are there for who asks; None: all of them."""
        return self.visitor.projects

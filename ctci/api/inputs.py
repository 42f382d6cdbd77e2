"""What operations take: the models that check it, and that the documentation is made of."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ctci.api.operation import Known

#: The highest number that a ledger gives out.
MOST = 2**62

Number = Annotated[int, Field(ge=1, le=MOST)]
Limit = Annotated[int, Field(ge=1, le=200, description="Items of a page.")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Line = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Commit = Annotated[str, Field(pattern="^[0-9a-f]{40}$", description="A commit's whole id.")]
Status = Literal[
    "queued", "running", "succeeded", "failed", "timed_out", "cancelled", "superseded", "skipped", "errored"
]


def many(value: Any) -> Any:
    """One value of a query stands for a list of one."""
    return [value] if isinstance(value, str) else value


def _written(value: Any) -> Any:
    """A day is written as one: a number would be taken for seconds."""
    if not isinstance(value, str) or len(value) != len("2026-12-24"):
        raise ValueError("a day is written as 2026-12-24")
    return value


def _near(day: dt.date) -> dt.date:
    """What is further away than any time that a clock here can be at is a mistake."""
    if not 2000 <= day.year < 2200:
        raise ValueError("no day of these times")
    return day


Day = Annotated[dt.date, BeforeValidator(_written), AfterValidator(_near)]
Names = Annotated[list[Name], BeforeValidator(many), Field(max_length=50)]
Statuses = Annotated[list[Status], BeforeValidator(many), Field(max_length=9)]


class Page(Known):
    """Of a list: how many, and from where on."""

    limit: Limit = 50
    cursor: Annotated[str | None, Field(max_length=100, description="`next` of the page before.")] = None


class RunId(Known):
    """A run."""

    run: Number


class JobId(Known):
    """A job."""

    job: Number


class JobPlace(Known):
    """A job of a run, by its recipe; without `sub` that of a project without subprojects."""

    run: Number
    sub: Name | None = None
    recipe: Name


class ProjectName(Known):
    """A project."""

    project: Name


class Runs(Page):
    """Which runs."""

    project: Names = []
    branch: Annotated[Name | None, Field(description="Its name, or a full one such as refs/tags/v1.")] = None
    status: Statuses = []
    before: Annotated[Number | None, Field(description="Only runs before this one.")] = None


class Jobs(Page):
    """Which jobs."""

    project: Names = []
    status: Statuses = []
    run: Number | None = None


class Branches(Known):
    """Of which projects."""

    project: Names = []


class Verdicts(Known):
    """Of which branch; without one the default branch."""

    project: Name
    branch: Name | None = None


class LogLines(JobId):
    """Which lines."""

    attempt: Annotated[Number | None, Field(description="An earlier attempt; else the last.")] = None
    first: Annotated[Number | None, Field(alias="from", description="The number of the first line.")] = None
    lines: Annotated[int, Field(ge=1, le=3000)] = 500
    tail: Annotated[int | None, Field(ge=1, le=3000, description="So many of the last lines.")] = None
    colours: Annotated[bool, Field(description="Keep a terminal's sequences for colours, and no others.")] = False


class LogSearch(JobId):
    """What to look for."""

    q: Annotated[str, Field(min_length=1, max_length=200, description="A text, not a pattern.")]
    attempt: Number | None = None
    first: Annotated[Number, Field(alias="from", description="From this line on.")] = 1
    context: Annotated[int, Field(ge=0, le=10, description="Lines before and after each hit.")] = 0
    limit: Annotated[int, Field(ge=1, le=200, description="Hits at most.")] = 50
    ignore_case: bool = True


def _topics(value: Any) -> Any:
    """Topics in one value, with commas between, are as good as in several."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        return values
    # An empty one is none: whoever joins an empty list does not mean everything.
    return [topic for each in values for topic in each.split(",")]


Topic = Annotated[str, Field(pattern=r"^(run:[0-9]{1,18}|project:[^,\x00-\x1f\x7f]{1,200}|queue|config)$")]


class Topics(Known):
    """What is to be told of."""

    topics: Annotated[
        list[Topic],
        BeforeValidator(_topics),
        Field(max_length=50, description="`run:1482`, `project:shop`, `queue`, `config`; none: everything."),
    ] = []


class LogFrom(JobId):
    """From where on."""

    attempt: Annotated[Number | None, Field(description="An earlier attempt; else the last.")] = None
    first: Annotated[Number, Field(alias="from", description="The number of the first line.")] = 1


class Ask(Known):
    """What is to be run."""

    project: Name
    subproject: Name | None = None
    recipe: Name | None = None
    ref: Annotated[Name | None, Field(description="A branch, or a full name; else the default branch.")] = None
    commit: Commit | None = None
    variables: Annotated[dict[Name, str], Field(max_length=50)] = {}
    reason: Annotated[Line, Field(description="Why: it is written down with who asked.")] = ""


class AskOfProject(Known):
    """What of the project is to be run."""

    subproject: Name | None = None
    recipe: Name | None = None
    branch: Name | None = None
    commit: Commit | None = None


class Again(Known):
    """How a run is to be run again."""

    failed: Annotated[bool, Field(description="Only what did not succeed, and what needs it.")] = False
    current: Annotated[bool, Field(description="By the recipes of now instead of those of then.")] = False


class Cancel(Known):
    """Why, and which of its jobs; none: all."""

    reason: Line = ""
    jobs: Annotated[list[Number], Field(max_length=1000)] = []

"""What tools take: the models that check it, and that their schemas are made of."""

from typing import Annotated

from pydantic import Field

from ctci.api.inputs import Line, Name, Number, Status
from ctci.api.operation import Known

#: A run or a job, in whatever way an agent has it.
Run = Annotated[
    int | Annotated[str, Field(min_length=1, max_length=500)],
    Field(description="A run's number, or any address of ctci, such as one from a letter or a commit status."),
]
Of = Annotated[
    int | Annotated[str, Field(min_length=1, max_length=500)],
    Field(
        description="A run's number, any address of ctci, a project (its default branch), or project@branch.",
        examples=["shop@main", 1482, "https://ci.example.org/runs/1482/api/test"],
    ),
]
Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=150,
        pattern=r"^[\x21-\x7e]+$",
        description="Anything unique: the same call with the same key is done once, and answered alike for a day.",
    ),
]


class Nothing(Known):
    """Nothing is taken."""


class OfProject(Known):
    """A project, or all."""

    project: Annotated[Name | None, Field(description="Its name; without one, all projects.")] = None


class OneBranch(Known):
    """A project, and maybe a branch of it."""

    project: Annotated[Name, Field(description="Its name, as list_projects gives it.")]
    branch: Annotated[Name | None, Field(description="Without one, the default branch.")] = None


class Runs(Known):
    """Which runs, newest first."""

    project: Name | None = None
    branch: Annotated[Name | None, Field(description="Its name, or a full one such as refs/tags/v1.")] = None
    status: Status | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20
    cursor: Annotated[str | None, Field(max_length=100, description="`next_cursor` of the answer before.")] = None


class OneRun(Known):
    """A run."""

    run: Run


class Failing(Known):
    """Of what the failures are told."""

    of: Of


class Log(Known):
    """A job's log; where the run has one failed job, or the address names one, nothing else is needed."""

    run: Run
    sub: Annotated[Name | None, Field(description="The subproject, in a project that has some.")] = None
    recipe: Annotated[Name | None, Field(description="The recipe; without one, the first that failed.")] = None


class Tail(Log):
    """Its end."""

    lines: Annotated[int, Field(ge=1, le=200)] = 100


class Search(Log):
    """What is looked for in it."""

    query: Annotated[str, Field(min_length=1, max_length=200, description="A text, not a pattern.")]
    context: Annotated[int, Field(ge=0, le=10, description="Lines before and after each hit.")] = 2
    limit: Annotated[int, Field(ge=1, le=50, description="Hits at most.")] = 20
    first: Annotated[Number, Field(alias="from", description="From this line on.")] = 1


class Window(Log):
    """Lines of it."""

    first: Annotated[Number, Field(alias="from", description="The number of the first line.")] = 1
    lines: Annotated[int, Field(ge=1, le=500)] = 200


class Two(Known):
    """Two runs, the older one first."""

    a: Run
    b: Run


class Trigger(Known):
    """What is to be run."""

    project: Name
    ref: Annotated[Name | None, Field(description="A branch, or a full name; without one, the default branch.")] = None
    subprojects: Annotated[list[Name], Field(max_length=10, description="None: all; else a run for each.")] = []
    reason: Annotated[Line, Field(description="Why: it is written down with who asked.")] = ""
    idempotency_key: Key


class Again(Known):
    """Which run is to be run again."""

    run: Run
    failed_only: Annotated[bool, Field(description="Only what did not succeed, and what needs it.")] = True


class Cancel(Known):
    """Which run is to be ended, and why."""

    run: Run
    reason: Annotated[Line, Field(min_length=1)]

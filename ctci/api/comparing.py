"""What differs between two runs, and what has become of tests on a branch."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ctci import ledger, shape
from ctci.api import inputs, outputs, paging, visible
from ctci.api.acks import Mark
from ctci.api.operation import Context, Known, Operation
from ctci.api.problem import ApiError, not_found
from ctci.model import HEADS, Difference, Finding, Job, Life, Look, Outcome, Tier
from ctci.report import life

#: In what order lives are told of.
WORDS = ("new", "returned", "still", "flaky", "fixed")

Word = Literal["new", "returned", "still", "flaky", "fixed"]


class Two(Known):
    """Two runs of a project, the earlier first."""

    a: inputs.Number
    b: inputs.Number


class Tests(inputs.Page):
    """Of which branch, without one the default branch; and what has become of them."""

    project: inputs.Name
    branch: inputs.Name | None = None
    word: Annotated[list[Word], BeforeValidator(inputs.many), Field(max_length=5)] = []


class TestPlace(Known):
    """A test of a project, on a branch; without one the default branch."""

    project: inputs.Name
    fingerprint: Mark
    branch: inputs.Name | None = None


class Spotted(outputs.Given):
    """A finding by what it is known again; what it said where that is still kept."""

    fingerprint: str
    test: str | None
    severity: str | None
    file: str | None
    line: int | None
    message: str | None


class LookTold(outputs.Given):
    """One conclusive attempt at a recipe."""

    run: int
    job: int
    attempt: int
    status: str
    finished_at: str | None


class DifferenceTold(outputs.Given):
    """What differs at one recipe: `word` is newly_ or still_failing, newly_ or still_passing, added or removed.

    Of `unknown` the second run did not come so far, or was not read: it may be there yet.
    """

    place: str
    word: str
    before: LookTold | None
    now: LookTold | None
    new: list[Spotted]
    gone: list[Spotted]
    still: list[Spotted]
    unknown: list[Spotted]


class Comparison(outputs.Given):
    """What differs between two runs, the worst first."""

    project: str
    before: int
    now: int
    places: list[DifferenceTold]
    html_url: str


class TestLife(outputs.Given):
    """What became of a test that failed at a recipe, as far as it is remembered."""

    fingerprint: str
    test: str
    subproject: str | None
    recipe: str
    life: outputs.Life


class TestList(outputs.Given):
    """A page of tests that have failed on a branch, what is new first."""

    items: list[TestLife]
    next: str | None


class OutcomeTold(LookTold):
    """What one attempt says of a test: `word` is failed, recovered (failed, then passed), passed or unknown."""

    word: str


class TestAtPlace(outputs.Given):
    """A test at one recipe, with every attempt that is remembered, oldest first."""

    subproject: str | None
    recipe: str
    life: outputs.Life | None
    outcomes: list[OutcomeTold]


class TestWhole(outputs.Given):
    """A test of a project."""

    project: str
    branch: str
    fingerprint: str
    test: str
    message: str
    places: list[TestAtPlace]


def _compare(context: Context, query: Two, _: None) -> Mapping[str, Any]:
    before, now = (visible.run_of(context, number) for number in (query.a, query.b))
    if before.project != now.project:
        raise ApiError("invalid", f"#{before.id} is of {before.project}, and #{now.id} of {now.project}.")
    looks = ledger.looks_of(context.db, (before.id, now.id))
    found = life.compare(looks[before.id], looks[now.id])
    read = ledger.found(context.db, {look.job for of in looks.values() for look in of.values()})
    said = {each.fingerprint: each for _, findings in read.values() for each in findings}
    return {
        "project": now.project,
        "before": before.id,
        "now": now.id,
        "places": [_difference(each, said) for each in found],
        "html_url": shape.run_url(context.public_url, now.id),
    }


def _difference(each: Difference, said: Mapping[str, Finding]) -> dict[str, Any]:
    seen = [sighting for look in (each.before, each.now) if look is not None for sighting in look.sightings]
    tests = {sighting.fingerprint: sighting.test for sighting in seen}

    def spotted(marks: Sequence[str]) -> list[dict[str, Any]]:
        return [_spotted(mark, tests.get(mark), said.get(mark)) for mark in marks]

    return {
        "place": each.place,
        "word": each.word.replace(" ", "_"),
        "before": _look(each.before) if each.before is not None else None,
        "now": _look(each.now) if each.now is not None else None,
        "new": spotted(each.new),
        "gone": spotted(each.gone),
        "still": spotted(each.still),
        "unknown": spotted(each.unknown),
    }


def _spotted(mark: str, test: str | None, said: Finding | None) -> dict[str, Any]:
    return {
        "fingerprint": mark,
        "test": test,
        "severity": said.severity if said is not None else None,
        "file": said.file if said is not None else None,
        "line": said.line if said is not None else None,
        "message": said.message if said is not None else None,
    }


def _look(look: Look) -> dict[str, Any]:
    return {
        "run": look.run,
        "job": look.job,
        "attempt": look.attempt,
        "status": str(look.status),
        "finished_at": shape.time(look.at),
    }


def _tests(context: Context, query: Tests, _: None) -> Mapping[str, Any]:
    project = visible.project_of(context, query.project)
    jobs = {job.id: job for job in visible.last_of(context, project, query.branch)[1]}
    found: list[tuple[Job, str, Life]] = []
    for id_, looks in ledger.looks(context.db, jobs).items():
        names = {each.fingerprint: each.test for look in looks for each in look.sightings if each.test is not None}
        lives = life.lives(looks)
        found += [(jobs[id_], test, lives[mark]) for mark, test in names.items()]
    wanted = [each for each in found if not query.word or each[2].word in query.word]
    wanted.sort(key=lambda each: (WORDS.index(each[2].word), -each[2].last.at, each[0].id, each[2].fingerprint))
    # What is remembered is little, and is read whole: a page is a piece of it.
    first = paging.before(query.cursor) or 0
    page = wanted[first : first + query.limit]
    items = [
        {
            "fingerprint": lived.fingerprint,
            "test": test,
            "subproject": job.order.subproject or None,
            "recipe": job.order.recipe.name,
            "life": shape.life_(lived),
        }
        for job, test, lived in page
    ]
    more = first + query.limit < len(wanted)
    return shape.items(items, more=paging.cursor(first + query.limit) if more else None)


def _test(context: Context, query: TestPlace, _: None) -> Mapping[str, Any]:
    project = visible.project_of(context, query.project)
    named = ledger.findings_named(context.db, query.fingerprint, within={project.name})
    found = [(each, each.test) for _, each in named if each.test is not None]
    if not found:
        raise not_found(f"test {query.fingerprint} in {project.name}")
    if len(found) > 1:
        marks = ", ".join(each.fingerprint for each, _ in found[:5])
        raise ApiError("conflict", f"{query.fingerprint} may be {marks}: write more of it.")
    finding, name = found[0]
    ref, last = visible.last_of(context, project, query.branch)
    jobs = {job.id: job for job in last}
    places: list[dict[str, Any]] = []
    for id_, looks in ledger.looks(context.db, jobs, test=name).items():
        outcomes = life.test(looks, name)
        if any(each.word in ("failed", "recovered") for each in outcomes):
            lived = life.lives(looks).get(finding.fingerprint)
            places.append(_at_place(jobs[id_], lived, outcomes))
    return {
        "project": project.name,
        "branch": ref.removeprefix(HEADS),
        "fingerprint": finding.fingerprint,
        "test": name,
        "message": finding.message,
        "places": places,
    }


def _at_place(job: Job, lived: Life | None, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "subproject": job.order.subproject or None,
        "recipe": job.order.recipe.name,
        "life": shape.life_(lived) if lived is not None else None,
        "outcomes": [{**_look(each.look), "word": each.word} for each in outcomes],
    }


OPERATIONS = (
    Operation(
        name="compare_runs",
        method="GET",
        path="/compare/{a}...{b}",
        tier=Tier.READ,
        summary="What differs between two runs of a project: which recipes, and which of their findings.",
        query=Two,
        answer=Comparison,
        do=_compare,
        refusals=("not_found",),
    ),
    Operation(
        name="list_tests",
        method="GET",
        path="/projects/{project}/tests",
        tier=Tier.READ,
        summary="The tests that have failed on a branch, and what has become of each.",
        query=Tests,
        answer=TestList,
        do=_tests,
        refusals=("not_found",),
        tag="findings",
    ),
    Operation(
        name="get_test",
        method="GET",
        path="/projects/{project}/tests/{fingerprint}",
        tier=Tier.READ,
        summary="What each run of a branch says of one test.",
        query=TestPlace,
        answer=TestWhole,
        do=_test,
        refusals=("not_found", "conflict"),
        tag="findings",
    ),
)

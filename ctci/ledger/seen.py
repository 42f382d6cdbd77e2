"""Results as history remembers them, read without their orders: there may be thousands."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select

from ctci.ledger import rows
from ctci.ledger.tables import attempts, findings, jobs, runs
from ctci.model import RED, Commit, Job, Run, Seen, Status

#: What makes a place.
PLACE = ("project", "ref", "subproject", "recipe")
#: Jobs that one query names: a database takes no more than some 32,000 values.
AT_ONCE = 5_000
#: What a result is read by; its order is not: there may be thousands.
COLUMNS = (
    jobs.c.id,
    jobs.c.run,
    jobs.c.as_of,
    jobs.c.status,
    jobs.c.attempt,
    jobs.c.same_as,
    jobs.c.queued_at,
    jobs.c.finished_at,
    jobs.c.exit,
)


@dataclass
class Gathered:
    """What is gathered of one job's place."""

    row: Any
    job: Job
    run: Run
    results: list[Any] = field(default_factory=list)
    green: Any = None
    red: Any = None
    last: Status | None = None
    forked: bool = False
    commits: tuple[Commit, ...] = ()
    overtaken: bool = False
    twins: list[Any] = field(default_factory=list)
    known: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Also:
    """What is known of several of the jobs that were met."""

    orders: Mapping[int, Any]
    facts: Mapping[int, Mapping[str, str]]
    was_red: frozenset[int]
    flaky: Mapping[int, tuple[str, ...]]


def of_seen(*more: ColumnElement[Any]) -> Any:
    """A query for results, and what else is wanted of them."""
    return select(*COLUMNS, runs.c.commit, runs.c.author, runs.c.subject, *more).join(runs, runs.c.id == jobs.c.run)


def seen_rows(connection: Connection, ids: Collection[int]) -> dict[int, Any]:
    """The results of these jobs, by job."""
    return {row.id: row for row in connection.execute(of_seen().where(jobs.c.id.in_(ids)))} if ids else {}


def seen(row: Any, told: Also) -> Seen:
    """A result of a row of `of_seen`."""
    return Seen(
        job=row.id,
        run=row.run,
        status=Status(row.status),
        commit=row.commit,
        author=row.author,
        subject=row.subject,
        at=row.finished_at or row.queued_at,
        seconds=(row.exit or {}).get("seconds", 0.0),
        attempt=row.attempt,
        was_red=row.id in told.was_red,
        same_as=row.same_as,
        flaky_tests=told.flaky.get(row.id, ()),
        facts=told.facts.get(row.id, {}),
    )


def also(connection: Connection, met: Collection[int], marks: Collection[int] = ()) -> Also:
    """Of all jobs that were met their facts, which were retried, or had tests that were; of the marks their recipes."""
    # Once also of none: as many queries for one place as for many.
    parts = list(chunks(sorted({*met, *marks}), AT_ONCE)) or [()]
    every = [_also(connection, some, marks) for some in parts]
    return Also(
        orders={job: order for each in every for job, order in each.orders.items()},
        facts={job: facts for each in every for job, facts in each.facts.items()},
        was_red=frozenset(job for each in every for job in each.was_red),
        flaky={job: tests for each in every for job, tests in each.flaky.items()},
    )


def _also(connection: Connection, met: Collection[int], marks: Collection[int]) -> Also:
    """Of so many as one query may name; of the marks those that are among them."""
    retried = (
        select(attempts.c.job)
        .join(jobs, jobs.c.id == attempts.c.job)
        .where(attempts.c.job.in_(met), attempts.c.number < jobs.c.attempt, attempts.c.status.in_(RED))
        .distinct()
    )
    tests = (
        select(findings.c.job, findings.c.test)
        .where(findings.c.job.in_(met), findings.c.severity == "warning", findings.c.test.is_not(None))
        .order_by(findings.c.job, findings.c.position)
    )
    flaky: dict[int, dict[str, None]] = defaultdict(dict)
    for row in connection.execute(tests):
        flaky[row.job][row.test] = None
    orders = select(jobs.c.id, jobs.c.order).where(jobs.c.id.in_({*met} & {*marks}))
    last = and_(jobs.c.id == attempts.c.job, jobs.c.attempt == attempts.c.number)
    facts = select(attempts.c.job, attempts.c.facts).join(jobs, last).where(attempts.c.job.in_(met))
    return Also(
        orders={row.id: recipe_of(row.order) for row in connection.execute(orders)},
        facts={row.job: row.facts or {} for row in connection.execute(facts)},
        was_red=frozenset(connection.execute(retried).scalars()),
        flaky={job: tuple(names) for job, names in flaky.items()},
    )


def recipe_of(order: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of a frozen order decides about its result: another directory or command is another recipe."""
    made = rows.order(dict(order))
    same: dict[str, Any] = {
        "nice": 0,
        "needs": (),
        "lock": None,
        "retries": 0,
        "on": None,
        "matchers": (),
    }
    return (made.directory, replace(made.recipe, **same, allow_failure=False, on_interrupt="fail"))


def chunks(found: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """Parts of at most `size`: a database takes no condition of any length."""
    return (found[at : at + size] for at in range(0, len(found), size))

"""Searches for the commit that broke a place: what there is to look for, how far each has come, what came of it.

Fixed numbers of queries, however many there are.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, tuple_, update

from ctci.ledger import entries, rows
from ctci.ledger.engine import Ledger, insert_new, now_ms
from ctci.ledger.tables import hunts, jobs, probes, runs, standing
from ctci.model import Entry, Hunt, Hunting, Job, Probe, Quarry, Recorded, Run, Status

_red, _green = jobs.alias("red"), jobs.alias("green")


def unhunted(db: Ledger, schedules: Collection[tuple[str, str]]) -> tuple[Quarry, ...]:
    """The places that a run of these schedules (project, name) turned red, that are red still, and not looked into."""
    query = (
        select(_red.c.id.label("red"), _green.c.id.label("green"))
        .select_from(standing)
        .join(_red, _red.c.id == standing.c.red_job)
        .join(_green, _green.c.id == standing.c.green_job)
        .join(runs, runs.c.id == _red.c.run)
        .outerjoin(hunts, hunts.c.red_job == _red.c.id)
        .where(
            hunts.c.id.is_(None),
            _red.c.spared == 0,
            runs.c.kind == "schedule",
            tuple_(runs.c.project, runs.c.schedule).in_(schedules),
            runs.c.finished_at.is_not(None),
        )
        .order_by(_red.c.id)
    )
    with db.read() as connection:
        found = connection.execute(query).all()
        return _quarries(connection, [(row.red, row.green) for row in found])


def _quarries(connection: Connection, pairs: Sequence[tuple[int, int]]) -> tuple[Quarry, ...]:
    """Of (red job, green job) what is known of them, in their order."""
    wanted = {id_ for pair in pairs for id_ in pair}
    known: dict[int, Job] = {}
    for row in connection.execute(select(jobs).where(jobs.c.id.in_(wanted))):
        known[row.id] = rows.job(row)
    whole: dict[int, Run] = {}
    for row in connection.execute(select(runs).where(runs.c.id.in_({job.run for job in known.values()}))):
        whole[row.id] = rows.run(row)
    return tuple(
        Quarry(red=known[red], run=whole[known[red].run], green=known[green], green_run=whole[known[green].run])
        for red, green in pairs
    )


def hunt(
    db: Ledger,
    quarry: Quarry,
    *,
    commits: Sequence[str],
    doubtful: bool,
    until: int | None,
    word: str,
    sentence: str,
    over: bool = False,
) -> bool:
    """Begin a search, or with `over` say at once why there is none; False where somebody has done so before."""
    order = quarry.red.order
    with db.write() as connection:
        made = insert_new(
            connection,
            hunts,
            ("red_job",),
            "id",
            project=order.project,
            ref=order.ref,
            subproject=order.subproject,
            recipe=order.recipe.name,
            schedule=quarry.run.schedule,
            green_job=quarry.green.id,
            red_job=quarry.red.id,
            commits=list(commits),
            doubtful=int(doubtful),
            until=until,
            word=word,
            sentence=sentence,
        )
        if over:
            connection.execute(update(hunts).where(hunts.c.id == made).values(ended_at=now_ms()))
        return made is not None


def hunting(db: Ledger) -> tuple[Hunting, ...]:
    """The searches that go on, the oldest first."""
    here = and_(*(standing.c[name] == hunts.c[name] for name in ("project", "ref", "subproject", "recipe")))
    query = select(hunts, standing.c.red_job.label("first_red")).outerjoin(standing, here)
    with db.read() as connection:
        found = connection.execute(query.where(hunts.c.ended_at.is_(None)).order_by(hunts.c.id)).all()
        if not found:
            return ()
        made: dict[int, list[Probe]] = {row.id: [] for row in found}
        tried = (
            select(probes, jobs.c.status)
            .outerjoin(jobs, jobs.c.run == probes.c.run)
            .where(probes.c.hunt.in_(made))
            .order_by(probes.c.hunt, probes.c.number)
        )
        for row in connection.execute(tried):
            # One that was forgotten meanwhile has told nothing.
            status = Status(row.status or Status.ERRORED)
            made[row.hunt].append(Probe(position=row.position, run=row.run, status=status))
        quarries = _quarries(connection, [(row.red_job, row.green_job) for row in found])
        return tuple(
            Hunting(
                id=row.id,
                quarry=quarry,
                hunt=_hunt(row, sum(each.ended for each in made[row.id])),
                schedule=row.schedule,
                commits=tuple(row.commits),
                doubtful=bool(row.doubtful),
                until=row.until,
                probes=tuple(made[row.id]),
                broken=row.first_red == row.red_job,
            )
            for row, quarry in zip(found, quarries, strict=True)
        )


def _hunt(row: Any, reruns: int) -> Hunt:
    return Hunt(
        red_job=row.red_job,
        word=row.word,
        commit=row.commit,
        sentence=row.sentence,
        reruns=reruns,
        open=row.ended_at is None,
    )


def probe(db: Ledger, id_: int, *, number: int, position: int, entry: Entry) -> Recorded:
    """Record the next run of a search: its `number` makes sure that it is recorded once."""

    def write(connection: Connection) -> Recorded:
        made = entries.enter(connection, entry)
        if made.decision == "queued":
            connection.execute(insert(probes).values(hunt=id_, number=number, position=position, run=made.run))
        return made

    return db.writer.do(write)


def tell(db: Ledger, id_: int, *, word: str, commit: str | None, sentence: str, over: bool) -> None:
    """What is known by now; with `over` the search has ended."""
    with db.write() as connection:
        connection.execute(
            update(hunts)
            .where(hunts.c.id == id_, hunts.c.ended_at.is_(None))
            .values(word=word, commit=commit, sentence=sentence, ended_at=now_ms() if over else None)
        )


def hunts_of(db: Ledger, red_jobs: Collection[int]) -> Mapping[int, Hunt]:
    """What has become of the searches for what broke these, by the first red job of each break."""
    if not red_jobs:
        return {}
    ended = or_(runs.c.id.is_(None), runs.c.finished_at.is_not(None))
    tried = select(func.count()).select_from(probes).outerjoin(runs, runs.c.id == probes.c.run)
    counted = tried.where(probes.c.hunt == hunts.c.id, ended).correlate(hunts).scalar_subquery()
    query = select(hunts, counted.label("reruns")).where(hunts.c.red_job.in_(red_jobs))
    with db.read() as connection:
        return {row.red_job: _hunt(row, row.reruns) for row in connection.execute(query)}


def forget(connection: Connection, gone: Collection[int]) -> None:
    """Forget the searches that are about these jobs, in the transaction of its caller."""
    doomed = select(hunts.c.id).where(or_(hunts.c.red_job.in_(gone), hunts.c.green_job.in_(gone)))
    ids = connection.execute(doomed).scalars().all()
    connection.execute(delete(probes).where(probes.c.hunt.in_(ids)))
    connection.execute(delete(hunts).where(hunts.c.id.in_(ids)))

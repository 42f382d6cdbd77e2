"""why-not: the recorded decisions about a push, in words."""

from collections.abc import Sequence

from ctci import clock, ledger, shape, words
from ctci.cli import session, targets, terminal
from ctci.model import TAGS, Delivery, Job, Run, Status

WORDS = {
    "queued": "made #{run}",
    "ignored": "was ignored",
    "duplicate": "was seen before",
    "refused": "was refused",
}


def why_not(what: str, fields: tuple[str, ...] | None, *, limit: int) -> int:
    """The decisions about a delivery, a project or a branch, newest first."""
    ground = session.ground()
    db = session.need_ledger(ground.layout)
    found = _deliveries(db, what, ground, limit + 1)
    more, found = len(found) > limit, found[:limit]
    if fields is not None:
        terminal.json(shape.pick(shape.items([shape.delivery(each) for each in found]), fields))
        return session.FINE
    for each in found:
        _tell(db, each)
    if more:
        terminal.note(f"the newest {words.number(limit)}; more with -n N")
    return session.FINE


def _deliveries(db: ledger.Ledger, what: str, ground: session.Ground, limit: int) -> tuple[Delivery, ...]:
    number = targets.delivery(what)
    if number is not None:
        one = ledger.delivery(db, number)
        if one is None:
            raise session.Refused(f"there is no delivery d_{number}", session.ABSENT)
        return (one,)
    project, at, name = what.partition("@")
    found = ledger.deliveries_(db, project=project, ref=targets.ref(name) if at else None, limit=limit)
    if not found and at and not name.startswith("refs/"):
        found = ledger.deliveries_(db, project=project, ref=f"{TAGS}{name}", limit=limit)
    if found:
        return found
    settings = ground.config
    if settings is not None:
        session.project(settings, project)
    about = f"{name} of {project}" if at else project
    raise session.Refused(
        f"no hook has called about {about}: nothing was decided; `ctci doctor` looks at the hooks", session.ABSENT
    )


def _tell(db: ledger.Ledger, delivery: Delivery) -> None:
    about = f" {delivery.ref}" if delivery.ref else ""
    by = f" by {delivery.pusher}" if delivery.pusher else ""
    when = clock.local(delivery.at).strftime("%Y-%m-%d %H:%M:%S")
    call = f"{words.called(delivery.forge, delivery.event)}{about}{by}"
    became = WORDS.get(delivery.decision, delivery.decision).format(run=delivery.run)
    terminal.say(terminal.strong(terminal.plain(f"d_{delivery.id} of {when}: {call} {became}: {delivery.reason}")))
    run = ledger.run(db, delivery.run) if delivery.run is not None else None
    if run is None:
        return
    for line in _became(run, ledger.jobs_of(db, [run.id], ahead=True)[run.id]):
        terminal.say(f"  {terminal.plain(line)}")


def _became(run: Run, jobs: Sequence[Job]) -> list[str]:
    """What has become of the run, job by job where they differ."""
    told = {job.place: f"{words.status(job.status)}{_because(job, run)}" for job in jobs}
    if len(set(told.values())) == 1 and jobs:
        return [f"#{run.id} {next(iter(told.values()))}"]
    return [f"#{run.id} {words.status(run.status)}"] + [f"{place} {said}" for place, said in told.items()]


def _because(job: Job, run: Run) -> str:
    said = words.said(job, run)
    if job.status is Status.SUCCEEDED or not said:
        return ""
    return f": {said}"

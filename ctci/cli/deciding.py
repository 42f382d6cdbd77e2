"""why-not: the recorded decisions about a push, in words."""

from collections.abc import Mapping
from typing import Any

from ctci import clock, shape, words
from ctci.cli import finding, nouns, session, source, targets, terminal
from ctci.model import TAGS, Status

WORDS = {
    "queued": "made #{run}",
    "ignored": "was ignored",
    "duplicate": "was seen before",
    "refused": "was refused",
}


def why_not(what: str, fields: tuple[str, ...] | None, *, limit: int) -> int:
    """The decisions about a delivery, a project or a branch, newest first."""
    where = source.need()
    found = _deliveries(where, what, limit)
    if fields is not None:
        terminal.json(shape.pick(found, fields))
        return session.FINE
    for each in found["items"]:
        _tell(where, each)
    if found["next"]:
        terminal.note(f"the newest {words.number(limit)}; more with -n N")
    return session.FINE


def _deliveries(where: source.Source, what: str, limit: int) -> dict[str, Any]:
    number = targets.delivery(what)
    if number is not None:
        return shape.items([where.get("/deliveries/{delivery}", delivery=f"d_{number}")])
    project, at, name = what.partition("@")
    ref = targets.ref(name) if at else None
    found = where.get("/deliveries", project=project, branch=ref, limit=limit)
    if not found["items"] and at and not name.startswith("refs/"):
        found = where.get("/deliveries", project=project, branch=f"{TAGS}{name}", limit=limit)
    if found["items"]:
        return found
    finding.project(where, project)
    about = f"{name} of {project}" if at else project
    raise session.Refused(
        f"no hook has called about {about}: nothing was decided; `ctci doctor` looks at the hooks", session.ABSENT
    )


def _tell(where: source.Source, delivery: Mapping[str, Any]) -> None:
    about = f" {delivery['ref']}" if delivery["ref"] else ""
    by = f" by {delivery['pushed_by']}" if delivery["pushed_by"] else ""
    when = clock.local(nouns.at(delivery["received_at"])).strftime("%Y-%m-%d %H:%M:%S")
    call = f"{words.called(delivery['forge'], delivery['event'])}{about}{by}"
    became = WORDS.get(delivery["decision"], delivery["decision"]).format(run=delivery["run"])
    said = f"{delivery['id']} of {when}: {call} {became}: {delivery['reason']}"
    terminal.say(terminal.strong(terminal.plain(said)))
    run = _run(where, delivery["run"]) if delivery["run"] is not None else None
    for line in _became(run) if run is not None else ():
        terminal.say(f"  {terminal.plain(line)}")


def _run(where: source.Source, number: int) -> nouns.Run | None:
    """The run that came of it, unless it is forgotten."""
    try:
        return where.get("/runs/{run}", run=number)
    except session.Refused as error:
        if error.code != session.ABSENT:
            raise
        return None


def _became(run: nouns.Run) -> list[str]:
    """What has become of the run, job by job where they differ."""
    told = {nouns.place(job): f"{words.status(job['status'])}{_because(job)}" for job in run["jobs"]}
    if len(set(told.values())) == 1 and told:
        return [f"#{run['id']} {next(iter(told.values()))}"]
    return [f"#{run['id']} {words.status(run['status'])}"] + [f"{place} {said}" for place, said in told.items()]


def _because(job: nouns.Job) -> str:
    said = nouns.said(job)
    return f": {said}" if said and nouns.status(job) is not Status.SUCCEEDED else ""

"""status: how the branches stand, what waits and for what, and whether anybody serves the data folder."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctci import clock, config, shape, words
from ctci.cli import finding, nouns, reading, session, source, terminal
from ctci.model import FINISHED, RED, Status

#: Jobs that wait are named up to so many.
WAITING = 10


def status(project: str | None, fields: reading.Fields) -> int:
    """One line per branch; the exit code is 1 if one is red."""
    where = source.find()
    if where.nothing is not None:
        if project is not None and where.ground is not None and where.ground.config is not None:
            session.project(where.ground.config, project)
        _unserved(where, held_up=False)
        return reading.nothing(where, fields)
    if project is not None:
        finding.project(where, project)
    lines = where.get("/branches", project=project)
    red = any(line["red"] for line in lines["items"])
    queue = where.get("/queue") if fields is None or where.ground is not None else {}
    if fields is not None:
        terminal.json(shape.pick(lines, fields))
        _held_up(where, queue)
        return session.RED if red else session.FINE
    now = clock.now()
    terminal.table([_row(line, now) for line in lines["items"]])
    _waiting(queue["jobs"], lines["items"])
    _held_up(where, queue)
    shown = {line["project"] for line in lines["items"]}
    for each in where.get("/projects")["items"]:
        if each["name"] not in shown and project in (None, each["name"]) and not _ran(where, each["name"]):
            terminal.note(f"{each['name']} has no runs yet: push to it, or `ctci run {each['name']}`")
    return session.RED if red else session.FINE


def _ran(where: source.Source, project: str) -> bool:
    """Whether a project without a line has runs: old ones, or of tags."""
    return bool(where.get("/runs", project=project, limit=1)["items"])


def _row(line: Mapping[str, Any], now: int) -> list[terminal.Cell]:
    run = line["run"]
    state = nouns.status(run)
    shown = Status.FAILED if line["red"] and state in FINISHED and state not in RED else state
    told = reading.cause(run) if state is not Status.SUCCEEDED else ""
    if line["red"] and state not in RED:
        # The newest run did not try what is red, or has not ended: what stood before still stands.
        since = (f"{each['place']} since #{each['since_run']}" for each in line["breaks"])
        told = f"red: {', '.join(since)}"
    age = words.ago(nouns.at(run["finished_at"] or run["queued_at"]), now)
    return [
        line["project"],
        line["branch"],
        terminal.status(shown),
        f"#{run['id']}",
        words.sha(run["sha"]),
        age,
        told,
    ]


def _waiting(jobs: Sequence[nouns.Job], lines: Sequence[Mapping[str, Any]]) -> None:
    """What waits, and for what, where the newest run of the branch does not say so already."""
    newest = [line["run"] for line in lines]
    shown = {job["id"] for run in newest if nouns.status(run) is Status.QUEUED for job in run["jobs"][:2]}
    queued = [job for job in jobs if nouns.status(job) is Status.QUEUED and job["id"] not in shown]
    for job in queued[:WAITING]:
        terminal.say(terminal.plain(f"#{job['run']} {job['name']} {nouns.said(job)}"))


def _held_up(where: source.Source, queue: Mapping[str, Any]) -> None:
    """That nobody serves the data folder, or why nothing at all is started, if that is so."""
    if where.ground is None:
        return
    waits = bool(queue["queued"] or queue["running"])
    _unserved(where, held_up=waits)
    if waits and where.served and where.ground.config is not None:
        from ctci.run import capacity  # noqa: PLC0415 - only where something waits

        settings = where.ground.config
        remark = capacity.Floor(where.ground.layout, config.Current(lambda: settings)).remark()
        if remark:
            terminal.note(remark)


def _unserved(where: source.Source, *, held_up: bool) -> None:
    """That no server is running: what is green then may be old."""
    if where.ground is None or where.served:
        return
    from ctci.receive import spool  # noqa: PLC0415 - of use without a server only

    told = ": nothing starts, or is seen to end, before one does" if held_up else ""
    left = spool.waiting(where.ground.layout)
    pushes = f"; {words.count(left, 'push waits', 'pushes wait')} in the spool" if left else ""
    terminal.note(f"no server is running on {where.ground.layout.data}{told}{pushes}")

"""What `ctci schedule` prints, and `ctci schedule run` asks for."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ctci import clock, shape, words
from ctci.cli import asking, finding, nouns, session, source, terminal
from ctci.model import Status
from ctci.receive import agenda


def show(project: str | None, days: int, fields: tuple[str, ...] | None) -> int:
    """The next days, and what became of the last seven."""
    where = source.need()
    if project is not None:
        finding.project(where, project)
    ahead = where.get("/schedules", project=project, days=days)
    if fields is not None:
        terminal.json(shape.pick(ahead, fields))
        return session.FINE
    if not ahead["items"]:
        terminal.note("no schedule fires in that time; [projects.NAME.schedules.NAME] makes one")
    terminal.table([_row(each) for each in ahead["items"]])
    for each in ahead["more"]:
        terminal.note(f"{each['project']} {each['schedule']} fires {words.count(each['times'], 'more time')}")
    past = where.get("/schedules/past", project=project)["items"]
    if past:
        terminal.note("\nthe last seven days:")
        terminal.table([_gone(each) for each in past])
    return session.FINE


def _row(each: Mapping[str, Any]) -> list[terminal.Cell]:
    utc = dt.datetime.fromtimestamp(nouns.at(each["at"]) / 1000, dt.UTC)
    return [
        f"{dt.datetime.fromisoformat(each['local']):%a %d %b %H:%M}",
        f"{utc:%H:%M} UTC",
        f"{each['project']} {each['schedule']}",
        ", ".join(each["branches"]) or "default branch",
        agenda.told(each["recipes"]),
        words.duration(each["takes_s"]) if each["takes_s"] is not None else "",
        "if the branch has moved" if each["skip_unchanged"] else "",
    ]


def _gone(each: Mapping[str, Any]) -> list[terminal.Cell]:
    return [
        clock.local(nouns.at(each["at"])).strftime("%a %d %b %H:%M"),
        f"{each['project']} {each['schedule']}",
        terminal.status(Status(each["status"])) if each["status"] else "– no run",
        f"#{each['run']}" if each["run"] else "",
        words.duration(each["took_s"]) if each["took_s"] is not None else "",
        "" if each["run"] else each["reason"],
    ]


def run(name: str) -> int:
    """Fire a schedule now; the exit code."""
    where = source.need(session.AWAY)
    every = [
        (project["name"], schedule) for project in where.get("/projects")["items"] for schedule in project["schedules"]
    ]
    found = [(project, schedule) for project, schedule in every if name in (schedule, f"{project}/{schedule}")]
    if len(found) != 1:
        which = [f"{project}/{schedule}" for project, schedule in found or every]
        said = f"there are several: {', '.join(which)}" if found else f"configured: {', '.join(which) or 'none'}"
        raise session.Refused(f"{name} is not the name of one schedule; {said}", session.ABSENT)
    project, schedule = found[0]
    made = where.post("/schedules/{project}/{name}/run", {}, project=project, name=schedule)["items"]
    for each in made:
        if each["run"] is not None:
            terminal.say(terminal.plain(each["html_url"]))
        terminal.note(terminal.plain(_told(each)))
    if where.ground is not None and not where.served:
        terminal.note(f"      {asking.unserved(where.ground.layout)}")
    return session.FINE if any(each["run"] for each in made) else session.ABSENT


def _told(asked: Mapping[str, Any]) -> str:
    number = f"#{asked['run']}: " if asked["run"] else ""
    return f"{number}{asked['reason']}"

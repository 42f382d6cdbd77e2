"""What `ctci schedule` prints, and `ctci schedule run` asks for."""

import datetime as dt
import os

from ctci import clock, config, git, shape, words
from ctci.cli import asking, session, terminal
from ctci.receive import agenda, scheduled
from ctci.receive.asking import Asking, Unanswered


def show(project: str | None, days: int, fields: tuple[str, ...] | None) -> int:
    """The next days, and what became of the last seven."""
    ground = session.ground()
    settings = ground.config or session.load()
    if project is not None:
        session.project(settings, project)
    db = session.need_ledger(ground.layout)
    found = agenda.agenda(db, settings, now=clock.now(), days=days, project=project)
    if fields is not None:
        shapes = [_shape(each) for each in found.ahead]
        terminal.json(shape.pick(shape.items(shapes), fields))
        return session.FINE
    if not found.ahead:
        terminal.note("no schedule fires in that time; [projects.NAME.schedules.NAME] makes one")
    terminal.table([_row(each) for each in found.ahead])
    for (name, schedule), count in found.more.items():
        terminal.note(f"{name} {schedule} fires {words.count(count, 'more time')}")
    if found.past:
        terminal.note("\nthe last seven days:")
        terminal.table(
            [
                [
                    clock.local(each.fired.delivery.at).strftime("%a %d %b %H:%M"),
                    f"{each.fired.delivery.project} {each.schedule}",
                    terminal.status(each.fired.status) if each.fired.status else "– no run",
                    f"#{each.fired.delivery.run}" if each.fired.delivery.run else "",
                    words.duration(each.fired.seconds) if each.fired.seconds is not None else "",
                    "" if each.fired.delivery.run else each.fired.delivery.reason,
                ]
                for each in found.past
            ]
        )
    return session.FINE


def _row(each: agenda.Ahead) -> list[terminal.Cell]:
    utc = dt.datetime.fromtimestamp(each.nominal.at / 1000, dt.UTC)
    return [
        f"{each.local:%a %d %b %H:%M}",
        f"{utc:%H:%M} UTC",
        f"{each.project} {each.schedule.name}",
        ", ".join(each.schedule.branches) or "default branch",
        agenda.told(each.recipes),
        words.duration(each.takes_s) if each.takes_s is not None else "",
        "if the branch has moved" if each.schedule.skip_unchanged else "",
    ]


def _shape(each: agenda.Ahead) -> dict[str, object]:
    return {
        "project": each.project,
        "schedule": each.schedule.name,
        "at": shape.time(each.nominal.at),
        "local": each.nominal.key,
        "timezone": each.schedule.timezone,
        "branches": list(each.schedule.branches),
        "recipes": list(each.recipes),
        "skip_unchanged": each.schedule.skip_unchanged,
        "jitter_s": each.schedule.jitter_s,
        "takes_s": each.takes_s,
    }


def run(name: str) -> int:
    """Fire a schedule now; the exit code."""
    ground = session.ground()
    settings = ground.config or session.load()
    db = session.need_ledger(ground.layout, session.AWAY)
    found = agenda.named(db, settings, name)
    if len(found) != 1:
        which = [f"{project.name}/{schedule.name}" for project, schedule in found] or _all(settings)
        said = f"there are several: {', '.join(which)}" if found else f"configured: {', '.join(which) or 'none'}"
        raise session.Refused(f"{name} is not the name of one schedule; {said}", session.ABSENT)
    project, schedule = found[0]
    git.setup()
    try:
        told = Asking(layout=ground.layout, environ=os.environ).ask(settings, project)
    except Unanswered as error:
        raise session.Refused(f"the remote of {project.name} did not answer: {error}", session.AWAY) from error
    made = scheduled.now(db, settings, project, schedule, told, by=session.me())
    for each in made:
        if each.run is not None:
            terminal.say(shape.run_url(ground.public_url, each.run))
        terminal.note(f"{f'#{each.run}: ' if each.run else ''}{each.reason}")
    if session.holder(ground.layout) is None:
        terminal.note(f"      {asking.unserved(ground.layout)}")
    return session.FINE if any(each.run for each in made) else session.ABSENT


def _all(settings: config.Config) -> list[str]:
    return [f"{name}/{schedule}" for name, project in settings.projects.items() for schedule in project.schedules]

"""run, rerun and cancel: asked of the server, or of the desk where none runs; then the wait, if asked for.

A wish is recorded whether or not a server runs; who waits for it without one is told so.
"""

from collections.abc import Mapping
from typing import Any

from ctci import config, words
from ctci.cli import finding, nouns, session, source, targets, terminal, watching
from ctci.layout import Layout
from ctci.model import FINISHED


def run(
    named: targets.Recipes,
    *,
    ref: str | None,
    commit: str | None,
    variables: Mapping[str, str],
    wait: bool,
    follow: bool,
) -> int:
    """Ask for recipes of a project; the exit code."""
    where = source.need(session.AWAY)
    body: dict[str, Any] = {"project": named.project, "variables": dict(variables)}
    given = {"subproject": named.subproject, "recipe": named.recipe, "ref": ref, "commit": commit}
    body |= {name: value for name, value in given.items() if value is not None}
    try:
        asked = where.post("/runs", body)
    except session.Refused as error:
        if error.code == session.ABSENT:
            finding.project(where, named.project)
        raise
    return _recorded(where, asked, wait=wait, follow=follow)


def rerun(number: int, *, failed: bool, current: bool, wait: bool, follow: bool) -> int:
    """Ask for a run once more; the exit code."""
    where = source.need()
    try:
        asked = where.post("/runs/{run}/rerun", {"failed": failed, "current": current}, run=number)
    except session.Refused as error:
        if error.code == session.ABSENT:
            finding.run(where, number)
        raise
    return _recorded(where, asked, wait=wait, follow=follow)


def cancel(target: targets.Target, *, reason: str) -> int:
    """Wish jobs to end; the exit code is 1 when all had ended before by themselves."""
    where = source.need()
    found, jobs = finding.jobs(where, target)
    body: dict[str, Any] = {"reason": reason}
    if target.path or target.job:
        body["jobs"] = [job["id"] for job in jobs]
    told = where.post("/runs/{run}/cancel", body, run=found["id"])
    ended, asked = told["ended"], told["asked"]
    terminal.say(terminal.plain(told["html_url"]))
    if not ended and not asked:
        if any(job["cancelled_by"] and nouns.status(job) not in FINISHED for job in jobs):
            terminal.note(f"#{found['id']}: somebody asked for that before")
            return session.FINE
        terminal.note(f"#{found['id']} had ended before: {words.status(found['status'])}")
        return session.RED
    parts = [f"{words.count(ended, 'job')} ended"] * bool(ended)
    parts += [f"{words.count(asked, 'running job')} asked to end"] * bool(asked)
    terminal.note(f"#{found['id']}: {', '.join(parts)}")
    if asked and where.ground is not None and not where.served:
        data = where.ground.layout.data
        terminal.note(f"      recorded; no server is running on {data}: they end when `ctci serve` starts")
    return session.FINE


def configured(ground: session.Ground) -> config.Config:
    """The configuration that a wish is planned by. Raises config.ConfigError."""
    if ground.config is None:
        # What would be planned by it cannot be known.
        session.load()
        raise AssertionError("a broken configuration has loaded")
    return ground.config


def _recorded(where: source.Source, asked: Mapping[str, Any], *, wait: bool, follow: bool) -> int:
    number = asked["run"]
    if number is None:
        raise session.Refused(f"nothing to run: {asked['reason']}", session.ABSENT)
    terminal.say(terminal.plain(asked["html_url"]))
    terminal.note(terminal.plain(f"#{number}: {asked['reason']}"))
    if where.ground is not None and not where.served:
        terminal.note(f"      {unserved(where.ground.layout)}")
        return session.AWAY if wait or follow else session.FINE
    if not wait and not follow:
        return session.FINE
    try:
        return watching.run(where, number, follow=follow)
    except KeyboardInterrupt:
        terminal.note(f"\n#{number} goes on; `ctci cancel {number}` ends it")
        return session.STOPPED


def unserved(place: Layout) -> str:
    """What becomes of a wish while no server runs."""
    return f"recorded; no server is running on {place.data}: it runs when `ctci serve` starts"

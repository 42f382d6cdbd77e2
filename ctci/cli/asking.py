"""run, rerun and cancel: through the desk to the ledger, where the server's loops find it; then the wait, if asked for.

A wish is recorded whether or not a server runs; who waits for it without one is told so.
"""

from collections.abc import Mapping
from typing import NoReturn

from ctci import config, ledger, shape, words
from ctci.cli import finding, session, targets, terminal, watching
from ctci.layout import Layout
from ctci.model import Recorded
from ctci.receive import desk


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
    ground = session.ground()
    db = session.need_ledger(ground.layout, session.AWAY)
    recorded = desk.request(
        db,
        configured(ground),
        project=named.project,
        subproject=named.subproject,
        recipe=named.recipe,
        ref=ref,
        commit=commit,
        variables=variables,
        by=session.me(),
    )
    return _recorded(db, ground, recorded, wait=wait, follow=follow)


def rerun(number: int, *, failed: bool, current: bool, wait: bool, follow: bool) -> int:
    """Ask for a run once more; the exit code."""
    ground = session.ground()
    db = session.need_ledger(ground.layout)
    settings = configured(ground) if current else None
    recorded = desk.rerun(db, number, by=session.me(), failed=failed, current=settings)
    return _recorded(db, ground, recorded, wait=wait, follow=follow)


def cancel(target: targets.Target, *, reason: str) -> int:
    """Wish jobs to end; the exit code is 1 when all had ended before by themselves."""
    ground = session.ground()
    db = session.need_ledger(ground.layout)
    found, jobs = finding.jobs(db, target)
    if target.path or target.job:
        told = [ledger.ask_cancel(db, by=session.me(), reason=reason, job=job.id) for job in jobs]
    else:
        told = [ledger.ask_cancel(db, by=session.me(), reason=reason, run=found.id)]
    ended, asked = (sum(each) for each in zip(*told, strict=True))
    terminal.say(shape.run_url(ground.public_url, found.id))
    if not ended and not asked:
        if any(job.cancel_asked_at is not None for job in jobs):
            terminal.note(f"#{found.id}: somebody asked for that before")
            return session.FINE
        terminal.note(f"#{found.id} had ended before: {words.status(found.status)}")
        return session.RED
    parts = [f"{words.count(ended, 'job')} ended"] * bool(ended)
    parts += [f"{words.count(asked, 'running job')} asked to end"] * bool(asked)
    terminal.note(f"#{found.id}: {', '.join(parts)}")
    if asked and session.holder(ground.layout) is None:
        terminal.note(
            f"      recorded; no server is running on {ground.layout.data}: they end when `ctci serve` starts"
        )
    return session.FINE


def configured(ground: session.Ground) -> config.Config:
    """The configuration that a wish is planned by. Raises config.ConfigError."""
    if ground.config is None:
        # What would be planned by it cannot be known.
        session.load()
        raise AssertionError("a broken configuration has loaded")
    return ground.config


def _recorded(db: ledger.Ledger, ground: session.Ground, recorded: Recorded, *, wait: bool, follow: bool) -> int:
    number = recorded.run
    if number is None:
        _unplanned(recorded)
    terminal.say(shape.run_url(ground.public_url, number))
    terminal.note(f"#{number}: {recorded.reason}")
    if session.holder(ground.layout) is None:
        terminal.note(f"      {unserved(ground.layout)}")
        return session.AWAY if wait or follow else session.FINE
    if not wait and not follow:
        return session.FINE
    try:
        return watching.run(db, ground.layout, number, follow=follow)
    except KeyboardInterrupt:
        terminal.note(f"\n#{number} goes on; `ctci cancel {number}` ends it")
        return session.STOPPED


def _unplanned(recorded: Recorded) -> NoReturn:
    raise session.Refused(f"nothing to run: {recorded.reason}", session.ABSENT)


def unserved(place: Layout) -> str:
    """What becomes of a wish while no server runs."""
    return f"recorded; no server is running on {place.data}: it runs when `ctci serve` starts"

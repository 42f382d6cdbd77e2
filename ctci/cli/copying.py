"""backup, restore: copies of the ledger."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctci import clock, words
from ctci.cli import session, terminal
from ctci.cli.verb import verb

if TYPE_CHECKING:
    from ctci import restoring


@verb(examples=("ctci backup ctci.db", "ctci backup --force /mnt/backup/ctci.db"))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def backup(*, file: Path, force: bool) -> int:
    """What was recorded before it began is in the copy. Logs are not: they lie in the data folder's `jobs`."""
    place = session.ground().layout
    # An older ledger is copied too: before an upgrade, say.
    db = session.open_ledger(place, any_version=True)
    if db is None:
        raise session.Refused(session.nothing_yet(place), session.ABSENT)
    from ctci import ledger  # noqa: PLC0415 - with the verb

    if file.exists() and not force:
        raise session.Refused(f"{file} is there already; --force replaces it", session.WRONG)
    with terminal.progress("copying the ledger"):
        size = ledger.back_up(db, file, replace=force)
    terminal.say(f"copied {place.ledger} to {file}: {words.size(size)}")
    return session.FINE


@verb(examples=("ctci restore ctci.db", "ctci restore ctci.db --keep-queue"))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--jobs", is_flag=True, help="End the jobs that run and of which the copy does not know.")
@click.option("--keep-queue", is_flag=True, help="Run what waits in the copy, though it may have run since.")
def restore(*, file: Path, jobs: bool, keep_queue: bool) -> int:
    """Not while a server runs: `ctci stop` first. The ledger of before is kept beside the new one."""
    place = session.ground().layout
    # It stands on the ledger, git and the data folder's lock.
    from ctci import restoring  # noqa: PLC0415

    with terminal.progress("examining and copying"):
        done = restoring.restore(place, file, by=session.me(), end_jobs=jobs, keep_queue=keep_queue)
    for line in _told(done, place.ledger, file):
        terminal.say(line)
    return session.FINE


def _told(done: "restoring.Restored", path: Path, file: Path) -> Iterator[str]:
    """What a restore did, and what it cannot bring back."""
    from ctci.run import strays  # noqa: PLC0415 - with the verb

    known = f"knows the runs up to #{done.run}" if done.run else "knows of no run"
    when = f"; the last thing that it knows of happened {words.ago(done.until, clock.now())}" if done.until else ""
    yield f"put {file} in the place of {path}: it {known}{when}"
    if done.aside is not None:
        yield f"the ledger of before is kept {strays.KEEP_DAYS} days, with the logs that only it knows: {done.aside}"
    if done.last_run is None:
        yield f"which runs came later is not known: so that no number means two, the next one is #{done.next_run}"
    elif done.last_run > (done.run or 0):
        yield f"the runs that came later, up to #{done.last_run}, are not in it; the next one is #{done.next_run}"
    if done.ended:
        yield f"{words.count(done.ended, 'job')} of which it does not know: ended"
    if done.cancelled:
        said = words.count(done.cancelled, "job")
        yield f"{said} that waited in it: cancelled, for they may have run since; `ctci rerun` runs them again"
    if done.waiting:
        yield f"{words.count(done.waiting, 'job')} that waited in it: will run"
    yield "not brought back: what was answered, run and mailed after the copy was made, and logs that are gone"

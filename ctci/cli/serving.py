"""serve, reload, stop: the server's life, from the terminal."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ctci import clock, config, notify, trail, words
from ctci.cli import garbage, session, terminal
from ctci.cli.verb import verb
from ctci.layout import Layout

if TYPE_CHECKING:
    from ctci import ledger

#: How long `stop` waits for the server's end, seconds; with the jobs, their grace and what a stubborn one costs.
STOP_S, JOBS_S = 30.0, 120.0


@verb(examples=("ctci serve", "ctci serve --listen 127.0.0.1:9000 --data-dir ./data"))
@click.option("--listen", metavar="HOST:PORT", help="Where to listen; unix:PATH for a socket only.")
@click.option("--drain", is_flag=True, help="TERM waits for the jobs that run, and starts no other.")
def serve(*, listen: str | None, drain: bool) -> int:
    """TERM stops it, HUP reads the configuration again. Jobs that run go on, and the next server takes them over."""
    from ctci import first  # noqa: PLC0415 - nothing but a server may be the first process

    if listen is not None:
        session.options().flags["listen"] = listen
    first.stand_in()
    # Before anything is started that would inherit it.
    supervisor = notify.taken(os.environ)
    settings = session.load(resolve=True)
    log(settings.server.log_format)
    # The web server, git and the ledger: nothing but a server needs them all.
    from ctci import service  # noqa: PLC0415

    garbage.usual()
    # Options of this call hold for its reloads too, wherever the process is by then.
    folder, flags = session.folder(), session.flags()
    return service.serve(
        lambda: config.load(folder, os.environ, flags=flags),
        os.environ,
        drain=drain,
        supervisor=supervisor,
        first=_show_token,
    )


def _show_token(token: str) -> None:
    """To a person only: what a log or a pipe has read is a secret no more."""
    if sys.stderr.isatty():
        terminal.note(f"the first token, of the tier admin: {token}")


@verb(examples=("ctci reload", "ctci reload --config /etc/ctci"))
def reload() -> int:
    """A configuration with errors changes nothing: the server keeps the one it has, and says so on /readyz."""
    place = session.ground().layout
    pid = session.server(place)
    problem = _broken()
    _signal(pid, signal.SIGHUP)
    if problem is not None:
        terminal.note(f"the server (pid {pid}) keeps the configuration it has: {problem}; `ctci check` shows more")
        return session.WRONG
    terminal.note(
        f"asked the server (pid {pid}) to read its configuration again; "
        "listen, public-url, data-dir and max-jobs are for its next start"
    )
    return session.FINE


@verb(examples=("ctci stop", "ctci stop --jobs"))
@click.option("--jobs", is_flag=True, help="End the jobs that run, too; without it they go on, for the next server.")
def stop(*, jobs: bool) -> int:
    """Waits until it has stopped, at most 30 seconds; with --jobs until the last recipe has ended."""
    place = session.ground().layout
    if jobs:
        return _stop_with_jobs(place)
    pid = session.server(place)
    _signal(pid, signal.SIGTERM)
    _until_stopped(place, pid, STOP_S)
    db = session.open_ledger(place)
    left = len(_running(db)) if db is not None else 0
    if left:
        goes = "job goes on" if left == 1 else "jobs go on"
        terminal.note(f"{left} {goes}, and the next server takes over; `ctci stop --jobs` would end them")
    return session.FINE


def _stop_with_jobs(place: Layout) -> int:
    pid = session.holder(place)
    db = session.need_ledger(place, session.AWAY)
    if pid:
        # Asked first: from then on it claims no other, and stops when those that run have ended.
        _signal(pid, signal.SIGUSR1)
        told = _until_stopped(place, pid, JOBS_S, meanwhile=lambda: _end_jobs(db))
    else:
        # What a server left running goes on without one: taken over here, and ended.
        from ctci import premises  # noqa: PLC0415 - with the verb
        from ctci.run import adoption  # noqa: PLC0415

        with premises.hold(place):
            told = _end_jobs(db)
            adoption.end_all(db, place)
    terminal.note(f"{words.count(told, 'job')} ended" if told else "no job was running")
    return session.FINE


def _end_jobs(db: "ledger.Ledger") -> int:
    """Ask every running job to end; how many had not been asked."""
    from ctci import ledger  # noqa: PLC0415 - with the verb

    asked = [ledger.ask_cancel(db, by=session.me(), reason="ctci stop --jobs", job=id_) for id_ in _running(db)]
    return sum(each for _, each in asked)


def _running(db: "ledger.Ledger") -> list[int]:
    from ctci import ledger  # noqa: PLC0415 - with the verb
    from ctci.model import Status  # noqa: PLC0415

    return [job.id for job in ledger.in_state(db, Status.RUNNING)]


def _until_stopped(place: Layout, pid: int, within_s: float, *, meanwhile: Callable[[], int] = lambda: 0) -> int:
    """Wait for the server's end; the sum of what `meanwhile` said."""
    deadline = clock.monotonic() + within_s
    told = 0
    with terminal.progress(f"waiting for the server (pid {pid}) to stop"):
        while session.holder(place) == pid:
            if clock.monotonic() > deadline:
                raise session.Refused(f"the server (pid {pid}) has not stopped within {within_s:.0f} s", session.RED)
            told += meanwhile()
            session.pause(0.1)
    terminal.note(f"the server (pid {pid}) has stopped")
    return told


def _broken() -> str | None:
    try:
        session.load(resolve=True)
    except config.ConfigError as error:
        return str(error)
    return None


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        raise session.Refused(f"the server (pid {pid}) has just ended", session.AWAY) from None
    except PermissionError:
        raise session.Refused(f"the server (pid {pid}) belongs to another user", session.FORBIDDEN) from None


def log(style: str) -> None:
    """Send the log to stderr: lines for people and journald, or one JSON object per line."""
    out = logging.StreamHandler(sys.stderr)
    if style == "json":
        out.setFormatter(trail.Json())
    else:
        # journald has the time already.
        stamp = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
        out.setFormatter(trail.Text(f"{stamp}%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[out], force=True)

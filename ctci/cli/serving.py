"""serve, reload, stop: the server's life, from the terminal."""

import json
import logging
import os
import signal
import sys

import click

from ctci import clock, config
from ctci.cli import session, terminal
from ctci.cli.verb import verb

#: How long `stop` waits for the server's end, seconds.
STOP_S = 30.0


@verb(examples=("ctci serve", "ctci serve --listen 127.0.0.1:9000 --data-dir ./data"))
@click.option("--listen", metavar="HOST:PORT", help="Where to listen; unix:PATH for a socket only.")
def serve(*, listen: str | None) -> int:
    """TERM stops it (running jobs are not ended by that), HUP reads the configuration again."""
    if listen is not None:
        session.options().flags["listen"] = listen
    settings = session.load(resolve=True)
    log(settings.server.log_format)
    # The web server, git and the ledger: nothing but a server needs them all.
    from ctci import service  # noqa: PLC0415

    # Options of this call hold for its reloads too, wherever the process is by then.
    folder, flags = session.folder(), session.flags()
    return service.serve(lambda: config.load(folder, os.environ, flags=flags), os.environ)


@verb(examples=("ctci reload", "ctci reload --config /etc/ctci"))
def reload() -> int:
    """A configuration with errors changes nothing: the server keeps the one it has, and says so on /readyz."""
    place = session.ground().layout
    pid = session.server(place)
    problem = _broken()
    _signal(pid, signal.SIGHUP)
    if problem is None:
        terminal.note(f"asked the server (pid {pid}) to read its configuration again")
    else:
        terminal.note(f"the server (pid {pid}) keeps the configuration it has: {problem}; `ctci check` shows more")
    return session.FINE


@verb(examples=("ctci stop", "ctci stop --data-dir ./data"))
def stop() -> int:
    """Waits until it has stopped, at most 30 seconds."""
    place = session.ground().layout
    pid = session.server(place)
    _signal(pid, signal.SIGTERM)
    deadline = clock.monotonic() + STOP_S
    with terminal.progress(f"waiting for the server (pid {pid}) to stop"):
        while session.holder(place) == pid:
            if clock.monotonic() > deadline:
                raise session.Refused(f"the server (pid {pid}) has not stopped within {STOP_S:.0f} s", session.RED)
            session.pause(0.1)
    terminal.note(f"the server (pid {pid}) has stopped")
    return session.FINE


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
        out.setFormatter(_Json())
    else:
        # journald has the time already.
        stamp = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
        out.setFormatter(logging.Formatter(f"{stamp}%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[out], force=True)


class _Json(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)

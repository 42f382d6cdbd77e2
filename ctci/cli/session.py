"""What every verb starts from: the global options, the configuration, the data folder, who holds it, the ledger.

Never migrates a ledger: only the server does. The ledger's room is imported when a verb opens it (it is slow).
"""

import fcntl
import os
import pwd
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctci import clock, config, layout
from ctci.cli import terminal
from ctci.layout import Layout

if TYPE_CHECKING:
    from ctci import ledger

#: What an exit code means; `ctci --help` prints it.
FINE, RED, WRONG, AWAY, FORBIDDEN, ABSENT, TIMED_OUT, OURS, STOPPED = 0, 1, 2, 3, 4, 5, 124, 125, 130


class Refused(click.ClickException):
    """The verb cannot do what was asked; the message says why and what helps."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Options:
    """The global options, as given."""

    config: str | None = None
    data_dir: str | None = None
    #: The address of a server elsewhere.
    server: str | None = None
    color: str = "auto"
    debug: bool = False
    #: What a verb adds, by the key of ctci.toml.
    flags: dict[str, str] = field(default_factory=dict)


def options() -> Options:
    """The options of this call."""
    found = click.get_current_context().find_root().obj
    assert isinstance(found, Options)  # noqa: S101 - the root made it
    return found


def folder(given: str | None = None) -> Path:
    """The configuration's folder. Raises config.ConfigError where there is none."""
    return config.find(given or options().config, os.environ, Path.cwd())


def flags() -> Mapping[str, str]:
    """Values from the command line, by the key of ctci.toml."""
    asked = options()
    return {**({"data-dir": asked.data_dir} if asked.data_dir else {}), **asked.flags}


def load(*, resolve: bool = False) -> config.Config:
    """The configuration. Raises config.ConfigError with all that is wrong."""
    return config.load(folder(), os.environ, resolve=resolve, flags=flags())


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The data folder of a verb; `config` is None where it has errors and the folder was given by hand."""

    layout: Layout
    public_url: str
    server: config.Server
    config: config.Config | None


def ground() -> Ground:
    """Where the verb works. A broken configuration does not hide what the ledger knows."""
    try:
        found = load()
    except config.ConfigError as error:
        # Where no configuration is found at all, that is what is to be said.
        server, whole = config.server(folder(), os.environ, flags=flags()), None
        if not server.data_dir.is_dir():
            raise
        terminal.note(f"ctci: {error}; reading {server.data_dir} nevertheless")
    else:
        server, whole = found.server, found
    return Ground(
        layout=layout.at(server.data_dir, server.mirrors_dir),
        public_url=server.public_url,
        server=server,
        config=whole,
    )


def project(settings: config.Config, name: str) -> config.Project:
    """The project of that name. Raises Refused, which lists those there are."""
    found = config.project(settings, name)
    if found is None:
        have = ", ".join(sorted(config.named(settings))) or "none"
        raise Refused(f"there is no project {name}; configured: {have}", ABSENT)
    return found


def open_ledger(place: Layout, *, any_version: bool = False) -> "ledger.Ledger | None":
    """The ledger of a data folder, or None where there is none yet.

    Raises Refused for another schema version than ours, unless `any_version`.
    """
    from ctci import ledger  # noqa: PLC0415 - 400 ms: only verbs that read it pay for it
    from ctci.ledger import migrations  # noqa: PLC0415

    try:
        place.ledger.stat()
    except FileNotFoundError:
        return None
    if not os.access(place.ledger, os.R_OK | os.W_OK):
        owner = _name(place.ledger.stat().st_uid)
        raise Refused(f"{place.ledger} belongs to {owner}: call ctci as {owner} (sudo -u {owner} ctci …)", FORBIDDEN)
    db = ledger.connect(place.ledger)
    click.get_current_context().call_on_close(db.close)
    if any_version:
        return db
    with db.read() as connection:
        found, known = migrations.version(connection), len(migrations.STEPS)
    if found < known:
        raise Refused(
            f"{place.ledger} has schema version {found}, and this ctci reads version {known}: "
            "`ctci serve` brings it up to date",
            WRONG,
        )
    if found > known:
        raise Refused(
            f"{place.ledger} has schema version {found}, and this ctci knows up to {known}: install the newer ctci",
            WRONG,
        )
    return db


def nothing_yet(place: Layout) -> str:
    """The sentence for a data folder without a ledger."""
    return f"no runs yet: nothing has been recorded in {place.data}; start `ctci serve`"


def need_ledger(place: Layout, code: int = ABSENT) -> "ledger.Ledger":
    """The ledger of a data folder. Raises Refused with `code` where there is none yet."""
    db = open_ledger(place)
    if db is None:
        raise Refused(nothing_yet(place), code)
    return db


def holder(place: Layout) -> int | None:
    """The pid of the server that has the data folder, or None when nobody serves it."""
    try:
        file = os.open(place.lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(file, 20, 0).strip()
        # Held, and not written yet: a server is just starting. Its number is not known, that it lives is.
        return int(text) if text.isdigit() else 0
    finally:
        os.close(file)
    return None


def server(place: Layout) -> int:
    """The pid of the server that has the data folder. Raises Refused where nobody serves it."""
    pid = holder(place)
    deadline = clock.monotonic() + 2.0
    while pid == 0 and clock.monotonic() < deadline:
        pause(0.05)
        pid = holder(place)
    if not pid:
        raise Refused(f"no server is running on {place.data}; `ctci serve` starts one", AWAY)
    return pid


def pause(seconds: float) -> None:
    """Let some time pass; Ctrl-C ends it."""
    # An event of nobody's, so that the clock does the waiting.
    clock.wait(threading.Event(), seconds)


def me() -> str:
    """The name of the user who asks, as this machine knows it."""
    return _name(os.getuid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"

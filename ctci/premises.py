"""What a server stands on: its data folder, held by it alone, clean slots, and the sockets it listens on."""

import fcntl
import os
import socket
from collections.abc import Collection
from pathlib import Path

from ctci import ledger
from ctci.layout import Layout
from ctci.model import Tier
from ctci.receive import spool
from ctci.run import trees, workspace


class PremisesError(Exception):
    """The server cannot start; the message says why and what helps."""


def open_folder(place: Layout) -> None:
    """The data folder and what lies in it, each with its mode. Raises PremisesError."""
    try:
        place.data.mkdir(parents=True, exist_ok=True)
        place.data.chmod(0o711)
        for folder in (place.slots, place.jobs, place.mail, place.trash, place.mirrors):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool.prepare_folder(place)
    except OSError as error:
        raise PremisesError(
            f"the data folder cannot be used: {error}; give another with --data-dir or CTCI_DATA_DIR"
        ) from error


class hold:  # noqa: N801 - read as a verb: with hold(place)
    """The data folder is ours until the block ends. Raises PremisesError, naming the holder."""

    def __init__(self, place: Layout) -> None:
        self._path = place.lock
        self._file = -1

    def __enter__(self) -> None:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise PremisesError(
                f"another server (pid {holder}) has the data folder {self._path.parent}; `ctci stop` ends it"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def __exit__(self, *_: object) -> None:
        os.ftruncate(self._file, 0)
        os.close(self._file)


def first_token(db: ledger.Ledger, place: Layout) -> str | None:
    """The first token, of the tier admin, in a file that only its owner reads; None where there ever was one."""
    if ledger.ever_had_tokens(db):
        return None
    _, secret = ledger.new_token(db, name="admin", tier=Tier.ADMIN, by="ctci serve")
    place.admin_token.unlink(missing_ok=True)
    file = os.open(place.admin_token, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w") as written:
        written.write(f"{secret}\n")
    return secret


def clean_slots(place: Layout, *, spare: Collection[int]) -> None:
    """Only in the slots to spare does something run: what lies in the others was left by the last life."""
    for slot in place.slots.iterdir():
        if slot.name.isdecimal():
            if int(slot.name) not in spare:
                workspace.clean(place, int(slot.name))
        else:
            trees.remove(slot, place.trash)


def bind(listen: str, place: Layout) -> list[socket.socket]:
    """The listening sockets: the one that is configured, and the data folder's own. Raises PremisesError."""
    try:
        sockets = [bind_unix(place.socket)]
        if listen.startswith("unix:"):
            sockets.append(bind_unix(Path(listen.removeprefix("unix:"))))
        else:
            host, _, port = listen.rpartition(":")
            host = host.strip("[]")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            # By its number: only then does asyncio switch off the 40 ms that small answers would wait.
            tcp = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((host, int(port)))
            tcp.listen(1024)
            sockets.append(tcp)
    except OSError as error:
        raise PremisesError(
            f"cannot listen on {listen}: {error.strerror}; choose another with --listen or `listen` in ctci.toml"
        ) from error
    return sockets


def bind_unix(path: Path) -> socket.socket:
    """A listening unix socket, 0660: who can open it has local power."""
    path.unlink(missing_ok=True)
    own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o117)
    try:
        own.bind(str(path))
    finally:
        os.umask(before)
    own.listen(128)
    return own

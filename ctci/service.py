"""The roof: builds, starts, reloads and stops the parts, in order, on one screen.

The main thread owns the signals; every loop is a plain thread with the one stop Event; the web server is a thread too.
"""

import contextlib
import ctypes
import fcntl
import logging
import os
import queue
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ctci import clock, config, git, layout, ledger
from ctci.http import Server
from ctci.layout import Layout
from ctci.receive import desk, spool
from ctci.report.courier import Courier
from ctci.run import containment, keeping, sweeping, tidy, trees, workspace
from ctci.run.containment import Containment
from ctci.run.prepare import Prepare
from ctci.run.worker import Floor, Worker, settle_remains
from ctci.web import app
from ctci.web.doors import Doors

log = logging.getLogger(__name__)

#: How often the spool is looked at, seconds: what a hook left while nobody answered.
SPOOL_S = 2.0
#: glibc's number of this limit (malloc.h).
M_ARENA_MAX = -8
#: How long a stop waits for the loops, seconds.
STOP_S = 15.0


class ServiceError(Exception):
    """The server cannot start; the message says why and what helps."""


@dataclass
class Part:
    """One loop: its name for /readyz, and its thread."""

    name: str
    thread: threading.Thread


@dataclass
class Service:
    """A running server; made by `start`, ended by `stop`."""

    db: ledger.Ledger
    layout: Layout
    current: config.Current
    floor: Floor
    containment: Containment
    stop: threading.Event = field(default_factory=threading.Event)
    parts: list[Part] = field(default_factory=list)

    def ready(self) -> Mapping[str, object]:
        """What /readyz says: `ok`, and a reason for everything that is not."""
        reasons = [f"the {part.name} loop has ended" for part in self.parts if not part.thread.is_alive()]
        try:
            counts: Mapping[str, int] = ledger.counts(self.db)
        except ledger.Away as away:
            counts, reasons = {}, [*reasons, str(away)]
        remark = self.floor.remark()
        if remark:
            reasons.append(remark)
        if self.containment.keeper_fault is not None:
            reasons.append(self.containment.sentence)
        if self.current.error is not None:
            reasons.append(f"the last reload failed, the configuration before it is in force: {self.current.error}")
        return {"ok": not reasons, "reasons": reasons, "containment": self.containment.sentence, **counts}

    def remarks(self) -> tuple[str, ...]:
        """What is wrong with ctci itself, for the letters."""
        remark = self.floor.remark()
        return (remark,) if remark else ()


def serve(
    load: Callable[[], config.Config], environ: Mapping[str, str], *, started: Callable[[str], None] = log.info
) -> int:
    """Run until TERM or INT; the exit code. Raises ServiceError and config.ConfigError before anything runs."""
    current = config.Current(load)
    settings = current.get()
    place = layout.at(settings.server.data_dir, settings.server.mirrors_dir)
    open_folder(place)
    with hold(place):
        sockets = bind(settings.server.listen, place)
        orders: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda seen, _frame: orders.put(seen))
        service, server, wake = start(current, place, environ, sockets)
        started(f"ctci serves {settings.server.public_url} from {place.data}")
        try:
            while orders.get() == signal.SIGHUP:
                reload(current)
        finally:
            end(service, server, wake)
            place.socket.unlink(missing_ok=True)
    return 0


def start(
    current: config.Current, place: Layout, environ: Mapping[str, str], sockets: list[socket.socket]
) -> tuple[Service, Server, int]:
    """Migrate, settle what the last life left, then start every loop and open the doors."""
    git.setup()
    few_arenas()
    keeping.undumpable()
    sweeping.become_subreaper(git.running)
    db = ledger.open_ledger(place.ledger)
    host = ledger.host(db, socket.gethostname())
    floor = Floor(place, current)
    found = containment.probe(place.jobs)
    log.info("what jobs are kept in: %s", found.sentence)
    service = Service(db=db, layout=place, current=current, floor=floor, containment=found)
    settle_remains(db, place, host=host)
    clean_slots(place)

    reader, wake = os.pipe()
    prepare = Prepare(db, place, current, environ)
    courier = Courier(db, place, current, environ, service.remarks)
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    workers = [
        Worker(
            db,
            place,
            current,
            environ,
            host=host,
            slot=slot,
            boot_id=boot_id,
            floor=floor,
            wake=reader,
            cgroups=found.cgroups,
        )
        for slot in range(1, current.get().server.max_jobs + 1)
    ]
    loops: list[tuple[str, Callable[[threading.Event], None]]] = [
        ("prepare", prepare.run),
        ("second prepare", prepare.run),
        *((f"slot {number}", worker.run) for number, worker in enumerate(workers, 1)),
        ("courier", courier.run),
        ("tidy", lambda stop: tidy.loop(db, place, current, stop)),
        ("spool", lambda stop: drain(db, place, current, stop)),
    ]
    doors = Doors(db=db, layout=place, current=current, environ=environ, ready=service.ready)
    server = Server(app.build(doors), sockets, service.stop)
    for name, body in [*loops, ("web", server.run)]:
        thread = threading.Thread(target=body, args=(service.stop,), name=name, daemon=True)
        service.parts.append(Part(name=name, thread=thread))
        thread.start()
    return service, server, wake


def few_arenas() -> None:
    """Threads share two heaps of glibc instead of eight a core: what one gives back, another uses."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def end(service: Service, server: Server, wake: int) -> None:
    """Doors, then workers stop claiming, then join. Running jobs are not ended: their keepers go on."""
    server.close()
    service.stop.set()
    os.write(wake, b"stop")
    service.db.nudge.ring()
    deadline = clock.monotonic() + STOP_S
    for part in service.parts:
        part.thread.join(max(0.1, deadline - clock.monotonic()))
        if part.thread.is_alive():
            log.warning("the %s loop did not end within %.0f s", part.name, STOP_S)
    service.db.close()


def reload(current: config.Current) -> None:
    """Read the configuration again; a broken one leaves the old one in force."""
    try:
        current.reload()
        log.info("configuration reloaded")
    except config.ConfigError as error:
        log.error("the configuration was not reloaded, the old one stays in force: %s", error)


def drain(db: ledger.Ledger, place: Layout, current: config.Current, stop: threading.Event) -> None:
    """Record what hooks left in the spool, every two seconds until `stop`."""
    while not stop.is_set():
        try:
            spool.drain(place, lambda each: desk.spooled(db, current.get(), each))
        except Exception:  # a loop that dies silently is the worst fault
            log.exception("the spool could not be read; trying again")
        clock.wait(stop, SPOOL_S)


def open_folder(place: Layout) -> None:
    """The data folder and what lies in it, each with its mode. Raises ServiceError."""
    try:
        place.data.mkdir(parents=True, exist_ok=True)
        place.data.chmod(0o711)
        for folder in (place.slots, place.jobs, place.mail, place.trash, place.mirrors):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool.prepare_folder(place)
    except OSError as error:
        raise ServiceError(
            f"the data folder cannot be used: {error}; give another with --data-dir or CTCI_DATA_DIR"
        ) from error


class hold:  # noqa: N801 - read as a verb: with hold(place)
    """The data folder is ours until the block ends. Raises ServiceError, naming the holder."""

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
            raise ServiceError(
                f"another server (pid {holder}) has the data folder {self._path.parent}; `ctci stop` ends it"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def __exit__(self, *_: object) -> None:
        os.ftruncate(self._file, 0)
        os.close(self._file)


def clean_slots(place: Layout) -> None:
    """Nothing runs now: what lies in a slot was left by the last life."""
    for slot in place.slots.iterdir():
        if slot.name.isdecimal():
            workspace.clean(place, int(slot.name))
        else:
            trees.remove(slot, place.trash)


def bind(listen: str, place: Layout) -> list[socket.socket]:
    """The listening sockets: the one that is configured, and the data folder's own. Raises ServiceError."""
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
        raise ServiceError(
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

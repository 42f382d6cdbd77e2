"""The roof: builds, starts, reloads and stops the parts, in order, on one screen.

The main thread owns the signals; every loop is a plain thread with the one stop Event; the web server is a thread too.
"""

import contextlib
import ctypes
import logging
import os
import queue
import signal
import socket
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import ctci
from ctci import ailments, clock, config, git, layout, ledger, notify, premises, words
from ctci.http import Server
from ctci.layout import Layout
from ctci.model import Remark, Status
from ctci.receive import desk, spool
from ctci.receive.almanac import Almanac
from ctci.receive.asking import Asking
from ctci.receive.hunting import Hunter
from ctci.receive.nightly import Nightly
from ctci.receive.sweep import Sweep
from ctci.report.commit_statuses import CommitStatuses
from ctci.report.courier import Courier
from ctci.report.digests import Digests
from ctci.report.traces import Traces
from ctci.report.transitions import Transitions
from ctci.report.webhooks import Chats, Heartbeats, Webhooks
from ctci.run import adoption, containment, keeping, sweeping, tidy
from ctci.run.capacity import Busy, Floor
from ctci.run.containment import Containment
from ctci.run.prepare import Prepare
from ctci.run.worker import Worker
from ctci.web import app
from ctci.web.doors import Doors

log = logging.getLogger(__name__)

#: How often the spool is looked at, seconds: what a hook left while nobody answered.
SPOOL_S = 2.0
#: How often the files of the configuration are looked at, seconds.
WATCH_S = 1.0
#: How long the doors may take to open, seconds.
OPEN_S = 60.0
#: How often a supervisor hears of our state where it has no watchdog, seconds.
STATE_S = 30.0
#: glibc's number of this limit (malloc.h).
M_ARENA_MAX = -8
#: How long a stop waits for the loops, seconds.
STOP_S = 15.0
DRAINING = "draining: no job is started, and the server stops when those that run have ended"


@dataclass
class Part:
    """One loop: its name for /readyz, and its thread."""

    name: str
    thread: threading.Thread
    #: Whether its end is a fault.
    lasting: bool = True


@dataclass
class Service:
    """A running server; made by `start`, ended by `stop`."""

    db: ledger.Ledger
    layout: Layout
    current: config.Current
    floor: Floor
    containment: Containment
    stop: threading.Event = field(default_factory=threading.Event)
    #: While set, no job is claimed: what runs is waited for, and then the server stops.
    draining: threading.Event = field(default_factory=threading.Event)
    host: int = 0
    busy: Busy = field(default_factory=Busy)
    parts: list[Part] = field(default_factory=list)

    def ready(self) -> Mapping[str, object]:
        """What /readyz says: `ok`, and a reason for everything that is not; `faults` has them by what they are of."""
        counts: Mapping[str, int] = {}
        unsent, away = "", None
        try:
            counts = ledger.counts(self.db)
            unsent = words.veiled(words.unsent(ledger.unsent(self.db, since=clock.now() - words.UNSENT_MS)))
        except ledger.Away as error:
            away = str(error)
        refused = self.current.error
        faults = {
            "loops": [f"the {name} loop has ended" for name in self.ended()],
            "server": [DRAINING] if self.draining.is_set() else [],
            "ledger": [away] if away is not None else [],
            "disk": list(filter(None, [self.floor.remark()])),
            "jobs": [self.containment.sentence] if self.containment.keeper_fault is not None else [],
            "configuration": [f"the last reload failed, the configuration before it is in force: {refused}"]
            if refused is not None
            else [],
        }
        return {
            "ok": not any(faults.values()),
            "reasons": [reason for reasons in faults.values() for reason in reasons],
            "faults": {name: reasons for name, reasons in faults.items() if reasons},
            "warnings": [unsent] if unsent else [],
            "loops": sum(part.lasting for part in self.parts),
            "containment": self.containment.sentence,
            "slots": self.current.get().server.max_jobs,
            "max": self.current.get().server.max_jobs,
            "peak": self.busy.peak,
            **counts,
        }

    def ended(self) -> list[str]:
        """The lasting loops that are no more."""
        return [part.name for part in self.parts if part.lasting and not part.thread.is_alive()]

    def state(self) -> str:
        """How it is in a line, of what is known without asking the ledger or the disk."""
        found = [f"the {name} loop has ended" for name in self.ended()]
        found += [DRAINING] if self.draining.is_set() else []
        server = self.current.get().server
        found += (
            [f"serving {server.public_url}, {self.busy.running} of {server.max_jobs} slots busy"] if not found else []
        )
        found += ["the last reload failed"] if self.current.error is not None else []
        return "; ".join(found)

    def vouch(self, supervisor: notify.Supervisor, stop: threading.Event) -> None:
        """Tell it our state until `stop`, and that we live, twice in what its watchdog waits: while every loop does."""
        every_s = supervisor.watchdog_s / 2 if supervisor.watchdog_s is not None else STATE_S
        while not clock.wait(stop, every_s):
            (supervisor.troubled if self.ended() else supervisor.alive)(self.state())

    def begin(self, name: str, body: Callable[[threading.Event], None], *, lasting: bool = True) -> None:
        """Start a loop."""
        thread = threading.Thread(target=body, args=(self.stop,), name=name, daemon=True)
        self.parts.append(Part(name=name, thread=thread, lasting=lasting))
        thread.start()

    def drain(self, done: Callable[[], None]) -> None:
        """Claim no more; `done` is called when nothing of this machine runs."""
        log.info("%s", DRAINING)
        self.draining.set()
        # What is being claimed at this moment is on the ledger after this.
        with self.busy.claiming:
            pass

        def wait() -> None:
            seen = 0
            while not self.stop.is_set():
                with contextlib.suppress(ledger.Away):
                    if not ledger.in_state(self.db, Status.RUNNING, host=self.host, limit=1):
                        break
                seen = self.db.nudge.wait(seen, 0.5)
            done()

        threading.Thread(target=wait, name="drain", daemon=True).start()

    def remarks(self, project: str) -> tuple[str, ...]:
        """What is wrong with ctci itself, and with the project's webhook, for a letter about the project."""
        room, refused = self.floor.remark(), self.current.error
        found = ailments.remarks(self.db, self.current.get(), (project,), room=room, refused=refused)
        return tuple(each.sentence for each in found)

    def ailments(self, projects: Collection[str]) -> tuple[Remark, ...]:
        """The same for a digest of several projects, with a word for its subject."""
        fault = self.containment.keeper_fault
        return ailments.remarks(
            self.db,
            self.current.get(),
            projects,
            room=self.floor.remark(),
            refused=self.current.error,
            unkept=self.containment.sentence if fault is not None else None,
        )


def serve(
    load: Callable[[], config.Config],
    environ: Mapping[str, str],
    *,
    drain: bool = False,
    supervisor: notify.Supervisor | None = None,
    started: Callable[[str], None] = log.info,
    first: Callable[[str], None] = lambda _: None,
) -> int:
    """Run until TERM or INT; the exit code. Raises premises.PremisesError and config.ConfigError before anything runs.

    With `drain` the first TERM or INT waits for the jobs that run, and starts no other; USR1 asks for that at any time.
    `first` is given the first token, where one was made.
    """
    told = supervisor or notify.Supervisor()
    current = config.Current(load, clock.now)
    settings = current.get()
    place = layout.at(settings.server.data_dir, settings.server.mirrors_dir)
    premises.open_folder(place)
    with premises.hold(place):
        sockets = premises.bind(settings.server.listen, place)
        orders: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            signal.signal(number, lambda seen, _frame: orders.put(seen))
        service, server, wake = start(current, place, environ, sockets)
        token = premises.first_token(service.db, place)
        if token is not None:
            log.info(
                "a first token, of the tier admin, lies in %s; `ctci token rotate admin` makes it another",
                place.admin_token,
            )
            first(token)
        try:
            if server.opened.wait(OPEN_S):
                started(f"ctci serves {settings.server.public_url} from {place.data}")
                told.ready(service.state())
                if told.listens:
                    service.begin("watchdog", lambda stop: service.vouch(told, stop))
            while (order := orders.get()) in (signal.SIGHUP, signal.SIGUSR1) or (
                drain and not service.draining.is_set()
            ):
                if order == signal.SIGHUP:
                    told.reloading()
                    reload(current)
                    told.ready(service.state())
                elif not service.draining.is_set():
                    service.drain(lambda: orders.put(signal.SIGTERM))
        finally:
            told.stopping()
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
    adoption.number_on(db, place)
    floor = Floor(place, current)
    found = containment.probe(place.jobs)
    log.info("what jobs are kept in: %s", found.sentence)
    service = Service(db=db, layout=place, current=current, floor=floor, containment=found, host=host)
    boot_id = adoption.boot()
    adopted = {each.job.slot or 0: each for each in adoption.take_over(db, place, host=host, boot_id=boot_id)}
    premises.clean_slots(place, spare=adopted.keys())

    reader, wake = os.pipe()
    prepare = Prepare(db, place, current, environ)
    # What this machine's last life was about to send is tried again at once.
    holder = f"host {host}"
    ledger.release(db, holder)
    letters = Courier(db, Transitions(db, place, current, environ, service.remarks), holder)
    almanac = Almanac(db, current)
    digests = Courier(db, Digests(db, place, current, environ, almanac, service.ailments), holder)
    commit_statuses = Courier(db, CommitStatuses(db, current, environ), holder)
    called = (
        Webhooks(db, current, environ),
        Chats(db, current, environ),
        Heartbeats(current, environ),
        Traces(db, current, environ, version=ctci.__version__),
    )

    def worker(slot: int) -> Worker:
        return Worker(
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
            adopted=adopted.get(slot),
            pause=service.draining,
            busy=service.busy,
        )

    asking = Asking(layout=place, environ=environ)
    upkeep = tidy.Upkeep(db, place, current)
    slots = range(1, current.get().server.max_jobs + 1)
    loops: list[tuple[str, Callable[[threading.Event], None]]] = [
        ("prepare", prepare.run),
        ("second prepare", prepare.run),
        *((f"slot {slot}", worker(slot).run) for slot in slots),
        ("letters", letters.run),
        ("digests", digests.run),
        ("statuses", commit_statuses.run),
        *((f"calls by {sink.name}", Courier(db, sink, holder).run) for sink in called),
        ("nightly", Nightly(db, current, asking).run),
        ("sweep", Sweep(db, current, asking).run),
        ("hunter", Hunter(db, place, current).run),
        ("tidy", upkeep.run),
        ("configuration", lambda stop: watch(current, stop)),
        ("spool", lambda stop: empty_spool(db, place, current, stop)),
    ]
    doors = Doors(
        db=db,
        layout=place,
        current=current,
        environ=environ,
        ready=service.ready,
        remarks=service.ailments,
        stopping=service.stop.is_set,
        busy=lambda: service.busy.running,
        sizes=lambda: upkeep.sizes,
    )
    server = Server(app.build(doors), sockets, service.stop)
    for name, body in [*loops, ("web", server.run)]:
        service.begin(name, body)
    # max-jobs was larger when they were claimed: seen to their end, and no more is claimed there.
    for slot in adopted.keys() - {*slots}:
        service.begin(f"slot {slot}", worker(slot).see_out, lasting=False)
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


def watch(current: config.Current, stop: threading.Event) -> None:
    """Reload when what the last attempt looked at has changed, and has stayed so for a moment, until `stop`."""
    before = tried = current.looked
    while not clock.wait(stop, WATCH_S):
        try:
            now = current.look()
            if now == before and now not in (current.looked, tried):
                tried = now
                reload(current)
            before = now
        except Exception:  # a loop that dies silently is the worst fault
            log.exception("the configuration could not be looked at; trying again")


def reload(current: config.Current) -> None:
    """Read the configuration again; a broken one leaves the old one in force."""
    try:
        current.reload()
        log.info("configuration reloaded")
    except config.ConfigError as error:
        log.error("the configuration was not reloaded, the old one stays in force: %s", error)


def empty_spool(db: ledger.Ledger, place: Layout, current: config.Current, stop: threading.Event) -> None:
    """Record what hooks left in the spool, every two seconds until `stop`."""
    while not stop.is_set():
        try:
            spool.drain(place, lambda each: desk.spooled(db, current.get(), each))
        except Exception:  # a loop that dies silently is the worst fault
            log.exception("the spool could not be read; trying again")
        clock.wait(stop, SPOOL_S)

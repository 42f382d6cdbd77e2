"""Nightly: schedules that are due become triggers. The only file that knows APScheduler.

APScheduler only wakes; what is due is decided by `cron.due` and fenced by the ledger, so that waking early, late, twice
or never changes nothing. A look at all of them every half minute heals a clock that was set.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from ctci import clock, config, ledger, trail
from ctci.config.settings import Config, Project, Schedule
from ctci.model import Entry, Reckoned
from ctci.receive import cron, firing, scheduled, whose
from ctci.receive.asking import Asking, Unanswered

log = logging.getLogger(__name__)

#: All schedules are looked at so often at least, seconds.
EVERY_S = 30
#: A clock that is set by more than this is noticed, seconds.
STEP_S = 10
#: Remotes that are asked at once.
AT_ONCE = 8
#: A schedule that is decided farther ahead than this was so by a clock that was wrong, milliseconds.
FAR_MS = 26 * 3600 * 1000
#: What is configured no more is kept for so long, milliseconds: it may come again, or be another server's.
FORGET_MS = 40 * 24 * 3600 * 1000
#: (project, schedule)
Place = tuple[str, str]


class Times(BaseTrigger):  # type: ignore[misc] # it ships no types
    """The moments at which a schedule fires, its jitter among them."""

    def __init__(self, line: str, timezone: str, delay_s: int) -> None:
        self._line = line
        self._timezone = timezone
        self._delay = timedelta(seconds=delay_s)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first after the last one, or after `now`."""
        after = (previous_fire_time or now) - self._delay
        at = cron.next_after(self._line, self._timezone, int(after.timestamp() * 1000)).at
        return datetime.fromtimestamp(at / 1000, UTC) + self._delay


class Nightly:
    """The loop."""

    def __init__(self, db: ledger.Ledger, current: config.Current, asking: Asking) -> None:
        self._db = db
        self._current = current
        self._asking = asking
        self._started_at = clock.now()
        self._awake = threading.Event()
        # Why a schedule that is due could not fire yet.
        self._held_up: dict[Place, str] = {}
        # What is being decided now: one remote that hangs holds nobody else up.
        self._flights: dict[Place, Future[None]] = {}
        # The configuration by which each was there last, and those that are not there now: a folder of [each] may be
        # away for a moment, and what is taken out of the configuration and put in again begins anew.
        self._there: dict[Place, int] = {}
        self._away: set[Place] = set()

    def run(self, stop: threading.Event) -> None:
        """Fire what is due until `stop`."""
        clocks = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        # It tells of each waking.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        clocks.start()
        arranged: object = None
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="nightly")
        try:
            while not stop.is_set():
                self._awake.clear()
                try:
                    found = self._schedules()
                    # When the clock was set, what was arranged by the one before is of no use.
                    step = round((clock.now() / 1000 - clock.monotonic()) / STEP_S)
                    wanted = step, {place: (one.cron, one.timezone, one.jitter_s) for place, (_, one) in found.items()}
                    if wanted != arranged:
                        self._arrange(clocks, found)
                        arranged = wanted
                    self.tick(pool, stop.is_set)
                except Exception:  # a loop that dies silently is the worst fault
                    log.exception("schedules could not be looked at; trying again")
                self._sleep(stop)
        finally:
            clocks.shutdown(wait=False)
            pool.shutdown(cancel_futures=True)

    def _sleep(self, stop: threading.Event) -> None:
        """Until woken, or another configuration is in force, and never longer than EVERY_S: the clock may be set."""
        rung, seen, end = 0, self._current.generation, clock.monotonic() + EVERY_S
        while not stop.is_set() and seen == self._current.generation and clock.monotonic() < end:
            # On the ledger's bell, which the end of the server rings too: it need not wait out a second.
            rung = self._db.nudge.wait(rung, 1.0)
            if self._awake.is_set():
                return

    def _wake(self) -> None:
        self._awake.set()
        self._db.nudge.ring()

    def _arrange(self, clocks: BackgroundScheduler, found: Mapping[Place, tuple[Project, Schedule]]) -> None:
        clocks.remove_all_jobs()
        for place, (_, schedule) in found.items():
            clocks.add_job(self._wake, Times(schedule.cron, schedule.timezone, _delay_s(place, schedule)))

    def _schedules(self) -> dict[Place, tuple[Project, Schedule]]:
        """All that is configured now."""
        settings = self._current.get()
        if not any(each.schedules for each in (*settings.projects.values(), *_tables(settings))):
            return {}
        return {
            (project.name, schedule.name): (project, schedule)
            for project in whose.every(self._db, settings).values()
            for schedule in project.schedules.values()
        }

    def tick(self, pool: Executor, stopped: Callable[[], bool] = lambda: False) -> None:
        """Begin to decide every schedule up to now."""
        now = clock.now()
        for place in [place for place, flight in self._flights.items() if flight.done()]:
            fault = self._flights.pop(place).exception()
            if fault is not None:
                log.error("the schedule %s of %s failed; trying again", place[1], place[0], exc_info=fault)
        found = self._schedules()
        known = ledger.reckoned(self._db)
        self._away |= self._there.keys() - found.keys()
        gone = [place for place in known.keys() - found.keys() if known[place].since < now - FORGET_MS]
        if gone:
            ledger.unschedule(self._db, gone)
        for place, (project, schedule) in found.items():
            if place not in self._flights and (row := self._row(place, schedule, known.get(place), now)) is not None:
                other = (row.line, row.timezone) != (schedule.cron, schedule.timezone)
                # What the old line's jitter has put off is decided before the new one counts.
                delay_ms = 0 if other else _delay_s(place, schedule) * 1000
                due = cron.due(row.line, row.timezone, row.since, now - delay_ms)
                if due.times:
                    work = _Work(project, schedule, due, now - delay_ms, other, stopped)
                    self._flights[place] = pool.submit(self._fire, work)
                elif other:
                    self._reckon(place, schedule, now)

    def _row(self, place: Place, schedule: Schedule, row: Reckoned | None, now: int) -> Reckoned | None:
        """How far it has been decided; None where it begins anew."""
        generation = self._current.generation
        before = self._there.get(place)
        anew = place in self._away and before != generation
        self._there[place] = generation
        self._away.discard(place)
        if row is None or row.since > now + FAR_MS or anew:
            # Decided by a clock that was far ahead: the keys of the runs keep it from firing twice.
            self._reckon(place, schedule, now)
            return None
        return row

    def _reckon(self, place: Place, schedule: Schedule, now: int) -> None:
        ledger.reckon(self._db, *place, Reckoned(line=schedule.cron, timezone=schedule.timezone, since=now))

    def _fire(self, work: "_Work") -> None:
        """Decide one schedule. What a remote keeps from firing is tried again until it is too late for it."""
        place = work.project.name, work.schedule.name
        decision = firing.decide(work.due, work.now, catch_up_s=work.schedule.catch_up_s)
        asked: tuple[Entry, ...] = ()
        if decision.fire is not None:
            answer = self._ask(work, decision.fire)
            if answer is None and (work.stopped() or not work.last):
                return
            if answer is None:
                # Its line is another now, which is not to wait for this one.
                decision = firing.decide(work.due, work.now, catch_up_s=None)
            asked = answer or ()
        held_up = self._held_up.pop(place, None)
        if decision.last_missed is not None:
            cause = self._cause(decision.last_missed, held_up)
            reason = firing.missed(decision, cause, catch_up_s=work.schedule.catch_up_s)
            lost = scheduled.missed(work.project, work.schedule, decision.last_missed, decision.missed, reason)
            asked = (lost, *asked)
        for made in ledger.fire(self._db, *place, until=work.due.times[-1].at, found=asked) or ():
            with trail.about(delivery=made.delivery, run=made.run):
                log.info("%s: %s", work.project.name, made.reason)
        if work.last:
            self._reckon(place, work.schedule, clock.now())

    def _ask(self, work: "_Work", nominal: cron.Nominal) -> tuple[Entry, ...] | None:
        """What the schedule asks for at this time; None where the remote did not answer."""
        project, schedule, settings = work.project, work.schedule, self._current.get()
        if work.stopped():
            return None
        try:
            told = self._asking.ask(settings, project, work.stopped)
        except Unanswered as error:
            if not work.stopped():
                if (project.name, schedule.name) not in self._held_up:
                    log.warning("the schedule %s of %s waits: %s", schedule.name, project.name, error)
                self._held_up[project.name, schedule.name] = str(error)
            return None
        return scheduled.asked(self._db, settings, project, schedule, told, at=nominal)

    def _cause(self, missed: cron.Nominal, held_up: str | None) -> str:
        """Why a time has not fired."""
        if held_up is not None:
            return f"the remote did not answer: {held_up}"
        if missed.at < self._started_at:
            return "no server with this schedule was running"
        return "ctci came too late to it: the machine slept, or its clock was set"


@dataclass(frozen=True)
class _Work:
    """A schedule that is to be decided."""

    project: Project
    schedule: Schedule
    due: cron.Due
    #: Unix ms, its jitter taken from it.
    now: int
    #: Whether its line is another now: what was due by the old one is decided for good.
    last: bool
    stopped: Callable[[], bool]


def _delay_s(place: Place, schedule: Schedule) -> int:
    """By how much all its times are put off: the same for ever, so that their order stays."""
    return cron.jitter("/".join(place), schedule.jitter_s)


def _tables(settings: Config) -> tuple[Project, ...]:
    return tuple(each.project for each in settings.each.values())

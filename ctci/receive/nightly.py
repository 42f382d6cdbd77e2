"""Nightly: schedules that are due become triggers. The only file that knows APScheduler.

APScheduler only wakes; what is due is decided by `cron.due` and fenced by the ledger, so that waking early, late, twice
or never changes nothing. A look at all of them every half minute heals a clock that was set.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from ctci import clock, config, ledger
from ctci.config.settings import Config, Project, Schedule
from ctci.model import Entry, Reckoned
from ctci.receive import cron, firing, scheduled, whose
from ctci.receive.asking import Asking, Unanswered

log = logging.getLogger(__name__)

#: All schedules are looked at so often, seconds.
EVERY_S = 30
#: Remotes that are asked at once.
AT_ONCE = 8
#: A schedule that is decided farther ahead than this was so by a clock that was wrong, milliseconds.
FAR_MS = 26 * 3600 * 1000
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

    def run(self, stop: threading.Event) -> None:
        """Fire what is due until `stop`."""
        clocks = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        # It tells of each waking.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        clocks.start()
        arranged: object = None
        try:
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="nightly") as pool:
                while not stop.is_set():
                    self._awake.clear()
                    try:
                        found = self._schedules()
                        wanted = {
                            place: (each.cron, each.timezone, each.jitter_s) for place, (_, each) in found.items()
                        }
                        if wanted != arranged:
                            self._arrange(clocks, found)
                            arranged = wanted
                        self.tick(pool, stop.is_set)
                    except Exception:  # a loop that dies silently is the worst fault
                        log.exception("schedules could not be looked at; trying again")
                    self._sleep(stop)
        finally:
            clocks.shutdown(wait=False)

    def _sleep(self, stop: threading.Event) -> None:
        """Until woken, or until another configuration is in force."""
        seen = self._current.generation
        while not stop.is_set() and seen == self._current.generation and not self._awake.wait(1.0):
            pass

    def _arrange(self, clocks: BackgroundScheduler, found: Mapping[Place, tuple[Project, Schedule]]) -> None:
        clocks.remove_all_jobs()
        clocks.add_job(self._awake.set, IntervalTrigger(seconds=EVERY_S, timezone=UTC))
        for place, (_, schedule) in found.items():
            clocks.add_job(self._awake.set, Times(schedule.cron, schedule.timezone, _delay_s(place, schedule)))

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
        """Decide every schedule up to now."""
        now = clock.now()
        found = self._schedules()
        known = ledger.reckoned(self._db)
        if known.keys() - found.keys():
            ledger.unschedule(self._db, known.keys() - found.keys())
        work = []
        for place, (project, schedule) in found.items():
            row = known.get(place)
            if row is None or row.since > now + FAR_MS:
                # New here; or decided by a clock that was far ahead: the keys of the runs keep it from firing twice.
                self._reckon(place, schedule, now)
                continue
            due = cron.due(row.line, row.timezone, row.since, now - _delay_s(place, schedule) * 1000)
            if due.times:
                work.append(pool.submit(self._fire, project, schedule, due, now, stopped))
            elif (row.line, row.timezone) != (schedule.cron, schedule.timezone):
                # All that was due by the old line has been decided before.
                self._reckon(place, schedule, now)
        for each in work:
            each.result()

    def _reckon(self, place: Place, schedule: Schedule, now: int) -> None:
        ledger.reckon(self._db, *place, Reckoned(line=schedule.cron, timezone=schedule.timezone, since=now))

    def _fire(self, project: Project, schedule: Schedule, due: cron.Due, now: int, stopped: Callable[[], bool]) -> None:
        """Decide one schedule. What a remote keeps from firing is tried again until it is too late for it."""
        place = project.name, schedule.name
        delay_ms = _delay_s(place, schedule) * 1000
        decision = firing.decide(due, now - delay_ms, catch_up_s=schedule.catch_up_s)
        settings = self._current.get()
        asked: tuple[Entry, ...] = ()
        if decision.fire is not None:
            try:
                told = self._asking.ask(settings, project, stopped)
            except Unanswered as error:
                if place not in self._held_up:
                    log.warning("the schedule %s of %s waits: %s", schedule.name, project.name, error)
                self._held_up[place] = str(error)
                return
            asked = scheduled.asked(self._db, settings, project, schedule, told, at=decision.fire)
        cause = self._held_up.pop(place, None)
        if decision.last_missed is not None:
            if cause is not None:
                cause = f"the remote did not answer: {cause}"
            elif decision.last_missed.at + delay_ms < self._started_at:
                cause = "no server was running"
            else:
                cause = "ctci came too late to it: the machine slept, or its clock was set"
            reason = firing.missed(decision, cause, catch_up_s=schedule.catch_up_s)
            asked = (scheduled.missed(project, schedule, decision.last_missed, reason), *asked)
        made = ledger.fire(self._db, *place, until=due.times[-1].at, found=asked)
        for each in made or ():
            log.info("%s: %s", project.name, each.reason)


def _delay_s(place: Place, schedule: Schedule) -> int:
    """By how much all its times are put off: the same for ever, so that their order stays."""
    return cron.jitter("/".join(place), schedule.jitter_s)


def _tables(settings: Config) -> tuple[Project, ...]:
    return tuple(each.project for each in settings.each.values())

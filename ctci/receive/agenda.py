"""What the schedules will do, and what they did: for `ctci schedule` and the page Schedule."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from ctci import ledger
from ctci.config.settings import Config, Project, Schedule
from ctci.model import HEADS, Fired, Order, Trigger
from ctci.receive import cron, plan, whose

DAY_MS = 24 * 3600 * 1000
#: Of one schedule at most so many times are shown; of one that fires more often in that time only the first few.
EACH, OFTEN = 14, 3


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """A time at which a schedule will fire."""

    project: str
    schedule: Schedule
    nominal: cron.Nominal
    #: The recipes that it will run, such as `api:fuzz`; those that no push runs first.
    recipes: tuple[str, ...]
    #: The median of what its last runs took, seconds; None where there is none.
    takes_s: float | None

    @property
    def local(self) -> datetime:
        """In the schedule's own time zone."""
        return datetime.fromisoformat(self.nominal.key)


@dataclass(frozen=True, kw_only=True)
class Past:
    """What became of a nominal time."""

    #: The schedule's name.
    schedule: str
    fired: Fired

    @property
    def missed(self) -> bool:
        return self.fired.delivery.event == "missed"


@dataclass(frozen=True, kw_only=True)
class Agenda:
    """All schedules, as far as one looks."""

    ahead: tuple[Ahead, ...]
    #: (project, schedule) -> how many more times it fires in that time.
    more: Mapping[tuple[str, str], int]
    #: What became of past times, the newest first.
    past: tuple[Past, ...]


def agenda(
    db: ledger.Ledger, settings: Config, *, now: int, days: int, within: Collection[str] | None = None
) -> Agenda:
    """The next days from `now` (Unix ms), and the last seven; with `within` only of these projects."""
    chosen = [each for name, each in whose.every(db, settings).items() if within is None or name in within]
    took = ledger.took(db)
    ahead: list[Ahead] = []
    more: dict[tuple[str, str], int] = {}
    for each in chosen:
        for schedule in each.schedules.values():
            times = cron.upcoming(schedule.cron, schedule.timezone, now, now + days * DAY_MS, EACH + 1)
            recipes = _recipes(each, schedule)
            seconds = took.get((each.name, schedule.name))
            ahead += (
                Ahead(
                    project=each.name,
                    schedule=schedule,
                    nominal=nominal,
                    recipes=recipes,
                    takes_s=median(seconds) if seconds else None,
                )
                for nominal in (times if len(times) <= EACH else times[:OFTEN])
            )
            if len(times) > EACH:
                due = cron.due(schedule.cron, schedule.timezone, times[OFTEN - 1].at, now + days * DAY_MS, most=1)
                more[each.name, schedule.name] = due.earlier + len(due.times)
    ahead.sort(key=lambda one: (one.nominal.at, one.project, one.schedule.name))
    past = tuple(
        Past(schedule=cron.schedule_of(one.delivery.key), fired=one)
        for one in ledger.fired(db, after=now - 7 * DAY_MS, within=within)
    )
    return Agenda(ahead=tuple(ahead), more=more, past=past)


def orders(project: Project, schedule: Schedule) -> tuple[Order, ...]:
    """What a schedule asks for when it fires."""
    trigger = Trigger(kind="schedule", key="", project=project.name, ref=HEADS + "main", schedule=schedule.name)
    return plan.plan(trigger, project, log_cap=0).orders


def _recipes(project: Project, schedule: Schedule) -> tuple[str, ...]:
    orders_ = orders(project, schedule)
    own = [order.place for order in orders_ if order.recipe.on is not None and "push" not in order.recipe.on]
    return (*own, *(order.place for order in orders_ if order.place not in own))


def told(recipes: Sequence[str]) -> str:
    """`api:fuzz`, `api:fuzz, web:e2e`, or `8, with api:fuzz`."""
    if len(recipes) > 2:
        return f"{len(recipes)}, with {recipes[0]}"
    return ", ".join(recipes) or "nothing"


def named(db: ledger.Ledger, settings: Config, text: str) -> list[tuple[Project, Schedule]]:
    """The schedules that `nightly` or `shop/nightly` means."""
    wanted, _, name = text.rpartition("/")
    return [
        (project, schedule)
        for project in whose.every(db, settings).values()
        for schedule in project.schedules.values()
        if schedule.name == name and wanted in ("", project.name)
    ]

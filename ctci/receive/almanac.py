"""When schedules fire, for who waits for them: the digest. Handed to it by the roof."""

from collections.abc import Collection, Sequence

from ctci import config, ledger
from ctci.model import short_ref
from ctci.receive import cron, firing, whose

#: How far ahead the next time of a schedule is looked for, and how many of its times are, in two days.
FAR_MS, MOST = 60 * 24 * 3600 * 1000, 3000
#: (project, ref)
Place = tuple[str, str]


class Almanac:
    """Of all schedules of the configuration in force."""

    def __init__(self, db: ledger.Ledger, current: config.Current) -> None:
        self._db = db
        self._current = current

    def firings(
        self, schedule: str, projects: Collection[str], since: int, until: int
    ) -> tuple[tuple[int, int | None], ...]:
        """(nominal time, when all that it asked for had ended) of the schedules of that name, Unix milliseconds.

        The second is None while something of it runs, or has not begun.
        """
        every = whose.every(self._db, self._current.get())
        decided: dict[str, list[int | None]] = {}
        # A time is decided a little after it has come, so what was decided since covers what was due since.
        fired = ledger.fired(self._db, after=since, each=MOST)
        numbers = {one.delivery.run for one in fired if one.delivery.run is not None}
        runs = {run.id: run for run in ledger.runs_(self._db, ids=numbers, limit=len(numbers) or 1)}
        for one in fired:
            # What a schedule asks for of several branches has the same beginning.
            asked = one.delivery.key.partition(":refs/")[0]
            run = runs.get(one.delivery.run or 0)
            decided.setdefault(asked, []).append(one.delivery.at if run is None else run.finished_at)
        found = []
        for name in projects:
            planned = every[name].schedules.get(schedule) if name in every else None
            if planned is None:
                continue
            for nominal in cron.upcoming(planned.cron, planned.timezone, since, until, MOST):
                ends = decided.get(cron.schedule_key(name, schedule, nominal))
                found.append((nominal.at, _last(ends)))
        return tuple(sorted(found, key=lambda each: each[0]))

    def following(self, places: Collection[Place], after: int) -> dict[Place, int]:
        """By (project, ref) when a schedule next runs there, Unix milliseconds; of those where one does."""
        every = whose.every(self._db, self._current.get())
        learnt = ledger.default_branches(self._db)
        found: dict[Place, int] = {}
        for name in {name for name, _ in places if name in every}:
            refs = [ref for project, ref in places if project == name]
            default = short_ref(every[name].default_ref(learnt.get(name)))
            for schedule in every[name].schedules.values():
                times = cron.upcoming(schedule.cron, schedule.timezone, after, after + FAR_MS, 1)
                for ref in firing.wanted(schedule, refs, default) if times else ():
                    found[name, ref] = min(times[0].at, found.get((name, ref), times[0].at))
        return found


def _last(ends: Sequence[int | None] | None) -> int | None:
    known = [end for end in ends or () if end is not None]
    return max(known) if known and len(known) == len(ends or ()) else None

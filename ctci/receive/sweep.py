"""The sweep: asks each remote from time to time where its refs stand, and records what no hook told of.

A look costs one call; nothing is fetched where nothing moved. What differs is looked at once more a moment later: a
hook that is on its way comes first. A remote that does not answer is asked less often.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ctci import clock, config, git, ledger, trail
from ctci.config.settings import Config, Project
from ctci.model import Entry, Recorded, Ref, Remote, Silence, Trigger, short_ref
from ctci.receive import desk, plan, whose
from ctci.receive.asking import Asking, Unanswered

log = logging.getLogger(__name__)

#: Remotes that are asked at once.
AT_ONCE = 4
#: How long a hook may be on its way, seconds; of a short interval a tenth.
GRACE_S = 60.0
#: A remote that does not answer is asked at least so often, seconds.
RARELY_S = 6 * 3600.0
#: What is said of a push that the sweep found.
NOBODY = "no hook told of this push"
#: How often the loop looks for what is due, seconds.
TICK_S = 2.0


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """When a project is looked at next."""

    #: On the clock that only goes forward, seconds.
    due: float
    #: Its remote and interval, and the configuration that told them: one that failed is tried again by another.
    of: tuple[Remote, int | None]
    generation: int
    #: Looks in a row that were not answered.
    failed: int = 0
    #: The refs that stood elsewhere than was known, each with what was known of it.
    doubts: Mapping[str, str | None] = field(default_factory=dict)


class Sweep:
    """The loop."""

    def __init__(self, db: ledger.Ledger, current: config.Current, asking: Asking) -> None:
        self._db = db
        self._current = current
        self._asking = asking
        self._plans: dict[str, _Plan] = {}
        # Who is looked at now: one remote that hangs holds nobody else up.
        self._flights: dict[str, Future[_Plan]] = {}

    def run(self, stop: threading.Event) -> None:
        """Look at what is due until `stop`."""
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sweep")
        try:
            while not stop.is_set():
                try:
                    self.tick(pool, stop.is_set)
                except Exception:  # a loop that dies silently is the worst fault
                    log.exception("the sweep failed; trying again")
                clock.wait(stop, TICK_S)
        finally:
            pool.shutdown(cancel_futures=True)

    def tick(self, pool: Executor, stopped: Callable[[], bool] = lambda: False) -> None:
        """Take in what has been looked at, and begin to look at what is due."""
        for name in [name for name, flight in self._flights.items() if flight.done()]:
            self._plans[name] = self._flights.pop(name).result()
        every = whose.every(self._db, self._current.get())
        swept = {name: project for name, project in every.items() if project.sweep_s is not None}
        self._plans = {name: self._plan(project) for name, project in swept.items()}
        now = clock.monotonic()
        for name, project in swept.items():
            if name not in self._flights and self._plans[name].due <= now:
                self._flights[name] = pool.submit(self._look, project, self._plans[name], stopped)

    def _plan(self, project: Project) -> _Plan:
        """The plan that it has; one that is new here, or another, is looked at now."""
        generation, of = self._current.generation, (project.remote, project.sweep_s)
        plan = self._plans.get(project.name)
        if plan is None or plan.of != of or (plan.failed and plan.generation != generation):
            return _Plan(due=clock.monotonic(), of=of, generation=generation)
        return plan

    def _look(self, project: Project, before: _Plan, stopped: Callable[[], bool]) -> _Plan:
        """Look at one remote, record what is to be recorded, and plan the next look."""
        if stopped():
            return before
        try:
            return self._next(project, before, stopped)
        except (Unanswered, ledger.Away) as error:
            why = str(error)
        except Exception as error:
            log.exception("the sweep of %s failed", project.name)
            why = type(error).__name__
        if not before.failed and not stopped():
            log.warning("the sweep of %s: %s", project.name, why)
        wait = clock.spread(min(float(project.sweep_s or 0) * 2 ** min(before.failed, 20), RARELY_S))
        return replace(before, due=clock.monotonic() + wait, failed=before.failed + 1, doubts={})

    def _next(self, project: Project, before: _Plan, stopped: Callable[[], bool]) -> _Plan:
        """Look, record what differs as it did at the last look, and plan the next one."""
        settings = self._current.get()
        told = self._asking.ask(settings, project, stopped)
        known = ledger.refs_(self._db, project.name)
        doubts = differences(known, told)
        sure = [
            ref
            for ref, commit in doubts.items()
            if ref in before.doubts and before.doubts[ref] == commit and not (ref in known and known[ref].open)
        ]
        for made in record(self._db, settings, project, told, known, sure) if sure else ():
            with trail.about(delivery=made.delivery, run=made.run):
                log.info("%s: %s %s", project.name, short_ref(made.ref or ""), made.reason)
        left = {ref: commit for ref, commit in doubts.items() if ref not in sure}
        interval = float(project.sweep_s or 0)
        grace = min(GRACE_S, interval / 10)
        # So that what differs is found at one look and recorded at another within one interval.
        wait = grace if left else clock.spread((interval - grace) / 1.2)
        return replace(before, due=clock.monotonic() + wait, failed=0, doubts=left)


def silences(db: ledger.Ledger, settings: Config) -> tuple[Silence, ...]:
    """The webhooks that should have called, and did not."""
    found = []
    for each in ledger.silences(db):
        project = config.project(settings, each.project)
        # Of one that no hook was ever made for, the sweep is all that there is.
        if project is not None and (each.since is not None or project.webhook_secret is not None):
            found.append(each)
    return tuple(found)


def differences(known: Mapping[str, Ref], told: git.Told) -> dict[str, str | None]:
    """The refs that are not where they are known to be, with the commit that is known: "" of one gone, None of none."""
    here = {ref: at.commit for ref, at in known.items()}
    found: dict[str, str | None] = {
        ref: here.get(ref) for ref, ids in told.refs.items() if ref not in here or here[ref] not in ids
    }
    # A remote without any ref is rather one that was set up anew than one where all was deleted at once.
    gone = {ref: commit for ref, commit in here.items() if commit and ref not in told.refs} if told.refs else {}
    return found | gone


def record(
    db: ledger.Ledger,
    settings: Config,
    project: Project,
    told: git.Told,
    known: Mapping[str, Ref],
    refs: Collection[str],
) -> tuple[Recorded, ...]:
    """Record these refs as they stand now: what moved is built, what was never heard of is known from now on."""
    default = ledger.default_branch(db, project.name)
    base = Entry(project=project.name, forge="ctci", event="look", key=f"sweep:{clock.new_key()}", reason="")
    fresh = {ref: told.refs[ref][0] for ref in refs if ref not in known}
    here = {ref: told.refs[ref][0] for ref in refs if ref in known and ref in told.refs}
    # A hook told of these, and they could not be had then.
    heard = ledger.told_of(db, project.name, here)
    moved = [
        _moved(settings, project, told, ref, known[ref].commit or None, default, heard=ref in heard) for ref in here
    ]
    gone = [
        replace(base, ref=ref, deleted=True, reason=f"{short_ref(ref)} is gone, and no hook told so")
        for ref in refs
        if ref not in told.refs
    ]
    seen = replace(base, ref=next(iter(fresh)) if len(fresh) == 1 else None, reason=_seen(project.name, list(fresh)))
    return ledger.sweep(db, project.name, fresh=fresh, seen=seen, moved=moved, gone=gone)


def _moved(
    settings: Config,
    project: Project,
    told: git.Told,
    ref: str,
    before: str | None,
    default: str | None,
    *,
    heard: bool,
) -> Entry:
    """What was pushed, as its hook would have told."""
    trigger = Trigger(
        kind="sweep",
        key=f"sweep:{clock.new_key()}",
        project=project.name,
        ref=ref,
        before=before,
        after=told.refs[ref][0],
        default_branch=told.default_branch,
    )
    planned = plan.plan(trigger, project, default_branch=default, log_cap=settings.server.limit_log)
    return Entry(
        project=project.name,
        forge="ctci",
        event="retry" if heard else "sweep",
        key=trigger.key,
        ref=ref,
        reason=f"{planned.reason}; {'once more: it could not be had before' if heard else NOBODY}",
        trigger=trigger,
        orders=planned.orders,
        priority=desk.PUSH,
    )


def _seen(project: str, refs: Sequence[str]) -> str:
    """What is said of refs that were never heard of."""
    names = ", ".join(short_ref(ref) for ref in refs[:3]) + (f" and {len(refs) - 3} more" if len(refs) > 3 else "")
    return f"seen for the first time, and not built: {names}; `ctci run {project} --ref NAME` builds one"

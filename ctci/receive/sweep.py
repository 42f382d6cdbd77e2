"""The sweep: asks each remote from time to time where its refs stand, and records what no hook told of.

A look costs one call; nothing is fetched where nothing moved. What differs is looked at once more a moment later: a
hook that is on its way comes first. A remote that does not answer is asked less often.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ctci import clock, config, git, ledger
from ctci.config.settings import Config, Project
from ctci.model import Entry, Recorded, Ref, Silence, Trigger, short_ref
from ctci.receive import desk, plan, whose
from ctci.receive.asking import Asking, Unanswered

log = logging.getLogger(__name__)

#: Remotes that are asked at once.
AT_ONCE = 4
#: How long a hook may be on its way, seconds; of a short interval a tenth.
GRACE_S = 60.0
#: A remote that does not answer is asked at least so often, seconds.
RARELY_S = 6 * 3600.0
#: How often the loop looks for what is due, seconds.
TICK_S = 2.0


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """When a project is looked at next."""

    #: On the clock that only goes forward, seconds.
    due: float
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

    def run(self, stop: threading.Event) -> None:
        """Look at what is due until `stop`."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sweep") as pool:
            while not stop.is_set():
                try:
                    list(pool.map(lambda project: self.look(project, stop.is_set), self.due()))
                except Exception:  # a loop that dies silently is the worst fault
                    log.exception("the sweep failed; trying again")
                clock.wait(stop, TICK_S)

    def due(self) -> list[Project]:
        """The projects whose time has come; one that is new here is looked at now."""
        now = clock.monotonic()
        every = whose.every(self._db, self._current.get())
        swept = {name: project for name, project in every.items() if project.sweep_s is not None}
        self._plans = {name: self._plans.get(name, _Plan(due=now)) for name in swept}
        return [project for name, project in swept.items() if self._plans[name].due <= now]

    def look(self, project: Project, stopped: Callable[[], bool] = lambda: False) -> None:
        """Look at one remote, record what is to be recorded, and plan the next look."""
        before = self._plans.get(project.name, _Plan(due=0))
        try:
            after = self._next(project, before, stopped)
        except Unanswered as error:
            after = self._later(project, before, str(error))
        except ledger.Away as away:
            after = self._later(project, before, str(away))
        except Exception as error:
            log.exception("the sweep of %s failed", project.name)
            after = self._later(project, before, type(error).__name__)
        if not stopped():
            self._plans[project.name] = after

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
            log.info("%s: %s %s", project.name, short_ref(made.ref or ""), made.reason)
        left = {ref: commit for ref, commit in doubts.items() if ref not in sure}
        interval = float(project.sweep_s or 0)
        grace = min(GRACE_S, interval / 10)
        # So that what differs is found at one look and recorded at another within one interval.
        wait = grace if left else clock.spread((interval - grace) / 1.2)
        return _Plan(due=clock.monotonic() + wait, doubts=left)

    def _later(self, project: Project, before: _Plan, why: str) -> _Plan:
        failed = before.failed + 1
        wait = clock.spread(min(float(project.sweep_s or 0) * 2 ** min(failed - 1, 20), RARELY_S))
        if failed == 1:
            log.warning("the sweep of %s: %s", project.name, why)
        return _Plan(due=clock.monotonic() + wait, failed=failed)


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
    moved = [
        _moved(settings, project, told, ref, known[ref].commit or None, default)
        for ref in refs
        if ref in known and ref in told.refs
    ]
    gone = [
        replace(base, ref=ref, deleted=True, reason=f"{short_ref(ref)} is gone, and no hook told so")
        for ref in refs
        if ref not in told.refs
    ]
    seen = replace(base, ref=next(iter(fresh)) if len(fresh) == 1 else None, reason=_seen(project.name, list(fresh)))
    return ledger.sweep(db, project.name, fresh=fresh, seen=seen, moved=moved, gone=gone)


def _moved(
    settings: Config, project: Project, told: git.Told, ref: str, before: str | None, default: str | None
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
        event="sweep",
        key=trigger.key,
        ref=ref,
        reason=f"{planned.reason}; no hook told of this push",
        trigger=trigger,
        orders=planned.orders,
        priority=desk.PUSH,
    )


def _seen(project: str, refs: Sequence[str]) -> str:
    """What is said of refs that were never heard of."""
    names = ", ".join(short_ref(ref) for ref in refs[:3]) + (f" and {len(refs) - 3} more" if len(refs) > 3 else "")
    return f"seen for the first time, and not built: {names}; `ctci run {project} --ref NAME` builds one"

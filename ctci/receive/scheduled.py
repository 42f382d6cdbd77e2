"""What a schedule asks for when it fires: a trigger for each branch that it is about, or the reason for none."""

from collections.abc import Sequence
from dataclasses import replace

from ctci import clock, git, ledger
from ctci.config.settings import Config, Project, Schedule
from ctci.model import HEADS, Entry, Order, Recorded, Trigger
from ctci.receive import cron, desk, firing, plan


def asked(
    db: ledger.Ledger,
    settings: Config,
    project: Project,
    schedule: Schedule,
    told: git.Told,
    *,
    at: cron.Nominal | None,
    by: str | None = None,
) -> tuple[Entry, ...]:
    """What a schedule asks for, of each branch that it is about; `at` its nominal time, or `by` who asks for it now.

    `told`: where the remote's refs stand.
    """
    default = _default(project, told, ledger.default_branch(db, project.name))
    refs = firing.wanted(schedule, told.refs, default)
    moment = at or cron.Nominal(at=clock.now(), key=clock.new_key())
    key = cron.schedule_key(project.name, schedule.name, moment)
    base = Entry(
        project=project.name,
        forge="ctci",
        event="schedule",
        key=key,
        pusher=by,
        reason="",
        priority=desk.PERSON if by else desk.SCHEDULE,
    )
    when = f", {at.key}" if at is not None else f", asked for by {by}"
    if not refs:
        what = f"no branch that matches {', '.join(schedule.branches)}" if schedule.branches else f"no branch {default}"
        return (replace(base, reason=f"the schedule {schedule.name}{when}: the remote has {what}"),)
    found = []
    for ref in refs:
        trigger = Trigger(
            kind="schedule",
            key=f"{key}:{ref}",
            project=project.name,
            ref=ref,
            after=told.refs[ref][0],
            pusher=by,
            default_branch=told.default_branch,
            schedule=schedule.name,
        )
        planned = plan.plan(trigger, project, default_branch=default, log_cap=settings.server.limit_log)
        entry = replace(base, ref=ref, reason=f"{planned.reason}{when}", trigger=trigger, orders=planned.orders)
        same = _unchanged(db, schedule, trigger, planned.orders) if by is None else None
        if same is not None:
            entry = replace(entry, reason=f"the schedule {schedule.name}{when}: {same}", trigger=None, orders=())
        found.append(entry)
    return tuple(found)


def _default(project: Project, told: git.Told, learnt: str | None) -> str:
    """The default branch: the key's, else the first that is there: what the remote says, what was learnt, main."""
    meant = [each for each in (told.default_branch, learnt, "main") if each]
    return project.default_branch or next((each for each in meant if HEADS + each in told.refs), meant[0])


def _unchanged(db: ledger.Ledger, schedule: Schedule, trigger: Trigger, orders: Sequence[Order]) -> str | None:
    """Why `skip-unchanged` spares it, or None."""
    if not schedule.skip_unchanged or trigger.after is None:
        return None
    done = ledger.succeeded_on(db, trigger.project, schedule.name, trigger.ref, trigger.after)
    if done is None or not firing.unchanged(orders, done[1]):
        return None
    return f"skip-unchanged, {trigger.after[:7]} succeeded in #{done[0].id} before"


def now(
    db: ledger.Ledger, settings: Config, project: Project, schedule: Schedule, told: git.Told, *, by: str
) -> tuple[Recorded, ...]:
    """A person's wish that a schedule fires now."""
    return ledger.record(db, asked(db, settings, project, schedule, told, at=None, by=by))


def missed(project: Project, schedule: Schedule, last: cron.Nominal, times: int, reason: str) -> Entry:
    """What is recorded of so many nominal times that did not fire, the last of them `last`."""
    return Entry(
        project=project.name,
        forge="ctci",
        event="missed",
        key=cron.schedule_key(project.name, schedule.name, last),
        reason=f"the schedule {schedule.name}: {reason}",
        missed=(schedule.name, times),
    )

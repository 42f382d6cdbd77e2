"""The one desk: whatever asks for work comes here, is planned by the configuration of now, and is written down.

Verifying who asks is the door's; fetching and running is the run room's. Raises ledger.Away, and DeskError for a
wish that names something that is not there.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ctci import clock, forges, ledger, trail
from ctci.config import finding
from ctci.config.settings import Config, Each, Project
from ctci.forges.delivery import BadPayload
from ctci.model import ASIDE, HEADS, TRY, Entry, Ignored, Job, Order, Recorded, Run, Status, Trigger, short_ref
from ctci.receive import options as push
from ctci.receive import plan, whose
from ctci.receive.spool import Spooled

log = logging.getLogger(__name__)

#: A person waits; a push can wait for that; a schedule can wait for both, and the search for a culprit for all.
PERSON, PUSH, SCHEDULE, HUNT = 0, 10, 20, 30


class DeskError(Exception):
    """What was asked for does not exist; the message says what does."""


def receive(
    db: ledger.Ledger,
    config: Config,
    project: Project,
    *,
    forge: str,
    event: str,
    key: str,
    items: tuple[Trigger | Ignored, ...],
    folder: str | None = None,
) -> tuple[Recorded, ...]:
    """Decide and record what a hook of `project` told; `folder`: where it lies on this machine."""
    why = whose.taken(db, config, project) or (whose.elsewhere(project, folder) if folder is not None else None)
    if why is not None:
        items = tuple(Ignored(reason=why, ref=item.ref, pusher=item.pusher) for item in items)
    known_default = ledger.default_branch(db, project.name)
    entries = tuple(
        _entry(db, config, project, item, forge=forge, event=event, key=key, default_branch=known_default)
        for item in items
    )
    made = ledger.record(db, entries)
    for each in made:
        with trail.about(delivery=each.delivery, run=each.run):
            log.info("%s: %s, %s: %s", project.name, short_ref(each.ref or event), each.decision, each.reason)
    return tuple(_told(item, recorded) for item, recorded in zip(items, made, strict=True))


def _told(item: Trigger | Ignored, made: Recorded) -> Recorded:
    """With why its run will be skipped, where the push options say so."""
    if isinstance(item, Ignored):
        return made
    skip = push.skips(item.event, item.options) if made.decision == "queued" else None
    return replace(made, skip=skip)


def nobodys(
    db: ledger.Ledger,
    signers: Sequence[Each],
    *,
    forge: str,
    event: str,
    key: str,
    items: tuple[Trigger | Ignored, ...],
) -> tuple[Recorded, ...]:
    """Record a call that the secret of an [each] signed, and that is about none of its repositories."""
    entries = tuple(
        Entry(
            project="",
            forge=forge,
            event=event,
            key=key,
            ref=item.ref,
            pusher=item.pusher,
            reason=whose.unknown(signers, item.repository) if item.repository is not None else _said(item),
            orders=(),
        )
        for item in items
    )
    return ledger.record(db, entries)


def _said(item: Trigger | Ignored) -> str:
    return item.reason if isinstance(item, Ignored) else "the call names no repository"


def _with_run(db: ledger.Ledger, project: Project, item: Ignored) -> str:
    """The reason; of a pull request from the repository itself with the run of its branch: `…: built as … #1481`."""
    if not item.reason.startswith("pull request") or item.ref is None or not item.ref.startswith(HEADS):
        return item.reason
    newest = ledger.runs_(db, project=project.name, ref=item.ref, limit=1)
    return f"{item.reason}: #{newest[0].id}" if newest else f"{item.reason}, which has not come yet"


def _entry(
    db: ledger.Ledger,
    config: Config,
    project: Project,
    item: Trigger | Ignored,
    *,
    forge: str,
    event: str,
    key: str,
    default_branch: str | None,
) -> Entry:
    address = project.remote.url
    base = Entry(
        project=project.name, forge=forge, event=event, key=key, ref=item.ref, pusher=item.pusher, reason="", orders=()
    )
    if item.repository is not None and not forges.same_repository(address, item.repository):
        return replace(
            base,
            reason=f"the call is about {item.repository}, and {project.name} is configured at {whose.shown(address)}",
        )
    if isinstance(item, Ignored):
        return replace(base, reason=_with_run(db, project, item), deleted=item.deleted)
    # Two projects may hear of the same call, and one must not be able to swallow the other's by guessing its id.
    trigger = replace(item, project=project.name, key=f"{project.name}:{item.key}")
    planned = plan.plan(trigger, project, default_branch=default_branch, log_cap=config.server.limit_log)
    skip = push.skips(item.event, item.options) if planned.orders else None
    return replace(
        base,
        reason=f"skipped: {skip}" if skip else planned.reason,
        trigger=trigger,
        orders=planned.orders,
        remarks=(*filter(None, (planned.remark,)), *push.remarks(item.options)),
        priority=PUSH,
    )


def request(
    db: ledger.Ledger,
    config: Config,
    *,
    project: str,
    subproject: str | None = None,
    recipe: str | None = None,
    ref: str | None = None,
    commit: str | None = None,
    variables: Mapping[str, str] | None = None,
    by: str,
) -> Recorded:
    """A person's wish to run recipes of a project on a ref's head, or on one commit. Raises DeskError."""
    found = named(db, config, project)
    known_default = ledger.default_branch(db, project)
    ref = ref or found.default_ref(known_default)
    trigger = Trigger(
        kind="manual",
        key=f"manual:{clock.new_key()}",
        project=project,
        ref=ref,
        after=commit,
        pusher=by,
        options=tuple(f"{push.VAR}{name}={value}" for name, value in (variables or {}).items()),
    )
    planned = plan.plan(
        trigger,
        found,
        default_branch=known_default,
        log_cap=config.server.limit_log,
        only=(subproject, recipe),
    )
    undeclared = plan.undeclared(trigger, found)
    if undeclared:
        raise DeskError(f"no recipe of {project} declares {undeclared[0]} in its `vars`")
    if not planned.orders:
        have = ", ".join(_spelled(order) for order in everything(found))
        raise DeskError(f"{planned.reason}; there is {have}")
    entry = Entry(
        project=project,
        forge="ctci",
        event="run",
        key=trigger.key,
        ref=ref,
        pusher=by,
        reason=planned.reason,
        trigger=trigger,
        orders=planned.orders,
        priority=PERSON,
    )
    return ledger.record(db, (entry,))[0]


def _spelled(order: Order) -> str:
    """What a person writes for it: `shop/api:test`, or `shop:test` where there are no subprojects."""
    return f"{order.project}{'/' if order.subproject else ':'}{order.place}"


def rerun(db: ledger.Ledger, run: int, *, by: str, failed: bool = False, current: Config | None = None) -> Recorded:
    """A run once more, at the same commit: its frozen orders, or what `current` makes of it, the configuration of now.

    With `failed` only what did not succeed, and what needs that. It stands in history where the run stood. Raises
    DeskError.
    """
    old = ledger.run(db, run)
    if old is None:
        raise DeskError(f"there is no run #{run}")
    jobs = ledger.jobs_of(db, [run])[run]
    if failed and old.finished_at is None:
        raise DeskError(f"#{run} has not ended yet, so what failed is not known")
    wanted = _unsuccessful(jobs) if failed else {job.place for job in jobs}
    if not wanted:
        raise DeskError(f"nothing failed in #{run}; without --failed all of it is run again")
    trigger = Trigger(
        # Work that was never pushed counts for no branch, however often it is run.
        kind=TRY if old.kind == TRY else "rerun",
        key=f"rerun:{clock.new_key()}",
        project=old.project,
        ref=old.ref,
        before=old.before,
        after=old.commit or old.after,
        pusher=by,
        options=old.options if old.kind == TRY else (),
    )
    orders = tuple(job.order for job in jobs if job.place in wanted)
    if current is not None:
        origin = _origin(db, old)
        whole = not failed and origin.kind not in ("manual", *ASIDE)
        orders = tuple(order for order in _now(db, current, origin, trigger) if whole or order.place in wanted)
        if not orders:
            raise DeskError(
                f"the configuration of now has nothing to run for #{run}; without --current it runs as then"
            )
    what = "what failed, " if failed else ""
    how = "by the recipes of now" if current is not None else "with the same recipes"
    entry = Entry(
        project=old.project,
        forge="ctci",
        event="rerun",
        key=trigger.key,
        ref=old.ref,
        pusher=by,
        reason=f"#{run} again, {what}{how}: asked for by {by}",
        trigger=trigger,
        orders=orders,
        priority=PERSON,
        rerun_of=run,
    )
    return ledger.record(db, (entry,))[0]


def _unsuccessful(jobs: Sequence[Job]) -> set[str]:
    """The places of those that did not succeed; of what was skipped only what needs one of these."""
    found = {
        (job.order.subproject, job.order.recipe.name)
        for job in jobs
        if job.status not in (Status.SUCCEEDED, Status.SKIPPED)
    }
    # In a run what is needed stands before what needs it.
    for job in jobs:
        order = job.order
        if job.status is Status.SKIPPED and any((order.subproject, need) in found for need in order.recipe.needs):
            found.add((order.subproject, order.recipe.name))
    return {job.place for job in jobs if (job.order.subproject, job.order.recipe.name) in found}


def _origin(db: ledger.Ledger, run: Run) -> Run:
    """The run that was run again first."""
    while run.rerun_of is not None and (older := ledger.run(db, run.rerun_of)) is not None:
        run = older
    return run


def _now(db: ledger.Ledger, config: Config, origin: Run, trigger: Trigger) -> tuple[Order, ...]:
    """The orders that the configuration of now makes of what made a run."""
    planned = plan.plan(
        replace(trigger, kind=origin.kind, schedule=origin.schedule),
        named(db, config, origin.project),
        default_branch=ledger.default_branch(db, origin.project),
        log_cap=config.server.limit_log,
    )
    return planned.orders


def named(db: ledger.Ledger, config: Config, project: str) -> Project:
    """The project of that name. Raises DeskError, which lists those there are."""
    found = whose.named(db, config, project)
    if found is None:
        have = ", ".join(sorted(finding.named(config))) or "none"
        raise DeskError(f"there is no project {project}; configured: {have}")
    return found


def everything(project: Project) -> tuple[Order, ...]:
    """All orders that a project could give."""
    trigger = Trigger(kind="manual", key="", project=project.name, ref=HEADS + "main")
    return plan.plan(trigger, project, log_cap=0).orders


def spooled(db: ledger.Ledger, config: Config, left: Spooled) -> None:
    """Record what a hook left in the spool; what names no project or is no push is refused, in words."""
    forge = forges.SPOKEN["post_receive"]
    folder = left.headers.get("x-ctci-repository")
    project = whose.pushed(config, left.project, folder)
    key = forge.delivery_id(left.headers, left.body)
    try:
        items = forge.read(left.headers, left.body)
    except BadPayload as error:
        reason = f"left in the spool: {error}"
    else:
        if project is not None:
            receive(db, config, project, forge="post_receive", event="spool", key=key, items=items, folder=folder)
            return
        reason = f"left in the spool: {whose.nowhere(left.project, folder)}"
    ledger.refuse(db, project=left.project or "", forge="post_receive", event="spool", key=key, reason=reason)

"""A call of a hook once more. Its body is not kept, so what it asked for is taken from what is: its run, or its ref."""

from ctci import clock, ledger
from ctci.config.settings import Config
from ctci.model import HEADS, TAGS, Delivery, Entry, Recorded, Trigger
from ctci.receive import desk, plan, whose


def replay(db: ledger.Ledger, config: Config, delivery: Delivery, *, by: str) -> Recorded:
    """Decide on a delivery anew, by the configuration of now, and write that down as another one. Raises DeskError.

    One that made or repeated a run runs it again, at its commit and at its place in history. One that made none is
    planned as a push of its branch or tag, and what it orders is run at the head that the remote has now.
    """
    run = ledger.run(db, delivery.run) if delivery.run is not None else None
    if run is not None:
        return desk.rerun(db, run.id, by=by, current=config)
    ref = delivery.ref or ""
    if delivery.forge == "ctci":
        raise desk.DeskError(f"d_{delivery.id} is no call of a hook: ask for a run instead")
    if not ref.startswith((HEADS, TAGS)):
        raise desk.DeskError(f"d_{delivery.id} names no branch and no tag, and nothing else is kept of it")
    project = desk.named(db, config, delivery.project)
    key = f"replay:{clock.new_key()}"
    pushed = Trigger(kind="tag" if ref.startswith(TAGS) else "push", key=key, project=project.name, ref=ref)
    planned = plan.plan(
        pushed,
        project,
        default_branch=ledger.default_branch(db, project.name),
        log_cap=config.server.limit_log,
    )
    why = whose.taken(db, config, project)
    # A person asks, so neither an older push nor the sweep is held against it.
    asked = Trigger(kind="manual", key=key, project=project.name, ref=ref, pusher=by)
    entry = Entry(
        project=project.name,
        forge="ctci",
        event="replay",
        key=key,
        ref=ref,
        pusher=by,
        reason=why or f"d_{delivery.id} again, asked for by {by}: {planned.reason}",
        trigger=asked if planned.orders and why is None else None,
        orders=planned.orders if why is None else (),
        priority=desk.PERSON,
    )
    return ledger.record(db, (entry,))[0]

"""A try: what lies in a working copy is run as a push of it would be, and counts for no branch.

Its commit goes into the project's mirror, where it is pinned like that of any other run; no remote hears of it.
"""

from dataclasses import dataclass, replace

from ctci import clock, git, ledger
from ctci.config.settings import Config
from ctci.layout import Layout
from ctci.model import AGAINST, TRY, Entry, Plan, Recorded, Trigger, short_ref
from ctci.receive import desk, plan


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What was asked for, and what of it is run."""

    recorded: Recorded
    plan: Plan
    #: The full name of the ref by which its results are judged.
    against: str


def attempt(
    db: ledger.Ledger,
    config: Config,
    layout: Layout,
    taken: git.Taken,
    *,
    project: str,
    ref: str,
    only: tuple[str | None, str | None] = (None, None),
    against: str | None = None,
    by: str,
) -> Tried:
    """Ask for a run of what was taken, as if it were pushed to `ref`; `only`: (subproject, recipe) that is named.

    `against` is the full name of a ref, else the default branch. Raises DeskError where nothing would be run, and
    git.GitError.
    """
    found = desk.named(db, config, project)
    known_default = ledger.default_branch(db, project)
    whose = against or found.default_ref(known_default)
    trigger = Trigger(
        kind=TRY,
        key=f"try:{clock.new_key()}",
        project=project,
        ref=ref,
        after=taken.commit,
        pusher=by,
        options=(f"{AGAINST}{whose}",),
    )
    planned = plan.plan(trigger, found, default_branch=known_default, log_cap=config.server.limit_log, only=only)
    if not planned.orders:
        # What is built is a matter of the branch.
        other = f"; `--as {short_ref(whose)}` tries it as {short_ref(whose)}" if ref != whose else ""
        raise desk.DeskError(f"{planned.reason}{other}")
    entry = Entry(
        project=project,
        forge="ctci",
        event=TRY,
        key=trigger.key,
        ref=ref,
        pusher=by,
        reason=f"{planned.reason}; not pushed, tried by {by}",
        trigger=trigger,
        # It is nothing that a push could replace, and replaces nothing.
        orders=tuple(replace(order, on_new_push="parallel") for order in planned.orders),
        priority=desk.PERSON,
    )
    # Recorded while nobody can fetch: prepare finds the commit only once it is pinned, and not before it is there.
    with git.lent(layout.mirror(project), taken.repository, git.TAKEN):
        recorded = ledger.record(db, (entry,))[0]
        if recorded.run is not None:
            git.pin(layout.mirror(project), recorded.run, taken.commit)
    return Tried(recorded=recorded, plan=planned, against=whose)

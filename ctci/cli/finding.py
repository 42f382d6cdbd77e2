"""The runs and jobs of the ledger that a typed target names. Raises Refused (5, not found) with what there is."""

from ctci import ledger
from ctci.cli import session, targets
from ctci.model import ASIDE, Job, Run

#: The newest run with a job of a name is looked for among so many.
LOOKED_AT = 200


def run(db: ledger.Ledger, number: int) -> Run:
    """The run of that number."""
    found = ledger.run(db, number)
    if found is None:
        newest = ledger.runs_(db, limit=1)
        have = f"; the newest is #{newest[0].id}" if newest else ""
        raise session.Refused(f"there is no run #{number}{have}", session.ABSENT)
    return found


def jobs(db: ledger.Ledger, target: targets.Target) -> tuple[Run, tuple[Job, ...]]:
    """The run and those of its jobs that are named."""
    if target.job is not None:
        one = ledger.job(db, target.job)
        if one is None:
            raise session.Refused(f"there is no job {target.job}", session.ABSENT)
        return run(db, one.run), (one,)
    if target.run is None:
        return _newest(db, target)
    found = run(db, target.run)
    all_ = ledger.jobs_of(db, [found.id])[found.id]
    named = targets.select(all_, target.path)
    if not named:
        have = ", ".join(job.place for job in all_) or "none"
        raise session.Refused(f"#{found.id} has no job {target.path}; it has {have}", session.ABSENT)
    return found, named


def _newest(db: ledger.Ledger, target: targets.Target) -> tuple[Run, tuple[Job, ...]]:
    newest = ledger.runs_(db, project=target.project, limit=LOOKED_AT)
    # Nobody means a run of a search for what broke an older one, or what somebody has only tried.
    runs = [each for each in newest if each.kind not in ASIDE]
    if not runs:
        raise session.Refused(f"{target.project} has no runs", session.ABSENT)
    jobs_of = ledger.jobs_of(db, [each.id for each in runs])
    for each in runs:
        named = targets.select(jobs_of[each.id], target.path)
        if named:
            return each, named
    raise session.Refused(f"no run of {target.project} has a job {target.path}", session.ABSENT)

"""The runs and jobs that a typed target names. Raises Refused (5, not found) with what there is."""

from ctci.cli import nouns, session, targets
from ctci.cli.source import Source
from ctci.model import ASIDE

#: The newest run with a job of a name is looked for among so many.
LOOKED_AT = 200


def run(source: Source, number: int) -> nouns.Run:
    """The run of that number, with all that is known of it."""
    try:
        return source.get("/runs/{run}", run=number)
    except session.Refused as error:
        if error.code != session.ABSENT:
            raise
        newest = source.get("/runs", limit=1)["items"]
        have = f"; the newest is #{newest[0]['id']}" if newest else ""
        raise session.Refused(f"there is no run #{number}{have}", session.ABSENT) from None


def jobs(source: Source, target: targets.Target) -> tuple[nouns.Run, tuple[nouns.Job, ...]]:
    """The run and those of its jobs that are named."""
    if target.job is not None:
        one = source.get("/jobs/{job}", job=target.job)
        return run(source, one["run"]), (one,)
    if target.run is None:
        return _newest(source, target)
    found = run(source, target.run)
    all_ = found["jobs"]
    named = targets.select(all_, target.path)
    if not named:
        have = ", ".join(nouns.place(job) for job in all_) or "none"
        raise session.Refused(f"#{found['id']} has no job {target.path}; it has {have}", session.ABSENT)
    return found, named


def project(source: Source, name: str) -> None:
    """That there is a project of that name. Raises Refused, which lists those there are."""
    known = sorted(each["name"] for each in source.get("/projects")["items"])
    if name not in known:
        have = ", ".join(known) or "none"
        raise session.Refused(f"there is no project {name}; configured: {have}", session.ABSENT)


def _newest(source: Source, target: targets.Target) -> tuple[nouns.Run, tuple[nouns.Job, ...]]:
    newest = source.get("/runs", project=target.project, limit=LOOKED_AT)["items"]
    # Nobody means a run of a search for what broke an older one, or what somebody has only tried.
    runs = [each for each in newest if each["event"] not in ASIDE]
    if not runs:
        raise session.Refused(f"{target.project} has no runs", session.ABSENT)
    for each in runs:
        named = targets.select(each["jobs"], target.path)
        if named:
            return run(source, each["id"]), named
    raise session.Refused(f"no run of {target.project} has a job {target.path}", session.ABSENT)

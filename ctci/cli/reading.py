"""What is known, as rows and sentences on stdout, or as the API's own JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctci import clock, shape, words
from ctci.cli import finding, found, joblog, nouns, session, source, targets, terminal, watching
from ctci.model import RED, TRY, Status

Fields = tuple[str, ...] | None


def runs(
    fields: Fields, *, project: str | None, ref: str | None, status: str | None, before: str | None, limit: int
) -> int:
    """Runs, newest first."""
    where = source.find()
    if where.nothing is not None:
        return nothing(where, fields)
    found = where.get("/runs", project=project, branch=ref, status=status, limit=limit, **targets.page(before))
    if fields is not None:
        terminal.json(shape.pick(found, fields))
        return session.FINE
    if not found["items"]:
        terminal.note("no runs match" if project or ref or status or before else "no runs yet")
    now = clock.now()
    terminal.table([_run_row(run, now) for run in found["items"]])
    return session.FINE


def _run_row(run: nouns.Run, now: int) -> list[terminal.Cell]:
    state, began = nouns.status(run), nouns.at(run["queued_at"])
    ended = nouns.moment(run["finished_at"])
    took = words.duration((ended - began) / 1000) if ended else ""
    told = run["subject"] or (cause(run) if state is Status.QUEUED else "")
    if run["event"] == TRY:
        # Nothing of it is on its branch.
        told = f"{TRY}: {told}".removesuffix(": ")
    return [
        f"#{run['id']}",
        terminal.status(state),
        run["project"],
        run["branch"],
        words.sha(run["sha"]),
        took,
        words.ago(began, now),
        told,
    ]


def cause(run: nouns.Run) -> str:
    """What there is to say of the jobs that made the run what it is."""
    state = nouns.status(run)
    worst = [job for job in run["jobs"] if nouns.status(job) is state and (nouns.is_red(job) or state not in RED)]
    reasons = {nouns.said(job) for job in worst}
    if len(reasons) == 1 and len(worst) > 1:
        return f"{words.names([nouns.place(job) for job in worst[:3]])}: {reasons.pop()}".rstrip(": ")
    if state is Status.QUEUED:
        # The first of them says what the others wait for.
        worst = sorted(worst, key=lambda job: job["waits_for"] is None or job["waits_for"]["kind"] == "recipe")[:1]
    told = "; ".join(f"{nouns.place(job)} {nouns.said(job)}".rstrip() for job in worst[:2])
    return f"{told} and {len(worst) - 2} more" if len(worst) > 2 else told or run["reason"] or ""


def show(target: targets.Target, fields: Fields) -> int:
    """One run with all that is known of it."""
    run, named = finding.jobs(source.need(), target)
    if fields is not None:
        terminal.json(shape.pick(run, fields))
        return session.FINE
    now = clock.now()
    jobs, hunts = run["jobs"], {each["job"]: each for each in run["hunts"]}
    terminal.say(watching.sentence(run, jobs))
    terminal.say()
    _facts(run, now)
    terminal.say()
    wanted = {job["id"] for job in named}
    terminal.table([_job_row(job, now) for job in jobs if job["id"] in wanted])
    found.tell([each for each in found.of(run, now) if each.job["id"] in wanted])
    if hunts:
        terminal.say()
        terminal.table([[nouns.place(job), hunts[job["id"]]["sentence"]] for job in jobs if job["id"] in hunts])
    _origin(run["commits"], run["deliveries"])
    first_red = next((job for job in jobs if nouns.is_red(job)), None)
    if first_red is not None:
        only = " --failed" if len(jobs) > 1 else ""
        again = f"ctci rerun {run['id']}{only}"
        terminal.note(f"\nnext: `ctci log {run['id']}/{nouns.place(first_red)}`, or `{again}`")
    return session.FINE


def _origin(commits: Sequence[Mapping[str, Any]], deliveries: Sequence[Mapping[str, Any]]) -> None:
    if commits:
        terminal.say()
        terminal.table([[words.sha(each["sha"]), each["author"], each["subject"]] for each in commits[:20]])
        if len(commits) > 20:
            terminal.say(f"and {words.count(len(commits) - 20, 'commit')} more")
    if deliveries:
        terminal.say()
        rows = [[each["id"], each["forge"], words.decided(each["decision"]), each["reason"]] for each in deliveries]
        terminal.table(rows)


def _facts(run: nouns.Run, now: int) -> None:
    by = f" by {run['pushed_by']}" if run["pushed_by"] else ""
    of = f", #{run['rerun_of']} again" if run["rerun_of"] else ""
    when = words.ago(nouns.at(run["queued_at"]), now)
    facts = {
        "project": run["project"],
        "ref": run["ref"],
        "commit": " ".join(filter(None, (run["sha"] or "not known yet", run["subject"]))),
        "author": run["author"] or "",
        "asked": f"{words.ASKED.get(run['event'], run['event'])}{by} {when}{of}",
        "reason": run["reason"] or "",
        "page": run["html_url"],
    }
    terminal.table([[name, value] for name, value in facts.items() if value])


def _job_row(job: nouns.Job, now: int) -> list[terminal.Cell]:
    took = nouns.seconds(job, now)
    memory = job["exit"]["peak_memory_bytes"] if job["exit"] else None
    return [
        nouns.place(job),
        terminal.status(nouns.status(job)),
        words.duration(took) if took is not None else "",
        words.size(memory) if memory else "",
        nouns.said(job),
    ]


def log(
    target: targets.Target,
    *,
    failed: bool,
    asked: tuple[int | None, int | None],
    attempt: int | None,
    raw: bool,
    grep: joblog.Grep | None,
) -> int:
    """The logs of the jobs that are named."""
    where = source.need()
    run, jobs = finding.jobs(where, target)
    if failed:
        jobs = joblog.worth(jobs)
        if not jobs:
            terminal.note(f"#{run['id']}: no job failed")
            return session.FINE
    if asked != (None, None) or attempt is not None:
        joblog.refuse_several(jobs)
    if attempt is not None:
        jobs = tuple(joblog.earlier(job, attempt) for job in jobs)
    hits = 0
    for at, job in enumerate(jobs):
        if len(jobs) > 1:
            # Between bytes that are passed as they are, a heading would be one of them.
            (terminal.note if raw else terminal.say)(("\n" if at else "") + joblog.heading(job))
        if grep is not None:
            hits += joblog.search(where, job, grep)
        else:
            joblog.print_(where, job, asked=asked, raw=raw)
    return session.RED if grep is not None and not hits else session.FINE


def follow(target: targets.Target, *, raw: bool) -> int:
    """The logs of the jobs that are named, until these have ended."""
    where = source.need()
    run, jobs = finding.jobs(where, target)
    watch = watching.Watch(where, run["id"], streams={}, raw=raw)
    watch.to_the_end({job["id"] for job in jobs})
    return session.FINE


def nothing(where: source.Source, fields: Fields) -> int:
    """That nothing was ever recorded; the exit code."""
    terminal.note(where.nothing or "")
    if fields is not None:
        terminal.json(shape.items([]))
    return session.FINE

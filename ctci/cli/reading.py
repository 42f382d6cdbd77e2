"""What the ledger knows, as rows and sentences on stdout, or as the shapes of shape.py."""

from collections.abc import Mapping, Sequence

from ctci import clock, config, ledger, shape, words
from ctci.cli import finding, found, joblog, session, targets, terminal, watching
from ctci.model import FINISHED, HEADS, RED, Job, Run, Status
from ctci.receive import spool

#: A branch that is no default branch is not told of when nothing has happened on it for so long, milliseconds.
QUIET_MS = 14 * 86400 * 1000

Fields = tuple[str, ...] | None


def status(project: str | None, fields: Fields) -> int:
    """One line per branch; the exit code is 1 if one is red."""
    ground = session.ground()
    settings = ground.config
    if project is not None and settings is not None:
        session.project(settings, project)
    db = session.open_ledger(ground.layout)
    if db is None:
        _unserved(ground, held_up=False)
        return _nothing(ground, fields)
    defaults: dict[str, str] = {}
    lines = _branches(db, settings, project, defaults)
    if fields is not None:
        shapes = [
            shape.branch(run.project, run.ref, run, jobs, red, public_url=ground.public_url) for run, jobs, red in lines
        ]
        terminal.json(shape.pick(shape.items(shapes), fields))
        _held_up(db, ground)
        return session.RED if any(red for _, _, red in lines) else session.FINE
    now = clock.now()
    since = ledger.broken_since(db)
    terminal.table([_branch_row(run, jobs, red, since, now) for run, jobs, red in lines])
    _waiting(db, lines)
    _held_up(db, ground)
    missing = [name for name in (config.named(settings) if settings else ()) if name not in defaults]
    for name in missing if project is None else [name for name in missing if name == project]:
        terminal.note(f"{name} has no runs yet: push to it, or `ctci run {name}`")
    return session.RED if any(red for _, _, red in lines) else session.FINE


Line = tuple[Run, tuple[Job, ...], tuple[Job, ...]]


def _branches(
    db: ledger.Ledger, settings: config.Config | None, project: str | None, defaults: dict[str, str]
) -> list[Line]:
    """(newest run, its jobs, the red places) of each branch worth a line; fills `defaults` in by project."""
    now = clock.now()
    known = [
        (name, ref)
        for name, ref in ledger.branches(db)
        if ref.startswith(HEADS)
        and (project is None or name == project)
        and (settings is None or config.project(settings, name) is not None)
    ]
    told = ledger.default_branches(db)
    for name, _ in known:
        if name not in defaults:
            learnt = told.get(name)
            project_ = config.project(settings, name) if settings is not None else None
            defaults[name] = project_.default_ref(learnt) if project_ else HEADS + (learnt or "main")
    newest = {place: runs[-1] for place, runs in ledger.strips(db, known, length=1).items() if runs} if known else {}
    shown = {
        (name, ref): run
        for (name, ref), run in newest.items()
        if ref == defaults[name] or now - run.created_at < QUIET_MS
    }
    jobs = ledger.jobs_of(db, [run.id for run in shown.values()])
    red: dict[tuple[str, str], list[Job]] = {place: [] for place in shown}
    for job in ledger.standing(db):
        place = (job.order.project, job.order.ref)
        if place in red and job.is_red and configured(job, settings):
            red[place].append(job)
    lines = [(run, jobs[run.id], tuple(red[place])) for place, run in shown.items()]
    lines.sort(key=lambda line: (line[0].project, line[0].ref != defaults[line[0].project], line[0].ref))
    return lines


def configured(job: Job, settings: config.Config | None) -> bool:
    """Whether a place is still there: a recipe that was removed is red for nobody."""
    return settings is None or config.ordered(settings, job.order)


def _branch_row(
    run: Run, jobs: Sequence[Job], red: Sequence[Job], since: Mapping[int, int], now: int
) -> list[terminal.Cell]:
    shown = Status.FAILED if red and run.status in FINISHED and run.status not in RED else run.status
    told = _cause(run, jobs) if run.status is not Status.SUCCEEDED else ""
    if red and run.status not in RED:
        # The newest run did not try what is red, or has not ended: what stood before still stands.
        told = f"red: {', '.join(f'{job.place} since #{since.get(job.id, job.run)}' for job in red)}"
    age = words.ago(run.finished_at or run.created_at, now)
    return [run.project, run.branch, terminal.status(shown), f"#{run.id}", words.sha(run.commit), age, told]


def _cause(run: Run, jobs: Sequence[Job]) -> str:
    worst = [job for job in jobs if job.status is run.status and (job.is_red or run.status not in RED)]
    reasons = {words.said(job, run) for job in worst}
    if len(reasons) == 1 and len(worst) > 1:
        return f"{words.names([job.place for job in worst[:3]])}: {reasons.pop()}".rstrip(": ")
    if run.status is Status.QUEUED:
        # The first of them says what the others wait for.
        worst = sorted(worst, key=lambda job: job.wait is None or job.wait.kind == "recipe")[:1]
    told = "; ".join(f"{job.place} {words.said(job, run)}".rstrip() for job in worst[:2])
    return f"{told} and {len(worst) - 2} more" if len(worst) > 2 else told or run.reason or ""


def _waiting(db: ledger.Ledger, lines: Sequence[Line]) -> None:
    """What waits, and for what, where the newest run of the branch does not say so already."""
    shown = {job.id for run, jobs, _ in lines if run.status is Status.QUEUED for job in jobs[:2]}
    queued = [(job, run) for job, run in ledger.queue(db, limit=20) if job.id not in shown]
    for job, run in queued[:10]:
        terminal.say(terminal.plain(f"#{run.id} {job.name} {words.waits(job, run)}"))


def _held_up(db: ledger.Ledger, ground: session.Ground) -> None:
    """That nobody serves the data folder, or why nothing at all is started, if that is so."""
    counts = ledger.counts(db)
    waits = bool(counts["queued"] or counts["running"])
    _unserved(ground, held_up=waits)
    if waits and session.holder(ground.layout) is not None and ground.config is not None:
        from ctci.run import capacity  # noqa: PLC0415 - only where something waits

        settings = ground.config
        remark = capacity.Floor(ground.layout, config.Current(lambda: settings)).remark()
        if remark:
            terminal.note(remark)


def _unserved(ground: session.Ground, *, held_up: bool) -> None:
    """That no server is running: what is green then may be old."""
    if session.holder(ground.layout) is not None:
        return
    told = ": nothing starts, or is seen to end, before one does" if held_up else ""
    left = spool.waiting(ground.layout)
    pushes = f"; {words.count(left, 'push waits', 'pushes wait')} in the spool" if left else ""
    terminal.note(f"no server is running on {ground.layout.data}{told}{pushes}")


def runs(
    fields: Fields, *, project: str | None, ref: str | None, status: str | None, before: int | None, limit: int
) -> int:
    """Runs, newest first."""
    ground = session.ground()
    db = session.open_ledger(ground.layout)
    if db is None:
        return _nothing(ground, fields)
    found = ledger.runs_(db, project=project, ref=ref, status=status, before=before, limit=limit + 1)
    more, found = len(found) > limit, found[:limit]
    jobs = ledger.jobs_of(db, [run.id for run in found])
    if fields is not None:
        shapes = [shape.run(run, jobs[run.id], public_url=ground.public_url) for run in found]
        terminal.json(shape.pick(shape.items(shapes, more=str(found[-1].id) if more else None), fields))
        return session.FINE
    if not found:
        terminal.note("no runs match" if project or ref or status or before else session.nothing_yet(ground.layout))
    now = clock.now()
    terminal.table([_run_row(run, jobs[run.id], now) for run in found])
    return session.FINE


def _run_row(run: Run, jobs: Sequence[Job], now: int) -> list[terminal.Cell]:
    took = words.duration((run.finished_at - run.created_at) / 1000) if run.finished_at else ""
    told = run.subject or (_cause(run, jobs) if run.status is Status.QUEUED else "")
    age = words.ago(run.created_at, now)
    return [f"#{run.id}", terminal.status(run.status), run.project, run.branch, words.sha(run.commit), took, age, told]


def show(target: targets.Target, fields: Fields) -> int:
    """One run with all that is known of it."""
    ground = session.ground()
    db = session.need_ledger(ground.layout)
    run, named = finding.jobs(db, target)
    jobs = ledger.jobs_of(db, [run.id], ahead=True)[run.id]
    commits = ledger.commits_of(db, run.id)
    deliveries = ledger.deliveries_(db, run=run.id)
    attempts = [attempt for job in jobs for attempt in ledger.attempts_of(db, job.id)]
    hunts = ledger.hunts_of(db, [job.id for job in jobs if job.is_red])
    now = clock.now()
    told = found.of(db, jobs, now, every=fields is not None)
    if fields is not None:
        readings = [
            shape.reading(each.reading, each.findings, lives=each.lives, acks=each.acks, now=now) for each in told
        ]
        whole = shape.run_whole(
            run,
            jobs,
            commits=commits,
            attempts=attempts,
            deliveries=deliveries,
            readings=readings,
            hunts=hunts,
            public_url=ground.public_url,
        )
        terminal.json(shape.pick(whole, fields))
        return session.FINE
    terminal.say(watching.sentence(run, jobs))
    terminal.say()
    _facts(run, ground.public_url, now)
    terminal.say()
    wanted = {job.id for job in named}
    terminal.table([_job_row(job, run, now) for job in jobs if job.id in wanted])
    found.tell([each for each in told if each.job.id in wanted])
    if any(job.id in hunts for job in jobs):
        terminal.say()
        terminal.table([[job.place, hunts[job.id].sentence] for job in jobs if job.id in hunts])
    if commits:
        terminal.say()
        terminal.table([[words.sha(each.sha), each.author, each.subject] for each in commits[:20]])
        if len(commits) > 20:
            terminal.say(f"and {words.count(len(commits) - 20, 'commit')} more")
    if deliveries:
        terminal.say()
        terminal.table([[f"d_{each.id}", each.forge, words.decided(each.decision), each.reason] for each in deliveries])
    first_red = next((job for job in jobs if job.is_red), None)
    if first_red is not None:
        only = " --failed" if len(jobs) > 1 else ""
        terminal.note(f"\nnext: `ctci log {run.id}/{first_red.place}`, or `ctci rerun {run.id}{only}`")
    return session.FINE


def _facts(run: Run, public_url: str, now: int) -> None:
    by = f" by {run.pusher}" if run.pusher else ""
    of = f", #{run.rerun_of} again" if run.rerun_of else ""
    facts = {
        "project": run.project,
        "ref": run.ref,
        "commit": " ".join(filter(None, (run.commit or run.after or "not known yet", run.subject))),
        "author": run.author or "",
        "asked": f"{words.ASKED.get(run.kind, run.kind)}{by} {words.ago(run.created_at, now)}{of}",
        "reason": run.reason or "",
        "page": shape.run_url(public_url, run.id),
    }
    terminal.table([[name, value] for name, value in facts.items() if value])


def _job_row(job: Job, run: Run, now: int) -> list[terminal.Cell]:
    took = words.seconds(job, now)
    memory = words.size(job.exit.peak_memory) if job.exit and job.exit.peak_memory else ""
    return [
        job.place,
        terminal.status(job.status),
        words.duration(took) if took is not None else "",
        memory,
        words.said(job, run),
    ]


def log(
    target: targets.Target,
    *,
    failed: bool,
    asked: tuple[int | None, int | None],
    attempt: int | None,
    raw: bool,
) -> int:
    """The logs of the jobs that are named."""
    ground = session.ground()
    db = session.need_ledger(ground.layout)
    run, jobs = finding.jobs(db, target)
    if failed:
        jobs = joblog.worth(jobs)
        if not jobs:
            terminal.note(f"#{run.id}: no job failed")
            return session.FINE
    if asked != (None, None) or attempt is not None:
        joblog.refuse_several(jobs)
    if attempt is not None:
        jobs = tuple(joblog.earlier(job, attempt) for job in jobs)
    for at, job in enumerate(jobs):
        if len(jobs) > 1:
            # Between bytes that are passed as they are, a heading would be one of them.
            (terminal.note if raw else terminal.say)(("\n" if at else "") + joblog.heading(job, run))
        joblog.print_(ground.layout, job, run, asked=asked, raw=raw)
    return session.FINE


def follow(target: targets.Target, *, raw: bool) -> int:
    """The logs of the jobs that are named, until these have ended."""
    ground = session.ground()
    db = session.need_ledger(ground.layout)
    run, jobs = finding.jobs(db, target)
    watch = watching.Watch(db, ground.layout, run.id, streams={}, raw=raw)
    watch.to_the_end({job.id for job in jobs})
    return session.FINE


def _nothing(ground: session.Ground, fields: Fields) -> int:
    terminal.note(session.nothing_yet(ground.layout))
    if fields is not None:
        terminal.json(shape.items([]))
    return session.FINE

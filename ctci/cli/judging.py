"""why: what a result means against what was before, and what may be to blame; the twin of a digest's entry."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ctci import clock, ledger, shape, words
from ctci.cli import finding, found, reading, session, targets, terminal, watching
from ctci.model import HEADS, TRY, Job, Mended, Past, Run, Status, Verdict, short_ref
from ctci.report import judging, letter, saying, verdict

#: Lines of the log before and after the first error that the verb we name prints.
AROUND = 10
#: Suspects of each verdict that are listed.
SUSPECTS = 10
#: Words of what is told in full; of a run also what ctci could not run.
TOLD = (*verdict.BROKEN, "errored")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One job with all that is said of it."""

    verdict: Verdict
    #: The last break of a place that is green.
    mended: Mended | None
    found: found.Told | None


def why(target: targets.Target, ref: str | None, fields: tuple[str, ...] | None) -> int:
    """The verdicts of a branch's places, or of a run's jobs; the exit code is 1 if one is red."""
    ground = session.ground()
    db = session.need_ledger(ground.layout)
    now = clock.now()
    if target.project is None:
        run, jobs = finding.jobs(db, target)
        whose = run.ref
    else:
        whose = ref or _default(db, ground, target.project)
        run, jobs = None, _standing(db, ground, target, whose)
    told = _judged(db, ground, jobs, now, every=fields is not None)
    if fields is not None:
        shapes = [_shaped(each, now, ground.public_url) for each in told]
        terminal.json(shape.pick(shape.items(shapes), fields))
    elif run is not None:
        _tell_run(run, jobs, told, ground.public_url, now)
    elif told:
        _tell_branch(told, ground.public_url, now)
    if target.project is not None:
        _newer(db, target.project, whose, jobs)
    return session.RED if any(each.verdict.job.is_red for each in told) else session.FINE


def _default(db: ledger.Ledger, ground: session.Ground, project: str) -> str:
    """The full name of the default branch. Raises Refused where there is no such project."""
    learnt = ledger.default_branch(db, project)
    if ground.config is None:
        return HEADS + (learnt or "main")
    return session.project(ground.config, project).default_ref(learnt)


def _standing(db: ledger.Ledger, ground: session.Ground, target: targets.Target, ref: str) -> tuple[Job, ...]:
    """The last results of a ref in the places that are named. Raises Refused where that is no place of it."""
    project = target.project or ""
    last = [job for job, _ in ledger.bases(db, project, ref).values() if reading.configured(job, ground.config)]
    named = targets.select(sorted(last, key=lambda job: job.id), target.path)
    if last and not named:
        have = ", ".join(sorted(job.place for job in last))
        raise session.Refused(
            f"no {target.path} has a result on {short_ref(ref)} of {project}; those with one: {have}", session.ABSENT
        )
    if not last and not ledger.runs_(db, project=project, ref=ref, limit=1):
        raise session.Refused(
            f"{project} has no runs on {short_ref(ref)}; `ctci status {project}` lists its branches", session.ABSENT
        )
    return named


def _judged(
    db: ledger.Ledger, ground: session.Ground, jobs: Sequence[Job], now: int, *, every: bool
) -> tuple[Judged, ...]:
    pasts = judging.pasts(db, ground.config, {job.id for job in jobs})
    verdicts = {id_: verdict.judge(past) for id_, past in pasts.items()}
    worth = [job for job in jobs if every or (job.id in verdicts and verdicts[job.id].word in (*TOLD, "allowed"))]
    said = {each.job.id: each for each in found.of(db, worth, now)}
    return tuple(_whole(pasts[job.id], verdicts[job.id], said.get(job.id)) for job in jobs if job.id in pasts)


def _whole(past: Past, judged: Verdict, said: found.Told | None) -> Judged:
    return Judged(verdict=judged, mended=verdict.mended(past), found=said)


def _newer(db: ledger.Ledger, project: str, ref: str, jobs: Collection[Job]) -> None:
    """That a newer run says nothing yet, or nothing at all."""
    newest = ledger.runs_(db, project=project, ref=ref, limit=1)
    if newest and (not jobs or newest[0].id > max(job.run for job in jobs)):
        run, none = newest[0], "" if jobs else f"nothing of {project} {short_ref(ref)} has come to a result yet; "
        terminal.note(terminal.plain(f"{none}#{run.id} is {words.status(run.status)}"))


# --- as JSON ---------------------------------------------------------------------------------------------------------


def _shaped(told: Judged, now: int, public_url: str) -> dict[str, object]:
    judged, said = told.verdict, told.found
    first = judged.first
    return shape.verdict(
        judged,
        life=said.lives.get(first.fingerprint) if said is not None and first is not None else None,
        acks=tuple({ack.id: ack for ack in said.sifted.known}.values()) if said is not None else (),
        again=letter.again(judged.run, judged.job),
        now=now,
        public_url=public_url,
    )


# --- in words --------------------------------------------------------------------------------------------------------


def _tell_run(run: Run, jobs: Sequence[Job], told: Sequence[Judged], public_url: str, now: int) -> None:
    worth = [each for each in told if each.verdict.word in (*TOLD, "allowed")]
    if not worth:
        terminal.say(watching.sentence(run, jobs))
    _tell(worth, public_url, now)
    for each in told:
        if run.kind == TRY and each.verdict.word == "fixed":
            terminal.say(terminal.plain(f"+ {saying.became(each.verdict, now)}"))
        elif each.verdict.word == "fixed" and each.mended is not None:
            terminal.say(terminal.plain(f"+ {each.verdict.job.place}  Fixed: {saying.mended(each.mended)}."))
    _aside(told)


def _tell_branch(told: Sequence[Judged], public_url: str, now: int) -> None:
    worth = [each for each in told if each.verdict.word in verdict.BROKEN]
    # What has just broken is what one asks about.
    worth.sort(key=lambda each: each.verdict.word == "still broken")
    _tell(worth, public_url, now)
    if not worth:
        terminal.say(_line(Status.SUCCEEDED, _green(told, now)))
    elif len(told) > len(worth):
        rest = words.count(len(told) - len(worth), "other recipe is", "other recipes are")
        terminal.say()
        terminal.say(f"{rest} not red.")
    _aside(told)


def _tell(worth: Sequence[Judged], public_url: str, now: int) -> None:
    for at, each in enumerate(worth):
        if at:
            terminal.say()
        terminal.say(_line(each.verdict.job.status, saying.became(each.verdict, now)))
        for line in _lines(each, public_url):
            terminal.say(f"  {terminal.plain(line)}".rstrip())


def _lines(told: Judged, public_url: str) -> Iterator[str]:
    """What stands below a verdict."""
    judged = told.verdict
    job, run, first = judged.job, judged.run, judged.first
    if judged.word in ("errored", "allowed"):
        yield from filter(None, (saying.plain(job.reason),))
    else:
        yield from filter(None, (saying.first(judged), saying.because(judged), saying.counts(judged)))
        yield from filter(
            None, (saying.cause(judged), saying.culprit(judged), saying.flaky(judged), saying.suspects(judged))
        )
        yield from _commits(judged)
    if told.found is not None:
        yield from words.known(told.found.sifted.known, clock.day)
    verb = letter.log_verb(job)
    line = first.log_line if first is not None else None
    if line and verb != f"ctci log {run.id}":
        verb = f"{verb} --lines {max(1, line - AROUND)}:{line + AROUND}"
    yield f"Log    {verb}"
    yield f"       {public_url.rstrip('/')}/{job.page}{f'#L{line}' if line else ''}"
    again = letter.again(run, job)
    if again:
        yield f"Again  {' && '.join(again)}"


def _commits(judged: Verdict) -> Iterator[str]:
    shown = judged.suspects[:SUSPECTS]
    authors = [saying.plain(each.author, saying.AUTHOR) for each in shown]
    width = max(map(len, authors), default=0)
    for each, author in zip(shown, authors, strict=True):
        yield f"  {words.sha(each.sha)}  {author:{width}}  {saying.plain(each.subject, 100)}"
    if len(judged.suspects) > len(shown):
        yield f"  and {words.number(len(judged.suspects) - len(shown))} more"


def _green(told: Sequence[Judged], now: int) -> str:
    """Since when all of a branch is green, and who mended it last."""
    last = max((each.verdict for each in told), key=lambda each: each.job.finished_at or 0)
    run = last.run
    ended = words.ago(last.job.finished_at or run.created_at, now)
    said = f"{run.project} {run.branch} is green: {words.count(len(told), 'recipe')}, last #{run.id} {ended}."
    breaks = [(each.mended, each.verdict.job) for each in told if each.mended is not None]
    if not breaks:
        return f"{said} As far as results are kept, it was never red."
    mended, job = max(breaks, key=lambda each: each[0].green.at)
    since = f"Green since #{mended.green.run}, {words.ago(mended.green.at, now)}"
    return f"{said} {since}: {job.place} {saying.mended(mended)}."


def _aside(told: Sequence[Judged]) -> None:
    """What is green, and yet not well."""
    for each in told:
        judged = each.verdict
        if judged.word in (*TOLD, "allowed"):
            continue
        if judged.flaky:
            terminal.say(terminal.plain(f"~ {judged.job.place}  {saying.flaky(judged)}"))
        if judged.slower is not None:
            terminal.say(terminal.plain(f"~ {judged.job.place}  Slower: {saying.slower(judged.slower)}."))


def _line(status: Status, text: str) -> str:
    return terminal.headline(status, terminal.plain(text))

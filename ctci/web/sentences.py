"""What the pages say first: verdicts as sentences of parts, each plain, a link or a moment. Pure.

A sentence names the job, the age and the cause, and alone would do as a mail's subject.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from ctci import model, words
from ctci.model import FINISHED, HEADS, RED, TRY, Job, Run, Status, short_ref
from ctci.report import saying

#: A cause in a headline is cut here; the whole stands in the table below it.
CAUSE = 160


@dataclass(frozen=True)
class Part:
    """A piece of a sentence; with `href` (relative to the root) a link, with `at` (Unix ms) a moment."""

    text: str
    href: str | None = None
    at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A headline, and the status whose glyph stands before it; None for none."""

    parts: tuple[Part, ...]
    status: Status | None = None

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


def job_href(job: Job) -> str:
    """Where a job's log is shown, relative to the root."""
    return job.page


def branch_href(project: str, ref: str) -> str:
    """The runs of one branch or tag, relative to the root."""
    branch = ref.removeprefix(HEADS)
    return f"runs?{urlencode({'project': project, 'branch': ref if branch.startswith('refs/') else branch})}"


def run_(run: Run, jobs: Sequence[Job], now: int, *, judged: Mapping[int, model.Verdict]) -> Verdict:
    """The verdict of a run; `judged`: what its jobs mean, by id, as far as they came to a result."""
    number = Part(f"#{run.id}")
    moment = _ago(run.finished_at or run.created_at, now)
    where = f"as a try of {run.branch}" if run.kind == TRY else f"on {run.branch}"
    on = Part(f" {where} ")
    if run.status in RED:
        red = [job for job in jobs if job.is_red]
        broke = [job for job in red if job.id in judged and judged[job.id].word == "broke"]
        told = broke or red
        verb = "broke" if broke else _verb(red)
        at = max((job.finished_at or now for job in told), default=now)
        others = f"; {words.count(len(red) - len(told), 'more is', 'more are')} red" if len(red) > len(told) else ""
        still = "" if run.finished_at else f"; {_open(jobs)}"
        end = Part(f"{others}{still}.")
        one = judged.get(told[0].id) if len(told) == 1 else None
        why = (*_still(one, ", red since "), *_blame(one, verb)) if one is not None else (Part(_cause(told)),)
        on_it = Part(f" {verb} {where} ")
        if run.kind == TRY and one is not None:
            on_it, why = Part(f" {saying.held(one)}, "), ()
        return Verdict(parts=(*_places(told), on_it, _ago(at, now), *why, end), status=run.status)
    if run.status is Status.ERRORED:
        errored = [job for job in jobs if job.status is Status.ERRORED]
        parts = (Part("ctci could not run "), *_places(errored), on, moment, Part(f"{_cause(errored)}."))
        return Verdict(parts=parts, status=run.status)
    if run.status is Status.RUNNING:
        live = [job for job in jobs if job.status is Status.RUNNING]
        done = sum(job.status in FINISHED for job in jobs)
        ended = f"{done} of {words.count(len(jobs), 'job')} {'has' if done == 1 else 'have'} ended."
        return Verdict(parts=(*_places(live), Part(f" {_is(live)} running {where}: {ended}")), status=run.status)
    if run.status is Status.QUEUED:
        waits = words.waits(jobs[0], run) if jobs else "waits"
        return Verdict(parts=(number, Part(f" {waits}.")), status=run.status)
    if run.status is Status.SUCCEEDED:
        is_green = Part(f" is green {where}: {succeeded(jobs)} ")
        return Verdict(parts=(number, is_green, moment, Part(".")), status=run.status)
    reasons = (words.said(job, run) for job in jobs if job.status is run.status)
    reason = next(filter(None, reasons), run.reason)
    cause = f": {_cut(reason)}." if reason else "."
    did = " had nothing to do" if run.status is Status.SKIPPED else f" was {words.status(run.status)}"
    return Verdict(parts=(number, Part(did), on, moment, Part(cause)), status=run.status)


def since(red: model.Verdict) -> int:
    """When a red place became red, Unix milliseconds."""
    return red.red.at if red.red is not None else red.job.finished_at or 0


def home(red: model.Verdict | None, standing: Sequence[Job], live: int, now: int) -> Verdict:
    """The verdict over everything; `red` the weightiest break, `standing` all last conclusive jobs."""
    if red is not None:
        job, branch = red.job, short_ref(red.job.order.ref)
        verb = {"broke": "broke", "still broken": "has been red"}.get(red.word, _verb([job]))
        if red.word == "still broken":
            span = Part(words.age(now - since(red)), at=since(red))
            told: tuple[Part, ...] = (Part(f" {verb} on {branch} for "), span, *_still(red, ", since "))
        else:
            told = (Part(f" {verb} on {branch} "), _ago(since(red), now))
        parts = (Part(job.name, job_href(job)), *told, *_blame(red, verb), Part("."))
        return Verdict(parts=parts, status=job.status)
    if standing:
        last = max(standing, key=lambda job: job.finished_at or 0)
        places = {(job.order.project, job.order.ref) for job in standing}
        one = next(iter(places))
        where = f"{one[0]} {short_ref(one[1])} is" if len(places) == 1 else f"All {len(places)} branches are"
        said = Part(f"{where} green: {words.count(len(standing), 'recipe')}, last ")
        return Verdict(
            parts=(
                said,
                Part(f"#{last.run}", f"runs/{last.run}"),
                Part(" "),
                _ago(last.finished_at or now, now),
                Part("."),
            ),
            status=Status.SUCCEEDED,
        )
    if live:
        return Verdict(
            parts=(Part(f"{words.count(live, 'job')} on the way; nothing has ended yet."),), status=Status.RUNNING
        )
    return Verdict(parts=(Part("No runs yet."),))


def others(broken: int, standing: int) -> str:
    """What the headline of a red home did not say."""
    red = broken - 1
    more = "" if not red else f"{'One more is' if red == 1 else f'{words.number(red)} more are'} red. "
    green = standing - broken
    rest = "" if green <= 0 else f"The other {words.count(green, 'recipe is', 'recipes are')} green."
    return (more + rest).strip()


def log(job: Job, run: Run, lines: int, now: int) -> Verdict:
    """The verdict of one job, above its log."""
    printed = "nothing printed" if not lines else words.count(lines, "line")
    seconds = words.seconds(job, now)
    after = f" after {words.duration(seconds)}" if seconds is not None else ""
    why = words.said(job, run)
    match job.status:
        case Status.QUEUED:
            text = f"{job.place} {words.waits(job, run)}."
        case Status.RUNNING:
            text = f"Running for {words.duration(seconds or 0)}, {printed} so far."
        case Status.SUCCEEDED:
            text = f"Succeeded{after.replace('after', 'in')}: {printed}."
        case Status.FAILED:
            text = f"Failed{after}: {_cut(why or 'no reason kept')}, {printed}."
        case Status.TIMED_OUT:
            text = f"Timed out{after}, {printed}."
        case Status.ERRORED:
            text = f"ctci could not run it: {_cut(why or 'no reason kept')}."
        case Status.SKIPPED:
            text = f"Skipped: {_cut(why or 'nothing to do')}."
        case _:
            text = f"{words.status(job.status).capitalize()}{after}{': ' + _cut(why) if why else ''}."
    return Verdict(parts=(Part(text),), status=job.status)


def state(statuses: Collection[Status]) -> str:
    """The favicon: `broken`, `running`, `green` or `idle`."""
    if RED & set(statuses):
        return "broken"
    if {Status.RUNNING, Status.QUEUED} & set(statuses):
        return "running"
    return "green" if Status.SUCCEEDED in statuses else "idle"


#: What stands before the title of a page in each state.
PREFIX = {"broken": "✗ ", "running": "● ", "green": "", "idle": ""}


def _ago(at: int, now: int) -> Part:
    return Part(words.ago(at, now), at=at)


def _places(jobs: Sequence[Job]) -> tuple[Part, ...]:
    """`api:test and web:test`; of more than three the first two and how many more."""
    if not jobs:
        return (Part("A job"),)
    shown = jobs if len(jobs) <= 3 else jobs[:2]
    parts = [Part(job.place, job_href(job)) for job in shown]
    if len(jobs) > 3:
        parts.append(Part(f"{len(jobs) - 2} more"))
    joined = [parts[0]]
    for at, part in enumerate(parts[1:], 2):
        joined += [Part(" and " if at == len(parts) else ", "), part]
    return tuple(joined)


def _verb(jobs: Sequence[Job]) -> str:
    return "timed out" if jobs and all(job.status is Status.TIMED_OUT for job in jobs) else "failed"


def _is(jobs: Sequence[Job]) -> str:
    return "is" if len(jobs) < 2 else "are"


def succeeded(jobs: Sequence[Job]) -> str:
    """`both its jobs succeeded`."""
    count = sum(job.status is Status.SUCCEEDED for job in jobs)
    every = {1: "its one job", 2: "both its jobs"}.get(count, f"all {words.number(count)} jobs")
    return f"{every if count == len(jobs) else words.count(count, 'job')} succeeded"


def _open(jobs: Sequence[Job]) -> str:
    left = sum(job.status not in FINISHED for job in jobs)
    return f"{words.count(left, 'job has', 'jobs have')} not ended yet"


def _cause(jobs: Sequence[Job]) -> str:
    """`: exit 1`, where all have the same reason."""
    reasons = {job.reason for job in jobs if job.reason}
    return f": {_cut(reasons.pop())}" if len(reasons) == 1 else ""


def _blame(red: model.Verdict, verb: str) -> tuple[Part, ...]:
    """`: 12 of 846 tests fail, all new; 2 suspects since green #1479`, behind what `verb` has said already."""
    wrong, blamed = saying.wrong(red).removeprefix(f"{verb} "), saying.blamed(red)
    parts = [Part(f": {_cut(wrong)}")] if wrong else []
    # Of a first result nobody knows whether it was green before.
    if blamed and red.green is not None:
        parts.append(Part(f"{'; ' if parts else ': '}{blamed} since green "))
        parts.append(Part(f"#{red.green.run}", f"runs/{red.green.run}"))
    return tuple(parts)


def _still(red: model.Verdict | None, before: str) -> tuple[Part, ...]:
    """`, red since #1391`, of what was red before; `before` stands before the number."""
    if red is None or red.word != "still broken" or red.red is None:
        return ()
    return (Part(before), Part(f"#{red.red.run}", f"runs/{red.red.run}"))


def _cut(reason: str) -> str:
    text = " ".join(reason.split()).rstrip(".")
    return text if len(text) <= CAUSE else text[: CAUSE - 1] + "…"

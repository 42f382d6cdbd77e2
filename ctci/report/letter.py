"""What a letter says: facts -> subject, text and HTML, all three saying the same.

Pure. What comes from commits and logs is hostile until it has passed
`saying.plain`; the templates escape it for HTML.
"""

import shlex
import unicodedata
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ctci import logs, words
from ctci.model import TRY, Job, Run, Verdict
from ctci.report import moments, parts, saying, verdict

SUBJECT = 70
#: Bytes of HTML; Gmail hides what comes after 102 KB, and with it why one gets this.
HTML_BYTES = 80_000
#: Lines of log per job: as many as fit into HTML_BYTES.
LINES = (20, 8, 3, 0)
#: Jobs told in full, and commits listed per job; the others are counted.
MOST_JOBS, MOST_COMMITS = 10, 3
#: What has no result so long after it began is told with when it began, milliseconds.
LONG_MS = 3_600_000

GLYPHS = {"broke": "x", "failed": "x", "errored": "!", "fixed": "+"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A job that the letter tells of."""

    #: Its word is one of verdict.WORDS.
    verdict: Verdict
    #: The last lines of its log, as they are on disk, and the number of the first of them.
    tail: tuple[bytes, ...] = ()
    tail_from: int = 1


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a letter is made of."""

    told: tuple[Told, ...]
    #: The `[notify.N]` that asks for it.
    notify: str
    #: The server's title and the address that people reach it by.
    title: str
    public_url: str
    #: Unix milliseconds of now, and by which clock times are told.
    at: int
    timezone: str = "UTC"
    #: What is wrong with ctci itself.
    remarks: tuple[str, ...] = ()
    #: Where one changes or ends these letters by one click.
    manage_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A letter, written."""

    subject: str
    text: str
    html: str


def compose(facts: Facts) -> Composed:
    """Write the letter: a subject of at most 70 ASCII characters, text of 72 columns, HTML of 80 KB."""
    ordered = sorted(facts.told, key=lambda told: (_order(told.verdict.word), told.verdict.run.id))
    facts = replace(facts, told=tuple(ordered))
    subject = _subject(facts)
    for lines in LINES:
        said = {"subject": subject, **_said(facts, lines)}
        html = parts.page("letter.html", said)
        if len(html.encode()) <= HTML_BYTES:
            break
    return Composed(subject=subject, text=parts.typed("letter.txt", said), html=html)


def reply(composed: Composed, subject: str) -> Composed:
    """The same letter as an answer to an earlier one of this subject: mail programs split threads where it changes."""
    return replace(composed, subject=f"Re: {subject}") if subject else composed


def _order(word: str) -> int:
    return verdict.WORDS.index(word) if word in verdict.WORDS else len(verdict.WORDS)


def _subject(facts: Facts) -> str:
    runs = {told.verdict.run.id for told in facts.told}
    projects = dict.fromkeys(told.verdict.run.project for told in facts.told)
    branches = dict.fromkeys(told.verdict.run.branch for told in facts.told)
    number = f" (#{min(runs)})" if len(runs) == 1 else ""
    if len(facts.told) == 1:
        told = facts.told[0].verdict
        said, names = told.word, f"{told.job.name} on {told.run.branch}"
    else:
        said = verdict.summary(told.verdict.word for told in facts.told)
        names = f"{', '.join(projects)}{f' on {branches.popitem()[0]}' if len(branches) == 1 else ''}"
    start = f"[ctci] {said}: "
    room = SUBJECT - len(start) - len(number)
    names = saying.plain(unicodedata.normalize("NFKD", names).encode("ascii", "replace").decode(), room)
    return f"{start}{names}{number}"


# --- what both parts say ---------------------------------------------------------------------------------------------


def _said(facts: Facts, lines: int) -> dict[str, Any]:
    root = f"{facts.public_url.rstrip('/')}/"
    items = [_item(facts, told, root, lines) for told in facts.told[:MOST_JOBS]]
    # Said once, however many jobs have no result.
    for item in [item for item in items if item["word"] == "errored"][1:]:
        item["since"] = ""
    runs = {told.verdict.run.id: told.verdict.run for told in facts.told}
    return {
        "headline": items[0]["sentence"] if len(items) == 1 else _sum(facts),
        "title": saying.plain(facts.title, 60),
        "date": f"{_moment(facts, facts.at)} ({facts.timezone})",
        # What is said once where all is of one run, and of each where it is not.
        "run": _run(next(iter(runs.values())), root) if len(runs) == 1 else None,
        "items": items,
        "more": len(facts.told) - len(items),
        "root": root,
        "remarks": [saying.plain(remark, 300) for remark in facts.remarks],
        "notify": saying.plain(facts.notify, 60),
        "host": saying.plain(urlsplit(root).netloc, 100),
        "manage_url": facts.manage_url,
    }


def _run(run: Run, root: str) -> dict[str, Any]:
    pusher, author = saying.plain(run.pusher, 60), saying.plain(run.author, 60)
    # What began without a push is no doing of who pushed last.
    asked = "" if run.kind == "push" and pusher in ("", author) else words.ASKED.get(run.kind, "")
    if run.schedule:
        schedule = f"the schedule {saying.plain(run.schedule, 60)}"
        asked, pusher = f"begun by {schedule}" if author else schedule, ""
    by = [author, f"{asked} by {pusher}" if asked and pusher and pusher != author else asked]
    return {
        "id": run.id,
        "url": f"{root}runs/{run.id}",
        "branch": saying.plain(run.branch, 120),
        "sha": (run.commit or run.after or "unknown")[:7],
        "subject": saying.plain(run.subject, 100) if run.commit else "(not fetched)",
        "by": ", ".join(filter(None, by)),
    }


def _sum(facts: Facts) -> str:
    number, _, said = verdict.summary(told.verdict.word for told in facts.told).partition(" ")
    # A verb, unless another word before it is one.
    counts = f"{words.count(int(number), 'job')} {'are ' if said == 'fixed' else ''}{said}"
    at = _moment(facts, max(told.verdict.job.finished_at or told.verdict.run.created_at for told in facts.told))
    runs = {told.verdict.run.id: told.verdict.run for told in facts.told}
    if len(runs) == 1:
        run = next(iter(runs.values()))
        return f"{counts} in {saying.plain(run.project)} on {saying.plain(run.branch, 120)}, #{run.id}, {at}."
    projects = ", ".join(dict.fromkeys(saying.plain(run.project) for run in runs.values()))
    return f"{counts} in {projects}, {at}."


def _item(facts: Facts, told: Told, root: str, lines: int) -> dict[str, Any]:
    judged, job = told.verdict, told.verdict.job
    tail = [plain_line(line) for line in told.tail[-lines:]] if lines else []
    red = judged.word in verdict.BROKEN
    first = judged.first if red else None
    line = judged.first.log_line if judged.first else None
    # What was never begun has no log, and nothing to be done again by hand.
    begun = job.attempt > 0
    return {
        "word": judged.word,
        "glyph": GLYPHS.get(judged.word, "x"),
        "name": saying.plain(job.name, 120),
        "run": _run(judged.run, root),
        "sentence": _sentence(facts, judged),
        "reason": saying.plain(job.reason, 200),
        "spot": saying.spot(first) if first else "",
        "joint": saying.joint(first) if first else "",
        "message": saying.message(first) if first else "",
        "counts": _stop(saying.counts(judged)) if red else "",
        "since": _since(facts, judged),
        "cause": saying.cause(judged),
        "culprit": saying.culprit(judged),
        "suspects": saying.suspects(judged),
        "commits": [
            {
                "sha": commit.sha[:7],
                "author": saying.plain(commit.author, 40),
                "subject": saying.plain(commit.subject, 100),
            }
            for commit in judged.suspects[:MOST_COMMITS]
        ],
        "commits_more": max(0, len(judged.suspects) - MOST_COMMITS),
        "flaky": saying.flaky(judged),
        "tail": tail,
        "silent": red and not told.tail and judged.first is None,
        "tail_from": told.tail_from + len(told.tail) - len(tail),
        "begun": begun,
        "log_url": root + job.page + (f"#L{line}" if line else ""),
        "log_line": line,
        "log_verb": saying.log_verb(job.run, job.order.subproject, job.order.recipe.name),
        "again": again(judged.run, job) if judged.word != "fixed" and begun else (),
    }


def plain_line(line: bytes) -> str:
    """A line of a log, fit to be shown, its indentation kept."""
    said = logs.clean(line).replace("\t", "    ").rstrip()
    return said if len(said) <= saying.LINE else said[: saying.LINE - 3] + "..."


def _sentence(facts: Facts, told: Verdict) -> str:
    """What happened, as one sentence that names the job, the branch, the moment and the cause."""
    name, branch = saying.plain(told.job.name, 120), saying.plain(told.run.branch, 120)
    reason = saying.plain(told.job.reason)
    moment = _moment(facts, told.job.finished_at or told.run.created_at)
    cause = f": {reason.rstrip('.')}" if reason else ""
    return {
        "broke": f"{name} broke on {branch}, {moment}{cause}.",
        "failed": f"{name} failed on {branch}, {moment}, its first result there{cause}.",
        "errored": f"{_unrun(facts, told)}{cause}.",
        "fixed": f"{name} {'passes again' if _by_itself(told) else 'is fixed'} on {branch} since {moment}.",
    }.get(told.word, f"{name} on {branch}: {told.word}{cause}.")


def _unrun(facts: Facts, told: Verdict) -> str:
    """That ctci could not run it; what was lost while it ran, may be found long after."""
    name, branch, job = saying.plain(told.job.name, 120), saying.plain(told.run.branch, 120), told.job
    moment = _moment(facts, job.finished_at or told.run.created_at)
    if job.attempt and job.began_at is not None and (job.finished_at or 0) - job.began_at > LONG_MS:
        return f"{name} on {branch} began {_moment(facts, job.began_at)}; found lost on {moment}"
    return f"ctci could not run {name} on {branch}, {moment}"


def _by_itself(told: Verdict) -> bool:
    """Whether the commit that is green is the one that was red: nobody has mended anything."""
    return told.baseline is not None and told.run.commit is not None and told.baseline.commit == told.run.commit


def _stop(said: str) -> str:
    """A sentence's end, where it has none."""
    return f"{said}." if said else ""


def _since(facts: Facts, told: Verdict) -> str:
    if told.word == "fixed":
        return f"Was red from #{told.red.run} on, {_moment(facts, told.red.at)}." if told.red else ""
    if told.word == "errored":
        return "This is no result: it says nothing about the commit."
    # Where a branch began is said with what came since.
    if told.green is None or told.forked:
        return ""
    return f"Last green in #{told.green.run}, {_moment(facts, told.green.at)}."


def again(run: Run, job: Job) -> tuple[str, ...]:
    """The steps that do it again by hand. A command that is no short line is left to the verb that knows it."""
    order, sha = job.order, run.commit or run.after
    if not sha:
        return ()
    # What was only tried nobody can fetch, and who tried it has it.
    there = () if run.kind == TRY else (f"git switch -d {sha[:7]}",)
    directory = () if order.directory in ("", ".") else (f"cd {shlex.quote(order.directory)}",)
    by_hand = (*directory, order.recipe.run.strip())
    by_name = (f"ctci run --here {shlex.quote(job.name)}",)
    steps = next((each for each in (by_hand, by_name) if all(saying.is_step(step) for step in each)), ())
    return (*there, *steps) if steps else ()


def _moment(facts: Facts, at: int | None) -> str:
    return moments.said(at, facts.at, facts.timezone) if at else "a while ago"

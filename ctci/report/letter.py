"""What a letter says: facts -> subject, text and HTML, all three saying the same.

Pure but for the zone of the clock, and its templates. What comes from commits and logs is hostile until it has passed
`plain`; the templates escape it for HTML.
"""

import shlex
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ctci import clock, logs
from ctci.model import Commit, Job, Run
from ctci.report import verdict

SUBJECT = 70
#: Columns of the text part.
COLUMNS = 72
#: Bytes of HTML; Gmail hides what comes after 102 KB, and with it why one gets this.
HTML_BYTES = 80_000
#: Characters of a log's line that are shown.
LINE = 200
#: Lines of log per job: as many as fit into HTML_BYTES.
LINES = (20, 8, 3, 0)
#: Jobs told in full, and commits listed per job; the others are counted.
MOST_JOBS, MOST_COMMITS = 10, 3
#: Characters of a step that one may copy; a longer one would be broken.
STEP = 58

GLYPHS = {"broke": "x", "failed": "x", "errored": "!", "fixed": "+"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A job that the letter tells of."""

    job: Job
    #: One of verdict.WORDS.
    word: str
    #: The last green job of the place; of a fixed one, the last before it was red.
    green: Job | None = None
    #: Of a fixed one, the first red job.
    red: Job | None = None
    #: What came since `green`, newest first.
    commits: tuple[Commit, ...] = ()
    #: The last lines of its log, as they are on disk, and the number of the first of them.
    tail: tuple[bytes, ...] = ()
    tail_from: int = 1


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a letter about one run is made of."""

    run: Run
    told: tuple[Told, ...]
    #: The `[notify.N]` that asks for it.
    notify: str
    #: The server's title and the address that people reach it by.
    title: str
    public_url: str
    #: Unix milliseconds of now.
    at: int
    #: What is wrong with ctci itself.
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A letter, written."""

    subject: str
    text: str
    html: str


def compose(facts: Facts) -> Composed:
    """Write the letter: a subject of at most 70 ASCII characters, text of 72 columns, HTML of 80 KB."""
    facts = replace(facts, told=tuple(sorted(facts.told, key=lambda told: verdict.WORDS.index(told.word))))
    subject = _subject(facts)
    for lines in LINES:
        said = {"subject": subject, **_said(facts, lines)}
        html = _html(said)
        if len(html.encode()) <= HTML_BYTES:
            break
    return Composed(subject=subject, text=_texts.get_template("letter.txt").render(said), html=html)


def plain(text: str | None, most: int = LINE) -> str:
    """One line that is safe to be shown anywhere: no controls, no terminal sequences, no half characters."""
    said = logs.clean(" ".join((text or "").split()).encode("utf-8", "replace"))
    return said if len(said) <= most else said[: most - 3] + "..."


def _subject(facts: Facts) -> str:
    run, number = facts.run, f" (#{facts.run.id})"
    if len(facts.told) == 1:
        said, names = facts.told[0].word, f"{facts.told[0].job.name} on {run.branch}"
    else:
        said, names = verdict.summary(told.word for told in facts.told), f"{run.project} {run.branch}"
    start = f"[ctci] {said}: "
    room = SUBJECT - len(start) - len(number)
    names = plain(unicodedata.normalize("NFKD", names).encode("ascii", "replace").decode(), room)
    return f"{start}{names}{number}"


# --- what both parts say ---------------------------------------------------------------------------------------------


def _said(facts: Facts, lines: int) -> dict[str, Any]:
    run, root = facts.run, f"{facts.public_url.rstrip('/')}/"
    pusher = plain(run.pusher, 60)
    author = plain(run.author, 60)
    by = [author, f"pushed by {pusher}" if pusher and pusher != author else ""]
    items = [_item(facts, told, root, lines) for told in facts.told[:MOST_JOBS]]
    return {
        "headline": items[0]["sentence"] if len(items) == 1 else _sum(facts),
        "title": plain(facts.title, 60),
        "date": _moment(facts.at),
        "run": run,
        "branch": plain(run.branch, 120),
        "run_url": f"{root}runs/{run.id}",
        "sha": (run.commit or run.after or "unknown")[:7],
        "commit_subject": plain(run.subject, 100) if run.commit else "(not fetched)",
        "by": ", ".join(filter(None, by)),
        "items": items,
        "more": len(facts.told) - len(items),
        "remarks": [plain(remark, 300) for remark in facts.remarks],
        "notify": plain(facts.notify, 60),
        "host": plain(urlsplit(root).netloc, 100),
    }


def _sum(facts: Facts) -> str:
    run, words = facts.run, verdict.summary(told.word for told in facts.told)
    return f"{words} in {plain(run.project)} on {plain(run.branch, 120)}, #{run.id}."


def _item(facts: Facts, told: Told, root: str, lines: int) -> dict[str, Any]:
    job, suspects = told.job, verdict.suspects(told.job, told.commits)
    tail = [plain_line(line) for line in told.tail[-lines:]] if lines else []
    return {
        "word": told.word,
        "glyph": GLYPHS[told.word],
        "name": plain(job.name, 120),
        "sentence": _sentence(facts.run, told),
        "reason": plain(job.reason, 200),
        "since": _since(told),
        "commits_title": _commits_title(told),
        "commits": [
            {"sha": commit.sha[:7], "author": plain(commit.author, 40), "subject": plain(commit.subject, 100)}
            for commit in suspects[:MOST_COMMITS]
        ],
        "commits_more": max(0, len(suspects) - MOST_COMMITS),
        "tail": tail,
        "silent": told.word in ("broke", "failed") and not told.tail,
        "tail_from": told.tail_from + len(told.tail) - len(tail),
        "log_url": root + _href(job),
        "log_verb": _log_verb(job),
        "again": _again(facts.run, job),
    }


def plain_line(line: bytes) -> str:
    """A line of a log, fit to be shown, its indentation kept."""
    said = logs.clean(line).replace("\t", "    ").rstrip()
    return said if len(said) <= LINE else said[: LINE - 3] + "..."


def _sentence(run: Run, told: Told) -> str:
    """What happened, as one sentence that names the job, the branch, the moment and the cause."""
    name, branch, reason = plain(told.job.name, 120), plain(run.branch, 120), plain(told.job.reason, 200)
    moment = _moment(told.job.finished_at or run.created_at)
    cause = f": {reason.rstrip('.')}" if reason else ""
    return {
        "broke": f"{name} broke {branch} on {moment}{cause}.",
        "failed": f"{name} failed on {branch} on {moment}, its first result there{cause}.",
        "errored": f"ctci could not run {name} on {branch} on {moment}{cause}.",
        "fixed": f"{name} is fixed on {branch} since {moment}.",
    }[told.word]


def _since(told: Told) -> str:
    if told.word == "fixed":
        return f"Was red from #{told.red.run} on, {_moment(told.red.finished_at)}." if told.red else ""
    if told.word == "errored":
        return "This is no result: it says nothing about the commit."
    return f"Last green in #{told.green.run}, {_moment(told.green.finished_at)}." if told.green else ""


def _commits_title(told: Told) -> str:
    if not told.commits:
        return ""
    sub = told.job.order.subproject
    touching = any(sub in commit.touches for commit in told.commits)
    number = len(verdict.suspects(told.job, told.commits))
    count = "1 commit" if number == 1 else f"{number} commits"
    since = f"since green #{told.green.run}" if told.green else f"in #{told.job.run}"
    if not sub:
        return f"{count} {since}:"
    place = plain(sub, 60)
    return f"{count} to {place} {since}:" if touching else f"{count} {since}, none to {place}:"


def _again(run: Run, job: Job) -> tuple[str, ...]:
    """The steps that do it again by hand. A command that is no short line is left to the verb that knows it."""
    order, sha = job.order, run.commit or run.after
    if not sha:
        return ()
    directory = () if order.directory in ("", ".") else (f"cd {shlex.quote(order.directory)}",)
    by_hand = (*directory, order.recipe.run.strip())
    by_name = (f"ctci run --here {shlex.quote(job.name)}",)
    steps = next((steps for steps in (by_hand, by_name) if all(step == plain(step, STEP) for step in steps)), ())
    return (f"git switch -d {sha[:7]}", *steps) if steps else ()


def _log_verb(job: Job) -> str:
    verb = "ctci log " + shlex.quote("/".join((str(job.run), *_names(job))))
    return verb if verb == plain(verb, STEP) else f"ctci log {job.run}"


def _names(job: Job) -> list[str]:
    return [name for name in (job.order.subproject, job.order.recipe.name) if name]


def _href(job: Job) -> str:
    """Where the job's log is shown, relative to the root."""
    names = _names(job)
    if any("/" in name or name in (".", "..") for name in names):
        return f"jobs/{job.id}"
    return "/".join((f"runs/{job.run}", *(quote(name, safe="") for name in names)))


def _moment(at: int | None) -> str:
    return clock.local(at).strftime("%a %-d %b, %H:%M") if at else "a while ago"


# --- the two parts ---------------------------------------------------------------------------------------------------


def fold(text: str, first: str = "", rest: str | None = None) -> str:
    """`text` in lines of at most COLUMNS, the first after `first`, the others after `rest`."""
    rest = " " * len(first) if rest is None else rest
    lines = textwrap.wrap(text, COLUMNS, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return "\n".join(lines)


def pieces(line: str) -> str:
    """A line of a log behind a bar, cut hard where it is too wide, its further pieces behind a colon."""
    room = COLUMNS - 5
    cut = [line[at : at + room] for at in range(0, len(line), room)] or [""]
    return "\n".join(f"   {':' if number else '|'} {piece}".rstrip() for number, piece in enumerate(cut))


def chain(steps: Sequence[str], before: str) -> str:
    """Steps as one line for a shell, or, where that is too wide, one line each."""
    one = before + " && ".join(steps)
    return one if len(one) <= COLUMNS else before + f" &&\n{' ' * len(before)}".join(steps)


def _html(said: dict[str, Any]) -> str:
    # Not loaded before there is a letter, like smtplib.
    import css_inline  # noqa: PLC0415

    # Mail programs drop sheets, and a sheet elsewhere must never be fetched.
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, keep_link_tags=False)
    return inliner.inline(_pages.get_template("letter.html").render(said))


def _environment(*, html: bool) -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=html,  # noqa: S701 - the other one writes text
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        # What keeps numbers and units together on a page is a stranger in a plain text.
        finalize=None if html else _typewritten,
    )
    made.filters.update(fold=fold, pieces=pieces, chain=chain)
    return made


def _typewritten(value: Any) -> Any:
    return value.replace("\u202f", " ") if isinstance(value, str) else value


_pages = _environment(html=True)
_texts = _environment(html=False)

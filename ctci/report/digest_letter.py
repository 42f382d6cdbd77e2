"""The digest, written: subject, text and HTML, which say the same. Pure but for its templates."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode, urlsplit

from ctci import words
from ctci.model import RED, Branch, Mark, Status, Unfinished, short_ref
from ctci.report import digest_lines, letter, moments, parts, saying, upcoming
from ctci.report.digest import Digest, Facts

#: Lines of a section, suspects of a break, branches, strips: the first of these with which the HTML is small enough.
LEVELS = ((10, 3, 10, 8), (10, 3, 10, 0), (10, 1, 10, 0), (5, 1, 5, 0), (2, 1, 2, 0), (0, 0, 0, 0))
#: The runs of a strip, and how few of them a line of text may show beside the names.
STRIP, LEAST_STRIP = 24, 10
#: Characters of a link; a longer one leads to all runs.
LINK = 300
#: What stands over the columns of the branches: over their names, and over what ran there.
HEADS = ("project", "branch", "runs", "time")
STRIP_HEAD = "old -> new"
#: Columns over which the names of entries are aligned.
WIDE = 24
#: The tallest and the lowest bar of a strip, and what hangs below the line of a red one, pixels.
HIGH, LOW, FOOT = 18, 4, 6
_LETTERS = {Status.SUCCEEDED: "#", Status.FAILED: "x", Status.TIMED_OUT: "T"}
_COLOURS = {Status.SUCCEEDED: "#6b8c77", Status.FAILED: "#cf222e", Status.TIMED_OUT: "#9a4a00"}
_GREY = "#8a857a"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One run of a strip: what stands on the line from the top down, and what hangs below it, pixels."""

    colour: str
    heights: tuple[int, ...]
    foot: int = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One branch of the table."""

    project: str
    branch: str
    href: str
    runs: str
    took: str
    #: `next 02:30`, or empty.
    following: str
    letters: str
    bars: tuple[Bar, ...]
    label: str


def write(digest: Digest) -> letter.Composed:
    """Write it as its form says: a subject of at most 70 ASCII characters, text of 72 columns, HTML of 80 KB."""
    subject = _subject(digest)
    for level in LEVELS:
        said = {"subject": subject, **_said(digest, *level)}
        html = parts.page("digest.html", said)
        if len(html.encode()) <= letter.HTML_BYTES:
            break
    return letter.Composed(subject=subject, text=parts.typed("digest.txt", said), html=html)


def headline(digest: Digest) -> str:
    """What the subject counts: `2 broke, 1 still broken`, `All green: 41 runs, 3 projects`; no full stop."""
    return _capital(_quiet(digest) if digest.is_quiet else ", ".join(said for said, _ in _counts(digest)))


def notes(digest: Digest) -> tuple[str, ...]:
    """What is to be known of the whole: a digest that did not go, runs that change nothing, jobs that are not over."""
    return tuple(_notes(digest))


# --- the subject -----------------------------------------------------------------------------------------------------


def _subject(digest: Digest) -> str:
    ending = f" ({_day(digest.facts)})"
    if digest.is_quiet:
        return f"[ctci] {_quiet(digest)}{ending}"
    counts = _counts(digest)
    room = letter.SUBJECT - len("[ctci] ") - len(ending)
    for kept in range(len(counts), 0, -1):
        said = ", ".join(said for said, _ in counts[:kept])
        # Of all that is counted: who reads only the subject must find his project in it.
        names = list(dict.fromkeys(_ascii(name) for _, projects in counts[:kept] for name in projects))
        left = room - len(said) - 2
        if not names and left >= -2:
            return f"[ctci] {said}{ending}"
        if left >= min(12, len(names[0]) if names else 0):
            return f"[ctci] {said}: {_some(names, left)}{ending}"
    return f"[ctci] {counts[0][0][:room]}{ending}"


def _counts(digest: Digest) -> list[tuple[str, list[str]]]:
    """What there is of each and in which projects, the gravest first; what is to be watched where nothing else is."""
    jobs = sum(len(place.errored) for place in digest.errored)
    remarks = dict.fromkeys(_ascii(remark.short) or "ctci needs a look" for remark in digest.remarks)
    grave: list[tuple[str, list[str]]] = [
        (f"{len(digest.broke)} broke", [each.place.project for each in digest.broke]),
        (f"{len(digest.still)} still broken", [each.place.project for each in digest.still]),
        (f"{len(digest.fixed)} fixed", [each.place.project for each in digest.fixed]),
        (f"{words.count(jobs, 'job')} errored", [place.project for place in digest.errored]),
        (f"{len(digest.overdue)} overdue", [each.project for each in digest.overdue]),
        (f"{words.count(len(digest.unfinished), 'job')} not over", [each.project for each in digest.unfinished]),
    ]
    unsent = [(f"{words.count(len(digest.unsent), 'letter')} not sent", list[str]())] if digest.unsent else []
    calls = sum(each.count for each in digest.refused)
    watched: list[tuple[str, list[str]]] = [
        (f"{len(digest.deleted)} deleted while red", [each.place.project for each in digest.deleted]),
        (f"{len(digest.flaky)} flaky", [place.project for place in digest.flaky]),
        (f"{len(digest.slower)} slower", [place.project for place, _ in digest.slower]),
        (f"{words.count(calls, 'call')} refused", [each.project for each in digest.refused]),
        (
            f"{words.count(len(digest.lapsed), 'acknowledgement')} lapsed",
            [each.place.project for each in digest.lapsed],
        ),
    ]
    told = [each for each in grave[:4] if each[1]]
    told += [(each, []) for each in remarks]
    told += [each for each in grave[4:] if each[1]] + unsent
    told = told or [each for each in watched if each[1]]
    return [(said.replace(words.THIN, " "), projects) for said, projects in told]


def _some(names: list[str], room: int) -> str:
    """As many as there is room for, and the number of the others."""
    for kept in range(len(names), 0, -1):
        rest = f" +{len(names) - kept}" if kept < len(names) else ""
        said = ", ".join(names[:kept]) + rest
        if len(said) <= room:
            return said
    rest = f" +{len(names) - 1}" if len(names) > 1 else ""
    return saying.plain(names[0], room - len(rest)) + rest


def _quiet(digest: Digest) -> str:
    if not digest.runs:
        return "nothing ran"
    projects = len({branch.project for branch in digest.branches})
    state = "all green" if digest.green else "nothing red"
    said = f"{state}: {words.count(digest.runs, 'run')}, {words.count(projects, 'project')}"
    return said.replace(words.THIN, " ")


def _ascii(text: str) -> str:
    bare = (each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return saying.plain("".join(bare).encode("ascii", "replace").decode())


# --- what both parts say ---------------------------------------------------------------------------------------------


def _said(digest: Digest, most: int, most_commits: int, most_rows: int, strips: int) -> dict[str, Any]:
    facts = digest.facts
    root = digest_lines.root(facts)
    shown = () if digest.form == "short" else digest.branches[:most_rows]
    rows = tuple(_row(facts, branch, strip=number < strips) for number, branch in enumerate(shown))
    sections = digest_lines.sections(digest, most, most_commits)
    return {
        "headline": headline(digest),
        "title": saying.plain(facts.title, 60),
        "date": moments.full(facts, facts.until),
        "totals": _totals(digest),
        "notes": notes(digest),
        "sections": sections,
        "pad": min(WIDE, max((len(line.name) for each in sections for line in each.lines), default=0)),
        "rows": rows,
        "table": _table(rows),
        "rows_more": 0 if digest.form == "short" else len(digest.branches) - len(rows),
        "page_url": facts.page_url or root,
        "why": _why(facts, root),
        "following": _following(facts, facts.next_at) if facts.next_at else "",
        "manage_url": facts.manage_url,
    }


def _totals(digest: Digest) -> str:
    facts = digest.facts
    first = "Your first digest. " if facts.first else ""
    since = f"since {moments.full(facts, facts.since)} ({facts.timezone})"
    if digest.form == "short":
        said, _, counted = _quiet(digest).partition(": ")
        return f"{first}{_capital(said)} {since}{f': {counted}' if counted else ''}."
    none = "no run ended" if digest.unfinished else "no runs"
    counts = [words.count(digest.runs, "run") if digest.runs else none]
    if digest.runs:
        green = words.number(digest.green) if digest.green else "none"
        all_green = "green" if digest.runs == 1 else "all green"
        counts.append(all_green if digest.green == digest.runs else f"{green} green")
    if digest.broke:
        counts.append(words.count(len(digest.broke), "new break"))
    return f"{first}{_capital(since)}: {', '.join(counts)}."


def _notes(digest: Digest) -> Iterator[str]:
    facts, unfinished = digest.facts, digest.unfinished
    if facts.missed == 1:
        yield "The digest before this one did not go out: this one covers its time too."
    elif facts.missed:
        yield f"{words.number(facts.missed)} digests before this one did not go out: this one covers their time too."
    if facts.cut:
        before = moments.full(facts, facts.since)
        yield f"A digest covers {upcoming.LONGEST_DAYS} days at most: what was before {before} is not told."
    if digest.again:
        yield f"An older commit was run again in {_numbers(digest.again)}: that changes nothing."
    if digest.late:
        yield f"{_numbers(digest.late)} ended after what is newer: that changes nothing."
    if unfinished:
        runs = Counter(each.run for each in unfinished)
        first = {each.run: each for each in reversed(unfinished)}
        named = [_of_run(first[run], jobs) for run, jobs in runs.items()]
        rest = [f"{len(named) - 3} more"] if len(named) > 3 else []
        yield f"Not over yet, and not told of here: {words.names(named[:3] + rest)}."


def _numbers(runs: Sequence[int]) -> str:
    shown = [f"#{run}" for run in runs[:5]]
    return words.names(shown + ([f"{len(runs) - 5} more"] if len(runs) > 5 else []))


def _of_run(first: Unfinished, jobs: int) -> str:
    name, branch = saying.plain(first.name, 60), saying.plain(first.branch, 60)
    of = name if jobs == 1 else f"{words.count(jobs, 'job')} of {saying.plain(first.project, 60)}"
    return f"{of} on {branch} (#{first.run})"


def _following(facts: Facts, at: int) -> str:
    """When the next digest comes, and on what that hangs."""
    when = moments.full(facts, at)
    if facts.after:
        latest = f"{moments.hour(facts, at)} at the latest"
        when = f"{moments.day(facts, at)}, when {saying.plain(facts.after, 60)} is over, {latest}"
    return f"Next digest {when}{', if there is anything to tell' if facts.quiet == 'skip' else ''}."


def _why(facts: Facts, root: str) -> str:
    table = f"[notify.{saying.plain(facts.notify, 60)}] on {saying.plain(urlsplit(root).netloc, 100)}"
    if facts.author is not None:
        return f"You get this because you pushed, and {table} tells authors."
    return f"You get this because you are in {table}."


def _day(facts: Facts) -> str:
    return date.fromisoformat(facts.date).strftime("%a %-d %b")


def _capital(text: str) -> str:
    # The program's name has none.
    return text if text.startswith("ctci") else text[:1].upper() + text[1:]


# --- the table of branches -------------------------------------------------------------------------------------------


def _row(facts: Facts, branch: Branch, *, strip: bool) -> Row:
    marks = branch.strip[-STRIP:]
    red = sum(mark.status in RED for mark in marks)
    asked = urlencode({"project": branch.project, "branch": branch.ref}, errors="replace")
    latest = f", the latest {words.status(marks[-1].status)}" if marks else ""
    return Row(
        project=saying.plain(branch.project, digest_lines.NAME),
        branch=saying.plain(short_ref(branch.ref), digest_lines.NAME),
        href=f"{digest_lines.root(facts)}runs{f'?{asked}' if len(asked) < LINK else ''}",
        runs=words.count(branch.runs, "run"),
        took=words.briefly(branch.seconds),
        following=f"next {moments.soon(facts, branch.next_at)}" if branch.next_at else "",
        letters="".join(_letter(mark) for mark in marks),
        bars=tuple(_bars(marks)) if strip else (),
        label=f"last {words.count(len(marks), 'run')}, {red} red{latest}",
    )


def _letter(mark: Mark) -> str:
    return "~" if mark.flaky else _LETTERS.get(mark.status, ".")


def _bars(marks: tuple[Mark, ...]) -> Iterator[Bar]:
    longest = max((mark.seconds for mark in marks), default=0) or 1
    for mark in marks:
        height = max(LOW, round(HIGH * mark.seconds / longest))
        if mark.status not in _COLOURS:
            yield Bar(colour=_GREY, heights=(2,))
        elif mark.flaky and height >= LOW + 4:
            yield Bar(colour=_COLOURS[mark.status], heights=(height - height // 2 - 1, height // 2 - 1))
        else:
            yield Bar(colour=_COLOURS[mark.status], heights=(height,), foot=FOOT if mark.status in RED else 0)


def _table(rows: tuple[Row, ...]) -> tuple[str, ...]:
    """The rows as text, each in one line where all names are short, else in two."""
    if not rows:
        return ()
    wide = [max(len(getattr(row, name)) for row in rows) for name in ("project", "branch", "runs", "took")]
    project, branch, runs, took = (max(len(head), each) for head, each in zip(HEADS, wide, strict=True))
    following = max(len(row.following) for row in rows)
    room = parts.COLUMNS - 3 - 2 - 2 - 2 - 2 - 2 - runs - took - following
    one = project + branch + LEAST_STRIP <= room
    strip = min(STRIP, room - project - branch if one else room - 3)
    heads = (
        f"   {HEADS[0]:<{project}}  {HEADS[1]:<{branch}}  {HEADS[2]:>{runs}}  {STRIP_HEAD:<{strip}}  {HEADS[3]:>{took}}"
    )
    lines = [heads] if one else []
    for row in rows:
        name = f"   {row.project:<{project}}  {row.branch:<{branch}}  " if one else f"   {row.project}  {row.branch}"
        rest = f"{row.runs:>{runs}}  {row.letters[-strip:]:<{strip}}  {row.took:>{took}}  {row.following}".rstrip()
        lines += [name + rest] if one else [parts.cut(name), f"      {rest}"]
    return tuple(line.replace(words.THIN, " ") for line in lines)

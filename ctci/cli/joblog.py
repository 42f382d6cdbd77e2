"""Logs on a terminal: whole, in part, what is looked for in them, or as they are written.

What a recipe printed is shown cleaned: of a terminal's sequences only colours pass, and only to a terminal. --raw
passes every byte as it is.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ctci import logs, words
from ctci.cli import nouns, session, terminal
from ctci.cli.source import Source
from ctci.model import FINISHED, RED, Status

#: Lines that are read at once, and hits.
BATCH, HITS = 1000, 200
_LINES = re.compile(r"(-?\d{1,12})?(:)?(-?\d{1,12})?")


@dataclass(frozen=True, kw_only=True)
class Grep:
    """What is looked for, and how many lines around it are shown."""

    text: str
    context: int
    ignore_case: bool


def heading(job: nouns.Job) -> str:
    """What stands above the log of one job among several."""
    said = nouns.said(job)
    text = f"#{job['run']} {nouns.place(job)}: {words.status(job['status'])}{', ' + said if said else ''}"
    return terminal.strong(f"==> {terminal.plain(text)} <==")


def ending(job: nouns.Job) -> str:
    """What stands below a log that was followed to its end."""
    said = nouns.said(job)
    took = nouns.seconds(job, nouns.moment(job["finished_at"]) or 0)
    after = f" after {words.duration(took)}" if took is not None else ""
    text = f"{nouns.place(job)} {words.status(job['status'])}{after}{': ' + said if said else ''}"
    return terminal.headline(nouns.status(job), terminal.plain(text))


def worth(jobs: Sequence[nouns.Job]) -> tuple[nouns.Job, ...]:
    """The jobs of `--failed`: red ones, and those that ctci could not run."""
    return tuple(job for job in jobs if nouns.status(job) in RED or nouns.status(job) is Status.ERRORED)


def lines(text: str) -> tuple[int | None, int | None]:
    """(first, last) of `2200:2240`, `2200:`, `:40`, `2214` or `-20:` (the last 20). Raises BadParameter."""
    found = _LINES.fullmatch(text)
    if found is None or (found[1] is None and found[3] is None):
        raise click.BadParameter(f"--lines wants A:B, A:, :B or a number, and {text} is none of these")
    first = int(found[1]) if found[1] else None
    last = int(found[3]) if found[3] else None if found[2] else first
    return first, last


def print_(where: Source, job: nouns.Job, *, asked: tuple[int | None, int | None], raw: bool) -> None:
    """The log of a job, or the lines asked for; why there is none goes to stderr."""
    facts = _facts(where, job)
    if facts is None:
        return
    total = facts["total"]
    first, last = (_from_end(each, total) for each in asked)
    first, last = max(1, first or 1), min(total, total if last is None else last)
    if first > last:
        terminal.note(f"{nouns.place(job)} has {words.count(total, 'line')}")
        return
    if raw:
        _pass(where.log(job["id"], job["attempt"], lines=(first, last - first + 1)))
        return
    for line in _window(where, job, first, last):
        _print(line)


def search(where: Source, job: nouns.Job, grep: Grep) -> int:
    """The lines of a log that have a text, each with its number; how many."""
    if _facts(where, job) is None:
        return 0
    found, shown = 0, 0
    at: int | None = 1
    while at is not None:
        told = where.get(
            "/jobs/{job}/log/search",
            job=job["id"],
            attempt=job["attempt"],
            q=grep.text,
            context=grep.context,
            limit=HITS,
            ignore_case=grep.ignore_case,
            **{"from": at},
        )
        found += len(told["hits"])
        for hit in told["hits"]:
            for line in hit["lines"]:
                if line["number"] <= shown:
                    continue
                if grep.context and shown and line["number"] > shown + 1:
                    terminal.say("--")
                shown = line["number"]
                mark = ":" if _has(line["text"], grep) else "-"
                terminal.say(f"{shown}{mark} {_plain(line)}")
        at = told["next"]
    return found


def _has(text: str, grep: Grep) -> bool:
    return grep.text.casefold() in text.casefold() if grep.ignore_case else grep.text in text


def _facts(where: Source, job: nouns.Job) -> dict[str, Any] | None:
    """How long a job's log is; None, and why on stderr, where there is none or nothing in it."""
    facts = None
    if job["attempt"]:
        facts = where.get("/jobs/{job}/log/lines", job=job["id"], attempt=job["attempt"], lines=1)
    if facts is None or (not facts["lines"] and not facts["there"]):
        said = nouns.said(job)
        why = f"{words.status(job['status'])}{', ' + said if said else ''}"
        # A result that is repeated says of which run it is.
        ran = re.search(r"#(\d+)", said) if job["repeats"] is not None else None
        there = f"; `ctci log {ran[1]}/{nouns.place(job)}` is the log of then" if ran else ""
        terminal.note(f"{nouns.place(job)} has no log: {terminal.plain(why)}{there}")
        return None
    if not facts["total"]:
        ended = nouns.status(job) in FINISHED
        terminal.note("This recipe printed nothing." if ended else "Nothing printed yet.")
        return None
    return facts


def _from_end(number: int | None, total: int) -> int | None:
    return number if number is None or number >= 0 else max(1, total + 1 + number)


def _window(where: Source, job: nouns.Job, first: int, last: int) -> Iterator[Mapping[str, Any]]:
    """The lines from the first to the last."""
    colours = terminal.colour_of_stdout()
    for at in range(first, last + 1, BATCH):
        yield from where.get(
            "/jobs/{job}/log/lines",
            job=job["id"],
            attempt=job["attempt"],
            lines=min(BATCH, last + 1 - at),
            colours=colours,
            **{"from": at},
        )["lines"]


def _pass(pieces: Iterator[bytes]) -> int:
    """Print bytes as they are; how many."""
    passed = 0
    for piece in pieces:
        sys.stdout.buffer.write(piece)
        passed += len(piece)
    sys.stdout.buffer.flush()
    return passed


def _print(line: Mapping[str, Any], prefix: str = "") -> None:
    cut = line["cut_bytes"]
    more = f" … ({words.size(cut)} more; --raw shows them)" if cut else ""
    terminal.say(f"{prefix}{_plain(line)}{more}")


def _plain(line: Mapping[str, Any]) -> str:
    """A line fit for a terminal, whatever a server says."""
    text = line["text"].encode("utf-8", "replace")
    return logs.coloured(text) if terminal.colour_of_stdout() else logs.clean(text)


class Stream:
    """The log of one job while it is followed: prints what is new, whole lines only until the job has ended."""

    def __init__(self, where: Source, *, prefix: str = "", raw: bool = False) -> None:
        self._where = where
        self._prefix = prefix
        self._raw = raw
        self._attempt = 0
        self._lines = 0
        self._bytes = 0
        #: Whether the job's end has been told.
        self.told = False

    def advance(self, job: nouns.Job) -> None:
        """Print what was written since the last time."""
        if not job["attempt"]:
            return
        if job["attempt"] != self._attempt:
            if self._attempt:
                terminal.note(f"{nouns.place(job)}: attempt {job['attempt']}")
            self._attempt, self._lines, self._bytes = job["attempt"], 0, 0
        if self._raw:
            self._bytes += _pass(self._where.log(job["id"], self._attempt, start=self._bytes))
            return
        while True:
            told = self._where.get(
                "/jobs/{job}/log/lines",
                job=job["id"],
                attempt=self._attempt,
                lines=BATCH,
                colours=terminal.colour_of_stdout(),
                **{"from": self._lines + 1},
            )
            ready = told["total"] - (not told["whole"] and nouns.status(job) not in FINISHED)
            fresh = [line for line in told["lines"] if self._lines < line["number"] <= ready]
            for line in fresh:
                _print(line, self._prefix)
                self._lines = line["number"]
            if not fresh or self._lines >= ready:
                break
        sys.stdout.flush()


def refuse_several(jobs: Sequence[nouns.Job]) -> None:
    """Lines and attempts are numbered per job. Raises Refused for more than one."""
    if len(jobs) > 1:
        have = ", ".join(nouns.place(job) for job in jobs)
        said = f"--lines and --attempt are about one log, and these are {len(jobs)}: {have}"
        raise session.Refused(said, session.WRONG)


def earlier(job: nouns.Job, attempt: int) -> nouns.Job:
    """The job as of an earlier attempt. Raises Refused where there was none of that number."""
    if attempt > job["attempt"]:
        raise session.Refused(f"{nouns.place(job)} has {words.count(job['attempt'], 'attempt')}", session.ABSENT)
    return {**job, "attempt": attempt}

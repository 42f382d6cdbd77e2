"""Logs on a terminal: whole, in part, or as they are written.

What a recipe printed is shown cleaned: of a terminal's sequences only colours pass, and only to a terminal. --raw
passes every byte as it is.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import replace

import click

from ctci import logs, words
from ctci.cli import session, terminal
from ctci.layout import Layout
from ctci.model import FINISHED, RED, Job, Run, Status

#: Lines that are read at once.
BATCH = 1000
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_LINES = re.compile(r"(-?\d{1,12})?(:)?(-?\d{1,12})?")


def heading(job: Job, run: Run) -> str:
    """What stands above the log of one job among several."""
    said = words.said(job, run)
    text = f"#{run.id} {job.place}: {words.status(job.status)}{', ' + said if said else ''}"
    return terminal.strong(f"==> {terminal.plain(text)} <==")


def ending(job: Job, run: Run) -> str:
    """What stands below a log that was followed to its end."""
    said = words.said(job, run)
    took = words.seconds(job, job.finished_at or 0)
    after = f" after {words.duration(took)}" if took is not None else ""
    text = f"{job.place} {words.status(job.status)}{after}{': ' + said if said else ''}"
    return terminal.headline(job.status, terminal.plain(text))


def worth(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """The jobs of `--failed`: red ones, and those that ctci could not run."""
    return tuple(job for job in jobs if job.status in RED or job.status is Status.ERRORED)


def lines(text: str) -> tuple[int | None, int | None]:
    """(first, last) of `2200:2240`, `2200:`, `:40`, `2214` or `-20:` (the last 20). Raises BadParameter."""
    found = _LINES.fullmatch(text)
    if found is None or (found[1] is None and found[3] is None):
        raise click.BadParameter(f"--lines wants A:B, A:, :B or a number, and {text} is none of these")
    first = int(found[1]) if found[1] else None
    last = int(found[3]) if found[3] else None if found[2] else first
    return first, last


def print_(place: Layout, job: Job, run: Run, *, asked: tuple[int | None, int | None], raw: bool) -> None:
    """The log of a job, or the lines asked for; why there is none goes to stderr."""
    log = logs.open_(place.log(job.id, job.attempt)) if job.attempt else None
    if log is None:
        said = words.said(job, run)
        why = f"{words.status(job.status)}{', ' + said if said else ''}"
        # A result that is repeated says of which run it is.
        ran = re.search(r"#(\d+)", job.reason or "") if job.same_as is not None else None
        there = f"; `ctci log {ran[1]}/{job.place}` is the log of then" if ran else ""
        terminal.note(f"{job.place} has no log: {terminal.plain(why)}{there}")
        return
    if not log.lines:
        terminal.note("This recipe printed nothing." if job.status in FINISHED else "Nothing printed yet.")
        return
    first, last = (_from_end(each, log.lines) for each in asked)
    first, last = max(1, first or 1), min(log.lines, log.lines if last is None else last)
    if first > last:
        terminal.note(f"{job.place} has {words.count(log.lines, 'line')}")
        return
    if raw:
        start, end = logs.span(log, first, last - first + 1)
        _pass(place, job, start, end)
        return
    for at in range(first, last + 1, BATCH):
        for line in logs.window(log, at, min(BATCH, last + 1 - at)):
            _print(line)


def _from_end(number: int | None, total: int) -> int | None:
    return number if number is None or number >= 0 else max(1, total + 1 + number)


def _pass(place: Layout, job: Job, start: int, end: int) -> None:
    for chunk in logs.chunks(place.log(job.id, job.attempt), start, end):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def _print(line: logs.Line, prefix: str = "") -> None:
    more = f" … ({words.size(line.more)} more; --raw shows them)" if line.more else ""
    terminal.say(f"{prefix}{text(line.text, colours=terminal.colour_of_stdout())}{more}")


def text(line: bytes, *, colours: bool) -> str:
    """A line fit for a terminal."""
    if not colours:
        return logs.clean(line)
    whole = logs.last_state(line)[0].decode("utf-8", "replace")
    shown: list[str] = []
    styled = False
    at = 0
    for sequence in logs.SEQUENCE.finditer(whole):
        shown.append(_named(whole[at : sequence.start()]))
        if _COLOURS.fullmatch(sequence[0]):
            shown.append(sequence[0])
            styled = True
        at = sequence.end()
    shown.append(_named(whole[at:]))
    return "".join(shown) + ("\x1b[0m" if styled else "")


def _named(text: str) -> str:
    return logs.ODD.sub(lambda match: f"<{logs.odd(match[0])}>", text)


class Stream:
    """The log of one job while it is followed: prints what is new, whole lines only until the job has ended."""

    def __init__(self, place: Layout, *, prefix: str = "", raw: bool = False) -> None:
        self._place = place
        self._prefix = prefix
        self._raw = raw
        self._attempt = 0
        self._lines = 0
        self._bytes = 0
        #: Whether the job's end has been told.
        self.told = False

    def advance(self, job: Job) -> None:
        """Print what was written since the last time."""
        if not job.attempt:
            return
        if job.attempt != self._attempt:
            if self._attempt:
                terminal.note(f"{job.place}: attempt {job.attempt}")
            self._attempt, self._lines, self._bytes = job.attempt, 0, 0
        log = logs.open_(self._place.log(job.id, job.attempt))
        if log is None:
            return
        if self._raw:
            _pass(self._place, job, self._bytes, log.size)
            self._bytes = log.size
            return
        ready = log.lines - (not log.whole and job.status not in FINISHED)
        while self._lines < ready:
            for line in logs.window(log, self._lines + 1, min(BATCH, ready - self._lines)):
                _print(line, self._prefix)
                self._lines = line.number
        sys.stdout.flush()


def refuse_several(jobs: Sequence[Job]) -> None:
    """Lines and attempts are numbered per job. Raises Refused for more than one."""
    if len(jobs) > 1:
        have = ", ".join(job.place for job in jobs)
        said = f"--lines and --attempt are about one log, and these are {len(jobs)}: {have}"
        raise session.Refused(said, session.WRONG)


def earlier(job: Job, attempt: int) -> Job:
    """The job as of an earlier attempt. Raises Refused where there was none of that number."""
    if attempt > job.attempt:
        raise session.Refused(f"{job.place} has {words.count(job.attempt, 'attempt')}", session.ABSENT)
    return replace(job, attempt=attempt)

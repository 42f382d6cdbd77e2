"""What `git push` prints: the answer to our own hook, and with `-o ci.wait` how it goes on. Pure.

72 columns at most, no colour, and no control character of anybody's.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence

from ctci import words
from ctci.model import FINISHED, Job, Recorded, Run, Status, short_ref
from ctci.web.sentences import Verdict

#: Columns of a line.
WIDE = 72
#: Refs of one push that are told of.
REFS = 3
#: So long nothing happens before a line says what is being done, milliseconds: who waits sees that it goes on, and
#: a pusher that is gone is noticed.
QUIET_MS = 30_000


def answer(made: Sequence[Recorded], public: str) -> str:
    """The decisions of a push: at most two lines a ref, at most three refs; then what its options come to."""
    lines: list[str] = []
    for each in made[:REFS]:
        branch = short_ref(each.ref or "")
        if each.decision == "queued":
            lines.append(line(f"{each.project} {branch} {words.sha(each.after)}  {_made(each)}"))
            lines.append(f"ctci: {public}runs/{each.run}\n")
        else:
            lines.append(line(f"{each.project} {branch}  {words.decided(each.decision)}: {each.reason}"))
    if len(made) > REFS:
        lines.append(line(f"and {words.count(len(made) - REFS, 'more ref')}; see {public}deliveries"))
    # The options are those of the whole push.
    remarks = dict.fromkeys(remark for each in made for remark in each.remarks)
    lines += [line(remark) for remark in list(remarks)[:REFS]]
    return "".join(lines)


def _made(each: Recorded) -> str:
    """`2 jobs: api web`, or that it will not be run."""
    if each.skip is not None:
        return f"skipped: {each.skip.replace('`', '')}"
    subs = " ".join(dict.fromkeys(place.partition(":")[0] for _, place in each.jobs))
    return f"{words.count(len(each.jobs), 'job')}: {subs}"


def line(text: str) -> str:
    """One line to a terminal."""
    clean = _clean(f"ctci: {text}")
    return f"{clean if len(clean) <= WIDE else clean[: WIDE - 1] + '…'}\n"


def _whole(text: str) -> str:
    """As many lines as it takes."""
    return "".join(f"ctci: {piece}\n" for piece in textwrap.wrap(_clean(text), WIDE - len("ctci: ")))


def _clean(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text.replace(words.THIN, " "))


class Progress:
    """The runs of one push while its pusher waits: what is new since it was asked last."""

    def __init__(self, public: str) -> None:
        self._public = public
        self._told: dict[int, str] = {}
        self._ended: set[int] = set()
        self._spoke_at: int | None = None
        #: Whether the verdict of each run has been told.
        self.over = False

    def news(
        self,
        runs: Sequence[Run],
        jobs: Mapping[int, Sequence[Job]],
        verdict: Callable[[Run, Sequence[Job]], Verdict],
        now: int,
    ) -> str:
        """The lines for what has changed; `verdict` is asked once a run has ended, `now` is Unix milliseconds."""
        lines: list[str] = []
        for run in runs:
            prefix = f"{run.branch}  " if len(runs) > 1 else ""
            for job in jobs[run.id]:
                said = _job(job, run, now)
                if self._told.get(job.id) != said:
                    self._told[job.id] = said
                    lines.append(line(f"{prefix}{job.place} {said}"))
            if run.finished_at is not None and run.id not in self._ended:
                self._ended.add(run.id)
                lines.append(_whole(verdict(run, jobs[run.id]).text))
                lines.append(f"ctci: {self._public}runs/{run.id}\n")
        if not lines and self._spoke_at is not None and now - self._spoke_at >= QUIET_MS:
            lines = [line(_doing(jobs, now))]
        if lines or self._spoke_at is None:
            self._spoke_at = now
        self.over = all(run.id in self._ended for run in runs)
        return "".join(lines)


def _job(job: Job, run: Run, now: int) -> str:
    """How a job stands, in words that stay the same while it stands so."""
    if job.status is Status.RUNNING:
        return "runs" if job.cancel_asked_at is None else words.said(job, run)
    if job.status is Status.QUEUED:
        return words.waits(job, run)
    seconds = words.seconds(job, now)
    took = f" after {words.duration(seconds)}" if seconds is not None else ""
    why = words.said(job, run)
    return f"{words.status(job.status)}{took}{': ' + why if why else ''}"


def _doing(jobs: Mapping[int, Sequence[Job]], now: int) -> str:
    every = [job for each in jobs.values() for job in each]
    ended = sum(job.status in FINISHED for job in every)
    told = f"{ended} of {words.count(len(every), 'job')} {'has' if ended == 1 else 'have'} ended"
    live = [job for job in every if job.status is Status.RUNNING]
    if not live:
        return told
    first = min(live, key=lambda job: job.began_at or now)
    return f"{told}; {first.place} has been running for {words.duration(words.seconds(first, now) or 0)}"

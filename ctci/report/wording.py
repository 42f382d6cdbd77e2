"""A job and what became of it in one short line, as forges show it beside a commit. Pure.

What comes from commits, logs and reports is hostile until it has passed `plain`; the line is text, which whoever shows
it escapes for his pages.
"""

from ctci import logs, words
from ctci.model import RED, Job, Status, Verdict

#: The longest line: GitHub takes no longer one.
LONGEST = 140
#: Of a text of others so much is looked at.
LOOKED = 400


def line(job: Job, verdict: Verdict | None = None, replaced_by: str | None = None) -> str:
    """`broke: 12 of 846 tests failed, test_cart.py:88`.

    `verdict` is None for what is not over, or not judged; `replaced_by` is the commit of the run that superseded it.
    """
    said = _line(job, verdict, replaced_by)
    return f"failed, allowed to: {said}" if spared(job) else said


def name(job: Job) -> str:
    """`api:test`, whole."""
    return plain(job.place, len(job.place))


def spared(job: Job) -> bool:
    """Whether it is red and allowed to be."""
    return job.status in RED and job.order.recipe.allow_failure


def _line(job: Job, verdict: Verdict | None, replaced_by: str | None) -> str:
    reason = plain(job.reason)
    if job.same_as is not None and reason:
        return reason
    match job.status:
        case Status.QUEUED | Status.RUNNING:
            return str(job.status)
        case Status.SUPERSEDED:
            return f"superseded by {replaced_by[:7]}" if replaced_by else reason or "superseded"
        case Status.CANCELLED:
            by = f"cancelled by {plain(job.cancel_by)}" if job.cancel_by else "cancelled"
            return f"{by}: {reason}" if reason else by
        case Status.SKIPPED | Status.ERRORED:
            return f"{job.status}: {reason}" if reason else str(job.status)
        case Status.SUCCEEDED:
            return _green(verdict, reason)
    return _red(job, verdict, reason)


def _red(job: Job, verdict: Verdict | None, reason: str) -> str:
    """The word of the verdict, what is wrong, and where."""
    what = _wrong(job, verdict, reason)
    if spared(job):
        return what
    if verdict is None:
        word = words.status(job.status)
        # The reason says it already: `timed out after 15 m`.
        return what if what.startswith(word) else f"{word}: {what}".removesuffix(": ")
    since = f" since #{verdict.red.run}" if verdict.word == "still broken" and verdict.red is not None else ""
    flaky = " (flaky)" if verdict.flaky else ""
    return f"{verdict.word}{since}{flaky}: {what}".removesuffix(": ")


def _wrong(job: Job, verdict: Verdict | None, reason: str) -> str:
    """`12 of 846 tests failed, test_cart.py:88`; `ring.c:212: implicit declaration`; else how the command ended."""
    if job.status is Status.TIMED_OUT and reason:
        return reason
    first = verdict.first if verdict is not None else None
    reading = verdict.reading if verdict is not None else None
    tests = reading.tests if reading is not None else None
    if tests is not None and tests.failed:
        count = f"{words.number(tests.failed)} of {words.count(tests.total, 'test')} failed"
        return f"{count}, {plain(first.spot)}" if first is not None else count
    if first is None:
        return reason
    return ": ".join(filter(None, (plain(first.spot), plain(first.message))))


def _green(verdict: Verdict | None, reason: str) -> str:
    if verdict is None:
        return f"succeeded, {reason}" if reason else "succeeded"
    said = verdict.word
    if verdict.word == "fixed" and verdict.red is not None:
        said = f"fixed, was red since #{verdict.red.run}"
    tests = verdict.reading.tests if verdict.reading is not None else None
    if tests is not None and tests.total and not tests.failed:
        said = f"{said}, {words.count(tests.total, 'test')}"
    if verdict.slower is not None:
        said = f"{said}, slower: usually {words.briefly(verdict.slower.usual_s)}"
    flaky = plain(verdict.flaky)
    return f"{said}, flaky: {flaky.removeprefix('flaky: ')}" if flaky else said


def plain(text: str | None, looked: int = LOOKED) -> str:
    """One line without controls, terminal sequences and what one would not see."""
    said = " ".join((text or "")[:looked].split())
    return logs.clean(said.encode("utf-8", "replace")).strip()


def cut(said: str, took: str = "") -> str:
    """At most LONGEST characters; how long it took is not what is cut."""
    end = f" · {took}" if took else ""
    room = LONGEST - len(end)
    return f"{said if len(said) <= room else f'{said[: room - 1].rstrip()}…'}{end}"

"""What the end of a job means: broke, still broken, fixed, flaky, slower, and what may be to blame. Pure.

One function feeds letters, mails, statuses, pages and `ctci why`. Cancelled, superseded, skipped and errored jobs
have no result: they change nothing about what was before.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, takewhile
from statistics import median

from ctci.model import RED, TRY, Changed, Commit, Finding, Job, Mended, Past, Recipe, Seen, Slower, Status, Verdict
from ctci.report import known

#: The words of a change, in the order in which a letter tells them.
WORDS = ("broke", "failed", "errored", "fixed")
#: The words of a job that turns its branch red.
BROKEN = ("broke", "failed", "still broken")

DAY_MS = 24 * 3600 * 1000
#: How long flaky is said of a place, unless so many clean results come before.
FLAKY_MS, CLEAN = 14 * DAY_MS, 5
#: The last greens whose median is the usual time, and how few of them say nothing yet.
USUAL, TOO_FEW = 20, 5
#: Slower is by so much more at the least, seconds; and so many times the usual where the recipe does not say.
SLOWER_S, SLOWER_BY = 30.0, 1.5


def judge(past: Past) -> Verdict:
    """What a job's result means against all that is known of its place."""
    job, word = past.job, _word(past)
    red_now = word in BROKEN
    changed = _changed(past.facts_before, past.facts_now) if red_now else ()
    suspects, cause = _blame(past, changed) if red_now else ((), "")
    wrong = [each for each in past.findings if each.severity in ("error", "failure") and each.tool != "ctci"]
    return Verdict(
        job=job,
        run=past.run,
        word=word,
        change=_changes(past, word),
        green=past.green,
        red=past.red,
        baseline=past.baseline,
        forked=past.forked,
        suspects=suspects,
        cause=cause,
        hunt=past.hunt if red_now else None,
        changed=changed,
        recipe_changed=red_now and past.recipe_changed,
        flaky=_flaky(past),
        slower=_slower(past),
        first=known.first(past.reading, past.findings, past.acked),
        reading=past.reading,
        news=len({each.fingerprint for each in wrong} - past.known - past.acked),
        wrong=len({each.fingerprint for each in wrong}),
        failing=tuple(dict.fromkeys(each.test for each in wrong if each.test and each.severity == "failure")),
    )


def summary(words: Iterable[str]) -> str:
    """`2 broke, 1 fixed`, in the order of WORDS."""
    said = list(words)
    return ", ".join(f"{said.count(word)} {word}" for word in WORDS if word in said)


# --- the word --------------------------------------------------------------------------------------------------------


def _word(past: Past) -> str:
    job = past.job
    was_red = past.baseline is not None and past.baseline.status in RED
    if job.status is Status.SUCCEEDED:
        # What the branch that this one left is red for, is not mended there.
        return "fixed" if was_red and not past.forked and not job.order.recipe.allow_failure else "passed"
    if job.status in RED:
        if job.order.recipe.allow_failure:
            return "allowed"
        return "still broken" if was_red else "broke" if past.baseline is not None else "failed"
    return job.status.value


def _changes(past: Past, word: str) -> bool:
    if past.overtaken and past.run.rerun_of is not None:
        return False
    if word == "errored":
        # Of what is red nobody waits to hear more, and an outage is told once.
        was_red = past.baseline is not None and past.baseline.status in RED and not past.forked
        return not was_red and past.last is not Status.ERRORED
    return word in WORDS


# --- what was before -----------------------------------------------------------------------------------------------


def mended(past: Past) -> Mended | None:
    """Of a job that is green the last break that its place had, as far as that is known; None where it had none."""
    if past.job.status is not Status.SUCCEEDED:
        return None
    results = (_seen(past), *past.results)
    green = next((at for at, each in enumerate(results) if each.status in RED), None)
    if green is None:
        return None
    broken = list(takewhile(lambda each: each.status in RED, results[green:]))
    return Mended(red=broken[-1], last=broken[0], green=results[green - 1])


def _seen(past: Past) -> Seen:
    """The job itself, as history will remember it."""
    job = past.job
    return Seen(
        job=job.id,
        run=past.run.id,
        status=job.status,
        commit=past.run.commit,
        author=past.run.author,
        subject=past.run.subject,
        at=job.finished_at or job.queued_at,
        seconds=job.exit.seconds if job.exit is not None else 0.0,
    )


# --- who or what is to blame -----------------------------------------------------------------------------------------


def suspects(job: Job, commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """Of the commits since the last green one those that touch the job's subproject; all, where none does."""
    return touching(job, commits) or tuple(commits)


def touching(job: Job, commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """Those that touch the job's subproject."""
    return tuple(commit for commit in commits if job.order.subproject in commit.touches)


def _blame(past: Past, changed: Sequence[Changed]) -> tuple[tuple[Commit, ...], str]:
    """The suspects and the kind of cause: a commit before the recipe, the recipe before the machine."""
    mine = touching(past.job, past.commits)
    if mine:
        return mine, "commits"
    if past.recipe_changed:
        return (), "recipe"
    if changed:
        return (), "machine"
    if past.commits:
        return past.commits, "elsewhere"
    # Of a break that a try has found elsewhere it is not known what was done there.
    return (), "nothing" if past.green is not None and past.run.kind != TRY else ""


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[Changed, ...]:
    """What is known of both and differs, what the recipe itself declares before what every machine has."""
    both = [name for name in now if name in before and before[name] != now[name]]
    return tuple(Changed(name=name, before=before[name], now=now[name]) for name in both)


# --- flaky -----------------------------------------------------------------------------------------------------------


def _flaky(past: Past) -> str:
    """Why the job is called flaky, as a sentence: it says so itself, or its place did not long ago."""
    said = own(past)
    if said:
        return said
    if past.job.status not in (Status.SUCCEEDED, *RED):
        return ""
    now = past.job.finished_at or past.job.queued_at
    clean = 1 if past.job.status is Status.SUCCEEDED else 0
    for seen, before in pairwise((*past.results, None)):
        if seen is None or clean >= CLEAN or now - seen.at > FLAKY_MS:
            break
        why = shaky(seen, before)
        if why:
            return why
        clean += seen.status is Status.SUCCEEDED
    return ""


def own(past: Past) -> str:
    """Why the job itself is called flaky; empty where only its place is, for what was before, or nothing is."""
    job = past.job
    if job.same_as is not None:
        return ""
    other = Status.SUCCEEDED if job.status in RED else None
    for twin in past.twins:
        opposite = twin.status is other if other else twin.status in RED
        # What another machine makes of the commit is that machine's doing.
        if opposite and job.status in (Status.SUCCEEDED, *RED) and not _changed(twin.facts, past.facts):
            return f"{'passed' if other else 'failed'} on the same commit in #{twin.run}"
    if job.status is Status.SUCCEEDED and past.retried:
        return f"passed on attempt {job.attempt}"
    tests = flaky_tests(past.findings)
    if tests and job.status in (Status.SUCCEEDED, *RED):
        more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
        return f"{tests[0]}{more} passed on retry"
    return ""


def flaky_tests(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The tests that failed and then passed: a report tells them as warnings about a test."""
    return tuple(dict.fromkeys(each.test for each in findings if each.test and each.severity == "warning"))


def shaky(seen: Seen, before: Seen | None) -> str:
    """Why a result of the past was flaky, if it was; `before` is the one before it."""
    if seen.same_as is not None:
        return ""
    if seen.was_red and seen.status is Status.SUCCEEDED:
        return f"passed on retry in #{seen.run}"
    if seen.flaky_tests:
        return f"{seen.flaky_tests[0]} passed on retry in #{seen.run}"
    if before is None or before.same_as is not None or _changed(before.facts, seen.facts):
        return ""
    if seen.commit is not None and seen.commit == before.commit:
        turned = (seen.status is Status.SUCCEEDED) != (before.status is Status.SUCCEEDED)
        both = f"{_did(before)} in #{before.run} and {_did(seen)} in #{seen.run}"
        return f"{both}, both on {seen.commit[:7]}" if turned else ""
    return ""


def _did(seen: Seen) -> str:
    return {Status.SUCCEEDED: "passed", Status.TIMED_OUT: "timed out"}.get(seen.status, "failed")


# --- slower ----------------------------------------------------------------------------------------------------------


def _slower(past: Past) -> Slower | None:
    """Said by the second green in a row that took too long: the first may have had a busy machine, a third is no news.

    A limit that the recipe gives as a time is said by the first.
    """
    job = past.job
    if job.status is not Status.SUCCEEDED or job.same_as is not None or job.exit is None:
        return None
    return slowed(job.order.recipe, (_seen(past), *past.results))


def slowed(recipe: Recipe, results: Sequence[Seen]) -> Slower | None:
    """Whether the first of these results, newest first, is said to be slower than those before it."""
    greens = [each for each in results if each.status is Status.SUCCEEDED and each.same_as is None]
    if not greens or greens[0] is not results[0]:
        return None
    now = greens[0]
    if recipe.slow_s is not None:
        over = [each.seconds > recipe.slow_s for each in greens[:2]]
        usual = median(each.seconds for each in greens[1 : USUAL + 1]) if greens[1:] else now.seconds
        return Slower(usual_s=usual, now_s=now.seconds, since=now) if over in ([True], [True, False]) else None
    before = _usual(greens[2:])
    if before is None or not all(_slow(each, before, recipe.slow_by) for each in greens[:2]):
        return None
    if _slow(greens[2], _usual(greens[3:]), recipe.slow_by):
        return None
    return Slower(usual_s=before, now_s=now.seconds, since=greens[1])


def _usual(greens: Sequence[Seen]) -> float | None:
    """The median of the last greens, seconds; None where they are too few to be usual."""
    return median(each.seconds for each in greens[:USUAL]) if len(greens) >= TOO_FEW else None


def _slow(seen: Seen, usual: float | None, by: float | None) -> bool:
    return usual is not None and seen.seconds > usual * (by or SLOWER_BY) and seen.seconds > usual + SLOWER_S

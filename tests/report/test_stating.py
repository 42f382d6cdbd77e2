"""What is said of a commit: a status for each job, and the roll-up that a branch may be protected by."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.model import FINISHED, Finding, Job, Run, Say, Slower, Status, Tally, Verdict
from ctci.report import stating
from tests import make

URL = "https://ci.example.org/"


def job(place: str = "api:test", status: Status = Status.SUCCEEDED, **fields: Any) -> Job:
    """Of place `api:test`; `allow` lets it fail, `seconds` is how long it took."""
    sub, _, name = place.rpartition(":")
    recipe = make.recipe(name=name, allow_failure=fields.pop("allow", False))
    seconds = fields.pop("seconds", 72.0)
    ended = make.exit_(seconds=seconds) if status in FINISHED and "same_as" not in fields else None
    defaults: dict[str, Any] = {
        "id": sum(map(ord, place)),
        "run": 1482,
        "order": make.order(subproject=sub, recipe=recipe),
        "exit": ended,
    }
    return make.job(**{**defaults, "status": status, **fields})


def verdict(of: Job, word: str, **fields: Any) -> Verdict:
    return Verdict(job=of, run=make.run(id=of.run), word=word, **fields)


def said(*jobs: Job, verdicts: tuple[Verdict, ...] = (), **fields: Any) -> dict[str, Say]:
    """By context what is said of a commit of one run."""
    run = fields.pop("run", None) or make.run(id=1482, commit=make.sha(9))
    facts = stating.Facts(
        standing=stating.standing([(run, jobs)]),
        public_url=URL,
        verdicts={each.job.id: each for each in verdicts},
        **fields,
    )
    return {say.context: say for say in stating.statuses(facts)}


def lines(*jobs: Job, **fields: Any) -> dict[str, tuple[Status, str]]:
    return {context: (say.state, say.description) for context, say in said(*jobs, **fields).items()}


BROKEN = job(status=Status.FAILED, reason="exit 1: 12 of 846 tests failed")
FAULT = make.finding(log_line=214, message="AssertionError: 19.99 != 20")
GOOD = make.reading(tests=Tally(total=846, failed=0))
TESTS = make.reading(tests=Tally(total=846, failed=12))


# --- one job ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "verdict", "description"),
    [
        (job(status=Status.QUEUED), None, "queued"),
        (job(status=Status.RUNNING), None, "running"),
        (job(), None, "succeeded · 1m12s"),
        (job(), {"word": "passed"}, "passed · 1m12s"),
        (
            job(),
            {"word": "passed", "reading": make.reading(tests=Tally(total=846, failed=0))},
            "passed, 846 tests · 1m12s",
        ),
        (job(seconds=0.04), {"word": "passed"}, "passed · 0.1s"),
        (job(seconds=6420), {"word": "passed"}, "passed · 1h47m"),
        (job(seconds=12), {"word": "fixed"}, "fixed · 12s"),
        (
            job(),
            {"word": "passed", "flaky": "flaky: attempt 1: exit 1; then it succeeded"},
            "passed, flaky: attempt 1: exit 1; then it succeeded · 1m12s",
        ),
        (
            job(seconds=288),
            {"word": "passed", "slower": Slower(usual_s=130, now_s=288, since=make.seen())},
            "passed, slower: usually 2m10s · 4m48s",
        ),
        (
            BROKEN,
            {"word": "broke", "flaky": "succeeded on the same commit in #7"},
            "broke (flaky): exit 1: 12 of 846 tests failed · 1m12s",
        ),
        (BROKEN, None, "failed: exit 1: 12 of 846 tests failed · 1m12s"),
        (BROKEN, {"word": "broke"}, "broke: exit 1: 12 of 846 tests failed · 1m12s"),
        (
            BROKEN,
            {"word": "broke", "first": FAULT, "reading": TESTS},
            "broke: 12 of 846 tests failed, test_cart.py:88 · 1m12s",
        ),
        (BROKEN, {"word": "broke", "reading": TESTS}, "broke: 12 of 846 tests failed · 1m12s"),
        (
            BROKEN,
            {"word": "failed", "first": FAULT, "reading": make.reading()},
            "failed: test_cart.py:88: AssertionError: 19.99 != 20 · 1m12s",
        ),
        (
            BROKEN,
            {"word": "broke", "first": replace(FAULT, file=None, tool="make", message="No rule")},
            "broke: make: No rule · 1m12s",
        ),
        (job(status=Status.FAILED), {"word": "broke"}, "broke · 1m12s"),
        (job(status=Status.TIMED_OUT, reason="timed out after 15 m"), None, "timed out after 15 m · 1m12s"),
        (
            job(status=Status.TIMED_OUT, reason="timed out after 15 m"),
            {"word": "broke", "first": FAULT},
            "broke: timed out after 15 m · 1m12s",
        ),
        (job(status=Status.CANCELLED, cancel_by="ana", reason="not needed"), None, "cancelled by ana: not needed"),
        (job(status=Status.CANCELLED), None, "cancelled"),
        (job(status=Status.ERRORED, reason="no space left"), {"word": "errored"}, "errored: no space left"),
        (job(status=Status.SKIPPED, reason="needs build, which failed"), None, "skipped: needs build, which failed"),
        (job(status=Status.SUPERSEDED, reason="superseded by #1490"), None, "superseded by #1490"),
    ],
)
def test_a_job_is_said_in_one_line(job: Job, verdict: dict[str, Any] | None, description: str) -> None:
    judged = () if verdict is None else (Verdict(job=job, run=make.run(), **verdict),)

    assert (job.status, description) == lines(job, verdicts=judged)["ctci/api:test"]


def test_what_is_still_broken_and_what_is_fixed_says_since_when() -> None:
    red = make.seen(run=1391)
    still = verdict(BROKEN, "still broken", red=red, first=FAULT, reading=TESTS)
    fixed = verdict(job("web:test"), "fixed", red=red)

    found = lines(BROKEN, fixed.job, verdicts=(still, fixed))

    assert found["ctci/api:test"][1] == "still broken since #1391: 12 of 846 tests failed, test_cart.py:88 · 1m12s"
    assert found["ctci/web:test"][1] == "fixed, was red since #1391 · 1m12s"


def test_a_superseded_job_names_the_commit_that_came_after_it() -> None:
    old = job(status=Status.SUPERSEDED, reason="superseded by #1490")

    found = lines(old, job("web:test", Status.SUPERSEDED, reason="superseded by #1490"), commits={1490: make.sha(7)})

    assert {1490} == stating.replacing([old, job()])
    assert found["ctci/api:test"] == (Status.SUPERSEDED, "superseded by 0000000")
    assert found["ctci"] == (Status.SUPERSEDED, "superseded by 0000000")


def test_a_job_that_repeats_a_result_has_that_result_and_leads_to_where_it_was_run() -> None:
    red = job(status=Status.FAILED, reason="unchanged since #1482: failed", same_as=31)
    green = job("web:test", reason="unchanged since #1481: succeeded", same_as=30)

    found = said(red, green, firsts={31: FAULT})

    assert {31, 30} == stating.repeated([red, green])
    assert lines(red)["ctci/api:test"] == (Status.FAILED, "unchanged since #1482: failed")
    assert lines(green)["ctci/web:test"] == (Status.SUCCEEDED, "unchanged since #1481: succeeded")
    assert f"{URL}jobs/31#L214" == found["ctci/api:test"].target_url
    assert f"{URL}jobs/30" == found["ctci/web:test"].target_url
    assert lines(red, green)["ctci"] == (Status.FAILED, "api:test unchanged since #1482: failed")


def test_what_may_fail_is_no_failure_and_says_that_it_failed() -> None:
    lint = job("api:lint", Status.FAILED, allow=True, reason="exit 1")
    late = job("api:soak", Status.TIMED_OUT, allow=True, reason="timed out after 2 h")
    repeated = job("api:fuzz", Status.FAILED, allow=True, same_as=5, reason="unchanged since #9: failed")

    found = lines(job(), lint, late, repeated, verdicts=(verdict(lint, "allowed"),))

    assert found["ctci/api:lint"] == (Status.SUCCEEDED, "failed, allowed to: exit 1 · 1m12s")
    assert found["ctci/api:soak"] == (Status.SUCCEEDED, "failed, allowed to: timed out after 2 h · 1m12s")
    assert found["ctci/api:fuzz"] == (Status.SUCCEEDED, "failed, allowed to: unchanged since #9: failed")
    assert found["ctci"] == (Status.SUCCEEDED, "1 job succeeded; failed, allowed to: api:fuzz, api:lint, api:soak")


def test_a_status_leads_to_the_first_error_where_there_is_one() -> None:
    plain = job("lint", Status.FAILED)
    odd = job("a/b:test", Status.FAILED, id=77)

    found = said(BROKEN, plain, odd, verdicts=tuple(verdict(each, "broke", first=FAULT) for each in (BROKEN, odd)))

    assert f"{URL}runs/1482/api/test#L214" == found["ctci/api:test"].target_url
    assert f"{URL}runs/1482/lint" == found["ctci/lint"].target_url
    assert f"{URL}jobs/77#L214" == found["ctci/a/b:test"].target_url
    assert f"{URL}runs/1482" == found["ctci"].target_url


def test_an_address_that_is_too_long_for_a_forge_is_said_by_the_number_of_the_job() -> None:
    long = job("x" * 300 + ":test", Status.FAILED, id=77)

    found = said(long, verdicts=(verdict(long, "broke", first=FAULT),))

    (context,) = found.keys() - {"ctci"}
    assert len(context) == stating.CONTEXT
    assert f"{URL}jobs/77#L214" == found[context].target_url


# --- the roll-up -----------------------------------------------------------------------------------------------------

Q, R, S, F, T = Status.QUEUED, Status.RUNNING, Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT
C, U, K, E = Status.CANCELLED, Status.SUPERSEDED, Status.SKIPPED, Status.ERRORED


@pytest.mark.parametrize(
    ("states", "state", "description"),
    [
        ([Q, Q], Q, "queued: 2 jobs"),
        ([Q, S], R, "running: 2 jobs"),
        ([R, F], R, "running: 2 jobs"),
        ([Q, F, E], R, "running: 3 jobs"),
        ([S, S, S], S, "3 jobs succeeded"),
        ([S, K], S, "1 job succeeded; 1 job skipped"),
        ([F, S, E, C], F, "a failed"),
        ([F, F, S], F, "2 of 3 jobs failed: a, b"),
        ([F, T, S], F, "2 of 3 jobs failed: a, b"),
        ([T, S], T, "a timed out"),
        ([E, S, C], E, "a errored"),
        ([E, E, S], E, "2 of 3 jobs errored: a, b"),
        ([C, S], C, "a cancelled"),
        ([C, C, K], C, "2 of 3 jobs cancelled: a, b"),
        ([U, U, K], U, "superseded"),
        ([U, S], U, "superseded"),
        ([K, K], K, "skipped: 2 jobs"),
    ],
)
def test_the_roll_up_is_the_worst_and_pending_while_anything_is_to_come(
    states: list[Status], state: Status, description: str
) -> None:
    jobs = [job(name, each) for name, each in zip("abcd", states, strict=False)]

    assert (state, description) == lines(*jobs)["ctci"]


def test_the_roll_up_of_one_failure_says_what_that_says_and_leads_there() -> None:
    found = said(BROKEN, job("web:test"), verdicts=(verdict(BROKEN, "broke", first=FAULT, reading=TESTS),))

    assert found["ctci"].description == "api:test broke: 12 of 846 tests failed, test_cart.py:88"
    assert f"{URL}runs/1482/api/test#L214" == found["ctci"].target_url


def test_the_roll_up_says_what_was_fixed() -> None:
    fixed = verdict(job(), "fixed")

    assert lines(fixed.job, job("web:test"), verdicts=(fixed,))["ctci"] == (S, "fixed api:test; 2 jobs succeeded")


def test_a_run_that_is_skipped_whole_says_why_and_is_no_hindrance() -> None:
    reason = "“[skip ci]” in the message of 9a0b1c2"

    found = lines(job(status=K, reason=reason), job("web:test", K, reason=reason))

    assert {(K, f"skipped: {reason}")} == set(found.values())


def test_the_words_of_the_roll_up_stay_while_jobs_end() -> None:
    begun = [job("a", R), job("b", Q), job("c", Q)]
    later = [job("a", F), job("b", S), job("c", R)]

    assert said(*begun)["ctci"] == said(*later)["ctci"]


# --- several runs of one commit --------------------------------------------------------------------------------------


def of_runs(*runs: tuple[int, list[Job]]) -> dict[str, tuple[Status, str]]:
    told = [(make.run(id=id_, commit=make.sha(9)), [replace(each, run=id_) for each in jobs]) for id_, jobs in runs]
    facts = stating.Facts(standing=stating.standing(told), public_url=URL)
    return {say.context: (say.state, say.target_url.removeprefix(URL)) for say in stating.statuses(facts)}


def test_of_several_runs_of_a_commit_the_newest_counts_recipe_by_recipe() -> None:
    first = [job("a", F), job("b", S)]
    rerun = [job("a", S)]

    expected = {"ctci/a": (S, "runs/8/a"), "ctci/b": (S, "runs/7/b"), "ctci": (S, "runs/8")}
    assert expected == of_runs((7, first), (8, rerun))
    assert expected == of_runs((8, rerun), (7, first))


def test_a_rerun_is_pending_and_then_what_it_came_to() -> None:
    assert of_runs((7, [job("a", F), job("b", S)]), (8, [job("a", Q)]))["ctci"] == (R, "runs/8")
    assert of_runs((7, [job("a", F)]), (8, [job("b", S)]))["ctci"] == (F, "runs/7/a")


@pytest.mark.parametrize("nothing", [K, U, C, E])
def test_what_came_to_no_result_takes_none_away(nothing: Status) -> None:
    found = of_runs((7, [job("a", F)]), (8, [job("a", nothing)]))

    assert found["ctci/a"] == (F, "runs/7/a")


@pytest.mark.parametrize("nothing", [K, U, C, E])
def test_where_nothing_has_a_result_the_newest_counts(nothing: Status) -> None:
    found = of_runs((7, [job("a", K)]), (8, [job("a", nothing)]))

    assert (nothing, "runs/8/a") == found["ctci/a"]


# --- the commit ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "sha"),
    [
        (make.run(commit=make.sha(3), after=make.sha(4), ref="refs/tags/v1"), make.sha(3)),
        (make.run(commit=None, after=make.sha(4)), make.sha(4)),
        (make.run(commit=None, after=None), None),
        # Of a tag it may be an object, on which no status can be set.
        (make.run(commit=None, after=make.sha(4), ref="refs/tags/v1"), None),
    ],
)
def test_statuses_are_of_a_commit_and_never_of_a_tag(run: Run, sha: str | None) -> None:
    found = said(job(), run=run)

    assert {sha} - {None} == {say.sha for say in found.values()}
    assert sha == stating.commit_of(run)


def test_a_commit_of_which_nothing_was_asked_has_no_status() -> None:
    assert said() == {}


# --- hostile names ---------------------------------------------------------------------------------------------------

HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "\r\nX-Injected: 1",
        "\u202egnp.exe",
        "<img src=x onerror=alert(1)>",
        "y" * 10_000,
        "\x1b[31mred",
        "\ud800",
        "🎉" * 200,
    ]
)
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@given(
    status=st.sampled_from(Status),
    texts=st.lists(HOSTILE, min_size=8, max_size=8),
    word=st.sampled_from(["broke", "still broken", "fixed", "passed", "failed"]),
    allow=st.booleans(),
    line=st.none() | st.integers(1, 10**12),
)
def test_whatever_others_wrote_is_one_short_line_of_visible_text(
    status: Status, texts: list[str], word: str, *, allow: bool, line: int | None
) -> None:
    reason, by, file, message, test, flaky, tool, sub = texts
    order = make.order(subproject=sub.encode("utf-8", "replace").decode(), recipe=make.recipe(allow_failure=allow))
    made = make.job(status=status, reason=reason, cancel_by=by, order=order, exit=make.exit_())
    first = Finding(severity="error", tool=tool, message=message, file=file or None, test=test or None, log_line=line)
    told = Verdict(job=made, run=make.run(), word=word, first=first, reading=TESTS, flaky=flaky)

    found = said(made, verdicts=(told,))

    assert len(found) == 2
    for say in found.values():
        assert 0 < len(say.description) <= 140
        assert not UNSEEN.search(say.description + say.context)
        assert len(say.context) <= 200
        assert len(say.target_url) <= 255
        assert re.fullmatch(r"https://ci\.example\.org/[!-~]+", say.target_url)

"""The sentences on a verdict, and that nothing in them obeys a stranger."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from ctci import logs, words
from ctci.model import Changed, Finding, Hunt, Mended, Slower, Status, Tally, Verdict
from ctci.report import saying
from tests import make
from tests.report.verdicts import GREEN, HOSTILE, JOB, RUN, job, verdict

HOUR_MS = 3_600_000
NOW = (JOB.finished_at or 0) + 2 * HOUR_MS
RED = make.seen(run=1391, at=NOW - 4 * 24 * HOUR_MS)
SLOWER = Slower(usual_s=130, now_s=288, since=make.seen(run=1475, author="Bo Lind"))


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (verdict("broke"), "shop/api:test broke on main 2 h ago, in #1482"),
        (verdict("failed"), "shop/api:test failed on main 2 h ago, in #1482, its first result there"),
        (
            verdict("failed", job=job(status=Status.TIMED_OUT)),
            "shop/api:test timed out on main 2 h ago, in #1482, its first result there",
        ),
        (
            verdict("still broken", red=RED),
            "shop/api:test has been red on main for 4 days, since #1391; last in #1482",
        ),
        (verdict("allowed"), "shop/api:test failed on main 2 h ago, in #1482, and may"),
        (verdict("errored"), "ctci could not run shop/api:test on main 2 h ago, in #1482"),
        (verdict("fixed"), "shop/api:test is fixed on main since 2 h ago, in #1482"),
        (verdict("passed"), "shop/api:test passed on main 2 h ago, in #1482"),
    ],
)
def test_what_became_of_a_job_is_one_clause(judged: Verdict, said: str) -> None:
    assert said == saying.became(judged, NOW).replace(words.THIN, " ")


TRIED = replace(RUN, kind="try", ref="refs/heads/login", options=("ctci.against=refs/heads/main",))


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (verdict(run=TRIED), "shop/api:test broke: passes on main, last in #1481"),
        (verdict("still broken", run=TRIED, red=RED), "shop/api:test still broken: also red on main since #1391"),
        (verdict("failed", run=TRIED, green=None), "shop/api:test failed: main has no result of it"),
        (verdict("allowed", run=TRIED), "shop/api:test failed, and may"),
        (verdict("fixed", run=TRIED, red=RED), "shop/api:test fixed: red on main since #1391"),
        (verdict("passed", run=TRIED, job=job(status=Status.SUCCEEDED), baseline=RED), "shop/api:test passed"),
        (
            verdict("passed", run=TRIED, job=job(status=Status.SUCCEEDED), baseline=None),
            "shop/api:test passed: main has no result of it",
        ),
    ],
)
def test_a_try_is_held_against_another_branch(judged: Verdict, said: str) -> None:
    assert saying.became(judged, NOW) == said


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (verdict(reading=make.reading(tests=Tally(total=9, failed=2)), news=1, wrong=2), "2 of 9 tests fail, 1 new"),
        (verdict(wrong=3, news=0), "3 errors again, as within the last 21 days"),
        (verdict(wrong=2, news=2, failing=("a.py::test_a", "b")), "2 errors, all new: test_a, b"),
        (
            verdict(reading=make.reading(tests=Tally(total=9, failed=3)), wrong=2, failing=("a.py::test_a", "b")),
            "3 of 9 tests fail again, as within the last 21 days",
        ),
        (verdict(wrong=1, news=1), "test_cart.py:88  AssertionError: 1 != 2"),
        (verdict(first=make.finding(severity="error", column=9)), "test_cart.py:88:9: error: AssertionError: 1 != 2"),
        (verdict(first=None), "2 tests failed"),
        (verdict(job=job(status=Status.TIMED_OUT, reason="timed out after 15 m"), wrong=3), "timed out after 15 m"),
    ],
)
def test_what_is_wrong_is_said_as_shortly_as_it_can_be(judged: Verdict, said: str) -> None:
    assert said == saying.wrong(judged)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "1 suspect"),
        ({"cause": "elsewhere", "suspects": (make.commit(), make.commit())}, "no suspects among 2 commits"),
        ({"cause": "recipe", "suspects": ()}, "the recipe changed"),
        (
            {"cause": "machine", "suspects": (), "changed": (Changed(name="gcc", before="13.2", now="14.1"),)},
            "the machine changed (gcc 13.2 -> 14.1)",
        ),
        ({"cause": "nothing", "suspects": ()}, "nothing changed"),
        ({"cause": "", "suspects": ()}, ""),
    ],
)
def test_who_is_to_blame_is_said_as_shortly(fields: dict[str, Any], said: str) -> None:
    assert said == saying.blamed(verdict(**fields))


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (verdict("passed"), ""),
        (verdict("fixed", red=RED), "was red since #1391"),
        (
            verdict("passed", flaky="passed on attempt 2", slower=SLOWER),
            "flaky: passed on attempt 2; slower: 2m10s -> 4m48s, since #1475, Bo Lind",
        ),
        (verdict("allowed", job=job(reason="exit 3")), "exit 3"),
    ],
)
def test_a_list_says_of_a_job_what_its_word_does_not(judged: Verdict, said: str) -> None:
    assert said == saying.beside(judged)


@pytest.mark.parametrize(
    ("author", "sha", "said"),
    [
        ("Cy Odu", make.sha(3), "by Cy Odu in 0000000, was broken 19 h"),
        (None, make.sha(3), "in #9, was broken 19 h"),
        ("Cy Odu", make.sha(1), "passes again on 0000000, was broken 19 h"),
    ],
)
def test_a_break_that_ended_says_who_ended_it(author: str | None, sha: str, said: str) -> None:
    red = make.seen(commit=make.sha(1), at=0)
    green = make.seen(run=9, status=Status.SUCCEEDED, commit=sha, author=author, at=19 * HOUR_MS)

    assert said == saying.mended(Mended(red=red, last=red, green=green)).replace(words.THIN, " ")


@pytest.mark.parametrize("sentence", ["3f2a1c9 by Ana Ruiz broke it: Use floats", "flaky: it passed in #9"])
def test_what_a_search_came_to_is_named(sentence: str) -> None:
    hunt = Hunt(red_job=1, word="found", commit=make.sha(1), sentence=sentence, reruns=5)

    assert saying.culprit(verdict(hunt=hunt)) == f"Bisected: {sentence}."
    assert saying.culprit(verdict()) == ""


@given(HOSTILE, HOSTILE, HOSTILE)
def test_what_strangers_write_stays_on_one_line_and_obeys_nobody(one: str, two: str, three: str) -> None:
    found = Finding(severity="error", tool="x", file=one, line=1, column=2, message=two, fingerprint="a", test=three)
    run = make.run(id=RUN.id, ref=f"refs/heads/{one}")
    judged = verdict(
        job=job(order=make.order(subproject=two, recipe=make.recipe(name=three)), reason=one),
        run=run,
        first=found,
        flaky=two,
        green=GREEN,
        changed=(Changed(name=one, before=two, now=three),),
        slower=Slower(usual_s=1, now_s=2, since=make.seen(author=three)),
        hunt=Hunt(red_job=1, word="found", commit=one, sentence=f"{two} broke it", reruns=1),
    )

    sentences = [
        saying.culprit(judged),
        saying.became(judged, NOW),
        saying.first(judged),
        saying.because(judged),
        saying.counts(judged, ((one, 2), (two, 1))),
        saying.suspects(judged),
        saying.cause(judged),
        saying.flaky(judged),
        saying.beside(judged),
        saying.blamed(verdict(cause="machine", changed=judged.changed)),
    ]

    assert [logs.clean(each.encode()) for each in sentences] == sentences
    assert not any("\n" in each for each in sentences)
    assert max(map(len, sentences)) < 600

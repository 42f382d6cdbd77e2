"""What a result means against what was before it: tables of what was and what is."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.model import RED as RED_ONES
from ctci.model import Past, Seen, Status, Tally
from ctci.report import verdict
from tests import make

GREEN, RED, LATE, OURS = Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.ERRORED
DAY = verdict.DAY_MS
NOW = 1_795_000_000_000


def past(
    status: Status = RED, was: Status | None = None, *, recipe: dict[str, Any] | None = None, **fields: Any
) -> Past:
    order = make.order(recipe=make.recipe(**(recipe or {})))
    seconds = fields.pop("seconds", 1.5)
    ended = make.exit_(seconds=seconds)
    made = make.job(id=100, run=90, order=order, status=status, finished_at=NOW, exit=ended)
    baseline = None if was is None else seen(was, 1)
    defaults: dict[str, Any] = {"baseline": baseline, "results": () if baseline is None else (baseline,), "last": was}
    return Past(**{"job": made, "run": make.run(id=90, commit=make.sha(90)), **defaults, **fields})


def seen(status: Status = GREEN, ago: int = 1, **fields: Any) -> Seen:
    """A result `ago` runs before the job of `past`, a day each."""
    defaults: dict[str, Any] = {"commit": make.sha(90 - ago), "at": NOW - ago * DAY, "seconds": 1.5}
    return Seen(**{"job": 100 - ago, "run": 90 - ago, "status": status, **defaults, **fields})


@pytest.mark.parametrize(
    ("was", "is_", "word", "change"),
    [
        (None, GREEN, "passed", False),
        (None, RED, "failed", True),
        (None, LATE, "failed", True),
        (None, OURS, "errored", True),
        (GREEN, GREEN, "passed", False),
        (GREEN, RED, "broke", True),
        (GREEN, LATE, "broke", True),
        (GREEN, OURS, "errored", True),
        (RED, GREEN, "fixed", True),
        (RED, RED, "still broken", False),
        (RED, LATE, "still broken", False),
        (RED, OURS, "errored", False),
        (LATE, GREEN, "fixed", True),
        (LATE, RED, "still broken", False),
    ],
)
def test_the_word_is_of_what_was_and_what_is(was: Status | None, is_: Status, word: str, change: bool) -> None:
    judged = verdict.judge(past(is_, was))

    assert (judged.word, judged.change) == (word, change)


@pytest.mark.parametrize("status", [Status.SUPERSEDED, Status.CANCELLED, Status.SKIPPED, Status.QUEUED, Status.RUNNING])
@pytest.mark.parametrize("was", [None, GREEN, RED])
def test_what_is_no_result_changes_nothing(status: Status, was: Status | None) -> None:
    judged = verdict.judge(past(status, was))

    assert (judged.word, judged.change, judged.flaky, judged.suspects) == (status.value, False, "", ())


@pytest.mark.parametrize(("last", "change"), [(OURS, False), (GREEN, True), (None, True)])
def test_an_outage_is_told_once(last: Status | None, change: bool) -> None:
    assert verdict.judge(past(OURS, GREEN, last=last)).change is change


@pytest.mark.parametrize(("is_", "word"), [(RED, "allowed"), (GREEN, "passed"), (OURS, "errored")])
def test_what_may_fail_breaks_nothing_and_mends_nothing(is_: Status, word: str) -> None:
    assert verdict.judge(past(is_, RED, recipe={"allow_failure": True})).word == word


@pytest.mark.parametrize(
    ("was", "is_", "word"),
    [(GREEN, RED, "broke"), (RED, RED, "still broken"), (RED, GREEN, "passed"), (GREEN, GREEN, "passed")],
)
def test_a_new_branch_is_held_against_the_one_it_left_and_mends_nothing_there(
    was: Status, is_: Status, word: str
) -> None:
    assert verdict.judge(past(is_, was, forked=True, results=())).word == word


# --- what is to blame ------------------------------------------------------------------------------------------------

MINE, OTHER = make.commit(sha=make.sha(7), touches=("api", "web")), make.commit(sha=make.sha(8), touches=("web",))


def test_the_suspects_are_the_commits_that_touch_the_subproject() -> None:
    judged = verdict.judge(past(RED, GREEN, commits=(OTHER, MINE), recipe_changed=True))

    assert (judged.suspects, judged.cause) == ((MINE,), "commits")


@pytest.mark.parametrize(
    ("facts", "suspects", "cause"),
    [
        ({"recipe_changed": True, "commits": (OTHER,)}, (), "recipe"),
        ({"facts_before": {"gcc": "13.2"}, "facts_now": {"gcc": "14.1"}, "commits": (OTHER,)}, (), "machine"),
        ({"facts_before": {"gcc": "13.2"}, "facts_now": {"gcc": "13.2", "go": "1.22"}}, (), "nothing"),
        ({"commits": (OTHER,)}, (OTHER,), "elsewhere"),
        ({}, (), "nothing"),
    ],
)
def test_without_a_commit_to_the_subproject_something_else_is_to_blame(
    facts: dict[str, Any], suspects: tuple[Any, ...], cause: str
) -> None:
    judged = verdict.judge(past(RED, GREEN, green=seen(), **facts))

    assert (judged.suspects, judged.cause) == (suspects, cause)


def test_what_changed_of_the_machine_is_named() -> None:
    judged = verdict.judge(
        past(RED, GREEN, facts_before={"gcc": "13.2", "cpu": "x"}, facts_now={"cpu": "x", "gcc": "14"})
    )

    assert [(each.name, each.before, each.now) for each in judged.changed] == [("gcc", "13.2", "14")]


def test_of_a_green_one_nobody_is_suspected() -> None:
    judged = verdict.judge(
        past(GREEN, RED, commits=(MINE,), recipe_changed=True, facts_before={"a": "1"}, facts_now={"a": "2"})
    )

    assert (judged.suspects, judged.cause, judged.changed) == ((), "", ())


# --- findings --------------------------------------------------------------------------------------------------------


def test_what_the_branch_has_not_seen_is_counted_as_new_and_the_first_is_that_of_the_reading() -> None:
    old, new = make.finding(fingerprint="a"), make.finding(fingerprint="b")
    warned, own = make.finding(severity="warning", fingerprint="c"), make.finding(tool="ctci", severity="error")
    reading = make.reading(first=1, tests=Tally(total=9, failed=2))

    judged = verdict.judge(
        past(RED, GREEN, findings=(old, new, new, warned, own), reading=reading, known=frozenset("a"))
    )

    assert (judged.first, judged.news, judged.wrong) == (new, 1, 2)


def test_what_a_person_has_acknowledged_is_neither_new_nor_the_first_error() -> None:
    acked, other = make.finding(fingerprint="a"), make.finding(fingerprint="b")
    told: dict[str, Any] = {"findings": (acked, other), "reading": make.reading(first=0)}

    one, both = (verdict.judge(past(RED, GREEN, acked=frozenset(marks), **told)) for marks in ("a", "ab"))

    assert (one.first, one.news, one.wrong, one.word) == (other, 1, 2, "broke")
    assert (both.first, both.news, both.wrong, both.word) == (None, 0, 2, "broke")


def test_a_reading_that_tells_of_no_first_error_has_none() -> None:
    assert verdict.judge(past(reading=make.reading(first=None), findings=(make.finding(),))).first is None


# --- flaky -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "facts", "said"),
    [
        (GREEN, {"retried": True}, "passed on attempt 1"),
        (RED, {"retried": True}, ""),
        (GREEN, {"twins": (seen(RED, 1),)}, "failed on the same commit in #89"),
        (RED, {"twins": (seen(GREEN, 1),)}, "passed on the same commit in #89"),
        (RED, {"twins": (seen(RED, 1),)}, ""),
        # Another machine is not chance.
        (RED, {"twins": (seen(GREEN, 1, facts={"gcc": "13"}),), "facts": {"gcc": "14"}}, ""),
        (
            RED,
            {"twins": (seen(GREEN, 1, facts={"gcc": "14"}),), "facts": {"gcc": "14"}},
            "passed on the same commit in #89",
        ),
        (GREEN, {"findings": (make.finding(severity="warning", test="t::a"),)}, "t::a passed on retry"),
        (
            RED,
            {"findings": tuple(make.finding(severity="warning", test=f"t::{name}") for name in "abc")},
            "t::a and 2 more passed on retry",
        ),
        (GREEN, {"findings": (make.finding(severity="warning"),)}, ""),
        (GREEN, {"findings": (make.finding(severity="failure", test="t::a"),)}, ""),
    ],
)
def test_a_job_that_passed_and_failed_is_flaky(status: Status, facts: dict[str, Any], said: str) -> None:
    assert verdict.judge(past(status, GREEN, **facts)).flaky == said


def test_a_place_stays_flaky_for_five_clean_results_or_fourteen_days() -> None:
    shaky = seen(GREEN, 4, was_red=True)
    clean = [seen(GREEN, ago) for ago in (1, 2, 3)]

    assert verdict.judge(past(GREEN, GREEN, results=(*clean, shaky))).flaky == "passed on retry in #86"
    # Its own and four before it are five.
    more = (*clean, seen(GREEN, 4), replace(shaky, run=85))
    assert verdict.judge(past(GREEN, GREEN, results=more)).flaky == ""
    assert verdict.judge(past(GREEN, GREEN, results=(replace(shaky, at=NOW - 15 * DAY),))).flaky == ""


def test_two_results_of_one_commit_that_differ_are_flaky_and_a_repeat_is_none() -> None:
    red, green = seen(RED, 2, commit=make.sha(5)), seen(GREEN, 1, commit=make.sha(5))

    assert (
        verdict.judge(past(GREEN, GREEN, results=(green, red))).flaky
        == "failed in #88 and passed in #89, both on 0000000"
    )
    repeat = replace(green, same_as=7)
    assert verdict.judge(past(GREEN, GREEN, results=(repeat, red))).flaky == ""


# --- slower ----------------------------------------------------------------------------------------------------------


def times(*seconds: float) -> tuple[Seen, ...]:
    """Greens, newest first."""
    return tuple(seen(GREEN, ago, seconds=each) for ago, each in enumerate(seconds, 1))


def test_the_second_slow_green_is_told_as_slower_since_the_first() -> None:
    slower = verdict.judge(past(GREEN, GREEN, seconds=300, results=times(290, *[100] * 20))).slower

    assert slower is not None
    assert (slower.usual_s, slower.now_s, slower.since.run) == (100, 300, 89)


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (300, [100] * 20),  # the first one may have had a busy machine
        (300, [290, 280, *[100] * 20]),  # told by the one before
        (100, [300, *[100] * 20]),
        (149, [149, *[100] * 20]),  # not by half
        (20, [20, *[5] * 20]),  # not by 30 s
        (300, [290, 100, 100, 100, 100]),  # too few to be usual
    ],
)
def test_slower_is_told_once_and_only_where_it_is_sure(now: float, before: list[float]) -> None:
    assert verdict.judge(past(GREEN, GREEN, seconds=now, results=times(*before))).slower is None


def test_a_recipe_says_how_much_is_slow() -> None:
    before = times(290, *[100] * 20)

    assert verdict.judge(past(GREEN, GREEN, recipe={"slow_by": 4.0}, seconds=300, results=before)).slower is None
    limit = {"slow_s": 60}
    assert verdict.judge(past(GREEN, GREEN, recipe=limit, seconds=61, results=times(59))).slower is not None
    assert verdict.judge(past(GREEN, GREEN, recipe=limit, seconds=61, results=times(62))).slower is None
    assert verdict.judge(past(GREEN, GREEN, recipe=limit, seconds=59, results=times(59))).slower is None


@pytest.mark.parametrize("facts", [{"status": RED}, {"job": None}])
def test_what_is_red_or_a_repeat_is_not_slower(facts: dict[str, Any]) -> None:
    made = past(facts.get("status", GREEN), GREEN, seconds=300, results=times(290, *[100] * 20))
    if "job" in facts:
        made = replace(made, job=replace(made.job, same_as=7))

    assert verdict.judge(made).slower is None


@given(
    st.lists(st.tuples(st.sampled_from([GREEN, RED, LATE, OURS, Status.CANCELLED]), st.integers(0, 900)), max_size=60)
)
def test_over_any_history_breaks_and_repairs_alternate_and_each_change_is_told_once(
    story: list[tuple[Status, int]],
) -> None:
    results: list[Seen] = []
    last: Status | None = None
    red = False
    for number, (status, seconds) in enumerate(story):
        baseline = results[0] if results else None
        judged = verdict.judge(
            past(status, None, baseline=baseline, results=tuple(results), last=last, seconds=float(seconds))
        )
        if judged.word in ("broke", "failed"):
            assert not red
            red = True
        elif judged.word == "fixed":
            assert red
            red = False
        assert (judged.word == "still broken") <= red
        if status in (GREEN, *RED_ONES):
            results.insert(0, seen(status, 60 - number, seconds=float(seconds)))
        if status is not Status.CANCELLED:
            last = status


def test_a_summary_counts_in_the_order_of_a_letter() -> None:
    assert verdict.summary(["fixed", "broke", "fixed"]) == "1 broke, 2 fixed"


# --- the end of a break ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "before", "marks"),
    [
        # How many runs ago: the first red, the last red, and the green one that ended the break.
        (GREEN, (), None),
        (GREEN, (GREEN, GREEN), None),
        (RED, (RED, GREEN), None),
        (GREEN, (RED, RED, GREEN, RED), (2, 1, 0)),
        (GREEN, (GREEN, GREEN, LATE, RED), (4, 3, 2)),
    ],
)
def test_the_last_break_of_what_is_green_is_known(
    status: Status, before: tuple[Status, ...], marks: tuple[int, ...] | None
) -> None:
    results = tuple(seen(each, ago) for ago, each in enumerate(before, 1))

    found = verdict.mended(past(status, results=results))

    told = None if found is None else tuple(90 - each.run for each in (found.red, found.last, found.green))
    assert told == marks


def test_who_mended_a_break_is_who_wrote_the_commit_that_is_green() -> None:
    ended = verdict.mended(past(GREEN, results=(seen(RED, 1),)))
    again = verdict.mended(past(GREEN, results=(seen(RED, 1, commit=make.sha(90)),)))

    assert ended is not None
    assert again is not None
    assert (ended.green.author, ended.by_itself, again.by_itself) == ("Ana Ruiz", False, True)

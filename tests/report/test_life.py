"""The life of a finding: what each look says of it, and what none says."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.model import RED, Life, Look, Sighting, Status
from ctci.report import life
from tests import make

DAY = 86_400_000
GREEN = Status.SUCCEEDED
T = "tests.test_cart::test_total"


def days(*told: Look) -> tuple[Look, ...]:
    """The looks, one a day."""
    return tuple(replace(look, at=at * DAY) for at, look in enumerate(told))


def only(looks: Sequence[Look], name: str = "a") -> Life:
    return life.lives(looks)[name]


# --- new, still, fixed, returned -------------------------------------------------------------------------------------


def test_what_is_seen_for_the_first_time_is_new() -> None:
    looks = days(make.look(status=GREEN), make.look("a"))

    found = only(looks)

    assert (found.word, found.first, found.since, found.last, found.times, found.age) == (
        "new",
        looks[1],
        looks[1],
        looks[1],
        1,
        0,
    )


def test_what_was_seen_before_is_still_there_and_has_an_age() -> None:
    looks = days(make.look(status=GREEN), make.look("a"), make.look("a", "b"), make.look("a"))

    found = only(looks)

    assert (found.word, found.since, found.age, found.times, found.looks) == ("still", looks[1], 2 * DAY, 3, 3)


def test_a_second_attempt_at_the_same_job_makes_nothing_old() -> None:
    looks = (make.look("a", run=7), make.look("a", run=7, attempt=2))

    assert only(looks).word == "new"


def test_a_green_look_shows_gone_what_it_does_not_tell_of() -> None:
    looks = days(make.look("a", "b"), make.look("b", status=GREEN), make.look(status=GREEN))

    found = life.lives(looks)

    assert (found["a"].word, found["a"].fixed, found["a"].last) == ("fixed", looks[1], looks[0])
    assert (found["b"].word, found["b"].fixed, found["b"].last) == ("fixed", looks[2], looks[1])


def test_what_is_seen_again_has_returned_and_is_still_there_the_next_time() -> None:
    looks = days(make.look("a"), make.look(status=GREEN), make.look("a"), make.look("a"))

    back, there = only(looks[:3]), only(looks)

    assert (back.word, back.first, back.since, back.times, back.looks) == ("returned", looks[0], looks[2], 2, 3)
    assert (there.word, there.since, there.age) == ("still", looks[2], DAY)


@pytest.mark.parametrize(("gap", "word"), [(21, "returned"), (22, "new")])
def test_what_was_gone_for_more_than_21_days_is_new_again(gap: int, word: str) -> None:
    before, between, now = make.look("a", at=0), make.look(status=GREEN, at=DAY), make.look("a", at=gap * DAY)

    found = only((before, between, now))

    assert (found.word, found.first, found.times) == (word, before if gap == 21 else now, 3 - (gap - 20))


def test_what_no_look_showed_gone_is_still_there_however_long_ago_it_was_seen() -> None:
    looks = (make.look("a", at=0), make.look("a", at=90 * DAY))

    assert (only(looks).word, only(looks).age) == ("still", 90 * DAY)


# --- what shows nothing gone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "blind"),
    [
        ("a", make.look()),
        ("a", make.look(tests=1000)),
        ("a", make.look(status=Status.TIMED_OUT)),
        ("a", make.look(status=GREEN, whole=False)),
        (T, make.look()),
        (T, make.look(tests=11)),
        (T, make.look(tests=1000, whole=False)),
    ],
    ids=["red", "red with a report", "timed out", "green but unread", "test, no report", "fewer tests", "test, unread"],
)
def test_a_look_that_may_not_have_come_so_far_fixes_nothing(name: str, blind: Look) -> None:
    seen = make.look(name, tests=12)

    found = only((seen, blind), name)

    assert (found.word, found.fixed, found.last, found.looks) == ("still", None, seen, 1)


@pytest.mark.parametrize("status", sorted(RED))
def test_a_red_look_with_as_many_tests_shows_a_test_repaired(status: Status) -> None:
    looks = (make.look(T, tests=12), make.look("other::test", tests=12, status=status))

    assert (only(looks, T).word, only(looks, "other::test").word) == ("fixed", "new")


def test_a_test_that_only_the_log_told_of_is_repaired_by_a_green_look_only() -> None:
    looks = (make.look(T), make.look(tests=500))

    assert only(looks, T).word == "still"
    assert only((*looks, make.look(status=GREEN)), T).word == "fixed"


# --- flaky -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("a", None), (None, "a")], ids=["seen, then gone", "gone, then seen"])
def test_what_one_commit_has_and_has_not_is_flaky(order: tuple[str | None, ...]) -> None:
    looks = [make.look(name, trial=1) if name else make.look(trial=1, status=GREEN) for name in order]

    assert only(looks).word == "flaky"


def test_two_commits_that_differ_make_nothing_flaky() -> None:
    assert only((make.look("a"), make.look(status=GREEN))).word == "fixed"


def test_a_red_look_of_the_same_commit_that_did_not_come_so_far_makes_nothing_flaky() -> None:
    assert only((make.look("a", trial=1), make.look(trial=1), make.look("a"))).word == "still"


def test_a_test_that_recovered_within_its_report_is_flaky() -> None:
    recovered = make.look(status=GREEN, sightings=(Sighting(fingerprint="a", test=T, recovered=True),))

    assert only((recovered,)).word == "flaky"


def test_five_runs_in_a_row_without_it_clear_it() -> None:
    wavered = (make.look("a", trial=1), make.look(trial=1, status=GREEN))
    clean = tuple(make.look(status=GREEN) for _ in range(4))

    assert only((*wavered, *clean[:3])).word == "flaky"
    assert only((*wavered, *clean)).word == "fixed"
    assert only((*wavered, *clean, make.look("a"))).word == "returned"


def test_attempts_of_one_run_count_as_one_run() -> None:
    wavered = (make.look("a", trial=1), make.look(trial=1, status=GREEN))
    at = wavered[1].at
    again = tuple(make.look(status=GREEN, run=900, attempt=number, at=at + number) for number in range(1, 9))

    assert only((*wavered, *again)).word == "flaky"


def test_five_runs_without_it_that_are_not_in_a_row_clear_nothing() -> None:
    wavered = (make.look("a", trial=1), make.look(trial=1, status=GREEN))
    clean = tuple(make.look(status=GREEN) for _ in range(7))

    assert only((*wavered, *clean[:3], make.look("a"), *clean[3:])).word == "flaky"


@pytest.mark.parametrize(("later", "word"), [(14, "flaky"), (15, "still")])
def test_fourteen_days_clear_it_too(later: int, word: str) -> None:
    looks = (
        make.look(trial=1, status=GREEN, at=0),
        make.look("a", trial=1, at=0),
        make.look("a", at=later * DAY),
    )

    assert only(looks).word == word


# --- any history -----------------------------------------------------------------------------------------------------

#: What was seen, status, tests, trial, whether it was read whole, and days since the look before.
Told = tuple[set[str], Status, int, int, bool, int]

names = st.sampled_from(["a", "b", T])
histories: st.SearchStrategy[list[Told]] = st.lists(
    st.tuples(
        st.sets(names),
        st.sampled_from([GREEN, Status.FAILED, Status.TIMED_OUT]),
        st.sampled_from([0, 5, 12]),
        st.integers(1, 6),
        st.booleans(),
        st.sampled_from([0, 1, 6, 15, 22]),
    ),
    min_size=1,
    max_size=14,
)


def history(told: Sequence[Told]) -> tuple[Look, ...]:
    """The looks as they come: one run each."""
    at, made = 0, []
    for number, (seen, status, tests, trial, whole, gap) in enumerate(told, 1):
        at += gap * DAY
        look = make.look(*sorted(seen), run=number, status=status, tests=tests, trial=trial, whole=whole, at=at)
        made.append(look)
    return tuple(made)


def shows(look: Look, name: str, last: Look) -> bool:
    """Whether a look is one of those that say anything of a finding."""
    return any(each.fingerprint == name for each in look.sightings) or life.gone(look, last, T if name == T else None)


@given(histories)
def test_the_last_look_that_says_anything_decides_whether_it_is_there(told: list[Told]) -> None:
    looks = history(told)

    for name, found in life.lives(looks).items():
        after = looks[looks.index(found.last) + 1 :]
        cleared = [look for look in after if shows(look, name, found.last)]
        assert found.fixed == (cleared[0] if cleared else None)
        assert (found.word == "fixed") <= (found.fixed is not None)
        assert (found.word in ("new", "still", "returned")) <= (found.fixed is None)
        assert found.word in ("new", "still", "fixed", "returned", "flaky")


@given(histories)
def test_a_life_begins_before_it_goes_on_and_counts_what_saw_it(told: list[Told]) -> None:
    looks = history(told)

    for name, found in life.lives(looks).items():
        first, since, last = (looks.index(each) for each in (found.first, found.since, found.last))
        sighted = [look for look in looks[first:] if any(each.fingerprint == name for each in look.sightings)]
        assert first <= since <= last
        assert found.times == len(sighted)
        assert found.times <= found.looks <= len(looks) - first
        assert (found.word == "new") <= (found.first == found.since)
        assert (found.word == "returned") <= (found.first != found.since)


@given(histories, st.integers(0, 20), st.sampled_from([GREEN, Status.FAILED]))
def test_a_look_that_was_not_read_changes_no_life(told: list[Told], where: int, status: Status) -> None:
    looks = history(told)
    at = min(where, len(looks) - 1)
    blind = make.look(status=status, whole=False, tests=12, trial=looks[at].trial, at=looks[at].at)

    with_it = (*looks[:at], blind, *looks[at:])

    assert life.lives(with_it) == life.lives(looks)


@given(histories)
def test_a_trial_of_its_own_for_each_look_makes_nothing_flaky(told: list[Told]) -> None:
    looks = tuple(replace(look, trial=look.run) for look in history(told))

    assert "flaky" not in {found.word for found in life.lives(looks).values()}


@given(histories)
def test_findings_do_not_mix(told: list[Told]) -> None:
    looks = history(told)

    for name, found in life.lives(looks).items():
        alone = tuple(
            replace(look, sightings=tuple(each for each in look.sightings if each.fingerprint == name))
            for look in looks
        )
        mine = life.lives(alone)[name]
        assert (mine.word, mine.first.run, mine.since.run, mine.last.run) == (
            found.word,
            found.first.run,
            found.since.run,
            found.last.run,
        )


# --- one test --------------------------------------------------------------------------------------------------------


def test_one_test_is_told_of_look_by_look() -> None:
    recovered = Sighting(fingerprint="x", test=T, recovered=True)
    looks = (
        make.look(status=GREEN, tests=11),
        make.look(tests=40),
        make.look(T, tests=12),
        make.look(),
        make.look(tests=3),
        make.look(tests=12),
        make.look(status=GREEN),
        make.look(status=GREEN, tests=12, whole=False),
        make.look(status=GREEN, tests=12, sightings=(recovered,)),
        make.look(status=GREEN, tests=2),
    )

    told = life.test(looks, T)

    assert [each.look for each in told] == list(looks)
    assert [each.word for each in told] == [
        "passed",
        "passed",
        "failed",
        "unknown",
        "unknown",
        "passed",
        "unknown",
        "unknown",
        "recovered",
        "passed",
    ]


def test_a_red_look_is_held_against_the_last_one_that_saw_the_test_fail() -> None:
    looks = (make.look(T, tests=12), make.look(T, tests=20), make.look(tests=15), make.look(tests=20))

    assert [each.word for each in life.test(looks, T)] == ["failed", "failed", "unknown", "passed"]


def test_of_a_test_that_never_failed_red_looks_say_nothing() -> None:
    told = life.test((make.look(status=GREEN, tests=3), make.look(tests=3)), T)

    assert [each.word for each in told] == ["passed", "unknown"]


# --- two runs --------------------------------------------------------------------------------------------------------


def test_two_runs_differ_place_by_place_the_worst_first() -> None:
    green, red = make.look(status=GREEN), make.look("a")
    before = {"build": green, "docs": red, "gone": red, "lint": red, "test": green}
    now = {"build": green, "docs": green, "fresh": green, "lint": red, "test": red}

    told = life.compare(before, now)

    assert [(each.word, each.place) for each in told] == [
        ("newly failing", "test"),
        ("still failing", "lint"),
        ("added", "fresh"),
        ("removed", "gone"),
        ("newly passing", "docs"),
        ("still passing", "build"),
    ]


def test_two_runs_differ_by_what_was_found() -> None:
    before = {"test": make.look("a", "b", T, tests=12)}

    (red,) = life.compare(before, {"test": make.look("b", "c", tests=12)})
    (green,) = life.compare(before, {"test": make.look("b", status=GREEN)})

    assert (red.new, red.gone, red.still, red.unknown) == (("c",), (T,), ("b",), ("a",))
    assert (green.new, green.gone, green.still, green.unknown) == ((), ("a", T), ("b",), ())


def test_what_a_run_had_that_the_other_did_not_try_may_be_there_yet() -> None:
    (removed,) = life.compare({"test": make.look("a")}, {})
    (added,) = life.compare({}, {"test": make.look("a")})

    assert (removed.word, removed.unknown, removed.gone) == ("removed", ("a",), ())
    assert (added.word, added.new) == ("added", ("a",))

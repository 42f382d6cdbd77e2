"""What is tried next, and when it is known: every culprit of every length, and what is no commit's fault."""

from collections.abc import Callable
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.model import Probe, Status
from ctci.receive import hunt
from tests import make

GREEN, RED, LOST = Status.SUCCEEDED, Status.FAILED, Status.ERRORED


def hunted(
    last: int, behaves: Callable[[int, int], Status], *, doubtful: bool = False
) -> tuple[hunt.Step, list[Probe], list[hunt.Step]]:
    """The end of a search, what was tried, and each step; `behaves` says what a position does the n-th time."""
    probes: list[Probe] = []
    steps = [hunt.step(last, probes, doubtful=doubtful)]
    while (position := steps[-1].next) is not None:
        before = sum(each.position == position for each in probes)
        probes.append(Probe(position=position, run=100 + len(probes), status=behaves(position, before)))
        steps.append(hunt.step(last, probes, doubtful=doubtful))
        assert len(probes) < 30
    return steps[-1], probes, steps


def from_(culprit: int) -> Callable[[int, int], Status]:
    return lambda position, _: RED if position >= culprit else GREEN


@pytest.mark.parametrize("last", range(1, 20))
def test_every_culprit_is_found_by_halving(last: int) -> None:
    for culprit in range(1, last + 1):
        end, probes, steps = hunted(last, from_(culprit))

        named = next(number for number, each in enumerate(steps) if each.word == "found")
        assert (end.word, end.high, end.high - end.low) == ("found", culprit, 1)
        assert named <= 1 + ceil(log2(last))
        # Only the first one's parent was not run before, and is: it may be no commit's fault.
        assert len(probes) - named == (culprit == 1)


def test_over_16_commits_it_is_named_after_5_reruns() -> None:
    counts = [next(n for n, each in enumerate(hunted(16, from_(c))[2]) if each.word == "found") for c in range(1, 17)]

    assert counts == [5] * 16


def test_what_passes_the_second_time_is_flaky_and_nothing_else_is_run() -> None:
    end, probes, _ = hunted(16, lambda _position, _before: GREEN)

    assert (end.word, [each.position for each in probes]) == ("flaky", [16])


@pytest.mark.parametrize("last", [0, 1, 2, 7, 16])
@pytest.mark.parametrize("doubtful", [False, True])
def test_what_fails_at_the_green_commit_too_is_no_commits_fault(last: int, *, doubtful: bool) -> None:
    end, probes, steps = hunted(last, lambda _position, _before: RED, doubtful=doubtful)

    assert end.word == "elsewhere"
    assert probes[-1].position == 0
    # Where something is known to have changed it is tried at once.
    assert not doubtful or len(probes) == min(2, last + 1)
    assert "found" not in [each.word for each in steps] if doubtful else True


def test_where_something_else_has_changed_the_green_commit_is_tried_before_the_others() -> None:
    end, probes, _ = hunted(8, from_(3), doubtful=True)

    assert (end.word, end.high) == ("found", 3)
    assert [each.position for each in probes][:2] == [8, 0]


def test_what_cannot_be_run_is_tried_again_and_then_left_out() -> None:
    def behaves(position: int, _before: int) -> Status:
        return LOST if position in (3, 4) else from_(6)(position, 0)

    end, probes, _ = hunted(8, behaves)

    tried = [each.position for each in probes]
    assert (end.word, end.high) == ("found", 6)
    assert max(tried.count(each) for each in tried) <= hunt.TRIES


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        # Between 2 (green) and 5 (red) neither could be run.
        ({3, 4}, ("unknown", 2, 5)),
        # The red one itself cannot be run any more.
        ({8}, ("unknown", 0, 8)),
    ],
)
def test_what_cannot_be_told_is_told_as_far_as_it_is_known(broken: set[int], expected: tuple[str, int, int]) -> None:
    end, _, _ = hunted(8, lambda position, _: LOST if position in broken else from_(4)(position, 0))

    assert expected == (end.word, end.low, end.high)


def test_who_cancels_a_run_ends_the_search() -> None:
    probes = [Probe(position=8, run=1, status=RED), Probe(position=4, run=2, status=Status.CANCELLED)]

    end = hunt.step(8, probes, doubtful=False)

    assert (end.word, end.next, end.low, end.high) == ("stopped", None, 0, 8)


@given(last=st.integers(0, 40), doubtful=st.booleans(), seed=st.randoms(use_true_random=False))
def test_whatever_the_runs_say_it_comes_to_an_end(last: int, doubtful: bool, seed: object) -> None:
    choose = seed.choice  # type: ignore[attr-defined] # of random.Random
    end, probes, _ = hunted(last, lambda _position, _before: choose([GREEN, RED, LOST, LOST]), doubtful=doubtful)

    assert end.next is None
    assert end.word in ("found", "flaky", "elsewhere", "unknown")
    assert len(probes) <= 2 * (last + 2)
    assert end.word != "found" or end.high - end.low == 1


def said(*probes: tuple[int, int, Status], **fields: object) -> hunt.Said:
    defaults: dict[str, object] = {
        "red_run": 1482,
        "green_run": 1479,
        "green_commit": "9" * 40,
        "commits": tuple(make.sha(number) for number in range(1, 17)),
        "probes": tuple(Probe(position=position, run=run, status=status) for position, run, status in probes),
    }
    return hunt.Said(**{**defaults, **fields})  # type: ignore[arg-type] # by name


DETERMINISTIC = (16, 1483, RED)


@pytest.mark.parametrize(
    ("now", "about", "expected"),
    [
        (
            hunt.Step(word="looking", next=16, low=0, high=16),
            said(),
            "looking for what broke it, among 16 commits",
        ),
        (
            hunt.Step(word="looking", next=8, low=0, high=16),
            said(DETERMINISTIC),
            "looking for what broke it, among 16 commits after 1 rerun",
        ),
        (
            hunt.Step(word="found", low=7, high=8),
            said(DETERMINISTIC, (8, 1484, RED), culprit=make.commit(sha="3f2a1c9" + "0" * 33)),
            "3f2a1c9 by Ana Ruiz broke it: Use floats for prices (found by 2 reruns)",
        ),
        (
            hunt.Step(word="found", next=0, low=0, high=1),
            said(DETERMINISTIC, culprit=make.commit(sha="3f2a1c9" + "0" * 33)),
            "3f2a1c9 by Ana Ruiz broke it: Use floats for prices (found by 1 rerun; #1479 is being tried once more)",
        ),
        (
            hunt.Step(word="flaky", low=16, high=16),
            said((16, 1483, GREEN)),
            "flaky: it failed in #1482 and passed in #1483 on the same commit, in a clean checkout",
        ),
        (
            hunt.Step(word="elsewhere", low=0, high=0),
            said(DETERMINISTIC, (0, 1484, Status.TIMED_OUT)),
            (
                "no commit broke it: 9999999 was green in #1479 and fails in #1484 too, "
                "so something besides the commits has changed"
            ),
        ),
        (
            hunt.Step(word="stopped", low=0, high=4),
            said(DETERMINISTIC, (8, 1484, RED), (4, 1485, RED), why="it was 06:00"),
            "not found: it was 06:00; after 3 reruns it is one of 4 commits, 0000000 to 0000000",
        ),
        (
            hunt.Step(word="stopped", low=0, high=16),
            said(why="#1482 ended after 06:00"),
            "not found: #1482 ended after 06:00",
        ),
        (
            hunt.Step(word="unknown", low=2, high=5),
            said(DETERMINISTIC),
            (
                "not to be told: the commits between could not be run; "
                "after 1 rerun it is one of 3 commits, 0000000 to 0000000"
            ),
        ),
        (
            hunt.Step(word="stopped", low=2, high=3),
            said(DETERMINISTIC),
            "not found: a run of the search was cancelled; after 1 rerun it is probably 0000000",
        ),
    ],
)
def test_what_is_known_is_said_in_a_sentence(now: hunt.Step, about: hunt.Said, expected: str) -> None:
    assert expected == hunt.sentence(now, about)

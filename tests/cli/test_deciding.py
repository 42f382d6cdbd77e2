import pytest

from ctci import ledger, shape
from tests import make
from tests.cli.calling import Caller


@pytest.fixture
def decided(ctci: Caller, db: ledger.Ledger) -> Caller:
    """d_1 made #1 on main, d_2 was ignored on next, d_3 repeats d_1, d_4 was refused."""
    trigger = make.trigger(key="gitea:one:refs/heads/main")
    make.recorded(db, trigger=trigger)
    ledger.record(
        db,
        (
            make.entry(
                trigger=make.trigger(ref="refs/heads/next"),
                orders=(),
                ref="refs/heads/next",
                reason="branch next matches no pattern of the project",
            ),
            make.entry(trigger=trigger, ref="refs/heads/main"),
        ),
    )
    ledger.refuse(db, project="shop", forge="gitea", event="push", key="x", reason="signature does not match")
    return ctci


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("d_1", "made #1: api queued: the branch is main"),
        ("2", "was ignored: branch next matches no pattern of the project"),
        ("d_3", "was seen before: the same delivery made #1 before"),
        ("d_4", "was refused: signature does not match"),
        ("shop@next", "was ignored: branch next matches no pattern of the project"),
        ("shop@refs/heads/next", "was ignored: branch next matches no pattern of the project"),
    ],
)
def test_a_decision_is_told_in_words(decided: Caller, what: str, said: str) -> None:
    told = decided("why-not", what)

    assert told.code == 0
    assert said in told.out.splitlines()[0]


def test_of_a_run_that_was_made_it_says_what_became_of_it(decided: Caller) -> None:
    assert decided("why-not", "d_1").out.splitlines()[1] == "  #1 queued: waits for its commit to be fetched"


def test_of_a_project_the_newest_decisions_come_first(decided: Caller) -> None:
    told = decided("why-not", "shop", "--limit", "2", "--json").json

    assert [each["id"] for each in told["items"]] == ["d_4", "d_3"]
    assert tuple(told["items"][0]) == shape.DELIVERY


def test_where_there_is_more_than_is_told_it_says_so(decided: Caller) -> None:
    some, whole = (decided("why-not", "shop", "-n", limit).err for limit in ("3", "4"))

    assert (some, whole) == ("the newest 3; more with -n N\n", "")


def test_our_own_hook_is_named_once(ctci: Caller, db: ledger.Ledger) -> None:
    ledger.record(db, (make.entry(forge="post_receive", event="post-receive"),))

    assert ": post-receive refs/heads/main by ana made #1" in ctci("why-not", "d_1").out


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("d_99", "there is no delivery d_99"),
        ("shop@other", "no hook has called about other of shop"),
        ("nobody", "configured: shop"),
    ],
)
def test_what_was_never_decided_is_not_found(decided: Caller, what: str, said: str) -> None:
    told = decided("why-not", what)

    assert (told.code, said in told.err) == (5, True)

"""bitbucket: what Cloud's calls say: one decision a change."""

import json
from typing import Any

import pytest

from ctci.forges import bitbucket, delivery
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger
from tests.forges import calls
from tests.forges.calls import NEW, OLD, ZERO

CALL = "7d2c7f5e-25f0-4a09-8f38-7d5bb4b1b2d7"
FORCED = "c0ffee11223344556677889900aabbccddeeff01"
BRANCH_GONE, TAG_GONE = (f"the {kind} was deleted; nothing to build" for kind in ("branch", "tag"))


def read(name: str) -> tuple[Trigger | Ignored, ...]:
    """The sample's decisions."""
    body = calls.sample("bitbucket", name)
    return bitbucket.read(calls.headers("bitbucket", name, body), body)


def told(*changes: Any, **fields: Any) -> tuple[Trigger | Ignored, ...]:
    """What a push of these changes, with some fields replaced, is."""
    plain = {**calls.plain("bitbucket", "push"), **({"push": {"changes": changes}} if changes else {}), **fields}
    body = json.dumps(plain).encode()
    return bitbucket.read(calls.headers("bitbucket", "push", body), body)


def side(name: Any = "main", sha: Any = NEW, kind: Any = "branch") -> dict[str, Any]:
    return {"type": kind, "name": name, "target": {"hash": sha}}


def trigger(ref: str, *, before: str | None = None, after: str = NEW, kind: str = "push") -> Trigger:
    return Trigger(
        kind=kind,
        key=f"bitbucket:{CALL}:{ref}",
        ref=ref,
        before=before,
        after=after,
        repository="acme/shop",
        pusher="ana",
        default_branch="main",
    )


def ignored(reason: str, ref: str | None = None, *, deleted: bool = False) -> Ignored:
    return Ignored(reason=reason, ref=ref, pusher="ana", repository="acme/shop", deleted=deleted)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("push", [trigger("refs/heads/main", before=OLD)]),
        ("push.truncated", [trigger("refs/heads/main", before=OLD)]),
        ("push.forced", [trigger("refs/heads/feature/cart", before=FORCED)]),
        ("push.new-branch", [trigger("refs/heads/feature/cart")]),
        ("push.sha256", [trigger("refs/heads/main", after="ab" * 32)]),
        ("push.tag", [trigger("refs/tags/v1.2.0", kind="tag")]),
        # Of an annotated tag the commit is told, not the object.
        ("push.annotated-tag", [trigger("refs/tags/v1.3.0", kind="tag")]),
        ("push.deleted-branch", [ignored(BRANCH_GONE, "refs/heads/feature/cart", deleted=True)]),
        ("push.deleted-tag", [ignored(TAG_GONE, "refs/tags/v1.2.0", deleted=True)]),
        (
            "push.several",
            [
                trigger("refs/heads/main", before=OLD),
                trigger("refs/heads/feature/cart"),
                trigger("refs/tags/v1.2.0", kind="tag"),
                ignored(BRANCH_GONE, "refs/heads/old/idea", deleted=True),
            ],
        ),
        ("push.bookmark", [ignored("neither a branch nor a tag was moved")]),
        ("push.empty", [Ignored(reason="the call tells of no ref that moved", repository="acme/shop")]),
        ("fork", [Ignored(reason="the event repo:fork asks for nothing", repository="acme/shop")]),
    ],
)
def test_each_change_has_its_decision(name: str, expected: list[Trigger | Ignored]) -> None:
    assert tuple(expected) == read(name)


def test_a_branch_called_like_a_ref_keeps_its_whole_name() -> None:
    (found,) = told({"old": None, "new": side("refs/heads/main")})

    assert found.ref == "refs/heads/refs/heads/main"


@pytest.mark.parametrize("sha", [NEW, ZERO])
def test_a_change_that_moves_nothing_is_a_test_and_no_deletion(sha: str) -> None:
    (found,) = told({"old": side(sha=sha), "new": side(sha=sha)})

    assert found == ignored("test delivery: the hook works", "refs/heads/main")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([{}], "a change has neither `old` nor `new`"),
        ([{"old": None, "new": None}], "a change has neither `old` nor `new`"),
        # Never a deletion: that would forget where the ref was.
        ([{"old": side(), "new": []}], "`new` of a change is not what was there"),
        ([{"old": "main", "new": side()}], "`old` of a change is not what was there"),
        ([{"old": None, "new": side("a b")}], "`name` is not the name of a ref"),
        ([{"old": None, "new": side(None)}], "`name` is not the name of a ref"),
        ([{"old": None, "new": side("\ud800")}], "`name` is not the name of a ref"),
        ([{"old": None, "new": side(sha=NEW[:12])}], "`hash` is not an object id"),
        ([{"old": {**side(), "target": None}, "new": side()}], "`hash` is not an object id"),
        # One that cannot be read makes the whole call untrue, also where others could be.
        ([{"old": None, "new": side()}, {}], "a change has neither `old` nor `new`"),
        (["main"], "`push.changes` is not a list of changes"),
        ([{}] * 3001, "a call may move 3000 refs, and this one moved 3001"),
    ],
)
def test_changes_that_cannot_be_true_are_refused_in_words(changes: list[Any], why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        told(*changes)

    assert why == str(refused.value)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"push": None}, "`push.changes` is not a list of changes"),
        ({"push": {"changes": {}}}, "`push.changes` is not a list of changes"),
        ({"repository": None}, "`repository.full_name` is missing"),
    ],
)
def test_a_push_that_cannot_be_one_is_refused_in_words(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        told(**fields)

    assert why == str(refused.value)


def test_a_call_without_an_event_is_refused_in_words() -> None:
    with pytest.raises(BadPayload, match="there is no X-Event-Key header"):
        bitbucket.read({}, b"{}")


def test_as_many_changes_as_a_hook_may_tell_are_read() -> None:
    found = told(*[{"old": None, "new": side(f"b{n}")} for n in range(delivery.MOST_CHANGES)])

    assert len({item.ref for item in found}) == delivery.MOST_CHANGES


def test_a_change_longer_than_any_disk_takes_is_ignored_beside_one_that_is_built() -> None:
    long, fine = told({"old": side("x" * 1100), "new": None}, {"old": None, "new": side()})

    assert isinstance(long, Ignored)
    assert (long.ref, long.deleted) == (None, False)
    assert fine == trigger("refs/heads/main")


def test_the_pusher_is_the_nickname_or_else_the_name() -> None:
    assert told(actor={"display_name": "Ana"})[0].pusher == "Ana"
    assert told(actor=None)[0].pusher is None


@pytest.mark.parametrize("branch", [None, {}, {"name": None}, {"name": "a b"}, "main"])
def test_a_default_branch_that_is_not_told_is_none(branch: Any) -> None:
    (found,) = told(repository={"full_name": "acme/shop", "mainbranch": branch})

    assert isinstance(found, Trigger)
    assert found.default_branch is None


def test_a_further_attempt_is_known_by_its_id() -> None:
    headers = calls.bitbucket("repo:push", b"{}")

    assert {CALL} == {bitbucket.delivery_id({**headers, "x-attempt-number": n}, b"{}") for n in "12"}
    del headers["x-request-uuid"]
    assert calls.digest(b"{}") == bitbucket.delivery_id(headers, b"{}")

"""bitbucket-dc: what Data Center's calls say: one decision a change."""

import json
from typing import Any

import pytest

from ctci import forges
from ctci.forges import bitbucket_dc
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger
from tests.forges import calls
from tests.forges.calls import NEW, OLD, TAG, ZERO

CALL = "d1f0f2a5-92f7-4b4e-8a8c-4b9fe1ad47bb"
BRANCH_GONE, TAG_GONE = (f"the {kind} was deleted; nothing to build" for kind in ("branch", "tag"))
NAMELESS = "`repository.project.key` or `repository.slug` is missing"


def read(name: str) -> tuple[Trigger | Ignored, ...]:
    """The sample's decisions."""
    body = calls.sample("bitbucket-dc", name)
    return bitbucket_dc.read(calls.headers("bitbucket-dc", name, body), body)


def told(*changes: Any, **fields: Any) -> tuple[Trigger | Ignored, ...]:
    """What a push of these changes, with some fields replaced, is."""
    plain = {**calls.plain("bitbucket-dc", "refs_changed"), **({"changes": changes} if changes else {}), **fields}
    body = json.dumps(plain).encode()
    return bitbucket_dc.read(calls.headers("bitbucket-dc", "refs_changed", body), body)


def change(ref: Any = "refs/heads/main", before: Any = OLD, after: Any = NEW) -> dict[str, Any]:
    return {"ref": {"id": ref}, "refId": ref, "fromHash": before, "toHash": after, "type": "UPDATE"}


def trigger(
    ref: str = "refs/heads/main",
    *,
    before: str | None = None,
    after: str = NEW,
    kind: str = "push",
    repository: str = "SHOP/shop",
) -> Trigger:
    return Trigger(
        kind=kind,
        key=f"bitbucket-dc:{CALL}:{ref}",
        ref=ref,
        before=before,
        after=after,
        repository=repository,
        pusher="ana",
    )


def ignored(reason: str, ref: str | None = None, *, deleted: bool = False) -> Ignored:
    return Ignored(reason=reason, ref=ref, pusher="ana", repository="SHOP/shop", deleted=deleted)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("refs_changed", [trigger(before=OLD)]),
        ("refs_changed.old-server", [trigger(before=OLD)]),
        ("refs_changed.id-only", [trigger(before=OLD)]),
        ("refs_changed.truncated", [trigger(before=OLD)]),
        ("refs_changed.personal", [trigger(before=OLD, repository="~ANA/shop")]),
        ("refs_changed.new-branch", [trigger("refs/heads/feature/cart")]),
        ("refs_changed.sha256", [trigger(after="ab" * 32)]),
        ("refs_changed.tag", [trigger("refs/tags/v1.2.0", kind="tag")]),
        # The tag's object: prepare peels it.
        ("refs_changed.annotated-tag", [trigger("refs/tags/v1.3.0", after=TAG, kind="tag")]),
        ("refs_changed.deleted-branch", [ignored(BRANCH_GONE, "refs/heads/feature/cart", deleted=True)]),
        ("refs_changed.deleted-tag", [ignored(TAG_GONE, "refs/tags/v1.2.0", deleted=True)]),
        (
            "refs_changed.several",
            [
                trigger(before=OLD),
                trigger("refs/heads/feature/cart"),
                trigger("refs/tags/v1.2.0", kind="tag"),
                ignored(BRANCH_GONE, "refs/heads/old/idea", deleted=True),
            ],
        ),
        ("refs_changed.empty", [Ignored(reason="the call tells of no ref that moved", repository="SHOP/shop")]),
        ("synchronized", [trigger(before=OLD)]),
        (
            "synchronized.limit",
            [
                Ignored(
                    reason="more refs were synchronised than are told one by one; run what is wanted by hand",
                    repository="SHOP/shop",
                )
            ],
        ),
        ("ping", [Ignored(reason="ping: connected")]),
        ("comment", [Ignored(reason="the event repo:comment:added asks for nothing", repository="SHOP/shop")]),
    ],
)
def test_each_change_has_its_decision(name: str, expected: list[Trigger | Ignored]) -> None:
    assert tuple(expected) == read(name)


@pytest.mark.parametrize(
    ("sample", "address"),
    [
        ("refs_changed", "https://git.example.org/scm/shop/shop.git"),
        ("refs_changed", "ssh://git@git.example.org:7999/shop/shop.git"),
        ("refs_changed.personal", "https://git.example.org/scm/~ana/shop.git"),
        ("refs_changed.personal", "ssh://git@git.example.org:7999/~ana/shop.git"),
    ],
)
def test_the_repository_is_named_as_its_addresses_end(sample: str, address: str) -> None:
    (found,) = read(sample)

    assert found.repository is not None
    assert forges.same_repository(address, found.repository)


@pytest.mark.parametrize("sha", [NEW, ZERO, "0" * 64])
def test_a_change_that_moves_nothing_is_a_test_and_no_deletion(sha: str) -> None:
    assert told(change(before=sha, after=sha)) == (ignored("test delivery: the hook works", "refs/heads/main"),)


def test_a_ref_that_is_neither_branch_nor_tag_is_ignored() -> None:
    ref = "refs/pull-requests/12/from"

    assert told(change(ref)) == (ignored(f"{ref} is neither a branch nor a tag", ref),)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([{}], "`refId` is not the name of a ref"),
        ([change("main")], "`id` is not the name of a ref"),
        ([change(None)], "`id` is not the name of a ref"),
        ([change("refs/heads/a..b")], "`id` is not the name of a ref"),
        ([change(before=None)], "`fromHash` is not an object id"),
        # Never a deletion: that would forget where the ref was.
        ([change(after=None)], "`toHash` is not an object id"),
        ([change(after=NEW[:11])], "`toHash` is not an object id"),
        ([change(), None], "`changes` is not a list of changes"),
        ([change()] * 3001, "a call may move 3000 refs, and this one moved 3001"),
    ],
)
def test_changes_that_cannot_be_true_are_refused_in_words(changes: list[Any], why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        told(*changes)

    assert why == str(refused.value)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"changes": None}, "`changes` is not a list of changes"),
        ({"repository": None}, NAMELESS),
        ({"repository": {"slug": "shop"}}, NAMELESS),
        ({"repository": {"project": {"key": "SHOP"}}}, NAMELESS),
        (
            {"repository": {"slug": "shop", "project": {"key": 7}}},
            "`repository.project.key` is not the name of a repository",
        ),
        (
            {"repository": {"slug": "a\n", "project": {"key": "SHOP"}}},
            "`repository.slug` is not the name of a repository",
        ),
    ],
)
def test_a_push_that_cannot_be_one_is_refused_in_words(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        told(**fields)

    assert why == str(refused.value)


def test_a_call_without_an_event_is_refused_in_words() -> None:
    with pytest.raises(BadPayload, match="there is no X-Event-Key header"):
        bitbucket_dc.read({}, b"{}")


def test_the_pusher_is_the_login_or_else_the_name() -> None:
    assert told(actor={"displayName": "Ana"})[0].pusher == "Ana"
    assert told(actor=None)[0].pusher is None


def test_a_call_without_an_id_is_named_by_its_body() -> None:
    headers = calls.bitbucket_dc("repo:refs_changed", b"{}")

    assert bitbucket_dc.delivery_id(headers, b"{}") == CALL
    del headers["x-request-id"]
    assert calls.digest(b"{}") == bitbucket_dc.delivery_id(headers, b"{}")

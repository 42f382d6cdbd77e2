"""gogs: what its calls say; of a tag its creation alone tells."""

import json
from typing import Any

import pytest

from ctci.forges import gogs
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger
from tests.forges import calls
from tests.forges.calls import NEW, OLD, SECRET, TAG, ZERO

CALL = "c26e4a2f-6a0a-4a4e-9c1b-0f4f3c1f6d55"


def read(name: str) -> Trigger | Ignored:
    """The sample's one decision."""
    body = calls.sample("gogs", name)
    (found,) = gogs.read(calls.headers("gogs", name, body), body)
    return found


def told(sample: str = "push", **fields: Any) -> Trigger | Ignored:
    """A sample's decision with some fields replaced."""
    body = json.dumps({**calls.plain("gogs", sample), **fields}).encode()
    (found,) = gogs.read(calls.headers("gogs", sample, body), body)
    return found


def trigger(ref: str, *, before: str | None = None, after: str | None = NEW, kind: str = "push") -> Trigger:
    return Trigger(
        kind=kind,
        key=f"gogs:{CALL}:{ref}",
        ref=ref,
        before=before,
        after=after,
        repository="acme/shop",
        pusher="ana",
        default_branch="main",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("push", trigger("refs/heads/main", before=OLD)),
        ("push.truncated", trigger("refs/heads/main", before=OLD)),
        ("push.new-branch", trigger("refs/heads/feature/cart")),
        ("push.sha256", trigger("refs/heads/main", after="ab" * 32)),
        ("create.tag", trigger("refs/tags/v1.2.0", kind="tag")),
        # The tag's object: prepare peels it.
        ("create.annotated-tag", trigger("refs/tags/v1.3.0", after=TAG, kind="tag")),
        # Where the tag stands is not told: it is fetched by its name.
        ("create.old-server", trigger("refs/tags/v1.2.0", after=None, kind="tag")),
    ],
)
def test_a_push_or_a_new_tag_is_a_reason_to_work(name: str, expected: Trigger) -> None:
    assert expected == read(name)


def test_of_a_new_branch_the_push_is_built_and_the_creation_is_not() -> None:
    assert Ignored(reason="a push event comes with it", repository="acme/shop") == read("create.branch")


@pytest.mark.parametrize(
    ("name", "ref", "reason"),
    [
        ("delete.branch", "refs/heads/feature/cart", "the branch was deleted; nothing to build"),
        ("delete.tag", "refs/tags/v1.2.0", "the tag was deleted; nothing to build"),
    ],
)
def test_a_deletion_forgets_the_ref_and_builds_nothing(name: str, ref: str, reason: str) -> None:
    assert Ignored(reason=reason, ref=ref, pusher="ana", repository="acme/shop", deleted=True) == read(name)


@pytest.mark.parametrize("name", ["push.test-of-head", "push.test-of-empty"])
def test_a_test_delivery_is_a_test_and_no_deletion(name: str) -> None:
    expected = Ignored(
        reason="test delivery: the hook works", ref="refs/heads/main", pusher="ana", repository="acme/shop"
    )

    assert expected == read(name)


def test_another_event_asks_for_nothing() -> None:
    expected = Ignored(reason="the event issue_comment asks for nothing", repository="acme/shop")

    assert expected == read("issue_comment")


@pytest.mark.parametrize("ref", ["v1.2.0", "refs/tags/v1.2.0"])
def test_a_tag_is_told_by_its_short_name_or_its_full_one(ref: str) -> None:
    assert trigger("refs/tags/v1.2.0", kind="tag") == told("create.tag", ref=ref)


def test_a_tag_longer_than_any_disk_takes_is_ignored() -> None:
    found = told("create.tag", ref="x" * 1100)

    assert isinstance(found, Ignored)
    assert found.reason.endswith("has more than 1024 bytes, which is not built")


@pytest.mark.parametrize(
    ("sample", "fields", "why"),
    [
        ("push", {"ref": "main"}, "`ref` is not the name of a ref"),
        ("push", {"after": None}, "`after` is not an object id"),
        ("push", {"repository": []}, "`repository.full_name` is missing"),
        ("create.tag", {"ref": "a b"}, "`ref` is not the name of a ref"),
        ("create.tag", {"ref": ""}, "`ref` and `ref_type` do not say what it is about"),
        ("create.tag", {"ref_type": "repository"}, "`ref` and `ref_type` do not say what it is about"),
        ("create.tag", {"ref_type": []}, "`ref` and `ref_type` do not say what it is about"),
        ("create.tag", {"sha": NEW[:12]}, "`sha` is not an object id"),
        # Never a deletion: that would forget where the ref was.
        ("create.tag", {"sha": ZERO}, "`sha` says that nothing was created"),
        ("create.tag", {"repository": None}, "`repository.full_name` is missing"),
        ("delete.branch", {"ref_type": None}, "`ref` and `ref_type` do not say what it is about"),
        ("delete.branch", {"repository": {}}, "`repository.full_name` is missing"),
    ],
)
def test_a_call_that_cannot_be_true_is_refused_in_words(sample: str, fields: dict[str, Any], why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        told(sample, **fields)

    assert why == str(refused.value)


def test_a_call_without_an_event_is_refused_in_words() -> None:
    with pytest.raises(BadPayload, match="there is no X-Gogs-Event header"):
        gogs.read(calls.github("push", b"{}"), b"{}")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pusher": {"username": "bo"}}, "bo"),
        ({"pusher": None}, "ana"),
        ({"pusher": None, "sender": {"username": "bo"}}, "bo"),
        ({"pusher": {"login": 7}, "sender": None}, None),
    ],
)
def test_the_pusher_is_found_where_it_is_told(fields: dict[str, Any], expected: str | None) -> None:
    assert expected == told(**fields).pusher


def test_the_json_text_is_signed_also_where_a_form_brings_it() -> None:
    text = calls.sample("gogs", "push")
    body = calls.form(text)
    headers = {**calls.gogs("push", text), "content-type": calls.FORM}
    of_the_form = {**calls.gogs("push", body), "content-type": calls.FORM}

    (found,) = gogs.read(headers, body)

    assert gogs.authentic(headers, body, SECRET)
    assert not gogs.authentic(of_the_form, body, SECRET)
    assert not gogs.authentic(headers, b"x=1", SECRET)
    assert trigger("refs/heads/main", before=OLD) == found

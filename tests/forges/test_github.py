"""github: what its calls say, and which of them are believed."""

import json
from typing import Any

import pytest

from ctci.forges import github
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger
from tests.forges import calls
from tests.forges.calls import NEW, OLD, SECRET, TAG

CALL = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def read(name: str) -> Trigger | Ignored:
    """The sample's one decision; the event is the name's first word."""
    body = calls.sample("github", name)
    (found,) = github.read(calls.github(name.partition(".")[0], body), body)
    return found


def told(**fields: Any) -> tuple[Trigger | Ignored, ...]:
    """A push with some fields replaced."""
    body = json.dumps({**calls.plain("github", "push"), **fields}).encode()
    return github.read(calls.github("push", body), body)


def trigger(ref: str, *, before: str | None, after: str = NEW, kind: str = "push") -> Trigger:
    return Trigger(
        kind=kind,
        key=f"github:{CALL}:{ref}",
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
        ("push.forced", trigger("refs/heads/feature/cart", before="c0ffee11223344556677889900aabbccddeeff01")),
        # No commits are listed, and it is built all the same.
        ("push.new-branch", trigger("refs/heads/feature/cart", before=None)),
        ("push.tag", trigger("refs/tags/v1.2.0", before=None, kind="tag")),
        # The tag's object: prepare peels it.
        ("push.annotated-tag", trigger("refs/tags/v1.3.0", before=None, after=TAG, kind="tag")),
    ],
)
def test_a_push_is_a_reason_to_work(name: str, expected: Trigger) -> None:
    assert expected == read(name)


@pytest.mark.parametrize(
    ("name", "ref", "reason"),
    [
        ("push.deleted-branch", "refs/heads/feature/cart", "the branch was deleted; nothing to build"),
        ("push.deleted-tag", "refs/tags/v1.2.0", "the tag was deleted; nothing to build"),
    ],
)
def test_a_deletion_forgets_the_ref_and_builds_nothing(name: str, ref: str, reason: str) -> None:
    assert Ignored(reason=reason, ref=ref, pusher="ana", repository="acme/shop", deleted=True) == read(name)


@pytest.mark.parametrize(
    ("name", "repository", "reason"),
    [
        ("ping", "acme/shop", "ping: connected"),
        ("ping.organization", None, "ping: connected"),
        ("create", "acme/shop", "a push event comes with it"),
        ("delete", "acme/shop", "a push event tells of the deletion"),
        ("star", "acme/shop", "the event star asks for nothing"),
        ("issue_comment", "acme/shop", "the event issue_comment asks for nothing"),
    ],
)
def test_what_is_no_push_is_ignored_with_a_reason(name: str, repository: str | None, reason: str) -> None:
    assert Ignored(reason=reason, repository=repository) == read(name)


@pytest.mark.parametrize("sha", [NEW, calls.ZERO])
def test_a_push_that_moves_nothing_is_a_test_and_no_deletion(sha: str) -> None:
    (found,) = told(before=sha, after=sha)

    assert isinstance(found, Ignored)
    assert (found.reason, found.deleted) == ("test delivery: the hook works", False)


@pytest.mark.parametrize(
    ("before", "after", "deleted"), [(calls.ZERO, "0" * 64, False), (None, calls.ZERO, True), (OLD, "0" * 64, True)]
)
def test_zeros_are_a_test_where_the_ref_is_told_to_have_been_nothing(
    before: str | None, after: str, deleted: bool
) -> None:
    (found,) = told(before=before, after=after)

    assert isinstance(found, Ignored)
    assert deleted == found.deleted


@pytest.mark.parametrize("ref", ["refs/pull/12/head", "refs/notes/commits", "refs/heads2/x"])
def test_a_ref_that_is_neither_branch_nor_tag_is_ignored(ref: str) -> None:
    (found,) = told(ref=ref)

    assert (
        Ignored(reason=f"{ref} is neither a branch nor a tag", ref=ref, pusher="ana", repository="acme/shop") == found
    )


def test_a_ref_longer_than_any_disk_takes_is_ignored_not_refused() -> None:
    (found,) = told(ref="refs/heads/" + "é" * 600)

    assert isinstance(found, Ignored)
    assert found.reason.startswith("the name refs/heads/éé")
    assert found.reason.endswith("é… has more than 1024 bytes, which is not built")


def test_a_branch_called_like_a_ref_keeps_its_whole_name() -> None:
    (found,) = told(ref="refs/heads/refs/heads/main")

    assert found.ref == "refs/heads/refs/heads/main"


def test_ids_are_read_in_lower_case() -> None:
    (found,) = told(before=OLD.upper(), after=NEW.upper())

    assert isinstance(found, Trigger)
    assert (found.before, found.after) == (OLD, NEW)


@pytest.mark.parametrize("before", [None, calls.ZERO, "0" * 64])
def test_a_ref_that_was_nothing_before_has_no_before(before: str | None) -> None:
    (found,) = told(before=before)

    assert isinstance(found, Trigger)
    assert found.before is None


def test_a_call_without_an_id_is_named_by_its_body() -> None:
    body = calls.sample("github", "push")
    headers = calls.github("push", body)
    del headers["x-github-delivery"]

    (found,) = github.read(headers, body)

    assert isinstance(found, Trigger)
    assert f"github:{calls.digest(body)}:refs/heads/main" == found.key


def test_without_a_pusher_the_sender_is_told() -> None:
    assert told(pusher=None)[0].pusher == "ana"
    assert told(pusher=7, sender=[])[0].pusher is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"ref": None}, "`ref` is not the name of a ref"),
        ({"ref": "main"}, "`ref` is not the name of a ref"),
        ({"ref": "refs/heads/\ud800"}, "`ref` is not the name of a ref"),
        ({"ref": "refs/heads/a..b"}, "`ref` is not the name of a ref"),
        ({"ref": "refs/heads/" + "x" * 20_000}, "`ref` is not the name of a ref"),
        ({"ref": ["refs/heads/main"]}, "`ref` is not the name of a ref"),
        # Never a deletion: that would forget where the ref was.
        ({"after": None}, "`after` is not an object id"),
        ({"after": NEW[:12]}, "`after` is not an object id"),
        ({"before": "HEAD"}, "`before` is not an object id"),
        # Without a name it could not be held against the configured address.
        ({"repository": None}, "`repository.full_name` is missing"),
        ({"repository": {}}, "`repository.full_name` is missing"),
        ({"repository": {"full_name": 7}}, "`repository.full_name` is not the name of a repository"),
        ({"repository": {"full_name": "a/b\n"}}, "`repository.full_name` is not the name of a repository"),
        ({"repository": {"full_name": "\ud800"}}, "`repository.full_name` is not the name of a repository"),
    ],
)
def test_a_push_that_cannot_be_one_is_refused_in_words(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        told(**fields)

    assert why == str(refused.value)


def test_a_call_without_an_event_is_refused_in_words() -> None:
    with pytest.raises(BadPayload, match="there is no X-GitHub-Event header"):
        github.read({}, b"{}")


def test_an_event_of_any_name_is_told_in_one_line() -> None:
    headers = {"x-github-event": "\x1b[31mworm\r\n" + "x" * 500}

    (found,) = github.read(headers, b"{}")

    event = "[31mworm  " + "x" * 189
    assert event == github.event(headers)
    assert Ignored(reason=f"the event {event} asks for nothing") == found


# --- who is believed -------------------------------------------------------------------------------------------------


def test_the_body_as_sent_is_signed_also_where_it_is_a_form() -> None:
    text = calls.sample("github", "push")
    body = calls.form(text)
    headers = {**calls.github("push", body), "content-type": calls.FORM}

    (found,) = github.read(headers, body)

    assert github.authentic(headers, body, SECRET)
    assert not github.authentic({**headers, "x-hub-signature-256": f"sha256={calls.mac(text)}"}, body, SECRET)
    assert trigger("refs/heads/main", before=OLD) == found


def test_json_written_anew_is_not_what_was_signed() -> None:
    body = calls.sample("github", "push")
    anew = json.dumps(json.loads(body)).encode()

    assert github.authentic(calls.github("push", body), body, SECRET)
    assert not github.authentic(calls.github("push", body), anew, SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256="},
        # The good SHA-1 beside it does not rescue a bad SHA-256.
        {"x-hub-signature-256": "sha256=" + "0" * 64},
        {"x-hub-signature-256": "größe\xff"},
    ],
)
def test_a_bad_signature_is_not_believed(change: dict[str, str]) -> None:
    body = calls.sample("github", "push")

    assert not github.authentic({**calls.github("push", body), **change}, body, SECRET)


def test_a_call_without_the_signature_or_with_sha1_alone_is_not_believed() -> None:
    body = calls.sample("github", "push")
    headers = calls.github("push", body)
    del headers["x-hub-signature-256"]

    assert not github.authentic(headers, body, SECRET)
    assert not github.authentic({}, body, SECRET)


def test_another_or_no_secret_believes_nothing() -> None:
    body = calls.sample("github", "push")
    unsigned = {**calls.github("push", body), "x-hub-signature-256": f"sha256={calls.mac(body, secret=b'')}"}

    assert not github.authentic(calls.github("push", body), body, b"another")
    assert not github.authentic(unsigned, body, b"")

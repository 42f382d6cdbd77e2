"""gitea and forgejo: what their calls say, and which of them are believed."""

import json
from typing import Any

import pytest

from ctci import forges
from ctci.forges import forgejo, gitea
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger
from tests.forges import calls
from tests.forges.calls import NEW, OLD, SECRET, TAG

CALLS = {"gitea": "f6266f16-1bf3-46a5-9ea4-602e06ead473", "forgejo": "0b3a5d52-0f0c-4a1a-8a53-6a3a3ac2fd0e"}
both = pytest.mark.parametrize("forge", ["gitea", "forgejo"])


def read(forge: str, name: str) -> Trigger | Ignored:
    """The sample's one decision; the event is the name's first word."""
    body = calls.sample(forge, name)
    (found,) = forges.SPOKEN[forge].read(calls.HEADERS[forge](name.partition(".")[0], body), body)
    return found


def told(forge: str, sample: str = "push", **fields: Any) -> Trigger | Ignored:
    """A sample's decision with some fields replaced."""
    body = json.dumps({**calls.plain(forge, sample), **fields}).encode()
    (found,) = forges.SPOKEN[forge].read(calls.HEADERS[forge](sample.partition(".")[0], body), body)
    return found


def trigger(forge: str, ref: str, *, before: str | None, after: str = NEW, kind: str = "push") -> Trigger:
    return Trigger(
        kind=kind,
        key=f"{forge}:{CALLS[forge]}:{ref}",
        ref=ref,
        before=before,
        after=after,
        repository="acme/shop",
        pusher="ana",
        default_branch="main",
    )


@both
def test_a_push_is_a_reason_to_work(forge: str) -> None:
    assert trigger(forge, "refs/heads/main", before=OLD) == read(forge, "push")
    assert trigger(forge, "refs/heads/feature/cart", before=None) == read(forge, "push.new-branch")


@both
def test_an_annotated_tag_is_told_by_its_object(forge: str) -> None:
    expected = trigger(forge, "refs/tags/v1.3.0", before=None, after=TAG, kind="tag")

    assert expected == read(forge, "push.annotated-tag")


@both
def test_ids_of_64_digits_are_ids(forge: str) -> None:
    assert trigger(forge, "refs/heads/main", before=None, after="ab" * 32) == read(forge, "push.sha256")


def test_an_old_server_is_understood() -> None:
    assert trigger("gitea", "refs/heads/main", before=OLD) == read("gitea", "push.old-server")


@both
@pytest.mark.parametrize("name", ["push.test", "push.test-of-head"])
def test_a_test_delivery_is_a_test_and_no_deletion(forge: str, name: str) -> None:
    expected = Ignored(
        reason="test delivery: the hook works", ref="refs/heads/main", pusher="ana", repository="acme/shop"
    )

    assert expected == read(forge, name)


@both
@pytest.mark.parametrize(
    ("name", "ref", "reason"),
    [
        # Gitea's sample has the short name, Forgejo's the full one.
        ("delete.branch", "refs/heads/feature/cart", "the branch was deleted; nothing to build"),
        ("delete.tag", "refs/tags/v1.3.0", "the tag was deleted; nothing to build"),
        ("push.deleted-tag", "refs/tags/v1.3.0", "the tag was deleted; nothing to build"),
    ],
)
def test_a_deletion_forgets_the_ref_and_builds_nothing(forge: str, name: str, ref: str, reason: str) -> None:
    expected = Ignored(reason=reason, ref=ref, pusher="ana", repository="acme/shop", deleted=True)

    assert expected == read(forge, name)


def test_the_samples_of_deletions_differ_as_the_forges_do() -> None:
    assert calls.plain("gitea", "delete.branch")["ref"] == "feature/cart"
    assert calls.plain("forgejo", "delete.branch")["ref"] == "refs/heads/feature/cart"


@both
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("create", "a push event comes with it"),
        ("issue_comment", "the event issue_comment asks for nothing"),
    ],
)
def test_what_is_no_push_is_ignored_with_a_reason(forge: str, name: str, reason: str) -> None:
    assert Ignored(reason=reason, repository="acme/shop") == read(forge, name)


@both
def test_an_event_that_nobody_knows_is_ignored_and_no_error(forge: str) -> None:
    headers = calls.HEADERS[forge]("repository", b"{}")

    assert (Ignored(reason="the event repository asks for nothing"),) == forges.SPOKEN[forge].read(headers, b"{}")


@both
@pytest.mark.parametrize(
    ("sample", "fields", "why"),
    [
        ("push", {"ref": "main"}, "`ref` is not the name of a ref"),
        ("push", {"after": None}, "`after` is not an object id"),
        ("push", {"repository": []}, "`repository.full_name` is missing"),
        ("delete.branch", {"repository": None}, "`repository.full_name` is missing"),
        ("delete.branch", {"ref": ""}, "`ref` and `ref_type` do not say what it is about"),
        ("delete.branch", {"ref_type": "repository"}, "`ref` and `ref_type` do not say what it is about"),
        ("delete.branch", {"ref_type": []}, "`ref` and `ref_type` do not say what it is about"),
        ("delete.branch", {"ref": "a b"}, "`ref` is not the name of a ref"),
        ("delete.branch", {"ref": "refs/heads/"}, "`ref` is not the name of a ref"),
    ],
)
def test_a_call_that_cannot_be_true_is_refused_in_words(
    forge: str, sample: str, fields: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadPayload) as refused:
        told(forge, sample, **fields)

    assert why == str(refused.value)


def test_a_deleted_ref_longer_than_any_disk_takes_is_ignored() -> None:
    found = told("gitea", "delete.branch", ref="x" * 1100)

    assert isinstance(found, Ignored)
    assert (found.ref, found.deleted) == (None, False)
    assert found.reason.endswith("has more than 1024 bytes, which is not built")


@pytest.mark.parametrize(
    ("forge", "why"),
    [("gitea", "there is no X-Gitea-Event header"), ("forgejo", "there is no X-Forgejo-Event header")],
)
def test_a_call_without_an_event_is_refused_in_words(forge: str, why: str) -> None:
    with pytest.raises(BadPayload, match=why):
        forges.SPOKEN[forge].read(calls.github("push", b"{}"), b"{}")


@both
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pusher": {"username": "bo"}}, "bo"),
        ({"pusher": None}, "ana"),
        ({"pusher": {"login": 7}, "sender": None}, None),
    ],
)
def test_the_pusher_is_found_where_it_is_told(forge: str, fields: dict[str, Any], expected: str | None) -> None:
    assert expected == told(forge, **fields).pusher


# --- who is believed -------------------------------------------------------------------------------------------------


@both
def test_the_json_text_is_signed_also_where_a_form_brings_it(forge: str) -> None:
    text = calls.sample(forge, "push")
    body = calls.form(text)
    headers = {**calls.HEADERS[forge]("push", text), "content-type": calls.FORM}
    of_the_form = {**calls.HEADERS[forge]("push", body), "content-type": calls.FORM}

    (found,) = forges.SPOKEN[forge].read(headers, body)

    assert forges.SPOKEN[forge].authentic(headers, body, SECRET)
    assert not forges.SPOKEN[forge].authentic(of_the_form, body, SECRET)
    assert trigger(forge, "refs/heads/main", before=OLD) == found


@both
def test_a_form_without_a_payload_is_not_believed(forge: str) -> None:
    headers = {**calls.HEADERS[forge]("push", b""), "content-type": calls.FORM}

    assert not forges.SPOKEN[forge].authentic(headers, b"x=1", SECRET)


@both
def test_json_is_signed_as_it_is_sent(forge: str) -> None:
    body = calls.sample(forge, "push")
    headers = calls.HEADERS[forge]("push", body)

    assert forges.SPOKEN[forge].authentic(headers, body, SECRET)
    assert not forges.SPOKEN[forge].authentic(headers, body + b" ", SECRET)
    assert not forges.SPOKEN[forge].authentic(headers, json.dumps(json.loads(body)).encode(), SECRET)


@both
@pytest.mark.parametrize("given", ["", "sha256=", "0" * 64, "größe\xff"])
def test_its_own_bad_signature_is_not_rescued_by_the_one_it_sends_besides(forge: str, given: str) -> None:
    body = calls.sample(forge, "push")
    headers = {**calls.HEADERS[forge]("push", body), f"x-{forge}-signature": given}

    assert not forges.SPOKEN[forge].authentic(headers, body, SECRET)


@both
def test_a_hook_without_a_secret_sends_empty_signatures_which_are_not_believed(forge: str) -> None:
    body = calls.sample(forge, "push")
    headers = {
        name: "sha256=" if name == "x-hub-signature-256" else "" if "signature" in name else value
        for name, value in calls.HEADERS[forge]("push", body).items()
    }

    assert not forges.SPOKEN[forge].authentic(headers, body, SECRET)
    assert not forges.SPOKEN[forge].authentic(headers, body, b"")


def test_without_its_own_header_the_one_sent_besides_decides() -> None:
    body = calls.sample("gitea", "push")
    good, bad = calls.gitea("push", body), calls.gitea("push", body + b" ")
    for headers in (good, bad):
        del headers["x-gitea-signature"]

    assert gitea.authentic(good, body, SECRET)
    assert forgejo.authentic(good, body, SECRET)
    assert not gitea.authentic(bad, body, SECRET)
    assert not forgejo.authentic(bad, body, SECRET)


def test_sha1_alone_is_not_believed() -> None:
    body = calls.sample("gitea", "push")
    headers = {"x-gitea-event": "push", "x-hub-signature": f"sha1={calls.mac(body, digest='sha1')}"}

    assert not gitea.authentic(headers, body, SECRET)


def test_forgejo_set_for_a_project_hears_gitea_too() -> None:
    body = calls.sample("gitea", "push")
    headers = calls.gitea("push", body)

    (found,) = forgejo.read(headers, body)

    assert forgejo.authentic(headers, body, SECRET)
    assert ("push", CALLS["gitea"]) == (forgejo.event(headers), forgejo.delivery_id(headers, body))
    assert isinstance(found, Trigger)
    assert f"forgejo:{CALLS['gitea']}:refs/heads/main" == found.key

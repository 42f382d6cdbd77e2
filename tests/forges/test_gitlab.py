"""gitlab: what its calls say, and which of them are believed: by a token, or by a signature over id, time and body."""

import base64
import hmac
import json
from typing import Any

import pytest

from ctci.forges import gitlab
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger
from tests.forges import calls
from tests.forges.calls import KEY, NEW, OLD, SECRET, SIGNING, TAG, ZERO

OPTIONS = (
    "ci.skip",
    "ci.variable=LEVEL=full",
    "ci.variable=WHERE=here=there",
    "merge_request.title=Count once",
)
CALL = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"


def read(name: str) -> Trigger | Ignored:
    """The sample's one decision."""
    body = calls.sample("gitlab", name)
    (found,) = gitlab.read(calls.headers("gitlab", name, body), body)
    return found


def told(sample: str = "push", **fields: Any) -> Trigger | Ignored:
    """A sample's decision with some fields replaced."""
    body = json.dumps({**calls.plain("gitlab", sample), **fields}).encode()
    (found,) = gitlab.read(calls.headers("gitlab", sample, body), body)
    return found


def trigger(
    ref: str = "refs/heads/main",
    *,
    before: str | None = OLD,
    after: str = NEW,
    kind: str = "push",
    repository: str = "acme/shop",
    options: tuple[str, ...] = (),
) -> Trigger:
    return Trigger(
        kind=kind,
        key=f"gitlab:{CALL}:{ref}",
        ref=ref,
        before=before,
        after=after,
        repository=repository,
        pusher="ana",
        options=options,
        default_branch="main",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("push", trigger()),
        ("push.subgroup", trigger(repository="acme/web/shop")),
        ("push.truncated", trigger()),
        ("push.new-branch", trigger("refs/heads/feature/cart", before=None)),
        ("push.sha256", trigger(before=None, after="ab" * 32)),
        # What it was is not known, which does not say that it is new.
        ("push.no-before", trigger(before=None)),
        ("push.options", trigger(options=OPTIONS)),
        ("push.old-options", trigger(options=("ci.skip", "ci.only=api"))),
        # "Test" sends what a push of the last three commits would: as a push it is a duplicate, or built.
        ("push.test-of-head", trigger(before="3" * 40)),
        # Another name than the configured one: the desk ignores it, and names both.
        ("push.test-of-empty", trigger(before="1" * 40, after="2" * 40, repository="nobody/made-up")),
        ("tag_push", trigger("refs/tags/v1.2.0", before=None, kind="tag")),
        # The tag's object: prepare peels it.
        ("tag_push.annotated", trigger("refs/tags/v1.3.0", before=None, after=TAG, kind="tag")),
        # The header says no more than that the whole server's hook speaks.
        ("system.push", trigger()),
        ("system.old-server", trigger()),
    ],
)
def test_a_push_is_a_reason_to_work(name: str, expected: Trigger) -> None:
    assert expected == read(name)


@pytest.mark.parametrize(
    ("name", "ref", "reason"),
    [
        ("push.deleted-branch", "refs/heads/feature/cart", "the branch was deleted; nothing to build"),
        ("tag_push.deleted", "refs/tags/v1.2.0", "the tag was deleted; nothing to build"),
    ],
)
def test_a_deletion_forgets_the_ref_and_builds_nothing(name: str, ref: str, reason: str) -> None:
    assert Ignored(reason=reason, ref=ref, pusher="ana", repository="acme/shop", deleted=True) == read(name)


@pytest.mark.parametrize(
    ("name", "repository", "reason"),
    [
        ("note", "acme/shop", "the event note asks for nothing"),
        ("system.repository_update", "acme/shop", "the event repository_update asks for nothing"),
        ("system.key_create", None, "the event key_create asks for nothing"),
    ],
)
def test_another_event_asks_for_nothing(name: str, repository: str | None, reason: str) -> None:
    assert Ignored(reason=reason, repository=repository) == read(name)


def test_the_body_says_what_it_is_before_the_header_does() -> None:
    body = calls.sample("gitlab", "tag_push")

    (found,) = gitlab.read(calls.gitlab("Push Hook", body), body)

    assert trigger("refs/tags/v1.2.0", before=None, kind="tag") == found


def test_a_body_that_says_nothing_is_what_the_header_says() -> None:
    assert trigger() == told(object_kind=None, event_name=None)
    headers = calls.gitlab("Deployment Hook", b"{}")
    assert (Ignored(reason="the event Deployment Hook asks for nothing"),) == gitlab.read(headers, b"{}")


@pytest.mark.parametrize("sha", [NEW, ZERO])
def test_a_push_that_moves_nothing_is_a_test_and_no_deletion(sha: str) -> None:
    found = told(before=sha, after=sha)

    assert isinstance(found, Ignored)
    assert (found.reason, found.deleted) == ("test delivery: the hook works", False)


def test_zeros_of_64_digits_are_zeros() -> None:
    found = told(before="ab" * 32, after="0" * 64)

    assert isinstance(found, Ignored)
    assert found.deleted


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ci": {"skip": 1}}, ("ci.skip",)),
        ({"ci": {"wait": True, "only": "api:test"}}, ("ci.wait", "ci.only=api:test")),
        ({"ci": {"variable": {}}}, ()),
        ({"ci": {"skip": None, "x": [], "y": 1.5}}, ()),
        ({"ci": "skip"}, ()),
        ({"ci": {"variable": {"\ud800": 1}}}, ()),
        (["ci.skip", 7, None, "", "\ud800"], ("ci.skip",)),
        ("ci.skip", ()),
        (None, ()),
    ],
)
def test_push_options_are_told_as_they_were_given(options: Any, expected: tuple[str, ...]) -> None:
    found = told(push_options=options)

    assert isinstance(found, Trigger)
    assert expected == found.options


@pytest.mark.parametrize("options", [["ci.skip"] * 60, {"ci": {"variable": {f"A{n}=1": 1 for n in range(60)}}}])
def test_only_so_many_push_options_are_kept(options: Any) -> None:
    found = told(push_options=options)

    assert isinstance(found, Trigger)
    assert len(found.options) == gitlab.MOST_OPTIONS


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"ref": "main"}, "`ref` is not the name of a ref"),
        ({"after": None}, "`after` is not an object id"),
        ({"after": NEW[:12]}, "`after` is not an object id"),
        ({"before": 7}, "`before` is not an object id"),
        ({"project": None}, "`project.path_with_namespace` is missing"),
        ({"project": {"path_with_namespace": 7}}, "`project.path_with_namespace` is not the name of a repository"),
    ],
)
def test_a_push_that_cannot_be_one_is_refused_in_words(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(BadPayload) as refused:
        told(**fields)

    assert why == str(refused.value)


def test_a_call_without_an_event_is_refused_in_words() -> None:
    with pytest.raises(BadPayload, match="there is no X-Gitlab-Event header"):
        gitlab.read({}, b"{}")


def test_the_pusher_is_the_login_or_else_the_name() -> None:
    assert told(user_username=None).pusher == "Ana Größe"
    assert told(user_username=[], user_name="").pusher is None


def test_a_resent_call_is_known_by_its_own_id_and_never_by_the_one_that_many_share() -> None:
    headers = calls.gitlab("Push Hook", b"{}")
    signed = {**headers, "webhook-id": "msg-1"}
    old = {name: value for name, value in headers.items() if name != "idempotency-key"}

    found = [gitlab.delivery_id(each, b"{}") for each in (headers, signed, old)]

    assert [CALL, "msg-1", calls.digest(b"{}")] == found


# --- who is believed: the token --------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [SECRET, b"x", "größe & söhne".encode(), "naïve\u00a0".encode(), b"x" * 5000])
def test_the_token_is_compared_byte_by_byte(secret: bytes) -> None:
    sent = secret.decode("latin-1")

    assert gitlab.authentic({"x-gitlab-token": sent}, b"{}", secret)
    assert gitlab.authentic({"x-gitlab-token": f" {sent}\t"}, b"{}", secret)
    assert not gitlab.authentic({"x-gitlab-token": sent}, b"{}", secret + b"x")


@pytest.mark.parametrize(
    "given",
    [
        "",
        SECRET.decode()[:-1],
        SECRET.decode() + "x",
        SECRET.decode().upper(),
        # It came twice.
        f"{SECRET.decode()},{SECRET.decode()}",
        "größe\xff",
        "\u20ac\ud800",
        "\0",
        "x" * 100_000,
    ],
)
def test_another_token_is_not_believed_and_raises_nothing(given: str) -> None:
    headers = {**calls.gitlab("Push Hook", b"{}"), "x-gitlab-token": given}

    assert not gitlab.authentic(headers, b"{}", SECRET)


def test_without_a_token_or_without_a_secret_nothing_is_believed() -> None:
    assert not gitlab.authentic({}, b"{}", SECRET)
    assert not gitlab.authentic({}, b"{}", b"")
    assert not gitlab.authentic({"x-gitlab-token": ""}, b"{}", b"")


# --- who is believed: the signature of 19.0 --------------------------------------------------------------------------


def test_a_vector_made_by_another_tool_is_believed() -> None:
    # openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f -binary | base64
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": "1795600857",
        "webhook-signature": "v1,xwJ7ENwera/m+tfpRKJQ3lRAPpxqQD0Cvl6rPoeBoYo=",
    }

    assert gitlab.authentic(headers, '{"name": "Größe"}'.encode(), SIGNING)


def test_id_time_and_body_are_signed() -> None:
    body = calls.sample("gitlab", "push")
    headers = calls.gitlab_signed("Push Hook", body)

    assert gitlab.authentic(headers, body, SIGNING)
    assert not gitlab.authentic(headers, body + b" ", SIGNING)
    assert not gitlab.authentic({**headers, "webhook-id": "msg-2"}, body, SIGNING)
    assert not gitlab.authentic({**headers, "webhook-timestamp": "1795600858"}, body, SIGNING)
    assert not gitlab.authentic(headers, body, b"whsec_" + base64.b64encode(KEY[1:]))


def test_one_good_signature_of_several_is_enough() -> None:
    headers = calls.gitlab_signed("Push Hook", b"{}")
    good = headers["webhook-signature"]

    for given in (f"v1,{'A' * 43}= {good}", f"{good} v2,x", f"v1a,AAAA  {good} "):
        assert gitlab.authentic({**headers, "webhook-signature": given}, b"{}", SIGNING)


def test_only_so_many_signatures_are_looked_at() -> None:
    headers = calls.gitlab_signed("Push Hook", b"{}")
    given = "v1,x " * gitlab.MOST_SIGNATURES + headers["webhook-signature"]

    assert not gitlab.authentic({**headers, "webhook-signature": given}, b"{}", SIGNING)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_without_one_of_its_headers_a_call_is_not_believed(name: str) -> None:
    headers = calls.gitlab_signed("Push Hook", b"{}")

    assert not gitlab.authentic({**headers, name: ""}, b"{}", SIGNING)
    del headers[name]
    assert not gitlab.authentic(headers, b"{}", SIGNING)


@pytest.mark.parametrize(
    "change",
    [
        "",
        "v1,",
        "{value}",
        "v2,{value}",
        "V1,{value}",
        "v1={value}",
        "v1,{lower}",
        # It came twice, joined by a comma.
        "v1,{value},v1,{value}",
        "größe\xff",
        "\u20ac\ud800",
        "v1," + "A" * 100_000,
    ],
)
def test_another_signature_is_not_believed_and_raises_nothing(change: str) -> None:
    headers = calls.gitlab_signed("Push Hook", b"{}")
    value = headers["webhook-signature"].removeprefix("v1,")
    headers["webhook-signature"] = change.format(value=value, lower=value.lower())

    assert not gitlab.authentic(headers, b"{}", SIGNING)


@pytest.mark.parametrize("at", ["", "soon", "-5", "1e9", "1795600857.0", "٣٤", "9" * 13])
def test_a_time_that_is_none_is_not_believed_though_it_is_signed(at: str) -> None:
    signature = hmac.new(KEY, f"msg-1.{at}.{{}}".encode(), "sha256").digest()
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }

    assert not gitlab.authentic(headers, b"{}", SIGNING)


def test_the_same_bytes_are_not_cut_into_another_id_time_and_body() -> None:
    body = b"7.{}"
    headers = calls.gitlab_signed("Push Hook", body, call="msg", at="5")
    shifted = {**headers, "webhook-id": "msg.5", "webhook-timestamp": "7"}

    assert gitlab.authentic(headers, body, SIGNING)
    assert not gitlab.authentic(shifted, b"{}", SIGNING)


@pytest.mark.parametrize("secret", [b"whsec_", b"whsec_*", b"whsec_AAA", "whsec_größe".encode()])
def test_a_signing_key_that_is_none_believes_nothing_not_even_as_a_token(secret: bytes) -> None:
    headers = calls.gitlab_signed("Push Hook", b"{}") | {"x-gitlab-token": secret.decode("latin-1")}

    assert not gitlab.authentic(headers, b"{}", secret)


def test_token_and_signature_do_not_rescue_each_other() -> None:
    signed = calls.gitlab_signed("Push Hook", b"{}")
    bad = {**signed, "webhook-signature": "v1,AAAA", "x-gitlab-token": SIGNING.decode()}

    assert not gitlab.authentic(bad, b"{}", SIGNING)
    assert not gitlab.authentic({**signed, "x-gitlab-token": "another"}, b"{}", SECRET)

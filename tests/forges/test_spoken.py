"""How each forge speaks: what every event becomes, and which bytes a signature must cover."""

import base64
import hashlib
import hmac
import json
import os
import urllib.parse
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctci import forges
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored, Trigger

SECRET = "schlüssel".encode()
ZERO, ONE, TWO = "0" * 40, "1" * 40, "2" * 40
FORGES = ("github", "gitea", "forgejo")


def push(**fields: Any) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main",
        "before": ONE,
        "after": TWO,
        "commits": [{"id": TWO, "message": "Use floats", "added": None, "removed": None, "modified": ["cart.py"]}],
        "head_commit": {"id": TWO},
        "repository": {"full_name": "acme/shop", "default_branch": "trunk"},
        "pusher": {"name": "ana", "login": "ana", "email": "ana@example.org"},
        "sender": {"login": "ana"},
        **fields,
    }


def headers(forge: str, event: str, body: bytes, *, kind: str = "application/json") -> dict[str, str]:
    mac = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    found = {"content-type": kind, "x-github-event": event, "x-github-delivery": "g-1"}
    if forge == "github":
        return {**found, "x-hub-signature-256": f"sha256={mac}", "x-hub-signature": "sha1=" + "0" * 40}
    found |= {"x-gitea-event": event, "x-gitea-delivery": "d-1", "x-gitea-signature": mac, "x-gogs-event": event}
    if forge == "forgejo":
        found |= {"x-forgejo-event": event, "x-forgejo-delivery": "f-1", "x-forgejo-signature": mac}
    return found


def told(forge: str, event: str, plain: Mapping[str, Any]) -> Trigger | Ignored:
    body = json.dumps(plain).encode()
    (item,) = forges.SPOKEN[forge].read(headers(forge, event, body), body)
    return item


@pytest.mark.parametrize("forge", FORGES)
@pytest.mark.parametrize(
    ("fields", "kind", "before"),
    [
        ({}, "push", ONE),
        ({"before": ZERO, "commits": []}, "push", None),
        ({"before": None}, "push", None),
        ({"ref": "refs/tags/v1", "before": ZERO, "commits": []}, "tag", None),
        ({"ref": "refs/heads/refs/heads/x"}, "push", ONE),
        ({"ref": "refs/heads/a;b$(id)'\""}, "push", ONE),
        ({"before": "1" * 64, "after": "2" * 64}, "push", "1" * 64),
        ({"after": TWO.upper()}, "push", ONE),
        ({"head_commit": None, "commits": None}, "push", ONE),
    ],
)
def test_a_push_is_a_trigger(forge: str, fields: dict[str, Any], kind: str, before: str | None) -> None:
    plain = push(**fields)

    item = told(forge, "push", plain)

    assert isinstance(item, Trigger)
    assert (item.kind, item.ref, item.before, item.after) == (kind, plain["ref"], before, plain["after"].lower())
    assert (item.repository, item.pusher, item.default_branch) == ("acme/shop", "ana", "trunk")


@pytest.mark.parametrize("forge", FORGES)
@pytest.mark.parametrize(
    ("event", "fields", "reason"),
    [
        ("push", {"before": ZERO, "after": ZERO}, "test delivery: the hook works"),
        ("push", {"before": TWO, "after": TWO}, "test delivery: the hook works"),
        ("push", {"after": ZERO, "head_commit": None}, "the branch was deleted; nothing to build"),
        (
            "push",
            {"ref": "refs/tags/v1", "after": "0" * 64, "before": "1" * 64},
            "the tag was deleted; nothing to build",
        ),
        ("push", {"ref": "refs/notes/commits"}, "refs/notes/commits is neither a branch nor a tag"),
        ("pull_request", {}, "pull requests are not built; their branches are, when pushed"),
        ("create", {"ref": "x", "ref_type": "branch"}, "a push event comes with it"),
        ("issues", {}, "the event issues is not built"),
    ],
)
def test_what_is_not_built_says_why(forge: str, event: str, fields: dict[str, Any], reason: str) -> None:
    item = told(forge, event, push(**fields))

    assert isinstance(item, Ignored)
    assert item.reason == reason


def test_github_s_ping_is_connected() -> None:
    item = told("github", "ping", {"zen": "Keep it simple.", "hook_id": 1, "hook": {}})

    assert item == Ignored(reason="ping: connected")


@pytest.mark.parametrize("forge", ["gitea", "forgejo"])
@pytest.mark.parametrize(
    ("name", "kind", "ref"),
    [("x", "branch", "refs/heads/x"), ("refs/heads/x", "branch", "refs/heads/x"), ("v1", "tag", "refs/tags/v1")],
)
def test_a_deletion_that_only_a_delete_event_tells_is_known(forge: str, name: str, kind: str, ref: str) -> None:
    item = told(forge, "delete", {**push(), "ref": name, "ref_type": kind})

    assert isinstance(item, Ignored)
    assert (item.ref, item.deleted) == (ref, True)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (("x-github-event",), "github"),
        (("x-github-event", "x-gogs-event"), None),
        (("x-github-event", "x-gogs-event", "x-gitea-event"), "gitea"),
        (("x-github-event", "x-gogs-event", "x-gitea-event", "x-forgejo-event"), "forgejo"),
        (("x-ctci-event",), "post_receive"),
        ((), None),
    ],
)
def test_who_speaks_is_told_by_the_most_particular_header(named: tuple[str, ...], expected: str | None) -> None:
    assert forges.detect(dict.fromkeys(named, "push")) == expected


@pytest.mark.parametrize("forge", FORGES)
def test_only_these_very_bytes_are_signed(forge: str) -> None:
    body = json.dumps(push()).encode()
    good = headers(forge, "push", body)

    spoken = forges.SPOKEN[forge]

    assert spoken.authentic(good, body, SECRET)
    assert not spoken.authentic(good, json.dumps(json.loads(body), indent=1).encode(), SECRET)
    assert not spoken.authentic(good, body, b"another")
    assert not spoken.authentic(good, body, b"")


@pytest.mark.parametrize("forge", FORGES)
@pytest.mark.parametrize("given", ["", "sha256=", "0" * 64, "é" * 64, "sha256=é", " "])
def test_a_signature_that_is_none_is_never_authentic(forge: str, given: str) -> None:
    body = json.dumps(push()).encode()
    found = {name: given if "signature" in name else each for name, each in headers(forge, "push", body).items()}

    assert not forges.SPOKEN[forge].authentic(found, body, SECRET)


def test_a_good_sha1_never_rescues() -> None:
    body = b"{}"
    sha1 = hmac.new(SECRET, body, hashlib.sha1).hexdigest()

    found = {"x-github-event": "push", "x-hub-signature": f"sha1={sha1}", "x-hub-signature-256": "sha256=" + "0" * 64}

    assert not forges.SPOKEN["github"].authentic(found, body, SECRET)


@pytest.mark.parametrize("forge", FORGES)
def test_a_form_is_signed_as_its_forge_signs_it(forge: str) -> None:
    text = json.dumps(push(), ensure_ascii=False).encode()
    body = b"payload=" + urllib.parse.quote_plus(text).encode()
    signed = body if forge == "github" else text
    kind = "application/x-www-form-urlencoded"
    good = headers(forge, "push", signed, kind=kind)

    spoken = forges.SPOKEN[forge]

    assert spoken.authentic(good, body, SECRET)
    assert not spoken.authentic(headers(forge, "push", text if forge == "github" else body, kind=kind), body, SECRET)
    assert isinstance(spoken.read(good, body)[0], Trigger)


def test_a_hook_s_lines_are_each_decided() -> None:
    lines = f"{ZERO} {ONE} refs/heads/new\n{ONE} {ZERO} refs/heads/old\n{ONE} {TWO} refs/notes/x\n".encode()
    found = {
        "x-ctci-event": "post-receive",
        "x-ctci-delivery": "u-1",
        "x-ctci-pusher": "ana",
        "x-ctci-option": ",".join(base64.b64encode(each).decode() for each in (b"ci.skip", b"a,b")),
    }

    first, second, third = forges.SPOKEN["post_receive"].read(
        found, lines + b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/a"
    )[:3]

    assert isinstance(first, Trigger)
    assert (first.key, first.before, first.options) == ("hook:u-1:refs/heads/new", None, ("ci.skip", "a,b"))
    assert isinstance(second, Ignored)
    assert second.deleted
    assert isinstance(third, Ignored)


@pytest.mark.parametrize(
    ("address", "name", "expected"),
    [
        ("https://git.example.org/acme/shop.git", "acme/shop", True),
        ("https://git.example.org/acme/shop", "Acme/Shop", True),
        ("git@git.example.org:acme/shop.git", "acme/shop", True),
        ("/srv/git/acme/shop.git", "acme/shop", True),
        ("https://git.example.org/evilacme/shop.git", "acme/shop", False),
        ("https://git.example.org/acme/shop.git", "acme/shop2", False),
        ("https://git.example.org/acme/shop.git", "", False),
    ],
)
def test_a_name_is_held_against_the_end_of_the_address(address: str, name: str, expected: bool) -> None:
    assert forges.same_repository(address, name) is expected


@settings(max_examples=int(os.environ.get("CTCI_FUZZ", "2000")), deadline=None, database=None)
@given(
    forge=st.sampled_from([*FORGES, "post_receive"]),
    event=st.sampled_from(["push", "delete", "ping", "post-receive", ""]),
    fields=st.dictionaries(
        st.sampled_from([*push(), "ref_type"]),
        st.sampled_from([None, True, -1, 10**40, 1.5, "", "x", "\ud800", "\0", ZERO, TWO, [], {}, [{}], {"login": 7}]),
        max_size=3,
    ),
    cut=st.tuples(st.integers(0, 500), st.binary(max_size=6), st.integers(0, 6)),
    form=st.booleans(),
)
def test_whatever_comes_is_read_or_refused_in_words(
    forge: str, event: str, fields: dict[str, Any], cut: tuple[int, bytes, int], form: bool
) -> None:
    raw = json.dumps({**push(), **fields}).encode()
    at, put, skip = cut
    raw = raw[:at] + put + raw[at + skip :]
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    found = {**headers(forge, event, raw, kind=kind), "x-ctci-event": event}

    items: tuple[Trigger | Ignored, ...] | str
    try:
        items = forges.SPOKEN[forge].read(found, b"payload=" + raw if form else raw)
    except BadPayload as refusal:
        items = str(refusal)

    assert items
    assert isinstance(items, str) or all(isinstance(item, Trigger | Ignored) for item in items)

"""forges: who speaks, and whether a call is about the configured repository."""

import pytest

from ctci import forges
from tests.forges import calls


@pytest.mark.parametrize("forge", sorted(calls.HEADERS))
def test_a_forge_is_known_by_its_own_headers_though_it_sends_those_of_others(forge: str) -> None:
    headers = calls.HEADERS[forge]("push", b"{}")

    assert forge == forges.detect(headers)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ctci-event": "post-receive"}, "post_receive"),
        ({"x-webhook-event": "GIT_POST_RECEIVE"}, None),
        ({"x-github-event": ""}, None),
        ({}, None),
    ],
)
def test_the_hook_is_known_and_a_forge_that_is_not_spoken_is_not_guessed(
    headers: dict[str, str], expected: str | None
) -> None:
    assert expected == forges.detect(headers)


def test_every_forge_that_is_detected_is_spoken() -> None:
    assert {*calls.HEADERS, "post_receive"} == set(forges.SPOKEN)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-event-key": "repo:push", "x-request-uuid": "a"}, "bitbucket"),
        # A proxy names every call.
        ({"x-event-key": "repo:push", "x-hook-uuid": "a", "x-request-id": "b"}, "bitbucket"),
        ({"x-event-key": "repo:modified", "x-request-id": "b"}, "bitbucket-dc"),
        # Without any id the event tells.
        ({"x-event-key": "repo:refs_changed"}, "bitbucket-dc"),
        ({"x-event-key": "diagnostics:ping"}, "bitbucket-dc"),
        ({"x-event-key": "mirror:repo_synchronized"}, "bitbucket-dc"),
        ({"x-event-key": "pr:opened"}, "bitbucket-dc"),
        ({"x-event-key": "repo:push"}, "bitbucket"),
        ({"x-event-key": "pullrequest:created"}, "bitbucket"),
        ({"x-event-key": "", "x-request-id": "b"}, None),
        # Each forge that sends the names of others is asked for before them.
        ({"x-gogs-event": "push", "x-github-event": "push"}, "gogs"),
        ({"x-github-event": "push", "x-gitlab-event": "Push Hook"}, "github"),
        ({"x-gitlab-event": "Push Hook", "x-event-key": "repo:push"}, "gitlab"),
    ],
)
def test_the_order_of_detection_is_the_documented_one(headers: dict[str, str], expected: str | None) -> None:
    assert expected == forges.detect(headers)


@pytest.mark.parametrize(
    ("forge", "at", "expected"),
    [
        ("gitlab", "1000000", False),
        ("gitlab", "999700", False),
        ("gitlab", "1000300", False),
        ("gitlab", "999699", True),
        ("gitlab", "1000301", True),
        # No time is told.
        ("gitlab", "", False),
        ("gitlab", "1e9", False),
        ("gitlab", "٣٤", False),
        ("github", "1", False),
    ],
)
def test_a_call_signed_long_ago_or_in_the_future_is_out_of_time(forge: str, at: str, expected: bool) -> None:
    assert expected == forges.out_of_time(forge, {"webhook-timestamp": at}, 1_000_000.0)


@pytest.mark.parametrize(
    ("forge", "headers", "body", "expected"),
    [
        ("bitbucket-dc", {"x-event-key": "diagnostics:ping"}, b'{"test": true}', True),
        ("bitbucket-dc", {"x-event-key": "diagnostics:ping"}, b'{"test":true}\n', True),
        # With a signature it is believed or refused like any call.
        ("bitbucket-dc", {"x-event-key": "diagnostics:ping", "x-hub-signature": "sha256=00"}, b'{"test":true}', False),
        ("bitbucket-dc", {"x-event-key": "diagnostics:ping"}, b'{"test": true, "changes": []}', False),
        ("bitbucket-dc", {"x-event-key": "diagnostics:ping"}, b"[" * 90, False),
        ("bitbucket-dc", {"x-event-key": "diagnostics:ping"}, b"\xff", False),
        ("bitbucket-dc", {"x-event-key": "repo:refs_changed"}, b'{"test": true}', False),
        ("bitbucket", {"x-event-key": "diagnostics:ping"}, b'{"test": true}', False),
        ("github", {"x-github-event": "ping"}, b'{"test": true}', False),
    ],
)
def test_one_test_alone_comes_unsigned_and_it_is_told_by_all_of_its_body(
    forge: str, headers: dict[str, str], body: bytes, expected: bool
) -> None:
    assert expected == forges.unsigned_test(forge, headers, body)


@pytest.mark.parametrize(
    ("address", "full_name"),
    [
        ("https://github.example.org/acme/shop.git", "acme/shop"),
        ("https://github.example.org/acme/shop/", "acme/shop"),
        ("https://ana:secret@example.org/git/Acme/Shop.GIT", "acme/shop"),
        ("ssh://git@example.org:2222/acme/shop.git", "Acme/Shop"),
        ("git@example.org:acme/shop.git", "acme/shop"),
        ("/srv/git/acme/shop.git", "acme/shop"),
        ("/srv/git/acme/shop/.git", "acme/shop"),
        ("file:///srv/git/acme/shop.git", "acme/shop"),
        ("acme/shop", "acme/shop.git"),
        ("https://example.org/größe/shop.git", "Größe/shop"),
    ],
)
def test_a_name_at_the_end_of_the_configured_path_is_the_same_repository(address: str, full_name: str) -> None:
    assert forges.same_repository(address, full_name)


@pytest.mark.parametrize(
    ("address", "full_name"),
    [
        ("https://example.org/acme/shop.git", "evil/shop"),
        ("https://example.org/acme/shop.git", "acme/shop2"),
        # Not at a boundary of the path.
        ("https://example.org/bigacme/shop.git", "acme/shop"),
        ("git@example.org:bigacme/shop.git", "acme/shop"),
        # The host is no part of the path.
        ("https://example.org/shop.git", "example.org/shop"),
        ("https://acme/shop.git", "acme/shop"),
        ("https://example.org/acme/shop.git", "https://example.org/acme/shop"),
        ("https://example.org/acme/shop/more.git", "acme/shop"),
        ("https://example.org", "example.org"),
        ("/srv/git/acme/shop.git", ""),
        ("/srv/git/acme/shop.git", "/"),
        ("/srv/git/acme/shop.git", ".git"),
        ("", ""),
    ],
)
def test_any_other_name_is_another_repository(address: str, full_name: str) -> None:
    assert not forges.same_repository(address, full_name)

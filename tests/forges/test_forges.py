"""forges: who speaks, and whether a call is about the configured repository."""

import pytest

from ctci import forges
from tests.forges import calls


@pytest.mark.parametrize("forge", ["github", "gitea", "forgejo"])
def test_a_forge_is_known_by_its_own_headers_though_it_sends_those_of_others(forge: str) -> None:
    headers = calls.HEADERS[forge]("push", b"{}")

    assert forge == forges.detect(headers)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ctci-event": "post-receive"}, "post_receive"),
        ({"x-gogs-event": "push", "x-github-event": "push"}, None),
        ({"x-gitlab-event": "Push Hook"}, None),
        ({"x-github-event": ""}, None),
        ({}, None),
    ],
)
def test_the_hook_is_known_and_a_forge_that_is_not_spoken_is_not_guessed(
    headers: dict[str, str], expected: str | None
) -> None:
    assert expected == forges.detect(headers)


def test_every_forge_that_is_detected_is_spoken() -> None:
    assert {"github", "gitea", "forgejo", "post_receive"} == set(forges.SPOKEN)


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

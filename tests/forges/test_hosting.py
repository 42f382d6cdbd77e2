"""Where a repository is hosted, of its address."""

from pathlib import Path

import pytest

from ctci.config import keys
from ctci.forges import hosting


@pytest.mark.parametrize(
    ("host", "forge"),
    [
        ("github.com", "github"),
        ("codeberg.org", "forgejo"),
        ("Gitea.example.org", "gitea"),
        ("gitlab.com", "gitlab"),
        ("gitlab.example.org", "gitlab"),
        ("gogs.example.org", "gogs"),
        ("bitbucket.org", "bitbucket"),
        ("bitbucket.example.org", "bitbucket-dc"),
        ("git.example.org", None),
        ("notgithub.com", None),
    ],
)
def test_a_forge_is_known_by_the_name_of_its_host(host: str, forge: str | None) -> None:
    assert forge == hosting.forge_of(host)


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://host/scm/acme/shop.git", "https://host/plugins/servlet/webhooks/projects/acme/repos/shop"),
        ("https://host/git/scm/acme/shop.git", "https://host/git/plugins/servlet/webhooks/projects/acme/repos/shop"),
        ("http://host:7990/scm/~ana/x.git", "http://host:7990/plugins/servlet/webhooks/projects/~ana/repos/x"),
        ("ssh://git@host:7999/acme/shop.git", "https://host/plugins/servlet/webhooks/projects/acme/repos/shop"),
        ("https://host/some/where/else/shop.git", "https://host/some/where/else/shop, Repository settings, Webhooks"),
    ],
)
def test_data_center_has_its_webhooks_on_a_page_of_its_own(address: str, page: str) -> None:
    place = hosting.place(address)

    assert place is not None
    assert page == hosting.webhooks("bitbucket-dc", place)[0]


@pytest.mark.parametrize(
    ("address", "git", "origin"),
    [
        ("https://token@host/a/b.git", "https://host/a/b.git", "https://host"),
        ("http://me@host:3000/a/b.git", "http://host:3000/a/b.git", "http://host:3000"),
        ("https://[::1]:3000/a/b.git", "https://[::1]:3000/a/b.git", "https://[::1]:3000"),
        ("git@host:a/b.git", "git@host:a/b.git", "https://host"),
        ("ssh://git@host:2222/a/b.git", "ssh://git@host:2222/a/b.git", "https://host"),
        ("git://host:9418/a/b.git", "git://host:9418/a/b.git", "https://host"),
    ],
)
def test_an_address_tells_what_to_fetch_and_where_a_browser_looks(address: str, git: str, origin: str) -> None:
    place = hosting.place(address)

    assert place is not None
    assert (place.git, place.origin, place.path) == (git, origin, "a/b")
    assert place.without_user == (git != address)


@pytest.mark.parametrize("address", ["/srv/git/shop.git", "https://host", "https://host/", "-oProxy=x:y", "shop"])
def test_what_names_no_machine_or_no_repository_is_no_place(address: str) -> None:
    assert hosting.place(address) is None


def test_every_forge_that_sends_webhooks_has_a_page_for_them() -> None:
    assert set(hosting.PAGES) == set(keys.FORGES) - {"none"}


def test_gogs_is_told_to_send_what_its_guide_says() -> None:
    guide = (Path(__file__).parents[2] / "docs/forges/gogs.md").read_text(encoding="utf-8")

    _, how = hosting.PAGES["gogs"]

    assert "*Push*, *Create* and *Delete*" in guide
    assert how.endswith("push, create and delete")

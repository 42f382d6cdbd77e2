"""Pull requests of every forge: believed like any call, and never built; their branches are, when pushed here."""

import json
from typing import Any

import pytest

from ctci import forges
from ctci.forges.delivery import BadPayload
from ctci.model import Ignored
from tests.forges import calls

#: Each forge's samples, its name of the repository and of a fork.
FORGES = [
    ("github", "pull_request", "acme/shop", "somebody/shop"),
    ("gitea", "pull_request", "acme/shop", "somebody/shop"),
    ("forgejo", "pull_request", "acme/shop", "somebody/shop"),
    ("gogs", "pull_request", "acme/shop", "somebody/shop"),
    ("gitlab", "merge_request", "acme/shop", "somebody/shop"),
    ("bitbucket", "pullrequest", "acme/shop", "somebody/shop"),
    ("bitbucket-dc", "pr", "SHOP/shop", "~SOMEBODY/shop"),
]
#: Where each forge tells the branch, the repository it lies in, and the number.
PLACES = {
    "github": ("pull_request.head.ref", "pull_request.head.repo.full_name", "number"),
    "gitea": ("pull_request.head.ref", "pull_request.head.repo.full_name", "number"),
    "forgejo": ("pull_request.head.ref", "pull_request.head.repo.full_name", "number"),
    "gogs": ("pull_request.head_branch", "pull_request.head_repo.full_name", "number"),
    "gitlab": (
        "object_attributes.source_branch",
        "object_attributes.source.path_with_namespace",
        "object_attributes.iid",
    ),
    "bitbucket": (
        "pullrequest.source.branch.name",
        "pullrequest.source.repository.full_name",
        "pullrequest.id",
    ),
    "bitbucket-dc": ("pullRequest.fromRef.id", "pullRequest.fromRef.repository.slug", "pullRequest.id"),
}
every = pytest.mark.parametrize(("forge", "sample", "repository", "fork"), FORGES, ids=[each[0] for each in FORGES])
GONE = "pull request 12: its branch is gone or in a fork, never built"


def read(forge: str, name: str, body: bytes | None = None) -> Ignored:
    """The sample's one decision, or that of another body of its kind."""
    body = calls.sample(forge, name) if body is None else body
    (found,) = forges.SPOKEN[forge].read(calls.headers(forge, name, body), body)
    assert isinstance(found, Ignored)
    return found


def told(forge: str, sample: str, place: str, value: Any) -> Ignored:
    """The sample's decision with the value at one place replaced."""
    plain = inner = calls.plain(forge, sample)
    *way, last = place.split(".")
    for name in way:
        inner = inner[name]
    inner[last] = value
    return read(forge, sample, json.dumps(plain).encode())


def branch(forge: str, name: str) -> str:
    """A branch as the forge names it there."""
    return f"refs/heads/{name}" if forge == "bitbucket-dc" else name


@every
def test_of_a_branch_of_the_repository_the_push_is_built(forge: str, sample: str, repository: str, fork: str) -> None:
    del fork
    reason = "pull request 12: built as the push of feature/cart"

    assert Ignored(reason=reason, ref="refs/heads/feature/cart", repository=repository) == read(forge, sample)


@every
def test_what_comes_from_a_fork_is_never_built(forge: str, sample: str, repository: str, fork: str) -> None:
    reason = f"pull request 12: from a fork of {fork}, never built"

    assert Ignored(reason=reason, repository=repository) == read(forge, f"{sample}.fork")


@pytest.mark.parametrize(
    ("forge", "name"),
    [
        *((forge, f"{sample}.gone") for forge, sample, _, _ in FORGES if forge != "bitbucket-dc"),
        # Gitea's review of commits that are on no branch.
        ("gitea", "pull_request.no-branch"),
        ("forgejo", "pull_request.no-branch"),
    ],
)
def test_a_branch_that_is_not_there_is_never_built(forge: str, name: str) -> None:
    assert Ignored(reason=GONE, repository="acme/shop") == read(forge, name)


def test_data_center_without_a_source_is_never_built() -> None:
    found = told("bitbucket-dc", "pr", "pullRequest.fromRef.repository", None)

    assert Ignored(reason=GONE, repository="SHOP/shop") == found


@every
def test_case_does_not_make_a_fork(forge: str, sample: str, repository: str, fork: str) -> None:
    del fork
    place = PLACES[forge][1]
    name = "SHOP" if place.endswith("slug") else repository.upper()

    assert told(forge, sample, place, name).ref == "refs/heads/feature/cart"


@every
@pytest.mark.parametrize("name", ["a b", "a..b", "", "x\x00y", "\ud800", "x" * 20_000, None, 7, ["main"]])
def test_a_branch_that_cannot_be_one_is_refused_in_words(
    forge: str, sample: str, repository: str, fork: str, name: Any
) -> None:
    del repository, fork
    place = PLACES[forge][0]

    with pytest.raises(BadPayload, match=f"`{place.rpartition('.')[2]}` is not the name of a ref"):
        told(forge, sample, place, branch(forge, name) if isinstance(name, str) else name)


@every
def test_a_hostile_branch_is_one_line_and_keeps_its_name(forge: str, sample: str, repository: str, fork: str) -> None:
    del repository, fork
    name = "--upload-pack=touch${IFS}x;`id`\u202egnp<b>"

    found = told(forge, sample, PLACES[forge][0], branch(forge, name))

    assert f"refs/heads/{name}" == found.ref
    assert found.reason == "pull request 12: built as the push of --upload-pack=touch${IFS}x;`id` gnp<b>"


@every
def test_a_branch_longer_than_any_disk_takes_is_ignored(forge: str, sample: str, repository: str, fork: str) -> None:
    del repository, fork
    found = told(forge, sample, PLACES[forge][0], branch(forge, "x" * 1100))

    assert found.ref is None
    assert found.reason.endswith("has more than 1024 bytes, which is not built")


@every
@pytest.mark.parametrize("number", [True, 0, -1, 1.5, "12", [], 10**400])
def test_a_pull_request_without_a_number_is_refused_in_words(
    forge: str, sample: str, repository: str, fork: str, number: Any
) -> None:
    del repository, fork

    with pytest.raises(BadPayload, match="the pull request has no number"):
        told(forge, sample, PLACES[forge][2], number)


@every
@pytest.mark.parametrize("name", [7, "", "a\nb", "\ud800"])
def test_a_source_that_cannot_be_a_repository_is_refused_in_words(
    forge: str, sample: str, repository: str, fork: str, name: Any
) -> None:
    del repository, fork
    place = PLACES[forge][1]

    with pytest.raises(BadPayload) as refused:
        told(forge, sample, place, name)

    assert f"`{place}` is not the name of a repository" == str(refused.value)


@pytest.mark.parametrize("forge", ["github", "gitea", "forgejo", "gogs"])
def test_a_review_is_about_its_pull_request(forge: str) -> None:
    plain = calls.plain(forge, "pull_request")
    del plain["number"]
    body = json.dumps(plain).encode()

    (found,) = forges.SPOKEN[forge].read(calls.HEADERS[forge]("pull_request_review", body), body)

    assert found.ref == "refs/heads/feature/cart"


@pytest.mark.parametrize("forge", ["github", "gitea", "forgejo", "gogs"])
def test_a_comment_that_brings_no_pull_request_asks_for_nothing(forge: str) -> None:
    headers = calls.HEADERS[forge]("pull_request_comment", b"{}")

    expected = Ignored(reason="the event pull_request_comment asks for nothing")
    assert (expected,) == forges.SPOKEN[forge].read(headers, b"{}")


@pytest.mark.parametrize(
    ("forge", "sample", "event"),
    [
        ("bitbucket", "pullrequest", "pullrequest:fulfilled"),
        ("bitbucket", "pullrequest", "pullrequest:comment_created"),
        ("bitbucket-dc", "pr", "pr:opened"),
        ("bitbucket-dc", "pr", "pr:reviewer:approved"),
    ],
)
def test_every_event_of_a_pull_request_is_answered_alike(forge: str, sample: str, event: str) -> None:
    body = calls.sample(forge, sample)

    (found,) = forges.SPOKEN[forge].read(calls.HEADERS[forge](event, body), body)

    assert read(forge, sample) == found

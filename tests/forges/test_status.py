"""What a forge is to be told, to which address, under which secret; and what its answer means, whatever it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci import forges
from ctci.config import keys
from ctci.forges import status
from ctci.model import Answer, Request, Say, Status

SHA = "9a3e7f60c2d4b8157f0e6a4c3d2b1f0e9d8c7b6a"
#: Mon, 30 Nov 2026 03:00:00 GMT
NOW = 1_796_007_600_000


def said(**fields: Any) -> Say:
    defaults: dict[str, Any] = {
        "sha": SHA,
        "ref": "refs/heads/main",
        "context": "ctci/api:test",
        "state": Status.FAILED,
        "description": "broke: exit 2 · 12s",
        "target_url": "https://ci.example.org/runs/1482/api/test#L214",
    }
    return Say(**{**defaults, **fields})


def request(forge: str, address: str, **fields: Any) -> Request:
    found = forges.statuses(forge, address)
    assert found is not None
    return found[0].status_request(found[1], said(**fields))


def answer(forge: str, code: int, headers: dict[str, str], body: bytes) -> Answer:
    found = forges.statuses(forge, "https://git.example.org/acme/shop.git")
    assert found is not None
    return found[0].status_answer(found[1], code, headers, body, NOW)


def test_every_forge_has_statuses_but_for_gogs() -> None:
    assert set(keys.FORGES) - {"gogs", "none"} == set(forges.TOLD)


@pytest.mark.parametrize(
    ("forge", "address", "url"),
    [
        ("github", "https://github.com/acme/shop.git", "https://api.github.com/repos/acme/shop/statuses/SHA"),
        ("github", "git@github.com:acme/shop.git", "https://api.github.com/repos/acme/shop/statuses/SHA"),
        ("github", "ssh://git@ssh.github.com:443/acme/shop", "https://api.github.com/repos/acme/shop/statuses/SHA"),
        ("github", "https://acme.ghe.com/a/shop.git", "https://api.acme.ghe.com/repos/a/shop/statuses/SHA"),
        (
            "github",
            "https://git.example.org/acme/shop.git",
            "https://git.example.org/api/v3/repos/acme/shop/statuses/SHA",
        ),
        (
            "gitea",
            "https://git.example.org:3000/acme/shop.git",
            "https://git.example.org:3000/api/v1/repos/acme/shop/statuses/SHA",
        ),
        ("gitea", "http://[::1]:3000/acme/shop", "http://[::1]:3000/api/v1/repos/acme/shop/statuses/SHA"),
        (
            "gitea",
            "https://example.org/~git/tea/acme/shop.git",
            "https://example.org/~git/tea/api/v1/repos/acme/shop/statuses/SHA",
        ),
        (
            "forgejo",
            "ssh://git@git.example.org:2222/acme/shop.git",
            "https://git.example.org/api/v1/repos/acme/shop/statuses/SHA",
        ),
        ("forgejo", "git@codeberg.org:acme/shop.git", "https://codeberg.org/api/v1/repos/acme/shop/statuses/SHA"),
        (
            "gitlab",
            "https://gitlab.example.org/acme/team/shop.git",
            "https://gitlab.example.org/api/v4/projects/acme%2Fteam%2Fshop/statuses/SHA",
        ),
        ("gitlab", "git@gitlab.com:acme/shop.git", "https://gitlab.com/api/v4/projects/acme%2Fshop/statuses/SHA"),
        (
            "gitlab",
            "ssh://git@altssh.gitlab.com:443/acme/shop.git",
            "https://gitlab.com/api/v4/projects/acme%2Fshop/statuses/SHA",
        ),
        (
            "bitbucket",
            "git@bitbucket.org:acme/shop.git",
            "https://api.bitbucket.org/2.0/repositories/acme/shop/commit/SHA/statuses/build",
        ),
        (
            "bitbucket",
            "ssh://git@altssh.bitbucket.org:443/acme/shop.git",
            "https://api.bitbucket.org/2.0/repositories/acme/shop/commit/SHA/statuses/build",
        ),
        (
            "bitbucket-dc",
            "https://git.example.org/scm/ACME/shop.git",
            "https://git.example.org/rest/api/latest/projects/ACME/repos/shop/commits/SHA/builds",
        ),
        (
            "bitbucket-dc",
            "https://example.org/bitbucket/scm/~ana/shop.git",
            "https://example.org/bitbucket/rest/api/latest/projects/~ana/repos/shop/commits/SHA/builds",
        ),
        (
            "bitbucket-dc",
            "ssh://git@git.example.org:7999/acme/shop.git",
            "https://git.example.org/rest/api/latest/projects/acme/repos/shop/commits/SHA/builds",
        ),
        # Nothing of a name leads to another place.
        (
            "gitea",
            "git@git.example.org:acme/shop?x#y.git",
            "https://git.example.org/api/v1/repos/acme/shop%3Fx%23y/statuses/SHA",
        ),
    ],
)
def test_the_api_is_found_from_the_address_of_the_repository(forge: str, address: str, url: str) -> None:
    assert url.replace("SHA", SHA) == request(forge, address).url


@pytest.mark.parametrize(
    ("forge", "address"),
    [
        ("gitea", "/srv/git/acme/shop.git"),
        ("gitea", "file:///srv/git/acme/shop.git"),
        ("gitea", "https://git.example.org/shop.git"),
        ("gitea", "https://[git.example.org/acme/shop.git"),
        ("github", "https://github.com/acme/more/shop.git"),
        ("gitlab", "https://gitlab.example.org/shop.git"),
        ("gitlab", "git@gitlab.example.org:acme/team/../../shop.git"),
        ("bitbucket", "https://bitbucket.org/shop.git"),
        ("bitbucket-dc", "https://git.example.org/a/b/c/shop.git"),
        ("gogs", "https://gogs.example.org/acme/shop.git"),
        ("none", "https://github.com/acme/shop.git"),
        (None, "https://git.example.org/acme/shop.git"),
        (None, "/srv/git/shop.git"),
    ],
)
def test_nobody_is_told_of_what_is_on_no_such_forge(forge: str | None, address: str) -> None:
    assert forges.statuses(forge, address) is None


def test_a_forge_that_is_not_named_is_told_by_its_machine() -> None:
    found = forges.statuses(None, "git@github.com:acme/shop.git")

    assert found is not None
    assert found[0] is forges.TOLD["github"]


@pytest.mark.parametrize(
    ("forge", "body"),
    [
        (
            "github",
            {
                "state": "failure",
                "context": "ctci/api:test",
                "description": "broke: exit 2 · 12s",
                "target_url": "https://ci.example.org/runs/1482/api/test#L214",
            },
        ),
        (
            "gitlab",
            {
                "state": "failed",
                "name": "ctci/api:test",
                "ref": "main",
                "description": "broke: exit 2 · 12s",
                "target_url": "https://ci.example.org/runs/1482/api/test#L214",
            },
        ),
        (
            "bitbucket-dc",
            {
                "key": "ctci/api:test",
                "name": "ctci/api:test",
                "state": "FAILED",
                "ref": "refs/heads/main",
                "description": "broke: exit 2 · 12s",
                "url": "https://ci.example.org/runs/1482/api/test#L214",
            },
        ),
    ],
)
def test_a_status_is_said_in_the_forges_own_fields(forge: str, body: dict[str, str]) -> None:
    assert body == request(forge, "https://git.example.org/acme/shop.git").body


@pytest.mark.parametrize(
    ("state", "github", "gitlab", "bitbucket", "center"),
    [
        (Status.QUEUED, "pending", "pending", "INPROGRESS", "INPROGRESS"),
        (Status.RUNNING, "pending", "running", "INPROGRESS", "INPROGRESS"),
        (Status.SUCCEEDED, "success", "success", "SUCCESSFUL", "SUCCESSFUL"),
        (Status.FAILED, "failure", "failed", "FAILED", "FAILED"),
        (Status.TIMED_OUT, "failure", "failed", "FAILED", "FAILED"),
        (Status.CANCELLED, "error", "canceled", "STOPPED", "CANCELLED"),
        (Status.SUPERSEDED, "error", "canceled", "STOPPED", "CANCELLED"),
        (Status.SKIPPED, "success", "success", "SUCCESSFUL", "SUCCESSFUL"),
        (Status.ERRORED, "error", "failed", "FAILED", "FAILED"),
    ],
)
def test_the_table_of_states(state: Status, github: str, gitlab: str, bitbucket: str, center: str) -> None:
    expected = {"gitea": github, "forgejo": github, "github": github, "gitlab": gitlab, "bitbucket": bitbucket}

    bodies = {each: request(each, "https://git.example.org/a/b", state=state).body["state"] for each in forges.TOLD}

    assert {**expected, "bitbucket-dc": center} == bodies


def test_a_ref_that_is_neither_branch_nor_tag_is_not_named_to_a_forge() -> None:
    bodies = [request(each, "https://git.example.org/a/b", ref="refs/notes/x").body for each in forges.TOLD]

    assert [name for body in bodies for name in body if name in ("ref", "refname")] == []


def test_gitlab_gets_no_link_that_it_would_refuse_the_status_for() -> None:
    body = request("gitlab", "https://git.example.org/a/b", target_url="https://ci.example.org/" + "x" * 240).body

    assert "target_url" not in body


@pytest.mark.parametrize(
    ("forge", "token", "header"),
    [
        ("github", "T", ("Authorization", "Bearer T")),
        ("github", "ana:T", ("Authorization", "Basic YW5hOlQ=")),
        ("github", "x-access-token:T", ("Authorization", "Bearer T")),
        ("gitea", "T", ("Authorization", "token T")),
        ("forgejo", "ana:T", ("Authorization", "Basic YW5hOlQ=")),
        ("gitea", "T:x-oauth-basic", ("Authorization", "token T")),
        ("gitlab", "T", ("PRIVATE-TOKEN", "T")),
        ("gitlab", "oauth2:T", ("PRIVATE-TOKEN", "T")),
        ("gitlab", "gitlab+deploy-token-7:T", ("PRIVATE-TOKEN", "T")),
        ("bitbucket", "x-token-auth:T", ("Authorization", "Bearer T")),
        ("bitbucket", "ana@example.org:T", ("Authorization", "Basic YW5hQGV4YW1wbGUub3JnOlQ=")),
        ("bitbucket-dc", "T", ("Authorization", "Bearer T")),
    ],
)
def test_a_secret_is_sent_as_the_forge_wants_it(forge: str, token: str, header: tuple[str, str]) -> None:
    assert header == forges.TOLD[forge].status_authorization(token)


@pytest.mark.parametrize("forge", sorted(forges.TOLD))
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (200, "done"),
        (201, "done"),
        (204, "done"),
        (301, "refused"),
        (400, "refused"),
        (401, "refused"),
        (403, "refused"),
        (404, "refused"),
        (408, "again"),
        (409, "again"),
        (413, "refused"),
        (422, "refused"),
        (429, "again"),
        (500, "again"),
        (503, "again"),
        (599, "again"),
    ],
)
def test_the_table_of_answers(forge: str, code: int, kind: str) -> None:
    assert kind == answer(forge, code, {}, b"").kind


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"message": "Bad credentials", "documentation_url": "https://docs.example.org"}, "Bad credentials"),
        (
            {"message": "Validation Failed", "errors": [{"resource": "Status", "message": "state is not valid"}]},
            "Validation Failed; state is not valid",
        ),
        ({"message": {"target_url": ["is too long (maximum is 255 characters)"]}}, "target_url: is too long"),
        ({"error": "insufficient_scope", "error_description": "More is needed."}, "insufficient_scope; More is needed"),
        ({"type": "error", "error": {"message": "key: too long", "fields": {"key": ["x"]}}}, "key: too long"),
        ({"errors": [{"context": None, "message": "Not permitted."}, {"message": "Twice"}]}, "Not permitted.; Twice"),
        ({"message": "two\r\nlines \u202e and more"}, "two lines and more"),
        (["x"], "x"),
        ({"message": {"a\r\n\u202eb": ["is\nwrong"]}}, "a b: is wrong"),
        (None, ""),
        ({"message": 7}, ""),
    ],
)
def test_what_a_forge_says_is_found_in_its_answer(body: object, sentence: str) -> None:
    assert status.told(json.dumps(body).encode()).startswith(sentence)
    assert bool(sentence) == bool(status.told(json.dumps(body).encode()))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["message", "error", "errors", "fields"]) | st.text(), inner)
    ),
)


@given(
    forge=st.sampled_from(sorted(forges.TOLD)),
    code=st.integers(100, 999),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        st.text() | st.integers().map(str) | st.datetimes().map(lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    ),
    body=st.binary() | _JSON.map(lambda told: json.dumps(told).encode()) | st.just(b"[" * 100_000),
)
def test_no_answer_is_anything_but_decided(forge: str, code: int, headers: dict[str, str], body: bytes) -> None:
    decided = answer(forge, code, headers, body)

    assert decided.kind in ("done", "same", "again", "refused")
    assert decided.after_s is None or 1 <= decided.after_s <= status.PATIENCE_S
    assert decided.said.isprintable()
    assert len(decided.said) < 700
    assert (decided.kind in ("done", "same")) == (decided.said == "")


@given(forge=st.sampled_from(sorted(forges.TOLD)), ref=st.text(), text=st.text())
def test_whatever_others_wrote_stays_in_the_body_as_text(forge: str, ref: str, text: str) -> None:
    address = "https://git.example.org/acme/shop.git"
    usual = request(forge, address)

    made = request(forge, address, ref=f"refs/heads/{ref}/../x?y#z", description=f'{text}"}}', context=text)

    assert (made.method, made.url) == (usual.method, usual.url)
    assert set(made.body) == set(usual.body)
    assert json.loads(json.dumps(made.body)) == made.body
    assert all(isinstance(value, str) for value in made.body.values())


@given(st.text(max_size=300), st.integers(14, 255))
def test_a_shortened_name_fits_and_a_short_one_stays(name: str, most: int) -> None:
    made = status.short(name, most)

    assert len(made) <= most
    assert (made == name) == (len(name) <= most)

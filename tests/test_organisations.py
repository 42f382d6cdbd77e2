"""Every repository of an organisation on a real server: whose secret a call carries, and what it is about."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import ledger
from tests.pushing import SECRET, post
from tests.serving import Served

OTHER = b"the-secret-of-two-and-nobody-else"
SECRETS = {"one": SECRET, "two": OTHER}


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Served]:
    """A server for two organisations."""
    server = Served(tmp_path / "ci")
    for name, secret in SECRETS.items():
        server.keep(name, secret)
    tables = [
        f"""
        [each.{name}]
        git = "https://git.example.org/{name}/{{name}}.git"
        forge = "gitea"
        webhook-secret = {{ file = "{name}" }}
        recipes.{name} = "true"
        """
        for name in SECRETS
    ]
    own = """
        [projects.legacy]
        git = "https://git.example.org/two/old.git"
        forge = "gitea"
        webhook-secret = { file = "two" }
        recipes.legacy = "true"

        [projects.taken]
        git = "https://git.example.org/three/taken.git"
        recipes.test = "true"
        """
    server.configure("\n".join([*tables, own]))
    server.start()
    yield server
    server.stop()


def body(repository: str | None, **fields: object) -> bytes:
    told = {"repository": {"full_name": repository, "default_branch": "main"}} if repository else {}
    moved = {"ref": "refs/heads/main", "before": "0" * 40, "after": "a" * 40, "commits": []}
    return json.dumps({**moved, "pusher": {"login": "ana"}, **told, **fields}).encode()


def call(
    server: Served, content: bytes, secret: bytes, *, path: str = "", forge: str = "Gitea", event: str = "push"
) -> tuple[int, dict[str, object]]:
    signature = hmac.new(secret, content, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        f"X-{forge}-Event": event,
        f"X-{forge}-Delivery": hashlib.sha256(content + secret + path.encode()).hexdigest(),
        f"X-{forge}-Signature": signature,
    }
    return post(server, content, headers, project=path)


@pytest.mark.parametrize("path", ["", "{name}"])
def test_the_secret_of_each_organisation_finds_its_repository_with_and_without_a_name_in_the_path(
    serving: Served, path: str
) -> None:
    answers = [
        call(serving, body(f"{org}/{name}"), SECRETS[org], path=path.format(name=name))
        for org, name in (("one", "shop"), ("two", "site"))
    ]

    assert [status for status, _ in answers] == [202, 202]
    runs = ledger.runs_(serving.db)
    orders = [ledger.jobs_of(serving.db, [run.id])[run.id][0].order for run in runs]
    assert [(order.project, order.remote.url, order.recipe.name) for order in orders] == [
        ("site", "https://git.example.org/two/site.git", "two"),
        ("shop", "https://git.example.org/one/shop.git", "one"),
    ]


def test_a_stranger_is_refused_and_so_is_the_secret_of_the_other_organisation(serving: Served) -> None:
    call(serving, body("two/shop"), b"wrong")

    assert call(serving, body("two/shop"), b"wrong")[0] == 401
    assert call(serving, body("one/shop"), b"wrong", path="shop")[0] == 401
    assert call(serving, body("one/shop"), OTHER)[1]["decision"] == "ignored"
    assert ledger.runs_(serving.db) == ()


def test_a_name_that_both_have_is_the_one_that_was_built_first_and_the_other_is_told_what_helps(
    serving: Served,
) -> None:
    call(serving, body("two/shop"), OTHER)

    told = [call(serving, body("one/shop", after="b" * 40), SECRET, path=path) for path in ("", "shop")]
    again = call(serving, body("two/shop", before="a" * 40, after="c" * 40), OTHER, path="shop")

    why = (
        "shop is https://git.example.org/two/shop.git already, so https://git.example.org/one/shop.git needs "
        "a [projects.NAME] of another name"
    )
    assert [(status, said["decision"], said["why"]) for status, said in told] == [(200, "ignored", why)] * 2
    assert again[0] == 202
    serving.ctci("run", "shop")
    newest = ledger.runs_(serving.db, limit=1)[0]
    (job,) = ledger.jobs_of(serving.db, [newest.id])[newest.id]
    assert (newest.kind, job.order.remote.url) == ("manual", "https://git.example.org/two/shop.git")


def test_a_repository_with_a_table_of_its_own_is_built_by_that_and_no_table_loses_its_name(serving: Served) -> None:
    own = call(serving, body("two/old"), OTHER)
    lost = call(serving, body("two/taken"), OTHER)

    assert own[0] == 202
    assert [run.project for run in ledger.runs_(serving.db)] == ["legacy"]
    assert lost[1]["decision"] == "ignored"
    assert "taken is https://git.example.org/three/taken.git already" in str(lost[1]["why"])


def test_a_right_secret_about_another_repository_is_ignored_and_both_are_named(serving: Served) -> None:
    status, said = call(serving, body("three/shop"), SECRET)

    expected = "the call is about three/shop, and [each.one] is configured at https://git.example.org/one/{name}.git"
    assert (status, said["decision"], said["why"]) == (200, "ignored", expected)
    (kept,) = ledger.deliveries_(serving.db)
    assert (kept.decision, kept.reason, kept.project) == ("ignored", expected, "")
    assert ledger.projects_(serving.db) == ()
    assert serving.get("deliveries")[0] == 200


def test_the_ping_of_an_organisations_webhook_is_answered_well(tmp_path: Path) -> None:
    served = Served(tmp_path / "ci")
    served.configure(
        """
        [each.acme]
        git = "https://github.com/acme/{name}.git"
        forge = "github"
        webhook-secret = { file = "secret" }
        recipes.test = "true"
        """
    )
    served.keep("secret", SECRET)
    served.start()
    content = json.dumps({"zen": "Design for failure.", "hook_id": 1, "organization": {"login": "acme"}}).encode()
    signature = f"sha256={hmac.new(SECRET, content, hashlib.sha256).hexdigest()}"
    headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-1", "X-Hub-Signature-256": signature}

    status, said = post(served, content, {**headers, "Content-Type": "application/json"}, project="")
    served.stop()

    assert (status, said["decision"], said["why"]) == (200, "ignored", "ping: connected")


def test_a_signed_call_that_cannot_be_read_is_kept_and_so_is_one_of_no_forge(serving: Served) -> None:
    bad = call(serving, b"[]", SECRET)
    unknown = post(serving, b"{}", {"Content-Type": "application/json"}, project="")

    assert (bad[0], unknown[0]) == (400, 400)
    kept = ledger.deliveries_(serving.db)
    assert [(each.decision, each.reason.partition(";")[0]) for each in kept] == [
        ("refused", "no header tells which forge sends this"),
        ("refused", "the body is not a JSON object"),
    ]

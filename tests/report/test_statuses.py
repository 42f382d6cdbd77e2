"""Forges are told what became of a commit, over real HTTP on loopback; the fakes hold each call against the API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ctci.config.settings import Config, Project, Server
from ctci.forges import bitbucket
from ctci.model import Answer, Remote, Say, SecretRef, Status
from ctci.report import statuses
from tests.conftest import StoppedClock
from tests.report import forges_fake, tls
from tests.report.forges_fake import SHA, TOKEN, Forge, Says

TOKEN_REF = SecretRef(kind="env", name="CTCI_TOKEN")
ALL = sorted(forges_fake.DIALECTS)
#: What each forge calls our statuses.
CALLED = {
    "github": ("pending", "pending", "failure", "error", "success"),
    "gitea": ("pending", "pending", "failure", "error", "success"),
    "forgejo": ("pending", "pending", "failure", "error", "success"),
    "gitlab": ("pending", "running", "failed", "canceled", "success"),
    "bitbucket": ("INPROGRESS", "INPROGRESS", "FAILED", "STOPPED", "SUCCESSFUL"),
    "bitbucket-dc": ("INPROGRESS", "INPROGRESS", "FAILED", "CANCELLED", "SUCCESSFUL"),
}
STORY = (Status.QUEUED, Status.RUNNING, Status.FAILED, Status.CANCELLED, Status.SUCCEEDED)


def what(state: Status = Status.FAILED, **fields: Any) -> Say:
    defaults: dict[str, Any] = {
        "sha": SHA,
        "ref": "refs/heads/main",
        "context": "ctci/api:test",
        "state": state,
        "description": "broke: 12 of 846 tests failed, test_cart.py:88 · 1m12s",
        "target_url": "https://ci.example.org/runs/1482/api/test#L214",
    }
    return Say(**{**defaults, **fields})


def tell(forge: Forge, said: Say, *, token: str = TOKEN, deadline_s: float = 10.0, **fields: Any) -> Answer:
    settings = Config(projects={}, notify={}, server=Server(), folder=Path("/nowhere"))
    remote = Remote(**{"url": forge.address, "token": TOKEN_REF, **fields})
    project = Project(name="shop", remote=remote, forge=forge.name)
    answer = statuses.say(settings, project, said, {"CTCI_TOKEN": token}, deadline_s=deadline_s)
    assert answer is not None
    return answer


@pytest.fixture
def forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    with Forge(request.param) as made:
        # There is one Bitbucket Cloud, and it is not here.
        monkeypatch.setattr(bitbucket, "API", f"{made.root}/2.0")
        yield made


only = pytest.mark.parametrize("forge", ["gitea"], indirect=True)


@pytest.mark.parametrize("forge", ALL, indirect=True)
def test_a_forge_takes_every_state_in_its_own_words(forge: Forge) -> None:
    answers = [tell(forge, what(state)) for state in STORY]

    assert forge.faults == []
    assert ["done"] * len(STORY) == [answer.kind for answer in answers]
    assert list(CALLED[forge.name]) == forge.states("ctci/api:test")


@pytest.mark.parametrize("state", Status)
@pytest.mark.parametrize("forge", ALL, indirect=True)
def test_no_state_of_ours_is_one_that_a_forge_does_not_know(forge: Forge, state: Status) -> None:
    answer = tell(forge, what(state))

    assert forge.faults == []
    assert answer.kind == "done"


@pytest.mark.parametrize("forge", ALL, indirect=True)
def test_the_longest_that_can_be_said_is_taken(forge: Forge) -> None:
    said = what(
        context="ctci/" + "x" * 195,
        description="🎉" + "ü" * 139,
        target_url="https://ci.example.org/" + "y" * 232,
        ref="refs/tags/" + "v" * 200,
    )

    answer = tell(forge, said)

    assert forge.faults == []
    assert answer.kind == "done"


@pytest.mark.parametrize("forge", ALL, indirect=True)
def test_two_recipes_with_long_names_that_begin_alike_stay_two(forge: Forge) -> None:
    first, second = (what(context="ctci/" + "services-api:test" * 5 + end) for end in ("-one", "-two"))

    tell(forge, first)
    tell(forge, second)

    assert forge.faults == []
    assert len(forge.rows) == 2


@pytest.mark.parametrize("forge", ALL, indirect=True)
@pytest.mark.parametrize(
    ("says", "after_s"),
    [
        (Says(code=409, body={"message": "Another update is in progress"}), None),
        (Says(code=429, headers={"Retry-After": "17"}), 17.0),
        (Says(code=429, headers={"Retry-After": "Mon, 30 Nov 2026 03:01:30 GMT"}), 90.0),
        (Says(code=500), None),
        (Says(code=502, body=b"<html><h1>Bad Gateway</h1></html>"), None),
        (Says(code=503, headers={"Retry-After": "120"}), 120.0),
        (Says(drops=True), None),
    ],
    ids=["409", "429", "429-date", "500", "502-html", "503", "dropped"],
)
def test_what_passes_is_tried_again_when_the_forge_says(
    forge: Forge, says: Says, after_s: float | None, stopped_clock: StoppedClock
) -> None:
    # Mon, 30 Nov 2026 03:00:00 GMT
    stopped_clock.at = 1_796_007_600_000
    forge.next = [says]

    first, second = tell(forge, what()), tell(forge, what())

    assert ("again", after_s) == (first.kind, first.after_s)
    assert "127.0.0.1" in first.said or "bitbucket.org" in first.said
    assert second.kind == "done"


@pytest.mark.parametrize("forge", ALL, indirect=True)
@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_token_that_may_not_is_refused_for_good_with_what_it_needs(forge: Forge, code: int) -> None:
    forge.next = [Says(code=code, body=forge.dialect.no("Forbidden"))]

    answer = tell(forge, what())

    assert (answer.kind, answer.everywhere) == ("refused", True)
    assert "`token`" in answer.said
    assert {"github": "repo:status", "gitlab": "scope `api`"}.get(forge.name, "ead") in answer.said


@pytest.mark.parametrize("forge", ALL, indirect=True)
def test_a_wrong_token_is_one_that_the_fake_does_not_take(forge: Forge) -> None:
    answer = tell(forge, what(), token="another-token")

    assert (answer.kind, answer.everywhere) == ("refused", True)
    assert len(forge.faults) == 1
    assert dict(forge.rows) == {}


@pytest.mark.parametrize("forge", ALL, indirect=True)
def test_a_forge_that_sends_the_token_back_does_not_have_it_shown(forge: Forge) -> None:
    said = f"the token {TOKEN}, or {forges_fake.basic('ana:' + TOKEN)}, or {TOKEN[:3]}…, is unknown"
    forge.next = [Says(code=code, body=forge.dialect.no(said)) for code in (400, 401, 403, 404, 500)]

    answers = [tell(forge, what(), token=f"ana:{TOKEN}") for _ in range(5)]

    for answer in answers:
        assert TOKEN not in answer.said
        assert forges_fake.basic(f"ana:{TOKEN}").removeprefix("Basic ") not in answer.said
        assert "[token]" in answer.said


@pytest.mark.parametrize("forge", ["github", "gitea", "bitbucket", "bitbucket-dc"], indirect=True)
def test_a_user_and_a_token_are_sent_as_user_and_password(forge: Forge) -> None:
    tell(forge, what(), token=f"ana:{TOKEN}")

    assert forges_fake.basic(f"ana:{TOKEN}") == forge.calls[0][1]["authorization"]


@pytest.mark.parametrize("forge", ALL, indirect=True)
@pytest.mark.parametrize("token", [f"x-token-auth:{TOKEN}", f"oauth2:{TOKEN}", f"{TOKEN}:x-oauth-basic", f" {TOKEN} "])
def test_what_git_wants_beside_a_token_is_left_out(forge: Forge, token: str) -> None:
    answer = tell(forge, what(), token=token)

    assert forge.faults == []
    assert answer.kind == "done"


@only
def test_a_redirect_is_not_followed_and_takes_no_token_along(forge: Forge) -> None:
    with Forge("gitea") as other:
        forge.next = [Says(code=307, headers={"Location": f"{other.root}/elsewhere"})]

        answer = tell(forge, what())

        assert other.calls == []
    assert (answer.kind, answer.everywhere) == ("refused", True)
    assert "put its address of now into `git`" in answer.said


@only
def test_an_answer_that_drips_is_not_waited_for(forge: Forge) -> None:
    forge.next = [Says(drips=True)]

    answer = tell(forge, what(), deadline_s=0.3)

    assert Answer(kind="again", said="127.0.0.1 cannot be told: no answer in time (0.3 s)", everywhere=True) == answer


@only
def test_an_answer_without_end_is_read_no_further_than_its_beginning(forge: Forge) -> None:
    forge.next = [Says(code=400, body=b'{"message": "' + b"x" * (8 << 20) + b'"}')]

    answer = tell(forge, what())

    assert Answer(kind="refused", said="127.0.0.1 answered 400") == answer


@only
def test_who_does_not_listen_is_tried_again(forge: Forge) -> None:
    answer = tell(forge, what(), url="http://127.0.0.1:1/git/acme/shop.git")

    assert Answer(kind="again", said="127.0.0.1 cannot be told: Connection refused", everywhere=True) == answer


@only
@pytest.mark.parametrize("token", ["one\nInjected: header", "tök€n", "a\x00b"])
def test_a_token_that_cannot_be_one_is_said_and_not_sent(forge: Forge, token: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(token)

    answer = _tell_of_file(forge, tmp_path)

    assert (answer.kind, answer.everywhere) == ("refused", True)
    assert "characters that no token has" in answer.said
    assert token not in answer.said
    assert forge.calls == []


def _tell_of_file(forge: Forge, folder: Path) -> Answer:
    settings = Config(projects={}, notify={}, server=Server(), folder=folder)
    remote = Remote(url=forge.address, token=SecretRef(kind="file", name="token"))
    answer = statuses.say(settings, Project(name="shop", remote=remote, forge=forge.name), what(), {})
    assert answer is not None
    return answer


@only
def test_a_token_that_is_missing_is_asked_for_again_by_its_place(forge: Forge, tmp_path: Path) -> None:
    answer = _tell_of_file(forge, tmp_path)

    assert (answer.kind, answer.after_s) == ("again", None)
    assert f"the file {tmp_path / 'token'} cannot be read" in answer.said


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return tls.certificate(tmp_path_factory.mktemp("tls"))


def test_a_forge_with_a_certificate_of_its_own_is_believed_by_ca_file_alone(certificate: tuple[Path, Path]) -> None:
    with Forge("gitea", tls=tls.server(certificate)) as forge:
        strange = tell(forge, what())
        trusted = tell(forge, what(), ca_file=str(certificate[0]))
        unread = tell(forge, what(), ca_file=f"{certificate[0]}.old")

    assert strange.kind == "again"
    assert "certificate is not trusted" in strange.said
    assert "`ca-file`" in strange.said
    assert trusted.kind == "done"
    assert "`ca-file`" in unread.said
    assert "No such file" in unread.said


def test_a_forge_that_drips_over_tls_is_not_waited_for_either(certificate: tuple[Path, Path]) -> None:
    with Forge("gitea", tls=tls.server(certificate), next=[Says(drips=True)]) as forge:
        answer = tell(forge, what(), ca_file=str(certificate[0]), deadline_s=0.4)

    assert (answer.kind, "no answer in time" in answer.said) == ("again", True)


@only
def test_proxies_and_netrc_of_the_environment_are_not_asked(
    forge: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1/")

    assert tell(forge, what()).kind == "done"


# --- one forge's own -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forge", ["gitlab"], indirect=True)
def test_gitlab_refuses_what_a_status_is_already_and_that_is_no_fault(forge: Forge) -> None:
    states = (Status.QUEUED, Status.QUEUED, Status.RUNNING, Status.RUNNING, Status.QUEUED, Status.FAILED)

    kinds = [tell(forge, what(state)).kind for state in states]

    assert kinds == ["done", "same", "done", "same", "same", "done"]
    assert forge.states("ctci/api:test") == ["pending", "running", "failed"]


@pytest.mark.parametrize("forge", ["gitlab"], indirect=True)
def test_gitlab_takes_a_state_anew_when_the_one_before_was_over(forge: Forge) -> None:
    kinds = [tell(forge, what(state)).kind for state in (Status.FAILED, Status.FAILED, Status.QUEUED)]

    assert kinds == ["done"] * 3


@pytest.mark.parametrize("forge", ["github"], indirect=True)
def test_github_takes_a_thousand_of_a_context_and_then_none(forge: Forge) -> None:
    forge.most = 2

    answers = [tell(forge, what()) for _ in range(3)]

    assert [answer.kind for answer in answers] == ["done", "done", "refused"]
    assert "1,000 statuses" in answers[2].said
    assert not answers[2].everywhere


@pytest.mark.parametrize("forge", ["github"], indirect=True)
@pytest.mark.parametrize(
    ("says", "after_s"),
    [
        (Says(code=403, headers={"Retry-After": "30"}, body={"message": "slow down"}), 30.0),
        (Says(code=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1796008500"}), 900.0),
        (Says(code=429, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1796008500"}), 900.0),
        (Says(code=403, body={"message": "You have exceeded a secondary rate limit."}), 60.0),
        # The clock of one of the two is wrong.
        (Says(code=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}), 1.0),
        (Says(code=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 12}), 6 * 3600.0),
    ],
)
def test_githubs_limits_are_waited_for_though_they_look_like_a_refusal(
    forge: Forge, says: Says, after_s: float, stopped_clock: StoppedClock
) -> None:
    stopped_clock.at = 1_796_007_600_000
    forge.next = [says]

    answer = tell(forge, what())

    assert ("again", after_s) == (answer.kind, answer.after_s)
    assert "limits how often" in answer.said


@pytest.mark.parametrize("forge", ["bitbucket"], indirect=True)
@pytest.mark.parametrize("public_url", ["http://localhost:8484", "http://ci:8484"])
def test_bitbucket_takes_no_link_to_a_machine_without_a_domain_and_we_say_what_helps(
    forge: Forge, public_url: str
) -> None:
    answer = tell(forge, what(target_url=f"{public_url}/runs/1482"))

    assert (answer.kind, answer.everywhere) == ("refused", True)
    assert "set `public-url` in ctci.toml" in answer.said


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        ("gitlab", "404 Commit Not Found"),
        ("gitlab", "404 References for commit Not Found"),
        ("bitbucket", "Commit not found"),
        ("bitbucket-dc", "Commit '9a3e7f6' does not exist in repository 'shop'."),
    ],
    indirect=["forge"],
)
def test_a_commit_that_is_gone_is_nobodys_fault(forge: Forge, said: str) -> None:
    forge.next = [Says(code=404, body=forge.dialect.no(said))]

    answer = tell(forge, what())

    assert (answer.kind, answer.everywhere) == ("refused", False)
    assert "does not have this commit any more" in answer.said


def test_a_status_is_the_same_after_it_was_kept_as_json() -> None:
    kept = json.loads(json.dumps(statuses.body(what())))

    assert statuses.of_body(kept) == what()
    assert statuses.of_body(kept).state is Status.FAILED


# --- who is told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forge", "url", "token", "expected"),
    [
        ("github", "https://github.com/acme/shop.git", TOKEN_REF, True),
        (None, "git@github.com:acme/shop.git", TOKEN_REF, True),
        (None, "https://git.example.org/acme/shop.git", TOKEN_REF, False),
        ("github", "https://github.com/acme/shop.git", None, False),
        ("gogs", "https://gogs.example.org/acme/shop.git", TOKEN_REF, False),
        ("none", "https://github.com/acme/shop.git", TOKEN_REF, False),
        ("gitea", "/srv/git/acme/shop.git", TOKEN_REF, False),
    ],
)
def test_who_has_a_token_and_a_forge_with_statuses_is_told(
    forge: str | None, url: str, token: SecretRef | None, *, expected: bool
) -> None:
    project = Project(name="shop", remote=Remote(url=url, token=token), forge=forge)
    settings = Config(projects={}, notify={}, server=Server(), folder=Path("/nowhere"))

    assert expected == statuses.told(project)
    if not expected:
        assert statuses.say(settings, project, what(), {"CTCI_TOKEN": TOKEN}) is None

"""The road, whole: real git, a real server, real processes. Each test tells a story of a few lines."""

import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from ctci import demo, ledger
from ctci.model import Status
from ctci.run import keeping
from tests.eventually import eventually
from tests.pushing import SECRET, ended, gitea_headers, gitea_push, post, push
from tests.serving import Served
from tests.upstream import Upstream


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_signed_push_becomes_a_settled_job_and_a_letter(served: Served, upstream: Upstream) -> None:
    served.start()

    run, job = ended(served, push(served, upstream, "echo the cart is wrong >&2; exit 3", delivery="d1"))

    assert (run.status, job.status, job.reason) == (Status.FAILED, Status.FAILED, "exit 3")
    (letter,) = eventually(lambda: list(served.place.mail.glob("*.eml")))
    text = letter.read_text()
    for word in (
        "shop:test",
        "main",
        run.commit[:7] if run.commit else "?",
        "the cart is wrong",
        "Push d1",
        f"runs/{run.id}",
    ):
        assert word in text
    assert list(served.place.slots.glob("*/worktree")) == []


def test_green_after_red_is_told_and_green_after_green_is_not(served: Served, upstream: Upstream) -> None:
    served.start()
    for number, (script, letters) in enumerate((("exit 0", 0), ("exit 1", 1), ("exit 0", 2), ("exit 0", 2)), 1):
        ended(served, push(served, upstream, script, delivery=f"d{number}"))
        # What breaks and is fixed before anybody heard of it would be one letter.
        told(served, letters)

    assert sorted("is fixed" in text for text in served.texts()) == [False, True]
    assert sorted(subject[:3] for subject in served.letters()) == ["Re:", "[ct"]


def told(served: Served, letters: int) -> None:
    eventually(lambda: len(served.letters()) == letters)


def test_a_redelivery_runs_nothing_again(served: Served, upstream: Upstream) -> None:
    served.start()
    sha = upstream.push({"test.sh": "exit 0"})
    body = gitea_push(upstream, sha)
    first = post(served, body, gitea_headers(body, "d1"))

    again = post(served, body, gitea_headers(body, "d1"))
    replay = post(served, body, gitea_headers(body, "d2"))

    assert first[0] == 202
    assert [(status, answer["decision"], answer["run"]) for status, answer in (again, replay)] == [
        (200, "duplicate", first[1]["run"])
    ] * 2


@pytest.mark.parametrize("signature", ["", "0" * 64, "sha256=", "sha256=" + "0" * 64, None])
def test_who_cannot_sign_is_refused_and_nothing_runs(served: Served, upstream: Upstream, signature: str | None) -> None:
    served.start()
    body = gitea_push(upstream, upstream.push({"test.sh": "exit 0"}))
    headers = gitea_headers(body, "d1")
    if signature is None:
        del headers["X-Gitea-Signature"]
    else:
        headers["X-Gitea-Signature"] = signature

    known = post(served, body, headers)
    unknown = post(served, body, headers, project="nobody")

    # Each call has an id of its own, and nothing else tells them apart.
    assert known[1].pop("request_id") != unknown[1].pop("request_id")
    assert known == unknown
    assert (known[0], known[1]["detail"]) == (401, "signature does not match")
    assert ledger.runs_(served.db) == ()
    assert {each.decision for each in ledger.deliveries_(served.db)} == {"refused"}


def test_a_running_job_is_cancelled_with_all_its_processes(served: Served, upstream: Upstream) -> None:
    served.start()
    run = push(served, upstream, "sleep 61 & echo pid $!; wait", delivery="d1")
    pid = int(eventually(lambda: served.log(run).split()[1]))

    served.ctci("cancel", str(run))
    _, job = ended(served, run)

    assert job.status is Status.CANCELLED
    assert not alive(pid)


def test_what_a_recipe_leaves_behind_is_ended_and_named(served: Served, upstream: Upstream) -> None:
    served.start()

    script = "setsid sh -c 'echo pid $$; exec sleep 62' & sleep 0.3; echo done"
    _, job = ended(served, push(served, upstream, script, delivery="d1"))

    assert job.status is Status.SUCCEEDED
    assert job.exit is not None
    assert any("sleep" in name for name in job.exit.leftovers)
    assert "sleep" in served.log(job.run).partition("[ctci]")[2]
    assert not alive(int(served.log(job.run).split()[1]))


def test_a_newer_push_of_a_branch_supersedes_the_older(served: Served, upstream: Upstream) -> None:
    served.start()
    ref = "refs/heads/feature"
    shas = [upstream.push({"test.sh": script}, branch="feature") for script in ("sleep 63", "exit 0")]
    runs: list[int] = []
    for number, sha in enumerate(shas):
        body = gitea_push(upstream, sha, ref=ref)
        runs.append(int(str(post(served, body, gitea_headers(body, f"d{number}"))[1]["run"])))
        if number == 0:
            eventually(lambda: ledger.jobs_of(served.db, runs)[runs[0]][0].status is Status.RUNNING)

    first, second = ended(served, runs[0]), ended(served, runs[1])

    assert (first[1].status, first[1].reason) == (Status.SUPERSEDED, f"superseded by #{runs[1]}")
    assert second[1].status is Status.SUCCEEDED
    assert served.letters() == []


def test_a_skip_token_skips_and_says_so(served: Served, upstream: Upstream) -> None:
    served.start()
    sha = upstream.push({"test.sh": "exit 1"}, message="Typo [skip ci]")
    body = gitea_push(upstream, sha)

    run, job = ended(served, int(str(post(served, body, gitea_headers(body, "d1"))[1]["run"])))

    assert (run.status, job.reason) == (Status.SKIPPED, f"“[skip ci]” in the message of {sha[:7]}")


@pytest.mark.parametrize("death", ["kill", "stop"])
def test_a_job_runs_on_while_the_server_is_down_and_ends_truthfully(
    served: Served, upstream: Upstream, tmp_path: Path, death: str
) -> None:
    served.start()
    go = tmp_path / "go"
    run = push(served, upstream, f"echo up; until [ -e {go} ]; do sleep 0.05; done; echo whole; exit 42", delivery="d1")
    later = push(served, upstream, "exit 0", delivery="d2")
    eventually(lambda: "up" in served.log(run))

    if death == "kill":
        served.kill()
    else:
        served.ctci("stop")
        assert served.wait() == 0
    served.start()
    go.touch()

    (_, first), (_, second) = ended(served, run), ended(served, later)
    assert (first.status, first.reason, served.log(run)) == (Status.FAILED, "exit 42", "up\nwhole\n")
    assert first.attempt == 1
    assert second.status is Status.SUCCEEDED


def test_a_cancel_stored_while_the_server_is_down_is_delivered_when_it_is_up(
    served: Served, upstream: Upstream
) -> None:
    served.start()
    run = push(served, upstream, "trap 'echo bye; exit 9' TERM; echo pid $$; sleep 64 & wait", delivery="d1")
    pid = int(eventually(lambda: served.log(run).split()[1]))
    served.kill()

    served.ctci("cancel", str(run), "--reason", "wrong branch")
    served.start()

    _, job = ended(served, run)
    assert (job.status, job.cancel_reason) == (Status.CANCELLED, "wrong branch")
    assert "bye" in served.log(run)
    assert not alive(pid)


def test_a_job_that_a_power_cut_ended_is_tried_again_where_it_may(served: Served, upstream: Upstream) -> None:
    projects = served.config / "projects.toml"
    projects.write_text(projects.read_text().replace('timeout = "60s"', 'timeout = "60s", on-interrupt = "retry"'))
    served.start()
    run = push(served, upstream, "[ $CTCI_ATTEMPT = 2 ] || sleep 64", delivery="d1")
    job = eventually(lambda: next(iter(ledger.in_state(served.db, Status.RUNNING)), None))
    keeper = eventually(lambda: keeping.holder(served.place.attempt(job.id, 1)))
    served.kill()
    os.kill(keeper, signal.SIGKILL)
    served.start()

    _, after = ended(served, run)
    assert (after.status, after.attempt) == (Status.SUCCEEDED, 2)


def test_a_server_that_drains_ends_what_runs_and_starts_nothing(
    served: Served, upstream: Upstream, tmp_path: Path
) -> None:
    served.start("--drain")
    go = tmp_path / "go"
    run = push(served, upstream, f"echo up; until [ -e {go} ]; do sleep 0.05; done", delivery="d1")
    eventually(lambda: "up" in served.log(run))
    os.kill(served.pid, signal.SIGTERM)
    eventually(lambda: "draining" in json.dumps(served.get("readyz")[1]))
    later = push(served, upstream, "exit 0", delivery="d2")

    go.touch()
    code = served.wait()

    first, second = (ledger.jobs_of(served.db, [each])[each][0].status for each in (run, later))
    assert (code, first, second) == (0, Status.SUCCEEDED, Status.QUEUED)


@pytest.mark.parametrize("up", [True, False], ids=["server up", "server down"])
def test_stop_with_jobs_ends_them_by_name(served: Served, upstream: Upstream, up: bool) -> None:
    served.start()
    run = push(served, upstream, "echo pid $$; sleep 64", delivery="d1")
    pid = int(eventually(lambda: served.log(run).split()[1]))
    if not up:
        served.kill()

    said = served.ctci("stop", "--jobs").stderr

    _, job = ended(served, run)
    assert "1 job ended" in said
    assert (job.status, job.reason) == (Status.CANCELLED, "ctci stop --jobs")
    assert job.cancel_by
    assert not alive(pid)


def test_a_push_through_the_hook_is_answered_in_two_lines(served: Served, upstream: Upstream) -> None:
    served.start()
    served.ctci("hook", "install", str(upstream.path), "--project", "shop")

    lines = upstream.push_output({"test.sh": "exit 0"})

    said = [line for line in lines.splitlines() if "ctci:" in line]
    assert len(said) == 2
    run = int(said[1].rstrip().rpartition("/")[2])
    assert ended(served, run)[1].status is Status.SUCCEEDED


def test_who_pushes_with_ci_wait_sees_the_verdict(served: Served, upstream: Upstream) -> None:
    served.start()
    served.ctci("hook", "install", str(upstream.path), "--project", "shop")

    said = upstream.push_output({"test.sh": "exit 3"}, "-o", "ci.wait")

    (run,) = ledger.runs_(served.db)
    lines = [line.removeprefix("remote: ").rstrip() for line in said.splitlines() if "ctci: " in line]
    assert run.status is Status.FAILED
    assert [line.endswith(": exit 3") for line in lines if line.startswith("ctci: test failed after ")] == [True]
    assert lines[-2].startswith("ctci: test failed on main ")
    assert lines[-1] == f"ctci: {served.url}runs/{run.id}"


def test_a_push_while_the_server_is_down_runs_when_it_is_up(served: Served, upstream: Upstream) -> None:
    served.start()
    served.ctci("hook", "install", str(upstream.path), "--project", "shop")
    served.stop()

    said = upstream.push_output({"test.sh": "exit 0"})
    served.start()

    assert "queued on disk" in said
    (run,) = eventually(lambda: ledger.runs_(served.db))
    assert ended(served, run.id)[1].status is Status.SUCCEEDED
    assert eventually(lambda: list(served.place.spool.iterdir()) == [])


def test_describe_and_log_work_in_the_worktree(served: Served, upstream: Upstream) -> None:
    served.start()
    upstream.push({"a": "1"}, message="First")
    upstream.tag("v1.0")
    script = "git describe --tags && git log --oneline | wc -l && git status --porcelain && git rev-parse HEAD"

    run, job = ended(served, push(served, upstream, script, delivery="d1"))

    assert job.status is Status.SUCCEEDED, served.log(run.id)
    described, count, head = served.log(run.id).split()
    assert (described.rpartition("-g")[0], count, head) == ("v1.0-1", "2", run.commit)


def test_a_recipe_sees_an_environment_made_for_it_alone(served: Served, upstream: Upstream) -> None:
    served.start(CTCI_SMTP_TOKEN="hunter2", SECRET_OF_THE_SERVER="hunter3")

    run, job = ended(served, push(served, upstream, "env | sort; cat /proc/$PPID/environ; :", delivery="d1"))

    assert job.status is Status.SUCCEEDED
    said = served.log(run.id)
    assert "hunter" not in said
    assert f"CTCI_RUN={run.id}" in said
    assert "CI=true" in said


def test_a_reload_takes_the_new_recipes_and_a_broken_file_changes_nothing(served: Served, upstream: Upstream) -> None:
    served.start()
    text = (served.config / "projects.toml").read_text()
    (served.config / "projects.toml").write_text(text.replace("recipes.test", "recipes.lint"))
    served.ctci("reload")

    places = eventually(lambda: _places(served, upstream, "d1") == ["lint"])
    (served.config / "projects.toml").write_text("[projects.shop\n")
    served.ctci("reload", check=False)

    assert places
    assert eventually(lambda: "reload" in json.dumps(served.get("readyz")[1]))
    assert _places(served, upstream, "d9") == ["lint"]


def test_a_refused_change_is_told_in_the_next_letter_with_the_file_at_fault(served: Served, upstream: Upstream) -> None:
    served.start()
    (served.config / "ctci.toml").write_text('titel = "Acme"\n')
    served.ctci("reload", check=False)
    eventually(lambda: served.get("readyz")[0] == 503)

    ended(served, push(served, upstream, "exit 3", delivery="d1"))

    (text,) = eventually(served.texts)
    assert "ctci itself: the last change of the configuration is refused, the one before it is in force" in text
    assert "ctci.toml; first: unknown key `titel`" in text
    assert "projects.toml" not in text


def _places(served: Served, upstream: Upstream, delivery: str) -> list[str]:
    run = push(served, upstream, f"exit 0 # {os.urandom(4).hex()}", delivery=delivery + os.urandom(4).hex())
    return [job.place for job in ledger.jobs_of(served.db, [run])[run]]


def test_who_runs_as_the_same_user_reads_no_secret_of_the_server(served: Served) -> None:
    """A recipe does, and `/proc` would show it the server's environment."""
    # Root may read everything; without its capabilities it is a user like any other.
    plain = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.getuid() == 0 else []
    if plain and shutil.which("setpriv") is None:
        pytest.skip("needs setpriv")
    served.start(prefix=plain, CTCI_TITLE="hunter2")

    seen = subprocess.run([*plain, "cat", f"/proc/{served.pid}/environ"], capture_output=True, text=True, check=False)

    assert "hunter2" not in seen.stdout
    assert "Permission denied" in seen.stderr


def test_a_second_server_on_the_same_folder_says_who_has_it(served: Served) -> None:
    served.start()

    done = served.ctci("serve", "--listen", "127.0.0.1:0", check=False)

    assert done.returncode == 2
    assert f"pid {served.pid}" in done.stderr


def test_stop_ends_the_server_in_order(served: Served) -> None:
    served.start()

    served.ctci("stop")

    assert served.wait() == 0
    assert "Traceback" not in served.said()


def test_the_demo_tells_its_story_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said: list[str] = []

    code = demo.run(check=True, say=said.append)

    assert code == 0, "\n".join(said)
    assert list(tmp_path.iterdir()) == []
    assert subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, check=False).stdout == b""
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def github_headers(body: bytes, delivery: str, event: str = "push") -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest(),
    }


def test_a_signed_github_push_starts_a_real_run(served: Served, upstream: Upstream) -> None:
    (served.config / "projects.toml").write_text(
        (served.config / "projects.toml").read_text().replace('forge = "gitea"', 'forge = "github"')
    )
    served.start()
    body = gitea_push(upstream, upstream.push({"test.sh": "exit 0"}))

    status, answer = post(served, body, github_headers(body, "g-1"))

    assert (status, answer["decision"]) == (202, "queued")
    assert ended(served, int(str(answer["run"])))[1].status is Status.SUCCEEDED


def test_what_was_not_built_is_told_in_words(served: Served, upstream: Upstream) -> None:
    served.start()
    after = upstream.push({"test.sh": "exit 0"})
    name = json.loads(gitea_push(upstream, after))["repository"]["full_name"]
    gone = json.dumps({"ref": "old", "ref_type": "branch", "repository": {"full_name": name}}).encode()
    calls = [
        (gone, gitea_headers(gone, "d1", "delete"), "the branch was deleted"),
        (body := gitea_push(upstream, "0" * 40), gitea_headers(body, "d2"), "test delivery"),
        (body := gitea_push(upstream, after, before=after), gitea_headers(body, "d3"), "test delivery"),
    ]

    answers = [post(served, body, headers) for body, headers, _ in calls]
    told = served.ctci("why-not", "shop", check=False).stdout
    page = served.get("deliveries")[1]

    for (status, answer), (_, _, reason) in zip(answers, calls, strict=True):
        assert (status, answer["decision"]) == (200, "ignored")
        assert reason in str(answer["why"])
        assert reason in told
        assert reason in page

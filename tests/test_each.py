"""Every repository of a folder on a real server, and a configuration that changes under it."""

import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import ledger
from ctci.model import Status
from tests.eventually import eventually
from tests.forges import calls
from tests.pushing import ended
from tests.serving import Served
from tests.upstream import Upstream

SIBLINGS = 200


@pytest.fixture
def folder(tmp_path: Path, upstream: Upstream) -> Path:
    """A folder of bare repositories with one hook for all."""
    upstream.push({"test.sh": "echo built in $CTCI_PROJECT"})
    git = tmp_path / "git"
    git.mkdir()
    for number in range(SIBLINGS):
        # As `git init --bare` makes them, without 200 processes.
        repository = git / f"r{number}.git"
        for name in ("objects", "refs/heads", "hooks"):
            (repository / name).mkdir(parents=True)
        (repository / "HEAD").write_text("ref: refs/heads/main\n")
        (repository / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    return git


@pytest.fixture
def serving(tmp_path: Path, folder: Path) -> Iterator[Served]:
    server = Served(tmp_path / "ci")
    server.configure(
        f"""
        [each.all]
        git = "{folder}/{{name}}.git"
        recipes.test = "sh test.sh"
        """
    )
    shared = tmp_path / "hooks"
    shared.mkdir()
    (shared / "post-receive").write_bytes(Path("hooks/post-receive").read_bytes())
    (shared / "post-receive").chmod(0o755)
    (shared / "ctci.conf").write_text(f"socket={server.place.socket}\nspool={server.place.spool}\n")
    yield server
    server.stop()


def push(upstream: Upstream, repository: Path, hooks: Path) -> str:
    hook = repository / "hooks" / "post-receive"
    if not hook.exists():
        hook.symlink_to(hooks / "post-receive")
    return upstream.git("push", str(repository), "main:refs/heads/main")


def test_a_push_to_any_of_200_siblings_is_built_under_its_own_name_and_so_is_a_new_one(
    serving: Served, upstream: Upstream, folder: Path, tmp_path: Path
) -> None:
    serving.start()
    told = [push(upstream, folder / f"r{number}.git", tmp_path / "hooks") for number in (0, 7, SIBLINGS - 1)]

    subprocess.run(["git", "init", "--quiet", "--bare", str(folder / "fresh.git")], check=True)
    told.append(push(upstream, folder / "fresh.git", tmp_path / "hooks"))

    runs = eventually(lambda: found if len(found := ledger.runs_(serving.db)) == 4 else None)
    for run in runs:
        _, job = ended(serving, run.id)
        assert (job.status, serving.log(run.id)) == (Status.SUCCEEDED, f"built in {run.project}\n")
    assert sorted(run.project for run in runs) == ["fresh", "r0", "r199", "r7"]
    assert all("ctci: " in each and "/runs/" in each for each in told)
    assert "fresh" in serving.ctci("status").stdout
    assert serving.get("config")[0] == 200


def test_a_saved_file_is_taken_over_and_a_broken_one_is_told_everywhere(served: Served) -> None:
    served.start()
    projects = served.config / "projects.toml"
    good = projects.read_text()

    projects.write_text(good.replace("recipes.test", "recipes.lint"))
    taken = eventually(lambda: "lint" in served.get("config")[1], 20)
    projects.write_text(good.replace("timeout", "timout"))
    told = eventually(lambda: "timout" in json.dumps(served.get("readyz")[1]), 20)
    pages = [served.get(path)[1] for path in ("", "runs", "queue", "deliveries")]
    page = served.get("config")[1]
    projects.write_text(good)
    mended = eventually(lambda: "have errors" not in served.get("")[1] and served.get("readyz")[0] == 200, 20)

    assert taken
    assert told
    assert mended
    assert all("The last change of the configuration has errors" in each for each in pages)
    assert "unknown key `timout`" in page
    assert "did you mean `timeout`?" in page
    assert "lint" in page


def test_the_page_of_the_configuration_says_when_it_was_read_and_what_was_noted(served: Served) -> None:
    noted = 'lfs = true\nbranches = ["*"]\n'
    (served.config / "projects.toml").write_text((served.config / "projects.toml").read_text() + noted)
    served.start()
    (served.config / "ctci.toml").write_text('titel = "Acme"\n')
    served.ctci("reload", check=False)

    page = eventually(lambda: said if "C101" in (said := served.get("config")[1]) else None)

    assert re.findall(r'(read|tried) <time datetime="2\d{3}-', page) == ["read", "tried"]
    assert "unknown key `titel`" in page
    assert "config/ctci.toml:1:1" in page
    assert re.search(r'C402 <span class="sub">warning</span>', page)
    assert re.search(r'C901 <span class="sub">note</span>', page)


@pytest.mark.parametrize("forge", sorted(calls.HEADERS))
def test_a_call_of_each_forge_is_believed_recorded_and_answered(tmp_path: Path, forge: str) -> None:
    """Each sample through the door of a real server: no 5xx, and a decision with a reason."""
    served = Served(tmp_path / "ci")
    path = {"bitbucket-dc": "scm/shop/shop"}.get(forge, "acme/shop")
    served.configure(
        f"""
        [projects.shop]
        git = "https://git.example.org/{path}.git"
        forge = "{forge}"
        webhook-secret = {{ file = "secret" }}
        recipes.test = "true"
        """
    )
    served.keep("secret", calls.SECRET)
    served.start()
    line = http.client.HTTPConnection(served.url.removeprefix("http://").rstrip("/"), timeout=10)
    statuses = {}
    for sample in sorted((calls.SAMPLES / forge).glob("*.json")):
        body = sample.read_bytes()
        line.request("POST", "/hooks/shop", body, calls.headers(forge, sample.stem, body))
        answer = line.getresponse()
        said = json.loads(answer.read())
        statuses[sample.stem] = answer.status
        assert answer.status < 500, (sample, said)
        assert answer.status == 400 or said["why"], (sample, said)
    line.close()
    db = served.db
    decisions = ledger.deliveries_(db, limit=200)
    served.stop()

    assert 202 in statuses.values()
    assert 401 not in statuses.values()
    assert all(each.reason for each in decisions)
    assert "Traceback" not in served.said()

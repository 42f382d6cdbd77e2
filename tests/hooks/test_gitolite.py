"""A real gitolite with our hook, as docs/forges/gitolite.md has it, and a real server that hears of the pushes.

No sshd: what ssh would do (call gitolite-shell with the user's name and nothing of the client's environment), a small
script does. It takes the name before the @ for the name that the key would have.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctci import ledger
from tests.pushing import ended
from tests.serving import Served

HOOK = Path(__file__).parents[2] / "hooks" / "post-receive"
SHELL = Path("/usr/share/gitolite3/gitolite-shell")
CONF = """\
repo gitolite-admin
    RW+ = admin

repo team/shop
    RW+ = ana
    R   = ctci
    option hook.post-receive = ctci
"""
WILD = """\
repo gitolite-admin
    RW+ = admin

repo CREATOR/[a-z]+
    C   = @all
    RW+ = CREATOR
    R   = ctci
"""

pytestmark = pytest.mark.skipif(
    shutil.which("gitolite") is None or not SHELL.exists(), reason="gitolite3 is not installed"
)


@dataclass
class Gitolite:
    """The home of gitolite's user, and a folder for the clones of those who push."""

    home: Path
    work: Path

    @property
    def local(self) -> Path:
        """gitolite's LOCAL_CODE."""
        return self.home / "local"

    def admin(self, *command: str) -> str:
        """A command on the server, as gitolite's user."""
        return _run(list(command), self.home, {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LC_ALL": "C"})

    def bare(self, name: str) -> Path:
        return self.home / "repositories" / f"{name}.git"

    def configure(self, conf: str) -> str:
        """The administrator's push of a configuration; what the administrator saw."""
        _, seen = self.push("admin", "gitolite-admin", "--force", files={"conf/gitolite.conf": conf}, branch="master")
        return seen

    def push(
        self, who: str, repository: str, *options: str, files: dict[str, str], branch: str = "main"
    ) -> tuple[str, str]:
        """Commit and push as `who`; the commit's id, and what the pusher saw."""
        clone = self.work / who / repository
        environ = self._client()
        if not clone.exists():
            clone.mkdir(parents=True)
            _run(["git", "init", "--quiet", f"--initial-branch={branch}"], clone, environ)
        for name, text in files.items():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_text(text)
        _run(["git", "add", "--all"], clone, environ)
        _run(["git", "commit", "--quiet", "--allow-empty", "-m", f"Change by {who}"], clone, environ)
        seen = _run(["git", "push", *options, f"{who}@git.example.org:{repository}", branch], clone, environ)
        return _run(["git", "rev-parse", "HEAD"], clone, environ).strip(), seen

    def _client(self) -> dict[str, str]:
        who = {
            f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CTCI_", "GL_"))},
            **who,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_SSH": str(self.work / "ssh"),
            "GIT_SSH_VARIANT": "simple",
        }


def _run(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}"
    return done.stdout


@pytest.fixture
def gitolite(tmp_path: Path) -> Gitolite:
    """Set up as docs/forges/gitolite.md says, but for the hook and its conf."""
    made = Gitolite(home=tmp_path / "git", work=tmp_path / "work")
    made.home.mkdir()
    made.work.mkdir()
    script = made.work / "ssh"
    script.write_text(
        "#!/bin/sh\n"
        f"exec env -i HOME={made.home} PATH=/usr/bin:/bin LOGNAME=git USER=git "
        f'SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22" '
        f'SSH_ORIGINAL_COMMAND="$2" {SHELL} "${{1%%@*}}"\n'
    )
    script.chmod(0o755)
    # What the setup makes of gitolite-admin is committed by somebody.
    settings = {"user.name": "git", "user.email": "git@example.org", "receive.advertisePushOptions": "true"}
    for name, value in settings.items():
        made.admin("git", "config", "--global", name, value)
    made.admin("gitolite", "setup", "-a", "admin")
    rc = made.home / ".gitolite.rc"
    text = rc.read_text()
    for commented in ('# LOCAL_CODE                =>  "$ENV{HOME}/local",', "# 'repo-specific-hooks',"):
        assert commented in text
        text = text.replace(commented, commented.removeprefix("# "))
    rc.write_text(text)
    for name in ("repo-specific", "common"):
        (made.local / "hooks" / name).mkdir(parents=True)
    return made


@pytest.fixture
def server(served: Served, gitolite: Gitolite) -> Served:
    """A server that fetches from gitolite's folder; started."""
    served.configure(
        f"""
        [projects.shop]
        git = "{gitolite.bare("team/shop")}"
        recipes.test = "sh test.sh"

        [projects.notes]
        git = "{gitolite.bare("bo/notes")}"
        recipes.test = "sh test.sh"
        """
    )
    served.start()
    return served


def install(folder: Path, name: str, server: Served) -> None:
    shutil.copy(HOOK, folder / name)
    (folder / name).chmod(0o755)
    (folder / "ctci.conf").write_text(f"socket={server.place.socket}\nspool={server.place.spool}\n")


def test_a_push_to_one_repository_is_built_and_has_gitolites_name_of_the_pusher(
    gitolite: Gitolite, server: Served
) -> None:
    install(gitolite.local / "hooks" / "repo-specific", "ctci", server)
    gitolite.configure(CONF)

    sha, seen = gitolite.push("ana", "team/shop", files={"test.sh": "exit 0\n"})

    run, _ = ended(server, 1)
    assert f"remote: ctci: shop main {sha[:7]}  1 job: test" in seen
    assert f"remote: ctci: {server.url}runs/1" in seen
    assert ("shop", "refs/heads/main", sha) == (run.project, run.ref, run.commit)
    assert run.status == "succeeded", server.log(1)
    (delivery,) = ledger.deliveries_(server.db)
    assert (delivery.project, delivery.pusher, delivery.decision) == ("shop", "ana", "queued")


def test_a_push_option_of_gitolites_user_is_heard(gitolite: Gitolite, server: Served) -> None:
    install(gitolite.local / "hooks" / "repo-specific", "ctci", server)
    gitolite.configure(CONF)

    _, seen = gitolite.push("ana", "team/shop", "--push-option=ci.skip", files={"test.sh": "exit 0\n"})

    run, _ = ended(server, 1)
    assert "remote: ctci: shop main" in seen
    assert (run.status, run.options) == ("skipped", ("ci.skip",))


def test_a_push_while_the_server_is_down_is_run_when_it_is_back(gitolite: Gitolite, server: Served) -> None:
    install(gitolite.local / "hooks" / "repo-specific", "ctci", server)
    gitolite.configure(CONF)
    server.stop()

    sha, seen = gitolite.push("ana", "team/shop", files={"test.sh": "exit 0\n"})
    server.start()

    run, _ = ended(server, 1)
    assert "queued on disk" in seen
    assert (sha, "succeeded") == (run.commit, run.status)


def test_a_repository_with_a_conf_of_its_own_has_another_projects_name(gitolite: Gitolite, server: Served) -> None:
    install(gitolite.local / "hooks" / "repo-specific", "ctci", server)
    gitolite.configure(CONF)
    (gitolite.bare("team/shop") / "ctci.conf").write_text(f"project=notes\nsocket={server.place.socket}\n")

    _, seen = gitolite.push("ana", "team/shop", files={"test.sh": "exit 0\n"})

    assert "remote: ctci: notes main" in seen


def test_a_common_hook_hears_of_a_wild_repository_from_its_first_push(gitolite: Gitolite, server: Served) -> None:
    install(gitolite.local / "hooks" / "common", "post-receive", server)
    gitolite.admin("gitolite", "setup", "--hooks-only")
    refused = gitolite.configure(WILD)

    sha, seen = gitolite.push("bo", "bo/notes", files={"test.sh": "exit 0\n"})

    run, _ = ended(server, 1)
    assert "ctci: not accepted by the server (HTTP 401)" in refused
    assert f"remote: ctci: notes main {sha[:7]}" in seen
    assert ("notes", sha, "succeeded") == (run.project, run.commit, run.status)
    assert run.pusher == "bo"

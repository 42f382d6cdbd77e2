"""A real bare repository with a clone to push from, untouched by anybody's own git configuration."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path


class Upstream:
    """A remote: `push({"core/test.sh": "exit 3"})` is all the set-up a test needs."""

    def __init__(self, folder: Path) -> None:
        for name, content in _new().items():
            path = folder / name
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.write_bytes(content)
        self.path = folder / "shop.git"
        self.clone = folder / "clone"
        with (self.clone / ".git" / "config").open("a") as config:
            config.write(f'[remote "origin"]\n\turl = "{self.path}"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n')

    def push(
        self, files: Mapping[str, str], *, branch: str = "main", message: str = "Change", force: bool = False
    ) -> str:
        """Commit the files on a branch and push it; the commit's id."""
        sha = self.commit(files, branch=branch, message=message)
        self.git("push", "--quiet", *(["--force"] if force else []), "origin", f"{branch}:refs/heads/{branch}")
        return sha

    def push_output(self, files: Mapping[str, str], *options: str, branch: str = "main") -> str:
        """Commit and push; what the pusher saw."""
        self.commit(files, branch=branch, message="Change")
        return self.git("push", *options, "origin", f"{branch}:refs/heads/{branch}")

    def commit(self, files: Mapping[str, str], *, branch: str = "main", message: str = "Change") -> str:
        # Where git's own files say it as well, git is not started: a test pushes often.
        if (self.clone / ".git" / "HEAD").read_text() != f"ref: refs/heads/{branch}\n":
            known = self.git("branch", "--list", branch).strip()
            self.git("checkout", "--quiet", *([] if known else ["-b"]), branch)
        for name, text in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return (self.clone / ".git" / "refs" / "heads" / branch).read_text().strip()

    def tag(self, name: str, *, annotated: bool = True) -> str:
        """Tag the clone's HEAD and push the tag; the id of the tag object, or of the commit for a light one."""
        self.git("tag", *(["-a", "-m", name] if annotated else []), "--", name)
        self.git("push", "--quiet", "origin", f"refs/tags/{name}")
        return self.git("rev-parse", f"refs/tags/{name}").strip()

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """What git said, on either stream; a failure fails the test."""
        return _git(*arguments, at=at or self.clone)


def _git(*arguments: str, at: Path) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CTCI_"))}
    done = subprocess.run(
        ["git", *arguments],
        cwd=at,
        env={**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}"
    return done.stdout


@cache
def _new() -> Mapping[str, bytes | None]:
    """An empty remote and an empty clone: files by name; a folder has no content, and stands before what is in it."""
    # No test waits for the disk or for git's housekeeping.
    settings = {"core.fsync": "none", "gc.auto": "0", "maintenance.auto": "false", "receive.autogc": "false"}
    author = {"user.name": "Ana Ruiz", "user.email": "ana@example.org"}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, bare in (("shop.git", True), ("clone", False)):
            options = ["--bare"] if bare else []
            _git("init", "--quiet", *options, "--initial-branch=main", "--template=", name, at=folder)
            for key, value in (settings if bare else settings | author).items():
                _git("config", key, value, at=folder / name)
            (folder / name / ("hooks" if bare else ".git/hooks")).mkdir()
        return {
            str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
            for path in sorted(folder.rglob("*"))
        }

"""A real bare repository with a clone to push from, untouched by anybody's own git configuration."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


class Upstream:
    """A remote: `push({"core/test.sh": "exit 3"})` is all the set-up a test needs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "shop.git"
        self.clone = folder / "clone"
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CTCI_"))},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.path), at=folder)
        self.git("init", "--quiet", "--initial-branch=main", str(self.clone), at=folder)
        self.git("remote", "add", "origin", str(self.path))
        for name, value in (("user.name", "Ana Ruiz"), ("user.email", "ana@example.org")):
            self.git("config", name, value)

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
        known = self.git("branch", "--list", branch).strip()
        current = self.git("branch", "--show-current").strip()
        if branch != current:
            self.git("checkout", "--quiet", *([] if known else ["-b"]), branch)
        for name, text in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def tag(self, name: str, *, annotated: bool = True) -> str:
        """Tag the clone's HEAD and push the tag; the id of the tag object, or of the commit for a light one."""
        self.git("tag", *(["-a", "-m", name] if annotated else []), "--", name)
        self.git("push", "--quiet", "origin", f"refs/tags/{name}")
        return self.git("rev-parse", f"refs/tags/{name}").strip()

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """What git said, on either stream; a failure fails the test."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=at or self.clone,
            env=self._environ,
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

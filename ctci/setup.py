"""Installs the post-receive hook into a repository on this machine, beside what is there and never over it."""

import os
import shutil
import subprocess
from pathlib import Path

HOOK = Path(__file__).with_name("post-receive")
#: What our own hook has in its second line.
SIGN = "ctci's post-receive hook"
DISPATCHER = """\
#!/bin/sh
# ctci: every hook in post-receive.d hears of the push; none of them can fail it.
lines=$(mktemp "${TMPDIR:-/tmp}/post-receive.XXXXXX") || exit 0
trap 'rm -f "$lines"' EXIT
cat >"$lines"
for hook in "$(dirname "$0")"/post-receive.d/*; do
    [ -x "$hook" ] && "$hook" <"$lines"
done
exit 0
"""


class SetupError(Exception):
    """The hook cannot be installed; the message says why and what helps."""


def install_hook(
    repository: Path,
    *,
    project: str,
    socket: Path | None,
    url: str | None,
    secret_file: Path | None,
    spool: Path | None,
    chain: bool = False,
) -> tuple[str, ...]:
    """Install or renew the hook of a repository; what was done, in sentences. Raises SetupError."""
    git_dir = git_folder(repository)
    hooks = hooks_folder(git_dir)
    done: list[str] = []
    hooks.mkdir(exist_ok=True)
    target = hooks / "post-receive"
    folder = hooks / "post-receive.d"
    if target.exists() and not is_ours(target):
        if folder.is_dir():
            # Gitea's and Forgejo's own hook runs what lies in this folder.
            target = folder / "ctci"
        elif not chain:
            raise SetupError(f"{target} is there already and is not ctci's; with --chain it is kept and both run")
        else:
            folder.mkdir()
            target.rename(folder / "10-before-ctci")
            target.write_text(DISPATCHER)
            target.chmod(0o755)
            done.append(f"kept the hook that was there as {folder / '10-before-ctci'}")
            target = folder / "50-ctci"
    new = target.with_name(f".{target.name}.new")
    shutil.copyfile(HOOK, new)
    new.chmod(0o755)
    new.rename(target)
    done.append(f"installed {target}")
    _write_conf(git_dir / "ctci.conf", project=project, socket=socket, url=url, secret_file=secret_file, spool=spool)
    done.append(f"wrote {git_dir / 'ctci.conf'}")
    _git(git_dir, "config", "receive.advertisePushOptions", "true")
    done.append("push options are on: git push -o ci.skip")
    return tuple(done)


def _write_conf(path: Path, **entries: object) -> None:
    lines = [f"{name.replace('_', '-')}={value}\n" for name, value in entries.items() if value is not None]
    if any("\n" in line[:-1] for line in lines):
        raise SetupError("a name or path with a line break cannot stand in ctci.conf")
    path.write_text("".join(lines))
    path.chmod(0o644)


def is_ours(hook: Path) -> bool:
    """Whether a hook is ctci's own."""
    try:
        return SIGN in hook.read_text(errors="replace")[:200]
    except OSError:
        return False


def git_folder(repository: Path) -> Path:
    """The folder of a repository that a push goes into. Raises SetupError."""
    said = _git(repository, "rev-parse", "--absolute-git-dir", fail=False) if repository.is_dir() else ""
    if not said:
        raise SetupError(f"{repository} is not a git repository")
    return Path(said)


def hooks_folder(git_dir: Path) -> Path:
    """Where git looks for the repository's hooks. Raises SetupError where that is another's."""
    configured = _git(git_dir, "config", "core.hooksPath", fail=False)
    if not configured:
        return git_dir / "hooks"
    folder = (git_dir / Path(configured).expanduser()).resolve()
    if git_dir.resolve() not in folder.parents:
        raise SetupError(
            f"core.hooksPath sends git to {folder}, which is not this repository's alone; "
            f"unset it for this repository, or copy {HOOK.name} there yourself"
        )
    return folder


def _git(folder: Path, *arguments: str, fail: bool = True) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Root installs into a repository of the user git.
    safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**environ, **safe},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if fail and done.returncode:
        raise SetupError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip() if done.returncode == 0 else ""

"""The git command, as it is run for network remotes: environment from nothing, own process group, a deadline.

No token stands in a command line, no token or password in a message; one that is killed leaves no file behind.
"""

import base64
import contextlib
import os
import re
import select
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ctci import clock

#: How often a running git is asked whether it should stop, seconds.
POLL_S = 0.1
#: In the environment of every git that works on a mirror, so that those of a killed server are found.
MIRROR = "CTCI_MIRROR"
#: What is said of a git that was ended because somebody wanted it.
STOPPED = "stopped"
#: What git printed is believed whole or not at all; more than this is not read, bytes.
MOST_BYTES = 64 << 20
#: Of what it said about a failure so much is read, bytes.
TOLD_BYTES = 1 << 20
#: Guards `_running`, and holds while a git is started: who asks for it misses none.
_starting = threading.Lock()
_running: set[int] = set()
_PASSWORD = re.compile(r"(?<=://)[^/\s]+@")
#: Lines that say nothing of what is wrong.
_NOISE = ("Please make sure", "and the repository exists", "Warning: Permanently added", "@@@", "hint:")


class GitError(Exception):
    """git's own sentence, fit to be shown: no address in it has a user or password."""

    def __init__(self, message: str, *, kind: str = "unreachable") -> None:
        super().__init__(redact(message))
        #: `unreachable`: may succeed later; `missing`: the remote has no such thing; `refused`: never will.
        self.kind = kind


@dataclass(frozen=True, kw_only=True)
class Access:
    """A remote with what opens it, resolved."""

    url: str
    #: Alone, or as USER:TOKEN where the forge wants a name of its own with it.
    token: str | None = None
    ssh_key: Path | None = None
    #: Host keys; with `pinned` a file of ours, into which the first key seen is written.
    known_hosts: Path = Path("/dev/null")
    pinned: bool = True
    ca_file: Path | None = None

    @property
    def local(self) -> Path | None:
        """The folder of a repository on this machine, or None for a network remote."""
        if self.url.startswith("file://"):
            return Path(self.url.removeprefix("file://"))
        return Path(self.url) if self.url.startswith("/") else None


def redact(text: str) -> str:
    """The text with users and passwords of addresses left out."""
    return _PASSWORD.sub("", text)


def version() -> str:
    """What the git command says of itself; raises GitError where there is none."""
    try:
        return subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise GitError(f"the git command does not run: {error}", kind="refused") from error


def safe_flags(*, local: bool = False) -> list[str]:
    """Flags before the verb: only these protocols, no hooks, no helpers, limits on a slow remote."""
    allowed = ("https", "http", "ssh", "git", *(("file",) if local else ()))
    settings = [
        "protocol.allow=never",
        *(f"protocol.{name}.allow=always" for name in allowed),
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "gc.auto=0",
        "maintenance.auto=false",
        "fetch.fsckObjects=true",
        "http.lowSpeedLimit=1000",
        "http.lowSpeedTime=30",
        "http.followRedirects=initial",
        "credential.helper=",
    ]
    return [part for setting in settings for part in ("-c", setting)]


def environment(access: Access, gitconfig: str) -> dict[str, str]:
    """From nothing: nothing of the server's reaches git, and git finds nobody's configuration."""
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        # No ~/.netrc, no ~/.config: git has no home.
        "HOME": "/nonexistent",
        "LANG": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": gitconfig,
        "GIT_SSH_COMMAND": _ssh(access),
    }
    if access.token is not None:
        env |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {_basic(access.token)}",
        }
    if access.ca_file is not None:
        env["GIT_SSL_CAINFO"] = str(access.ca_file)
    return env


def _basic(token: str) -> str:
    """As user and password: GitHub, Gitea and GitLab take a token so, whatever the user is called."""
    login = token if ":" in token else f"x-access-token:{token}"
    return base64.b64encode(login.encode()).decode()


def _ssh(access: Access) -> str:
    parts = ["ssh", "-F", "none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
    parts += ["-o", f"StrictHostKeyChecking={'accept-new' if access.pinned else 'yes'}"]
    # ssh takes more than one file there, and signs for its own values.
    known = str(access.known_hosts).replace("%", "%%")
    parts += ["-o", f'UserKnownHostsFile="{known}"']
    if access.ssh_key is not None:
        parts += ["-i", str(access.ssh_key)]
    return " ".join("'" + part.replace("'", "'\\''") + "'" for part in parts)


def run(
    access: Access,
    arguments: Sequence[str],
    *,
    deadline_s: float,
    stop: Callable[[], bool],
    extra_env: Mapping[str, str] | None = None,
    worker: str = "the remote",
    nice: int = 0,
) -> str:
    """What git printed, whole. Raises GitError; at the deadline or when `stop` says so, its whole group is ended.

    `worker` is who is said not to have finished.
    """
    with (
        os.fdopen(os.memfd_create("gitconfig"), "wb") as gitconfig,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        # upload-pack reads safe.directory from a file only.
        gitconfig.write(b"[safe]\n\tdirectory = *\n")
        gitconfig.flush()
        flags = safe_flags(local=access.local is not None)
        with _starting:
            process = subprocess.Popen(
                ["git", *flags, *arguments],
                env={**environment(access, f"/proc/self/fd/{gitconfig.fileno()}"), **(extra_env or {})},
                pass_fds=[gitconfig.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                # Not among what is parsed: progress, advice and warnings come with success too.
                stderr=err,
                start_new_session=True,
            )
            _running.add(process.pid)
        try:
            if nice:
                # What it starts from here on inherits it.
                with contextlib.suppress(ProcessLookupError):
                    os.setpriority(os.PRIO_PROCESS, process.pid, nice)
            why = _wait(process, deadline_s, stop, worker)
        finally:
            with _starting:
                _running.discard(process.pid)
        if why is not None:
            raise GitError(why)
        if process.returncode:
            said = "\n".join(_read(access, each, TOLD_BYTES) for each in (out, err))
            raise GitError(_sentence(said) or f"git ended with {process.returncode}", kind=_kind(said))
        printed = os.fstat(out.fileno()).st_size
        if printed > MOST_BYTES:
            # Half of an answer would be taken for the whole.
            raise GitError(f"git printed {printed >> 20} MB, more than is read", kind="refused")
        return _read(access, out, MOST_BYTES)


def _read(access: Access, file: IO[bytes], most: int) -> str:
    file.seek(0)
    return _without(access.token, file.read(most).decode(errors="replace").strip())


def running() -> frozenset[int]:
    """The pids of the git commands that this process has started and not buried yet; waits for one that starts."""
    with _starting:
        return frozenset(_running)


def end_orphans(mirror: Path) -> None:
    """KILL what a killed server left at work on a mirror; to be called by who holds the mirror's lock."""
    needle = f"{MIRROR}={mirror.absolute()}".encode()
    end = clock.monotonic() + 5.0
    # Again until none is found: what is killed may just have started another.
    while sum(_ended(entry, needle) for entry in filter(str.isdigit, os.listdir("/proc"))) and clock.monotonic() < end:
        pass


def _ended(pid: str, needle: bytes) -> bool:
    """Whether this process had the variable and so was killed, or cannot tell yet."""
    # Gone meanwhile, or another user's.
    with contextlib.suppress(OSError):
        pidfd = os.pidfd_open(int(pid))
        try:
            # Read after the number is pinned, so that the kill hits whose environment it was.
            if needle in Path("/proc", pid, "environ").read_bytes().split(b"\0"):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                poller = select.poll()
                poller.register(pidfd, select.POLLIN)
                poller.poll(5_000)
                return True
            # In the midst of exec a process has a program, but neither arguments nor environment.
            return not Path("/proc", pid, "cmdline").read_bytes() and bool(os.readlink(f"/proc/{pid}/exe"))
        finally:
            os.close(pidfd)
    return False


def _wait(process: subprocess.Popen[bytes], deadline_s: float, stop: Callable[[], bool], worker: str) -> str | None:
    """None when git has ended by itself, else why it was ended."""
    end = clock.monotonic() + deadline_s
    try:
        while True:
            try:
                process.wait(POLL_S)
            except subprocess.TimeoutExpired:
                if clock.monotonic() > end:
                    return f"{worker} did not finish within {deadline_s:.0f} s"
                if stop():
                    return STOPPED
            else:
                return None
    finally:
        # However this ends, nobody works on.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


#: What a token's other half is called where the forge does not care, or says so: no secrets, and words of git's own.
_KNOWN = ("x-access-token", "x-token-auth", "x-oauth-basic", "oauth2")
#: A shorter half is no secret, but stands in many words.
_SECRET_FROM = 4


def _without(token: str | None, said: str) -> str:
    """What git said, if the remote sent back the token that it was given."""
    if not token:
        return said
    user, _, password = token.partition(":")
    halves = [half for half in (user, password) if len(half) >= _SECRET_FROM and half not in _KNOWN]
    # Either may be the token: `TOKEN:x-oauth-basic`. The longer first: the shorter may stand in it.
    for secret in (token, _basic(token), *sorted(halves, key=len, reverse=True)):
        said = said.replace(secret, "[token]")
    return said


def _sentence(said: str) -> str:
    """The lines that say what is wrong, without git's advice."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(_NOISE)]
    wrong = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))] or lines[-2:]
    for number, line in enumerate(lines):
        # ssh says why on the line before.
        if line.startswith("fatal: Could not read from remote repository"):
            wrong = lines[max(0, number - 1) : number + 1]
    return "; ".join(line.removeprefix("fatal: ") for line in wrong[:3])


def _kind(said: str) -> str:
    text = said.lower()
    if "transport" in text and "not allowed" in text:
        return "refused"
    if "couldn't find remote ref" in text or "not our ref" in text or "unadvertised object" in text:
        return "missing"
    return "unreachable"

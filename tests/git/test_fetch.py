"""Mirrors of real repositories: fetched, killed in the midst of it, broken, stuck, and named by strangers."""

import base64
import contextlib
import http.server
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import clock, git
from ctci.git import command, mirrors
from ctci.model import HEADS, TAGS
from ctci.run import workspace
from tests import make
from tests.eventually import eventually
from tests.run import jobs
from tests.run.test_workspace import run
from tests.upstream import Upstream

ROOT = Path(__file__).parents[2]


def fetch(mirror: Path, url: str | Path, commit: str | None = None, *, deadline_s: float = 20.0) -> git.Fetched:
    access = git.Access(url=str(url))
    return git.fetch(mirror, access, commit=commit, ref="refs/heads/main", deadline_s=deadline_s, stop=lambda: False)


def leftovers(mirror: Path) -> list[str]:
    """Files that are neither packs nor objects nor refs."""
    objects = {each.name for each in (mirror / "objects").rglob("*") if each.is_file()}
    tidy = {name for name in objects if name.startswith("pack-") or len(name) == 38}
    return sorted(objects - tidy) + [each.name for each in mirror.rglob("*.lock")]


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's repositories by `git daemon` on loopback: the address before their names."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    daemon = subprocess.Popen(
        [
            *("git", "daemon", "--reuseaddr", "--export-all", "--listen=127.0.0.1", f"--port={port}"),
            *(f"--base-path={folder}", str(folder)),
        ],
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def answers() -> bool:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True

    try:
        eventually(answers)
        yield f"git://127.0.0.1:{port}"
    finally:
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()


# --- what a fetch brings


def test_a_fetch_brings_branches_and_tags_and_what_head_points_to(upstream: Upstream, mirror: Path) -> None:
    main = upstream.push({"a": "1"})
    tag = upstream.tag("v1")
    other = upstream.push({"a": "2"}, branch="topic/x")

    fetched = fetch(mirror, upstream.path, other)

    assert git.Fetched(healed=None, default_branch="main") == fetched
    heads = [git.head(mirror, ref) for ref in ("refs/heads/main", "refs/heads/topic/x", "refs/tags/v1")]
    assert [main, other, tag] == heads
    assert None is git.head(mirror, "refs/heads/absent")


def test_a_branch_that_is_gone_is_gone_here_too(upstream: Upstream, mirror: Path) -> None:
    upstream.push({"a": "1"})
    upstream.push({"a": "2"}, branch="topic")
    fetch(mirror, upstream.path)
    upstream.git("push", "--quiet", "origin", ":refs/heads/topic")

    fetch(mirror, upstream.path)

    assert None is git.head(mirror, "refs/heads/topic")


def test_a_network_remote_brings_the_same(upstream: Upstream, mirror: Path, tmp_path: Path) -> None:
    main = upstream.push({"a": "1"})
    tag = upstream.tag("v1")

    with served(tmp_path) as address:
        fetch(mirror, f"{address}/shop.git", main)
        told = git.ask(git.Access(url=f"{address}/shop.git"), deadline_s=10, stop=lambda: False)

    assert (main, tag) == (git.head(mirror, "refs/heads/main"), git.head(mirror, "refs/tags/v1"))
    assert told == git.Told(refs={"refs/heads/main": (main,), "refs/tags/v1": (tag, main)}, default_branch="main")


def test_what_head_points_to_is_asked_of_a_network_remote_once(
    upstream: Upstream, mirror: Path, tmp_path: Path
) -> None:
    upstream.git("symbolic-ref", "HEAD", "refs/heads/trunk", at=upstream.path)
    upstream.push({"a": "1"}, branch="trunk")
    with pytest.raises(git.GitError):
        fetch(mirror, "git://127.0.0.1:1/shop.git")

    with served(tmp_path) as address:
        told = [fetch(mirror, f"{address}/shop.git").default_branch for _ in range(2)]

    assert told == ["trunk", None]


def test_a_branch_whose_name_is_not_utf_8_is_one_among_others(upstream: Upstream, mirror: Path, tmp_path: Path) -> None:
    sha = upstream.push({"a": "1"})
    odd = b"refs/heads/caf\xe9"
    subprocess.run([b"git", b"update-ref", odd, sha.encode()], cwd=upstream.path, check=True)

    with served(tmp_path) as address:
        healed = [fetch(mirror, url, sha).healed for url in (upstream.path, f"{address}/shop.git")]
    git.lay(tmp_path / "slot.git", mirror, tmp_path / "worktree", sha, "refs/heads/main")

    assert healed == [None, None]
    assert b"refs/remotes/origin/caf\xe9" in (tmp_path / "slot.git" / "packed-refs").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a repository away")
def test_a_repository_of_another_user_is_fetched(upstream: Upstream, mirror: Path) -> None:
    upstream.push({"a": "1"})
    lost = upstream.push({"a": "2"})
    upstream.git("update-ref", "refs/heads/main", "HEAD~", at=upstream.path)
    upstream.git("config", "uploadpack.allowAnySHA1InWant", "true", at=upstream.path)
    for each in (upstream.path, *upstream.path.rglob("*")):
        os.chown(each, 4321, 4321)

    fetch(mirror, upstream.path, lost)
    told = git.ask(git.Access(url=str(upstream.path)), deadline_s=10, stop=lambda: False)

    assert {"refs/heads/main": (git.head(mirror, "refs/heads/main"),)} == told.refs
    assert lost == git.commit(mirror, lost).sha


def test_a_remote_that_is_not_there_is_unreachable(mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(git.GitError, match="is not there") as refused:
        fetch(mirror, tmp_path / "nothing.git")

    assert refused.value.kind == "unreachable"


@pytest.mark.parametrize("network", [False, True])
def test_a_commit_is_had_by_its_id_after_a_force_push(
    upstream: Upstream, mirror: Path, tmp_path: Path, *, network: bool
) -> None:
    upstream.push({"a": "1"})
    lost = upstream.push({"a": "2"})
    upstream.git("reset", "--quiet", "--hard", "HEAD~")
    tip = upstream.push({"a": "3"}, force=True)
    upstream.git("config", "uploadpack.allowAnySHA1InWant", "true", at=upstream.path)

    with served(tmp_path) as address:
        fetch(mirror, f"{address}/shop.git" if network else upstream.path, lost)

    assert tip == git.head(mirror, "refs/heads/main")
    assert lost == git.commit(mirror, lost).sha


@pytest.mark.parametrize("network", [False, True])
def test_a_commit_that_the_remote_does_not_have_is_missing(
    upstream: Upstream, mirror: Path, tmp_path: Path, *, network: bool
) -> None:
    upstream.push({"a": "1"})

    with served(tmp_path) as address, pytest.raises(git.GitError) as refused:
        fetch(mirror, f"{address}/shop.git" if network else upstream.path, make.sha(9))

    assert refused.value.kind == "missing"
    assert f"the remote has no commit {make.sha(9)[:12]} any more (refs/heads/main moved on)" == str(refused.value)


@pytest.mark.parametrize("scheme", ["ext::sh -c 'touch pwned'", "file:///", "fd::0"])
def test_an_address_that_would_run_something_is_refused(mirror: Path, scheme: str) -> None:
    with pytest.raises(git.GitError):
        fetch(mirror, scheme)

    assert not (mirror / "pwned").exists()


# --- what a crash leaves


def kill_fifty(mirror: Path, upstream: Path, url: str) -> None:
    """Kill a fetch at a random moment, then fetch, fifty times; prints how many were in the midst of it.

    In a process of its own, which has no threads and may fork.
    """
    git.setup()
    tips = (upstream / "tips").read_text().split()
    chance = random.Random(4)
    main = upstream / "refs" / "heads" / "main"
    began = time.monotonic()
    fetch(mirror, url, tips[0])
    whole_s = time.monotonic() - began
    killed = 0
    for tip in tips[1:]:
        main.write_text(f"{tip}\n")
        pid = os.fork()
        if pid == 0:
            fetch(mirror, url, tip)
            os._exit(0)
        select_s = chance.uniform(0, whole_s)
        time.sleep(select_s)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
        fetch(mirror, url, tip)
        assert tip == git.head(mirror, "refs/heads/main"), tip
        assert not leftovers(mirror), leftovers(mirror)
    print(killed)  # noqa: T201 - the answer


def grown(upstream: Upstream) -> None:
    """51 commits of 60 new files each; main stands at the first."""
    chance = random.Random(5)
    mark = []
    for number in range(51):
        data = "".join(
            f"M 100644 inline d{number % 7}/f{each}\ndata 800\n{chance.randbytes(400).hex()}\n" for each in range(60)
        )
        who = f"Ana <ana@example.org> {1_700_000_000 + number} +0000"
        mark.append(f"commit refs/heads/all\nmark :{number + 1}\ncommitter {who}\ndata 1\nx\n{data}\n")
    stream = "".join(mark).encode()
    subprocess.run(["git", "fast-import", "--quiet"], cwd=upstream.path, input=stream, check=True)
    tips = upstream.git("rev-list", "--reverse", "refs/heads/all", at=upstream.path).split()
    upstream.git("update-ref", "-d", "refs/heads/all", at=upstream.path)
    (upstream.path / "tips").write_text("\n".join(tips))
    (upstream.path / "refs" / "heads" / "main").write_text(f"{tips[0]}\n")


@pytest.mark.parametrize("network", [False, True])
def test_a_fetch_that_was_killed_at_any_moment_does_not_hinder_the_next(
    upstream: Upstream, mirror: Path, tmp_path: Path, *, network: bool
) -> None:
    grown(upstream)
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    with served(tmp_path) as address:
        url = f"{address}/shop.git" if network else str(upstream.path)
        code = "import sys, pathlib; from tests.git import test_fetch as t; "
        code += "t.kill_fifty(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3])"
        done = subprocess.run(
            [sys.executable, "-c", code, str(mirror), str(upstream.path), url],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(scratch)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stderr) == (0, "")
    assert list(scratch.iterdir()) == []
    assert int(done.stdout) >= 20
    assert list(mirror.parent.glob("*.broken-*")) == []
    upstream.git("fsck", "--strict", at=mirror)


def test_a_git_that_a_killed_server_left_is_ended_before_the_next_fetch(
    upstream: Upstream, mirror: Path, tmp_path: Path, trickle: str
) -> None:
    sha = upstream.push({"a": "1"})
    code = "import sys, pathlib; from tests.git import test_fetch as t; "
    code += "t.fetch(pathlib.Path(sys.argv[1]), sys.argv[2])"
    life = subprocess.Popen([sys.executable, "-c", code, str(mirror), f"http://{trickle}/shop.git"], cwd=ROOT)
    # git itself, and then what it starts for http.
    eventually(lambda: jobs.alive(f"git\0remote-http\0http://{trickle}"))
    life.kill()
    life.wait()
    orphans = jobs.alive(trickle)

    with served(tmp_path) as address:
        fetch(mirror, f"{address}/shop.git", sha)

    assert orphans
    assert eventually(lambda: not jobs.alive(trickle))
    assert sha == git.head(mirror, "refs/heads/main")


def test_locks_and_half_packs_of_a_crash_are_removed(upstream: Upstream, mirror: Path) -> None:
    upstream.push({"a": "1"})
    fetch(mirror, upstream.path)
    left = [
        *("packed-refs.lock", "HEAD.lock", "config.lock", "shallow.lock", "refs/remotes/origin/main.lock"),
        *(f"objects/pack/{name}" for name in ("tmp_pack_a1b2c3", "tmp_idx_a1b2c3", "tmp_rev_a1b2c3", "pack_git2_a1b2")),
        *(f"objects/{name}" for name in ("tmp_obj_a1b2c3", "tmp_object_git2_a1b2c3")),
    ]
    for name in left:
        (mirror / name).write_text("half")
    tip = upstream.push({"a": "2"})

    fetched = fetch(mirror, upstream.path, tip)

    assert None is fetched.healed
    assert tip == git.head(mirror, "refs/heads/main")
    assert [name for name in left if (mirror / name).exists()] == []


def test_a_fetch_killed_between_the_names_of_index_and_pack_leaves_no_broken_mirror(
    upstream: Upstream, mirror: Path
) -> None:
    first = upstream.push({"a": "1"})
    fetch(mirror, upstream.path, first)
    before = set((mirror / "objects" / "pack").iterdir())
    second = upstream.push({"a": "2"})
    fetch(mirror, upstream.path, second)
    index, pack = sorted(set((mirror / "objects" / "pack").iterdir()) - before)
    # As libgit2 leaves it: the index is linked to its name first, the refs come last.
    pack.rename(pack.with_name("pack_git2_90db11f7b60af8be"))
    upstream.git("update-ref", "refs/remotes/origin/main", first, at=mirror)

    fetched = fetch(mirror, upstream.path, second)

    assert None is fetched.healed
    assert index.suffix == ".idx"
    assert second == git.commit(mirror, second).sha
    assert leftovers(mirror) == []
    upstream.git("fsck", "--strict", at=mirror)


def test_an_index_whose_pack_was_lost_is_a_broken_mirror_whatever_else_is_left(
    upstream: Upstream, mirror: Path
) -> None:
    fetch(mirror, upstream.path, upstream.push({"a": "1"}))
    (lost,) = (mirror / "objects" / "pack").glob("*.pack")
    tip = upstream.push({"a": "2"})
    fetch(mirror, upstream.path, tip)
    lost.unlink()
    (mirror / "objects" / "pack" / "pack_git2_90db11f7b60af8be").write_bytes(b"another's half" * 9)
    (mirror / "objects" / "pack" / "pack_git2_short").write_bytes(b"short")

    fetched = fetch(mirror, upstream.path, tip)

    assert fetched.healed is not None
    assert f"{lost.name} is not what its index was made of" in fetched.healed


def truncate_packs(mirror: Path) -> None:
    packs = list((mirror / "objects" / "pack").glob("*.pack"))
    assert packs
    for each in packs:
        each.chmod(0o600)
        os.truncate(each, each.stat().st_size // 2)


def garble_head(mirror: Path) -> None:
    (mirror / "HEAD").write_bytes(b"\0\xff nonsense")


def be_no_repository(mirror: Path) -> None:
    (mirror / "HEAD").unlink()


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize("harm", [truncate_packs, garble_head, be_no_repository])
def test_a_broken_mirror_is_set_aside_and_cloned_anew(
    upstream: Upstream, mirror: Path, tmp_path: Path, harm: object, *, network: bool
) -> None:
    sha = upstream.push({f"f{number}": str(number) for number in range(150)})
    assert callable(harm)

    with served(tmp_path) as address:
        url = f"{address}/shop.git" if network else str(upstream.path)
        fetch(mirror, url, sha)
        harm(mirror)
        fetched = fetch(mirror, url, sha)

    (aside,) = mirror.parent.glob("shop.git.broken-*")
    assert fetched.healed is not None
    assert f"it was set aside as {aside.name} and cloned anew" in fetched.healed
    assert sha == git.commit(mirror, sha).sha
    upstream.git("fsck", at=mirror)


@pytest.mark.parametrize("network", [False, True])
def test_lost_objects_are_had_again(upstream: Upstream, mirror: Path, tmp_path: Path, *, network: bool) -> None:
    sha = upstream.push({f"f{number}": str(number) for number in range(150)})
    with served(tmp_path) as address:
        url = f"{address}/shop.git" if network else str(upstream.path)
        fetch(mirror, url, sha)
        for each in (mirror / "objects").rglob("*"):
            if each.is_file():
                each.unlink()

        fetch(mirror, url, sha)

    assert sha == git.commit(mirror, sha).sha
    upstream.git("fsck", at=mirror)


@pytest.mark.parametrize("network", [False, True])
def test_a_mirror_is_kept_where_the_remote_is_what_is_broken(
    upstream: Upstream, mirror: Path, tmp_path: Path, *, network: bool
) -> None:
    first = upstream.push({"a": "1"})
    fetch(mirror, upstream.path, first)
    second = upstream.push({"a": "2"})
    tree = upstream.git("rev-parse", "HEAD^{tree}").strip()
    (upstream.path / "objects" / tree[:2] / tree[2:]).unlink()

    with served(tmp_path) as address, pytest.raises(git.GitError) as refused:
        fetch(mirror, f"{address}/shop.git" if network else upstream.path, second)

    assert refused.value.kind == "unreachable"
    assert list(mirror.parent.glob("*.broken-*")) == []
    assert first == git.commit(mirror, first).sha


def test_of_broken_mirrors_only_the_last_is_kept(upstream: Upstream, mirror: Path) -> None:
    sha = upstream.push({"a": "1"})
    fetch(mirror, upstream.path)
    other = mirror.with_name("shop.git.broken")
    other.mkdir()

    for _ in range(3):
        garble_head(mirror)
        healed = fetch(mirror, upstream.path, sha).healed

    (aside,) = mirror.parent.glob("*.broken-*")
    assert healed is not None
    assert aside.name in healed
    assert other.exists()


# --- remotes that are stuck


@pytest.fixture
def trickle() -> Iterator[str]:
    """A remote that accepts, and sends a byte now and then; its address."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        connections = []
        with contextlib.suppress(OSError):
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = listener.accept()
                    asked = connection.recv(1000)
                    connection.send(b"HTTP/1.1 200 OK\r\nX: " if asked.startswith(b"GET") else b"fff0")
                    connections.append(connection)
                for each in connections:
                    with contextlib.suppress(OSError):
                        each.send(b"0")
        for each in connections:
            each.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


@pytest.mark.parametrize("scheme", ["http", "git"])
def test_a_stuck_remote_is_ended_by_the_deadline(mirror: Path, trickle: str, scheme: str) -> None:
    with pytest.raises(git.GitError, match="the remote did not finish within 1 s") as refused:
        fetch(mirror, f"{scheme}://{trickle}/shop.git", deadline_s=1.0)

    assert refused.value.kind == "unreachable"
    assert eventually(lambda: not jobs.alive(trickle))


def test_a_stuck_remote_is_ended_by_stop(mirror: Path, trickle: str) -> None:
    access = git.Access(url=f"http://{trickle}/shop.git")

    with pytest.raises(git.GitError, match="stopped"):
        git.fetch(mirror, access, commit=None, ref=None, deadline_s=60, stop=lambda: bool(jobs.alive(trickle)))

    assert eventually(lambda: not jobs.alive(trickle))


def test_a_commit_is_not_called_missing_by_a_remote_that_never_said_so(mirror: Path, trickle: str) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", str(mirror)], check=True)
    access = git.Access(url=f"http://{trickle}/shop.git")

    with pytest.raises(git.GitError, match="did not finish") as refused:
        mirrors._by_id(mirror, access, make.sha(9), None, clock.monotonic() + 0.3, lambda: False)

    assert refused.value.kind == "unreachable"


def test_no_password_of_an_address_is_in_the_words_of_a_failure(mirror: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(git.GitError) as refused:
        fetch(mirror, f"http://ana:hunter2@127.0.0.1:{port}/shop.git")

    assert "hunter2" not in str(refused.value)
    assert command.redact("http://ana:hunter2@x/y") == "http://x/y"
    assert command.redact("'http://ana:hun@ter2@x/y' and a@b") == "'http://x/y' and a@b"


class _Asked(http.server.BaseHTTPRequestHandler):
    """Refuses everybody, and sends back what opened it."""

    server: "_Asker"

    def do_GET(self) -> None:
        said = self.headers.get("Authorization", "")
        self.server.heard.append(said)
        self.server.seen += [Path("/proc", str(pid), "cmdline").read_text() for pid in jobs.alive("git")]
        login = base64.b64decode(said.partition(" ")[2]).decode()
        body = f"you sent {said} which is {login} or {' '.join(login.split(':'))}\n".encode()
        self.send_response(403)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not into the test's output."""


class _Asker(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.heard: list[str] = []
        self.seen: list[str] = []


@pytest.mark.parametrize(
    ("secret", "login"),
    [
        ("hunter2-token", "x-access-token:hunter2-token"),
        ("x-token-auth:hunter2-token", "x-token-auth:hunter2-token"),
        ("hunter2-token:x-oauth-basic", "hunter2-token:x-oauth-basic"),
        ("hunter2-token:x", "hunter2-token:x"),
        # Each alone is a secret, and the one stands in the other.
        ("hunter2:hunter2-token", "hunter2:hunter2-token"),
    ],
)
def test_a_token_reaches_the_remote_and_no_command_line_and_no_words(mirror: Path, secret: str, login: str) -> None:
    with _Asker() as asker:
        thread = threading.Thread(target=asker.serve_forever)
        thread.start()
        access = git.Access(url=f"http://127.0.0.1:{asker.server_port}/shop.git", token=secret)
        with pytest.raises(git.GitError) as refused:
            git.fetch(mirror, access, commit=None, ref=None, deadline_s=20, stop=lambda: False)
        asker.shutdown()
        thread.join()

    encoded = base64.b64encode(login.encode()).decode()
    assert [f"Basic {encoded}"] == asker.heard
    assert "you sent Basic [token] which is " in str(refused.value)
    assert any("remote-http" in each for each in asker.seen)
    assert not [each for each in [*asker.seen, str(refused.value)] if "hunter2" in each or encoded in each]
    assert not [each for each in mirror.rglob("*") if each.is_file() and b"hunter2" in each.read_bytes()]


_ADVICE = "\n\nPlease make sure you have the correct access rights\nand the repository exists."
_COULD_NOT = "Could not read from remote repository."


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            f"Warning: Permanently added 'x' (ED25519).\ngit@x: Permission denied.\nfatal: {_COULD_NOT}{_ADVICE}",
            f"git@x: Permission denied.; {_COULD_NOT}",
        ),
        (
            f"@@@@@@@@@@\nSomeone could be eavesdropping\nHost key verification failed.\nfatal: {_COULD_NOT}{_ADVICE}",
            f"Host key verification failed.; {_COULD_NOT}",
        ),
        (
            "remote: Repository not found.\nfatal: repository 'x' not found",
            "remote: Repository not found.; repository 'x' not found",
        ),
        ("what nobody\nexpected\nis said", "expected; is said"),
        ("", ""),
    ],
)
def test_the_words_of_a_failure_say_why(said: str, sentence: str) -> None:
    assert sentence == command._sentence(said)


# --- names that strangers choose


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "-rf",
        "--upload-pack=touch${IFS}pwned",
        "a;touch${IFS}pwned;b$(id)",
        "a\"b'c`id`",
        "zweig-ü-日本",
        "x" * 200,
        "refs/heads/main",
    ],
)
def test_a_hostile_branch_is_fetched_laid_and_built_and_nothing_else(
    upstream: Upstream, mirror: Path, tmp_path: Path, name: str, *, network: bool
) -> None:
    upstream.push({"test.sh": "false"})
    sha = upstream.commit({"test.sh": 'printf "%s\\n" "$CTCI_BRANCH"'}, branch="topic")
    upstream.git("push", "--quiet", "origin", f"topic:{HEADS}{name}", f"topic:{TAGS}{name}")
    order = make.order(directory=".", ref=HEADS + name)
    with served(tmp_path) as address:
        fetch(mirror, f"{address}/shop.git" if network else upstream.path, sha)

    git.lay(tmp_path / "slot.git", mirror, tmp_path / "worktree", sha, HEADS + name)
    env = workspace.environment(
        order, run(ref=HEADS + name, commit=sha), 1, 1, home=tmp_path, server_environ={}, public_url="http://x/"
    )
    ended = jobs.over(jobs.begin(tmp_path / "1" / "1", "sh ./test.sh", cwd=tmp_path / "worktree", env=env))

    assert (sha, sha) == (git.head(mirror, HEADS + name), git.head(mirror, TAGS + name))
    assert (0, f"{name}\n") == (ended.code, jobs.said(tmp_path / "1" / "1"))
    assert list(tmp_path.rglob("pwned")) == []

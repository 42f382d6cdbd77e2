"""The post-receive hook with a real git push into a real bare repository and a small server that writes down."""

import base64
import http.server
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.eventually import eventually

HOOK = Path(__file__).parents[2] / "hooks" / "post-receive"
ZERO = "0" * 40
SECRET = "a-long-secret-for-tests"
#: All that the hook calls, curl and python3 aside.
TOOLS = (
    *("git", "sh", "cat", "rm", "dirname", "readlink", "date", "od", "sed", "tr", "cut", "base64", "mv"),
    *("tail", "head", "sleep", "env"),
)


@dataclass
class Call:
    path: str
    headers: Mapping[str, list[str]]
    body: bytes


@dataclass
class Ear:
    """What a server heard, and what it says."""

    calls: list[Call] = field(default_factory=list)
    status: int = 202
    says: str = "ctci: shop main 1234567  1 job: api\nctci: http://127.0.0.1:8484/runs/1\n"
    #: What it says in drops, one each half second, for ever.
    trickles: bool = False
    #: What who asks how a push goes on is told, line by line; `asked` are the paths.
    lines: tuple[str, ...] = ()
    asked: list[tuple[str, Mapping[str, list[str]]]] = field(default_factory=list)


class Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextmanager
def listening(ear: Ear, at: Path | None, port: int = 0) -> Iterator[str]:
    """A server on a unix socket, or on TCP (at a port that is free, or `port`); its address."""
    ended = threading.Event()

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): self.headers.get_all(name) or [] for name in self.headers}
            ear.calls.append(Call(self.path, headers, body))
            self.send_response(ear.status)
            self.end_headers()
            self.wfile.write(ear.says.encode())
            while ear.trickles and not ended.wait(0.5):
                with suppress(OSError):
                    self.wfile.write(b".")
                    self.wfile.flush()

        def do_GET(self) -> None:
            ear.asked.append((self.path, {name.lower(): self.headers.get_all(name) or [] for name in self.headers}))
            self.send_response(200)
            self.end_headers()
            for line in ear.lines:
                self.wfile.write(line.encode())
                self.wfile.flush()

        def address_string(self) -> str:
            return "local"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    server: socketserver.BaseServer
    if at is None:
        tcp = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answering)
        server, address = tcp, f"http://127.0.0.1:{tcp.server_port}/"
    else:
        server, address = Unix(str(at), Answering), str(at)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield address
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Repository:
    """A bare repository with our hook, and a working copy that pushes to it."""

    bare: Path
    work: Path
    spool: Path
    socket: Path
    environ: dict[str, str]

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(self.work), *arguments], env=self.environ, capture_output=True, text=True, check=True
        ).stdout.strip()

    def commit(self) -> str:
        self.git("commit", "--quiet", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def push(self, *arguments: str, path: str | None = None) -> tuple[int, str, float]:
        """(exit code, what the pusher saw, seconds) of a push."""
        environ = self.environ if path is None else {**self.environ, "PATH": path}
        before = time.monotonic()
        done = subprocess.run(
            ["git", "-C", str(self.work), "push", str(self.bare), *(arguments or ("main",))],
            env=environ,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=60,
        )
        return done.returncode, done.stderr, time.monotonic() - before

    def configure(self, **entries: object) -> None:
        lines = [f"{name.replace('_', '-')}={value}\n" for name, value in entries.items()]
        (self.bare / "ctci.conf").write_text("".join(lines))

    def install(self, shell: str = "/bin/sh") -> None:
        hook = self.bare / "hooks" / "post-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(HOOK.read_text().replace("#!/bin/sh", f"#!{shell}", 1))
        hook.chmod(0o755)

    def spooled(self) -> list[Path]:
        return sorted(self.spool.iterdir())


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CTCI_"))}
    who = {f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    (tmp_path / "tmp").mkdir()
    made = Repository(
        bare=tmp_path / "shop.git",
        work=tmp_path / "work",
        spool=tmp_path / "spool",
        socket=tmp_path / "s",
        environ={
            **environ,
            **who,
            "HOME": str(tmp_path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "TMPDIR": str(tmp_path / "tmp"),
            "LOGNAME": "ana",
        },
    )
    for arguments in (("--bare", str(made.bare)), ("-b", "main", str(made.work))):
        subprocess.run(["git", "init", "--quiet", *arguments], env=made.environ, check=True)
    subprocess.run(["git", "-C", str(made.bare), "config", "receive.advertisePushOptions", "true"], check=True)
    made.spool.mkdir()
    made.install()
    made.configure(project="shop", socket=made.socket, spool=made.spool)
    made.commit()
    return made


@pytest.fixture
def ear(repository: Repository) -> Iterator[Ear]:
    """A server on the repository's socket."""
    made = Ear()
    with listening(made, repository.socket):
        yield made


def announce(
    repository: Repository, command: list[str], body: bytes = b"", hook: str = "hooks/post-receive"
) -> subprocess.CompletedProcess[bytes]:
    """The hook run as git runs it, with any bytes."""
    return subprocess.run(
        [*command, hook],
        cwd=repository.bare,
        env={**repository.environ, "GIT_DIR": "."},
        input=body or f"{ZERO} {'1' * 40} refs/heads/main\n".encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )


def path_with(folder: Path, **more: str) -> str:
    """A PATH with the tools that the hook needs and `more`, and nothing else."""
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    for name, target in more.items():
        (folder / name).symlink_to(target)
    return str(folder)


# --- a server that answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["dash", "busybox", "bash"])
def test_the_servers_lines_come_back_to_the_pusher(repository: Repository, ear: Ear, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    repository.install(f"{found} sh" if shell == "busybox" else found)
    commit = repository.commit()

    code, seen, _ = repository.push("-o", "ci.skip", "main")

    assert code == 0
    assert "remote: ctci: shop main 1234567  1 job: api" in seen
    assert "remote: ctci: http://127.0.0.1:8484/runs/1" in seen
    (call,) = ear.calls
    assert call.path == "/hooks/shop"
    assert call.body == f"{ZERO} {commit} refs/heads/main\n".encode()
    assert call.headers["x-ctci-event"] == ["post-receive"]
    assert call.headers["x-ctci-pusher"] == ["ana"]
    assert call.headers["x-ctci-repository"] == [str(repository.bare)]
    assert call.headers["x-ctci-option"] == [base64.b64encode(b"ci.skip").decode()]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", call.headers["x-ctci-delivery"][0])
    assert repository.spooled() == []


def test_a_push_with_a_server_costs_less_than_half_a_second(repository: Repository, ear: Ear) -> None:
    spent = []
    for _ in range(3):
        repository.commit()
        spent.append(repository.push()[2])

    assert len(ear.calls) == 3
    assert min(spent) < 0.5


def test_push_options_travel_whole_in_base64(repository: Repository, ear: Ear) -> None:
    options = ["ci.skip", "note=a, b: $(touch pwned) `id` 'x' \"y\" *", "größe"]

    code, _, _ = repository.push(*(f"--push-option={each}" for each in options), "main")

    assert code == 0
    assert options == [base64.b64decode(each).decode() for each in ear.calls[0].headers["x-ctci-option"]]


def test_hostile_ref_names_are_text(repository: Repository, ear: Ear) -> None:
    names = ["x$(touch${IFS}pwned)", "x;id", "x`id`", "x'\"y", "größe", "a%2f%2e%2e%2fb", "-n", "x&y|z>w"]
    refs = [f"refs/heads/{name}" for name in names]

    code, _, _ = repository.push(*(f"HEAD:{ref}" for ref in refs))

    assert code == 0
    assert sorted(refs) == sorted(line.split(" ", 2)[2] for line in ear.calls[0].body.decode().splitlines())
    assert list(repository.bare.rglob("pwned*")) == []


def test_a_deleted_branch_is_announced(repository: Repository, ear: Ear) -> None:
    commit = repository.git("rev-parse", "HEAD")
    repository.push("main:topic")

    code, _, _ = repository.push(":topic")

    assert code == 0
    assert ear.calls[1].body == f"{commit} {ZERO} refs/heads/topic\n".encode()


def test_five_hundred_refs_are_one_call(repository: Repository, ear: Ear) -> None:
    names = [f"refs/heads/b{number:03}" for number in range(500)]

    code, _, _ = repository.push(*(f"HEAD:{name}" for name in names))

    assert code == 0
    assert len(ear.calls) == 1
    assert names == sorted(line.split()[2] for line in ear.calls[0].body.decode().splitlines())


def test_a_refusal_is_said_and_the_push_stands(repository: Repository, ear: Ear) -> None:
    ear.status = 401

    code, seen, _ = repository.push()

    assert code == 0
    assert "ctci: not accepted by the server (HTTP 401)" in seen
    assert repository.spooled() == []


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_server_leaves_the_push_on_disk(repository: Repository, ear: Ear, status: int) -> None:
    ear.status = status

    code, seen, _ = repository.push()

    assert code == 0
    assert "queued on disk" in seen
    assert len(repository.spooled()) == 1


def test_no_temporary_folder_is_needed(repository: Repository, ear: Ear) -> None:
    repository.environ["TMPDIR"] = "/nowhere"

    code, seen, _ = repository.push()

    assert (code, len(ear.calls)) == (0, 1)
    assert "remote: ctci: shop main" in seen


def test_no_control_character_reaches_the_pushers_terminal(repository: Repository, ear: Ear) -> None:
    ear.says = "ctci: größe…\x1b[2J\x07\r\x08\x7f\n\n\nctci: second\n"

    done = announce(repository, ["/bin/sh"])

    assert done.stdout.decode() == "ctci: größe…[2J\nctci: second\n"


@pytest.mark.parametrize("shell", ["dash", "busybox", "bash"])
def test_every_byte_of_a_ref_arrives_and_is_spooled_as_it_is(repository: Repository, ear: Ear, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    names = [bytes([one]) for one in range(0x21, 0x100)] + [b"\\n\\x41%s%d\\c", b"-n", b"x" * 2000]
    body = b"".join(ZERO.encode() + b" " + b"1" * 40 + b" refs/heads/" + name + b"\n" for name in names)
    command = [found, "sh"] if shell == "busybox" else [found]

    first = announce(repository, command, body)
    ear.status = 503
    second = announce(repository, command, body)

    assert [(done.returncode, done.stderr) for done in (first, second)] == [(0, b""), (0, b"")]
    assert [call.body == body for call in ear.calls] == [True, True]
    assert repository.spooled()[0].read_bytes().partition(b"\n\n")[2] == body


@pytest.mark.parametrize("way", ["curl", "python3"])
def test_who_waits_reads_how_the_push_goes_on(repository: Repository, tmp_path: Path, way: str) -> None:
    real = {"curl": shutil.which("curl"), "python3": sys.executable}[way]
    if real is None:
        pytest.skip(f"{way} is not installed")
    (tmp_path / "secret").write_text(SECRET)
    heard = Ear(lines=("ctci: api:test runs\n", "ctci: api:test \x1b[2Jfailed\n", "end\n", "never\n"))
    with listening(heard, None) as url:
        repository.configure(project="shop", url=url, secret_file=tmp_path / "secret")
        path = path_with(tmp_path / "bin", **{way: real})

        code, seen, _ = repository.push("-o", "ci.wait", "main", path=path)

    ((asked, headers),) = heard.asked
    (told,) = heard.calls[0].headers["x-ctci-delivery"]
    lines = [line.removeprefix("remote: ").rstrip() for line in seen.splitlines() if "api:test" in line]
    assert (code, asked) == (0, f"/hooks/shop/pushes/{told}")
    assert headers["authorization"] == [f"Bearer {SECRET}"]
    assert lines == ["ctci: api:test runs", "ctci: api:test [2Jfailed"]
    assert "never" not in seen
    assert "no more is heard" not in seen


def test_who_waits_on_the_socket_is_told_when_it_breaks_off(repository: Repository, ear: Ear) -> None:
    ear.lines = ("ctci: api:test runs\n",)

    code, seen, _ = repository.push("-o", "ci.wait", "main")

    assert code == 0
    assert "remote: ctci: api:test runs" in seen
    assert "remote: ctci: no more is heard of it; what runs goes on, see its page" in seen


@pytest.mark.parametrize(("options", "status"), [((), 202), (("-o", "ci.waits"), 202), (("-o", "ci.wait"), 200)])
def test_who_did_not_ask_or_made_no_run_waits_for_nothing(
    repository: Repository, ear: Ear, options: tuple[str, ...], status: int
) -> None:
    ear.status = status

    code, _, _ = repository.push(*options, "main")

    assert (code, len(ear.calls), ear.asked) == (0, 1, [])


# --- no server -------------------------------------------------------------------------------------------------------


def test_with_the_server_down_a_push_is_hardly_longer_and_on_disk(repository: Repository) -> None:
    hook = repository.bare / "hooks" / "post-receive"
    spent: dict[bool, list[float]] = {True: [], False: []}
    seen = ""
    for _ in range(3):
        for hooked in (False, True):
            hook.chmod(0o755 if hooked else 0o644)
            repository.commit()
            code, seen, seconds = repository.push()
            assert code == 0
            spent[hooked].append(seconds)

    assert "ctci: server not reachable, queued on disk" in seen
    assert min(spent[True]) - min(spent[False]) < 0.2
    assert len(repository.spooled()) == 3


def test_the_file_in_the_spool_is_the_request(repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")

    repository.push("-o", "ci.skip", "main")

    (left,) = repository.spooled()
    head, _, body = left.read_text().partition("\n\n")
    assert re.fullmatch(r"\d{10}-[0-9a-f-]{36}", left.name)
    assert head.splitlines()[:3] == [
        "POST /hooks/shop",
        "X-CTCI-Event: post-receive",
        f"X-CTCI-Delivery: {left.name.partition('-')[2]}",
    ]
    assert f"X-CTCI-Option: {base64.b64encode(b'ci.skip').decode()}" in head
    assert body == f"{ZERO} {commit} refs/heads/main\n"
    assert left.stat().st_mode & 0o777 == 0o644


def test_a_server_that_accepts_and_never_answers_costs_two_and_a_half_seconds_at_most(repository: Repository) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(repository.socket))
        silent.listen()
        hook = repository.bare / "hooks" / "post-receive"
        hook.chmod(0o644)
        alone = repository.push("main:before")[2]
        hook.chmod(0o755)

        code, seen, seconds = repository.push()

    assert code == 0
    assert "queued on disk" in seen
    assert seconds - alone <= 2.5
    assert len(repository.spooled()) == 1


def test_a_spool_that_cannot_be_written_fails_no_push(repository: Repository) -> None:
    # A file where the folder should be stops root too, whom a mode would not.
    repository.spool.rmdir()
    repository.spool.write_text("")

    code, seen, _ = repository.push()

    assert code == 0
    assert f"{repository.spool} cannot be written; this push was not announced" in seen


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_spool_fails_no_push(repository: Repository) -> None:
    repository.spool.chmod(0o555)

    code, _, _ = repository.push()

    assert code == 0
    assert repository.spooled() == []


@pytest.mark.parametrize("way", ["curl", "python3"])
def test_a_server_that_trickles_costs_two_and_a_half_seconds_at_most(
    repository: Repository, ear: Ear, tmp_path: Path, way: str
) -> None:
    real = {"curl": shutil.which("curl"), "python3": sys.executable}[way]
    if real is None:
        pytest.skip(f"{way} is not installed")
    ear.trickles = True

    code, seen, seconds = repository.push(path=path_with(tmp_path / "bin", **{way: real}))

    assert code == 0
    assert "ctci:" in seen
    assert seconds <= 2.5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can push as somebody else")
def test_any_user_can_leave_a_push_in_the_spool_of_another(repository: Repository) -> None:
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        moved = replace(repository, bare=folder / "shop.git", spool=folder / "spool")
        shutil.copytree(repository.bare, moved.bare)
        moved.spool.mkdir()
        moved.spool.chmod(0o1733)
        moved.configure(project="shop", spool=moved.spool)

        done = announce(moved, ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh"])

        assert b"queued on disk" in done.stdout
        (left,) = moved.spooled()
        assert (left.stat().st_uid, left.stat().st_mode & 0o777) == (65534, 0o644)


def test_a_repository_without_a_conf_says_so(repository: Repository) -> None:
    (repository.bare / "ctci.conf").unlink()

    code, seen, _ = repository.push()

    assert code == 0
    assert "no ctci.conf with a project" in seen


def test_the_conf_is_read_and_never_run(repository: Repository, ear: Ear) -> None:
    with (repository.bare / "ctci.conf").open("a") as conf:
        conf.write("x=$(touch pwned)\n; touch pwned\n`touch pwned`\n")

    repository.push()

    assert len(ear.calls) == 1
    assert list(repository.bare.rglob("pwned*")) == []


@pytest.mark.parametrize("project", ["../admin", "a b", "x;id", "$(id)", "a?b", "größe"])
def test_a_project_that_cannot_be_one_is_sent_nowhere(repository: Repository, ear: Ear, project: str) -> None:
    repository.configure(project=project, socket=repository.socket, spool=repository.spool)

    done = announce(repository, ["/bin/sh"])

    assert (done.returncode, b"a project that cannot be one" in done.stdout) == (0, True)
    assert (ear.calls, repository.spooled()) == ([], [])


# --- other people's layouts ------------------------------------------------------------------------------------------


def test_under_gitolite_one_hook_and_one_conf_serve_every_repository(
    repository: Repository, ear: Ear, tmp_path: Path
) -> None:
    common = tmp_path / "common"
    common.mkdir()
    (repository.bare / "hooks" / "post-receive").rename(common / "ctci")
    (repository.bare / "hooks" / "post-receive.h00-ctci").symlink_to(common / "ctci")
    (repository.bare / "ctci.conf").unlink()
    (common / "ctci.conf").write_text(f"socket={repository.socket}")

    repository.environ.update(GL_USER="ana\nX-Evil: ü", GL_REPO="team/shop")
    announce(repository, ["/bin/sh"], hook="hooks/post-receive.h00-ctci")

    (call,) = ear.calls
    assert call.path == "/hooks"
    assert call.headers["x-ctci-repository"] == [str(repository.bare)]
    assert call.headers["x-ctci-pusher"] == ["anaX-Evil: "]


def test_under_gitea_the_hook_lies_in_the_folder_that_giteas_own_runs(repository: Repository, ear: Ear) -> None:
    hooks = repository.bare / "hooks"
    (hooks / "post-receive.d").mkdir()
    (hooks / "post-receive").rename(hooks / "post-receive.d" / "ctci")
    delegator = 'data=$(cat)\nfor hook in hooks/post-receive.d/*; do echo "$data" | "$hook"; done\n'
    (hooks / "post-receive").write_text(f"#!/bin/sh\n{delegator}")
    (hooks / "post-receive").chmod(0o755)
    repository.environ["GITEA_PUSHER_NAME"] = "bo"

    _, seen, _ = repository.push()

    assert "remote: ctci: shop main" in seen
    assert ear.calls[0].headers["x-ctci-pusher"] == ["bo"]


# --- what is installed -----------------------------------------------------------------------------------------------


def test_without_curl_python_tells(repository: Repository, ear: Ear, tmp_path: Path) -> None:
    path = path_with(tmp_path / "bin", python3=sys.executable)
    options = ["ci.skip", "b"]

    code, seen, _ = repository.push(*(f"--push-option={each}" for each in options), "main", path=path)

    assert code == 0
    assert "remote: ctci: shop main 1234567  1 job: api" in seen
    assert options == [base64.b64decode(each).decode() for each in ear.calls[0].headers["x-ctci-option"]]
    assert repository.spooled() == []


def test_without_curl_and_python_the_spool_alone_is_enough(repository: Repository, ear: Ear, tmp_path: Path) -> None:
    code, seen, _ = repository.push(path=path_with(tmp_path / "bin"))

    assert code == 0
    assert "queued on disk" in seen
    assert ear.calls == []
    assert len(repository.spooled()) == 1


def test_an_empty_environment_is_enough(repository: Repository, ear: Ear) -> None:
    line = f"{ZERO} {'1' * 40} refs/heads/main\n"

    done = subprocess.run(
        ["env", "-i", "/bin/sh", "hooks/post-receive"],
        cwd=repository.bare,
        input=line,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert done.stdout == ear.says
    assert ear.calls[0].body == line.encode()


# --- over TCP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["curl", "python3"])
def test_over_tcp_the_secret_arrives_as_a_bearer(repository: Repository, tmp_path: Path, way: str) -> None:
    real = {"curl": shutil.which("curl"), "python3": sys.executable}[way]
    if real is None:
        pytest.skip(f"{way} is not installed")
    (tmp_path / "secret").write_text(SECRET + "\n")
    heard = Ear()
    with listening(heard, None) as url:
        repository.configure(project="shop", url=url, secret_file=tmp_path / "secret")

        code, seen, _ = repository.push(path=path_with(tmp_path / "bin", **{way: real}))

    assert code == 0
    assert "remote: ctci: shop main" in seen
    assert heard.calls[0].path == "/hooks/shop"
    assert heard.calls[0].headers["authorization"] == [f"Bearer {SECRET}"]


@pytest.mark.parametrize("way", ["curl", "python3"])
def test_the_secret_is_in_no_argument(repository: Repository, tmp_path: Path, way: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    fake = tmp_path / "fake"
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/argv\necho\necho 202\n')
    fake.chmod(0o755)
    repository.configure(project="shop", url="http://127.0.0.1:9/", secret_file=tmp_path / "secret")

    code, _, _ = repository.push(path=path_with(tmp_path / "bin", **{way: str(fake)}))

    assert code == 0
    said = (tmp_path / "argv").read_text()
    assert "X-CTCI-Event: post-receive" in said
    assert SECRET not in said


def test_a_secret_that_cannot_be_read_is_named_and_fails_no_push(repository: Repository, tmp_path: Path) -> None:
    heard = Ear(status=401)
    with listening(heard, None) as url:
        repository.configure(project="shop", url=url, secret_file=tmp_path / "nowhere")

        code, seen, _ = repository.push()

    assert code == 0
    assert f"{tmp_path}/nowhere, the secret-file of" in seen


def test_without_a_spool_the_push_is_announced_later_and_holds_nobody_up(repository: Repository) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    repository.configure(project="shop", url=f"http://127.0.0.1:{port}/")

    code, seen, _ = repository.push()
    heard = Ear()
    with listening(heard, None, port):  # nobody listened until the push was over
        eventually(lambda: heard.calls)

    assert code == 0
    assert "trying again for ten minutes" in seen
    assert heard.calls[0].body.endswith(b" refs/heads/main\n")


def test_who_wanted_to_wait_reads_that_nobody_waits(repository: Repository) -> None:
    code, said, _ = repository.push("-o", "ci.wait", "main")

    assert code == 0
    assert "ctci: server not reachable, queued on disk (not waiting)" in said


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may use every socket")
def test_who_may_not_use_the_socket_reads_that(repository: Repository, ear: Ear) -> None:
    repository.socket.chmod(0o400)
    command = ["sh"]
    if os.geteuid() == 0:
        # Without its capabilities root is a user like others.
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "sh"]

    said = announce(repository, command).stdout.decode()

    assert said == f"ctci: not allowed to use {repository.socket}, queued on disk\n"
    assert ear.calls == []

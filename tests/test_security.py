"""What keeps the server from whoever pushes, and that docs/security.md names tests which are there."""

import ast
import contextlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ctci import forges, git
from ctci.report import calls
from tests.forges import calls as calls_of_forges
from tests.upstream import Upstream

REPOSITORY = Path(__file__).parents[1]
#: What names hold that a stranger may not find out letter by letter.
SECRETS = {"secret", "signature", "csrf", "given", "bearer", "password"}
#: Names in comparisons that are of no secret.
WORDS = {"SAFE", "AGENTS", "UNFORMED"}
#: Hides itself, and then lets a recipe of the same user look: its parent's environment and memory.
LOOKS = """
import os, subprocess, sys
from ctci.run import keeping, sweeping
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
    # As it is for who was started as that user.
    sweeping.prctl(4, 1)
if sys.argv[1] == "hidden":
    keeping.undumpable()
look = ["sh", "-c", "cat /proc/$PPID/environ; head -c 1 /proc/$PPID/mem; ls -l /proc/$PPID/fd"]
print(subprocess.run(look, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False).stdout)
"""


@pytest.mark.parametrize("hidden", [True, False])
def test_a_recipe_of_the_same_user_reads_nothing_of_the_server(*, hidden: bool) -> None:
    env = {"CTCI_SMTP_URL": "smtp://u:hunter2@mail.example.org", "PATH": "/usr/bin:/bin"}
    looks = [sys.executable, "-c", LOOKS, "hidden" if hidden else "open"]

    said = subprocess.run(looks, env=env, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout

    assert ("hunter2" in said) is not hidden
    assert (said == "b''\n") is hidden


def test_the_server_hides_itself_before_it_does_anything_that_a_recipe_could_see() -> None:
    tree = ast.parse((REPOSITORY / "ctci/service.py").read_text())
    start = next(each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "start")
    called = [ast.unparse(each.func) for each in ast.walk(start) if isinstance(each, ast.Call)]

    assert called.index("keeping.undumpable") < called.index("ledger.open_ledger")


def test_no_secret_is_compared_so_that_its_letters_could_be_timed() -> None:
    found = []
    for path in sorted({*(REPOSITORY / "ctci/forges").glob("*.py"), *(REPOSITORY / "ctci/web").glob("*.py")}):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                names |= {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
                found += [f"{path.name}: {ast.unparse(node)}"] if names & SECRETS else []

    assert found == []


@pytest.mark.parametrize(
    ("file", "function"),
    [
        ("forges/delivery.py", "hmac_matches"),
        ("forges/gitlab.py", "authentic"),
        ("forges/gitlab.py", "_signed"),
        ("forges/post_receive.py", "authentic"),
        ("web/guard.py", "_forged"),
        ("web/signing_in.py", "_leave"),
    ],
)
def test_what_compares_a_secret_does_it_in_the_same_time_whatever_it_is(file: str, function: str) -> None:
    tree = ast.parse((REPOSITORY / "ctci" / file).read_text())
    (body,) = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name == function)
    called = [ast.unparse(each.func) for each in ast.walk(body) if isinstance(each, ast.Call)]

    assert "hmac.compare_digest" in called
    # Nothing but whole words of ours is held against anything by other means.
    for each in (node for node in ast.walk(body) if isinstance(node, ast.Compare)):
        sides = [each.left, *each.comparators]
        assert any(isinstance(side, ast.Constant) or ast.unparse(side) in WORDS for side in sides), ast.unparse(each)


@pytest.mark.parametrize("name", sorted(calls_of_forges.HEADERS))
def test_every_forge_holds_a_call_against_its_secret_by_one_of_these(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return False

    monkeypatch.setattr("hmac.compare_digest", compare)
    body = b"{}"
    headers = calls_of_forges.HEADERS[name]("push", body)

    # Whatever it would have said, the answer is that of the comparison.
    assert forges.SPOKEN[name].authentic(headers, body, calls_of_forges.SECRET) is False
    assert compared


def test_the_ledger_looks_for_secrets_by_their_hash_alone() -> None:
    for name in ("tokens", "subscriptions"):
        tree = ast.parse((REPOSITORY / f"ctci/ledger/{name}.py").read_text())
        compared = [
            ast.unparse(each.comparators[0])
            for each in ast.walk(tree)
            if isinstance(each, ast.Compare) and ast.unparse(each.left).endswith(".c.mark")
        ]

        assert compared
        assert {each for each in compared if "mark(" not in each} == set()


@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher", "unix", "javascript", "data"])
def test_only_http_is_called(scheme: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")

    with pytest.raises(calls.Unanswered) as refused:
        calls.call("GET", f"{scheme}://127.0.0.1{secret}", headers={})

    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize("update", ["checkout", "!touch pwned"])
def test_nothing_in_a_pushed_repository_runs_where_it_is_laid_out(
    upstream: Upstream, tmp_path: Path, update: str
) -> None:
    git.setup()
    pwned = tmp_path / "pwned"
    hook = f"#!/bin/sh\ntouch {pwned}\n"
    config = f'[core]\n\tfsmonitor = "touch {pwned}"\n\thooksPath = hooks\n\tsshCommand = "touch {pwned}"\n'
    config += f'[filter "evil"]\n\tsmudge = touch {pwned}\n\tprocess = touch {pwned}\n\trequired = true\n'
    config += f'[uploadpack]\n\tpackObjectsHook = "touch {pwned};"\n'
    lib = Upstream(_folder(tmp_path / "of-lib"))
    wanted = lib.push({"lib.txt": "1", ".gitattributes": "* filter=evil\n", ".gitconfig": config})
    lib.path.rename(upstream.path.parent / "lib.git")
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n\tupdate = "{update}"\n'
    hostile = {"a": "1", ".gitattributes": "* filter=evil diff=evil merge=evil\n", ".gitmodules": modules}
    hostile |= {".gitconfig": config, "hooks/post-checkout": hook, "config": config}
    upstream.commit(hostile)
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{wanted},lib")
    upstream.git("commit", "--quiet", "-m", "With lib")
    upstream.git("push", "--quiet", "origin", "main")
    commit = upstream.git("rev-parse", "HEAD").strip()
    for remote in (upstream.path, upstream.path.parent / "lib.git"):
        with (remote / "config").open("a") as file:
            file.write(config)
        for name in ("post-checkout", "reference-transaction", "post-update"):
            _folder(remote / "hooks").joinpath(name).write_text(hook)
            (remote / "hooks" / name).chmod(0o755)

    mirror, worktree, access = tmp_path / "mirror.git", tmp_path / "worktree", git.Access(url=str(upstream.path))
    git.fetch(mirror, access, commit=None, ref=None, deadline_s=20.0, stop=lambda: False)
    refused = pytest.raises(git.GitError, match="invalid value") if "!" in update else contextlib.nullcontext()
    with refused:
        git.lay(tmp_path / "slot.git", mirror, worktree, commit, "refs/heads/main")
        git.submodules(worktree, str(upstream.path), access, deadline_s=20.0, stop=lambda: False)
        assert (worktree / "lib" / "lib.txt").read_text() == "1"

    assert not pwned.exists()
    assert list(tmp_path.rglob("pwned")) == []


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def test_every_test_that_the_threat_model_names_is_there() -> None:
    page = (REPOSITORY / "docs/security.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page)
    kept = [
        line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| who", "|--", "| case"))
    ]

    missing = [f"{path}::{name}" for path, name in named if name not in _tests(path)]

    assert missing == []
    assert [line for line in kept if "::test_" not in line] == []


def _tests(path: str) -> set[str]:
    file = REPOSITORY / path
    if not file.is_file():
        return set()
    return {each.name for each in ast.parse(file.read_text()).body if isinstance(each, ast.FunctionDef)}

import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.calling import Caller
from tests.eventually import eventually


@pytest.fixture
def checkout(ctci: Caller, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """The folder is a checkout of the project, with recipes that tell where and how they run."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(ctci.folder)], check=True, env=ctci.isolated())
    (ctci.folder / "services/api").mkdir(parents=True)
    ctci.configure(
        """
        [projects.shop]
        git = "/srv/git/acme/shop.git"

        [projects.shop.sub.api]
        path = "services/api"
        recipes.test = 'pwd; echo "$CTCI_PROJECT/$CTCI_SUBPROJECT:$CTCI_RECIPE" secret=$SECRET'
        recipes.fail = "echo so; exit 3"
        recipes.slow = { run = "sleep 30", timeout = "1s" }
        recipes.long = 'echo pid $$; sleep 60'

        [projects.shop.sub.web]
        path = "services/web"
        recipes.test = "true"
        """
    )
    monkeypatch.setenv("SECRET", "hunter2")
    return ctci


def test_a_recipe_runs_in_this_checkout_and_in_an_environment_of_its_own(checkout: Caller) -> None:
    done = checkout.process("run", "--here", "shop/api:test", SECRET="hunter2")

    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [
        str(checkout.folder / "services/api"),
        "shop/api:test secret=",
    ]
    assert b"api:test succeeded" in done.stderr


@pytest.mark.parametrize(("recipe", "code"), [("fail", 1), ("slow", 124)])
def test_the_exit_code_is_that_of_a_wait(checkout: Caller, recipe: str, code: int) -> None:
    assert checkout.process("run", "--here", f"shop/api:{recipe}").returncode == code


def test_nothing_is_recorded_and_nothing_is_left(checkout: Caller, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if ".git" not in path.parts}

    checkout.process("run", "--here", "shop/api:test", TMPDIR=str(tmp_path))

    assert before == {path for path in tmp_path.rglob("*") if ".git" not in path.parts}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_ends_the_call_ends_the_recipe_with_its_processes(checkout: Caller, number: signal.Signals) -> None:
    seen = checkout.folder / "seen"
    with seen.open("wb") as out:
        process = checkout.start("run", "--here", "shop/api:long", stdout=out, stderr=subprocess.DEVNULL)
        pid = int(eventually(lambda: seen.read_text().split()[1], 20))
        process.send_signal(number)
        code = process.wait(20)

    assert code == 130
    assert not Path(f"/proc/{pid}").exists()


def test_a_directory_that_is_not_there_is_not_found(checkout: Caller) -> None:
    done = checkout.process("run", "--here", "shop/web")

    assert (done.returncode, b"no directory services/web" in done.stderr) == (5, True)


def test_outside_a_checkout_there_is_nothing_to_run(ctci: Caller) -> None:
    done = ctci.process("run", "--here", "shop")

    assert (done.returncode, b"--here wants a git checkout" in done.stderr) == (2, True)


def test_what_needs_a_failed_recipe_is_skipped_here_too_and_what_may_fail_counts_for_nothing(checkout: Caller) -> None:
    checkout.configure(
        """
        [projects.shop]
        git = "/srv/git/acme/shop.git"

        [projects.shop.sub.api]
        path = "services/api"

        [projects.shop.sub.api.recipes]
        lint = { run = "echo lint; exit 4", allow-failure = true }
        test = { run = "echo test", needs = ["build"] }
        build = { run = "echo build; exit 5" }
        """
    )

    red = checkout.process("run", "--here", "shop/api:test")
    may = checkout.process("run", "--here", "shop/api:lint")

    assert (red.returncode, may.returncode) == (1, 0)
    assert red.stdout == b"build\n"
    assert b"api:test skipped: needs build, which did not succeed" in red.stderr

import shutil
import subprocess
import sys

import pytest

from ctci import ledger
from ctci.layout import Layout
from tests import make
from tests.cli.calling import Caller


def complete(ctci: Caller, line: str) -> list[str]:
    """What bash would offer at the end of the line."""
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-m", "ctci"],
        cwd=ctci.folder,
        env=ctci.environ(
            _CTCI_COMPLETE="bash_complete",
            COMP_WORDS=line,
            COMP_CWORD=str(len(words) - 1),
            CTCI_DATA_DIR=str(ctci.place.data),
        ),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stderr == ""
    # Each is "plain,VALUE".
    return [offered.partition(",")[2] for offered in done.stdout.split()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ctci re", ["rerun", "redeliver", "reload", "restore"]),
        ("ctci plan ", ["shop"]),
        ("ctci run shop/", ["shop/api", "shop/api:build", "shop/api:test"]),
        ("ctci run shop/api:t", ["shop/api:test"]),
        ("ctci why shop/api:t", ["shop/api:test"]),
        ("ctci try ap", ["api", "api:build", "api:test"]),
        ("ctci try --project other a", []),
        ("ctci show ", ["2", "1"]),
        ("ctci rerun 2", ["2"]),
        ("ctci runs --project s", ["shop"]),
        ("ctci show --js", ["--json"]),
    ],
)
def test_verbs_projects_and_run_numbers_are_completed(
    ctci: Caller, db: ledger.Ledger, line: str, offered: list[str]
) -> None:
    make.recorded(db)
    make.recorded(db)

    assert offered == complete(ctci, line)


@pytest.mark.parametrize("line", ["ctci plan ", "ctci show "])
def test_what_is_broken_or_not_there_completes_nothing_and_says_nothing(ctci: Caller, line: str) -> None:
    no_ledger = complete(ctci, "ctci show ")
    ctci.configure("[projects.shop\n")

    assert (no_ledger, complete(ctci, line)) == ([], [])


def test_a_completion_imports_no_ledger(ctci: Caller, place: Layout) -> None:
    script = "import sys; from ctci.cli import completing, looking; print('sqlmodel' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", script], env=ctci.environ(), capture_output=True, text=True, check=True, timeout=30
    )

    assert place.data
    assert done.stdout == "False\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_given_what_it_can_read(ctci: Caller, shell: str) -> None:
    said = ctci("completions", shell)

    assert (said.code, "_CTCI_COMPLETE" in said.out, said.err) == (0, True, "")
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=said.out, text=True, check=True, timeout=10)


def test_bash_takes_the_script(ctci: Caller) -> None:
    script = ctci("completions", "bash").out

    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\ncomplete -p ctci"], capture_output=True, text=True, check=True, timeout=10
    )

    assert "_ctci_completion" in done.stdout

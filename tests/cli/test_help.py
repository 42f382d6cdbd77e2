import re
import subprocess
import sys

import click
import pytest

from ctci.cli import root
from ctci.cli.setting_up import hook
from tests.cli.calling import Caller

VERBS = [(name,) for name in root.ALL] + [("hook", name) for name in hook.commands]


@pytest.mark.parametrize("verb", [(), *VERBS], ids=" ".join)
def test_every_help_begins_with_two_examples(ctci: Caller, verb: tuple[str, ...]) -> None:
    said = ctci(*verb, "--help")

    lines = said.out.splitlines()
    assert said.code == 0
    assert all("ctci" in line and line.startswith("  $ ") for line in lines[:2])
    assert lines[2] == ""


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_examples_are_commands_that_exist(verb: tuple[str, ...]) -> None:
    command: click.Command = root.root
    for name in verb:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found

    for example in command.examples:  # type: ignore[attr-defined] # both our classes have it
        words = re.sub(r"^eval \"\$\(|\)\"$| >.*", "", example).split()
        assert words[0] == "ctci"
        assert tuple(words[1 : 1 + len(verb)]) == verb
        if isinstance(command, click.Group):
            continue
        options = {word.partition("=")[0] for word in words if word.startswith("-")} - {"--help"}
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert options <= known


def test_the_help_names_every_verb_and_exit_code(ctci: Caller) -> None:
    said = ctci("--help").out

    assert set() == {name for name in root.ALL if name not in said}
    assert set() == {code for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "124", "125", "130") if code not in said}


def test_the_help_of_run_documents_its_exit_codes(ctci: Caller) -> None:
    said = ctci("run", "--help").out

    assert set() == {code for code in ("124", "125", "130") if code not in said}


@pytest.mark.parametrize(
    ("typed", "meant"), [("statsu", "status"), ("whynot", "why-not"), ("rerunn", "rerun"), ("lgo", "log")]
)
def test_a_mistyped_verb_is_guessed(ctci: Caller, typed: str, meant: str) -> None:
    said = ctci(typed)

    assert said.code == 2
    assert f"did you mean {meant}?" in said.err


def test_global_options_stand_before_or_after_the_verb(ctci: Caller) -> None:
    before = ctci("--color", "always", "runs", "--json")
    after = ctci("runs", "--json", "--color", "always")

    assert (before.code, before.out) == (after.code, after.out)


HEAVY = ("sqlmodel", "sqlalchemy", "pygit2", "uvicorn", "starlette", "rich", "jinja2")


@pytest.mark.parametrize(
    "arguments", ["--help", "runs --help", "check", "plan shop", "explain C101", "version", "completions bash"]
)
def test_what_needs_no_ledger_imports_none(ctci: Caller, arguments: str) -> None:
    script = (
        "import sys; from ctci.cli import root; "
        f"code = root.call({arguments.split()!r}); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], code, file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ctci.folder,
        env=ctci.environ(),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.stderr.splitlines()[-1] == "[] 0"


def test_a_fault_of_ctci_is_one_line_and_with_debug_a_traceback(ctci: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("ctci.shape.items", fail)

    plain, debug = ctci("runs", "--json"), ctci("--debug", "runs", "--json")

    assert (plain.code, debug.code) == (125, 125)
    assert "ZeroDivisionError: a fault" in plain.err
    assert ("Traceback" in plain.err, "Traceback" in debug.err) == (False, True)


def test_no_verb_at_all_shows_the_help(ctci: Caller) -> None:
    said = ctci()

    assert said.code == 2
    assert "ctci demo" in said.err


def test_the_module_runs_as_the_command_does(ctci: Caller) -> None:
    done = ctci.process("version")

    assert (done.returncode, done.stderr) == (0, b"")
    assert re.search(rb"^ctci +\d", done.stdout)

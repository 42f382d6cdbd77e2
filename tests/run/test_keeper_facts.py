"""What tools are asked of their versions, by real keepers: whatever they do, the job is as it would be without."""

import os
import time
from pathlib import Path

import pytest

from ctci import layout
from ctci.model import Exit, Job
from ctci.run import containment, keeper_facts, keeping, machine
from tests.eventually import eventually
from tests.run import jobs
from tests.run.test_reports import a_job

#: A recipe that says what it is given.
SCRIPT = "echo here; exit 3"


@pytest.fixture
def folder(place: layout.Layout) -> Path:
    return place.attempt(3, 1)


def asked(place: layout.Layout, *facts: str, script: str = SCRIPT, fact_s: float = 10.0) -> tuple[Exit, dict[str, str]]:
    """How a job ended that has these facts, and what they told."""
    folder = place.attempt(3, 1)
    ended = jobs.over(jobs.begin(folder, script, facts=facts, fact_s=fact_s, cwd=folder.parents[2]))
    return ended, dict(machine.tools(place, job(*facts)))


def job(*facts: str) -> Job:
    return a_job(facts=facts)


def unchanged(folder: Path, ended: Exit) -> bool:
    """Whether the job did what it does, and nothing else was said in its log."""
    return (ended.how, ended.code, ended.leftovers, jobs.said(folder)) == ("exit", 3, (), "here\n")


def test_the_first_line_that_a_tool_prints_is_its_version(place: layout.Layout, folder: Path) -> None:
    ended, told = asked(place, "printf 'gcc 13.2\\nCopyright\\n'", "echo ; echo 1.8 >&2", f"cd {folder} && pwd")

    assert unchanged(folder, ended)
    assert told == {"printf": "gcc 13.2", "echo": "1.8", "cd": str(folder)}


def test_it_is_asked_where_the_job_runs_and_in_its_environment(place: layout.Layout, folder: Path) -> None:
    env = {**jobs.ENV, "LANG": "C", "ODD": "x y"}
    facts = ("pwd", 'echo "$LANG/$ODD/$LC_CTYPE"', "cat")

    jobs.over(jobs.begin(folder, SCRIPT, facts=facts, env=env, cwd=place.data))

    assert machine.tools(place, job(*facts)) == {"pwd": str(place.data), "echo": "C/x y/", "cat": machine.UNHAD}


@pytest.mark.parametrize(
    "fact",
    [
        "no-such-tool --version",
        "echo 1.0; exit 1",
        "true",
        "kill -9 $$",
        "kill -9 0",
        "yes",
        "head -c 100000 /dev/zero",
        "exec >&- 2>&-; exit 0",
        "if",
    ],
)
def test_what_fails_or_floods_is_not_to_be_had(place: layout.Layout, folder: Path, fact: str) -> None:
    ended, told = asked(place, fact, "echo 2.0")

    assert unchanged(folder, ended)
    assert list(told.values()) == [machine.UNHAD, "2.0"]


def test_what_hangs_is_ended_with_all_that_it_started(place: layout.Layout, folder: Path) -> None:
    nap = jobs.nap()
    hangs = f"trap '' TERM; setsid sleep {nap} & sleep {nap} & sleep {nap}"
    script = f"grep -lsa {nap} /proc/[0-9]*/cmdline | grep -v /self/ | wc -l; exit 3"

    ended, told = asked(place, hangs, "echo 2.0", script=script, fact_s=0.3)

    # Nothing of it is there when the command begins, but the grep that looks for it.
    assert jobs.said(folder).strip() in ("0", "1")
    assert (ended.code, ended.leftovers) == (3, ())
    assert told == {"trap": machine.UNHAD, "echo": "2.0"}


def test_what_daemons_hold_the_pipe_does_not_keep_a_tool_from_its_answer(place: layout.Layout, folder: Path) -> None:
    nap = jobs.nap()

    ended, told = asked(place, f"setsid sh -c 'setsid sleep {nap} & sleep {nap}' & echo 3.1", script=SCRIPT)

    assert unchanged(folder, ended)
    assert told == {"setsid": "3.1"}
    assert jobs.alive(nap) == []
    assert ended.seconds < 3.0


def test_the_time_that_it_takes_is_not_the_commands(folder: Path) -> None:
    kept = jobs.begin(folder, "sleep 0.6; exit 3", facts=("sleep 9",), fact_s=1.0, timeout_s=1.0)

    ended = jobs.over(kept)

    assert (ended.how, ended.code) == ("exit", 3)
    assert 0.5 < ended.seconds < 1.0


def test_a_command_that_takes_too_long_is_ended_all_the_same(folder: Path) -> None:
    began = time.monotonic()

    ended = jobs.over(jobs.begin(folder, "exec sleep 50", facts=("sleep 9",), fact_s=0.5, timeout_s=0.4))

    assert ended.how == "timeout"
    assert time.monotonic() - began < 5.0


def test_who_cancels_while_tools_are_asked_need_not_wait_for_them(folder: Path) -> None:
    nap = jobs.nap()
    kept = jobs.begin(folder, SCRIPT, facts=(f"trap '' TERM; sleep {nap}; sleep {nap}",), grace_s=0.2)
    eventually(lambda: jobs.alive(nap))

    ended = jobs.over(kept, wishes=lambda: True)

    assert ended.how == "cancelled"
    assert jobs.alive(nap) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [("1e9\0", 32.0), ("nan", 0.5), ("-50", 0.0), ("x", 0.5), ("0.25\0gcc 13", 0.25), ("", 0.5), (None, 0.5)],
)
def test_a_recipe_cannot_lengthen_its_time_by_more_than_tools_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, expected: float
) -> None:
    monkeypatch.chdir(tmp_path)
    if told is not None:
        (tmp_path / "facts.told").write_text(told)

    assert keeper_facts.spent_s(0.5) == expected


def test_it_is_asked_within_the_sandbox(place: layout.Layout, folder: Path) -> None:
    fault = containment.probe(place.data).space_fault
    if fault is not None:
        pytest.skip(fault)
    nap = jobs.nap()
    facts = ("echo $PPID", f"setsid sleep {nap} & echo 4")

    ended = jobs.over(jobs.begin(folder, SCRIPT, facts=facts, sandbox="pid"))

    assert unchanged(folder, ended)
    assert machine.tools(place, job(*facts)) == {"echo": "2", "setsid": "4"}
    assert jobs.alive(nap) == []


def test_where_the_folder_cannot_be_written_the_command_runs(place: layout.Layout, folder: Path) -> None:
    ended, told = asked(place, f"mkdir {folder}/facts.told", "echo 1")

    assert (ended.how, ended.code) == ("exit", 3)
    assert told == {}


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "huge", "other", "locked"])
def test_what_a_recipe_makes_of_the_answers_is_believed_no_farther_than_text(
    place: layout.Layout, folder: Path, kind: str
) -> None:
    told = folder / "facts.told"
    (place.data / "secret").write_bytes(b"0.1\0hunter2")
    lies = {
        "link": f"rm {told}; ln -s {place.data}/secret {told}",
        "folder": f"rm {told}; mkdir {told}",
        "pipe": f"rm {told}; mkfifo {told}",
        "huge": f"head -c 1000000 /dev/zero | tr '\\0' x >{told}",
        "other": f"printf 'a\\0b\\0c' >{told}",
        "locked": f"chmod 000 {told} {folder}" if os.geteuid() else f"rm {told}",
    }

    ended, found = asked(place, "echo 1.0", script=f"{lies[kind]}; exit 3")

    assert (ended.code, found) == (3, {})


def test_an_answer_is_shown_without_colours_and_control_characters(place: layout.Layout) -> None:
    _, told = asked(place, r"printf '\033[1mnode\033[0m \a v20\000\377\n'", f"echo {'x' * 5000}")

    assert told == {"printf": "node   v20\ufffd", "echo": "x" * machine.LETTERS}


def test_names_are_first_words_and_whole_commands_where_those_are_taken() -> None:
    commands = ("gcc --version", "python -V", "python -m pip -V", "kernel", "  go  version")

    found = machine.names(commands)

    assert found == ("gcc", "python", "python -m pip -V", "kernel", "go")


def test_a_machine_is_the_same_each_time_and_says_what_it_is() -> None:
    found = machine.host()

    assert set(found) <= set(machine.HOST)
    assert found["kernel"] == f"{os.uname().sysname} {os.uname().release} {os.uname().machine}"
    assert found["cpu"].startswith(f"{os.cpu_count()} x ")
    assert "boot" not in str(found)


def test_without_facts_nothing_is_asked(place: layout.Layout, folder: Path) -> None:
    ended, told = asked(place)

    assert (unchanged(folder, ended), told) == (True, {})
    assert not (folder / "facts").exists()
    assert keeping.read(folder) == ended

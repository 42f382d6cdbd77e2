"""The JSON of events: which there are, what is in them, and that nothing of strangers spoils them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctci import shape
from ctci.config import Problem
from ctci.model import Status, Verdict
from ctci.report import events
from tests import make
from tests.report import verdicts
from tests.report.verdicts import HOSTILE

URL = "https://ci.example.org/"


def data(event: events.Event) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event.body)["data"]
    return found


def types(told: list[Verdict], *, red: bool) -> list[str]:
    return [each.type for each in events.of_run(verdicts.RUN, told, red=red, public_url=URL)]


@pytest.mark.parametrize(
    ("told", "red", "expected"),
    [
        ([], False, []),
        ([verdicts.verdict("passed")], False, []),
        ([verdicts.verdict("still broken")], True, []),
        ([verdicts.verdict("broke")], True, ["branch.broke"]),
        ([verdicts.verdict("failed")], True, ["branch.broke"]),
        # A rerun of what newer runs have left behind.
        ([verdicts.verdict("broke", change=False)], True, []),
        ([verdicts.verdict("fixed")], False, ["branch.fixed"]),
        # Something else of the branch is still red.
        ([verdicts.verdict("fixed")], True, []),
        ([verdicts.verdict("fixed"), verdicts.verdict("broke")], True, ["branch.broke"]),
        ([verdicts.verdict("fixed", change=False)], False, []),
        ([verdicts.verdict("errored")], False, ["job.errored"]),
        ([verdicts.verdict("errored"), verdicts.verdict("errored")], False, ["job.errored"] * 2),
        # An outage is told once.
        ([verdicts.verdict("errored", change=False)], False, []),
        ([verdicts.verdict("cancelled"), verdicts.verdict("skipped")], False, []),
    ],
)
def test_what_a_finished_run_is_told_as(told: list[Verdict], *, red: bool, expected: list[str]) -> None:
    assert ["run.finished", *expected] == types(told, red=red)


def test_a_branch_that_broke_is_told_with_its_first_error_and_suspects() -> None:
    told = verdicts.verdict(
        "broke", red=replace(verdicts.GREEN, run=1482, job=3501, status=Status.FAILED, commit=make.sha(2))
    )
    passed = verdicts.verdict("passed", job=verdicts.job(3502, status=Status.SUCCEEDED))

    _, broke = events.of_run(verdicts.RUN, [passed, told], red=True, public_url=URL)

    whole = json.loads(broke.body)
    assert (whole["type"], whole["timestamp"]) == ("branch.broke", "2026-11-24T10:31:12.345Z")
    assert whole["data"]["run"]["html_url"] == "https://ci.example.org/runs/1482"
    (job,) = whole["data"]["jobs"]
    assert job["verdict"]["word"] == "broke"
    assert job["verdict"]["first_error"]["file"] == "test_cart.py"
    assert job["verdict"]["suspects"] == [
        {"sha": make.sha(2), "author": "Ana Ruiz", "subject": "Use floats for prices"}
    ]
    assert job["verdict"]["last_green"] == {
        "run": 1481,
        "job": 3400,
        "sha": make.sha(1),
        "at": "2026-11-24T06:00:00.000Z",
    }


def test_no_address_of_a_person_is_told() -> None:
    for event in events.of_run(verdicts.RUN, [verdicts.verdict("broke")], red=True, public_url=URL):
        assert b"@example.org" not in event.body


def test_run_and_job_say_what_the_one_json_says() -> None:
    run, job = replace(verdicts.RUN, rerun_of=1480), verdicts.job()

    (told, *_) = events.of_run(run, [verdicts.verdict("broke", job=job)], red=True, public_url=URL)

    shown = shape.run(run, [job], public_url=URL)
    found, (found_job,) = data(told)["run"], data(told)["jobs"]
    assert found == {name: shown[name] for name in found}
    del found_job["verdict"]
    assert found_job == {name: shown["jobs"][0][name] for name in found_job}


@pytest.mark.parametrize("exit_", [None, make.exit_(how="lost", code=None, seconds=0.0)])
def test_a_job_whose_keeper_is_lost_took_until_it_was_settled(exit_: Any) -> None:
    run, job = verdicts.RUN, verdicts.job(exit=exit_)

    (told, *_) = events.of_run(run, [verdicts.verdict("errored", job=job)], red=False, public_url=URL)

    assert data(told)["jobs"][0]["duration_s"] == shape.job_(job, run, public_url=URL)["duration_s"] == 70.345


def test_the_worst_job_comes_first_and_what_does_not_fit_is_counted() -> None:
    passed = [verdicts.verdict("passed", job=verdicts.job(number)) for number in range(1, 400)]
    broke = verdicts.verdict("broke", job=verdicts.job(9000))

    (told, *_) = events.of_run(verdicts.RUN, [*passed, broke], red=True, public_url=URL)

    found = data(told)
    assert found["jobs_total"] == 400
    assert found["jobs"][0]["id"] == 9000
    assert 10 < len(found["jobs"]) < 400
    assert len(told.body) <= events.MOST_BYTES


def test_each_event_of_a_run_has_a_key_of_its_own() -> None:
    told = [
        verdicts.verdict("broke"),
        *(verdicts.verdict("errored", job=verdicts.job(number)) for number in (1, 2)),
    ]

    found = events.of_run(verdicts.RUN, told, red=True, public_url=URL)

    assert [each.key for each in found] == [
        "run.finished/1482",
        "branch.broke/1482",
        "job.errored/1482/1",
        "job.errored/1482/2",
    ]


def test_a_broken_configuration_is_told_by_its_errors() -> None:
    wrong = Problem(code="C101", message="unknown key `timout`", file="projects.toml", line=3, hint="did you mean `x`?")
    warned = Problem(code="C402", severity="warning", message="no `**`", file="projects.toml")

    told = events.config_invalid([warned, wrong], at=1_795_516_200_000)

    assert (told.type, told.key) == ("config.invalid", "config.invalid/1795516200000")
    assert data(told) == {
        "problems_total": 1,
        "problems": [
            {
                "code": "C101",
                "message": "unknown key `timout`",
                "file": "projects.toml",
                "line": 3,
                "column": 1,
                "hint": "did you mean `x`?",
            }
        ],
    }


@settings(max_examples=40, deadline=None)
@given(text=HOSTILE, other=HOSTILE, count=st.sampled_from([1, 3, 60]))
def test_what_strangers_write_is_cut_and_cleaned(text: str, other: str, count: int) -> None:
    run = replace(verdicts.RUN, subject=text, author=other, pusher=text, ref=f"refs/heads/{other}", reason=text)
    finding = make.finding(message=text, file=other, test=text, rule=other, tool=text)
    commits = tuple(make.commit(author=text, subject=other) for _ in range(9))
    told = [
        verdicts.verdict("broke", job=verdicts.job(number, reason=text), first=finding, suspects=commits, flaky=other)
        for number in range(count)
    ]
    told.append(replace(told[0], word="errored"))

    for event in events.of_run(run, told, red=True, public_url=URL):
        body = event.body.decode()
        assert len(event.body) <= events.MOST_BYTES
        assert data(event)["run"]["id"] == 1482
        assert not [each for each in body if each < " " or each in "\x7f\u202e\u2066\u200b"]


@settings(max_examples=40, deadline=None)
@given(text=HOSTILE, count=st.sampled_from([1, 60]))
def test_what_is_wrong_with_a_configuration_is_cut_too(text: str, count: int) -> None:
    wrong = Problem(code="C101", message=text, file=text, hint=text)

    told = events.config_invalid([wrong] * count, at=0)

    assert len(told.body) <= events.MOST_BYTES
    assert data(told)["problems_total"] == count


@given(at=st.integers(0, 4_000_000_000_000))
def test_times_are_those_of_the_one_json(at: int) -> None:
    assert events.time(at) == shape.time(at)

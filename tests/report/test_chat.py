"""The message for a chat: short, plain, and calling nobody."""

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ctci.model import Status
from ctci.report import chat
from tests import make
from tests.report import verdicts
from tests.report.verdicts import HOSTILE

URL = "https://ci.example.org/"


def test_one_job_is_told_by_its_first_error_and_its_suspect() -> None:
    commits = (make.commit(sha=make.sha(2)), make.commit(sha=make.sha(3)))

    told = chat.compose([verdicts.verdict("broke", suspects=commits)], public_url=URL)

    assert told.title == "shop/api:test broke on main (#1482)"
    said = """\
x shop/api:test: broke
  test_cart.py:88: AssertionError: 1 != 2
  0000000 Use floats for prices (Ana Ruiz) and 1 more
https://ci.example.org/runs/1482"""
    assert said == told.body


def test_several_jobs_are_counted_by_their_words() -> None:
    told = [
        verdicts.verdict("broke", suspects=()),
        verdicts.verdict("fixed", job=verdicts.job(2, status=Status.SUCCEEDED, reason=None)),
        verdicts.verdict("errored", job=verdicts.job(3, status=Status.ERRORED, reason="the disk is full")),
    ]

    found = chat.compose(told, public_url=URL)

    assert found.title == "shop main: 1 broke, 1 fixed, 1 errored (#1482)"
    assert found.body.splitlines() == [
        "x shop/api:test: broke",
        "  test_cart.py:88: AssertionError: 1 != 2",
        "+ shop/api:test: fixed",
        "! shop/api:test: errored",
        "  the disk is full",
        "https://ci.example.org/runs/1482",
    ]


def test_several_runs_have_each_its_address() -> None:
    other = replace(verdicts.RUN, id=1483, project="blog")
    told = [verdicts.verdict("broke", suspects=()), verdicts.verdict("fixed", run=other)]

    found = chat.compose(told, public_url=URL)

    assert found.title == "shop main, blog main: 1 broke, 1 fixed"
    assert found.body.splitlines()[-2:] == ["https://ci.example.org/runs/1482", "https://ci.example.org/runs/1483"]


def test_of_many_jobs_a_few_are_told_and_the_others_counted() -> None:
    told = [verdicts.verdict("broke", job=verdicts.job(number)) for number in range(40)]

    found = chat.compose(told, public_url=URL)

    assert found.body.splitlines()[-2:] == ["and 35 more", "https://ci.example.org/runs/1482"]


def test_a_finding_without_a_place_is_told_by_its_test_or_its_tool() -> None:
    of_test = make.finding(file=None, line=None, test="cart::test_total")
    of_tool = make.finding(file=None, line=None, test=None)

    said = [chat.compose([verdicts.verdict("broke", first=each)], public_url=URL).body for each in (of_test, of_tool)]

    assert "cart::test_total: AssertionError" in said[0]
    assert "pytest: AssertionError" in said[1]


@settings(max_examples=40, deadline=None)
@given(
    text=HOSTILE,
    other=HOSTILE,
    count=st.integers(1, 9),
    word=st.sampled_from(["broke", "failed", "errored", "fixed"]),
    named=st.booleans(),
)
def test_what_strangers_write_stays_short_and_calls_nobody(
    text: str, other: str, count: int, word: str, *, named: bool
) -> None:
    run = replace(verdicts.RUN, subject=text, ref=f"refs/heads/{other}")
    finding = make.finding(message=text, file=other) if named else None
    job = verdicts.job(reason=text)
    commits = (make.commit(author=text, subject=other),)
    told = [verdicts.verdict(word, run=run, job=job, first=finding, suspects=commits) for _ in range(count)]

    found = chat.compose(told, public_url=URL)

    assert len(found.title) <= chat.TITLE
    assert len(found.body) <= chat.BODY
    assert found.body.endswith("https://ci.example.org/runs/1482")
    assert not re.search(r"@\w|<[!@#&]", found.title + found.body)
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", found.title + found.body
    )
    assert "\n" not in found.title

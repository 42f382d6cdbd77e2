"""What an agent names is found, and what names nothing is refused with what would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.api.inputs import MOST
from ctci.mcp import targets
from ctci.mcp.targets import Target


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        (12, Target(run=12)),
        ("12", Target(run=12)),
        (" #12 ", Target(run=12)),
        ("12/api/test", Target(run=12, sub="api", recipe="test")),
        ("http://127.0.0.1:8484/runs/12", Target(run=12)),
        ("https://example.org/ci/runs/12.json", Target(run=12)),
        ("https://example.org/ci/runs/12/api/test#L33", Target(run=12, sub="api", recipe="test", line=33)),
        ("/runs/12/lint/", Target(run=12, recipe="lint")),
        ("/runs/12/a%20b", Target(run=12, recipe="a b")),
        ("https://example.org/jobs/7#L40", Target(job=7, line=40)),
        ("https://example.org/jobs/7/log", Target(job=7)),
        ("https://example.org/api/v1/runs/12/jobs/api/test/log", Target(run=12, sub="api", recipe="test")),
        ("ctci://runs/12", Target(run=12)),
        ("https://example.org/runs?project=shop&branch=dev", Target(project="shop", branch="dev")),
        ("shop", Target(project="shop")),
        ("shop@feature/a@b", Target(project="shop", branch="feature/a@b")),
    ],
)
def test_a_run_a_job_and_a_branch_are_named_in_many_ways(named: int | str, meant: Target) -> None:
    assert meant == targets.parse(named)


@pytest.mark.parametrize(
    "named", ["", "shop@", "@main", "0", "#", "-1", "two words", "https://example.org/", "http://[", "9" * 19]
)
def test_what_names_nothing_says_what_would(named: str) -> None:
    with pytest.raises(targets.TargetError, match="1482"):
        targets.parse(named)


@given(st.text() | st.from_regex(r"(https?:/|ctci:/)?/(runs|jobs)/[0-9]*(/.*)?(#L.*)?") | st.integers())
def test_whatever_is_named_is_a_target_or_an_error(named: int | str) -> None:
    try:
        found = targets.parse(named)
    except targets.TargetError:
        return

    assert [found.run, found.job, found.project].count(None) == 2
    assert 1 <= (found.run or found.job or 1) <= MOST

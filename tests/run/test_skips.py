"""skips: what a push may say so that nothing runs, and what it need not run because nothing has changed."""

from dataclasses import replace
from typing import Any

import pytest

from ctci.model import Job, Repeat, Status
from ctci.run import skips
from tests import make


def reason(message: str = "", options: tuple[str, ...] = (), kind: str = "push") -> str | None:
    return skips.reason(event=kind, options=options, message=message, commit="52c8e0d" + "0" * 33)


@pytest.mark.parametrize(
    "token",
    [
        "[skip ci]",
        "[ci skip]",
        "[no ci]",
        "[skip actions]",
        "[actions skip]",
        "[SKIP CI]",
        "[ci-skip]",
        "[skip_ci]",
        "[ skip ci ]",
    ],
)
def test_a_skip_token_anywhere_in_the_message_skips(token: str) -> None:
    assert reason(f"Fix typo {token}\n\nmore") == f"“{token}” in the message of 52c8e0d"
    assert reason(f"Fix typo\n\n{token}") is not None


@pytest.mark.parametrize("message", ["Fix typo", "skip ci", "[skip] ci", "[skip city]", "[recipe ci skipper]", ""])
def test_words_that_only_look_like_it_do_not(message: str) -> None:
    assert reason(message) is None


@pytest.mark.parametrize("option", ["ci.skip", "skip-ci"])
def test_a_push_option_skips(option: str) -> None:
    assert reason(options=("other", option)) == f"the push said `-o {option}`"


@pytest.mark.parametrize("kind", ["tag", "manual", "rerun"])
def test_only_pushes_are_skipped(kind: str) -> None:
    assert reason("[skip ci]", ("ci.skip",), kind=kind) is None


# --- path filters


BASE = Job(
    id=7,
    run=1482,
    order=make.order(paths=("api/**",)),
    status=Status.FAILED,
    reason="exit 1",
    attempt=1,
    host=1,
    queued_at=0,
    began_at=0,
    finished_at=1,
    cancel_asked_at=None,
    cancel_by=None,
    cancel_as=None,
    cancel_reason=None,
    exit=None,
)


def filters(base: Job | None = BASE, kind: str = "push", message: str = "", **order: Any) -> bool:
    return skips.filters(make.order(**{"paths": ("api/**",), **order}), base, event=kind, message=message)


def test_a_filter_is_asked_for_the_same_order_of_a_push() -> None:
    assert filters()


@pytest.mark.parametrize(
    "otherwise",
    [
        {"base": None},
        {"kind": "tag"},
        {"kind": "manual"},
        {"kind": "rerun"},
        {"kind": "schedule"},
        {"message": "Change\n\n[ci all]"},
        {"message": "[CI-ALL] change"},
        {"paths": ()},
        {"paths": ("api/**", "libs/**")},
        {"directory": "elsewhere"},
        {"recipe": make.recipe(run="make other")},
        {"recipe": make.recipe(env={"A": "1"})},
        {"recipe": make.recipe(timeout_s=1)},
    ],
)
def test_what_is_not_the_same_is_run(otherwise: dict[str, Any]) -> None:
    assert not filters(**otherwise)


def test_what_says_nothing_of_the_job_may_be_another() -> None:
    assert filters(on_new_push="supersede", log_cap=1, remote=make.remote(url="/elsewhere"))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ((), "unchanged since #1482: failed"),
        (("docs/a", "README"), "unchanged since #1482: failed"),
        (("docs/a", "api/a"), None),
        (None, None),
    ],
)
def test_nothing_that_concerns_it_changed_so_it_has_the_result_of_then(
    changed: tuple[str, ...] | None, reason: str | None
) -> None:
    repeat = skips.unchanged(BASE.order, BASE, changed)

    assert (repeat.reason if repeat else None) == reason
    assert repeat is None or (repeat.job, repeat.status) == (7, Status.FAILED)


def test_a_repeated_result_is_repeated_in_the_name_of_the_job_that_was_run() -> None:
    again = replace(BASE, id=9, run=1490, same_as=7, reason="unchanged since #1482: failed")

    assert skips.unchanged(again.order, again, ()) == Repeat(
        job=7, status=Status.FAILED, reason="unchanged since #1482: failed"
    )

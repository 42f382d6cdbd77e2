"""The window of a digest, where the one before it did not go."""

from typing import Any

import pytest

from ctci.config.settings import Digest
from ctci.report import upcoming
from ctci.report.upcoming import OVERTAKEN, Window
from tests import make

DAY = 86_400_000
NOW = 1_795_516_200_000
WINDOW = Window(date="2026-11-24", since=NOW - DAY, until=NOW - 2_000)


def widened(**fields: Any) -> tuple[int, int]:
    """How many days the window is about, and how many digests it is told that it covers."""
    last = make.sending(sink="digest", body={"since": NOW - 2 * DAY, "until": NOW - DAY}, **fields)
    window = upcoming.with_untold(WINDOW, last, NOW)
    return (NOW - window.since) // DAY, window.missed


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "given_up"},
        {"state": "due"},
        {"state": "due", "held_by": "another that was killed", "held_until": NOW - 1},
        {"state": "dropped", "last_error": OVERTAKEN},
    ],
)
def test_what_did_not_go_is_told_by_the_next_one_which_says_so(fields: dict[str, Any]) -> None:
    assert widened(**fields) == (2, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "sent"},
        {"state": "quiet"},
        {"state": "due", "held_by": "another", "held_until": NOW + 1},
        {"state": "dropped", "last_error": "cy@example.org has stopped these letters"},
    ],
)
def test_what_went_or_is_going_or_was_stopped_is_not_told_again(fields: dict[str, Any]) -> None:
    assert widened(**fields) == (1, 0)


def test_no_window_is_longer_than_the_page_shows_and_one_that_is_cut_says_so() -> None:
    ended = make.sending(sink="digest", state="sent", body={"date": "x", "since": 0, "until": NOW - 40 * DAY})
    last = make.sending(sink="digest", body={"date": "2026-11-23", "since": NOW - 40 * DAY, "until": NOW - DAY})

    found = (
        upcoming.since_last(Digest(), "UTC", last, ended, NOW),
        upcoming.since_day("UTC", "2026-10-01", NOW),
        upcoming.of_date(Digest(), "UTC", "2026-11-23", last),
    )

    assert [(each.until - each.since, each.cut) for each in found if each is not None] == [(31 * DAY, True)] * 3
    assert not upcoming.since_day("UTC", "2026-11-01", NOW).cut


def test_each_one_that_did_not_go_is_counted() -> None:
    body = {"since": NOW - 3 * DAY, "until": NOW - DAY, "missed": 1}
    last = make.sending(sink="digest", state="given_up", body=body)

    assert upcoming.with_untold(WINDOW, last, NOW).missed == 2

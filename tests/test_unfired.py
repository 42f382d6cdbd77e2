"""What is said of times that a schedule missed, and read again."""

import pytest

from ctci.model import unfired

LAST = "2026-11-24T02:30+01:00"


@pytest.mark.parametrize("times", [1, 2, 15])
def test_what_is_said_of_missed_times_can_be_read_again(times: int) -> None:
    assert unfired.read(unfired.said(times, LAST, "it slept: long\nago"), LAST) == (times, "it slept: long\nago")


def test_another_text_is_the_reason_itself() -> None:
    assert unfired.read("the server was down", LAST) == (1, "the server was down")

"""`Retry-After`: what is read of it, and within which bounds."""

import datetime as dt
import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.forges import retry_after

#: Mon, 30 Nov 2026 03:00:00 GMT.
NOW = 1_796_007_600_000
MOST_S = 6 * 3600.0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 1.0),
        ("17", 17.0),
        (" 17 ", 17.0),
        ("0000000000017", 17.0),
        ("9" * 5000, MOST_S),
        ("Mon, 30 Nov 2026 03:01:30 GMT", 90.0),
        ("Mon, 30 Nov 2026 03:01:30 -0000", 90.0),
        ("Mon, 30 Nov 2026 03:01:30", 90.0),
        ("Mon, 30 Nov 2026 04:01:30 +0100", 90.0),
        ("Sun, 29 Nov 2026 03:00:00 GMT", 1.0),
        ("Mon, 30 Nov 2099 03:00:00 GMT", MOST_S),
        ("Mon, 30 Nov 99999999999999999999 03:00:00 GMT", None),
        ("Mon, 30 Nov 2026 03:01:30 +9999", None),
        *((said, None) for said in ("", "-1", "1.5", "\u00b2", "\u0663", "soon", "Mon, 99 Nov 2026")),
    ],
)
def test_it_is_seconds_or_a_date_and_in_bounds(said: str, seconds: float | None) -> None:
    assert seconds == retry_after.seconds({"retry-after": said}, NOW, most_s=MOST_S)


@given(wait_s=st.integers(0, 2 * int(MOST_S)), zeros=st.integers(0, 30))
def test_both_forms_of_a_wait_mean_the_same(wait_s: int, zeros: int) -> None:
    forms = ("0" * zeros + str(wait_s), email.utils.formatdate(NOW / 1000 + wait_s, usegmt=True))

    read = [retry_after.seconds({"retry-after": form}, NOW, most_s=MOST_S) for form in forms]

    assert read == [min(max(wait_s, 1), MOST_S)] * 2


@given(
    said=st.text(max_size=60)
    | st.integers().map(str)
    | st.datetimes(timezones=st.sampled_from([dt.UTC, None])).map(email.utils.format_datetime),
    most_s=st.floats(1, 1e6),
)
def test_whatever_is_said_the_wait_is_within_its_bounds(said: str, most_s: float) -> None:
    read = retry_after.seconds({"retry-after": said}, NOW, most_s=most_s)

    assert read is None or 1 <= read <= most_s

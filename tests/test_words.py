"""The shared words, as tables."""

import time

import pytest

from ctci import words
from ctci.model import Life
from tests import make

THIN = words.THIN


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.04, "0.1 s"),
        (0.44, "0.4 s"),
        (12.4, "12 s"),
        (59.6, "1 m 00 s"),
        (72, "1 m 12 s"),
        (3600, "1 h 00 m"),
        (6420, "1 h 47 m"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, said: str) -> None:
    assert said.replace(" ", THIN) == words.duration(seconds)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "just now"), (48, "48 s ago"), (95 * 60, "95 min ago"), (2 * 3600, "2 h ago"), (4 * 86400, "4 days ago")],
)
def test_an_age_has_one_unit(seconds: int, said: str) -> None:
    expected = said.replace(" ", THIN, 1) if said[0].isdigit() else said

    assert expected == words.ago(1_000_000, 1_000_000 + seconds * 1000)


def test_a_clock_that_stepped_back_makes_no_negative_age() -> None:
    assert words.ago(2_000_000, 1_000_000) == "just now"


def test_numbers_are_grouped_and_units_stay_with_them() -> None:
    assert f"88{THIN}120" == words.number(88_120)
    assert (f"999{THIN}B", f"9.4{THIN}MB", f"212{THIN}MB") == tuple(map(words.size, (999, 9_400_000, 212_100_000)))
    assert (
        words.count(1, "job"),
        words.count(2, "job"),
        words.count(0, "try", "tries"),
    ) == ("1 job", "2 jobs", "0 tries")


def test_names_are_listed_as_people_do() -> None:
    assert tuple(words.names(each) for each in ([], ["api"], ["api", "web"], ["api", "web", "docs"])) == (
        "",
        "api",
        "api and web",
        "api, web and docs",
    )


DAY = 86_400_000


@pytest.mark.parametrize(
    ("word", "days", "said"),
    [
        ("new", 0, "new"),
        ("still", 9, "still, 9 days"),
        ("still", 0, "still"),
        ("returned", 0, "returned"),
        ("fixed", 3, "fixed"),
        ("flaky", 3, "flaky, seen in 2 of 14"),
    ],
)
def test_a_life_is_a_word_with_what_is_worth_knowing(word: str, days: int, said: str) -> None:
    since, last = make.look("a", at=0), make.look("a", at=days * DAY)
    life = Life(fingerprint="a", word=word, first=since, since=since, last=last, times=2, looks=14)

    assert said == words.lived(life).replace(THIN, " ")


def day(at: int) -> str:
    return f"day {at // DAY}"


def test_what_is_known_is_told_once_for_each_reason() -> None:
    one, other = make.ack(until=3 * DAY), make.ack(until=4 * DAY, why="gcc 14", acked_by="ben")

    told = words.known([one, other, one], day)

    assert told == [
        "2 known, acknowledged by ana until day 2: waits for the new rounding",
        "1 known, acknowledged by ben until day 3: gcc 14",
    ]


def test_the_last_day_of_an_acknowledgement_is_told_when_it_has_lapsed() -> None:
    assert words.lapsed(make.ack(until=3 * DAY), day) == "acknowledged by ana until day 2: lapsed"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0s"),
        (0.04, "0.1s"),
        (0.44, "0.4s"),
        (59.6, "1m00s"),
        (41, "41s"),
        (130, "2m10s"),
        (599, "9m59s"),
        (3660, "61m"),
        (7500, "2h05m"),
    ],
)
def test_a_duration_can_be_said_briefly(seconds: float, said: str) -> None:
    assert said == words.briefly(seconds)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("550 <ana.lind+ci@example.org>: no such user", "550 <a…@example.org>: no such user"),
        ("ops:ana@example.org,bo@localhost.", "ops:a…@example.org,b…@localhost."),
        ("/var/mail/ana@example.org", "/var/mail/a…@example.org"),
        ('"ana lind"@example.org and "a\\"b"@example.org', "a…@example.org and a…@example.org"),
        ("ana@[192.0.2.1]", "a…@[192.0.2.1]"),
        (f"{'x' * 90}@example.org", "x…@example.org"),
        ("ssh://git@example.org/shop.git", "ssh://git@example.org/shop.git"),
        ("lodash@4.17.21", "lodash@4.17.21"),
        ("at @ noon, 3@", "at @ noon, 3@"),
    ],
)
def test_of_a_mail_address_only_its_first_letter_and_its_host_are_shown(text: str, shown: str) -> None:
    assert shown == words.veiled(text)


@pytest.mark.parametrize("part", ["a", "a@", "a.", '"', '\\"', '"a', "a@1.", "a@[1"])
def test_a_long_answer_is_veiled_in_no_time(part: str) -> None:
    text = part * (100_000 // len(part))
    began = time.thread_time()

    words.veiled(text)

    assert time.thread_time() - began < 2

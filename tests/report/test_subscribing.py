"""Subscribing: the link and the headers of a letter, and what remains of a table as one receiver wishes it."""

from typing import Any

import pytest

from ctci.config.settings import Digest, Notify, Project
from ctci.model import AT_ONCE, DIGEST, Subscription, Verdict, Wishes
from ctci.report import subscribing
from tests import make

TOKEN = "9f2c" * 8
TEAM = Notify(name="team", email=("ana@example.org",), digest=Digest(days=("mon-fri",)), timezone="Europe/Berlin")


def subscription(*stopped: str, **wishes: Any) -> Subscription:
    at = dict.fromkeys(stopped, 1)
    return Subscription(to="team:ana@example.org", token=TOKEN, stopped=at, wishes=Wishes(**wishes), changed_at=1)


def test_each_kind_of_letter_is_stopped_by_an_address_of_its_own() -> None:
    told = {kind: subscribing.headers("https://ci.example.org/", TOKEN, kind) for kind in (DIGEST, AT_ONCE)}

    assert told == {
        kind: {
            "List-Unsubscribe": f"<https://ci.example.org/me/digest?k={TOKEN}&stop={kind}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        for kind in ("digest", "at-once")
    }


def test_no_program_is_asked_to_post_where_the_address_is_not_https() -> None:
    told = subscribing.headers("http://ci.example.org/ci", TOKEN, DIGEST)

    assert told == {"List-Unsubscribe": f"<http://ci.example.org/ci/me/digest?k={TOKEN}&stop=digest>"}


def test_no_address_ends_its_header_early() -> None:
    told = subscribing.headers("https://ci.example.org/a>,<b/é", TOKEN, DIGEST)

    assert told["List-Unsubscribe"] == (f"<https://ci.example.org/a%3E,%3Cb/%C3%A9/me/digest?k={TOKEN}&stop=digest>")


def test_the_link_of_a_foot_stops_nothing_by_itself() -> None:
    assert subscribing.link("https://ci.example.org/", TOKEN) == f"https://ci.example.org/me/digest?k={TOKEN}"


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (None, [DIGEST, AT_ONCE]),
        (subscription(), [DIGEST, AT_ONCE]),
        (subscription(DIGEST), [AT_ONCE]),
        (subscription(AT_ONCE), [DIGEST]),
        (subscription(DIGEST, AT_ONCE), []),
    ],
)
def test_what_is_stopped_is_not_wanted(held: Subscription | None, wanted: list[str]) -> None:
    assert [kind for kind in (DIGEST, AT_ONCE) if subscribing.wants(held, kind)] == wanted


def test_one_chooses_from_what_the_table_is_told_of() -> None:
    projects = {
        name: Project(name=name, remote=make.remote(), notify=notify)
        for name, notify in (("shop", ("team",)), ("blog", ("ops", "team")), ("secret", ("ops",)))
    }

    assert subscribing.choices(TEAM, projects) == ("blog", "shop")
    assert subscribing.choices(Notify(name="team", only=("shop/api", "blog")), projects) == ("shop/api", "blog")


def test_a_table_is_as_it_is_where_nothing_is_wished() -> None:
    assert subscribing.narrowed(TEAM, None, ()) == TEAM == subscribing.narrowed(TEAM, subscription(), ("shop",))


def test_wishes_take_the_place_of_what_the_table_says() -> None:
    held = subscription(only=("blog",), at="09:15", days=("thu",), timezone="UTC")

    mine = subscribing.narrowed(TEAM, held, ("blog", "shop"))

    assert (mine.only, mine.digest, mine.timezone) == (("blog",), Digest(at="09:15", days=("thu",)), "UTC")
    assert (mine.email, mine.immediate) == (TEAM.email, TEAM.immediate)


@pytest.mark.parametrize(
    ("table", "wished", "only"),
    [
        ((), ("shop",), ("shop",)),
        (("shop/api", "blog"), ("shop/api",), ("shop/api",)),
        # What the table does not tell of, nobody can wish for.
        (("shop/api",), ("shop/api", "shop", "secret"), ("shop/api",)),
        # What was chosen is there no more.
        (("shop/api",), ("shop/web",), ("shop/api",)),
        ((), ("gone",), ()),
    ],
)
def test_wishes_narrow_and_never_widen(table: tuple[str, ...], wished: tuple[str, ...], only: tuple[str, ...]) -> None:
    notify = Notify(name="team", only=table)

    assert subscribing.narrowed(notify, subscription(only=wished), table or ("shop", "blog")).only == only


def test_no_digest_comes_of_wishing_for_a_time() -> None:
    assert subscribing.narrowed(Notify(name="team"), subscription(at="09:00"), ()).digest is None


WEEK = ("mon", "tue", "wed", "thu", "fri")


@pytest.mark.parametrize(
    ("asked", "wishes"),
    [
        ({}, Wishes()),
        ({"only": ("shop",)}, Wishes(only=("shop",))),
        # A choice that is gone by now is none.
        ({"only": ("shop", "blog", "gone")}, Wishes()),
        ({"at": "08:00"}, Wishes(at="08:00")),
        ({"days": ("mon", "fri")}, Wishes(days=("mon", "fri"))),
        ({"days": (*WEEK, "sat", "sun")}, Wishes(days=(*WEEK, "sat", "sun"))),
        ({"timezone": "UTC"}, Wishes(timezone="UTC")),
    ],
)
def test_only_what_differs_from_the_table_is_a_wish(asked: dict[str, Any], wishes: Wishes) -> None:
    as_it_is: dict[str, Any] = {
        "only": ("blog", "shop"),
        "at": "07:30",
        "days": WEEK,
        "timezone": "Europe/Berlin",
    }

    assert subscribing.wished(TEAM, ("blog", "shop"), **{**as_it_is, **asked}) == wishes


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (None, True),
        (subscription(), True),
        (subscription(DIGEST), True),
        (subscription(AT_ONCE), False),
        (subscription(only=("shop",)), True),
        (subscription(only=("blog",)), False),
        (subscription(only=("gone",)), True),
    ],
)
def test_a_break_is_told_to_who_wishes_to_know(held: Subscription | None, told: bool) -> None:
    projects = {name: Project(name=name, remote=make.remote(), notify=("team",)) for name in ("shop", "blog")}
    broke = Verdict(job=make.job(), run=make.run(), word="broke", change=True)

    assert subscribing.tells(TEAM, held, broke, projects) == told

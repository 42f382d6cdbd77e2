"""Badges: which word, the picture and how wide it is, what a hostile name does to it, and how often it is asked for."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci import ledger
from ctci.model import Status
from ctci.web import badge
from tests import make
from tests.web.site import Site

SVG = "{http://www.w3.org/2000/svg}"
#: Anything that fits into a str, half characters and controls included.
ANYTHING = st.text(st.characters(), max_size=200)


def word(site: Site, query: str = "", project: str = "shop") -> str:
    """What a badge says."""
    said: str = json.loads(site.get(f"/badge/{project}.json{query}").text)["message"]
    return said


def texts(svg: str) -> list[tuple[str, float, float]]:
    """(text, where it begins, where it ends) of each text of a picture."""
    found = ET.fromstring(svg).iter(f"{SVG}text")
    return [(each.text or "", float(each.attrib["x"]), _end(each.attrib)) for each in found]


def _end(attributes: dict[str, str]) -> float:
    return float(attributes["x"]) + float(attributes.get("textLength", 0))


# --- the word --------------------------------------------------------------------------------------------------------


def test_a_badge_says_how_the_default_branch_stands(site: Site, db: ledger.Ledger, host: int) -> None:
    before = word(site)
    make.prepared(db)
    waiting = word(site)
    job, _ = make.running(db, host)
    running = word(site)
    make.settle(db, job, host)
    green = word(site)
    make.settled(db, host, Status.FAILED, "exit 1")

    assert (before, waiting, running, green) == ("no runs", "running", "running", "passing")
    assert word(site) == "failing"


def test_a_result_stays_while_the_next_one_is_awaited(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.TIMED_OUT)
    make.prepared(db)
    make.running(db, host)

    assert word(site) == "failing"


@pytest.mark.parametrize("status", [Status.ERRORED, Status.CANCELLED, Status.SUPERSEDED])
def test_what_is_no_result_does_not_change_a_badge(site: Site, db: ledger.Ledger, host: int, status: Status) -> None:
    make.settled(db, host, status)
    alone = word(site)
    make.settled(db, host)
    make.settled(db, host, status)

    assert (alone, word(site)) == ("unknown", "passing")


def test_what_is_allowed_to_fail_turns_no_badge_red(site: Site, db: ledger.Ledger, host: int) -> None:
    spared = make.order(recipe=make.recipe(allow_failure=True))
    make.settled(db, host, Status.FAILED, orders=(spared,))

    assert word(site) == "passing"


def test_a_recipe_that_is_configured_no_more_counts_for_nothing(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    make.settled(db, host, Status.FAILED, orders=(make.order(recipe=make.recipe(name="gone")),))

    assert word(site) == "passing"


def test_a_branch_with_slashes_and_a_tag_have_badges_of_their_own(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    make.settled(db, host, Status.FAILED, trigger=make.trigger(ref="refs/heads/fix/a/b"))
    make.settled(db, host, trigger=make.trigger(kind="tag", ref="refs/tags/v1"))

    said = [word(site, query) for query in ("?branch=fix/a/b", "?branch=fix%2Fa%2Fb", "?branch=refs/tags/v1", "")]
    assert said == ["failing", "failing", "passing", "passing"]


def test_a_badge_of_a_subproject_or_recipe_is_of_that_alone(site: Site, db: ledger.Ledger, host: int) -> None:
    lint = make.recipe(name="lint[py=3.11]")
    api = replace(site.settings.projects["shop"].subs["api"], recipes={"test": make.recipe(), lint.name: lint})
    web = replace(api, name="web", recipes={"test": make.recipe()})
    shop = replace(site.settings.projects["shop"], subs={"api": api, "web": web})
    site.settings = replace(site.settings, projects={"shop": shop})
    make.settled(db, host, orders=(make.order(), make.order(subproject="web")))
    make.settled(db, host, Status.FAILED, orders=(make.order(recipe=lint),))

    queries = ("", "?sub=api", "?sub=web", "?sub=api&recipe=test", "?recipe=lint", "?sub=web&recipe=lint")
    said = [word(site, query) for query in queries]
    strip = site.get("/badge/shop.svg?sub=web&style=strip").text
    assert said == ["failing", "failing", "passing", "passing", "failing", "unknown"]
    assert "<title>shop/web: passing; last 1 run: 1 succeeded</title>" in strip


@pytest.mark.parametrize(
    ("project", "query"),
    [("nobody", ""), ("%00", ""), ("shop", "branch=gone"), ("shop", "sub=gone"), ("shop", "recipe=gone")],
)
def test_an_unknown_name_is_a_grey_badge_and_no_error(site: Site, project: str, query: str) -> None:
    picture, told = site.get(f"/badge/{project}.svg?{query}"), site.get(f"/badge/{project}.json?{query}")

    assert (picture.status, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert texts(picture.text)[1][0] == "unknown"
    assert json.loads(told.text)["color"] == "lightgrey"


def test_the_json_is_an_endpoint_for_shields(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED)

    red, unknown = (json.loads(site.get(f"/badge/{name}.json").text) for name in ("shop", "nobody"))

    assert red == {"schemaVersion": 1, "label": "shop", "message": "failing", "color": "red", "isError": False}
    assert unknown["isError"] is True


def test_a_label_can_be_given_and_else_names_what_it_is_of(site: Site) -> None:
    queries = ("", "?branch=dev", "?sub=api", "?sub=api&recipe=test", "?recipe=test", "?label=A+%26+B")

    labels = [json.loads(site.get(f"/badge/shop.json{query}").text)["label"] for query in queries]

    assert labels == ["shop", "shop dev", "shop/api", "shop/api:test", "shop:test", "A & B"]


# --- how often it is asked for ---------------------------------------------------------------------------------------


def test_a_badge_is_kept_for_half_a_minute_and_not_sent_twice(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    first = site.get("/badge/shop.svg")
    tag = first.headers["etag"]

    again = [site.get("/badge/shop.svg", If_None_Match=asked) for asked in (tag, f'"x", W/{tag}', "*")]
    make.settled(db, host, Status.FAILED)
    then = site.get("/badge/shop.svg", If_None_Match=tag)

    assert first.headers["cache-control"] == "max-age=30"
    assert [(each.status, each.raw, each.headers["etag"]) for each in again] == [(304, b"", tag)] * 3
    assert (then.status, "failing" in then.text) == (200, True)


@pytest.mark.parametrize("style", ["flat", "strip"])
def test_a_badge_asks_the_ledger_a_fixed_number_of_times(site: Site, db: ledger.Ledger, host: int, style: str) -> None:
    path = f"/badge/shop.svg?style={style}&sub=api"
    make.settled(db, host)
    few = site.reads(path)
    for number in range(12):
        make.settled(db, host, orders=(make.order(), make.order(recipe=make.recipe(name=f"r{number}"))))

    assert site.reads(path) == few


def test_a_badge_is_seen_where_pages_are_closed_and_the_page_of_badges_is_not(site: Site) -> None:
    site.listen(listen="0.0.0.0:8484")

    assert [site.get(path).status for path in ("/badge/shop.svg", "/badge/shop.json", "/badge")] == [200, 200, 401]


# --- the picture -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["passing", "failing", "running", "no runs", "unknown"])
def test_each_word_has_its_colour_and_its_shape(message: str) -> None:
    svg = badge.svg("shop", message)

    (left, right) = texts(svg)
    assert (left[0], right[0]) == ("shop", message)
    assert f"<title>shop: {message}</title>" in svg
    # The label's ground, the word's, and what is drawn on it.
    assert len(set(re.findall(r'fill="(#[0-9a-f]{6})"', svg))) == 2
    assert ("<circle" in svg) == (message == "running")


def test_passing_and_failing_differ_in_shape_too() -> None:
    shapes = {re.search(r' d="([^"]*)"', badge.svg("shop", word))[1] for word in ("passing", "failing", "no runs")}  # type: ignore[index]

    assert len(shapes) == 3


@given(ANYTHING, st.sampled_from(["passing", "failing", "running", "no runs", "unknown"]))
def test_no_label_breaks_the_picture_or_runs_out_of_its_field(label: str, message: str) -> None:
    svg = badge.svg(label, message)

    picture = ET.fromstring(svg)
    (_, _, left), (said, begins, right) = texts(svg)
    width = float(picture.attrib["width"])
    assert said == message
    assert left <= begins - 20
    assert right <= width - 7
    assert {each.tag.removeprefix(SVG) for each in picture.iter()} <= _drawn(message)
    assert width < 1000


def _drawn(message: str) -> set[str]:
    shapes = {"svg", "title", "clipPath", "rect", "g", "path", "text"}
    return shapes | {"circle"} if message == "running" else shapes


@pytest.mark.parametrize(
    ("text", "least"), [("日本語のプロジェクト", 110), ("🚀🚀🚀", 33), ("WWWW", 40), ("e\u0301e\u0301", 12)]
)
def test_wide_characters_have_room(text: str, least: int) -> None:
    assert badge.measure(text) >= least


def test_an_accent_of_its_own_takes_no_room() -> None:
    assert badge.measure("e\u0301") == badge.measure("e")


@given(st.lists(st.tuples(st.sampled_from(list(Status)), st.none() | st.floats(0, 1e6)), max_size=30))
def test_the_bars_of_a_strip_stay_on_its_ground(facts: list[tuple[Status, float | None]]) -> None:
    shown = [badge.Bar(status=status, seconds=seconds) for status, seconds in facts][-badge.BARS :]

    picture = ET.fromstring(badge.svg("shop", "passing", shown))

    full = float(picture.attrib["width"])
    plain = float(ET.fromstring(badge.svg("shop", "passing")).attrib["width"])
    bars = [each.attrib for each in picture.iter(f"{SVG}rect") if each.attrib["width"] in ("2", "3")]
    assert full == plain + (4 * len(shown) + 8 if shown else 0)
    for bar in bars:
        assert plain <= float(bar["x"]) <= full - 4
        assert float(bar["y"]) >= 0
        assert float(bar["y"]) + float(bar["height"]) <= 20


def test_what_failed_hangs_below_the_line_in_a_strip() -> None:
    svg = badge.svg("shop", "failing", [badge.Bar(status=Status.FAILED, seconds=1)])

    assert 'y="15" width="3" height="3" fill="#ff7b72"' in svg
    assert "<title>shop: failing; last 1 run: 1 failed</title>" in svg


# --- where one finds it ----------------------------------------------------------------------------------------------


def test_the_page_of_badges_gives_what_is_to_be_copied(site: Site) -> None:
    site.listen(public_url="https://ci.example.org/")

    page = site.get("/badge?project=shop&branch=fix/a%5Db&style=strip")

    query = "?branch=fix%2Fa%5Db&amp;style=strip"
    leads = "https://ci.example.org/runs?project=shop&amp;branch=fix%2Fa%5Db"
    assert f'<img src="/badge/shop.svg{query}" alt="shop fix/a]b">' in page.text
    assert f"[![shop fix/a\\]b](https://ci.example.org/badge/shop.svg{query})]({leads})" in page.text
    assert "https://ci.example.org/badge/shop.json?branch=fix%2Fa%5Db<" in page.text
    assert "https://ci.example.org/p/shop/feed.atom" in page.text
    assert "https://ci.example.org/cctray.xml?project=shop" in page.text


def test_the_page_of_badges_escapes_what_is_asked(site: Site) -> None:
    page = site.get("/badge?project=%3Cscript%3E&branch=%3Cscript%3E&label=%22%3E%3Cscript%3E&sub=%3Cscript%3E")

    assert page.status == 200
    assert "<script>" not in page.text
    assert page.text.count("<script ") == 1


def test_without_projects_the_page_of_badges_says_so(site: Site) -> None:
    site.settings = replace(site.settings, projects={})

    assert "Name a project first" in site.get("/badge").text


def test_the_runs_of_a_project_lead_to_its_badge(site: Site) -> None:
    assert (
        'href="/badge?project=shop&amp;branch=dev">badge and feed</a>' in site.get("/runs?project=shop&branch=dev").text
    )
    assert "badge and feed" not in site.get("/runs").text

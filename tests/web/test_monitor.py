"""cctray.xml: held against what its schema asks for, and what each branch is said to be."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from ctci import ledger
from ctci.config.settings import Schedule
from ctci.model import Status
from ctci.web import cctray
from tests import make
from tests.web.site import Site

#: One or more of the characters that XML 1.0 has in names.
NMTOKEN = (
    "[-.:_A-Za-z0-9\xb7\xc0-\xd6\xd8-\xf6\xf8-\u037d\u037f-\u1fff\u200c\u200d\u203f\u2040\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff]+"
)
DATE_TIME = r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
#: Who may be there, and what each must look like (https://cctray.org/v1): (required, form).
ATTRIBUTES = {
    "name": (True, NMTOKEN),
    "activity": (True, "Sleeping|Building|CheckingModifications"),
    "lastBuildStatus": (True, "Success|Failure|Exception|Unknown"),
    "lastBuildLabel": (False, NMTOKEN),
    "lastBuildTime": (True, DATE_TIME),
    "nextBuildTime": (False, DATE_TIME),
    "webUrl": (True, r"https?://\S+"),
}


def checked(text: str) -> list[dict[str, str]]:
    """The elements of a document that is as the schema has it: nothing more, nothing less, every name once."""
    root = ET.fromstring(text.encode())
    assert (root.tag, root.attrib, (root.text or "").strip()) == ("Projects", {}, "")
    for each in root:
        assert (each.tag, len(each), each.text, (each.tail or "").strip()) == ("Project", 0, None, "")
        assert each.attrib.keys() <= ATTRIBUTES.keys()
        for name, (required, form) in ATTRIBUTES.items():
            assert name in each.attrib or not required
            assert re.fullmatch(form, each.attrib.get(name, "")) or name not in each.attrib
            assert not re.search(r"\s", each.attrib.get(name, ""))
    names = [each.attrib["name"] for each in root]
    assert len(set(names)) == len(names)
    return [each.attrib for each in root]


def seen(site: Site, query: str = "") -> dict[str, dict[str, str]]:
    """Name -> its element."""
    answer = site.get(f"/cctray.xml{query}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/xml")
    return {each["name"]: each for each in checked(answer.text)}


def only(site: Site) -> tuple[str, str]:
    """(last status, activity) of the only element."""
    (lamp,) = seen(site).values()
    return lamp["lastBuildStatus"], lamp["activity"]


def test_without_runs_there_is_nothing_to_watch(site: Site) -> None:
    assert seen(site) == {}


def test_each_branch_and_subproject_is_an_element(site: Site, db: ledger.Ledger, host: int) -> None:
    site.listen(public_url="https://ci.example.org/")
    red = make.settled(db, host, Status.FAILED)
    make.settled(db, host, trigger=make.trigger(ref="refs/heads/fix/a"))
    alone = make.order(project="dotfiles", subproject="", directory=".")
    make.settled(db, host, trigger=make.trigger(project="dotfiles"), orders=(alone,))

    found = seen(site)

    assert sorted(found) == ["dotfiles:main", "shop:fix-a:api", "shop:main:api"]
    assert found["shop:main:api"] == {
        "name": "shop:main:api",
        "activity": "Sleeping",
        "lastBuildStatus": "Failure",
        "lastBuildLabel": str(red),
        "lastBuildTime": "2026-11-24T10:30:00.000Z",
        "webUrl": f"https://ci.example.org/runs/{red}",
    }
    assert sorted(seen(site, "?project=dotfiles")) == ["dotfiles:main"]


def test_a_lamp_goes_through_what_a_branch_goes_through(site: Site, db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    told = [only(site)]
    job, _ = make.running(db, host)
    told.append(only(site))
    make.settle(db, job, host)
    told.append(only(site))
    for status in (Status.ERRORED, Status.CANCELLED, Status.FAILED, Status.ERRORED, Status.SUCCEEDED):
        make.settled(db, host, status)
        told.append(only(site))

    assert told == [
        ("Unknown", "Building"),
        ("Unknown", "Building"),
        ("Success", "Sleeping"),
        ("Exception", "Sleeping"),
        ("Success", "Sleeping"),
        ("Failure", "Sleeping"),
        ("Failure", "Sleeping"),
        ("Success", "Sleeping"),
    ]


def test_what_is_allowed_to_fail_lights_no_red_lamp(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED, orders=(make.order(recipe=make.recipe(allow_failure=True)),))

    assert only(site) == ("Success", "Sleeping")


def test_what_is_not_configured_any_more_has_no_lamp(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, orders=(make.order(subproject="gone"), make.order(recipe=make.recipe(name="gone"))))
    make.settled(db, host, trigger=make.trigger(project="gone"), orders=(make.order(project="gone"),))

    assert seen(site) == {}


def test_a_branch_that_went_quiet_has_no_lamp_and_the_default_branch_keeps_its_own(
    site: Site, db: ledger.Ledger, host: int
) -> None:
    make.settled(db, host)
    make.settled(db, host, trigger=make.trigger(ref="refs/heads/old"))
    site.clock.move(15 * 86400)

    assert sorted(seen(site)) == ["shop:main:api"]


def test_a_lamp_says_when_its_schedule_fires_next(site: Site, db: ledger.Ledger, host: int) -> None:
    nightly = Schedule(name="nightly", cron="30 2 * * *", timezone="Europe/Berlin")
    weekly = Schedule(name="weekly", cron="0 1 * * 0", branches=("fix/*",))
    shop = replace(site.settings.projects["shop"], schedules={"nightly": nightly, "weekly": weekly})
    site.settings = replace(site.settings, projects={"shop": shop})
    for branch in ("main", "fix/a", "other"):
        make.settled(db, host, trigger=make.trigger(ref=f"refs/heads/{branch}"))

    found = {name: each.get("nextBuildTime") for name, each in seen(site).items()}

    assert found == {
        "shop:main:api": "2026-11-25T01:30:00.000Z",
        "shop:fix-a:api": "2026-11-29T01:00:00.000Z",
        "shop:other:api": None,
    }


def test_an_unknown_project_is_said_to_be_unknown(site: Site) -> None:
    answer = site.get("/cctray.xml?project=nobody")

    assert (answer.status, answer.h1) == (404, "There is no project nobody.")


def test_a_monitor_is_told_nothing_twice(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    tag = site.get("/cctray.xml").headers["etag"]

    assert site.get("/cctray.xml", If_None_Match=tag).status == 304


def test_a_monitor_asks_the_ledger_a_fixed_number_of_times(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    few = site.reads("/cctray.xml")
    for number in range(20):
        make.settled(db, host, trigger=make.trigger(ref=f"refs/heads/b{number}"))

    assert site.reads("/cctray.xml") == few


def test_monitors_see_no_more_than_visitors(site: Site) -> None:
    site.listen(listen="0.0.0.0:8484")

    assert site.get("/cctray.xml").status == 401


# --- names -----------------------------------------------------------------------------------------------------------


def test_names_that_would_be_the_same_are_told_apart() -> None:
    places = [("shop", "fix-a", ""), ("shop", "fix/a", ""), ("shop", "fix a", ""), ("shop", "main", "api")]

    names = cctray.names(places)

    assert (names[places[0]], names[places[3]]) == ("shop:fix-a", "shop:main:api")
    assert re.fullmatch("shop:fix-a-[0-9a-f]{8}", names[places[1]])
    assert len(set(names.values())) == 4


def test_a_name_stays_whatever_else_is_there() -> None:
    place, other = ("shop", "fix/a", ""), ("shop", "main", "")

    assert cctray.names([place])[place] == cctray.names([other, place])[place] == "shop:fix-a"


PART = st.text(st.characters(), min_size=1, max_size=30) | st.sampled_from(["a:b", "a/b", "a-b", "main", " ", "\0"])


@given(st.lists(st.tuples(PART, PART, st.just("") | PART), max_size=12, unique=True))
def test_any_names_make_a_document_that_the_schema_takes(places: list[cctray.Place]) -> None:
    lamps = [cctray.Lamp(place=place, status="Unknown", building=False, run=1, at=0) for place in places]

    document = cctray.document(lamps, "https://ci.example.org/")

    assert len(checked(document)) == len(places)

"""What ctci says of itself: the worst first, each with what mends it; as a page, and for programs."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ctci import ledger
from ctci.api import wellness
from ctci.config.problems import Problem
from tests import make
from tests.web.site import Site

GB = 10**9
READY: dict[str, Any] = {
    "ok": True,
    "reasons": [],
    "faults": {},
    "loops": 11,
    "containment": "subreaper, cgroup.kill",
    "slots": 2,
    "peak": 2,
    "running": 1,
    "queued": 3,
}
FACTS = wellness.Facts(
    ready=READY,
    room=wellness.Room(free=20 * GB, total=60 * GB, floor=GB),
    read="read 2 h ago",
    warnings=0,
    unsent=(),
)


def faulty(area: str, *reasons: str) -> wellness.Facts:
    return replace(FACTS, ready={**READY, "ok": False, "reasons": [*reasons], "faults": {area: [*reasons]}})


def states(facts: wellness.Facts) -> dict[str, str]:
    """What is not well."""
    return {each.name: each.state for each in wellness.checks(facts) if each.state != "well"}


def said(facts: wellness.Facts) -> str:
    return wellness.verdict(wellness.checks(facts)).text.replace("\u202f", " ")


def test_where_nothing_is_wrong_everything_is_said_to_be_well() -> None:
    found = {each.name: each.said.replace("\u202f", " ") for each in wellness.checks(FACTS)}

    assert said(FACTS) == "ctci is well."
    assert found == {
        "Loops": "all 11 run",
        "Jobs": "kept in: subreaper, cgroup.kill",
        "Disk": "67 % of 60.0 GB used, 20.0 GB free",
        "Configuration": "read 2 h ago, without a warning",
        "Ledger": "it answers",
        "Slots": "1 of 2 busy; at most 2 at once since the start; 3 jobs wait",
        "Messages": "none is held up, none was given up in the last 7 days",
        "Webhooks": "none is silent while pushes come",
    }


@pytest.mark.parametrize("area", sorted(wellness.FIXES))
def test_each_fault_is_told_once_with_what_mends_it(area: str) -> None:
    facts = faulty(area, "it has ended")

    first, *rest = wellness.checks(facts)

    assert (first.name, first.state, first.said) == (area.capitalize(), "wrong", "it has ended")
    assert first.fix == wellness.FIXES[area]
    assert all(each.name != first.name for each in rest)
    assert said(facts) == "ctci is not well: it has ended."


def test_of_several_faults_the_headline_tells_the_first_and_how_many_more() -> None:
    facts = faulty("loops", "the courier loop has ended", "the sweep loop has ended", "the nightly loop has ended")

    assert said(facts) == "ctci is not well: the courier loop has ended, and 2 more things."
    assert len([each for each in wellness.checks(facts) if each.state == "wrong"]) == 3


def test_a_reason_of_nothing_that_is_known_is_not_lost() -> None:
    facts = replace(FACTS, ready={"ok": False, "reasons": ["the moon is full"]})

    assert said(facts) == "ctci is not well: the moon is full."


@pytest.mark.parametrize(
    ("facts", "name", "headline"),
    [
        (
            replace(FACTS, room=wellness.Room(free=GB + 1, total=60 * GB, floor=GB)),
            "Disk",
            "the disk is 98 % full: 1.0 GB are free, and under disk-floor = 1.0 GB no job is started",
        ),
        (replace(FACTS, warnings=1), "Configuration", "the configuration has 1 warning; read 2 h ago"),
        (
            replace(FACTS, silences=("the webhook of shop has never called",)),
            "Webhooks",
            "the webhook of shop has never called",
        ),
        (
            replace(
                FACTS,
                unsent=(
                    make.sending(state="due", tries=3, last_error="connection refused."),
                    make.sending(state="given_up", last_error="no such user"),
                    make.sending(state="due", tries=1),
                ),
            ),
            "Messages",
            "2 messages are held up and 1 message was given up in the last 7 days: connection refused",
        ),
    ],
    ids=["disk", "configuration", "webhooks", "messages"],
)
def test_what_is_to_be_seen_to_is_the_headline_where_nothing_is_wrong(
    facts: wellness.Facts, name: str, headline: str
) -> None:
    assert states(facts) == {name: "see to it"}
    assert said(facts) == f"ctci is well. One thing to see to: {headline}."
    assert next(each for each in wellness.checks(facts) if each.name == name).fix


def test_several_things_to_see_to_are_counted() -> None:
    facts = replace(FACTS, warnings=2, silences=("the webhook of shop has never called",))

    assert said(facts) == (
        "ctci is well. 2 things to see to, the first: the configuration has 2 warnings; read 2 h ago."
    )


def test_without_a_ledger_what_it_knows_is_said_not_to_be_known() -> None:
    facts = replace(faulty("ledger", "the disk is gone"), unsent=None)

    assert states(facts) == {"Ledger": "wrong", "Messages": "see to it"}


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_says_what_is_wrong_and_shows_what_was_not_sent(site: Site, db: ledger.Ledger) -> None:
    run = make.recorded(db)
    make.unsent(db, run, error="connection <refused>")
    site.ready = {**READY, "ok": False, "reasons": ["no room"], "faults": {"disk": ["no room"]}}

    page = site.get("/health")

    assert page.h1 == "ctci is not well: no room."
    assert "<code>ctci gc</code> forgets old runs" in page.text
    assert "connection &lt;refused&gt;" in page.text
    assert "favicon-broken.svg" in page.text
    assert 'href="/health" aria-current="page"' in page.text


def test_what_is_about_no_run_leads_to_none(site: Site, db: ledger.Ledger) -> None:
    make.unsent(db, 0, error="the heartbeat was not answered")

    page = site.get("/health")

    assert "the heartbeat was not answered" in page.text
    assert 'href="/runs/0"' not in page.text


def test_a_well_server_has_a_calm_page(site: Site) -> None:
    site.ready = READY

    page = site.get("/health")

    assert page.h1 == "ctci is well."
    assert "Not sent" not in page.text


def test_programs_are_told_the_same(site: Site, db: ledger.Ledger) -> None:
    make.unsent(db, make.recorded(db))
    site.ready = READY

    told = json.loads(site.get("/health.json").text)

    messages = next(each for each in told["checks"] if each["name"] == "messages")
    assert (told["ok"], told["at"]) == (True, "2026-11-24T10:30:00.000Z")
    assert told["verdict"].startswith("ctci is well. One thing to see to: 1 message is held up")
    assert (messages["state"], messages["said"]) == ("see_to_it", "1 message is held up: connection refused")


def test_a_silent_webhook_and_a_warning_are_told(site: Site, db: ledger.Ledger) -> None:
    make.recorded(db)
    make.recorded(db, forge="ctci", event="sweep", trigger=make.trigger(kind="sweep"))
    warning = Problem(code="C101", severity="warning", message="odd", file="projects.toml")
    site.settings = replace(site.settings, problems=(warning,))

    page = site.get("/health")

    assert page.h1.startswith("ctci is well. 2 things to see to, the first: the configuration has 1 warning; read ")
    assert "the webhook of shop has been silent since 24 Nov, 10:30 while 1 push came" in page.text


def test_the_page_is_there_when_the_ledger_is_not(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise ledger.Away("the ledger cannot be read")

    monkeypatch.setattr(ledger, "unsent", gone)

    page = site.get("/health")

    assert page.status == 200
    assert page.h1 == "ctci is not well: the ledger cannot be read now."


def test_only_who_may_see_pages_sees_how_ctci_is(site: Site) -> None:
    site.listen(listen="0.0.0.0:8484")

    assert [site.get(path).status for path in ("/health", "/health.json")] == [401, 401]


def test_the_page_asks_the_ledger_a_fixed_number_of_times(site: Site, db: ledger.Ledger) -> None:
    make.unsent(db, make.recorded(db))
    few = site.reads("/health")
    for _ in range(20):
        make.unsent(db, make.recorded(db))

    assert site.reads("/health") == few

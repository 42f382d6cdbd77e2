"""The page of the digest: what it would tell now, or told in the window of a letter."""

import json
import re
from dataclasses import replace

import pytest

from ctci import ledger
from ctci.config.settings import Digest, Notify
from ctci.model import Owed, Status
from tests import make
from tests.web.site import Site

TEAM = Notify(name="team", email=("ana@example.org",), digest=Digest(), timezone="Europe/Berlin")
OPS = Notify(name="ops", email=("bo@example.org",), digest=Digest())


@pytest.fixture
def told(site: Site) -> Site:
    """Both projects tell the team, shop alone the ops."""
    shop, dotfiles = site.settings.projects["shop"], site.settings.projects["dotfiles"]
    projects = {"shop": replace(shop, notify=("team", "ops")), "dotfiles": replace(dotfiles, notify=("team",))}
    site.settings = replace(site.settings, projects=projects, notify={"team": TEAM, "ops": OPS})
    return site


def test_it_tells_what_broke_and_what_the_branches_did(told: Site, host: int) -> None:
    make.settled(told.db, host, Status.SUCCEEDED)
    red = make.settled(told.db, host, Status.FAILED, "exit <1>")
    told.clock.move(5)

    answer = told.get("/digest")

    assert answer.h1 == "1 broke: 2 runs, 1 green."
    assert f"#{red}" in answer.text
    assert f'href="/runs/{red}/' in answer.text
    assert 'aria-current="page">Digest' in answer.text
    assert "exit <1>" not in answer.text
    assert 'class="strip"' in answer.text
    assert '<a href="/digest?to=ops">ops</a>' in answer.text


def test_it_begins_where_the_last_digest_ended(told: Site, host: int) -> None:
    make.settled(told.db, host, Status.FAILED)
    told.clock.move(5)
    body = {"date": "2026-11-24", "since": told.clock.at - 9_000, "until": told.clock.at}
    owed = Owed(key="digest/team:ana@example.org/d", to="team:ana@example.org", due=0, state="quiet", body=body)
    ledger.owe(told.db, sink="digest", owed=[owed])
    told.clock.move(60)

    now = told.get("/digest?to=team")
    then = told.get(f"/digest?to=team&since={body['since']}&until={body['until']}")

    assert now.h1 == "1 still broken."
    assert then.h1 == "1 broke: 1 run, 0 green."


def test_no_reader_is_shown_an_address(told: Site, host: int) -> None:
    run = make.settled(told.db, host, Status.FAILED)
    owed = Owed(key="digest/x", to="team:cy@example.org", run=run, due=told.clock.at, body={"date": "2026-11-24"})
    ledger.owe(told.db, sink="digest", owed=[owed])
    taken = ledger.take(told.db, "digest", holder="me", hold_ms=60_000)
    ledger.failed(told.db, taken, holder="me", error="550 <cy@example.org>: no such user", delay_ms=None)
    told.clock.move(5)

    paths = ("/digest", "/digest.json", "/health", "/health.json", f"/runs/{run}")
    answers = {path: told.get(path).text for path in paths}

    assert {path: ("c…@example.org" in text, "cy@" in text, "ana@" in text) for path, text in answers.items()} == (
        dict.fromkeys(paths, (True, False, False))
    )


def test_of_nothing_it_says_so(told: Site) -> None:
    assert told.get("/digest").h1 == "Nothing ran."


def test_it_says_what_its_letter_says(told: Site, host: int) -> None:
    body = {"date": "2026-11-20", "since": told.clock.at - 9_000, "until": told.clock.at}
    owed = Owed(key="digest/team:ana@example.org/d", to="team:ana@example.org", due=0, state="quiet", body=body)
    ledger.owe(told.db, sink="digest", owed=[owed])
    told.clock.move(4 * 86_400)
    make.settled(told.db, host, Status.ERRORED, "no room")
    key = "schedule:shop/nightly@2026-11-24T02:30+01:00:refs/heads/main"
    trigger = make.trigger(kind="schedule", key=key, schedule="nightly")
    waits = make.prepared(told.db, trigger=trigger, forge="ctci", event="schedule", key=key)
    told.clock.move(5)

    page, program = told.get("/digest?to=team"), json.loads(told.get("/digest.json?to=team").text)

    assert page.h1 == "1 job errored, 1 job not over: 1 run, 0 green."
    assert page.h1 == program["headline"]
    missed, unfinished = program["notes"]
    assert "did not go out" in missed
    assert missed in page.text
    assert unfinished == f"Not over yet, and not told of here: shop/api:test on main (#{waits})."
    assert [(each["run"], each["name"]) for each in program["unfinished"]] == [(waits, "shop/api:test")]
    assert "Not over yet" in page.text
    assert "Still running" not in page.text


def test_where_nobody_gets_one_it_says_how_to_ask_for_it(site: Site) -> None:
    answer = site.get("/digest")

    assert (answer.status, answer.h1) == (200, "Nobody gets a digest yet.")
    for line in ("[notify.team]", "digest = { at =", "[projects.hello]", "notify = ["):
        assert line in answer.text


def test_what_is_about_no_place_has_the_width_of_the_table(told: Site, db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, Status.FAILED)
    make.unsent(db, run, error="connection <refused>")

    answer = told.get("/digest")

    assert re.search(
        r'<tr><td>[^\n]*ctci itself[^\n]*</td><td class="w" colspan="3">[^\n]*&lt;refused&gt;', answer.text
    )


@pytest.mark.parametrize(
    "asked", ["to=crew", "to=team&since=1", "since=x&until=2", "since=5&until=2", f"until={9**30}"]
)
def test_what_is_no_digest_is_not_found(told: Site, asked: str) -> None:
    page, program = told.get(f"/digest?{asked}"), told.get(f"/digest.json?{asked}")

    assert (page.status, program.status) == (404, 404)


def test_a_window_that_is_too_long_is_refused_with_its_bound(told: Site) -> None:
    until = told.clock.at
    longest = f"to=team&since={until - 31 * 86_400_000}&until={until}"
    asked = f"to=team&since={until - 31 * 86_400_000 - 1}&until={until}"

    page, program = told.get(f"/digest?{asked}"), told.get(f"/digest.json?{asked}")

    assert told.get(f"/digest?{longest}").status == 200
    assert (page.status, page.h1) == (400, "A digest tells of 31 days at most.")
    assert program.status == 400
    assert '"error": "A digest tells of 31 days at most"' in program.text


def test_programs_get_the_same(told: Site, host: int) -> None:
    make.settled(told.db, host, Status.FAILED)
    told.clock.move(5)

    found = told.get("/digest.json?to=team")

    assert found.headers["content-type"] == "application/json"
    assert '"headline": "1 broke: 1 run, 0 green."' in found.text
    assert f'"html_url": "{told.settings.server.public_url}' in found.text

"""The page of one receiver's letters, over a real server: what it says, what changes it, and what never does."""

import email
import email.policy
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from ctci import config, ledger
from ctci.config.settings import Digest, Notify
from ctci.model import AT_ONCE, DIGEST, Owed, Status, Wishes
from ctci.report.courier import Courier
from ctci.report.transitions import Transitions
from ctci.web import bodies, letters
from tests import make
from tests.web.site import Answer, Body, Site

TO = "team:ana@example.org"
FORM = "application/x-www-form-urlencoded"
ONE_CLICK = b"List-Unsubscribe=One-Click"
#: As a mail program may write it (RFC 7578).
BOUNDARY = "x-9f2c"
MULTIPART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--{BOUNDARY}--\r\n'
)
TEAM = Notify(name="team", email=("ana@example.org",), digest=Digest(days=("mon-fri",)), timezone="Europe/Berlin")


@pytest.fixture
def token(site: Site) -> str:
    """Of Ana, who gets letters of shop and dotfiles."""
    projects = {name: replace(each, notify=("team",)) for name, each in site.settings.projects.items()}
    site.settings = replace(site.settings, projects=projects, notify={"team": TEAM})
    return ledger.subscription(site.db, TO).token


def post(site: Site, path: str, body: Body = ONE_CLICK, kind: str = FORM, **headers: Any) -> Answer:
    return site.get(path, method="POST", body=body, Content_Type=kind, **headers)


def fill(site: Site, token: str, **fields: str | Sequence[str]) -> Answer:
    return post(site, f"/me/digest?k={token}", urlencode(fields, doseq=True).encode())


def stopped(site: Site) -> set[str]:
    return {*ledger.subscription(site.db, TO).stopped}


def wishes(site: Site) -> Wishes:
    return ledger.subscription(site.db, TO).wishes


# --- one click -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ONE_CLICK, FORM),
        (ONE_CLICK, f"{FORM}; charset=UTF-8"),
        (MULTIPART.encode(), f"multipart/form-data; boundary={BOUNDARY}"),
        (MULTIPART.encode(), f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY}"'),
        (MULTIPART.replace("\r\n", "\n").encode(), f"multipart/form-data; boundary={BOUNDARY}"),
    ],
)
def test_one_click_stops_the_kind_that_the_letter_was_of(site: Site, token: str, body: bytes, kind: str) -> None:
    answer = post(site, f"/me/digest?k={token}&stop=digest", body, kind)

    assert (answer.status, answer.text, stopped(site)) == (200, "Stopped.\n", {DIGEST})
    assert {"set-cookie", "location"} & answer.headers.keys() == set()


def test_one_click_needs_no_login_and_comes_from_anywhere(site: Site, token: str) -> None:
    site.listen(listen="0.0.0.0:8484")

    answer = post(
        site, f"/me/digest?k={token}&stop=at-once", Origin="https://mail.example.net", Referer="https://x.example"
    )

    assert (answer.status, stopped(site)) == (200, {AT_ONCE})


@pytest.mark.parametrize("query", ["", "&stop=", "&stop=everything", "&stop=digest%00"])
def test_one_click_on_a_link_that_names_no_kind_stops_all(site: Site, token: str, query: str) -> None:
    assert post(site, f"/me/digest?k={token}{query}").status == 200
    assert stopped(site) == {DIGEST, AT_ONCE}


def test_a_second_click_is_as_good_as_the_first(site: Site, token: str) -> None:
    path = f"/me/digest?k={token}&stop=digest"
    first = post(site, path)
    since = ledger.subscription(site.db, TO).stopped
    site.clock.move(3600)

    second = post(site, path)

    assert (second.status, second.raw) == (first.status, first.raw) == (200, b"Stopped.\n")
    assert ledger.subscription(site.db, TO).stopped == since


def test_one_click_takes_back_what_is_owed(site: Site, token: str) -> None:
    owed = Owed(key="a", to=TO, run=1, due=site.clock.at + 300_000, message_id="<a@x>")
    ledger.owe(site.db, sink="mail", owed=[owed])

    post(site, f"/me/digest?k={token}&stop=digest")
    assert len(ledger.sendings_(site.db)) == 1
    post(site, f"/me/digest?k={token}&stop=at-once")

    assert ledger.sendings_(site.db) == ()


def test_one_click_works_for_an_address_that_gets_nothing_any_more(site: Site, token: str) -> None:
    site.settings = replace(site.settings, notify={})

    answer = site.get(f"/me/digest?k={token}")

    assert (answer.status, answer.h1) == (410, "ctci sends no letters to ana@example.org any more.")
    assert post(site, f"/me/digest?k={token}").status == 200
    assert stopped(site) == {DIGEST, AT_ONCE}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("query", ["", "&stop=digest", "&stop=at-once&List-Unsubscribe=One-Click&save=1&done=1"])
@pytest.mark.parametrize(
    "headers", [{}, {"Purpose": "prefetch", "Sec_Purpose": "prefetch;prerender"}, {"User_Agent": "LinkScanner/1.0"}]
)
def test_only_a_post_unsubscribes(site: Site, token: str, method: str, query: str, headers: Mapping[str, Any]) -> None:
    before = ledger.subscription(site.db, TO)

    answer = site.get(f"/me/digest?k={token}{query}", method=method, **headers)

    assert answer.status == (200 if method in ("GET", "HEAD") else 405)
    assert ledger.subscription(site.db, TO) == before


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FORM),
        (b"List-Unsubscribe", FORM),
        (b"List-Unsubscribe=one-click", FORM),
        (b"List-Unsubscribe=One-Click&List-Unsubscribe=No", FORM),
        (b"list-unsubscribe=One-Click", FORM),
        (b"stop=everything", FORM),
        (b"&" * 6000, FORM),
        (ONE_CLICK, "text/plain"),
        (b'{"List-Unsubscribe": "One-Click"}', "application/json"),
        (ONE_CLICK, "multipart/form-data"),
        (MULTIPART.encode(), "multipart/form-data; boundary=other"),
        (b"--x\n\n" * 6000, "multipart/form-data; boundary=x"),
    ],
)
def test_another_body_is_refused_and_stops_nothing(site: Site, token: str, body: bytes, kind: str) -> None:
    answer = post(site, f"/me/digest?k={token}&stop=digest", body, kind)

    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert stopped(site) == set()


def test_a_body_without_end_is_refused(site: Site, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "LIMIT", 100)
    path = f"/me/digest?k={token}"

    told = post(site, path, ONE_CLICK, Content_Length="101")
    chunked = post(site, path, iter([ONE_CLICK, b"&" * 50, b"&" * 50]))

    assert (told.status, chunked.status, stopped(site)) == (413, 413, set())


def test_a_body_that_does_not_come_is_not_waited_for(site: Site, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.2)

    answer = post(site, f"/me/digest?k={token}", b"a", Content_Length="9")

    assert (answer.status, stopped(site)) == (408, set())


def test_what_a_letter_says_stops_the_next_one(site: Site, token: str, host: int) -> None:
    site.listen(public_url="https://ci.example.org/")
    current = config.Current(lambda: site.settings)
    courier = Courier(site.db, Transitions(site.db, site.place, current, {}, lambda _: ()), "me")
    make.settled(site.db, host, Status.FAILED)
    while courier.tick():
        pass
    (written,) = site.place.mail.glob("*.eml")
    letter = email.message_from_bytes(written.read_bytes(), policy=email.policy.default)
    path = letter["List-Unsubscribe"].removeprefix("<https://ci.example.org").removesuffix(">")

    answer = post(site, path, letter["List-Unsubscribe-Post"].encode())
    make.settled(site.db, host)
    while courier.tick():
        pass

    assert token in path
    assert (answer.status, stopped(site)) == (200, {AT_ONCE})
    assert [*site.place.mail.glob("*.eml")] == [written]


# --- the token -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?k=",
        f"?k={'0' * 32}",
        "?k=%00",
        "?k=%ff%fe",
        "?k=%27%20OR%201%3D1%20--",
        "?k=%25",
        f"?k={'9' * 9000}",
        "?token=x",
    ],
)
def test_a_token_that_nobody_has_is_told_nothing(site: Site, token: str, query: str) -> None:
    asked, clicked = site.get(f"/me/digest{query}"), post(site, f"/me/digest{query}")

    assert (asked.status, asked.h1) == (clicked.status, clicked.h1) == (404, "This link belongs to no letters.")
    assert "ana@" not in asked.text + clicked.text
    assert token not in asked.text + clicked.text
    assert stopped(site) == set()


def test_a_token_opens_one_subscription(site: Site, token: str) -> None:
    other = ledger.subscription(site.db, "team:bo@example.org")

    assert post(site, f"/me/digest?k={token}").status == 200
    assert ledger.subscription(site.db, other.to) == other


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_an_address_with_a_token_goes_nowhere_else(site: Site, token: str, method: str) -> None:
    for key in (token, "wrong"):
        answer = site.get(f"/me/digest?k={key}", method=method, body=ONE_CLICK, Content_Type=FORM)

        assert {name: answer.headers[name] for name in ("cache-control", "referrer-policy", "x-robots-tag")} == {
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-robots-tag": "noindex, nofollow",
        }
    assert "x-robots-tag" not in site.get("/health").headers


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notify", "stops", "said"),
    [
        ({}, (), "gets the digest of team from Monday to Friday at 07:30, and letters at once."),
        ({}, (AT_ONCE,), "gets the digest of team from Monday to Friday at 07:30, and no letters at once."),
        ({}, (DIGEST,), "gets letters of team at once, and no digest."),
        ({}, (DIGEST, AT_ONCE), "gets no letters of team."),
        ({"digest": None}, (), "gets letters of team at once, and no digest."),
        ({"digest": None, "immediate": ()}, (), "gets no letters of team."),
        (
            {"digest": Digest(days=("sun", "mon-tue"))},
            (),
            "gets the digest of team on Mon, Tue and Sun at 07:30, and letters at once.",
        ),
        ({"digest": Digest()}, (), "gets the digest of team every day at 07:30, and letters at once."),
        (
            {"digest": Digest(days=("mon",), after="nightly")},
            (),
            "gets the digest of team on Mon when nightly has settled, at the latest at 07:30, and letters at once.",
        ),
    ],
)
def test_the_page_says_what_the_address_gets(
    site: Site, token: str, notify: Mapping[str, Any], stops: tuple[str, ...], said: str
) -> None:
    site.settings = replace(site.settings, notify={"team": replace(TEAM, **notify)})
    ledger.stop(site.db, token, stops)

    answer = site.get(f"/me/digest?k={token}")

    assert (answer.status, answer.h1) == (200, f"ana@example.org {said}")


def test_the_page_is_open_where_pages_are_closed(site: Site, token: str) -> None:
    site.listen(listen="0.0.0.0:8484")

    assert site.get(f"/me/digest?k={token}").status == 200
    assert site.get("/me").status == 401


def test_a_button_stops_one_kind_and_another_sends_it_again(site: Site, token: str) -> None:
    answer = fill(site, token, stop=AT_ONCE)
    assert (answer.status, answer.headers["location"]) == (303, f"/me/digest?k={token}&done=1")
    assert stopped(site) == {AT_ONCE}
    page = site.get(answer.headers["location"])
    assert 'role="status">Saved.' in page.text
    assert 'name="resume" value="at-once"' in page.text

    fill(site, token, resume=AT_ONCE)

    assert stopped(site) == set()


def as_shown(page: Answer) -> dict[str, list[str]]:
    """The fields as a browser would send them."""
    fields: dict[str, list[str]] = {}
    for name, value, rest in re.findall(r'<input(?: type="\w+")? name="(\w+)" value="([^"]*)"([^>]*)>', page.text):
        if name not in ("only", "days") or "checked" in rest:
            fields.setdefault(name, []).append(value)
    return fields


def test_what_is_saved_as_it_was_shown_follows_the_table(site: Site, token: str) -> None:
    shown = as_shown(site.get(f"/me/digest?k={token}"))

    assert shown == {
        "only": ["dotfiles", "shop"],
        "days": ["mon", "tue", "wed", "thu", "fri"],
        "at": ["07:30"],
        "timezone": ["Europe/Berlin"],
    }
    assert fill(site, token, save="1", **shown).status == 303
    assert wishes(site) == Wishes()


def test_wishes_are_kept_shown_and_taken_back(site: Site, token: str) -> None:
    wanted = {"only": ["shop"], "days": ["mon", "sun"], "at": "09:15", "timezone": "Asia/Tokyo"}

    assert fill(site, token, save="1", **wanted).status == 303

    assert wishes(site) == Wishes(only=("shop",), at="09:15", days=("mon", "sun"), timezone="Asia/Tokyo")
    page = site.get(f"/me/digest?k={token}")
    assert page.h1 == "ana@example.org gets the digest of team on Mon and Sun at 09:15, and letters at once."
    assert as_shown(page) == {**wanted, "at": ["09:15"], "timezone": ["Asia/Tokyo"]}
    assert fill(site, token, reset="1").status == 303
    assert wishes(site) == Wishes()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"only": []}, "Choose one at least."),
        ({"only": ["secret"]}, "Choose one at least."),
        ({"days": []}, "Choose one day at least."),
        ({"days": ["someday"]}, "Choose one day at least."),
        ({"at": "25:00"}, "Write a time of day, such as 07:30."),
        ({"at": ""}, "Write a time of day, such as 07:30."),
        ({"timezone": "berlin"}, "Write Europe/Berlin."),
        ({"timezone": "<b>nowhere"}, "Write the name of a time zone, such as Europe/Berlin."),
        ({"timezone": "../../etc/passwd"}, "Write the name of a time zone, such as Europe/Berlin."),
    ],
)
def test_what_cannot_be_is_said_in_its_place_and_nothing_is_saved(
    site: Site, token: str, wrong: Mapping[str, Any], said: str
) -> None:
    fields = {"only": ["shop"], "days": ["mon"], "at": "09:15", "timezone": "UTC"}

    answer = fill(site, token, save="1", **{**fields, **wrong})

    assert answer.status == 400
    assert [each for each in re.findall(r'role="alert"[^>]*>([^<]*)<', answer.text) if said in each] != []
    assert "<b>nowhere" not in answer.text
    assert wishes(site) == Wishes()


def test_of_a_table_without_a_digest_only_projects_are_chosen(site: Site, token: str) -> None:
    site.settings = replace(site.settings, notify={"team": replace(TEAM, digest=None)})
    assert as_shown(site.get(f"/me/digest?k={token}")) == {"only": ["dotfiles", "shop"]}

    assert fill(site, token, save="1", only=["shop"], at="nonsense").status == 303

    assert wishes(site) == Wishes(only=("shop",))


def test_nobody_chooses_what_the_table_does_not_tell_of(site: Site, token: str) -> None:
    site.settings = replace(site.settings, notify={"team": replace(TEAM, only=("shop/api", "shop@main"))})
    page = site.get(f"/me/digest?k={token}")
    assert as_shown(page)["only"] == ["shop/api", "shop@main"]

    fill(site, token, save="1", **{**as_shown(page), "only": ["shop/api", "dotfiles", "shop"]})

    assert wishes(site) == Wishes(only=("shop/api",))


def test_the_page_behind_a_proxy_leads_to_itself(site: Site, token: str) -> None:
    site.listen(public_url="https://ci.example.org/ci/")

    assert f'action="/ci/me/digest?k={token}"' in site.get(f"/ci/me/digest?k={token}").text
    assert fill(site, token, stop=DIGEST).headers["location"] == f"/ci/me/digest?k={token}&done=1"


def test_names_from_outside_stay_text(site: Site) -> None:
    site.settings = replace(site.settings, notify={"team": replace(TEAM, email=('"<b>"@example.org',))})
    token = ledger.subscription(site.db, 'team:"<b>"@example.org').token

    answer = site.get(f"/me/digest?k={token}")

    assert answer.status == 200
    assert answer.h1.startswith("&#34;<b>&#34;@example.org gets the digest")
    assert "<b>&" not in answer.text


def test_the_page_is_read_with_as_few_questions_however_many_receivers_there_are(site: Site, token: str) -> None:
    few = site.reads(f"/me/digest?k={token}")
    for number in range(9):
        ledger.subscription(site.db, f"team:{number}@example.org")

    assert site.reads(f"/me/digest?k={token}") == few <= 4


def test_an_author_who_is_in_no_table_has_a_page(site: Site) -> None:
    team = replace(TEAM, email=(), authors=("@example.org",))
    projects = {"shop": replace(site.settings.projects["shop"], notify=("team",))}
    site.settings = replace(site.settings, notify={"team": team}, projects=projects)
    token = ledger.subscription(site.db, "team:cy@example.org").token

    assert site.get(f"/me/digest?k={token}").h1.startswith("cy@example.org gets the digest of team")

"""Who may come in: tokens and their tiers, sign-in, walls, forged calls; and nothing told of what is not to be seen."""

import json
import re
from dataclasses import replace
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode

import pytest

from ctci import ledger
from ctci.config.settings import Schedule
from ctci.model import Status, Tier
from ctci.web import auth
from tests import make
from tests.conftest import StoppedClock
from tests.web.site import Answer, Site

#: Where the server listens on more than its machine, and the tests' 127.0.0.1 is let in as a neighbour.
LAN = "0.0.0.0:8484"
#: Headers in which any two answers differ.
DIFFERS = ("date", "content-length", "x-request-id")


def token(db: ledger.Ledger, tier: Tier, *projects: str, **given: Any) -> str:
    return ledger.new_token(db, name=f"{tier}-{projects}", tier=tier, by="ana", projects=projects, **given)[1]


def bearer(secret: str) -> dict[str, Any]:
    return {"Authorization": f"Bearer {secret}"}


def post(site: Site, path: str, form: dict[str, str], **headers: str) -> Answer:
    kind: dict[str, Any] = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return site.get(path, method="POST", body=urlencode(form).encode(), **kind)


def sign_in(site: Site, secret: str, **more: str) -> str:
    """The cookie."""
    answer = post(site, "/sign-in", {"token": secret, **more})
    assert answer.status == 303
    return answer.headers["set-cookie"].split(";")[0]


@pytest.mark.parametrize(
    ("path", "needs"),
    [
        ("/", Tier.READ),
        ("/runs/1", Tier.READ),
        ("/jobs/1/log", Tier.READ),
        ("/health.json", Tier.READ),
        ("/feed.atom", Tier.FEED),
        ("/p/shop/feed.atom", Tier.FEED),
        ("/cctray.xml", Tier.FEED),
    ],
)
def test_each_tier_opens_what_it_is_for(site: Site, db: ledger.Ledger, host: int, path: str, needs: Tier) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    site.write(job, b"hello\n")
    site.listen(listen=LAN)
    answers = {tier: site.get(path, **bearer(token(db, tier))).status for tier in Tier}

    assert site.get(path).status == 401
    assert answers == {tier: 403 if (tier, needs) == (Tier.FEED, Tier.READ) else 200 for tier in Tier}


def test_without_a_token_a_program_is_told_how_to_come_in(site: Site) -> None:
    site.listen(listen=LAN)

    answer = site.get("/health.json")

    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == 'Bearer realm="ctci"'
    assert json.loads(answer.raw)["status"] == 401


@pytest.mark.parametrize("public", ["read", "badges", "nothing"])
def test_public_says_what_a_visitor_sees(site: Site, public: str) -> None:
    site.listen(public=public)
    seen = {"read": (200, 200), "badges": (401, 200), "nothing": (401, 401)}

    assert (site.get("/").status, site.get("/badge/shop.svg").status) == seen[public]
    assert site.get("/healthz").status == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
def test_what_comes_through_a_proxy_is_of_strangers_until_somebody_says_otherwise(site: Site, header: str) -> None:
    handed_on: dict[str, Any] = {header: "127.0.0.1"}

    assert (site.get("/").status, site.get("/", **handed_on).status) == (200, 401)
    site.listen(public="read")
    assert site.get("/", **handed_on).status == 200


def test_a_wrong_token_is_worse_than_none(site: Site, db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    ends = stopped_clock.at + 1000
    short, revoked = token(db, Tier.READ, expires_at=ends), token(db, Tier.ADMIN)
    ledger.revoke(db, ledger.tokens_(db)[0].id)
    assert site.get("/", **bearer(short)).status == 200
    stopped_clock.move(1)

    answers = [site.get("/", **bearer(each)) for each in (short, revoked, "nonsense", "")]

    assert site.get("/").status == 200
    assert [each.status for each in answers] == [401] * 4
    assert "expired" in answers[0].text
    assert all(each.headers["www-authenticate"].endswith('error="invalid_token"') for each in answers)


def test_many_wrong_tokens_have_to_wait_and_the_right_one_does_not(
    site: Site, db: ledger.Ledger, stopped_clock: StoppedClock
) -> None:
    right = token(db, Tier.READ)
    for _ in range(auth.WRONG):
        assert site.get("/", **bearer("nonsense")).status == 401

    kept = site.get("/", **bearer("nonsense"))

    assert (kept.status, kept.headers["retry-after"]) == (429, "60")
    # A guesser, or another site's page in the same browser, locks out nobody who knows theirs.
    assert site.get("/", **bearer(right)).status == 200
    stopped_clock.move(60)
    assert site.get("/", **bearer("nonsense")).status == 401


def test_only_so_many_addresses_are_counted() -> None:
    wrongs = auth.Wrongs()
    for number in range(auth.KEPT + auth.WRONG):
        wrongs.note("first" if number < auth.WRONG else str(number), 0)

    assert wrongs.wait_s("first", 0) == 0


def test_a_feed_token_may_stand_in_an_address_and_no_other(site: Site, db: ledger.Ledger) -> None:
    site.listen(listen=LAN)
    feed, read = token(db, Tier.FEED), token(db, Tier.READ)

    kept = site.get(f"/feed.atom?token={feed}")
    refused = site.get(f"/?token={read}")

    assert kept.status == 200
    assert kept.headers["referrer-policy"] == "no-referrer"
    assert feed not in kept.text
    assert refused.status == 401
    assert read not in refused.text


@pytest.mark.parametrize("path", ["/runs/{}", "/runs/{}/api/test", "/jobs/{}", "/jobs/{}/log", "/jobs/{}/log?as=html"])
def test_what_may_not_be_seen_is_answered_as_what_is_not_there(
    site: Site, db: ledger.Ledger, host: int, path: str
) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    site.write(job, b"secret of the shop\n")
    other = bearer(token(db, Tier.ADMIN, "dotfiles"))
    assert site.get(path.format(1), **bearer(token(db, Tier.READ, "shop"))).status == 200

    hidden, missing = site.get(path.format(1), **other), site.get(path.format(7), **other)

    assert (hidden.status, missing.status) == (404, 404)
    assert hidden.text.replace("1", "7") == missing.text.replace("1", "7")
    assert {each: hidden.headers[each] for each in hidden.headers if each not in DIFFERS} == {
        each: missing.headers[each] for each in missing.headers if each not in DIFFERS
    }


def test_lists_counts_feeds_and_badges_are_of_the_projects_of_a_token(site: Site, db: ledger.Ledger, host: int) -> None:
    recipe = make.recipe(lock="postgres")
    orders = (make.order(recipe=recipe),)
    make.prepared(db, orders=orders)
    job, _ = make.running(db, host)
    make.settle(db, job, host)
    make.prepared(db, orders=orders)
    make.running(db, host)
    make.prepared(
        db,
        trigger=make.trigger(project="dotfiles"),
        orders=(make.order(project="dotfiles", subproject="", recipe=recipe),),
    )
    ledger.refuse(db, project="shop", forge="gitea", event="push", key="x", reason="signature does not match")
    often = Schedule(name="often", cron="*/5 * * * *")
    shop = replace(site.settings.projects["shop"], schedules={"often": often})
    site.settings = replace(site.settings, projects={**site.settings.projects, "shop": shop})
    mine = bearer(token(db, Tier.READ, "dotfiles"))

    for path in ("/", "/runs", "/queue", "/deliveries", "/schedule", "/feed.atom", "/cctray.xml", "/badge"):
        answer = site.get(path, **mine)
        assert answer.status == 200, path
        assert "shop" not in answer.text, path
        assert "shop" in site.get(path).text or path == "/feed.atom", path
    assert "another project" in site.get("/queue", **mine).text
    assert "unknown" in site.get("/badge/shop.svg", **mine).text
    assert site.get("/p/shop/feed.atom", **mine).status == site.get("/p/nothing/feed.atom", **mine).status == 404
    assert [site.get(path, **mine).status for path in ("/health", "/config", "/digest")] == [403] * 3
    assert json.loads(site.get("/readyz", **mine).raw) == {"ok": True}


def test_what_a_token_may_not_see_changes_nothing_of_what_it_sees(site: Site, db: ledger.Ledger, host: int) -> None:
    alone = make.order(project="dotfiles", subproject="")
    make.settled(db, host, trigger=make.trigger(project="dotfiles"), orders=(alone,))
    mine = bearer(token(db, Tier.READ, "dotfiles"))
    pages = ("/", "/runs", "/queue", "/deliveries", "/schedule", "/feed.atom", "/cctray.xml", "/badge", "/runs/1")
    lists = ("queue", "branches", "projects", "runs", "jobs", "jobs/1", "deliveries", "sendings", "schedules", "acks")
    paths = (*pages, *(f"/api/v1/{each}" for each in lists))

    def seen() -> dict[str, str]:
        return {path: site.get(path, **mine).text for path in paths}

    # Asked for once: the last use of the token is written down.
    seen()
    before = seen()
    broke = make.settled(db, host, Status.FAILED)
    make.unsent(db, broke)
    make.prepared(db)
    make.running(db, host)
    make.prepared(db)
    ledger.refuse(db, project="shop", forge="gitea", event="push", key="x", reason="signature does not match")

    assert seen() == before


def test_how_many_jobs_of_others_are_before_one_is_told_to_who_sees_them(site: Site, db: ledger.Ledger) -> None:
    make.prepared(db)
    alone = make.order(project="dotfiles", subproject="")
    run = make.prepared(db, trigger=make.trigger(project="dotfiles"), orders=(alone,))

    def ahead(**headers: Any) -> int:
        return int(json.loads(site.get(f"/api/v1/runs/{run}", **headers).raw)["jobs"][0]["waits_for"]["ahead"])

    every, mine = (bearer(token(db, Tier.READ, *only)) for only in ((), ("dotfiles",)))
    assert (ahead(**every), ahead(**mine)) == (1, 0)


def test_a_browser_signs_in_with_a_token_and_out_again(site: Site, db: ledger.Ledger) -> None:
    site.listen(listen=LAN)
    assert post(site, "/sign-in", {"token": "nonsense"}).status == 401
    assert 'type="password"' in site.get("/sign-in?to=runs").text

    cookie = sign_in(site, token(db, Tier.READ), to="runs?project=shop")
    page = site.get("/", Cookie=cookie)
    csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)

    assert page.status == 200
    assert csrf is not None
    assert post(site, "/sign-out", {"csrf": "0" * 32}, Cookie=cookie).status == 403
    assert site.get("/", Cookie=cookie).status == 200
    assert post(site, "/sign-out", {"csrf": csrf[1]}, Cookie=cookie).status == 303
    assert site.get("/", Cookie=cookie).status == 401
    assert [each.did for each in ledger.deeds(db)] == ["signed in"]


def csrf_of(page: str) -> str:
    """What a page of ours gives its scripts."""
    found = re.search(r'<meta name="ctci-csrf" content="([0-9a-f]{32})">', page)
    assert found is not None
    return found[1]


#: What another site's page may make a browser send, and what a script of ours sends.
FOREIGN, OURS = {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize("path", ["/api/v1/runs/1/cancel", "/mcp"])
@pytest.mark.parametrize("signed_in", ["by a token", "by a proxy"])
def test_who_has_signed_in_changes_something_from_a_page_of_ours_alone(
    site: Site, db: ledger.Ledger, path: str, signed_in: str
) -> None:
    make.recorded(db)
    site.listen(listen=LAN, public="nothing", remote_user="Remote-User", trusted_proxies=(ip_network("127.0.0.1/32"),))
    who: dict[str, Any] = {"Remote-User": "ana", "X-Forwarded-For": "192.168.1.7"}
    if signed_in == "by a token":
        who = {"Cookie": sign_in(site, token(db, Tier.TRIGGER))}
    right = {"X-CTCI-CSRF": csrf_of(site.get("/", **who).text)}

    def called(headers: dict[str, str]) -> int:
        typed = {"Content-Type": "application/json"}
        sent: dict[str, Any] = {**who, **typed, **headers}
        return site.get(path, method="POST", body=b"{}", **sent).status

    refused = [called({**FOREIGN, **right}), called(OURS), called({**OURS, "X-CTCI-CSRF": "0" * 32})]
    assert refused == [403, 403, 403]
    assert ledger.jobs_of(db, [1])[1][0].cancel_asked_at is None
    assert called({**OURS, **right}) not in (401, 403, 421)
    assert path == "/mcp" or ledger.jobs_of(db, [1])[1][0].status is Status.CANCELLED


def test_a_cookie_that_somebody_laid_beforehand_is_worth_nothing(site: Site, db: ledger.Ledger) -> None:
    site.listen(listen=LAN, public_url="https://ci.example.org/ci/")
    laid = f"{auth.COOKIE}={'0' * 32}"

    answer = post(site, "/sign-in", {"token": token(db, Tier.READ)}, Cookie=laid)

    assert laid not in answer.headers["set-cookie"]
    for mark in ("HttpOnly", "SameSite=lax", "Secure", "Path=/ci/"):
        assert mark in answer.headers["set-cookie"]
    assert site.get("/", Cookie=laid).status == 401


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example.com/",
        "//evil.example.com",
        "/\\evil.example.com",
        "\\\\evil.example.com",
        "java\tscript:x",
    ],
)
def test_a_sign_in_leads_to_no_other_site(site: Site, db: ledger.Ledger, to: str) -> None:
    answer = post(site, "/sign-in", {"token": token(db, Tier.READ), "to": to})

    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "http://127.0.0.1:8484"}, 303),
        ({}, 303),
    ],
)
def test_another_sites_page_signs_nobody_in(
    site: Site, db: ledger.Ledger, headers: dict[str, str], status: int
) -> None:
    assert post(site, "/sign-in", {"token": token(db, Tier.READ)}, **headers).status == status


def test_pages_are_in_no_frame_and_load_nothing_foreign(site: Site) -> None:
    headers = site.get("/").headers

    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


def test_outside_of_allow_nobody_comes_in_however_good_the_token(site: Site, db: ledger.Ledger) -> None:
    run = make.recorded(db)
    site.listen(allow=(ip_network("192.0.2.0/24"),))
    admin = bearer(token(db, Tier.ADMIN))

    assert [site.get(path, **admin).status for path in ("/", f"/runs/{run}", "/static/x/base.css")] == [403] * 3
    assert site.get("/healthz").status == 200
    assert site.get("/hooks/shop").status == 405
    site.listen(hook_allow=(ip_network("192.0.2.0/24"),))
    assert site.get("/hooks/shop").status == 403


def test_only_a_trusted_proxy_says_whom_a_call_comes_from(site: Site) -> None:
    forged: dict[str, Any] = {"X-Forwarded-For": "192.0.2.7"}
    site.listen(allow=(ip_network("192.0.2.0/24"),), public="read")
    assert site.get("/", **forged).status == 403

    site.listen(trusted_proxies=(ip_network("127.0.0.1/32"),))

    assert site.get("/", **forged).status == 200
    assert site.get("/", X_Forwarded_For="192.0.2.7, 203.0.113.1").status == 403


def test_only_a_trusted_proxy_names_a_user(site: Site) -> None:
    site.listen(public="nothing", remote_user="Remote-User")
    named: dict[str, Any] = {"Remote-User": "ana", "X-Forwarded-For": "203.0.113.1"}
    assert site.get("/", **named).status == 401

    site.listen(trusted_proxies=(ip_network("127.0.0.1/32"),))

    assert site.get("/", **named).status == 200
    # A page whose name leads here may say of itself that it is a proxy.
    rebound = {**named, "Host": "evil.example.com:8484", "Origin": "http://evil.example.com:8484"}
    assert site.get("/", **rebound).status == 421
    assert site.get("/", Remote_User="ana").status == 401
    assert site.get("/", X_Forwarded_For="203.0.113.1").status == 401


@pytest.mark.parametrize(("name", "status"), [("evil.example.com", 421), ("localhost", 200), ("127.0.0.1:1", 200)])
def test_a_page_whose_name_leads_here_reads_nothing(site: Site, name: str, status: int) -> None:
    assert site.get("/", Host=name).status == status
    assert site.get("/hooks/shop", Host=name).status == 405


def test_the_socket_of_this_machine_opens_everything(site: Site) -> None:
    site.listen(listen=LAN, public="nothing")

    assert site.get("/config", unix=True).status == 200
    assert site.get("/config", unix=True, X_Forwarded_For="127.0.0.1").status == 401

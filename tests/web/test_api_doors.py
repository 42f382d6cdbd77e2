"""What the API changes besides runs: calls of hooks once more, tellings once more, acknowledgements, tokens."""

from dataclasses import replace

from ctci import git, ledger
from ctci.model import Tier
from tests import make
from tests.upstream import Upstream
from tests.web.site import Site
from tests.web.test_api import DAY, MARK, as_documented, ask, full, token, told

__all__ = ["full"]


def test_a_call_is_decided_on_anew(full: Site, db: ledger.Ledger) -> None:
    may = token(db, Tier.ADMIN)
    lost = replace(make.entry(ref="refs/heads/dev", reason="no pattern matches", orders=()), trigger=None)
    ignored, nowhere = ledger.record(db, [lost, replace(lost, ref=None)])

    again = ask(full, "/deliveries/d_2/replay", **may)
    built = ask(full, f"/deliveries/{ignored.delivery}/replay", **may)
    never = ask(full, f"/deliveries/d_{nowhere.delivery}/replay", **may)

    assert [each.status for each in (again, built, never)] == [202, 202, 409]
    for answer in (again, built):
        as_documented("/deliveries/{delivery}/replay", "post", answer)
    runs = {run.id: run for run in ledger.runs_(db)}
    assert runs[told(again)["run"]].rerun_of == 2
    assert (runs[told(built)["run"]].ref, runs[told(built)["run"]].after) == ("refs/heads/dev", None)
    assert told(built)["reason"].startswith(f"d_{ignored.delivery} again, asked for by token admin-: api queued")
    assert built.headers["location"] == f"/api/v1/runs/{told(built)['run']}"
    assert ask(full, "/deliveries/d_2/replay", **token(db, Tier.TRIGGER)).status == 403


def test_what_was_not_told_is_told_again_and_addresses_are_whole_for_an_admin_alone(
    full: Site, db: ledger.Ledger
) -> None:
    admin, reader = token(db, Tier.ADMIN), token(db, Tier.READ)
    (taken,) = ledger.sendings_(db, run=2)
    ledger.redeliver(db, taken.id, sinks=["mail"])
    gone = make.unsent(db, 2, delay_ms=None)

    again = ask(full, f"/sendings/s_{gone.id}/redeliver", **admin)
    due = ask(full, f"/sendings/{gone.id}/redeliver", **admin)

    assert (again.status, due.status) == (202, 409)
    as_documented("/sendings/{sending}/redeliver", "post", again)
    assert (told(again)["state"], told(again)["to"]) == ("due", gone.to)
    shown = told(full.get("/api/v1/sendings?run=2", **reader))["items"]
    assert [each["id"] for each in shown] == [f"s_{gone.id}", f"s_{taken.id}"]
    assert all("…@example.org" in each["to"] for each in shown)


def test_a_finding_is_acknowledged_and_shown_again(full: Site, db: ledger.Ledger) -> None:
    may = token(db, Tier.TRIGGER, "shop")
    wanted = {"project": "shop", "fingerprint": MARK[:6], "until": str(DAY), "why": "waits for the new rounding"}

    made = ask(full, "/acks", wanted, **may)
    over = ask(full, "/acks", {**wanted, "until": "2020-01-01"}, **may)
    strange = ask(full, "/acks", {**wanted, "fingerprint": "ffff"}, **may)
    lifted = ask(full, f"/acks/shop/{MARK[:6]}", method="DELETE", **may)

    assert [each.status for each in (made, over, strange, lifted)] == [201, 422, 404, 200]
    as_documented("/acks", "post", made)
    as_documented("/acks/{project}/{fingerprint}", "delete", lifted)
    assert (told(made)["fingerprint"], told(made)["acknowledged_by"]) == (MARK, "token trigger-shop")
    assert ledger.acks_(db) == ()


def test_a_token_is_made_rotated_and_revoked_and_its_secret_is_told_once(full: Site, db: ledger.Ledger) -> None:
    may = token(db, Tier.ADMIN)
    wanted = {"name": "ci-bot", "tier": "read", "projects": ["shop"], "until": str(DAY)}

    made = ask(full, "/tokens", wanted, Idempotency_Key="k1", **may)
    again = ask(full, "/tokens", wanted, Idempotency_Key="k1", **may)
    secret, id_ = told(made)["secret"], told(made)["id"]
    before = full.get("/api/v1/me", Authorization=f"Bearer {secret}")
    rotated = ask(full, f"/admin/tokens/{id_}/rotate", **may)
    after = full.get("/api/v1/me", Authorization=f"Bearer {secret}")
    revoked = ask(full, f"/tokens/{id_}", method="DELETE", **may)

    assert [each.status for each in (made, again, rotated, revoked)] == [201, 409, 200, 200]
    as_documented("/tokens", "post", made)
    as_documented("/admin/tokens/{token}/rotate", "post", rotated)
    as_documented("/tokens/{token}", "delete", revoked)
    assert (before.status, told(before)["projects"], after.status) == (200, ["shop"], 401)
    with db.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT body FROM idempotency").scalars().all()
    assert not any(secret in each for each in kept)
    assert [each.did for each in ledger.deeds(db, limit=3)] == [
        "revoked the token ci-bot",
        "rotated the token ci-bot",
        "made the token ci-bot (read)",
    ]
    for until in ("9999-12-31", 0, "2026-02-30", "2020-01-01"):
        assert ask(full, "/tokens", {**wanted, "until": until}, **may).status == 422
    wrong = ask(full, "/tokens", {**wanted, "projects": ["nope"]}, **may)
    assert (wrong.status, told(wrong)["errors"][0]["pointer"]) == (422, "/projects")
    assert ask(full, "/tokens", {"name": "x", "tier": "admin", "projects": ["shop"]}, **may).status == 422


def test_a_schedule_is_fired_now_for_each_of_its_branches(full: Site, db: ledger.Ledger, upstream: Upstream) -> None:
    git.setup()
    upstream.push({"test.sh": "exit 0"})
    may = token(db, Tier.TRIGGER, "shop")
    away = ask(full, "/schedules/shop/nightly/run", **may)
    shop = full.settings.projects["shop"]
    there = replace(shop, remote=make.remote(url=str(upstream.path)))
    full.settings = replace(full.settings, projects={**full.settings.projects, "shop": there})

    fired = ask(full, "/schedules/shop/nightly/run", **may)

    assert (away.status, fired.status) == (503, 202)
    as_documented("/schedules/{project}/{name}/run", "post", fired)
    run = ledger.run(db, told(fired)["items"][0]["run"])
    assert run is not None
    assert (run.schedule, run.pusher, run.ref) == ("nightly", "token trigger-shop", "refs/heads/main")


def test_the_queue_counts_what_may_be_seen_and_health_tells_what_runs(full: Site, db: ledger.Ledger) -> None:
    full.ready = {"ok": True, "reasons": [], "peak": 3}

    whole = told(full.get("/api/v1/queue"))
    mine = told(full.get("/api/v1/queue", **token(db, Tier.READ, "dotfiles")))

    assert (whole["running"], whole["queued"], whole["peak"], len(whole["jobs"])) == (0, 2, 3, 2)
    assert (mine["queued"], mine["peak"], [each["project"] for each in mine["jobs"]]) == (1, None, ["dotfiles"])


def test_a_page_with_json_is_what_the_api_says(full: Site) -> None:
    same = {
        "/runs.json?limit=2": "/runs?limit=2",
        "/runs/2.json": "/runs/2",
        "/jobs/2.json?fields=id,status": "/jobs/2?fields=id,status",
        "/queue.json": "/queue",
        "/schedule.json": "/schedules",
        "/deliveries.json": "/deliveries",
        "/config.json": "/config",
        "/health.json": "/health",
    }
    for page, path in same.items():
        alias, answer = full.get(page), full.get(f"/api/v1{path}")

        assert (page, alias.status, alias.raw) == (page, 200, answer.raw)
        assert alias.headers["etag"] == answer.headers["etag"]


def test_two_runs_are_compared_and_a_test_is_followed(full: Site) -> None:
    two = told(full.get("/api/v1/compare/1...2"))
    test = told(full.get(f"/api/v1/projects/shop/tests/{MARK[:4]}"))

    (place,) = two["places"]
    assert (place["place"], place["word"], place["before"]["run"], place["now"]["run"]) == (
        "api:test",
        "newly_failing",
        1,
        2,
    )
    assert [(each["fingerprint"], each["test"], each["line"]) for each in place["new"]] == [
        (MARK, "tests/test_cart.py::test_sum", 88)
    ]
    assert [each["word"] for each in test["places"][0]["outcomes"]] == ["unknown", "failed"]
    assert (test["test"], test["places"][0]["life"]["word"]) == ("tests/test_cart.py::test_sum", "new")
    assert told(full.get("/api/v1/projects/shop/tests?word=fixed"))["items"] == []
    assert full.get("/api/v1/compare/2...4").status == 422
    assert full.get("/api/v1/projects/shop/tests/ffff").status == 404


def test_a_digest_is_shown_and_nothing_is_sent(full: Site, db: ledger.Ledger) -> None:
    full.clock.move(5)
    now = told(full.get("/api/v1/digests"))
    text = told(full.get("/api/v1/digests?to=ana@example.org&since=2026-11-20&form=text"))
    wrong = [
        full.get(f"/api/v1/digests?{query}")
        for query in (
            "to=nobody",
            "since=2026-11-20&date=2026-11-20",
            "date=2027-01-01",
            "date=0001-01-01",
        )
    ]

    assert (now["to"], now["skipped"], now["text"]) == ("team", False, None)
    (broke,) = (each for each in now["sections"] if each["title"] == "Broke")
    assert [(each["name"], each["word"]) for each in broke["entries"]] == [("shop/api:test", "broke")]
    assert "shop/api:test" in text["text"]
    assert "subscri" not in text["text"]
    assert [each.status for each in wrong] == [404, 422, 422, 422]
    assert "31 days at most" in str(told(full.get("/api/v1/digests?since=2026-01-01"))["notes"])
    assert [each.sink for each in ledger.sendings_(db)] == ["mail", "mail"]

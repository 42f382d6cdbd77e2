"""What the API changes besides runs: calls of hooks once more, tellings once more, acknowledgements, tokens."""

from dataclasses import replace

from ctci import ledger
from ctci.model import Tier
from tests import make
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
    wrong = ask(full, "/tokens", {**wanted, "projects": ["nope"]}, **may)
    assert (wrong.status, told(wrong)["errors"][0]["pointer"]) == (422, "/projects")
    assert ask(full, "/tokens", {"name": "x", "tier": "admin", "projects": ["shop"]}, **may).status == 422

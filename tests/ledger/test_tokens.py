"""Tokens: shown once, found by their hash, out at once when revoked; on both databases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from ctci import ledger
from ctci.ledger import tokens
from ctci.model import Tier, is_token, live, token_text
from tests.conftest import StoppedClock

DAY = 86400


def test_a_token_is_found_by_its_secret_and_the_secret_is_nowhere(db: ledger.Ledger) -> None:
    made, secret = ledger.new_token(db, name="bot", tier=Tier.TRIGGER, by="ana", projects=("shop", "blog", "shop"))

    assert ledger.token_by(db, secret) == made
    assert (made.tier, made.projects, made.made_by) == (Tier.TRIGGER, ("blog", "shop"), "ana")
    with db.read() as connection:
        row = connection.execute(text("SELECT * FROM tokens")).one()
    assert secret not in str(row)
    assert secret.split("_")[2] not in str(row)


def test_a_name_is_taken_until_its_token_is_revoked(db: ledger.Ledger) -> None:
    made, secret = ledger.new_token(db, name="bot", tier=Tier.READ, by="ana")
    with pytest.raises(ledger.TakenError, match="there is a token bot"):
        ledger.new_token(db, name="bot", tier=Tier.READ, by="ana")

    assert ledger.revoke(db, made.id)
    assert not ledger.revoke(db, made.id)
    again, _ = ledger.new_token(db, name="bot", tier=Tier.READ, by="ana")

    assert ledger.token_by(db, secret) is None
    assert ledger.tokens_(db) == (again,)
    assert ledger.ever_had_tokens(db)


def test_a_rotated_token_is_the_same_with_another_secret(db: ledger.Ledger) -> None:
    made, old = ledger.new_token(db, name="bot", tier=Tier.READ, by="ana", projects=("shop",))
    cookie = ledger.sign_in(db, made)

    rotated = ledger.rotate(db, made.id, by="bo")

    assert rotated is not None
    assert (rotated[0].id, rotated[0].projects) == (made.id, ("shop",))
    assert ledger.token_by(db, rotated[1]) == rotated[0]
    assert (ledger.token_by(db, old), ledger.signed_in(db, cookie)) == (None, None)
    assert ledger.rotate(db, 99, by="bo") is None


def test_who_signed_in_is_out_with_the_token_the_time_or_a_word(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    made, _ = ledger.new_token(db, name="bot", tier=Tier.READ, by="ana")
    first, second = ledger.sign_in(db, made), ledger.sign_in(db, made)

    assert first != second
    assert ledger.signed_in(db, first) == made
    ledger.sign_out(db, first)
    assert ledger.signed_in(db, first) is None
    assert ledger.signed_in(db, second) == made
    stopped_clock.move(tokens.SESSION_MS // 1000)
    assert ledger.signed_in(db, second) is None
    third = ledger.sign_in(db, made)
    ledger.revoke(db, made.id)
    assert ledger.signed_in(db, third) is None


def test_the_last_use_is_kept_to_the_minute(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    made, secret = ledger.new_token(db, name="bot", tier=Tier.READ, by="ana")

    def use() -> int | None:
        token = ledger.token_by(db, secret)
        assert token is not None
        ledger.used(db, token)
        return ledger.tokens_(db)[0].used_at

    first = use()
    stopped_clock.move(59)
    assert (first, use()) == (stopped_clock.at - 59_000, first)
    stopped_clock.move(1)
    assert use() == stopped_clock.at
    assert made.used_at is None


def test_an_expired_token_is_told_from_one_that_never_was(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    ends = stopped_clock.at + DAY * 1000
    _, secret = ledger.new_token(db, name="bot", tier=Tier.READ, by="ana", expires_at=ends)
    token = ledger.token_by(db, secret)

    assert token is not None
    assert live(token, ends - 1)
    assert not live(token, ends)


def test_who_did_what_is_kept_for_a_year(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    ledger.did(db, who="ana", via="socket", did="cancelled #1", project="shop", run=1)
    stopped_clock.move(200 * DAY)
    ledger.did(db, who="token bot", via="192.0.2.1", did="ran shop")

    told = ledger.deeds(db)

    assert [(each.who, each.did, each.project, each.run) for each in told] == [
        ("token bot", "ran shop", None, None),
        ("ana", "cancelled #1", "shop", 1),
    ]
    assert ledger.deeds(db, before=told[0].id) == told[1:]
    stopped_clock.move(166 * DAY)
    assert ledger.forget_deeds(db) == 1
    assert ledger.deeds(db) == told[:1]


@given(tier=st.sampled_from(Tier), chance=st.text("0123456789abcdef", min_size=32, max_size=32), at=st.integers(0, 200))
def test_a_typing_error_in_a_token_shows(tier: Tier, chance: str, at: int) -> None:
    written = token_text(tier, chance)
    at %= len(written)
    wrong = written[:at] + ("x" if written[at] != "x" else "y") + written[at + 1 :]

    assert is_token(written)
    assert not is_token(wrong)
    assert not is_token(written + "\n")

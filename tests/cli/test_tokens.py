"""token and audit: made, shown once, listed, rotated and taken back by whoever has the data folder."""

import re

import pytest

from ctci import ledger
from ctci.model import Tier
from tests.cli.calling import Caller
from tests.conftest import StoppedClock

FORM = re.compile(r"ctci_read_[0-9a-f]{32}_[0-9a-f]{8}\n")


def test_a_token_is_on_stdout_alone_and_lets_in(ctci: Caller, db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    made = ctci("token", "new", "lamp", "--tier", "read", "--until", "2d")

    assert (made.code, bool(FORM.fullmatch(made.out))) == (0, True)
    assert made.out.strip() not in made.err
    token = ledger.token_by(db, made.out.strip())
    assert token is not None
    assert (token.name, token.tier, token.projects) == ("lamp", Tier.READ, ())
    assert token.expires_at is not None
    assert 2 * 86400 * 1000 < token.expires_at - stopped_clock.at <= 3 * 86400 * 1000


@pytest.mark.usefixtures("db")
def test_the_list_has_no_secrets(ctci: Caller) -> None:
    assert "no tokens" in ctci("token", "list").err
    secret = ctci("token", "new", "lamp", "--tier", "feed").out.strip()

    table, told = ctci("token", "list").out, ctci("token", "list", "--json").json

    assert re.search(r"lamp +feed +all projects +for good +never used", table)
    assert [each["name"] for each in told["items"]] == ["lamp"]
    assert secret not in table
    assert secret not in str(told)


def test_rotate_and_revoke_by_name(ctci: Caller, db: ledger.Ledger) -> None:
    ctci.place.admin_token.write_text("old")
    first = ctci("token", "new", "admin", "--tier", "admin").out.strip()
    second = ctci("token", "rotate", "admin").out.strip()

    assert first != second
    assert not ctci.place.admin_token.exists()
    assert (ledger.token_by(db, first), ctci("token", "revoke", "admin").code) == (None, 0)
    assert ledger.token_by(db, second) is None
    missing = ctci("token", "revoke", "admin")
    assert (missing.code, missing.err) == (5, "ctci: there is no token admin; there are: none\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a b", "--tier", "read"), "no name of a token"),
        (("lamp",), "--tier"),
        (("lamp", "--tier", "root"), "'root' is not one of"),
        (("lamp", "--tier", "admin", "--project", "shop"), "for the whole server"),
        (("lamp", "--tier", "read", "--project", "nothing"), "there is no project nothing"),
        (("lamp", "--tier", "read", "--until", "soon"), "a day to come"),
        (("lamp", "--tier", "read", "--until", "2020-01-01"), "a day to come"),
    ],
)
def test_what_is_wrong_is_said(ctci: Caller, db: ledger.Ledger, arguments: tuple[str, ...], said: str) -> None:
    ctci.configure('[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "true"\n')
    refused = ctci("token", "new", *arguments)

    assert refused.code in (2, 5)
    assert said in refused.err
    assert ledger.tokens_(db) == ()


@pytest.mark.usefixtures("db")
def test_a_taken_name_leads_to_rotate(ctci: Caller) -> None:
    ctci("token", "new", "lamp", "--tier", "read")

    refused = ctci("token", "new", "lamp", "--tier", "read")

    assert refused.code == 2
    assert "`ctci token rotate lamp`" in refused.err


def test_who_did_what_is_told(ctci: Caller, db: ledger.Ledger) -> None:
    ctci("token", "new", "lamp", "--tier", "read")
    ledger.did(db, who="token lamp", via="192.0.2.1", did="cancelled #3\x1b[31m", project="shop", run=3)

    table, told = ctci("audit").out, ctci("audit", "--json").json

    assert [(each["did"], each["via"]) for each in told["items"]] == [
        ("cancelled #3\x1b[31m", "192.0.2.1"),
        ("made the token lamp (read)", "command line"),
    ]
    assert "\x1b" not in table
    assert re.search(r"token lamp +cancelled #3.* +shop +192\.0\.2\.1", table)

"""digest: the daily letter as it would go now, and sent now."""

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import config, layout, ledger
from ctci.cli import session
from ctci.model import Owed, Status
from ctci.report.courier import Courier
from ctci.report.digests import Digests
from tests import make
from tests.cli.calling import Caller, serving
from tests.conftest import StoppedClock
from tests.report.desk import Desk

DAY_MS = 24 * 3600 * 1000
PROJECT = """
[projects.shop]
git = "/srv/git/acme/shop.git"
notify = ["team", "ops"]

[projects.shop.sub.api]
path = "services/api"
recipes.test = "make test"
"""
TEAM = """
[notify.team]
email = ["ana@example.org"]
digest = { at = "07:30" }
"""
OPS = """
[notify.ops]
email = ["ops@example.org", "ana@example.org"]
digest = { at = "08:00", days = "mon-fri" }
"""


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.stop()


@pytest.fixture
def team(ctci: Caller, stopped_clock: StoppedClock) -> Caller:
    """The command line on a project whose team gets a digest at 07:30; it is Tuesday, 24 November 2026."""
    ctci.configure(PROJECT + TEAM + '[notify.ops]\nemail = ["ops@example.org"]\n')
    stopped_clock.at = 1_795_521_600_000  # 12:00 UTC
    return ctci


def broke(db: ledger.Ledger, host: int, clock: StoppedClock) -> None:
    make.settled(db, host, Status.SUCCEEDED)
    make.settled(db, host, Status.FAILED, "exit 1")
    clock.move(10)


def came(db: ledger.Ledger, **body: object) -> None:
    """A digest to the team that came by the clock."""
    date = str(body["date"])
    owed = Owed(key=f"digest/team:ana@example.org/{date}", to="team:ana@example.org", due=0, state="quiet", body=body)
    ledger.owe(db, sink="digest", owed=[owed])


def with_smtp(ctci: Caller, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (ctci.config / "ctci.toml").write_text('[smtp]\nurl = { env = "SMTP" }\nfrom = "ci@example.org"\n')
    monkeypatch.setenv("SMTP", f"smtp://127.0.0.1:{port}")


def test_a_preview_tells_what_would_go_now_and_writes_nothing(
    team: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    broke(db, host, stopped_clock)

    text, html, eml = (team("digest", "preview", *form) for form in ((), ("--html",), ("--eml",)))

    message = email.message_from_string(eml.out, policy=email.policy.default)
    assert (text.code, html.code, eml.code) == (0, 0, 0)
    assert "BROKE (1)" in text.out
    assert "to ana@example.org: [ctci] 1 broke: shop (Tue 24 Nov)" in text.err
    assert html.out.startswith("<!DOCTYPE html>") or html.out.startswith("<!doctype html>")
    assert (message["To"], message["Subject"]) == ("ana@example.org", "[ctci] 1 broke: shop (Tue 24 Nov)")
    assert message["X-CTCI-Kind"] == "digest"
    assert ledger.sendings_(db) == ()


def test_a_preview_begins_where_the_last_digest_ended(
    team: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    broke(db, host, stopped_clock)
    came(db, date="2026-11-24", since=stopped_clock.at - DAY_MS, until=stopped_clock.at)
    stopped_clock.move(60)

    now, that = team("digest", "preview"), team("digest", "preview", "--date", "2026-11-24")

    assert "STILL BROKEN (1)" in now.out
    assert "BROKE (1)" in that.out


def test_a_preview_of_a_day_is_of_the_time_up_to_its_hour(
    team: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    broke(db, host, stopped_clock)

    before, whole = (
        team("digest", "preview", "--date", "2026-11-23"),
        team("digest", "preview", "--since", "2026-11-24"),
    )

    assert "Your first digest" not in before.out
    assert "since Sun 22 Nov 07:30" in " ".join(before.out.split())
    assert "BROKE (1)" in whole.out


@pytest.mark.usefixtures("db")
def test_a_quiet_day_is_previewed_and_said_not_to_be_sent(team: Caller) -> None:
    said = team("digest", "preview")

    assert said.code == 0
    assert said.out.startswith("Your first digest. Nothing ran")
    assert 'not sent by itself: nothing to tell, and [notify.team] has quiet = "skip"' in said.err


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("tables", "arguments", "code", "said"),
    [
        ("", (), 5, 'nobody gets a digest: `email` and `digest = { at = "07:30" }` in a [notify.NAME] ask for it'),
        (TEAM + OPS, (), 5, "name one of them with `to`: team, ops"),
        (TEAM + OPS, ("--to", "crew"), 5, "crew gets no digest; the tables of `notify` that do: team, ops"),
        (
            TEAM + OPS,
            ("--to", "ana@example.org"),
            5,
            "name one of them with `to`: team:ana@example.org, ops:ana@example.org",
        ),
        (TEAM, ("--date", "2026-11-25"), 5, "2026-11-25 is still to come"),
        (TEAM, ("--date", "monday"), 5, "monday is no date such as 2026-11-24"),
        (OPS, ("--date", "2026-11-22"), 5, "no digest comes on 2026-11-22: `days` of [notify.ops] has another day"),
        (TEAM, ("--date", "2026-11-24", "--since", "2026-11-24"), 2, "--date does not go with --since"),
    ],
)
def test_what_cannot_be_previewed_is_said_with_what_can(
    team: Caller, tables: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    quiet = "".join(f'[notify.{name}]\nemail = ["x@example.org"]\n' for name in ("team", "ops") if name not in tables)
    team.configure(PROJECT + tables + quiet)

    found = team("digest", "preview", *arguments)

    assert (found.code, found.out) == (code, "")
    assert said in found.err


@pytest.mark.usefixtures("db")
def test_of_several_addresses_the_others_are_named(team: Caller) -> None:
    team.configure(PROJECT + TEAM + OPS)

    said = team("digest", "preview", "--to", "ops")

    assert "to ops@example.org: " in said.err
    assert "ana@example.org: see `ctci digest preview --to ana@example.org`" in said.err


def test_without_a_server_it_is_sent_at_once(
    team: Caller,
    db: ledger.Ledger,
    host: int,
    desk: Desk,
    stopped_clock: StoppedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_smtp(team, desk.start(), monkeypatch)
    broke(db, host, stopped_clock)

    said = team("digest", "send")

    assert (said.code, said.out) == (0, "sent to ana@example.org: [ctci] 1 broke: shop (Tue 24 Nov)\n")
    assert [str(message["Subject"]) for message in desk.messages] == ["[ctci] 1 broke: shop (Tue 24 Nov)"]


def test_without_a_mail_server_it_is_a_file_that_is_named(
    team: Caller, db: ledger.Ledger, host: int, place: layout.Layout, stopped_clock: StoppedClock
) -> None:
    broke(db, host, stopped_clock)

    said = team("digest", "send", "--to", "team")

    (file,) = place.mail.iterdir()
    assert said.code == 0
    assert said.out.endswith(f"no [smtp] is configured, so it is {file}\n")
    assert b"Subject: [ctci] 1 broke: shop" in file.read_bytes()


@pytest.mark.parametrize(
    ("answer", "said", "state"),
    [
        ("451 try later", "not sent to ana@example.org yet, tried again from", "due"),
        ("554 no", "not sent to ana@example.org, and given up: ", "given_up"),
    ],
)
def test_what_did_not_go_is_said_and_is_no_success(
    team: Caller, db: ledger.Ledger, desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, said: str, state: str
) -> None:
    with_smtp(team, desk.start(), monkeypatch)
    desk.answers = [answer]

    found = team("digest", "send")

    assert found.code == 1
    assert said in found.err
    assert [each.state for each in ledger.sendings_(db, sink="digest")] == [state]


def by_the_clock(ctci: Caller, db: ledger.Ledger, clock: StoppedClock) -> tuple[str, ...]:
    """The states of the digests of a day, newest first, after the server has looked what is due."""
    current = config.Current(lambda: config.load(ctci.config, {}, resolve=False))
    courier = Courier(db, Digests(db, ctci.place, current, {}, Never(), lambda _: ()), "server")
    # What is late already when a server starts waits a while.
    clock.move(61)
    courier.tick()
    return tuple(f"{each.key.rpartition('/')[2]} {each.state}" for each in ledger.sendings_(db, sink="digest"))


class Never:
    """Schedules of which there are none."""

    def firings(self, *_: object) -> tuple[tuple[int, int | None], ...]:
        return ()

    def following(self, *_: object) -> dict[tuple[str, str], int]:
        return {}


def test_the_digest_of_the_day_comes_all_the_same_of_what_is_after_it(
    team: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    by_the_clock(team, db, stopped_clock)
    broke(db, host, stopped_clock)
    team("digest", "send")
    at = stopped_clock.at
    stopped_clock.move(20 * 3600)

    states = by_the_clock(team, db, stopped_clock)

    newest, asked, first = ledger.sendings_(db, sink="digest")
    assert states == ("2026-11-25 sent", f"2026-11-24@{at} sent", "2026-11-24 quiet")
    assert newest.body is not None
    assert asked.body is not None
    assert newest.body["since"] == asked.body["until"]
    assert first.body is not None
    assert asked.body["since"] == first.body["until"]


def test_where_a_server_runs_it_is_the_server_that_sends(
    team: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    broke(db, host, stopped_clock)
    # While the verb waits, the server's loop has its turn.
    monkeypatch.setattr(session, "pause", lambda _: by_the_clock(team, db, stopped_clock))

    with serving(team.place):
        said = team("digest", "send")

    assert (said.code, said.out.partition(":")[0]) == (0, "sent to ana@example.org")
    assert len(list(team.place.mail.iterdir())) == 1


def test_one_that_did_not_go_moves_nothing(
    team: Caller,
    db: ledger.Ledger,
    host: int,
    desk: Desk,
    stopped_clock: StoppedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_the_clock(team, db, stopped_clock)
    broke(db, host, stopped_clock)
    with_smtp(team, desk.start(), monkeypatch)
    desk.answers = ["554 no"]
    team("digest", "send")
    (team.config / "ctci.toml").unlink()
    stopped_clock.move(20 * 3600)
    by_the_clock(team, db, stopped_clock)

    newest, _, first = ledger.sendings_(db, sink="digest")
    assert newest.body is not None
    assert first.body is not None
    assert newest.body["since"] == first.body["until"]
    assert newest.body["subject"] == "[ctci] 1 broke, 1 letter not sent: shop (Wed 25 Nov)"


def test_one_of_a_day_gone_by_moves_nothing(
    team: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    by_the_clock(team, db, stopped_clock)
    broke(db, host, stopped_clock)
    sent = team("digest", "send", "--date", "2026-11-23")
    stopped_clock.move(20 * 3600)
    by_the_clock(team, db, stopped_clock)

    newest, asked, first = ledger.sendings_(db, sink="digest")
    assert sent.code == 0
    assert asked.key.startswith("digest/team:ana@example.org/2026-11-23@")
    assert newest.body is not None
    assert first.body is not None
    assert newest.body["since"] == first.body["until"]


def test_where_nothing_was_ever_received_there_is_no_digest(team: Caller, place: layout.Layout) -> None:
    Path(place.ledger).unlink(missing_ok=True)

    said = team("digest", "preview")

    assert (said.code, said.out) == (5, "")
    assert "no runs yet" in said.err

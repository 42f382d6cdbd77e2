"""What a person says is known is hidden until a day, never the first error, and said to have lapsed after it."""

import datetime as dt
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci import clock, ledger, shape
from ctci.cli import session, targets
from ctci.model import Finding, Job, Reading, Status
from tests import make
from tests.cli.calling import Caller
from tests.conftest import StoppedClock

KNOWN = make.finding(fingerprint="3f2a91bc" * 4, log_line=2)
OTHER = make.finding(fingerprint="77aa0c12" * 4, file="cart.py", line=3, message="second thing", log_line=9)
DAY = 86400


@pytest.fixture(autouse=True)
def _berlin(stopped_clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's clock is that of Berlin, and stands still at Tue 24 Nov 2026, 11:30."""
    assert stopped_clock.at == 1_795_516_200_000
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def ended(db: ledger.Ledger, host: int, *told: Finding, status: Status = Status.FAILED, project: str = "shop") -> Job:
    """A job that has ended with these findings, the first of which is its first error."""
    run = make.prepared(db, trigger=make.trigger(project=project))
    job, _ = make.running(db, host)
    reading = Reading(job=job.id, attempt=1, errors=len(told), first=0 if told else None)
    ledger.settle(
        db,
        job=job.id,
        attempt=1,
        host=host,
        status=status,
        reason="exit 1" if status is Status.FAILED else None,
        exit=make.exit_(code=1),
        reading=reading,
        findings=told,
    )
    return ledger.jobs_of(db, [run])[run][0]


def test_show_prints_the_name_and_the_life_of_a_first_error(
    ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    ended(db, host, KNOWN)
    new = ctci("show", "1").out
    stopped_clock.move(9 * DAY)
    ended(db, host, KNOWN)

    still = ctci("show", "2").out.replace("\u202f", " ")

    assert "api:test  3f2a91bc  test_cart.py:88  line 2 of the log  new  AssertionError: 1 != 2" in new
    assert "api:test  3f2a91bc  test_cart.py:88  line 2 of the log  still, 9 days  AssertionError: 1 != 2" in still


def test_what_is_known_is_hidden_and_the_next_error_is_the_first(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    ended(db, host, KNOWN, OTHER)

    said = ctci("ack", "3f2a91bc", "--until", "2026-12-24", "--why", "waits for\ngcc 14")

    shown = ctci("show", "1")
    assert said.code == 0
    assert said.out == "3f2a91bc of shop is hidden until 24 Dec: test_cart.py:88: AssertionError: 1 != 2\n"
    assert "no status changes by it" in said.err
    assert "AssertionError" not in shown.out
    assert "api:test  77aa0c12  cart.py:3" in shown.out
    assert (
        f"api:test: 1 known, acknowledged by {session.me()} on this machine until 24 Dec: waits for gcc 14" in shown.out
    )
    assert ctci("status").code == 1


def test_where_all_is_known_no_error_is_the_first(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    ended(db, host, KNOWN)
    ctci("ack", "3f2a91bc", "--until", "1d", "--why", "known")

    shown = ctci("show", "1").out

    assert "line 2 of the log" not in shown
    assert "api:test: 1 known, acknowledged by" in shown


def test_after_its_last_day_it_is_shown_again_and_said_to_have_lapsed(
    ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    ended(db, host, KNOWN)
    ctci("ack", "3f2a91bc", "--until", "1d", "--why", "known")

    # The 25th ends in Berlin 36.5 hours after it was said.
    stopped_clock.move(36.5 * 3600 - 0.001)
    before = ctci("show", "1").out
    stopped_clock.move(0.001)
    after, listed = ctci("show", "1").out, ctci("acks")

    assert "1 known" in before
    assert "api:test  3f2a91bc  test_cart.py:88" in after
    assert f"api:test: 3f2a91bc acknowledged by {session.me()} on this machine until 25 Nov: lapsed" in after
    assert listed.out.split()[:3] == ["3f2a91bc", "shop", "lapsed"]
    assert [each.fingerprint for each in ledger.lapsed(db, stopped_clock.at - 1, stopped_clock.at)] == [
        KNOWN.fingerprint
    ]


def test_json_tells_the_first_error_lives_and_acknowledgements(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    ended(db, host, KNOWN, OTHER)
    ctci("ack", "3f2a", "--until", "2w", "--why", "known")

    (read,) = ctci("show", "1", "--json").json["readings"]

    assert (read["first"], [each["life"]["word"] for each in read["findings"]]) == (1, ["new", "new"])
    assert [each["acknowledged"] and each["acknowledged"]["until"] for each in read["findings"]] == [
        "2026-12-08T23:00:00.000Z",
        None,
    ]


def test_a_lifted_one_is_shown_again(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    ended(db, host, KNOWN)
    ctci("ack", "3f2a91bc", "--until", "2w", "--why", "known")

    said = ctci("ack", "3f2a91bc", "--lift")
    again = ctci("ack", "3f2a91bc", "--lift")

    assert (said.code, said.out.startswith("3f2a91bc of shop is shown again")) == (0, True)
    assert "3f2a91bc  test_cart.py:88" in ctci("show", "1").out
    assert (again.code, "nothing that begins with 3f2a91bc is acknowledged; see `ctci acks`" in again.err) == (5, True)


def test_it_holds_in_its_project_alone(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    ended(db, host, KNOWN)
    ended(db, host, KNOWN, project="blog")

    unclear = ctci("ack", "3f2a91bc", "--until", "2w", "--why", "known")
    clear = ctci("ack", "3f2a91bc", "--until", "2w", "--why", "known", "-p", "blog")

    assert unclear.code == 2
    assert (
        "3f2a91bc may be 3f2a91bc of blog (test_cart.py:88), 3f2a91bc of shop (test_cart.py:88): "
        "name its project with --project"
    ) in unclear.err
    assert clear.code == 0
    assert ("1 known" in ctci("show", "1").out, "1 known" in ctci("show", "2").out) == (False, True)


def test_of_two_that_begin_so_both_are_named(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    twin = make.finding(fingerprint="3f2a91bc" + "0" * 24, file="other.py", line=1)
    ended(db, host, KNOWN, twin, make.finding(fingerprint="3f2a" + "1" * 28))

    said = ctci("ack", "3f2a91bc", "--until", "2w", "--why", "known")
    exact = ctci("ack", twin.fingerprint, "--until", "2w", "--why", "known")
    lifted = ctci("ack", "3f2a", "--lift")

    assert said.code == 2
    assert f"{twin.fingerprint} of shop (other.py:1)" in said.err
    assert f"{KNOWN.fingerprint} of shop (test_cart.py:88): write more of it" in said.err
    assert (exact.code, lifted.code) == (0, 0)


def test_of_two_acknowledged_that_begin_so_none_is_lifted(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    ended(db, host, KNOWN, make.finding(fingerprint="3f2a" + "1" * 28))
    for name in ("3f2a91bc", "3f2a1111"):
        ctci("ack", name, "--until", "2w", "--why", "known")

    said = ctci("ack", "3f2a", "--lift")

    assert (said.code, "write more of it" in said.err, len(ledger.acks_(db))) == (2, True, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("ack", "3f2a91bc"), 2, "--until DATE and --why TEXT are needed"),
        (("ack", "3f2a91bc", "--until", "2w"), 2, "--until DATE and --why TEXT are needed"),
        (("ack", "3f2a91bc", "--until", "2w", "--why", " "), 2, "--until DATE and --why TEXT are needed"),
        (("ack", "3f2a91bc", "--lift", "--why", "x"), 2, "--lift goes with neither --until nor --why"),
        (("ack", "12/api:test", "--lift"), 2, "is not the name of a finding: `ctci show RUN` prints such names"),
        (("ack", "3f2", "--lift"), 2, "is not the name of a finding"),
        (("ack", "3f2a91bc", "--until", "soon", "--why", "x"), 2, "such as 2026-12-24, 3d or 2w, and soon is none"),
        (("ack", "3f2a91bc", "--until", "2027-02-29", "--why", "x"), 2, "and 2027-02-29 is none"),
        (("ack", "3f2a91bc", "--until", "2026-11-23", "--why", "x"), 2, "--until 2026-11-23 is over"),
        (("ack", "3f2a91bc", "--until", "9999w", "--why", "x"), 2, "more than two years away: choose a nearer day"),
        (("ack", "00000000", "--until", "2w", "--why", "x"), 5, "no finding begins with 00000000; `ctci show RUN`"),
        (("acks", "blog"), 5, "there is no project blog"),
    ],
)
def test_what_is_wrong_is_said_with_what_helps(
    ctci: Caller,
    db: ledger.Ledger,
    host: int,
    arguments: tuple[str, ...],
    code: int,
    sentence: str,
) -> None:
    ended(db, host, KNOWN)

    said = ctci(*arguments)

    assert (said.code, said.out) == (code, "")
    assert sentence in said.err
    assert ledger.acks_(db) == ()


def test_today_is_a_day_to_come(ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock) -> None:
    ended(db, host, KNOWN)

    said = ctci("ack", "3F2A91BC", "--until", "2026-11-24", "--why", "x")

    assert (said.code, ledger.acks_(db)[0].until - stopped_clock.at) == (0, 12.5 * 3600 * 1000)


def test_the_list_says_what_is_hidden_by_whom_and_until_when(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    none = ctci("acks")
    ended(db, host, KNOWN, OTHER)
    ctci("ack", "3f2a91bc", "--until", "2027-01-02", "--why", "waits")
    ctci("ack", "77aa0c12", "--until", "3d", "--why", "known")

    said, shaped = ctci("acks"), ctci("acks", "shop", "--json")

    assert (none.code, none.out, "ctci ack FINDING" in none.err) == (0, "", True)
    assert [line.split()[:4] for line in said.out.splitlines()] == [
        ["77aa0c12", "shop", "until", "27"],
        ["3f2a91bc", "shop", "until", "2"],
    ]
    assert "2 Jan 2027" in said.out
    assert [tuple(each) for each in shaped.json["items"]] == [shape.ACK, shape.ACK]
    assert [each["lapsed"] for each in shaped.json["items"]] == [False, False]


def test_without_a_ledger_nothing_is_acknowledged(ctci: Caller) -> None:
    listed, asked = ctci("acks", "--json"), ctci("ack", "3f2a91bc", "--until", "2w", "--why", "x")

    assert listed.json == {"items": [], "next": None}
    assert (asked.code, "nothing has been recorded" in asked.err) == (5, True)
    assert not ctci.place.ledger.exists()


def test_what_tools_and_people_say_is_text(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    odd = make.finding(fingerprint="3f2a91bc" * 4, message="\x1b[31m\u202e\nx", file="\x1b]0;x\x07a.py")
    ended(db, host, odd)

    said = ctci("ack", "3f2a91bc", "--until", "2w", "--why", "\x1b[2J\u202e")
    told = said.out + ctci("show", "1").out + ctci("acks").out

    assert ("\x1b" in told, "\u202e" in told, "\x07" in told) == (False, False, False)


# --- days ------------------------------------------------------------------------------------------------------------

TODAY = dt.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-12-24", dt.date(2026, 12, 24)),
        ("0d", TODAY),
        ("3d", dt.date(2026, 11, 27)),
        ("2w", dt.date(2026, 12, 8)),
        ("20261224", None),
        ("2026-W52-4", None),
        ("24.12.2026", None),
        ("2026-13-01", None),
        ("-3d", None),
        ("3 d", None),
        ("3m", None),
        ("", None),
        ("99999d", None),
    ],
)
def test_a_day_is_written_in_one_of_three_ways(text: str, day: dt.date | None) -> None:
    assert day == targets.last_day(text, TODAY)


@given(st.text("0123456789-dw \u0663\u096b\uff13", max_size=10))
def test_whatever_is_typed_is_a_day_or_none(text: str) -> None:
    found = targets.last_day(text, TODAY)

    assert found is None or text.isascii()


@pytest.mark.parametrize(
    ("day", "end"), [(dt.date(2026, 3, 28), 24), (dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25)]
)
def test_a_day_ends_at_midnight_also_where_the_clocks_change(day: dt.date, end: int) -> None:
    begin = clock.end_of(day - dt.timedelta(days=1))

    assert clock.end_of(day) - begin == end * 3600 * 1000

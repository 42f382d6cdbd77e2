"""The digests on a real ledger with a real mail server: when they come, of what, and that none comes twice."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from ctci import clock, config, ledger
from ctci.config.settings import Config, Digest, Notify, Project, Schedule, Server, Smtp
from ctci.layout import Layout
from ctci.model import DIGEST, Entry, Remark, SecretRef, Status, Wishes, unfired
from ctci.report import asked, gathering, subscribing, upcoming
from ctci.report.courier import Courier
from ctci.report.digests import Digests
from tests import make
from tests.conftest import StoppedClock
from tests.report.desk import Desk
from tests.report.resting import rest

GREEN, RED, OURS = Status.SUCCEEDED, Status.FAILED, Status.ERRORED
BERLIN = ZoneInfo("Europe/Berlin")


def ms(text: str) -> int:
    """The Unix milliseconds of a time in Berlin: `24 07:30` of November 2026."""
    written = text if "-" in text else f"2026-11-{text}"
    return round(datetime.fromisoformat(written).replace(tzinfo=BERLIN).timestamp() * 1000)


class Almanac:
    """Of one schedule, whose times and ends a test says."""

    def __init__(self) -> None:
        self.times: list[tuple[int, int | None]] = []
        self.next: int | None = None

    def firings(
        self, schedule: str, projects: Collection[str], since: int, until: int
    ) -> Sequence[tuple[int, int | None]]:
        assert (schedule, set(projects)) == ("nightly", {"shop"})
        return [each for each in self.times if since < each[0] <= until]

    def following(self, places: Collection[tuple[str, str]], after: int) -> Mapping[tuple[str, str], int]:
        assert set(places) == {("shop", "refs/heads/main")}
        assert self.next is None or after < self.next
        return {} if self.next is None else dict.fromkeys(places, self.next)


class Office:
    """A courier of digests, whose configuration can be changed, and the server that it sends to."""

    def __init__(self, db: ledger.Ledger, place: Layout, desk: Desk, clock: StoppedClock) -> None:
        self.db, self.place, self.desk, self.clock = db, place, desk, clock
        self.almanac = Almanac()
        self.environ = {"CTCI_SMTP_URL": f"smtp://127.0.0.1:{desk.start()}"}
        self.remarks: tuple[Remark, ...] = ()
        self.table: dict[str, Any] = {"email": ("ana@example.org",)}
        self.digest: dict[str, Any] = {"at": "07:30", "quiet": "short"}
        self.project = make.project(schedules={"nightly": Schedule(name="nightly", cron="30 2 * * *")})
        self.current = config.Current(self._config)
        self.courier = self.another()

    def _config(self) -> Config:
        notify = Notify(name="team", digest=Digest(**self.digest), timezone="Europe/Berlin", **self.table)
        url = SecretRef(kind="env", name="CTCI_SMTP_URL")
        server = Server(
            public_url="https://ci.example.org/", smtp=Smtp(url=url, sender="Acme CI <ci@example.org>"), title="Acme CI"
        )
        return Config(projects={"shop": self.project}, notify={"team": notify}, server=server, folder=Path())

    def another(self) -> Courier:
        """The courier of another life."""
        ledger.release(self.db, "me")
        self.current.reload()
        return Courier(self.db, self.sink(), "me")

    def sink(self) -> Digests:
        return Digests(self.db, self.place, self.current, self.environ, self.almanac, self.remarks_of)

    def remarks_of(self, projects: Collection[str]) -> tuple[Remark, ...]:
        assert set(projects) == {"shop"}
        return self.remarks

    def at(self, text: str) -> list[str]:
        """The subjects of what has come when the clock shows this."""
        # A window ends a moment ago.
        self.clock.move((ms(text) + 5_000 - self.clock.at) / 1000)
        before = len(self.desk.messages)
        rest(self.courier)
        return [str(message["Subject"]) for message in self.desk.messages[before:]]

    @property
    def text(self) -> str:
        """Of the last letter, on one line."""
        body = self.desk.messages[-1].get_body(("plain",))
        assert body is not None
        return " ".join(str(body.get_content()).split())


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.stop()


@pytest.fixture
def office(db: ledger.Ledger, place: Layout, desk: Desk, stopped_clock: StoppedClock) -> Office:
    stopped_clock.move((ms("23 12:00") - stopped_clock.at) / 1000)
    made = Office(db, place, desk, stopped_clock)
    assert made.at("23 12:00") == []
    return made


def test_a_digest_comes_once_a_day_and_tells_of_what_was_since_the_last(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    make.settled(db, host, GREEN)
    broke = make.settled(db, host, RED, "exit 1")
    early = office.at("24 07:29")
    first = office.at("24 07:30")
    text = office.text
    again = office.at("24 07:31")
    make.settled(db, host, RED, "exit 1")
    second = office.at("25 07:30")

    assert (early, again) == ([], [])
    assert first == ["[ctci] 1 broke: shop (Tue 24 Nov)"]
    assert f"#{broke}" in text
    assert "2 runs, 1 green" in text
    assert second == ["[ctci] 1 still broken: shop (Wed 25 Nov)"]


def test_a_break_whose_branch_is_deleted_does_not_vanish_without_a_word(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    make.settled(db, host, GREEN)
    broke = make.settled(db, host, RED, "exit 1")
    office.at("24 07:30")
    ref = "refs/heads/main"
    gone = Entry(project="shop", forge="gitea", event="push", key="gone", ref=ref, reason="it is deleted", deleted=True)
    ledger.record(db, (gone,))
    told, text = office.at("25 07:30"), office.text

    assert told == ["[ctci] 1 deleted while red: shop (Wed 25 Nov)"]
    assert f"DELETED (1) - shop/api:test on main its branch is deleted, was red since #{broke} " in text
    assert office.at("26 07:30") == ["[ctci] nothing ran (Thu 26 Nov)"]


def test_what_was_before_the_first_digest_is_not_told(office: Office, db: ledger.Ledger, host: int) -> None:
    office.table["email"] = ("ana@example.org", "bo@example.org")
    make.settled(db, host, GREEN)
    office.at("24 07:30")
    make.settled(db, host, GREEN)
    office.courier = office.another()
    office.at("24 08:00")
    make.settled(db, host, GREEN)

    office.at("25 07:30")

    told = {str(message["To"]): message.get_body(("plain",)) for message in office.desk.messages[-2:]}
    texts = {to: " ".join(body.get_content().split()) for to, body in told.items() if body is not None}
    assert "2 runs" in texts["ana@example.org"]
    assert "1 run" in texts["bo@example.org"]


def test_an_address_that_comes_back_after_long_begins_anew(office: Office, db: ledger.Ledger, host: int) -> None:
    office.table["email"] = ("ana@example.org", "bo@example.org")
    office.courier = office.another()
    office.at("24 07:30")
    office.table["email"] = ("bo@example.org",)
    office.courier = office.another()
    make.settled(db, host, RED)
    for day in ("2026-12-20", "2027-01-15"):
        office.at(f"{day} 07:30")
    office.table["email"] = ("ana@example.org",)
    office.courier = office.another()
    back = office.at("2027-01-15 09:00")
    make.settled(db, host, RED)

    assert back == []
    assert office.at("2027-01-16 07:30") == ["[ctci] 1 still broken: shop (Sat 16 Jan)"]
    assert "before this one" not in office.text
    assert "1 run" in office.text


def test_one_of_a_day_long_gone_is_sent_and_moves_nothing(office: Office, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, RED)
    office.clock.move((ms("24 06:00") - office.clock.at) / 1000)
    settings = office.current.get()
    ((notify, receiver),) = asked.receivers(settings)
    window = asked.window(db, notify, receiver, date="2026-10-14")

    written = asked.write(db, office.sink().facts, settings, notify, receiver, window, past=True)
    asked.owe(db, written, past=True)

    assert office.at("24 06:01") == ["[ctci] nothing ran (Wed 14 Oct)"]
    assert office.at("24 07:30") == ["[ctci] 1 broke: shop (Tue 24 Nov)"]
    assert "before this one" not in office.text


def test_after_a_downtime_one_digest_covers_all(office: Office, db: ledger.Ledger, host: int) -> None:
    office.at("24 07:30")
    make.settled(db, host, GREEN)
    office.clock.move((ms("27 11:00") - office.clock.at) / 1000)
    make.settled(db, host, RED)
    office.courier = office.another()

    # What was missed meanwhile is found first.
    assert office.at("27 11:00") == []
    assert office.at("27 11:01") == ["[ctci] 1 broke: shop (Fri 27 Nov)"]
    assert "2 runs" in office.text
    assert office.at("27 11:02") == []


def test_a_quiet_day_is_skipped_and_its_window_ends_all_the_same(office: Office, db: ledger.Ledger, host: int) -> None:
    office.digest["quiet"] = "skip"
    office.courier = office.another()
    make.settled(db, host, GREEN)
    quiet = office.at("24 07:30")
    make.settled(db, host, RED)
    told = office.at("25 07:30")

    assert quiet == []
    assert told == ["[ctci] 1 broke: shop (Wed 25 Nov)"]
    assert "1 run" in office.text


def test_days_without_a_digest_are_told_by_the_next(office: Office, db: ledger.Ledger, host: int) -> None:
    office.digest["days"] = ("mon-fri",)
    office.courier = office.another()
    office.at("27 07:30")
    make.settled(db, host, GREEN)

    weekend = office.at("28 12:00") + office.at("29 12:00")

    assert weekend == []
    assert office.at("30 07:30") == ["[ctci] all green: 1 run, 1 project (Mon 30 Nov)"]


def test_a_digest_waits_for_the_runs_of_a_schedule_and_at_the_latest_until_its_time(office: Office) -> None:
    office.digest["after"] = "nightly"
    office.courier = office.another()
    office.at("24 07:30")
    office.almanac.times = [(ms("25 02:00"), None)]
    waiting = office.at("25 03:00")
    office.almanac.times = [(ms("25 02:00"), ms("25 04:00"))]
    settled = office.at("25 04:01")
    at_its_time = office.at("25 07:30")
    office.almanac.times = [(ms("26 02:00"), None)]
    late = office.at("26 07:30")

    assert (waiting, len(settled), at_its_time, len(late)) == ([], 1, [], 1)


def test_a_digest_that_is_put_off_goes_as_it_was_written(office: Office, db: ledger.Ledger, host: int) -> None:
    office.desk.answers = ["451 try later"]
    make.settled(db, host, RED)
    put_off = office.at("24 07:30")
    (waiting,) = ledger.sendings_(db, sink="digest", state="due")
    make.settled(db, host, GREEN)

    sent = office.at("24 07:32")

    assert put_off == []
    assert sent == ["[ctci] 1 broke: shop (Tue 24 Nov)"]
    assert office.desk.messages[0]["Message-ID"] == waiting.message_id
    assert office.at("25 07:30") == ["[ctci] 1 fixed: shop (Wed 25 Nov)"]


def test_what_did_not_go_is_told_by_the_next_digest_which_says_so(office: Office, db: ledger.Ledger, host: int) -> None:
    office.desk.answers = ["554 no"]
    make.settled(db, host, GREEN)
    make.settled(db, host, RED)
    refused = office.at("24 07:30")

    told = office.at("25 07:30")

    assert refused == []
    assert told[0].startswith("[ctci] 1 broke")
    assert "2 runs" in office.text
    assert "digest of Tue 24 Nov" in office.text


def test_while_the_mail_server_is_down_digests_do_not_pile_up(office: Office, db: ledger.Ledger, host: int) -> None:
    url = office.environ.pop("CTCI_SMTP_URL")
    make.settled(db, host, RED)
    down = office.at("24 07:30") + office.at("25 07:30")
    office.environ["CTCI_SMTP_URL"] = url

    assert down == []
    assert len(office.at("25 08:40")) == 1
    states = [each.state for each in ledger.sendings_(db, sink="digest")]
    assert states == ["sent", "dropped", "quiet"]


def test_after_a_month_without_a_mail_server_a_digest_covers_no_more_than_its_page_shows(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    make.settled(db, host, RED)
    url = office.environ.pop("CTCI_SMTP_URL")
    down = [each for day in ("2026-11-24", "2026-12-20", "2027-01-10") for each in office.at(f"{day} 07:30")]
    office.environ["CTCI_SMTP_URL"] = url

    told = office.at("2027-01-11 08:40")

    assert (down, len(told)) == ([], 1)
    assert "what was before Fri 11 Dec 2026 08:40 is not told" in office.text
    body = ledger.sendings_(db, sink="digest", limit=1)[0].body or {}
    assert body["until"] - body["since"] == upcoming.LONGEST_MS


def test_a_crash_between_any_two_steps_loses_none_and_repeats_at_most_one(
    office: Office, db: ledger.Ledger, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.settled(db, host, RED)

    def crash(*_: object, **__: object) -> None:
        raise SystemExit

    for minute, step in enumerate(("owe", "take", "sent"), 31):
        # A server that has just started waits for a minute before what is late.
        office.clock.move((ms(f"24 07:{minute}") + 2_000 - office.clock.at) / 1000)
        with monkeypatch.context() as patched:
            patched.setattr(ledger, step, crash)
            with pytest.raises(SystemExit):
                office.courier.tick()
        office.courier = office.another()
    office.at("24 07:40")

    ids = {str(message["Message-ID"]) for message in office.desk.messages}
    assert (len(office.desk.messages), len(ids)) == (2, 1)


def test_two_servers_write_and_send_one(office: Office, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, RED)
    other = office.another()
    office.clock.move((ms("24 07:31") - office.clock.at) / 1000)

    for courier in (office.courier, other, office.courier, other):
        courier.tick()

    assert len(office.desk.messages) == 1


@pytest.mark.parametrize(
    ("ends", "again", "told"),
    [
        (OURS, None, "1 job errored: shop"),
        (OURS, GREEN, "1 job errored: shop"),
        (Status.CANCELLED, None, "1 overdue: shop"),
        (GREEN, None, "all green: 1 run, 1 project"),
    ],
)
def test_a_schedule_that_is_not_over_is_named_and_how_it_ends_is_told_by_the_next(
    office: Office, db: ledger.Ledger, host: int, ends: Status, again: Status | None, told: str
) -> None:
    office.at("24 02:31")
    key = "schedule:shop/nightly@2026-11-24T02:30+01:00:refs/heads/main"
    trigger = make.trigger(kind="schedule", key=key, schedule="nightly")
    make.prepared(db, trigger=trigger, forge="ctci", event="schedule", key=key)
    waiting, text = office.at("24 07:30"), office.text
    job, run = make.running(db, host)
    make.settle(db, job, host, ends)
    if again is not None:
        office.at("24 08:00")
        make.settled(db, host, again, trigger=make.trigger(kind="rerun"), rerun_of=run.id)

    assert waiting == ["[ctci] 1 job not over: shop (Tue 24 Nov)"]
    assert "Not over yet, and not told of here: shop/api:test on main" in text
    assert office.at("25 07:30") == [f"[ctci] {told} (Wed 25 Nov)"]


def test_a_digest_has_the_headers_for_filters(office: Office, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, RED)
    office.at("24 07:30")

    message = office.desk.messages[0]
    assert {name: message[name] for name in ("List-Id", "X-CTCI-Kind", "X-CTCI-Verdict", "Auto-Submitted", "To")} == {
        "List-Id": "<team.digest.ci.example.org>",
        "X-CTCI-Kind": "digest",
        "X-CTCI-Verdict": "broke",
        "Auto-Submitted": "auto-generated",
        "To": "ana@example.org",
    }


def test_a_receiver_is_told_of_what_it_asks_for(office: Office, db: ledger.Ledger, host: int) -> None:
    office.table["only"] = ("shop/web",)
    office.courier = office.another()
    make.settled(db, host, RED)

    assert office.at("24 07:30") == ["[ctci] nothing red: 1 run, 1 project (Tue 24 Nov)"]


def test_what_ctci_suffers_of_is_told(office: Office) -> None:
    office.remarks = (Remark(sentence="0.8 GB are free", short="disk low"),)

    assert office.at("24 07:30") == ["[ctci] disk low (Tue 24 Nov)"]
    assert "0.8 GB are free" in office.text


@pytest.mark.parametrize(
    "now",
    [
        make.project("api:check"),
        make.project("core:test"),
        make.project(branches={"release/*": ("api",)}),
    ],
    ids=("recipe", "subproject", "branch"),
)
def test_what_is_configured_no_more_is_red_for_nobody(
    office: Office, db: ledger.Ledger, host: int, now: Project
) -> None:
    make.settled(db, host, RED)
    before = office.at("24 07:30")
    office.project = now
    office.courier = office.another()

    assert before == ["[ctci] 1 broke: shop (Tue 24 Nov)"]
    assert office.at("25 07:30") == ["[ctci] nothing ran (Wed 25 Nov)"]


def test_what_a_person_runs_where_nothing_is_built_is_told_by_the_digest_of_that_day(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    office.project = make.project(branches={})
    office.courier = office.another()
    make.settled(db, host, RED, trigger=make.trigger(kind="manual"))

    assert office.at("24 07:30") == ["[ctci] 1 broke: shop (Tue 24 Nov)"]
    assert office.at("25 07:30") == ["[ctci] nothing ran (Wed 25 Nov)"]


def test_a_schedule_that_is_configured_no_more_is_not_overdue(office: Office, db: ledger.Ledger) -> None:
    office.at("24 02:31")
    key = "schedule:shop/nightly@2026-11-24T02:30+01:00"
    ledger.record(db, (Entry(project="shop", forge="ctci", event="missed", key=key, reason="the server was down"),))
    office.project = make.project()
    office.courier = office.another()

    assert office.at("24 07:30") == ["[ctci] nothing ran (Tue 24 Nov)"]


def test_what_a_schedule_missed_is_told_by_the_clock_of_who_reads_it(office: Office, db: ledger.Ledger) -> None:
    office.at("24 07:31")
    last = "2026-11-24T01:30-05:00"
    reason = f"the schedule nightly: {unfired.said(2, last, 'no server was running')}"
    key = f"schedule:shop/nightly@{last}"
    ledger.record(db, (Entry(project="shop", forge="ctci", event="missed", key=key, reason=reason),))

    assert office.at("25 07:30") == ["[ctci] 1 overdue: shop (Wed 25 Nov)"]
    assert "was due Tue 07:30, did not run the last of 2 that were missed: no server was running" in office.text
    assert last not in office.text


def test_cancelled_and_errored_runs_eat_no_repair(office: Office, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, RED)
    office.at("24 07:30")
    for status in (GREEN, Status.CANCELLED, OURS):
        make.settled(db, host, status)

    assert office.at("25 07:30") == ["[ctci] 1 fixed, 1 job errored: shop (Wed 25 Nov)"]


def test_a_heartbeat_is_owed_for_each_digest_that_went_out_or_had_nothing_to_say(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    office.table["heartbeat"] = SecretRef(kind="env", name="BEAT")
    office.digest["quiet"] = "skip"
    office.courier = office.another()
    new = ledger.sendings_(db, sink="heartbeat")
    make.settled(db, host, RED, "exit 1")

    bodies = [beats(office, db, f"{day} 07:30") for day in (24, 25, 26)]

    assert new == ()
    assert len({str(body) for body in bodies}) == 3


def beats(office: Office, db: ledger.Ledger, at: str) -> Any:
    """What the heartbeat that is owed at this time says."""
    office.at(at)
    return [each.body for each in ledger.sendings_(db, sink="heartbeat")]


def test_no_heartbeat_is_owed_while_an_address_lacks_its_digest(office: Office, db: ledger.Ledger, host: int) -> None:
    office.table |= {"heartbeat": SecretRef(kind="env", name="BEAT"), "email": ("ana@example.org", "bo@example.org")}
    office.courier = office.another()
    office.at("23 12:01")
    make.settled(db, host, RED, "exit 1")
    office.desk.refused["bo@example.org"] = "451 not now"

    lacking = beats(office, db, "24 07:30")
    office.desk.refused.clear()
    whole = beats(office, db, "24 07:40")

    assert (lacking, len(whole)) == ([], 1)


def test_a_digest_has_the_link_and_the_headers_that_end_it(office: Office, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, RED)
    office.at("24 07:30")

    token = ledger.subscription(db, "team:ana@example.org").token
    message = office.desk.messages[0]
    assert f"https://ci.example.org/me/digest?k={token}" in office.text
    assert message["List-Unsubscribe"] == f"<https://ci.example.org/me/digest?k={token}&stop=digest>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_who_has_stopped_the_digest_gets_none_and_later_nothing_of_meanwhile(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    token = ledger.subscription(db, "team:ana@example.org").token
    ledger.stop(db, token, {DIGEST})
    make.settled(db, host, GREEN)
    stopped = office.at("24 07:30")
    ledger.resume(db, token, {DIGEST})
    make.settled(db, host, GREEN)

    assert stopped == []
    assert office.at("25 07:30") == ["[ctci] all green: 1 run, 1 project (Wed 25 Nov)"]


def test_what_is_stopped_before_it_went_does_not_go(office: Office, db: ledger.Ledger, host: int) -> None:
    office.desk.answers = ["451 try later"]
    make.settled(db, host, RED)
    office.at("24 07:30")
    ledger.stop(db, ledger.subscription(db, "team:ana@example.org").token, {DIGEST}, sinks=subscribing.SINKS[DIGEST])

    assert office.at("24 07:40") == []
    assert office.at("25 07:30") == []
    assert ledger.unsent(db, since=0) == ()


def test_a_receiver_s_wish_narrows_what_is_told_and_moves_when(office: Office, db: ledger.Ledger, host: int) -> None:
    office.table["email"] = ("ana@example.org", "bo@example.org")
    office.courier = office.another()
    office.at("24 07:30")
    token = ledger.subscription(db, "team:bo@example.org").token
    ledger.wish_for(db, token, Wishes(at="09:00", timezone="Europe/London"))
    make.settled(db, host, RED)

    early = office.at("25 07:30")
    told = [str(message["To"]) for message in office.desk.messages[-len(early) :]]
    late = office.at("25 10:00")

    assert told == ["ana@example.org"]
    assert (len(late), str(office.desk.messages[-1]["To"])) == (1, "bo@example.org")


def test_authors_are_told_of_their_own_commits_alone(office: Office, db: ledger.Ledger, host: int) -> None:
    office.table["authors"] = ("@example.org",)
    office.courier = office.another()
    office.at("24 07:30")
    make.settled(db, host, GREEN)
    wrote = (
        make.commit(sha=make.sha(70), email="cy@example.org"),
        make.commit(sha=make.sha(71), email="x@example.net"),
    )
    make.settled(db, host, RED, brought=wrote)
    office.remarks = (Remark(sentence="0.8 GB are free", short="disk low"),)

    office.at("25 07:30")
    told = {str(message["To"]): str(message["Subject"]) for message in office.desk.messages[-2:]}
    make.settled(db, host, RED)
    office.at("26 07:30")

    assert told == {
        "ana@example.org": "[ctci] 1 broke, disk low: shop (Wed 25 Nov)",
        "cy@example.org": "[ctci] 1 broke: shop (Wed 25 Nov)",
    }
    assert [str(message["To"]) for message in office.desk.messages if message["To"] == "cy@example.org"] != []


def test_what_an_author_was_not_told_is_told_by_the_next(office: Office, db: ledger.Ledger, host: int) -> None:
    office.table["authors"] = ("@example.org",)
    office.project = make.project("api:test", "web:test")
    office.courier = office.another()
    office.at("24 07:30")
    office.desk.refused["cy@example.org"] = "451 not now"
    wrote = make.commit(sha=make.sha(70), email="cy@example.org")
    make.settled(db, host, GREEN)
    make.settled(db, host, RED, brought=(wrote,))
    office.at("25 07:30")
    office.clock.move(2 * 3600)
    web = (make.order(subproject="web"),)
    make.settled(db, host, GREEN, orders=web)
    make.settled(db, host, RED, brought=(wrote,), orders=web)
    office.at("26 07:29")
    office.desk.refused.clear()

    office.at("26 07:30")

    told = [str(message["Subject"]) for message in office.desk.messages if message["To"] == "cy@example.org"]
    assert told == ["[ctci] 2 broke: shop (Thu 26 Nov)"]
    texts = [message.get_body(("plain",)) for message in office.desk.messages if message["To"] == "cy@example.org"]
    assert "The digest before this one did not go out" in str(texts[0])


def test_many_branches_are_as_many_questions_as_one(office: Office, db: ledger.Ledger, host: int) -> None:
    queries: list[object] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: queries.append(given))
    counts = []
    for number in (1, 20):
        for name in range(number):
            make.settled(db, host, RED, trigger=make.trigger(ref=f"refs/heads/{number}/{name}"))
        window = upcoming.Window(date="2026-11-24", since=office.clock.at - 1000, until=office.clock.at)
        queries.clear()
        told = gathering.facts(
            db,
            office.current.get(),
            office.current.get().notify["team"],
            window,
            following=lambda places, _: dict.fromkeys(places, 7),
            remarks=office.remarks_of,
        )
        counts.append(len(queries))

    assert (len(told.places), {branch.next_at for branch in told.branches}) == (21, {7})
    assert counts[0] == counts[1]


def test_an_acknowledgement_that_lapses_where_all_is_green_is_told_too(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    warned = make.finding(severity="warning", tool="gcc", fingerprint="f" * 32)
    make.settle(db, job, host, GREEN, told=(warned,))
    office.at("24 07:30")
    why = {"why": "waits for gcc 14", "by": "ana"}
    ledger.ack(db, project="shop", fingerprint="f" * 32, said="ring.c:8: unused", until=ms("25 00:30"), **why)
    other = (make.order(project="blog"),)
    make.prepared(db, trigger=make.trigger(project="blog"), orders=other)
    job, _ = make.running(db, host)
    make.settle(db, job, host, GREEN, told=(warned,))
    ledger.ack(db, project="blog", fingerprint="f" * 32, said="of another table", until=ms("25 00:30"), **why)

    assert office.at("25 07:30") == ["[ctci] 1 acknowledgement lapsed: shop (Wed 25 Nov)"]
    assert "ring.c:8: unused" in office.text
    assert f"acknowledged until {clock.day(ms('25 00:30') - 1)}, still there" in office.text

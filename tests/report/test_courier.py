"""The courier on a real ledger with a real mail server: what is owed, what goes out, what happens when that fails."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ctci import clock, config, ledger
from ctci.config.settings import Config, Notify, Server, Smtp
from ctci.layout import Layout
from ctci.model import AT_ONCE, SecretRef, Status, Wishes
from ctci.report import letter, subscribing
from ctci.report.courier import Courier, backoff
from ctci.report.transitions import Transitions
from tests import make
from tests.conftest import StoppedClock
from tests.eventually import eventually
from tests.report.desk import Desk
from tests.report.resting import rest

GREEN, RED, OURS = Status.SUCCEEDED, Status.FAILED, Status.ERRORED
TEAM = {"team": Notify(name="team", email=("ana@example.org", "bo@example.org"))}


def configured(*, smtp: bool = True, **fields: Any) -> Config:
    url = SecretRef(kind="env", name="CTCI_SMTP_URL")
    defaults: dict[str, Any] = {
        "projects": {"shop": make.project()},
        "notify": TEAM,
        "server": Server(
            public_url="https://ci.example.org/",
            smtp=Smtp(url=url if smtp else None, sender="Acme CI <ci@example.org>"),
        ),
        "folder": Path(),
    }
    return Config(**{**defaults, **fields})


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.stop()


class Office:
    """A courier, whose configuration can be changed, and the server that it sends to."""

    def __init__(self, db: ledger.Ledger, place: Layout, desk: Desk) -> None:
        self.db, self.place, self.desk = db, place, desk
        self.config = configured()
        #: By the project that a letter is about.
        self.remarks: dict[str, tuple[str, ...]] = {}
        self.environ = {"CTCI_SMTP_URL": f"smtp://127.0.0.1:{desk.start()}"}
        self.courier = self.another()

    def another(self) -> Courier:
        """The courier of another life."""
        self.current = config.Current(lambda: self.config)
        letters = Transitions(
            self.db, self.place, self.current, self.environ, lambda project: self.remarks.get(project, ())
        )
        ledger.release(self.db, "me")
        return Courier(self.db, letters, "me")

    def configure(self, made: Config) -> None:
        self.config = made
        self.current.reload()

    def work(self) -> None:
        """Tick until nothing is left to do."""
        rest(self.courier)

    @property
    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.desk.messages]

    @property
    def states(self) -> list[str]:
        return [sending.state for sending in ledger.sendings_(self.db)]


@pytest.fixture
def office(db: ledger.Ledger, place: Layout, desk: Desk, stopped_clock: StoppedClock) -> Office:
    assert stopped_clock.at == clock.now()
    return Office(db, place, desk)


def test_a_break_is_told_to_each_address_and_then_its_repair(office: Office, db: ledger.Ledger, host: int) -> None:
    runs = []
    for status in (GREEN, GREEN, RED, RED, GREEN, GREEN):
        runs.append(make.settled(db, host, status, "exit 1" if status is RED else None))
        office.work()

    told = sorted((str(message["To"]), str(message["Subject"])) for message in office.desk.messages)
    assert told == [
        (to, subject)
        for to in ("ana@example.org", "bo@example.org")
        for subject in (
            f"Re: [ctci] broke: shop/api:test on main (#{runs[2]})",
            f"[ctci] broke: shop/api:test on main (#{runs[2]})",
        )
    ]
    assert office.states == ["sent"] * 4


def test_a_letter_has_the_end_of_the_log_and_the_remarks_about_its_project(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    office.remarks = {"shop": ("0.8 GB are free",), "blog": ("its webhook is silent",)}
    run = make.settled(db, host, RED, "exit 1")
    job = ledger.jobs_of(db, [run])[run][0]
    path = office.place.log(job.id, job.attempt)
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"line {number}\n" for number in range(1, 31)))

    office.work()

    body = office.desk.messages[0].get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\r\n", "\n")
    assert text.startswith("shop/api:test failed on main")
    assert "from line 11 on:\n   | line 11\n" in text
    assert "   | line 30\n\n" in text
    assert "ctci itself: 0.8 GB are free" in text
    assert "silent" not in text
    assert f"https://ci.example.org/runs/{run}/api/test\n" in text


def test_a_letter_can_be_filtered(office: Office, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, RED)

    office.work()

    message = office.desk.messages[0]
    assert {name: message[name] for name in ("List-Id", "X-CTCI-Kind", "X-CTCI-Project", "X-CTCI-Verdict")} == {
        "List-Id": "<team.letters.ci.example.org>",
        "X-CTCI-Kind": "transition",
        "X-CTCI-Project": "shop",
        "X-CTCI-Verdict": "failed",
    }


def test_a_letter_tells_programs_and_people_where_it_is_stopped(office: Office, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, RED)

    office.work()

    told = {str(message["To"]): message for message in office.desk.messages}
    for name, message in told.items():
        token = ledger.subscription(db, f"team:{name}").token
        link = f"https://ci.example.org/me/digest?k={token}"
        assert message["List-Unsubscribe"] == f"<{link}&stop=at-once>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        body = message.get_body(("plain",))
        assert body is not None
        assert link in body.get_content().splitlines()


def test_who_stopped_letters_at_once_gets_none_and_the_others_theirs(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    token = ledger.subscription(db, "team:ana@example.org").token
    ledger.stop(db, token, [AT_ONCE])
    make.settled(db, host, RED)
    office.work()
    ledger.resume(db, token, [AT_ONCE])
    make.settled(db, host, GREEN)

    office.work()

    assert [(str(each["To"]), str(each["Subject"])[:14]) for each in office.desk.messages] == [
        ("bo@example.org", "[ctci] failed:"),
        ("ana@example.org", "[ctci] fixed: "),
        ("bo@example.org", "Re: [ctci] fai"),
    ]


def test_who_stops_letters_while_one_waits_does_not_get_it_and_nothing_has_gone_wrong(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    run = make.prepared(db, orders=(make.order(), make.order(subproject="web")))
    fail_next(db, host)
    office.work()
    assert office.states == ["due", "due"]

    ledger.stop(db, ledger.subscription(db, "team:ana@example.org").token, [AT_ONCE], sinks=subscribing.SINKS[AT_ONCE])
    fail_next(db, host)
    office.work()

    assert [str(each["To"]) for each in office.desk.messages] == ["bo@example.org"]
    assert [(each.to, each.state) for each in ledger.sendings_(db, run=run)] == [("team:bo@example.org", "sent")]
    assert ledger.unsent(db, since=0) == ()


def test_a_letter_that_was_owed_before_it_was_stopped_is_not_sent(office: Office, db: ledger.Ledger, host: int) -> None:
    office.configure(configured(notify={"team": Notify(name="team", email=("ana@example.org",))}))
    make.prepared(db, orders=(make.order(), make.order(subproject="web")))
    fail_next(db, host)
    office.work()

    # As when it is taken at this very moment: what is owed stays.
    ledger.stop(db, ledger.subscription(db, "team:ana@example.org").token, [AT_ONCE])
    fail_next(db, host)
    office.work()

    assert office.desk.messages == []
    assert [each.last_error for each in ledger.sendings_(db)] == ["team:ana@example.org has stopped letters at once"]


def test_who_wishes_for_some_projects_is_told_of_no_other(office: Office, db: ledger.Ledger, host: int) -> None:
    names = ("shop", "blog")
    projects = {name: make.project(name=name) for name in names}
    office.configure(configured(projects=projects))
    ledger.wish_for(db, ledger.subscription(db, "team:ana@example.org").token, Wishes(only=("blog",)))

    for name in names:
        make.settled(db, host, RED, trigger=make.trigger(project=name), orders=(make.order(project=name),))
        office.work()

    assert [(str(each["To"]), each["X-CTCI-Project"]) for each in office.desk.messages] == [
        ("bo@example.org", "shop"),
        ("ana@example.org", "blog"),
        ("bo@example.org", "blog"),
    ]


def test_the_jobs_of_a_run_are_one_letter_when_it_is_over(office: Office, db: ledger.Ledger, host: int) -> None:
    run = make.prepared(db, orders=(make.order(), make.order(subproject="web")))
    fail_next(db, host)
    office.work()
    before = office.subjects

    fail_next(db, host)
    office.work()

    assert before == []
    assert office.subjects == [f"[ctci] 2 failed: shop on main (#{run})"] * 2


def test_a_run_that_goes_on_is_told_of_after_five_minutes(
    office: Office, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    run = make.prepared(db, orders=(make.order(), make.order(subproject="web"), make.order(subproject="docs")))
    fail_next(db, host)
    office.work()

    stopped_clock.move(301)
    office.work()
    fail_next(db, host)
    fail_next(db, host)
    office.work()

    assert office.subjects == [
        *[f"[ctci] failed: shop/api:test on main (#{run})"] * 2,
        *[f"[ctci] 2 failed: shop on main (#{run})"] * 2,
    ]


def fail_next(db: ledger.Ledger, host: int) -> None:
    job, _ = make.running(db, host)
    ledger.settle(db, job=job.id, attempt=job.attempt, host=host, status=RED, reason="exit 1", exit=make.exit_(code=1))


def test_what_was_superseded_is_not_told(office: Office, db: ledger.Ledger, host: int) -> None:
    orders = (make.order(on_new_push="supersede"),)
    make.prepared(db, orders=orders)
    job, _ = make.running(db, host)
    make.prepared(db, orders=orders)
    ledger.settle(
        db, job=job.id, attempt=job.attempt, host=host, status=Status.SUPERSEDED, reason="superseded", exit=None
    )

    office.work()

    assert office.states == []
    assert ledger.cursor(db, "mail") > 0


def test_an_outage_is_told_once_and_blames_nobody(office: Office, db: ledger.Ledger, host: int) -> None:
    for status in (GREEN, OURS, OURS, OURS, GREEN):
        run = make.settled(db, host, status, "the disk is full" if status is OURS else None)

    office.work()

    assert office.subjects == [f"[ctci] errored: shop/api:test on main (#{run - 3})"] * 2
    body = office.desk.messages[0].get_body(("plain",))
    assert body is not None
    assert "it says nothing about the commit" in body.get_content()
    assert "since green" not in body.get_content()


def test_the_commits_since_the_last_green_run_are_named(office: Office, db: ledger.Ledger, host: int) -> None:
    green = make.settled(db, host, GREEN)
    make.settled(db, host, Status.SUPERSEDED, brought=(make.commit(sha="a" * 40, subject="Drop tax"),))
    make.settled(db, host, RED, brought=(make.commit(sha="b" * 40, subject="Round less"),))

    office.work()

    body = office.desk.messages[0].get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\r\n", "\n")
    assert f"Suspects, 2 commits since green #{green}:\n     bbbbbbb  Ana Ruiz  Round less\n     aaaaaaa" in text


def test_what_was_run_again_brings_no_commits_to_a_break(office: Office, db: ledger.Ledger, host: int) -> None:
    first = make.settled(db, host, GREEN, brought=(make.commit(sha="c" * 40, subject="Long tested"),))
    make.settled(db, host, GREEN)
    make.settled(
        db,
        host,
        GREEN,
        trigger=make.trigger(kind="rerun"),
        rerun_of=first,
        brought=(make.commit(sha="c" * 40, subject="Long tested"),),
    )
    make.settled(db, host, RED, brought=(make.commit(sha="b" * 40, subject="Round less"),))

    office.work()

    body = office.desk.messages[0].get_body(("plain",))
    assert body is not None
    assert "Round less" in body.get_content()
    assert "Long tested" not in body.get_content()


def test_what_is_allowed_to_fail_is_not_told(office: Office, db: ledger.Ledger, host: int) -> None:
    allowed = (make.order(recipe=make.recipe(allow_failure=True)),)
    make.settled(db, host, GREEN, orders=allowed)
    make.settled(db, host, RED, orders=allowed)

    office.work()

    assert office.subjects == []


def test_a_rerun_of_the_past_is_told_only_while_it_is_the_present(office: Office, db: ledger.Ledger, host: int) -> None:
    broken = make.settled(db, host, RED)
    office.work()
    office.desk.envelopes.clear()

    repeat(db, host, broken)
    office.work()
    told = [str(message["X-CTCI-Verdict"]) for message in office.desk.messages]
    office.desk.envelopes.clear()
    newer = make.settled(db, host, RED)
    office.work()
    office.desk.envelopes.clear()
    repeat(db, host, broken, status=RED)
    repeat(db, host, broken)
    office.work()

    assert told == ["fixed"] * 2
    assert office.subjects == []
    assert newer == broken + 2


def repeat(db: ledger.Ledger, host: int, run: int, status: Status = GREEN) -> int:
    trigger = make.trigger(kind="rerun", after=make.sha(run))
    return make.settled(db, host, status, trigger=trigger, rerun_of=run)


def test_a_letter_that_is_put_off_goes_later_with_the_same_id_and_to_nobody_twice(
    office: Office, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    office.desk.answers = ["451 try later"]
    make.settled(db, host, RED)

    office.work()
    first = [str(message["To"]) for message in office.desk.messages]
    (waiting,) = [sending for sending in ledger.sendings_(db) if sending.state == "due"]
    stopped_clock.move(61)
    office.work()

    assert "451 try later" in str(waiting.last_error)
    assert len(first) == 1
    assert sorted(str(message["To"]) for message in office.desk.messages) == ["ana@example.org", "bo@example.org"]
    assert office.desk.messages[1]["Message-ID"] == waiting.message_id
    assert office.states == ["sent"] * 2


def test_a_letter_that_nobody_wants_is_given_up_and_the_other_goes(
    office: Office, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    office.desk.refused = {"ana@example.org": "550 no such user"}
    make.settled(db, host, RED)

    office.work()
    stopped_clock.move(86_400)
    office.work()

    ended = {sending.to: (sending.state, sending.tries) for sending in ledger.sendings_(db)}
    assert ended == {"team:ana@example.org": ("given_up", 1), "team:bo@example.org": ("sent", 1)}


def test_a_server_that_is_away_is_tried_for_a_day(
    office: Office, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    office.desk.stop()
    began = stopped_clock.at
    make.settled(db, host, RED)

    while "due" in (office.states or ["due"]):
        office.work()
        stopped_clock.move(60)

    assert office.states == ["given_up"] * 2
    assert 24 <= (stopped_clock.at - began) / 3_600_000 < 25


def test_the_waits_double_up_to_an_hour() -> None:
    waits = [backoff(tries) for tries in range(1, 9)]

    assert [(wait or 0) // 60_000 for wait in waits] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_crash_between_sending_and_marking_sends_again_under_the_same_id(
    office: Office, db: ledger.Ledger, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.settled(db, host, RED)

    def crash(*_: object, **__: object) -> None:
        raise ledger.Away("the ledger cannot be written: disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "sent", crash)
        with pytest.raises(ledger.Away):
            office.work()
    office.courier = office.another()
    office.work()

    ids = [str(message["Message-ID"]) for message in office.desk.messages]
    assert len(ids) == 3
    assert ids[0] == ids[1] != ids[2]
    assert office.states == ["sent"] * 2


def test_a_ledger_that_is_away_is_no_try_of_the_letter(
    office: Office, db: ledger.Ledger, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.settled(db, host, RED)
    office.courier.tick(lambda: True)

    def away(*_: object) -> None:
        raise ledger.Away("the ledger cannot be read: disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "pasts", away)
        with pytest.raises(ledger.Away):
            office.work()

    assert [(sending.state, sending.tries) for sending in ledger.sendings_(db)] == [("due", 0)] * 2


def test_what_is_owed_outlives_the_server_and_what_was_told_is_not_told_again(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    make.settled(db, host, RED)
    office.courier.tick(lambda: True)
    unsent = office.subjects

    for _ in range(2):
        office.courier = office.another()
        office.work()

    assert unsent == []
    assert len(office.subjects) == 2


def test_without_a_mail_server_letters_are_files(office: Office, db: ledger.Ledger, host: int) -> None:
    office.configure(configured(smtp=False))
    run = make.settled(db, host, RED)

    office.work()

    files = list(office.place.mail.iterdir())
    assert len(files) == 2
    assert all(path.name.startswith(f"break-{run}.") and path.suffix == ".eml" for path in files)


@pytest.mark.parametrize("left", [{"projects": {}}, {"notify": {}}, {"notify": {"team": Notify(name="team")}}])
def test_who_is_not_named_any_more_is_not_told(
    office: Office, db: ledger.Ledger, host: int, left: dict[str, Any]
) -> None:
    make.settled(db, host, RED)
    office.courier.tick(lambda: True)
    office.configure(configured(**left))

    office.work()

    assert office.subjects == []
    assert office.states == ["dropped"] * 2
    # That is as it was asked for: nobody has to look at it.
    assert ledger.unsent(db, since=0) == ()


def test_a_secret_that_is_not_there_is_waited_for(
    office: Office, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    url = office.environ.pop("CTCI_SMTP_URL")
    make.settled(db, host, RED)
    office.work()
    errors = {str(sending.last_error) for sending in ledger.sendings_(db)}

    office.environ["CTCI_SMTP_URL"] = url
    stopped_clock.move(61)
    office.work()

    assert all("CTCI_SMTP_URL" in error for error in errors)
    assert office.states == ["sent"] * 2


def test_a_letter_that_cannot_be_written_holds_no_other_up(
    office: Office,
    db: ledger.Ledger,
    host: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make.settled(db, host, RED)
    compose, broken = letter.compose, [True]

    def once(facts: letter.Facts) -> letter.Composed:
        if broken:
            raise ZeroDivisionError(broken.pop())
        return compose(facts)

    monkeypatch.setattr(letter, "compose", once)

    office.work()

    assert sorted(office.states) == ["due", "sent"]
    assert "ZeroDivisionError" in caplog.text


def test_the_loop_survives_a_fault_and_ends_when_told(
    office: Office,
    db: ledger.Ledger,
    host: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop = threading.Event()

    def broken() -> Config:
        raise ZeroDivisionError

    get, office.current.get = office.current.get, broken  # type: ignore[method-assign] # a fault of nowhere
    make.settled(db, host, RED)
    thread = threading.Thread(target=office.courier.run, args=(stop,))
    thread.start()
    eventually(lambda: "the courier of mail failed; trying again" in caplog.text)

    office.current.get = get  # type: ignore[method-assign] # and its end
    eventually(lambda: len(office.desk.envelopes) == 2)
    stop.set()
    db.nudge.ring()
    thread.join(5)

    assert not thread.is_alive()
    assert office.states == ["sent"] * 2


def test_what_broke_and_was_fixed_before_anybody_heard_of_it_is_told_as_fixed(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    for status in (GREEN, RED, GREEN):
        run = make.settled(db, host, status)

    office.work()

    assert office.subjects == [f"[ctci] fixed: shop/api:test on main (#{run})"] * 2


def test_breaks_that_come_together_are_one_letter_and_wait_for_what_is_unfinished(
    office: Office, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    orders = (make.order(), make.order(subproject="web"))
    first = make.settled(db, host, RED, orders=orders[:1], trigger=make.trigger(ref="refs/heads/a"))
    make.prepared(db, orders=orders, trigger=make.trigger(ref="refs/heads/b"))
    fail_next(db, host)
    office.work()
    waited = office.subjects

    stopped_clock.move(301)
    office.work()
    fail_next(db, host)
    office.work()

    assert waited == []
    assert office.subjects == [
        *["[ctci] 2 failed: shop"] * 2,
        *[f"[ctci] failed: shop/web:test on b (#{first + 1})"] * 2,
    ]


def test_a_repair_is_told_in_the_thread_of_its_break(office: Office, db: ledger.Ledger, host: int) -> None:
    for status in (GREEN, RED):
        make.settled(db, host, status)
        office.work()
    breaks = {str(message["To"]): message for message in office.desk.messages}
    office.desk.envelopes.clear()

    make.settled(db, host, GREEN)
    office.courier = office.another()
    office.work()

    for message in office.desk.messages:
        told = breaks[str(message["To"])]
        assert message["Message-ID"] != told["Message-ID"]
        assert str(told["Message-ID"]).startswith("<break-")
        assert message["In-Reply-To"] == message["References"] == told["Message-ID"]
        assert message["Subject"] == f"Re: {told['Subject']}"
    assert len(office.desk.messages) == 2


def test_two_servers_on_one_ledger_tell_it_once(office: Office, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, RED)
    other = office.another()
    office.courier.tick(lambda: True)
    other.tick(lambda: True)
    taken = ledger.take(db, "mail", holder="another server", hold_ms=600_000)

    office.work()

    assert len(taken) == 1
    assert len(office.subjects) == 1
    assert sorted(office.states) == ["due", "sent"]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"immediate": ("fixed",)}, ["fixed"]),
        ({"immediate": ("broke",)}, ["broke"]),
        ({"immediate": ()}, []),
        ({"only": ("shop/web",)}, []),
        ({"only": ("shop@dev", "other")}, []),
        ({"only": ("shop/api",)}, ["broke", "fixed"]),
        ({"only": ("shop@main",)}, ["broke", "fixed"]),
    ],
)
def test_a_table_says_what_of_it_is_told_at_once(
    office: Office, db: ledger.Ledger, host: int, table: dict[str, Any], told: list[str]
) -> None:
    office.configure(configured(notify={"team": Notify(name="team", email=("ana@example.org",), **table)}))

    for status in (GREEN, RED, GREEN):
        make.settled(db, host, status)
        office.work()

    assert [str(message["X-CTCI-Verdict"]) for message in office.desk.messages] == told


def test_who_broke_it_is_told_too_and_an_address_that_nobody_reads_is_not(
    office: Office, db: ledger.Ledger, host: int
) -> None:
    table = Notify(name="team", email=("ana@example.org",), authors=("@example.org",))
    office.configure(configured(notify={"team": table}))
    addresses = ("Ana@example.org", "bo@example.org", "cy@example.net", "bot-noreply@example.org", "x\ny@example.org")
    make.settled(db, host, GREEN)
    brought = tuple(make.commit(sha=make.sha(70 + n), email=each) for n, each in enumerate(addresses))

    make.settled(db, host, RED, brought=brought)
    office.work()

    assert sorted(str(message["To"]) for message in office.desk.messages) == ["ana@example.org", "bo@example.org"]

"""The sinks of what is called, on a real ledger with a real receiver: what is owed, and what becomes of it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from ctci import clock, config, ledger
from ctci.config.settings import Config, Notify, Server
from ctci.model import SecretRef, Status
from ctci.report import events, webhooks
from ctci.report.courier import Courier
from ctci.report.webhooks import Chats, Heartbeats, Webhooks
from tests import make
from tests.conftest import StoppedClock
from tests.report.receiver import Receiver, receiving
from tests.report.resting import rest

# Apprise tries a module that Python 3.13 has no more.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

GREEN, RED = Status.SUCCEEDED, Status.FAILED
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
OPS = Notify(
    name="ops",
    immediate=("broke", "fixed"),
    webhook=SecretRef(kind="env", name="CALL"),
    webhook_secret=SecretRef(kind="env", name="SIGN"),
    apprise=SecretRef(kind="env", name="CHAT"),
    heartbeat=SecretRef(kind="env", name="BEAT"),
)
SHOP = make.project(notify=("ops",))


class House:
    """The couriers of one server, whose configuration can be changed, and the receiver that they call."""

    def __init__(self, db: ledger.Ledger, receiver: Receiver) -> None:
        self.db, self.receiver = db, receiver
        self.config = Config(
            projects={"shop": SHOP},
            notify={"ops": OPS},
            server=Server(public_url="https://ci.example.org/"),
            folder=Path(),
        )
        host = receiver.url.removeprefix("http://")
        self.environ = {"CALL": f"{receiver.url}/hook", "SIGN": SECRET, "CHAT": f"json://{host}/chat"}
        self.environ["BEAT"] = f"{receiver.url}/beat"
        self.restart()

    def restart(self) -> None:
        self.current = config.Current(self._load, clock.now)
        ledger.release(self.db, "me")
        self.sinks = (
            Webhooks(self.db, self.current, self.environ),
            Chats(self.db, self.current, self.environ),
            Heartbeats(self.current, self.environ),
        )
        self.couriers = [Courier(self.db, sink, "me") for sink in self.sinks]

    def _load(self) -> Config:
        if isinstance(self.config, Exception):
            raise self.config
        return self.config

    def work(self) -> None:
        """Tick until nothing is left to do."""
        rest(*self.couriers)

    def events(self) -> list[str]:
        """The types of the events that came."""
        return [str(json.loads(body)["type"]) for _, path, _, body in self.receiver.calls if path == "/hook"]

    def states(self, sink: str = "webhook") -> list[str]:
        return [each.state for each in reversed(ledger.sendings_(self.db, sink=sink))]


@pytest.fixture
def house(db: ledger.Ledger, stopped_clock: StoppedClock) -> Iterator[House]:
    del stopped_clock  # all of it happens at one time, unless it is moved
    with receiving() as receiver:
        yield House(db, receiver)


def test_a_break_and_its_repair_are_told_as_events_each_once(house: House, db: ledger.Ledger, host: int) -> None:
    for status in (GREEN, RED, RED, GREEN):
        make.settled(db, host, status)
        house.work()
        house.restart()
        house.work()

    assert house.events() == [
        "run.finished",
        *("run.finished", "branch.broke"),
        "run.finished",
        *("run.finished", "branch.fixed"),
    ]
    assert set(house.states()) == {"sent"}


def test_what_is_called_is_signed(db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, RED)

    with receiving() as receiver:
        House(db, receiver).work()

    hooked = [(headers, body) for _, path, headers, body in receiver.calls if path == "/hook"]
    told = [Webhook(SECRET).verify(body, headers) for headers, body in hooked]
    assert [each["data"]["jobs"][0]["verdict"]["word"] for each in told] == ["failed", "failed"]
    assert len({headers["webhook-id"] for headers, _ in hooked}) == 2


def test_a_branch_is_fixed_when_nothing_of_it_is_red_any_more(house: House, db: ledger.Ledger, host: int) -> None:
    both = (make.order(), make.order(subproject="web"))
    make.settled(db, host, RED, orders=both)
    make.settled(db, host, GREEN, orders=both[:1])
    house.work()
    before = house.events()

    make.settled(db, host, GREEN, orders=both[1:])
    house.work()

    assert "branch.fixed" not in before
    assert house.events()[len(before) :] == ["run.finished", "branch.fixed"]


def test_a_run_that_goes_on_is_no_event_yet(house: House, db: ledger.Ledger, host: int) -> None:
    make.prepared(db, orders=(make.order(), make.order(subproject="web")))
    job, _ = make.running(db, host)
    ledger.settle(db, job=job.id, attempt=job.attempt, host=host, status=RED, reason=None, exit=make.exit_(code=1))

    house.work()

    assert house.events() == []


def test_a_call_that_fails_is_made_again_with_the_same_id(
    house: House, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    make.settled(db, host, GREEN)
    house.receiver.code = 500
    house.work()
    house.work()
    failed = len(house.receiver.calls)

    house.receiver.code = 200
    stopped_clock.move(61)
    house.work()

    assert failed == 1
    assert house.states() == ["sent"]
    first, second = (headers for _, _, headers, _ in house.receiver.calls)
    assert first["webhook-id"] == second["webhook-id"]


def test_a_receiver_that_is_full_is_left_alone_for_as_long_as_it_says(
    house: House, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    make.settled(db, host, GREEN)
    house.receiver.code, house.receiver.headers = 429, {"Retry-After": "600"}
    house.work()

    stopped_clock.move(590)
    house.work()
    early = len(house.receiver.calls)
    stopped_clock.move(11)
    house.work()

    assert (early, len(house.receiver.calls)) == (1, 2)


def test_one_event_that_is_never_taken_holds_no_other_up(house: House, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, GREEN)
    house.receiver.code = 400
    house.work()

    house.receiver.code = 200
    make.settled(db, host, GREEN)
    house.work()

    assert house.states() == ["due", "sent"]


def test_a_receiver_that_is_gone_is_given_up_and_said(house: House, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, GREEN)
    house.receiver.code = 410

    house.work()

    (given_up,) = ledger.sendings_(db, sink="webhook")
    assert given_up.state == "given_up"
    assert "answered 410, Gone" in (given_up.last_error or "")


@pytest.mark.parametrize("notify", [{}, {"ops": Notify(name="ops")}])
def test_who_is_not_named_any_more_is_not_called(
    house: House, db: ledger.Ledger, host: int, notify: dict[str, Notify], stopped_clock: StoppedClock
) -> None:
    make.settled(db, host, GREEN)
    house.receiver.code = 500
    house.work()

    house.config = replace(house.config, notify=notify)
    house.current.reload()
    stopped_clock.move(61)
    house.work()

    assert len(house.receiver.calls) == 1
    assert house.states() == ["dropped"]


def test_a_secret_that_is_away_is_waited_for(
    house: House, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    make.settled(db, host, GREEN)
    del house.environ["SIGN"]
    house.work()
    (waits,) = ledger.sendings_(db, sink="webhook")

    house.environ["SIGN"] = SECRET
    stopped_clock.move(61)
    house.work()

    assert (waits.state, waits.last_error) == ("due", "the variable SIGN is not set (nor SIGN_FILE)")
    assert house.states() == ["sent"]


@pytest.mark.parametrize(("only", "count"), [((), 1), (("shop/api",), 1), (("shop/web",), 0), (("shop@next",), 0)])
def test_only_what_a_table_asks_for_is_told(
    house: House, db: ledger.Ledger, host: int, only: tuple[str, ...], count: int
) -> None:
    house.config = replace(house.config, notify={"ops": replace(OPS, only=only)})
    house.current.reload()
    make.settled(db, host, GREEN)

    house.work()

    assert len(house.events()) == count


def test_what_is_configured_no_more_is_in_no_event(house: House, db: ledger.Ledger, host: int) -> None:
    house.config = replace(house.config, projects={"shop": make.project("api:test", notify=("ops",))})
    house.current.reload()
    make.settled(db, host, RED, orders=(make.order(), make.order(subproject="web")))
    make.settled(db, host, RED, orders=(make.order(subproject="web"),))

    house.work()

    told = [json.loads(body)["data"]["jobs"] for _, path, _, body in house.receiver.calls if path == "/hook"]
    assert [[job["name"] for job in jobs] for jobs in told] == [["shop/api:test"], ["shop/api:test"]]


@pytest.mark.parametrize(
    "left",
    [
        {"projects": {"shop": make.project("api:test", notify=("ops",))}},
        {"projects": {"shop": replace(SHOP, notify=())}},
        {"notify": {"ops": replace(OPS, only=("shop/api",))}},
    ],
)
def test_an_event_is_not_told_of_what_was_removed_before_it_could_go(
    house: House, db: ledger.Ledger, host: int, stopped_clock: StoppedClock, left: dict[str, Any]
) -> None:
    make.settled(db, host, GREEN, orders=(make.order(subproject="web"),))
    house.receiver.code = 500
    house.work()

    house.config = replace(house.config, **left)
    house.current.reload()
    house.receiver.code = 204
    stopped_clock.move(61)
    house.work()

    assert len(house.receiver.calls) == 1
    assert house.states() == ["dropped"]


def test_who_adds_a_table_is_not_told_of_all_that_ever_was(
    house: House, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    make.settled(db, host, RED)
    stopped_clock.move(2 * 86_400)

    house.work()

    assert house.receiver.calls == []
    assert house.states() == []


def test_a_configuration_that_breaks_is_told_once(house: House) -> None:
    wrong = config.ConfigError([config.Problem(code="C101", message="unknown key `x`", file="projects.toml")])
    good = house.config
    for broken in (wrong, wrong):
        house.config = broken  # type: ignore[assignment] # what loading raises
        with pytest.raises(config.ConfigError):
            house.current.reload()
        house.work()
    once = house.events()

    house.config = good
    house.current.reload()
    house.work()

    assert once == house.events() == ["config.invalid"]
    assert house.states() == ["sent"]


def test_what_is_due_goes_out_though_an_event_cannot_be_made(
    house: House, db: ledger.Ledger, host: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    make.settled(db, host, GREEN)
    house.couriers[0].tick(lambda: True)
    good = house.config
    wrong = config.ConfigError([config.Problem(code="C101", message="unknown key `x`", file="projects.toml")])
    house.config = wrong  # type: ignore[assignment] # what loading raises
    with pytest.raises(config.ConfigError):
        house.current.reload()
    with monkeypatch.context() as patched:
        patched.setattr(events, "config_invalid", crash)
        house.work()
    first = house.events()
    house.config = good
    house.work()

    assert first == ["run.finished"]
    assert [each.message for each in caplog.records] == ["the courier of webhook failed; trying again"] * 2
    assert house.events() == ["run.finished", "config.invalid"]


def test_the_jobs_of_a_run_are_one_message_in_a_chat(house: House, db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, RED, orders=(make.order(), make.order(subproject="web")))

    house.work()

    (message,) = [json.loads(body) for _, path, _, body in house.receiver.calls if path.startswith("/chat")]
    assert message["title"] == f"shop main: 2 failed (#{run})"
    assert message["message"].splitlines()[-1] == f"https://ci.example.org/runs/{run}"
    assert house.states("apprise") == ["sent"]


def test_a_chat_is_told_what_it_asks_for(house: House, db: ledger.Ledger, host: int) -> None:
    house.config = replace(house.config, notify={"ops": replace(OPS, immediate=("fixed",))})
    house.current.reload()
    for status in (RED, RED, GREEN):
        make.settled(db, host, status)
        house.work()

    told = [json.loads(body)["title"] for _, path, _, body in house.receiver.calls if path.startswith("/chat")]
    assert len(told) == 1
    assert "is fixed on main" in told[0]


@pytest.mark.parametrize(
    "left", [{"notify": {"ops": replace(OPS, only=("shop/web",))}}, {"projects": {"shop": replace(SHOP, notify=())}}]
)
def test_a_chat_is_not_told_of_what_it_asks_for_no_more(
    house: House, db: ledger.Ledger, host: int, left: dict[str, Any]
) -> None:
    both = (make.order(), make.order(subproject="web"))
    make.settled(db, host, RED, orders=both)
    for courier in house.couriers:
        courier.tick(lambda: True)

    house.config = replace(house.config, **left)
    house.current.reload()
    house.work()

    told = [json.loads(body)["title"] for _, path, _, body in house.receiver.calls if path.startswith("/chat")]
    assert told == (["shop/web:test failed on main (#1)"] if "notify" in left else [])
    assert house.states("apprise") == (["sent"] if told else ["dropped"])


def test_a_heartbeat_goes_out_once_and_the_last_one_counts(
    house: House, db: ledger.Ledger, stopped_clock: StoppedClock
) -> None:
    house.receiver.code = 500
    ledger.owe(db, sink="heartbeat", owed=[webhooks.beat(OPS, clock.now())])
    house.work()
    stopped_clock.move(30)
    ledger.owe(db, sink="heartbeat", owed=[webhooks.beat(OPS, clock.now())])

    house.receiver.code = 200
    house.work()
    house.work()

    assert [(method, path) for method, path, _, _ in house.receiver.calls] == [("GET", "/beat")] * 2
    assert house.states("heartbeat") == ["sent"]


def test_what_nobody_asks_for_is_never_owed(house: House, db: ledger.Ledger, host: int) -> None:
    house.config = replace(house.config, notify={"ops": Notify(name="ops", email=("ana@example.org",))})
    house.current.reload()
    make.settled(db, host, RED)

    house.work()

    assert house.receiver.calls == []
    assert ledger.sendings_(db) == ()

"""The sink of traces, on a real ledger with a real receiver: what is owed, and what becomes of it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ctci import clock, config, ledger
from ctci.config.settings import Config, Otlp, Server
from ctci.model import SecretRef, Status, tracing
from ctci.report import traces
from ctci.report.courier import Courier
from ctci.report.traces import Traces
from tests import make
from tests.conftest import StoppedClock
from tests.report import otlp
from tests.report.receiver import Receiver, receiving
from tests.report.resting import rest


class House:
    """The courier of traces of one server, whose configuration can be changed, and the collector that it tells."""

    def __init__(self, db: ledger.Ledger, receiver: Receiver) -> None:
        self.db, self.receiver = db, receiver
        self.environ: dict[str, str] = {}
        self.ask(endpoint=receiver.url)

    def ask(self, **fields: Any) -> None:
        """As [otlp] says; nothing is asked for without any of its keys."""
        otlp_ = Otlp(**fields) if fields else None
        found = Config(
            projects={"shop": make.project()},
            notify={},
            server=Server(public_url="https://ci.example.org/", otlp=otlp_),
            folder=Path(),
        )
        current = config.Current(lambda: found, clock.now)
        self.courier = Courier(self.db, Traces(self.db, current, self.environ, version="1.2"), "me")

    def work(self) -> None:
        """Tick until nothing is left to do."""
        rest(self.courier)

    def last(self) -> tuple[str, str | None]:
        """(state, error) of the newest that is owed."""
        found = ledger.sendings_(self.db, sink="trace")[0]
        return found.state, found.last_error


@pytest.fixture
def house(db: ledger.Ledger, stopped_clock: StoppedClock) -> Iterator[House]:
    del stopped_clock  # all of it happens at one time, unless it is moved
    with receiving() as receiver:
        yield House(db, receiver)


def test_a_run_that_has_ended_is_told_once(house: House, db: ledger.Ledger, host: int) -> None:
    run = make.settled(db, host, Status.FAILED)
    for _ in range(2):
        house.work()
        house.ask(endpoint=house.receiver.url)

    ((method, path, headers, body),) = house.receiver.calls
    assert (method, path, headers["content-type"]) == ("POST", "/v1/traces", "application/json")
    trace = otlp.read(body)
    assert trace.resource["cicd.pipeline.run.id"] == str(run)
    assert [otlp.attributes(each).get("cicd.pipeline.task.run.result") for each in trace.spans] == [None, "failure"]
    assert house.last() == ("sent", None)


def test_what_still_runs_is_not_told(house: House, db: ledger.Ledger, host: int) -> None:
    orders = (make.order(), make.order(subproject="web"))
    make.prepared(db, orders=orders)
    job, _ = make.running(db, host)
    make.settle(db, job, host)
    house.work()

    assert house.receiver.calls == []

    other, _ = make.running(db, host)
    make.settle(db, other, host)
    house.work()

    assert len(otlp.read(house.receiver.calls[0][3]).spans) == 3


def test_nothing_is_owed_where_nobody_asks(house: House, db: ledger.Ledger, host: int) -> None:
    house.ask()
    make.settled(db, host)
    house.work()
    house.ask(endpoint=house.receiver.url)
    house.work()

    assert (ledger.sendings_(db), house.receiver.calls) == ((), [])


def test_what_is_not_asked_for_any_more_is_dropped(
    house: House, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    house.receiver.code = 503
    make.settled(db, host)
    house.work()
    house.ask()
    stopped_clock.move(120)
    house.work()

    assert house.last()[0] == "dropped"


def test_what_ended_long_ago_is_not_told(
    house: House, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    make.settled(db, host)
    stopped_clock.move(25 * 3600)
    house.work()

    assert house.receiver.calls == []


@pytest.mark.parametrize(
    ("code", "state"),
    [(429, "due"), (502, "due"), (503, "due"), (504, "due"), (400, "given_up"), (401, "given_up"), (500, "given_up")],
)
def test_another_try_is_made_where_the_specification_allows_one(
    house: House, db: ledger.Ledger, host: int, code: int, state: str
) -> None:
    house.receiver.code = code
    make.settled(db, host)
    house.work()

    told, why = house.last()
    assert told == state
    assert str(why) == f"{house.receiver.url.removeprefix('http://')} answered {code} to a trace"


def test_a_collector_is_left_alone_for_as_long_as_it_asks(
    house: House, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    house.receiver.code, house.receiver.headers = 429, {"Retry-After": "900"}
    make.settled(db, host)
    house.work()
    stopped_clock.move(890)
    house.work()
    assert len(house.receiver.calls) == 1

    house.receiver.code = 200
    stopped_clock.move(20)
    house.work()

    assert (len(house.receiver.calls), house.last()[0]) == (2, "sent")
    # Whoever was told twice can see that it is the same.
    assert house.receiver.calls[0][3] == house.receiver.calls[1][3]


def test_one_that_is_away_is_tried_again(house: House, db: ledger.Ledger, host: int) -> None:
    house.ask(endpoint="http://127.0.0.1:9")
    make.settled(db, host)
    house.work()

    assert house.last() == ("due", "127.0.0.1:9 cannot be called: Connection refused")


def test_what_was_taken_in_part_is_said_and_not_sent_again(
    house: House, db: ledger.Ledger, host: int, caplog: pytest.LogCaptureFixture
) -> None:
    house.receiver.body = json.dumps({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too\nold"}}).encode()
    make.settled(db, host)
    with caplog.at_level(logging.WARNING):
        house.work()

    assert house.last() == ("sent", None)
    assert "took a trace in part: 1 spans refused: too old" in caplog.text


@pytest.mark.parametrize("code", [200, 202])
@pytest.mark.parametrize("body", [b"", b"{}", b"ok", b"[1]", b'{"partialSuccess": {}}', b'{"partialSuccess": 3}'])
def test_any_other_answer_that_takes_it_is_well(
    house: House, db: ledger.Ledger, host: int, caplog: pytest.LogCaptureFixture, body: bytes, code: int
) -> None:
    house.receiver.body, house.receiver.code = body, code
    make.settled(db, host)
    with caplog.at_level(logging.WARNING):
        house.work()

    assert (house.last(), caplog.text) == (("sent", None), "")


def test_its_headers_are_a_secret_that_only_the_collector_sees(
    house: House, db: ledger.Ledger, host: int, caplog: pytest.LogCaptureFixture
) -> None:
    house.environ["OTLP"] = "Authorization=Bearer%20hunter2,x-team = ops"
    house.ask(endpoint=house.receiver.url, headers=SecretRef(kind="env", name="OTLP"))
    house.receiver.code = 401
    make.settled(db, host)
    with caplog.at_level(logging.DEBUG):
        house.work()

    ((_, _, headers, _),) = house.receiver.calls
    assert (headers["authorization"], headers["x-team"]) == ("Bearer hunter2", "ops")
    assert "hunter2" not in f"{caplog.text}{house.last()}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "OTLP"),
        ("no pair", "`NAME=VALUE,NAME=VALUE`"),
        ("a=b%0d%0ax: y", "`NAME=VALUE,NAME=VALUE`"),
        ("a b=c", "`NAME=VALUE,NAME=VALUE`"),
        ("a=%20b", "`NAME=VALUE,NAME=VALUE`"),
        ("Content-Type=text/plain", "`NAME=VALUE,NAME=VALUE`"),
    ],
)
def test_without_its_headers_nothing_is_sent(
    house: House, db: ledger.Ledger, host: int, value: str | None, said: str
) -> None:
    if value is not None:
        house.environ["OTLP"] = value
    house.ask(endpoint=house.receiver.url, headers=SecretRef(kind="env", name="OTLP"))
    make.settled(db, host)
    house.work()

    state, why = house.last()
    assert (state, house.receiver.calls) == ("due", [])
    assert said in str(why)
    assert value is None or value not in str(why)


@pytest.mark.parametrize("end", ["", "/", "/v1/traces", "/v1/traces/"])
def test_the_endpoint_may_be_written_with_its_path_or_without(end: str) -> None:
    assert traces.address(Otlp(endpoint=f"https://otel.example.org:4318{end}")) == (
        "https://otel.example.org:4318/v1/traces"
    )
    assert traces.address(Otlp(endpoint=f"https://otel.example.org/otlp{end}")).startswith(
        "https://otel.example.org/otlp/v1/"
    )


def test_a_trace_is_that_of_which_its_jobs_were_told(house: House, db: ledger.Ledger, host: int) -> None:
    number = make.settled(db, host)
    house.work()

    run = ledger.run(db, number)
    (job,) = ledger.jobs_of(db, [number])[number]
    assert run is not None
    span = otlp.read(house.receiver.calls[0][3]).spans[1]
    assert tracing.traceparent(run, job.id, 1) == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"

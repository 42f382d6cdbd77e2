"""What is followed as it happens: events, and the lines of a log, by clients that come back."""

import http.client
from typing import Any

import pytest

from ctci import api, ledger
from ctci.model import Status, Tier
from tests import make
from tests.eventually import eventually
from tests.following import Event, Reader, Stream, resident
from tests.serving import Served
from tests.upstream import Upstream
from tests.web.site import Site
from tests.web.test_api import DOCUMENT, strict, token

ALONE = make.order(project="dotfiles", subproject="", directory=".")


def events(site: Site, query: str = "", **headers: Any) -> Stream:
    return Stream(site.port, f"/api/v1/events{query}", **headers)


def log(site: Site, job: int, query: str = "", **headers: Any) -> Stream:
    return Stream(site.port, f"/api/v1/jobs/{job}/log/live{query}", **headers)


def is_documented(operation: str, event: Event) -> None:
    """Raises where an event is not as its model has it."""
    strict(api.find(operation).events[event.name]).model_validate(event.data)


def numbered(*numbers: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(*numbers))


def test_what_happens_is_told_as_it_happens(site: Site, db: ledger.Ledger, host: int) -> None:
    with events(site) as stream:
        first = [stream.next(), stream.next()]
        make.prepared(db)
        job, _ = make.running(db, host)
        began = stream.next("job")
        make.settle(db, job, host, Status.FAILED)
        ended = [stream.next("job"), stream.next("run")]
        queue = stream.next("queue")

    assert [each.name for each in first] == ["hello", "queue"]
    assert first[1].data == {"queued": 0, "running": 0} == queue.data
    assert (began.data["name"], began.data["change"], began.data["project"]) == ("api:test", "began", "shop")
    assert [each.data["status"] for each in ended] == ["failed", "failed"]
    assert ended[0].data["job"] == job.id
    assert int(ended[1].id) == ledger.newest_change(db)
    for each in (*first, began, *ended):
        is_documented("follow_events", each)
    kept = stream.answer.headers
    assert kept["content-type"] == "text/event-stream; charset=utf-8"
    assert (kept["cache-control"], kept["x-accel-buffering"]) == ("no-store, no-transform", "no")


def test_a_token_hears_of_its_projects_and_who_asks_for_a_run_of_that_only(
    site: Site, db: ledger.Ledger, host: int
) -> None:
    mine = token(db, Tier.READ, "dotfiles")
    topics = "?topics=run:1,run:2,project:nothing"
    with events(site, **mine) as limited, events(site, topics, **mine) as hidden, events(site, topics) as chosen:
        make.prepared(db)
        make.running(db, host)
        for _ in range(2):
            make.prepared(db, trigger=make.trigger(project="dotfiles"), orders=(ALONE,))
        heard = [limited.next("run", "job") for _ in range(5)]
        queue = next(each for each in limited if each.name == "queue" and each.data["queued"])
        told = [[stream.next("run", "job") for _ in range(3)] for stream in (hidden, chosen)]

    assert {each.data["project"] for each in heard} == {"dotfiles"}
    assert queue.data["running"] == 0
    assert [[each.data["run"] for each in of] for of in told] == [[2, 2, 2], [1, 1, 1]]


def test_who_comes_back_goes_on_where_they_were(site: Site, db: ledger.Ledger) -> None:
    with events(site) as stream:
        make.prepared(db)
        first = stream.next("run")
    make.prepared(db)

    with events(site, last=first.id) as again:
        told = [again.next("run") for _ in range(3)]

    assert [int(each.id) - int(first.id) for each in told] == [1, 2, 3]
    assert [(each.data["run"], each.data["change"]) for each in told] == [
        (1, "prepared"),
        (2, "recorded"),
        # The newer run took its place.
        (1, "settled"),
    ]


@pytest.mark.parametrize("last", ["1", "999", "nonsense"])
def test_who_missed_more_than_is_kept_is_told_so(
    site: Site, db: ledger.Ledger, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    monkeypatch.setattr("ctci.web.events.KEPT", 3)
    for _ in range(4):
        make.prepared(db)
    newest = ledger.newest_change(db)

    with events(site, last=last) as stream:
        told = [stream.next(), stream.next()]

    assert [(each.name, each.data.get("newest")) for each in told] == [("hello", None), ("reset", newest)]
    assert told[1].id == str(newest)


def test_what_is_older_than_ten_minutes_is_not_told_again(site: Site, db: ledger.Ledger) -> None:
    make.prepared(db)
    # By the ledger's own clock everything of now is long ago.
    site.clock.at = ledger.happenings(db, 0)[0].at + 601_000

    with events(site, last="0") as stream:
        assert [stream.next().name, stream.next().name] == ["hello", "reset"]


def test_a_changed_configuration_is_told_to_who_sees_all(site: Site, db: ledger.Ledger) -> None:
    with events(site, "?topics=config") as stream, events(site, **token(db, Tier.READ, "shop")) as limited:
        assert (stream.next().name, limited.next().name) == ("hello", "hello")
        site.current.reload()
        told = stream.next()
        make.prepared(db)
        heard = [limited.next().name for _ in range(3)]

    assert (told.name, told.data) == ("config", {"generation": 2, "ok": True})
    assert "config" not in heard


def test_who_may_see_it_no_more_is_told_no_more(site: Site, db: ledger.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctci.web.streams.PING_S", 0.1)
    mine = token(db, Tier.READ)
    with events(site, **mine) as stream, events(site) as other:
        assert stream.next().name == "hello"
        assert stream.answer.readline().startswith(b"event: queue")
        for _ in range(3):
            assert other.answer.readline()
        eventually(lambda: stream.answer.readline() == b": ping\n")
        assert stream.answer.readline().startswith(b"id: ")
        ledger.revoke(db, ledger.tokens_(db)[0].id)

        assert [each.name for each in stream] == []
        eventually(lambda: other.answer.readline() == b": ping\n")


def test_a_browser_that_signed_out_is_told_no_more(
    site: Site, db: ledger.Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctci.web.streams.PING_S", 0.1)
    mine = ledger.new_token(db, name="ana", tier=Tier.READ, by="ana")[0]
    cookie = ledger.sign_in(db, mine)
    with events(site, Cookie=f"ctci_session={cookie}") as stream:
        assert stream.next().name == "hello"
        ledger.sign_out(db, cookie)

        assert [each.name for each in stream] == ["queue"]


def test_all_streams_end_when_the_server_stops(site: Site, db: ledger.Ledger) -> None:
    make.prepared(db)
    with events(site) as stream, log(site, 1) as other:
        assert (stream.next().name, other.next().name) == ("hello", "hello")
        site.stopping = True
        db.nudge.ring()

        assert ([each.name for each in stream], list(other)) == (["queue"], [])


def test_only_so_many_follow_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctci.web.streams.MOST", 1)
    with events(site) as stream:
        assert stream.next().name == "hello"
        assert site.get("/api/v1/events").status == 503
    # Who has left makes room.
    eventually(lambda: _status(site) == http.client.OK)
    assert site.get("/api/v1/events", method="HEAD").status == 200
    for wrong in ("colour:red", "", "queue,", ",queue"):
        assert site.get(f"/api/v1/events?topics={wrong}").status == 422, wrong


def _status(site: Site) -> int:
    with events(site) as stream:
        return stream.answer.status


# --- a log -----------------------------------------------------------------------------------------------------------


def test_a_log_is_told_line_by_line_until_its_end(site: Site, db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    path = site.write(job, b"\x1b[31mone\x1b[0m\ntwo\nthr")
    with log(site, job.id) as stream:
        first = [stream.next(), stream.next()]
        with path.open("ab") as file:
            file.write(b"ee\nfour")
        second = stream.next()
        make.settle(db, job, host, Status.FAILED)
        rest = list(stream)

    assert [each.name for each in (*first, second, *rest)] == ["hello", "lines", "lines", "lines", "end"]
    assert first[1].data == {"from": 1, "lines": ["one", "two"]}
    assert (second.data, second.id) == ({"from": 3, "lines": ["three"]}, "3")
    assert rest[0].data == {"from": 4, "lines": ["four"]}
    assert rest[1].data == {"job": job.id, "attempt": 1, "status": "failed", "lines": 4}
    for each in (*first, second, *rest):
        is_documented("follow_log", each)


def test_a_log_goes_on_after_the_last_line_and_skips_what_is_too_much(site: Site, db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    site.write(job, numbered(1, 5001))
    make.settle(db, job, host)

    with log(site, job.id) as whole, log(site, job.id, last="4950") as again, log(site, job.id, "?from=4999") as late:
        told = [
            [(each.name, each.data.get("from"), each.id) for each in stream][1:-1] for stream in (whole, again, late)
        ]

    assert told[0][:2] == [("skipped", 1, "3000"), ("lines", 3001, "3200")]
    assert [each[2] for each in told[0][1:]] == [str(number) for number in range(3200, 5001, 200)]
    assert (told[1], told[2]) == ([("lines", 4951, "5000")], [("lines", 4999, "5000")])
    # What that line was of is another log.
    with log(site, job.id, last="9000") as other:
        assert other.next("hello").data["next"] == 1


def test_the_log_of_a_job_that_waits_begins_when_it_does(site: Site, db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    with log(site, 1) as stream:
        assert stream.next().data["status"] == "queued"
        job, _ = make.running(db, host)
        site.write(job, b"one\n")
        assert stream.next().data == {"from": 1, "lines": ["one"]}
        make.settle(db, job, host)
        assert stream.next().data["status"] == "succeeded"


# --- many, over a restart --------------------------------------------------------------------------------------------

LINES, CLIENTS, BYTES_EACH = 50_000, 50, 200 << 10
SCRIPT = """
some() { i=$1; while [ $i -lt $2 ]; do seq $((i * 1000 + 1)) $((i * 1000 + 1000)); sleep 0.1; i=$((i + 1)); done; }
some 0 25
while [ ! -e %s ]; do sleep 0.1; done
some 25 50
"""


def test_many_follow_a_log_over_a_restart_and_miss_no_line(served: Served, upstream: Upstream) -> None:
    gate = served.config / "go-on"
    upstream.push({"test.sh": SCRIPT % gate})
    served.start()
    served.ctci("run", "shop")
    first = Reader(served.port, 1)
    first.start()
    eventually(lambda: first.at > 0)
    before, most = resident(served.pid), 0
    readers = [first, *(Reader(served.port, 1) for _ in range(CLIENTS - 1))]
    for each in readers[1:]:
        each.start()

    def halfway() -> bool:
        nonlocal most
        most = max(most, resident(served.pid))
        return all(each.at > LINES // 5 for each in readers)

    eventually(halfway)
    served.kill()
    served.start()
    eventually(lambda: all(each.lives > 1 for each in readers))
    gate.touch()
    eventually(lambda: all(each.end for each in readers), 60)

    assert {(each.at, each.end["status"], each.end["lines"]) for each in readers} == {(LINES, "succeeded", LINES)}
    assert [each.gaps for each in readers] == [[]] * CLIENTS
    assert [each.wrong for each in readers] == [[]] * CLIENTS
    assert most - before < CLIENTS * BYTES_EACH, f"{(most - before) / CLIENTS / 1024:.0f} KB each"


def test_the_document_tells_of_the_events() -> None:
    said = DOCUMENT["paths"]["/events"]["get"]

    kind = said["responses"]["200"]["content"]
    assert list(kind) == ["text/event-stream"]
    assert kind["text/event-stream"]["x-events"]["job"] == {"$ref": "#/components/schemas/JobEvent"}
    assert "304" not in said["responses"]
    assert [each["name"] for each in said["parameters"]] == ["topics", "Last-Event-ID"]

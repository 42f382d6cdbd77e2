"""The API over a real server: what it gives, what it refuses, and that both are as its own document says."""

import datetime as dt
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest
import schemathesis
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from ctci import api, clock, ledger, shape
from ctci.api import document, outputs, projects, verdicts
from ctci.config.settings import Digest, Notify, Schedule
from ctci.model import Status, Tier
from ctci.web import rates
from tests import make
from tests.conftest import StoppedClock
from tests.web.site import Answer, Site, fill

LAN = "0.0.0.0:8484"
#: The fingerprint of the finding of job 2, and the day up to which it is acknowledged.
MARK, DAY = "ab" * 16, dt.date(2027, 1, 31)
UNTIL = clock.end_of(DAY)
DOCUMENT = document.document("http://127.0.0.1:8484/")


def token(db: ledger.Ledger, tier: Tier, *projects: str) -> dict[str, Any]:
    secret = ledger.new_token(db, name=f"{tier}-{'-'.join(projects)}", tier=tier, by="ana", projects=projects)[1]
    return {"Authorization": f"Bearer {secret}"}


def ask(site: Site, path: str, body: object = None, *, method: str = "POST", **headers: Any) -> Answer:
    given = {"Content-Type": "application/json", **headers}
    return site.get(f"/api/v1{path}", method=method, body=json.dumps(body or {}).encode(), **given)


def told(answer: Answer) -> Any:
    return json.loads(answer.raw)


def as_documented(path: str, method: str, answer: Answer) -> None:
    """Raises where an answer is not what the document says of it."""
    said = DOCUMENT["paths"][path][method]["responses"][str(answer.status)]
    kind = answer.headers["content-type"]
    schema = {**said["content"][kind]["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(told(answer))


@pytest.fixture
def full(site: Site, db: ledger.Ledger, host: int) -> Site:
    """What the pages' fuzz has too, and more of it: what was told, acknowledged, scheduled."""
    fill(site, host)
    make.unsent(db, 1)
    make.unsent(db, 2)
    ledger.ack(db, project="shop", fingerprint=MARK, said="it", until=UNTIL, why="known", by="ana")
    nightly = Schedule(name="nightly", cron="0 3 * * *")
    shop = replace(site.settings.projects["shop"], schedules={"nightly": nightly}, notify=("team",))
    team = Notify(name="team", email=("ana@example.org",), digest=Digest())
    projects = {**site.settings.projects, "shop": shop}
    site.settings = replace(site.settings, projects=projects, notify={"team": team})
    return site


def test_the_document_is_one_of_openapi() -> None:
    schemathesis.openapi.from_dict(DOCUMENT)
    json.dumps(DOCUMENT)


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        (shape.RUN, outputs.Run),
        (shape.RUN_WHOLE, outputs.RunWhole),
        (shape.JOB, outputs.Job),
        (shape.VERDICT, verdicts.Verdict),
        (shape.DELIVERY, outputs.Delivery),
        (shape.BRANCH, projects.Branch),
    ],
)
def test_what_the_command_line_offers_is_what_the_api_gives(
    fields: tuple[str, ...], model: type[outputs.Given]
) -> None:
    assert set(fields) == set(model.model_fields)


PATHS = {
    "/projects": "",
    "/projects/{project}": "",
    "/projects/{project}/branches": "",
    "/projects/{project}/verdicts": "",
    "/branches": "",
    "/runs": "?status=failed&status=queued&limit=2",
    "/runs/{run}": "",
    "/runs/{run}/jobs": "",
    "/runs/{run}/verdicts": "",
    "/runs/{run}/jobs/{recipe}": "",
    "/runs/{run}/jobs/{sub}/{recipe}": "",
    "/jobs": "?project=shop",
    "/jobs/{job}": "",
    "/jobs/{job}/findings": "",
    "/jobs/{job}/log/lines": "?tail=3",
    "/jobs/{job}/log/search": "?q=LINE%20500&context=1",
    "/deliveries": "?project=shop&decision=queued&limit=2",
    "/deliveries/{delivery}": "",
    "/sendings": "?failed=true&limit=1",
    "/acks": "?project=shop",
    "/findings": f"?fingerprint={MARK[:4]}",
    "/tokens": "",
    "/admin/tokens": "",
    "/audit": "",
    "/me": "",
    "/queue": "",
    "/config": "",
    "/health": "",
    "/doctor": "",
    "/schedules": "?project=shop&days=3",
    "/schedules/past": "",
    "/compare/{a}...{b}": "",
    "/digests": "?since=2026-11-23&form=text",
    "/projects/{project}/tests": "?word=still&word=new",
    "/projects/{project}/tests/{fingerprint}": "",
}


def filled(path: str, *, run: int = 2, project: str = "shop", recipe: str = "test") -> str:
    known = {"project": project, "recipe": recipe, "sub": "api", "fingerprint": MARK, "name": "nightly"}
    return re.sub(r"\{(\w+)\}", lambda match: str(known.get(match[1], run)), path)


def test_each_read_answers_as_it_is_documented(full: Site, db: ledger.Ledger) -> None:
    may = token(db, Tier.ADMIN)
    ledger.did(db, who="ana", via="here", did="nothing")
    fired = replace(make.entry(event="missed", forge="ctci", key="schedule:shop/nightly@now"), trigger=None)
    ledger.record(db, [replace(fired, missed=("nightly", 1))])
    for path, query in PATHS.items():
        of = 4 if path == "/runs/{run}/jobs/{recipe}" else 2
        answer = full.get(f"/api/v1{filled(path, run=of)}{query}", **may)

        assert (path, answer.status) == (path, 200)
        as_documented(path, "get", answer)
        whole, model = told(answer), api.find(DOCUMENT["paths"][path]["get"]["operationId"]).answer
        strict(model).model_validate(whole)
        for item in whole.get("items", ())[:1]:
            strict(get_args(model.model_fields["items"].annotation)[0]).model_validate(item)
        assert whole.get("items") != [], path


def strict(model: type[BaseModel]) -> type[BaseModel]:
    """The model, refusing what it does not know at its own level."""
    return type(model.__name__, (model,), {"model_config": {**model.model_config, "extra": "forbid"}})


def test_every_operation_is_tried_here(full: Site) -> None:
    # What goes on and on is tried in test_live.py.
    reads = {each.path for each in api.OPERATIONS if not each.changes and not each.events}

    assert reads == PATHS.keys()
    assert full.get("/api/v1/openapi.json").status == 200


def test_pages_of_runs_lead_to_each_other_and_end(full: Site) -> None:
    def pages() -> Iterator[Any]:
        path = "/api/v1/runs?limit=3"
        while path:
            answer = full.get(path)
            yield from told(answer)["items"]
            following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
            path = following[1] if following else ""

    assert [run["id"] for run in pages()] == [4, 3, 2, 1]
    assert full.get("/api/v1/runs?cursor=nonsense").status == 422


def test_the_lines_of_a_log_are_found_by_number_from_the_end_and_by_what_they_say(full: Site) -> None:
    window = told(full.get("/api/v1/jobs/2/log/lines?from=10&lines=2"))
    tail = told(full.get("/api/v1/jobs/2/log/lines?tail=2"))
    hits = told(full.get("/api/v1/jobs/2/log/search?q=LINE+99&context=1&limit=3"))

    assert [line["text"] for line in window["lines"]] == ["line 10", "line 11"]
    assert [line["number"] for line in tail["lines"]] == [999, 1000]
    assert [hit["number"] for hit in hits["hits"]] == [99, 990, 991]
    assert [line["number"] for line in hits["hits"][1]["lines"]] == [989, 990, 991]
    assert hits["next"] == 992
    assert told(full.get("/api/v1/jobs/2/log/search?q=LINE&ignore_case=false"))["hits"] == []


def test_the_bytes_of_a_log_come_whole_and_in_ranges(full: Site) -> None:
    whole = full.get("/api/v1/jobs/2/log")
    part = full.get("/api/v1/runs/2/jobs/api/test/log", Range="bytes=-10")

    assert (whole.status, part.status, part.raw) == (200, 206, whole.raw[-10:])
    assert full.get("/api/v1/jobs/99/log").headers["content-type"] == "application/problem+json"


def test_what_a_caller_has_already_is_not_sent_again(full: Site) -> None:
    first = full.get("/api/v1/runs")
    again = full.get("/api/v1/runs", If_None_Match=first.headers["etag"])
    small = full.get("/api/v1/runs", Accept_Encoding="gzip")

    assert (again.status, again.raw) == (304, b"")
    assert gzip.decompress(small.raw) == first.raw
    assert small.headers["etag"] == f"W/{first.headers['etag']}"
    assert full.get("/api/v1/runs", Accept_Encoding="gzip", If_None_Match=small.headers["etag"]).status == 304


def test_fields_are_chosen_and_a_wrong_one_is_named(full: Site) -> None:
    assert told(full.get("/api/v1/runs/2?fields=id,status")) == {"id": 2, "status": "failed"}
    assert told(full.get("/api/v1/runs?fields=id&limit=1"))["items"] == [{"id": 4}]
    wrong = full.get("/api/v1/runs/2?fields=nonsense")
    assert (wrong.status, told(wrong)["errors"]) == (422, [{"pointer": "fields", "detail": "no field nonsense"}])


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/runs?limit=0", "limit"),
        ("/runs?limit=many", "limit"),
        ("/runs?status=broken", "status/0"),
        ("/runs?colour=red", "colour"),
        ("/runs/abc", "run"),
        ("/runs/0", "run"),
        ("/jobs/99999999999999999999", "job"),
        ("/jobs/2/log/search", "q"),
        ("/jobs/2/log/lines?from=-1", "from"),
        ("/runs?branch=a%00b", "branch"),
    ],
)
def test_a_wrong_parameter_is_named(full: Site, path: str, pointer: str) -> None:
    answer = full.get(f"/api/v1{path}")

    assert (answer.status, told(answer)["code"]) == (422, "invalid")
    assert [each["pointer"] for each in told(answer)["errors"]] == [pointer]
    assert answer.headers["x-request-id"] == told(answer)["request_id"]


# --- what changes something ------------------------------------------------------------------------------------------


def test_a_run_is_asked_for_run_again_and_ended(full: Site, db: ledger.Ledger) -> None:
    may = token(db, Tier.TRIGGER, "shop")

    asked = ask(full, "/runs", {"project": "shop", "subproject": "api", "recipe": "test"}, **may)
    small = ask(full, "/projects/shop/jobs", {"recipe": "test", "branch": "dev"}, **may)
    again = ask(full, "/runs/2/rerun", {"failed": True}, **may)
    ended = ask(full, f"/runs/{told(asked)['run']}/cancel", {"reason": "by mistake"}, **may)

    assert [each.status for each in (asked, small, again, ended)] == [202, 202, 202, 200]
    assert asked.headers["location"] == f"/api/v1/runs/{told(asked)['run']}"
    assert told(asked)["jobs"] == ["api:test"]
    for path, answer in (("/runs", asked), ("/projects/{project}/jobs", small), ("/runs/{run}/rerun", again)):
        as_documented(path, "post", answer)
    as_documented("/runs/{run}/cancel", "post", ended)
    runs = {run.id: run for run in ledger.runs_(db)}
    assert (runs[told(small)["run"]].ref, runs[told(again)["run"]].rerun_of) == ("refs/heads/dev", 2)
    assert runs[told(asked)["run"]].status is Status.CANCELLED
    assert [(each.who, each.did, each.run) for each in ledger.deeds(db)] == [
        ("token trigger-shop", f"cancelled #{told(asked)['run']}", told(asked)["run"]),
        ("token trigger-shop", "ran #2 again", told(again)["run"]),
        ("token trigger-shop", "ran shop:test", told(small)["run"]),
        ("token trigger-shop", "ran shop/api:test", told(asked)["run"]),
    ]


def test_one_job_of_a_run_is_ended_and_no_other_runs(full: Site, db: ledger.Ledger) -> None:
    may = token(db, Tier.TRIGGER)

    assert ask(full, "/runs/3/cancel", {"jobs": [4]}, **may).status == 422
    ended = ask(full, "/runs/3/cancel", {"jobs": [3]}, **may)

    assert (ended.status, told(ended)["ended"]) == (200, 1)
    assert ledger.jobs_of(db, [4])[4][0].status is Status.QUEUED


def test_only_who_may_trigger_does(full: Site, db: ledger.Ledger) -> None:
    wanted = {"project": "shop"}

    answers = [ask(full, "/runs", wanted), *(ask(full, "/runs", wanted, **token(db, tier)) for tier in Tier)]

    assert [each.status for each in answers] == [403, 403, 403, 202, 202]
    assert ask(full, "/runs", wanted, **token(db, Tier.TRIGGER, "dotfiles")).status == 404


def test_a_call_that_comes_again_does_nothing_again(full: Site, db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    may = {**token(db, Tier.TRIGGER), "Idempotency-Key": "k1"}
    before = len(ledger.runs_(db))

    first = ask(full, "/runs", {"project": "shop"}, **may)
    again = ask(full, "/runs", {"project": "shop"}, **may)
    other = ask(full, "/runs", {"project": "dotfiles"}, **may)
    wrong = ask(full, "/runs", {"project": "nothing"}, **{**may, "Idempotency-Key": "k2"})

    assert (again.status, again.raw) == (first.status, first.raw) == (202, first.raw)
    assert again.headers["location"] == first.headers["location"]
    assert (other.status, wrong.status) == (422, 404)
    assert len(ledger.runs_(db)) == before + 1
    stopped_clock.move(86400)
    assert told(ask(full, "/runs", {"project": "shop"}, **may))["run"] != told(first)["run"]


def test_what_is_being_done_is_not_done_beside_it(full: Site, db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    may = {**token(db, Tier.TRIGGER), "Idempotency-Key": "k1"}
    whose = ledger.tokens_(db)[0].id
    body = json.dumps(["create_run", {}, {"project": "shop"}], sort_keys=True)
    digest = __import__("hashlib").sha256(body.encode()).hexdigest()
    ledger.first_call(db, who=f"token {whose}", key="k1", digest=digest)

    assert ask(full, "/runs", {"project": "shop"}, **may).status == 409
    stopped_clock.move(5 * 60)
    # Whoever was doing it is gone.
    assert ask(full, "/runs", {"project": "shop"}, **may).status == 202


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"[]", {}, 422),
        (b'{"project": 1}', {}, 422),
        (b'{"project": "shop", "colour": "red"}', {}, 422),
        (b'{"project": "shop", "commit": "abc"}', {}, 422),
        (b'{"project": "shop", "recipe": "nothing"}', {}, 422),
        (b'{"project": "shop", "variables": {"PATH": "/tmp"}}', {}, 422),
        (b"project=shop", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (gzip.compress(b"{}", mtime=0), {"Content-Encoding": "gzip"}, 415),
        (b" " * (256 << 10) + b"{}", {}, 413),
    ],
)
def test_a_wrong_body_is_refused(
    full: Site, db: ledger.Ledger, body: bytes, headers: dict[str, Any], status: int
) -> None:
    given = {"Content-Type": "application/json", **headers, **token(db, Tier.TRIGGER)}

    answer = full.get("/api/v1/runs", method="POST", body=body, **given)

    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


def test_what_is_no_operation_is_a_problem(full: Site) -> None:
    answers = [full.get("/api/v1/nothing"), full.get("/api/v1/runs/2", method="DELETE"), full.get("/api/v1")]

    assert [(each.status, told(each)["code"]) for each in answers[:2]] == [
        (404, "not_found"),
        (405, "method_not_allowed"),
    ]
    assert answers[2].status == 404


def test_who_calls_too_fast_has_to_wait(full: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # However slow the machine is.
    monkeypatch.setattr(rates, "RATE", 0.01)
    answers = [full.get("/api/v1/projects/none").status for _ in range(rates.SIZE + 1)]

    assert answers == [*[404] * rates.SIZE, 429]
    assert full.get("/api/v1/projects", unix=True).status == 200


# --- what may not be seen --------------------------------------------------------------------------------------------


#: Where a number may stand: what it says of one that may not be seen, it says of one that was never given out.
NUMBERED = (
    "/runs/{n}",
    "/runs/{n}/api/test",
    "/jobs/{n}",
    "/jobs/{n}/log",
    "/jobs/{n}/log?as=html",
    "/deliveries?run={n}",
    "/runs/{n}.json",
    "/jobs/{n}.json",
    "/api/v1/jobs/{n}/log",
    "/api/v1/runs/{n}/jobs/api/test/log",
    "/api/v1/jobs?run={n}",
    "/api/v1/deliveries?run={n}",
    "/api/v1/sendings?run={n}",
    "/api/v1/sendings?run={n}&failed=true",
)
#: Of each answer their own.
OWN = ("date", "x-request-id", "etag")


@pytest.mark.parametrize("path", NUMBERED)
def test_a_number_of_what_may_not_be_seen_finds_what_one_of_nothing_does(
    full: Site, db: ledger.Ledger, path: str
) -> None:
    make.unsent(db, 2)
    may = token(db, Tier.TRIGGER, "dotfiles")
    assert full.get(path.format(n=2), **token(db, Tier.ADMIN)).text != full.get(path.format(n=9), **may).text

    def answered(number: int) -> tuple[int, str, dict[str, str], int]:
        answer = full.get(path.format(n=number), **may)
        plain = re.sub(r'"request_id": "\w+"|as of .*', "", answer.text).replace(str(number), "N")
        kept = {name: value for name, value in answer.headers.items() if name not in OWN}
        return answer.status, plain, kept, full.reads(path.format(n=number), answer.status, **may)

    hidden, missing = answered(2), answered(9)

    assert hidden[0] == missing[0]
    assert re.sub("[29]", "N", hidden[1]) == re.sub("[29]", "N", missing[1])
    assert hidden[2:] == missing[2:]


def test_a_project_that_may_not_be_seen_is_as_one_that_is_not_there(full: Site, db: ledger.Ledger) -> None:
    ack = {"fingerprint": MARK, "until": str(DAY), "why": "known"}
    bodies: dict[str, dict[str, Any]] = {"create_run": {}, "acknowledge": ack}
    mays = {tier: token(db, tier, "dotfiles") for tier in (Tier.TRIGGER, Tier.ADMIN)}
    # Events of what may not be seen never come; that they do not is told in test_live.py.
    for operation in (each for each in api.OPERATIONS if each.name != "follow_events"):
        may = mays[max(operation.tier, Tier.TRIGGER, key=tuple(Tier).index)]

        def answered(operation: api.Operation, may: dict[str, Any], run: int, project: str) -> Answer:
            path = filled(operation.path, run=run, project=project)
            if not operation.changes:
                return full.get(f"/api/v1{path}{PATHS.get(operation.path, '')}", **may)
            body = {"project": project, **bodies[operation.name]} if operation.name in bodies else {}
            return ask(full, path, body, method=operation.method, **may)

        hidden, missing = (answered(operation, may, *of) for of in ((2, "shop"), (9, "nope")))

        plain = re.sub(r'"request_id": "\w+"', "", missing.text).replace("nope", "shop").replace("9", "2")
        if operation.whole:
            assert (operation.name, hidden.status, missing.status) == (operation.name, 403, 403)
        elif "{" in operation.path or operation.name in bodies:
            assert (operation.name, hidden.status, missing.status) == (operation.name, 404, 404)
        else:
            assert (operation.name, hidden.status) == (operation.name, 200)
            assert "shop" not in hidden.text
            continue
        assert re.sub(r'"request_id": "\w+"', "", hidden.text) == plain

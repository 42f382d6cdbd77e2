import pytest

from ctci import shape
from ctci.model import (
    FINISHED,
    Attempt,
    Commit,
    Delivery,
    Exit,
    Finding,
    Hunt,
    Job,
    Life,
    NewLine,
    Novel,
    Plan,
    Reading,
    Run,
    Status,
    Tally,
    Unordered,
)
from tests import make

URL = "https://ci.example.org/"


def a_run(**fields: object) -> Run:
    defaults: dict[str, object] = {
        "id": 12,
        "project": "shop",
        "kind": "push",
        "ref": "refs/heads/feature/x",
        "before": make.sha(1),
        "after": make.sha(2),
        "commit": make.sha(2),
        "subject": "Use floats",
        "author": "Ana Ruiz",
        "author_email": "ana@example.org",
        "pusher": "ana",
        "options": (),
        "status": Status.FAILED,
        "reason": None,
        "created_at": 1_000,
        "prepared_at": 1_500,
        "finished_at": 9_250,
        "rerun_of": None,
        "behind": None,
        "prev_commit": None,
        "prev_run": None,
    }
    return Run(**{**defaults, **fields})  # type: ignore[arg-type] # a test's keywords


def a_job(**fields: object) -> Job:
    defaults: dict[str, object] = {
        "id": 31,
        "run": 12,
        "order": make.order(),
        "status": Status.FAILED,
        "reason": "exit 3",
        "attempt": 1,
        "host": 1,
        "queued_at": 1_000,
        "began_at": 2_000,
        "finished_at": 9_250,
        "cancel_asked_at": None,
        "cancel_by": None,
        "cancel_as": None,
        "cancel_reason": None,
        "exit": make.exit_(code=3),
    }
    return Job(**{**defaults, **fields})  # type: ignore[arg-type] # a test's keywords


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_516_200_007, "2026-11-24T10:30:00.007Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(at: int | None, expected: str | None) -> None:
    assert expected == shape.time(at)


def test_a_run_has_exactly_the_fields_that_are_promised() -> None:
    shaped = shape.run(a_run(), [a_job()], public_url=URL)

    assert tuple(shaped) == shape.RUN
    assert tuple(shaped["jobs"][0]) == shape.JOB


def test_a_run_began_with_its_first_job_and_lasted_until_its_end() -> None:
    shaped = shape.run(a_run(), [a_job(began_at=4_000), a_job(began_at=2_000)], public_url=URL)

    assert (shaped["queued_at"], shaped["started_at"]) == ("1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.000Z")
    assert shaped["duration_s"] == 7.25


def test_what_never_began_has_no_duration() -> None:
    shaped = shape.run(a_run(finished_at=None), [a_job(began_at=None, finished_at=None)], public_url=URL)

    assert (shaped["started_at"], shaped["duration_s"], shaped["jobs"][0]["duration_s"]) == (None, None, None)


def test_a_waiting_job_says_for_what() -> None:
    job = a_job(status=Status.QUEUED, reason=None, began_at=None, finished_at=None)

    shaped = shape.job_(job, a_run(status=Status.QUEUED, behind=11, finished_at=None), public_url=URL)

    assert shaped["reason"] == "waits behind #11 (on-new-push = queue)"


def test_addresses_are_built_on_the_public_url() -> None:
    shaped = shape.run(a_run(), [a_job()], public_url="https://ci.example.org/ci/")

    assert shaped["html_url"] == "https://ci.example.org/ci/runs/12"
    assert shaped["jobs"][0]["html_url"] == "https://ci.example.org/ci/jobs/31"


def test_an_exit_tells_its_code_and_what_it_left_behind() -> None:
    ended = Exit(how="exit", code=3, seconds=1.5, leftovers=("sleep",), peak_memory=4096)

    shaped = shape.exit_(ended)

    assert shaped is not None
    assert (shaped["code"], shaped["leftovers"], shaped["peak_memory_bytes"]) == (3, ["sleep"], 4096)
    assert shape.exit_(None) is None


def test_a_whole_run_has_commits_attempts_and_deliveries() -> None:
    attempt = Attempt(job=31, number=1, began_at=2_000, finished_at=9_250, status=Status.FAILED, exit=None)
    delivery = Delivery(
        id=81,
        project="shop",
        forge="gitea",
        event="push",
        key="k",
        ref="refs/heads/main",
        pusher="ana",
        at=900,
        decision="queued",
        reason="api queued: the branch is main",
        run=12,
    )
    commit = Commit(sha=make.sha(2), author="Ana", email="a@example.org", subject="S", at=500, touches=("api",))

    shaped = shape.run_whole(
        a_run(),
        [a_job()],
        commits=[commit],
        attempts=[attempt],
        deliveries=[delivery],
        readings=[{"job": 3}],
        hunts={31: Hunt(red_job=31, word="found", commit=make.sha(2), sentence="it was S", reruns=5)},
        public_url=URL,
    )

    assert tuple(shaped) == shape.RUN_WHOLE
    assert (shaped["commits"][0]["touches"], shaped["attempts"][0]["number"]) == (["api"], 1)
    assert tuple(shaped["deliveries"][0]) == shape.DELIVERY
    assert shaped["deliveries"][0]["id"] == "d_81"
    assert shaped["readings"] == [{"job": 3}]
    assert shaped["hunts"] == [
        {"job": 31, "word": "found", "sha": make.sha(2), "sentence": "it was S", "reruns": 5, "open": False}
    ]


def test_a_reading_tells_of_each_finding_its_life_and_whether_it_is_known() -> None:
    known = Finding(severity="failure", tool="pytest", message="1 != 2", file="a.py", line=88, fingerprint="a" * 32)
    other = make.finding(log_line=14)
    novel = Novel(count=12, lines=(NewLine(line=14, text="1 != 2"),))
    reading = Reading(job=3, attempt=1, tests=Tally(total=12, failed=1), errors=1, first=1, novel=novel)
    since, last = make.look("a", run=7, at=1_000), make.look("a", run=9, at=61_000)
    life = Life(fingerprint="a" * 32, word="still", first=since, since=since, last=last, times=2, looks=3)
    ack = make.ack(until=5_000, acked_at=2_000)

    read = shape.reading(reading, [known, other], lives={"a" * 32: life}, acks={"a" * 32: ack}, now=4_999)
    lapsed = shape.reading(reading, [known], lives={}, acks={"a" * 32: ack}, now=5_000)["findings"][0]

    assert (read["job"], read["tests"], read["first"]) == (3, {"total": 12, "failed": 1, "skipped": 0}, 1)
    assert read["novel"] == {"count": 12, "lines": [{"log_line": 14, "text": "1 != 2"}]}
    first, second = read["findings"]
    assert (first["file"], first["line"], second["log_line"]) == ("a.py", 88, 14)
    assert (second["life"], second["acknowledged"]) == (None, None)
    assert first["life"] == {
        "word": "still",
        "first_run": 7,
        "first_seen_at": "1970-01-01T00:00:01.000Z",
        "since_run": 7,
        "since": "1970-01-01T00:00:01.000Z",
        "last_run": 9,
        "last_seen_at": "1970-01-01T00:01:01.000Z",
        "seen": 2,
        "looked_for": 3,
    }
    assert first["acknowledged"] == {
        "until": "1970-01-01T00:00:05.000Z",
        "why": "waits for the new rounding",
        "acknowledged_by": "ana",
        "acknowledged_at": "1970-01-01T00:00:02.000Z",
        "lapsed": False,
    }
    assert (lapsed["life"], lapsed["acknowledged"]["lapsed"]) == (None, True)


def test_an_acknowledgement_is_listed_with_its_finding() -> None:
    shaped = shape.ack(make.ack(), 1)

    assert tuple(shaped) == shape.ACK
    assert (shaped["project"], shaped["finding"]) == ("shop", "test_cart.py:88: AssertionError: 1 != 2")


def test_a_branch_names_what_fails() -> None:
    red = a_job()
    shaped = shape.branch("shop", "refs/heads/feature/x", a_run(), [red], [red], since={red.id: 9}, public_url=URL)

    assert tuple(shaped) == shape.BRANCH
    assert (shaped["red"], shaped["failing"]) == (True, ["shop/api:test"])
    assert [(each["place"], each["since_run"]) for each in shaped["breaks"]] == [("api:test", 9)]


def test_a_plan_says_what_runs_and_why_the_rest_does_not() -> None:
    planned = Plan(
        orders=(make.order(subproject=""),),
        unordered=(Unordered(subproject="web", recipe="lint", reason="not named"),),
        reason="because",
    )

    shaped = shape.plan("shop", "refs/heads/main", planned)

    assert tuple(shaped) == shape.PLAN
    assert (shaped["orders"][0]["subproject"], shaped["orders"][0]["run"]) == (None, "make test")
    assert shaped["unordered"] == [{"subproject": "web", "recipe": "lint", "reason": "not named"}]


def test_fields_are_picked_in_the_order_asked_for() -> None:
    whole = {"id": 1, "status": "failed", "ref": "r"}

    assert list(shape.pick(whole, ("status", "id")).items()) == [("status", "failed"), ("id", 1)]
    assert shape.pick(whole, ()) == whole


def test_fields_of_a_list_are_picked_of_each_item() -> None:
    whole = shape.items([{"id": 1, "status": "failed"}, {"id": 2, "status": "queued"}], more="1")

    assert shape.pick(whole, ("id",)) == {"items": [{"id": 1}, {"id": 2}], "next": "1"}


def test_every_end_has_an_exit_code() -> None:
    codes = {status: shape.code(status) for status in FINISHED}

    assert codes == {
        Status.SUCCEEDED: 0,
        Status.SKIPPED: 0,
        Status.FAILED: 1,
        Status.TIMED_OUT: 124,
        Status.ERRORED: 125,
        Status.CANCELLED: 130,
        Status.SUPERSEDED: 130,
    }

"""A run as a trace, read by OpenTelemetry's own schema: its spans, their words, and what hostile text cannot do."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.proto.trace.v1.trace_pb2 import Status as SpanStatus

from ctci.model import Attempt, Job, Run, Status, tracing
from ctci.report import spans
from tests import make
from tests.report import otlp

PUSHED_MS, BEGAN_MS, ENDED_MS = 1_795_000_000_000, 1_795_000_004_000, 1_795_000_010_000
RUN = make.run(id=1482, created_at=PUSHED_MS, finished_at=ENDED_MS)
JOB = make.job(id=3501, run=1482, began_at=BEGAN_MS, finished_at=ENDED_MS)


def attempt(**fields: Any) -> Attempt:
    defaults: dict[str, Any] = {
        "job": JOB.id,
        "number": 1,
        "began_at": BEGAN_MS,
        "finished_at": ENDED_MS,
        "status": Status.SUCCEEDED,
        "exit": make.exit_(),
    }
    return Attempt(**{**defaults, **fields})


def told(run: Run = RUN, jobs: tuple[Job, ...] = (JOB,), attempts: tuple[Attempt, ...] = (attempt(),)) -> otlp.Trace:
    return otlp.read(spans.of_run(run, jobs, attempts, public_url="https://ci.example.org/", version="1.2"))


def ended(status: Status, **fields: Any) -> Span:
    """The span of a job that ended so, after one attempt."""
    job = replace(JOB, status=status, reason=fields.pop("reason", None))
    return told(jobs=(job,), attempts=(attempt(status=status, **fields),)).spans[1]


def test_a_run_is_a_span_and_each_job_one_below_it() -> None:
    trace = told()

    run, job = trace.spans
    assert (run.name, run.kind, run.parent_span_id) == ("RUN shop", Span.SPAN_KIND_SERVER, b"")
    assert (job.name, job.kind, job.parent_span_id) == ("api:test", Span.SPAN_KIND_INTERNAL, run.span_id)
    assert run.trace_id == job.trace_id
    assert otlp.attributes(run) == {
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.result": "success",
        "ctci.event": "push",
        "ctci.pushed_by": "ana",
    }
    assert otlp.attributes(job) == {
        "cicd.pipeline.task.name": "api:test",
        "cicd.pipeline.task.run.id": "3501",
        "cicd.pipeline.task.run.url.full": "https://ci.example.org/runs/1482/api/test",
        "cicd.pipeline.task.run.result": "success",
        "process.exit.code": 0,
        "ctci.attempt": 1,
    }


def test_what_all_spans_share_is_the_resource() -> None:
    job = replace(JOB, order=make.order(remote=make.remote(url="https://git.example.org/acme/shop.git")))

    assert told(jobs=(job,)).resource == {
        "service.name": "ctci",
        "service.version": "1.2",
        "cicd.pipeline.name": "shop",
        "cicd.pipeline.run.id": "1482",
        "cicd.pipeline.run.url.full": "https://ci.example.org/runs/1482",
        "vcs.repository.name": "shop",
        "vcs.repository.url.full": "https://git.example.org/acme/shop",
        "vcs.ref.head.name": "main",
        "vcs.ref.head.revision": make.sha(1),
        "vcs.ref.type": "branch",
    }


@pytest.mark.parametrize(
    "url", ["/srv/git/acme/shop.git", "https://[::1", "file:///srv/shop.git", "build@box:/srv/git/shop.git"]
)
def test_a_repository_without_a_page_has_no_address(url: str) -> None:
    job = replace(JOB, order=make.order(remote=make.remote(url=url)))

    assert "vcs.repository.url.full" not in told(jobs=(job,)).resource


def test_a_forge_that_is_known_has_pages_however_it_is_fetched_from() -> None:
    job = replace(JOB, order=make.order(remote=make.remote(url="git@github.com:acme/shop.git")))

    assert told(jobs=(job,)).resource["vcs.repository.url.full"] == "https://github.com/acme/shop"


def test_no_password_of_a_remote_is_told() -> None:
    job = replace(JOB, order=make.order(remote=make.remote(url="https://ana:hunter2@git.example.org/acme/shop")))

    body = spans.of_run(RUN, (job,), (attempt(),), public_url="https://ci.example.org/", version="1.2")

    assert "hunter2" not in str(body)
    assert "git.example.org/acme/shop" in str(body)


def test_the_spans_take_as_long_as_what_they_tell_of() -> None:
    run, job = told().spans

    assert (run.start_time_unix_nano, run.end_time_unix_nano) == (PUSHED_MS * 10**6, ENDED_MS * 10**6)
    # As its keeper measured.
    assert (job.start_time_unix_nano, job.end_time_unix_nano) == (BEGAN_MS * 10**6, BEGAN_MS * 10**6 + 1_500_000_000)


def test_what_was_lost_took_until_it_was_settled() -> None:
    job = ended(Status.ERRORED, exit=make.exit_(how="lost", code=None, seconds=0))

    assert job.end_time_unix_nano == ENDED_MS * 10**6


@pytest.mark.parametrize(
    ("status", "result", "error"),
    [
        (Status.SUCCEEDED, "success", None),
        (Status.FAILED, "failure", "failed"),
        (Status.TIMED_OUT, "timeout", "timed_out"),
        (Status.CANCELLED, "cancellation", None),
        (Status.SUPERSEDED, "cancellation", None),
        (Status.SKIPPED, "skip", None),
        (Status.ERRORED, "error", "exit"),
    ],
)
def test_each_status_has_the_word_of_the_conventions(status: Status, result: str, error: str | None) -> None:
    tried = (attempt(status=status),)
    run, job = told(replace(RUN, status=status), (replace(JOB, status=status, reason="why"),), tried).spans

    about = otlp.attributes(job)
    assert (about["cicd.pipeline.task.run.result"], about.get("error.type")) == (result, error)
    wrong = SpanStatus.STATUS_CODE_ERROR if error else SpanStatus.STATUS_CODE_UNSET
    assert (job.status.code, job.status.message) == (wrong, "why" if error else "")
    assert otlp.attributes(run)["cicd.pipeline.result"] == result
    assert ("error.type" in otlp.attributes(run), run.status.code) == (error is not None, wrong)


def test_every_status_that_ends_a_job_has_a_word() -> None:
    assert set(spans.RESULTS) == set(Status) - {Status.QUEUED, Status.RUNNING}


def test_what_was_tried_again_has_a_span_for_each_try() -> None:
    first = attempt(status=Status.FAILED, exit=make.exit_(code=2))
    second = attempt(number=2, began_at=BEGAN_MS + 2000)

    _, one, two = told(jobs=(replace(JOB, attempt=2),), attempts=(first, second)).spans

    assert [otlp.attributes(each)["cicd.pipeline.task.run.result"] for each in (one, two)] == ["failure", "success"]
    assert [otlp.attributes(each)["cicd.pipeline.task.run.id"] for each in (one, two)] == ["3501", "3501.2"]
    assert one.span_id != two.span_id


def test_each_try_has_its_own_word_and_only_the_last_the_reason_of_the_job() -> None:
    first = attempt(status=Status.FAILED, exit=make.exit_(code=2))
    second = attempt(number=2, began_at=BEGAN_MS + 2000)
    flaky = replace(JOB, attempt=2, reason="flaky: attempt 1: exit 2; then it succeeded")

    _, one, two = told(jobs=(flaky,), attempts=(first, second)).spans

    assert (one.status.message, "ctci.reason" in otlp.attributes(one)) == ("", False)
    assert otlp.attributes(two)["ctci.reason"] == flaky.reason


def test_a_failure_stays_one_where_the_try_after_it_was_cancelled_before_it_began() -> None:
    first = attempt(status=Status.FAILED, exit=make.exit_(code=2))
    job = replace(JOB, status=Status.CANCELLED, reason="cancelled by ana")

    _, one, end = told(jobs=(job,), attempts=(first,)).spans

    results = [otlp.attributes(each)["cicd.pipeline.task.run.result"] for each in (one, end)]
    assert results == ["failure", "cancellation"]
    assert (one.status.code, end.start_time_unix_nano) == (SpanStatus.STATUS_CODE_ERROR, end.end_time_unix_nano)
    assert one.span_id != end.span_id


def test_long_names_and_addresses_stay_whole() -> None:
    branch = "x" * 900

    assert told(replace(RUN, ref=f"refs/heads/{branch}")).resource["vcs.ref.head.name"] == branch


def test_what_was_not_executed_is_told_at_its_end() -> None:
    job = replace(JOB, status=Status.SKIPPED, attempt=0, began_at=None, reason="its paths did not change")

    _, skipped = told(jobs=(job,), attempts=()).spans

    assert skipped.start_time_unix_nano == skipped.end_time_unix_nano == ENDED_MS * 10**6
    assert otlp.attributes(skipped)["ctci.reason"] == "its paths did not change"


def test_a_run_without_jobs_is_a_trace_too() -> None:
    (run,) = told(replace(RUN, status=Status.SKIPPED, reason="[skip ci]"), (), ()).spans

    assert otlp.attributes(run)["cicd.pipeline.result"] == "skip"


def test_ids_are_the_same_each_time_and_of_one_span_alone() -> None:
    others = (replace(RUN, id=1483), replace(RUN, created_at=PUSHED_MS + 1), replace(RUN, project="site"))

    assert told().spans[1].span_id.hex() == tracing.traceparent(RUN, JOB.id, 1).split("-")[2]
    assert told().spans[1].trace_id.hex() == tracing.traceparent(RUN, JOB.id, 1).split("-")[1]
    assert len({tracing.trace_id(each) for each in (RUN, *others)}) == 4
    assert len({tracing.span_id(RUN, *of) for of in ((), (3501, 1), (3501, 2), (3502, 1))}) == 4


anything = st.text(st.characters() | st.sampled_from("\r\n\t\x1b<>&\"'\u2028\u202e\x85\x00\ud800"), max_size=60)


@given(anything, anything, anything, st.sampled_from(sorted(spans.RESULTS)))
def test_hostile_text_stays_text(name: str, reason: str, url: str, status: Status) -> None:
    run = replace(RUN, ref=f"refs/heads/{name}", pusher=name, reason=reason, status=status)
    order = make.order(subproject=name, recipe=make.recipe(name=name), remote=make.remote(url=url))
    job = replace(JOB, order=order, reason=reason, status=status)

    trace = told(run, (job,))

    texts = [str(each) for span in trace.spans for each in (span.name, *otlp.attributes(span).values())]
    assert not [text for text in (*texts, *map(str, trace.resource.values())) if set(text) & set("\r\n\x1b\x00\u202e")]

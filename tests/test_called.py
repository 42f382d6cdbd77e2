"""The road to who is told, whole: a push through a real server, and what a webhook and a collector hear of it."""

import base64
import json
from typing import Any

from standardwebhooks import Webhook

from tests.eventually import eventually
from tests.pushing import SECRET, ended, gitea_headers, gitea_push, post, push
from tests.report import otlp
from tests.report.receiver import Receiver, receiving
from tests.serving import Served
from tests.upstream import Upstream

SIGNING = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
PROJECT = """
[notify.ops]
webhook = {{ file = "url" }}
webhook-secret = {{ env = "SIGNING" }}

[projects.shop]
git = "{path}"
forge = "gitea"
webhook-secret = {{ file = "secret" }}
notify = ["ops"]
recipes.test = "sh test.sh"
"""


def told(receiver: Receiver) -> list[Any]:
    """Of each call, as the public verifier takes it: its event."""
    return [Webhook(SIGNING).verify(body, headers) for _, _, headers, body in receiver.calls]


def types(receiver: Receiver) -> list[str]:
    return sorted(event["type"] for event in told(receiver))


def test_a_push_that_breaks_and_a_file_that_does_are_told_to_a_webhook(served: Served, upstream: Upstream) -> None:
    served.configure(PROJECT.format(path=upstream.path))
    with receiving() as receiver:
        for name, value in (("url", f"{receiver.url}/hunter2".encode()), ("secret", SECRET)):
            served.keep(name, value)
        served.start(SIGNING=SIGNING)

        run, job = ended(served, push(served, upstream, "exit 3", delivery="d1"))
        eventually(lambda: types(receiver) == ["branch.broke", "run.finished"])
        # It is taken over, or refused, without being asked for.
        served.configure(PROJECT.format(path=upstream.path) + "timout = 1\n")
        eventually(lambda: types(receiver) == ["branch.broke", "config.invalid", "run.finished"], 20)

        events = {event["type"]: event["data"] for event in told(receiver)}

    assert events["branch.broke"]["run"]["html_url"].endswith(f"/runs/{run.id}")
    (broken,) = events["branch.broke"]["jobs"]
    assert (broken["id"], broken["status"], broken["reason"]) == (job.id, "failed", "exit 3")
    assert events["config.invalid"]["problems"][0]["code"] == "C101"
    assert "hunter2" not in served.said()


def test_no_address_that_a_signed_push_names_is_ever_called(served: Served, upstream: Upstream) -> None:
    with receiving() as listener:
        named = ("clone_url", "html_url", "statuses_url", "ssh_url", "url", "hooks_url", "commits_url", "git_url")
        urls = {name: f"{listener.url}/{name}" for name in named}
        served.start()
        plain = json.loads(gitea_push(upstream, upstream.push({"test.sh": "exit 0"})))
        plain["repository"] |= urls
        body = json.dumps({**plain, **urls, "compare_url": f"{listener.url}/compare"}).encode()
        status, answer = post(served, body, gitea_headers(body, "1"))
        run, _ = ended(served, int(str(answer["run"])))

    assert (status, str(run.status)) == (202, "succeeded")
    assert listener.calls == []


def test_a_run_is_told_as_a_trace_and_its_jobs_know_where_they_belong_in_it(served: Served, upstream: Upstream) -> None:
    script = 'test "$TRACEPARENT" && echo "$TRACEPARENT"; exit 3'
    with receiving() as collector:
        (served.config / "ctci.toml").write_text(
            f'[otlp]\nendpoint = "{collector.url}"\nheaders = {{ env = "SIGNING" }}\n'
        )
        served.start(SIGNING="x-key=hunter2")
        run, _ = ended(served, push(served, upstream, script, delivery="d1"))
        ((_, path, headers, body),) = eventually(lambda: list(collector.calls))

    span, job = otlp.read(body).spans
    assert (path, headers["x-key"]) == ("/v1/traces", "hunter2")
    assert otlp.attributes(span)["cicd.pipeline.result"] == "failure"
    assert otlp.attributes(job)["process.exit.code"] == 3
    assert f"00-{job.trace_id.hex()}-{job.span_id.hex()}-01" in served.log(run.id)
    assert "hunter2" not in f"{served.said()}{served.log(run.id)}"


def test_without_a_collector_a_job_is_told_of_no_trace(served: Served, upstream: Upstream) -> None:
    served.start(TRACEPARENT="00-" + "1" * 32 + "-" + "1" * 16 + "-01")

    run, job = ended(served, push(served, upstream, 'echo "none${TRACEPARENT-}"', delivery="d1"))

    assert str(job.status) == "succeeded"
    assert "none\n" in served.log(run.id)

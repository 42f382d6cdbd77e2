"""The road to a webhook, whole: a push through a real server, and what a receiver that verifies it is told."""

import base64
from typing import Any

from standardwebhooks import Webhook

from tests.eventually import eventually
from tests.pushing import SECRET, ended, push
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
            (served.config / name).write_bytes(value)
            (served.config / name).chmod(0o600)
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

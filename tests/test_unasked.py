"""What nobody called for, on a real server with the real clock: a schedule, and a push whose webhook was lost."""

import datetime as dt
import email
import email.policy

import pytest

from ctci import clock, ledger
from ctci.model import Status
from tests.eventually import eventually
from tests.pushing import ended, gitea_headers, gitea_push, post, push
from tests.serving import Served
from tests.upstream import Upstream


@pytest.fixture
def swept(served: Served, upstream: Upstream) -> Served:
    """A project with a webhook, which is swept every ten seconds and has a schedule for every minute."""
    served.configure(
        f"""
        [notify.team]
        email = ["team@example.org"]

        [projects.shop]
        git = "{upstream.path}"
        forge = "gitea"
        webhook-secret = {{ file = "secret" }}
        notify = ["team"]
        sweep = "10s"
        recipes.test = "sh test.sh"
        recipes.every = {{ run = "true", on = ["minutely"] }}
        schedules.minutely = {{ cron = "* * * * *", recipes = ["every"] }}
        """
    )
    return served


def test_a_schedule_that_is_due_in_the_next_minute_fires_within_two_seconds(swept: Served, upstream: Upstream) -> None:
    upstream.push({"test.sh": "true"})
    swept.start()
    began = clock.now()

    run = eventually(lambda: next(iter(ledger.runs_(swept.db)), None), 75)

    (call,) = ledger.deliveries_(swept.db, run=run.id)
    due = int(dt.datetime.fromisoformat(call.key.partition("@")[2]).timestamp() * 1000)
    assert (run.kind, run.schedule) == ("schedule", "minutely")
    assert began - 2000 < due < began + 62_000
    assert 0 <= run.created_at - due < 2000
    assert ended(swept, run.id)[1].status is Status.SUCCEEDED


def test_a_push_whose_webhook_was_dropped_or_refused_is_built_within_an_interval(
    swept: Served, upstream: Upstream
) -> None:
    swept.start()
    first = push(swept, upstream, "true", delivery="1")
    ended(swept, first)
    body = gitea_push(upstream, upstream.push({"test.sh": "exit 3"}, message="Dropped"))

    status, _ = post(swept, body, {**gitea_headers(body, "2"), "X-Gitea-Signature": "0" * 64})
    run = eventually(lambda: next((each for each in ledger.runs_(swept.db) if each.kind == "sweep"), None), 15)
    late, answer = post(swept, body, gitea_headers(body, "2"))

    assert status == 401
    assert ended(swept, run.id)[1].status is Status.FAILED
    assert (late, answer["decision"], answer["run"]) == (200, "duplicate", run.id)
    assert [each.kind for each in ledger.runs_(swept.db)].count("sweep") == 1


def test_a_silent_webhook_is_told_in_the_letter_and_on_deliveries(swept: Served, upstream: Upstream) -> None:
    swept.start()
    ended(swept, push(swept, upstream, "true", delivery="1"))
    upstream.push({"test.sh": "exit 3"}, message="Nobody told")

    run = eventually(lambda: next((each for each in ledger.runs_(swept.db) if each.kind == "sweep"), None), 15)
    ended(swept, run.id)
    (letter,) = eventually(lambda: list(swept.place.mail.glob("*.eml")))
    text = email.message_from_bytes(letter.read_bytes(), policy=email.policy.default).get_body(("plain",))

    assert text is not None
    assert "the webhook of shop has been silent since" in " ".join(text.get_content().split())
    assert "The webhook of shop has been silent since" in swept.get("deliveries")[1]

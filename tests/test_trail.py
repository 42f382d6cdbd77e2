"""The lines of the server's log: what each is about, and that each is one line."""

import json
import logging
import re
import threading
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci import trail
from tests.eventually import eventually
from tests.pushing import ended, gitea_headers, gitea_push
from tests.serving import Served
from tests.upstream import Upstream


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("ctci.web", logging.ERROR, __file__, 1, "%s", (message,), info)


@given(message=st.text(), error=st.none() | st.text())
def test_whatever_a_message_says_a_line_of_json_is_one_line_with_its_ids(message: str, error: str | None) -> None:
    with trail.about(request="ab12", job=7):
        line = trail.Json().format(record(message, None if error is None else ValueError(error)))

    told = json.loads(line)
    assert line.splitlines() == [line]
    assert line.isascii()
    assert (told["message"], told["request"], told["job"], told["level"]) == (message, "ab12", 7, "error")
    assert ("exception" in told) == (error is not None)


@given(message=st.text(), error=st.none() | st.text())
def test_nothing_in_a_message_looks_like_another_line_of_text(message: str, error: str | None) -> None:
    with trail.about(run=12, delivery=81):
        told = trail.Text("%(levelname)s %(message)s").format(
            record(message, None if error is None else ValueError(error))
        )

    first, *more = told.splitlines() or [""]
    assert first.startswith("ERROR ")
    assert first.endswith(" [delivery=81 run=12]")
    assert all(line.startswith("    ") for line in more)


def test_ids_are_known_within_what_they_are_of_and_nowhere_else() -> None:
    elsewhere: list[object] = []
    with trail.about(run=1):
        with trail.about(job=2, delivery=None):
            inner = dict(trail.known())
        thread = threading.Thread(target=lambda: elsewhere.append(dict(trail.known())))
        thread.start()
        thread.join()
        after = dict(trail.known())

    assert (inner, after, trail.known(), elsewhere) == ({"run": 1, "job": 2}, {"run": 1}, {}, [{}])


def ids(line: str, style: str) -> dict[str, str]:
    """What a line is about."""
    if style == "json":
        told = json.loads(line)
        return {name: str(told[name]) for name in trail.IDS if name in told}
    found = re.search(r" \[([a-z]+=[^\]]*)\]$", line)
    return dict(each.split("=") for each in found[1].split(" ")) if found else {}


@pytest.mark.parametrize("style", ["json", "text"])
def test_the_lines_of_a_push_have_its_delivery_and_run_and_those_of_a_job_its_run_and_job(
    served: Served, upstream: Upstream, style: str
) -> None:
    served.start(CTCI_LOG_FORMAT=style)
    sha = upstream.push({"test.sh": "exit 3"})
    body = gitea_push(upstream, sha)
    request = urllib.request.Request(
        f"{served.url}hooks/shop", data=body, headers=gitea_headers(body, "d1"), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        name, told = answer.headers["x-request-id"], json.load(answer)
    run, job = ended(served, told["run"])
    eventually(lambda: "ctci.report.courier" in served.said())

    lines = served.said().splitlines()
    pushed = [ids(line, style) for line in lines if "ctci.receive.desk" in line]
    worked = [ids(line, style) for line in lines if "shop:test of #" in line]
    mailed = [ids(line, style) for line in lines if "ctci.report.courier" in line]
    delivery = told["delivery"].removeprefix("d_")
    assert pushed == [{"request": name, "delivery": delivery, "run": str(run.id)}]
    # It begins, and it fails.
    assert worked == [{"run": str(run.id), "job": str(job.id)}] * 2
    assert mailed == [{"run": str(run.id)}]

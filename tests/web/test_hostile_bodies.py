"""What strangers and broken senders may send to a hook: never a 5xx, never a traceback, no memory that grows."""

import hashlib
import hmac
import http.client
import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import ledger
from tests.eventually import eventually
from tests.serving import Served

SECRET = b"a-long-secret-for-tests"
#: 20,000 by CTCI_FUZZ_HTTP=20000 (README, Contribute).
COUNT = int(os.environ.get("CTCI_FUZZ_HTTP", "2000"))
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": "0" * 40,
    "after": "1" * 40,
    "commits": [{"id": "1" * 40, "message": "Change", "added": None}],
    "head_commit": None,
    "repository": {"full_name": "acme/shop", "default_branch": "main"},
    "pusher": {"login": "ana", "name": "ana"},
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    projects = """
    [projects.shop]
    git = "{folder}/acme/shop.git"
    webhook-secret = { file = "secret" }
    recipes.test = "true"

    [projects.open]
    git = "{folder}/acme/open.git"
    recipes.test = "true"
    """
    with Served.running(projects, SECRET) as server:
        yield server


def call(served: Served, body: bytes, headers: dict[str, str], *, path: str = "/hooks/shop") -> tuple[int, bytes]:
    host = served.url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def signed(forge: str, body: bytes, event: str = "push") -> dict[str, str]:
    mac = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if forge == "github":
        return {"X-GitHub-Event": event, "X-Hub-Signature-256": f"sha256={mac}", "Content-Type": "application/json"}
    if forge == "hook":
        return {
            "X-CTCI-Event": "post-receive",
            "Authorization": f"Bearer {SECRET.decode()}",
            "Content-Type": "text/plain",
        }
    return {"X-Gitea-Event": event, "X-Gitea-Signature": mac, "Content-Type": "application/json"}


zeros, ones = "0" * 40, "1" * 64
odd: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "x",
    "é",
    "\ud800",
    "\0",
    zeros,
    ones,
    "refs/heads/-rf",
    [],
    {},
)
leaf = st.sampled_from(odd)
anything = leaf | st.text(max_size=8) | st.builds(lambda inner: [inner, {"id": inner}], leaf)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A push with parts replaced by anything, then perhaps with bytes changed; or just bytes."""
    shape = draw(st.integers(0, 19))
    if shape == 0:
        return draw(st.binary(max_size=200))
    push = dict(PUSH)
    for name in draw(st.lists(st.sampled_from(list(PUSH)), max_size=2)):
        push[name] = draw(anything)
    raw = json.dumps(push).encode()
    if shape > 10:
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.binary(max_size=4)) + raw[at + shape - 10 :]
    return raw


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timeout(1800)
def test_no_body_makes_a_5xx_or_an_exception_and_memory_does_not_grow(served: Served) -> None:
    host = served.url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.connect()
    # Head and body are two segments, and without this the second waits 40 ms for the first's acknowledgement.
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    statuses: set[int] = set()
    forges = ("github", "gitea", "hook")

    @settings(max_examples=COUNT, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        body=bodies(),
        forge=st.sampled_from(["github", "gitea", "hook"]),
        event=st.sampled_from(["push", "delete", "ping"]),
    )
    def send(body: bytes, forge: str, event: str) -> None:
        connection.request("POST", "/hooks/shop", body, signed(forge, body, event))
        answer = connection.getresponse()
        answer.read()
        statuses.add(answer.status)
        assert answer.status < 500

    # What is loaded at the first calls is no leak.
    for forge in forges:
        for _ in range(50):
            call(served, b"{}", signed(forge, b"{}"))
    before = resident(served.pid)
    send()
    connection.close()

    assert {200, 400} <= statuses
    assert resident(served.pid) - before < 20 * 2**20
    assert "Traceback" not in served.said()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"[" * 200_000 + b"]" * 200_000, "the body is not JSON"),
        (b'{"ref": ' + b"9" * 5000 + b"}", "the body is not JSON"),
        (b'{"ref": "\xff\xfe"}', "the body is not JSON"),
        (b'{"ref": NaN}', "the body is not JSON"),
        (b"[]", "the body is not a JSON object"),
        (b"", "the body is not JSON"),
        (json.dumps({**PUSH, "ref": "refs/heads/\ud800"}).encode(), "`ref` is not the name of a ref"),
        (json.dumps({**PUSH, "after": "HEAD"}).encode(), "`after` is not an object id"),
        (json.dumps({**PUSH, "ref": "refs/heads/a..b"}).encode(), "`ref` is not the name of a ref"),
    ],
)
def test_a_signed_body_that_is_nonsense_is_answered_400_in_words(served: Served, body: bytes, detail: str) -> None:
    status, answer = call(served, body, signed("gitea", body))

    assert (status, json.loads(answer)["detail"]) == (400, detail)


def test_who_may_not_is_answered_the_same_whatever_exists(served: Served) -> None:
    body = json.dumps(PUSH).encode()
    unsigned = {"X-Gitea-Event": "push", "Content-Type": "application/json"}

    answers = [
        call(served, body, unsigned, path=f"/hooks/{name}") for name in ("shop", "open", "nobody", "..%2f", "%ff")
    ]

    assert {status for status, _ in answers} == {401}
    # Each request has an id of its own, which says nothing.
    assert len({re.sub(rb'(?<="request_id": ")[0-9a-f]{12}(?=")', b"", text) for _, text in answers}) == 1


def test_a_project_without_a_secret_is_never_reached_over_tcp(served: Served) -> None:
    body = b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/main\n"

    status, _ = call(served, body, signed("hook", body), path="/hooks/open")

    assert status == 401


def over_socket(served: Served, body: bytes, *lines: str) -> tuple[int, dict[str, Any]]:
    """POST through the data folder's own socket."""
    head = [
        "POST /hooks/open HTTP/1.1",
        "Host: x",
        f"Content-Length: {len(body)}",
        "Content-Type: text/plain",
        "Connection: close",
        *lines,
    ]
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(served.place.socket))
        client.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.status, json.loads(answer.read())


def test_the_socket_is_local_power_for_the_hook_and_not_behind_a_proxy(served: Served) -> None:
    body = b"0" * 40 + b" " + b"7" * 40 + b" refs/heads/main\n" + b"0" * 40 + b" " + b"8" * 40 + b" refs/heads/b\n"
    event = ("X-CTCI-Event: post-receive", "X-CTCI-Delivery: u-1")

    proxied = over_socket(served, body, *event, "X-Forwarded-For: 10.0.0.1")
    forge = over_socket(served, b"{}", "X-Gitea-Event: push")
    local = over_socket(served, body, *event)

    assert (proxied[0], forge[0]) == (401, 401)
    assert local[0] == 202
    assert [each["ref"] for each in local[1]["runs"]] == ["refs/heads/main", "refs/heads/b"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/xml", "X-Gitea-Event": "push"}, 415),
        ({"Content-Type": "application/json"}, 400),
        ({"Content-Type": "application/json", "X-Gitea-Event": "push", "X-Gitea-Signature": "é"}, 401),
        ({"Content-Type": "application/json", "X-Gitea-Event": "push\u00ff", "X-Gitea-Signature": "0" * 64}, 401),
    ],
)
def test_odd_headers_are_refused_in_words(served: Served, headers: dict[str, str], status: int) -> None:
    answered, body = call(served, b"{}", headers)

    assert answered == status
    assert json.loads(body)["status"] == status


def test_an_oversized_body_is_refused_by_its_length_and_while_it_comes(served: Served) -> None:
    big = 26 << 20
    host, port = served.url.removeprefix("http://").rstrip("/").split(":")
    answers = []
    for head in (f"Content-Length: {big}", "Transfer-Encoding: chunked"):
        with socket.create_connection((host, int(port)), timeout=20) as client:
            lines = ("POST /hooks/shop HTTP/1.1", "Host: x", "X-Gitea-Event: push", head, "", "")
            client.sendall("\r\n".join(lines).encode())
            if "chunked" in head:
                for _ in range(25):
                    client.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
                client.sendall(b"1\r\nx\r\n")
            answers.append(client.recv(12).decode())

    assert answers == ["HTTP/1.1 413", "HTTP/1.1 413"]


def test_a_body_that_ends_early_harms_nobody(served: Served) -> None:
    host, port = served.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Gitea-Event: push\r\nContent-Length: 100\r\n\r\n{")

    assert served.get("healthz")[0] == 200
    assert "Traceback" not in served.said()


def test_a_get_explains_itself(served: Served) -> None:
    status, text = served.get("hooks/shop")

    assert status == 405
    assert "webhook settings" in text


def test_every_refusal_of_a_known_kind_is_on_the_page(served: Served) -> None:
    call(served, b"{}", {"X-Gitea-Event": "push", "Content-Type": "application/json"})

    newest = eventually(lambda: ledger.deliveries_(served.db, limit=200))

    assert any((each.decision, each.reason) == ("refused", "signature does not match") for each in newest)

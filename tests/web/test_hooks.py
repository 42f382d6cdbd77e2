"""The hooks' door over a real server: whom it believes, what it answers, and that no stranger can hurt it."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import config, layout, ledger, premises
from ctci import http as web
from ctci.config.settings import Config, Project, Server, Subproject
from ctci.model import SecretRef, Status
from ctci.web import app, bodies, hooks, progress, pushed
from ctci.web.doors import Doors
from tests import make
from tests.eventually import eventually
from tests.serving import Served

SECRET = b"a-long-secret-for-tests"
ZERO = "0" * 40
LIMIT = 10_000
PUSH: Mapping[str, Any] = {
    "ref": "refs/heads/main",
    "before": ZERO,
    "after": make.sha(7),
    "commits": [],
    "total_commits": 1,
    "repository": {"full_name": "acme/shop", "default_branch": "main"},
    "pusher": {"login": "ana", "email": "ana@example.org"},
}
HOOK = {"X-CTCI-Event": "post-receive", "X-CTCI-Delivery": "d-1", "Content-Type": "text/plain"}
LINE = f"{ZERO} {make.sha(1)} refs/heads/main\n".encode()


def signed(body: bytes, delivery: str = "d-1", secret: bytes = SECRET) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Gitea-Event": "push",
        "X-Gitea-Delivery": delivery,
        "X-Gitea-Signature": hmac.new(secret, body, hashlib.sha256).hexdigest(),
    }


def push(**fields: Any) -> bytes:
    return json.dumps({**PUSH, **fields}).encode()


@dataclass
class Answer:
    status: int
    kind: str
    raw: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found


class Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


@dataclass
class Door:
    """A served ledger with a project `shop`, which has a secret, and `open`, which has none."""

    db: ledger.Ledger
    place: layout.Layout
    port: int
    stopping: threading.Event

    def post(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        path: str = "/hooks/shop",
        unix: bool = False,
        method: str = "POST",
    ) -> Answer:
        made = Unix(str(self.place.socket)) if unix else http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            made.request(method, path, body, dict(headers))
            answer = made.getresponse()
            return Answer(answer.status, answer.headers["content-type"], answer.read())
        finally:
            made.close()

    def raw(self, content: bytes, *, ends: bool = False) -> bytes:
        """All that comes back for these bytes, until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            line.sendall(content)
            if ends:
                line.shutdown(socket.SHUT_WR)
            parts = []
            while part := line.recv(65536):
                parts.append(part)
        return b"".join(parts)


@pytest.fixture
def door(db: ledger.Ledger, place: layout.Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.setattr(hooks, "_refusals", hooks.Bucket())
    shop = Project(
        name="shop",
        remote=make.remote(),
        webhook_secret=SecretRef(kind="env", name="HOOK_SECRET"),
        tags={"*": ("api",)},
        subs={"api": Subproject(name="api", recipes={"test": make.recipe()})},
    )
    projects = {"shop": shop, "open": replace(shop, name="open", webhook_secret=None)}
    made = Config(projects=projects, notify={}, server=Server(limit_body=LIMIT), folder=tmp_path)
    unix, tcp = premises.bind("127.0.0.1:0", place)
    stopping = threading.Event()
    doors = Doors(
        db=db,
        layout=place,
        current=config.Current(lambda: made),
        environ={"HOOK_SECRET": SECRET.decode()},
        ready=lambda: {"ok": True, "reasons": []},
        remarks=lambda _: (),
        stopping=stopping.is_set,
        busy=lambda: 0,
        sizes=dict,
    )
    server = web.Server(app.build(doors), [tcp, unix], threading.Event())
    thread = threading.Thread(target=server.run, args=(threading.Event(),))
    thread.start()
    opened = Door(db, place, tcp.getsockname()[1], stopping)
    try:
        eventually(lambda: opened.post(b"", {}, path="/healthz", method="GET").status == 200)
        yield opened
    finally:
        server.close()
        thread.join(10)
        tcp.close()
        unix.close()


def problem(answer: Answer) -> tuple[int, str]:
    """(status, detail) of an answer that must be a problem."""
    assert answer.kind == "application/problem+json"
    assert answer.json["status"] == answer.status
    return answer.status, answer.json["detail"]


# --- who is believed -------------------------------------------------------------------------------------------------


def test_a_signed_push_is_queued(door: Door) -> None:
    answer = door.post(push(), signed(push()))

    assert answer.status == 202
    assert answer.json["decision"] == "queued"
    assert answer.json["ref"] == "refs/heads/main"
    assert answer.json["jobs"] == ["api:test"]
    assert answer.json["url"] == f"http://127.0.0.1:8484/runs/{answer.json['run']}"
    assert [run.after for run in ledger.runs_(door.db)] == [make.sha(7)]


@pytest.mark.parametrize("login", ["ana", "Größe & Söhne = 100% + 1", "\u65e5\u672c"])
def test_a_form_is_read_like_its_json(door: Door, login: str) -> None:
    plain = json.dumps({**PUSH, "pusher": {"login": login}}, ensure_ascii=False).encode()
    form = urllib.parse.urlencode({"payload": plain}).encode()

    answer = door.post(form, {**signed(plain), "Content-Type": hooks.TYPES[1]})

    assert answer.status == 202
    assert [run.pusher for run in ledger.runs_(door.db)] == [login]


def test_a_trailing_slash_is_no_redirect(door: Door) -> None:
    assert door.post(push(), signed(push()), path="/hooks/shop/").status == 202


def test_a_redelivery_changes_nothing(door: Door) -> None:
    first = door.post(push(), signed(push())).json

    again = door.post(push(), signed(push()))

    assert (again.status, again.json["decision"]) == (200, "duplicate")
    assert [run.id for run in ledger.runs_(door.db)] == [first["run"]]


def test_a_push_of_another_repository_is_ignored_with_a_reason(door: Door) -> None:
    body = push(repository={"full_name": "evil/shop"})

    answer = door.post(body, signed(body))

    assert (answer.status, answer.json["decision"]) == (200, "ignored")
    assert "evil/shop" in answer.json["why"]


@pytest.mark.parametrize("headers", [signed(push(), secret=b"wrong"), {**signed(push()), "X-Gitea-Signature": ""}])
def test_a_bad_signature_is_refused_and_kept(door: Door, headers: dict[str, str]) -> None:
    answer = door.post(push(), headers)

    assert problem(answer) == (401, "signature does not match")
    assert [each.decision for each in ledger.deliveries_(door.db)] == ["refused"]
    assert ledger.runs_(door.db) == ()


def test_an_unknown_project_answers_like_a_bad_signature(door: Door) -> None:
    bad = door.post(push(), signed(push(), secret=b"wrong"))

    unknown = door.post(push(), signed(push()), path="/hooks/nobody")

    bodies = [{**answer.json, "request_id": ""} for answer in (unknown, bad)]
    assert (unknown.status, unknown.kind, bodies[0]) == (bad.status, bad.kind, bodies[1])
    assert ledger.deliveries_(door.db)[0].reason == "there is no such project"


@pytest.mark.parametrize("secret", [b"", SECRET])
def test_a_project_without_a_secret_takes_nothing_over_tcp(door: Door, secret: bytes) -> None:
    bearer = {**HOOK, "Authorization": f"Bearer {secret.decode()}"}

    answers = [
        door.post(push(), signed(push(), secret=secret), path="/hooks/open"),
        door.post(LINE, bearer, path="/hooks/open"),
    ]

    assert [answer.status for answer in answers] == [401, 401]


def test_over_the_socket_the_hook_needs_no_secret(door: Door) -> None:
    answers = [
        door.post(LINE, {**HOOK, "X-CTCI-Delivery": f"d-{name}"}, path=f"/hooks/{name}", unix=True)
        for name in ("shop", "open")
    ]

    assert [answer.status for answer in answers] == [202, 202]


def test_over_the_socket_a_forge_still_needs_its_secret(door: Door) -> None:
    answer = door.post(push(), signed(push(), secret=b"wrong"), unix=True)

    assert answer.status == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
def test_a_proxy_on_the_socket_is_not_trusted(door: Door, header: str) -> None:
    assert door.post(LINE, {**HOOK, header: "192.0.2.1"}, unix=True).status == 401


def test_over_tcp_the_hook_shows_the_secret(door: Door) -> None:
    good = door.post(LINE, {**HOOK, "Authorization": f"Bearer {SECRET.decode()}"})
    bad = [door.post(LINE, {**HOOK, **more}) for more in ({}, {"Authorization": "Bearer wrong"})]

    assert good.status == 202
    assert [answer.status for answer in bad] == [401, 401]


def test_only_so_many_refusals_are_kept(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_refusals", hooks.Bucket(size=3, rate=0.0))

    answers = [door.post(push(), signed(push(), f"d-{number}", b"wrong")) for number in range(6)]

    assert {401} == {answer.status for answer in answers}
    assert len(ledger.deliveries_(door.db)) == 3


# --- what is answered ------------------------------------------------------------------------------------------------


def test_several_refs_have_a_decision_each(door: Door) -> None:
    lines = LINE + f"{ZERO} {make.sha(2)} refs/tags/v1\n{make.sha(3)} {ZERO} refs/heads/old\n".encode()

    answer = door.post(lines, HOOK, unix=True)

    assert answer.status == 202
    assert [(each["ref"], each["decision"]) for each in answer.json["runs"]] == [
        ("refs/heads/main", "queued"),
        ("refs/tags/v1", "queued"),
        ("refs/heads/old", "ignored"),
    ]
    assert answer.json["decision"] == "queued"


def test_one_ref_has_no_list(door: Door) -> None:
    assert "runs" not in door.post(LINE, HOOK, unix=True).json


def test_a_pusher_reads_short_lines(door: Door) -> None:
    lines = b"".join(f"{ZERO} {make.sha(n)} refs/heads/{'long-' * 20}{n}\n".encode() for n in range(1, 6))

    answer = door.post(LINE + lines, {**HOOK, "Accept": "text/plain"}, unix=True)

    said = answer.raw.decode().splitlines()
    assert answer.kind.startswith("text/plain")
    assert said[0] == f"ctci: shop main {make.sha(1)[:7]}  1 job: api"
    assert re.fullmatch(r"ctci: http://127\.0\.0\.1:8484/runs/\d+", said[1])
    assert said[-1].startswith("ctci: and 3 more refs; see http://127.0.0.1:8484/")
    assert len(said) == 2 * pushed.REFS + 1
    assert max(len(line) for line in said) <= 72


def test_a_pusher_reads_once_which_variables_nobody_declares(door: Door) -> None:
    option = base64.b64encode(b"ci.var=LEVLE=1").decode()
    lines = LINE + f"{ZERO} {make.sha(2)} refs/heads/next\n".encode()

    answer = door.post(lines, {**HOOK, "X-CTCI-Option": option, "Accept": "text/plain"}, unix=True)

    said = answer.raw.decode().splitlines()
    assert (answer.status, len(said)) == (202, 5)
    assert said[-1] == "ctci: no recipe declares LEVLE in its `vars`"


def test_a_pusher_reads_what_the_push_options_come_to(door: Door) -> None:
    given = [base64.b64encode(option).decode() for option in (b"ci.skip", b"ci.foo\x1b[2J", b"merge_request.create")]

    answer = door.post(LINE, {**HOOK, "Accept": "text/plain", "X-CTCI-Option": ",".join(given)}, unix=True)

    (run,) = ledger.runs_(door.db)
    assert answer.raw.decode().splitlines() == [
        f"ctci: shop main {make.sha(1)[:7]}  skipped: the push said -o ci.skip",
        f"ctci: http://127.0.0.1:8484/runs/{run.id}",
        "ctci: ci.foo?[2J is not an option (ci.only=, ci.skip, ci.var=, ci.wait)",
    ]
    assert ledger.deliveries_(door.db)[0].reason == "skipped: the push said `-o ci.skip`"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post_is_taken(door: Door, method: str) -> None:
    assert door.post(b"", {}, method=method).status == 405


@pytest.mark.parametrize("kind", ["text/html", "application/xml", "multipart/form-data", "größe"])
def test_a_body_of_another_kind_is_refused(door: Door, kind: str) -> None:
    status, detail = problem(door.post(push(), {**signed(push()), "Content-Type": kind}))

    assert (status, detail.partition(" ")[0]) == (415, "send")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is not JSON"),
        (b"[]", "the body is not a JSON object"),
        (b"[" * 9000, "the body is not JSON"),
        (b'{"ref": NaN}', "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
    ],
)
def test_a_signed_body_that_cannot_be_read_is_a_bad_request(door: Door, body: bytes, why: str) -> None:
    assert problem(door.post(body, signed(body))) == (400, why)


def test_a_call_of_no_forge_is_a_bad_request(door: Door) -> None:
    status, detail = problem(door.post(push(), {"Content-Type": "application/json"}))

    assert (status, detail.partition(";")[0]) == (400, "no header tells which forge sends this")


def test_headers_that_are_not_ascii_are_a_plain_refusal(door: Door) -> None:
    for name in ("X-Gitea-Signature", "X-Gitea-Delivery", "X-Gitea-Event"):
        headers = {**signed(push(), secret=b"wrong"), name: "größe\xff"}

        assert door.post(push(), headers).status == 401
    assert door.post(LINE, {**HOOK, "Authorization": "Bearer größe"}).status == 401


# --- size and time ---------------------------------------------------------------------------------------------------


def test_a_body_that_says_it_is_too_large_is_refused_unread(door: Door) -> None:
    head = f"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Gitea-Event: push\r\nContent-Length: {LIMIT + 1}\r\n\r\n"

    said = door.raw(head.encode())

    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in said


def test_a_body_of_the_limit_is_read(door: Door) -> None:
    body = push() + b" " * (LIMIT - len(push()))

    assert len(body) == LIMIT
    assert door.post(body, signed(body)).status == 202


def test_a_chunked_body_is_counted(door: Door) -> None:
    head = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Gitea-Event: push\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"

    assert door.raw(head + chunk * 3).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_ends_early_is_no_push(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    body = push()
    headers = "".join(f"{name}: {value}\r\n" for name, value in signed(body).items())
    head = f"POST /hooks/shop HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body) + 1}\r\n\r\n"

    said = door.raw(head.encode() + body, ends=True)

    # Whoever only shut his writing side may still read why.
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")
    assert door.post(b"", {}, path="/healthz", method="GET").status == 200
    assert ledger.runs_(door.db) == ()
    assert "Traceback" not in caplog.text


def test_a_body_that_comes_too_slowly_is_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.2)
    head = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Gitea-Event: push\r\nContent-Length: 100\r\n\r\n"

    assert door.raw(head + b"{").startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("start", [b"", b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_headers_that_come_too_slowly_are_cut_off(door: Door, monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    monkeypatch.setattr(web, "HEADERS_S", 0.2)

    assert door.raw(start) == b""


def test_headers_without_an_end_are_cut_off(door: Door) -> None:
    endless = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"x" * 8_000_000

    with pytest.raises(OSError, match=r"reset|pipe"):
        door.raw(endless)

    assert door.post(b"", {}, path="/healthz", method="GET").status == 200


# --- hostile, and correctly signed -----------------------------------------------------------------------------------

FUZZ = int(os.environ.get("CTCI_FUZZ_HTTP", "300"))
_odd_text = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["\ud800", "\x00", "refs/heads/\x00", "refs/heads/../x", "a" * 3000, ZERO, "f" * 40, "\u202egnp"]),
)
_odd = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), _odd_text, st.sampled_from([10**400, -(2**63), 2**63])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_odd_text, inner, max_size=4)),
    max_leaves=8,
)
_nearly = st.builds(
    lambda wrong, ref, gone: {name: value for name, value in {**PUSH, "ref": ref, **wrong}.items() if name not in gone},
    st.dictionaries(
        st.sampled_from([*PUSH, "sender", "head_commit", "ref_type", "created", "deleted"]), _odd, max_size=3
    ),
    st.one_of(st.just("refs/heads/main"), _odd_text.map(lambda text: f"refs/heads/{text}")),
    st.sets(st.sampled_from([*PUSH]), max_size=1),
)
_body = st.one_of(
    _nearly.map(lambda plain: json.dumps(plain).encode()),
    _odd.map(lambda plain: json.dumps(plain).encode()),
    st.binary(min_size=1, max_size=300),
    st.integers(1, 20_000).map(lambda depth: b'{"ref":' * depth),
    st.integers(1, 20_000).map(lambda digits: b'{"ref": ' + b"9" * digits + b"}"),
    st.binary(max_size=200).map(lambda raw: b"payload=" + raw),
)
_headers = st.fixed_dictionaries(
    {
        "Content-Type": st.sampled_from(["application/json", *hooks.TYPES]),
        "X-Gitea-Event": st.sampled_from(["push", "push", "push", "create", "delete", "ping", "x" * 500, "\xff"]),
        "X-Gitea-Delivery": st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=300),
    }
)


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@pytest.fixture
def served() -> Iterator[Served]:
    projects = """
    [projects.shop]
    git = "{folder}/acme/shop.git"
    forge = "gitea"
    webhook-secret = { file = "secret" }
    recipes.test = "true"
    """
    with Served.running(projects, SECRET) as server:
        yield server


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_signed_hostile_bodies_make_no_error_and_no_memory(served: Served) -> None:
    address = re.sub(r"http://|/", "", served.url)
    line = http.client.HTTPConnection(address, timeout=10)
    seen: dict[int, int] = {}

    @settings(
        max_examples=FUZZ,
        deadline=None,
        database=None,
        derandomize="CTCI_FUZZ_HTTP" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(body=_body, headers=_headers)
    def hurl(body: bytes, headers: dict[str, str]) -> None:
        form = headers["Content-Type"] == hooks.TYPES[1]
        sent = urllib.parse.urlencode({"payload": body}).encode() if form else body
        # The forge signs the JSON text, also where a form brings it; an empty field is none.
        line.request("POST", "/hooks/shop", sent, {**signed(body), **headers})
        answer = line.getresponse()
        answer.read()
        seen[answer.status] = seen.get(answer.status, 0) + 1
        assert answer.status < 500

    # What the first calls load stays loaded.
    for number in range(30):
        line.request("POST", "/hooks/shop", push(), signed(push(), f"warm-{number}"))
        line.getresponse().read()
    hurl()
    before = resident(served.pid)

    hurl()
    line.close()

    # They reached the parser, and not all of them died at its door.
    assert 401 not in seen
    assert {200, 400} <= seen.keys()
    assert "Traceback" not in served.said()
    assert resident(served.pid) - before < 20_000_000


# --- who waits for the verdict ---------------------------------------------------------------------------------------

CALL = "5f0c7bd2-1111-4222-8333-444455556666"


def awaited(door: Door, *, call: str = CALL, project: str = "shop", unix: bool = True, secret: str = "") -> Answer:
    """How the push of that call goes on, to its end."""
    given = {"Authorization": f"Bearer {secret}"} if secret else {}
    return door.post(b"", given, path=f"/hooks/{project}/pushes/{call}", unix=unix, method="GET")


def test_who_waits_hears_what_the_page_says(door: Door, host: int) -> None:
    make.settled(door.db, host, trigger=make.trigger(after=make.sha(9)))
    door.post(LINE, {**HOOK, "X-CTCI-Delivery": CALL}, unix=True)
    make.prepare(door.db, 2)
    job, _ = make.running(door.db, host)
    ended = make.exit_(code=1)
    ledger.settle(
        door.db, job=job.id, attempt=job.attempt, host=host, status=Status.FAILED, reason="exit 1", exit=ended
    )

    assert (
        "ctci: api:test broke on main just now: exit 1; 1 suspect since green #1."
        in awaited(door).raw.decode().splitlines()
    )


def test_who_waits_hears_each_step_until_the_verdict(door: Door, host: int) -> None:
    door.post(LINE, {**HOOK, "X-CTCI-Delivery": CALL}, unix=True)
    said: list[str] = []
    waiter = threading.Thread(target=lambda: said.append(awaited(door).raw.decode()))

    waiter.start()
    eventually(lambda: progress._waiting)
    (run,) = ledger.runs_(door.db)
    make.prepare(door.db, run.id)
    job, _ = make.running(door.db, host)
    ledger.settle(
        door.db,
        job=job.id,
        attempt=job.attempt,
        host=host,
        status=Status.FAILED,
        reason="exit 1",
        exit=make.exit_(code=1),
    )
    waiter.join(20)

    lines = said[0].splitlines()
    assert lines[-4:] == [
        "ctci: api:test failed after 2 s: exit 1",
        "ctci: api:test failed on main just now: exit 1.",
        f"ctci: http://127.0.0.1:8484/runs/{run.id}",
        "end",
    ]
    assert not progress._waiting


def test_no_proxy_is_to_hold_the_lines_back(door: Door) -> None:
    line = Unix(str(door.place.socket))

    line.request("GET", f"/hooks/shop/pushes/{CALL}")
    answer = line.getresponse()
    answer.read()
    line.close()

    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-store, no-transform"


def test_a_push_that_made_no_run_is_over_at_once(door: Door) -> None:
    assert awaited(door).raw == b"end\n"


def test_the_verdict_of_a_call_is_told_to_that_call_only(door: Door) -> None:
    door.post(LINE, {**HOOK, "X-CTCI-Delivery": CALL}, unix=True)

    assert awaited(door, call=CALL[:-1]).raw == b"end\n"
    assert awaited(door, project="open").raw == b"end\n"


@pytest.mark.parametrize(
    ("project", "secret", "expected"),
    [("shop", SECRET.decode(), 200), ("shop", "wrong", 401), ("shop", "", 401), ("nowhere", SECRET.decode(), 401)],
)
def test_over_tcp_the_secret_is_asked_of_who_waits(door: Door, project: str, secret: str, expected: int) -> None:
    assert awaited(door, project=project, unix=False, secret=secret).status == expected


def test_who_waits_is_told_when_the_server_stops(door: Door) -> None:
    door.post(LINE, {**HOOK, "X-CTCI-Delivery": CALL}, unix=True)
    door.stopping.set()

    assert awaited(door).raw == b"ctci: the server stops; what runs goes on, see its page\nend\n"


def test_only_so_many_may_wait(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "MOST", 0)
    door.post(LINE, {**HOOK, "X-CTCI-Delivery": CALL}, unix=True)

    assert awaited(door).raw.startswith(b"ctci: too many pushes wait")


def test_who_waits_while_the_ledger_cannot_be_read_is_to_come_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> object:
        raise ledger.Away("the disk is gone")

    monkeypatch.setattr(ledger, "runs_of_call", away)

    assert problem(awaited(door)) == (503, "the ledger cannot be read")

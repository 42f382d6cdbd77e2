"""Ways around the walls that somebody tries: odd paths, doubled headers, half characters, foreign pages."""

import asyncio
import io
import json
import logging
import resource
import socket
import zlib
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode

import pytest

from ctci import ledger
from ctci.model import Tier
from ctci.web import api, app, auth, walls
from tests.web.site import Answer, Site, standing

#: Where the server listens on more than its machine: nobody sees anything without a token.
LAN = "0.0.0.0:8484"
JSON: dict[str, Any] = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with standing(tmp_path_factory.mktemp("break-ins")) as site:
        yield site


@pytest.fixture
def lan(served: Site) -> Iterator[Site]:
    """It, as it stands on a LAN; a test may let it listen otherwise."""
    before = served.settings
    served.listen(listen=LAN)
    yield served
    served.settings = before


@pytest.fixture(scope="module")
def admin(served: Site) -> dict[str, Any]:
    return bearer(served, Tier.ADMIN)


def bearer(site: Site, tier: Tier, *projects: str) -> dict[str, Any]:
    made = ledger.new_token(site.db, name=f"{tier}-{projects}", tier=tier, by="ana", projects=projects)
    return {"Authorization": f"Bearer {made[1]}"}


def raw(site: Site, text: str) -> tuple[int, str]:
    """The answer's status, and all of it, to bytes that no client would send."""
    with socket.create_connection(("127.0.0.1", site.port), 10) as line:
        line.sendall(text.replace("\r\n", "\r\nConnection: close\r\n", 1).encode("latin-1"))
        said = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    return int(said.split()[1]), said


def post(site: Site, path: str, form: dict[str, str], **headers: str) -> Answer:
    kind: dict[str, Any] = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return site.get(path, method="POST", body=urlencode(form).encode(), **kind)


@pytest.mark.parametrize(
    "target",
    [
        "/%2e%2e/runs",
        "/static/../runs",
        "/static/%2e%2e/runs",
        "/badge/../runs",
        "/badge/..%2fruns",
        "/hooks/../runs",
        "/hooks/%2e%2e/runs/2",
        "/hooksx",
        "//runs",
        "/./runs",
        "/runs/",
        "/runs;/hooks/",
        "/RUNS",
        "/runs%00/hooks/",
        "/runs/2?/hooks/",
        "/runs#/hooks/",
        "/healthz/../runs",
        "/me/digest/../../runs",
        "/api/v1/../../runs",
        "/api/v1//runs",
        "http://localhost/runs",
        "http://localhost/hooks/../runs",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_no_spelling_of_a_path_leads_around_the_walls(lan: Site, method: str, target: str) -> None:
    status, said = raw(lan, f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")

    assert status in (400, 401, 404, 405)
    assert "shop" not in said


def test_behind_a_path_of_public_url_the_walls_are_the_same(lan: Site, admin: dict[str, Any]) -> None:
    lan.listen(public_url="https://ci.example.org/ci/")

    closed = [lan.get(path).status for path in ("/ci/runs", "/runs", "/ci/ci/runs", "/ci//runs", "/ci/hooks/../runs")]
    page = lan.get("/ci/api/v1/runs?limit=1", **admin)
    wish = lan.get("/ci/api/v1/runs/2/rerun", method="POST", **admin)

    assert closed == [401] * 4 + [404]
    assert page.headers["link"].startswith("</ci/api/v1/runs?")
    assert wish.headers["location"].startswith("/ci/api/v1/runs/")


@pytest.mark.parametrize("hosts", [("localhost", "evil.example.org"), ("evil.example.org", "localhost"), ()])
def test_a_call_names_one_host(lan: Site, hosts: tuple[str, ...]) -> None:
    said = "".join(f"Host: {host}\r\n" for host in hosts)

    assert raw(lan, f"GET /healthz HTTP/1.1\r\n{said}\r\n")[0] == 400


def test_of_a_header_that_comes_twice_one_is_believed_and_no_mixture(lan: Site, admin: dict[str, Any]) -> None:
    good = f"Authorization: {admin['Authorization']}\r\n"
    wrong = "Authorization: Bearer wrong\r\n"

    answers = [
        raw(lan, f"GET /runs HTTP/1.0\r\n{first}{second}\r\n")[0] for first, second in ((good, wrong), (wrong, good))
    ]

    assert answers == [200, 401]


@pytest.mark.parametrize(
    "origin", ["http://[", "null", "", "http://evil.example.org", "http://localhost.evil.example.org"]
)
def test_an_origin_that_is_none_of_ours_is_another_sites(lan: Site, origin: str) -> None:
    assert post(lan, "/sign-in", {"token": "x"}, Origin=origin).status == 403
    assert raw(lan, f"POST /sign-in HTTP/1.0\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n")[0] == 403


@pytest.mark.parametrize(
    "to", ["a://[", "http://[::1", "x\r\nSet-Cookie: a=b", "..//evil.example.org", "/\\evil.example.org"]
)
def test_no_address_to_go_on_to_breaks_the_sign_in_or_leads_out(lan: Site, to: str) -> None:
    given = bearer(lan, Tier.READ, f"for {to}")["Authorization"].removeprefix("Bearer ")

    page = lan.get(f"/sign-in?{urlencode({'to': to})}")
    entered = post(lan, "/sign-in", {"token": given, "to": to})

    assert (page.status, entered.status) == (200, 303)
    assert entered.headers["location"] in ("/", "/..//evil.example.org")
    assert entered.headers["set-cookie"].startswith(auth.COOKIE)


def test_tokens_are_not_tried_at_the_sign_in_either(lan: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walls, "client", lambda *_: (walls.address("192.168.7.7"), False))
    right = bearer(lan, Tier.READ, "many")["Authorization"].removeprefix("Bearer ")

    answers = [post(lan, "/sign-in", {"token": f"wrong {number}"}) for number in range(auth.WRONG)]
    late, good = (post(lan, "/sign-in", {"token": each}) for each in ("wrong again", right))

    assert good.status == 303
    assert {answer.status for answer in answers} == {401}
    assert (late.status, late.headers["retry-after"].isdecimal(), "set-cookie" in late.headers) == (429, True, False)


def test_who_signs_in_at_the_proxy_has_forms_that_nobody_can_guess(lan: Site) -> None:
    lan.listen(listen="127.0.0.1:8484", remote_user="remote-user", trusted_proxies=(ip_network("127.0.0.1/32"),))
    said: dict[str, Any] = {"X-Forwarded-For": "192.0.2.7", "Remote-User": "ana", "Sec-Fetch-Site": "same-origin"}

    def asked(csrf: str) -> int:
        return lan.get("/api/v1/runs/2/rerun", method="POST", **{**said, "X-Ctci-Csrf": csrf}).status

    assert [asked(csrf) for csrf in ("", auth._csrf("ana"), auth._csrf(" ana"))] == [403, 403, 403]
    assert lan.get("/runs", **said).status == 200


def test_the_secret_of_a_hook_is_no_wrong_token(lan: Site) -> None:
    signed: dict[str, Any] = {"Authorization": "Bearer of a hook", "Content-Type": "text/plain"}

    answers = {lan.get("/hooks/shop", method="POST", body=b"x", **signed).status for _ in range(2 * auth.WRONG)}

    assert answers == {400}
    assert lan.get("/runs").status == 401


@pytest.mark.parametrize(("server", "status"), [(("127.0.0.1", 8484), 403), (("/run/ctci/proxy.sock", None), 200)])
def test_who_has_hung_up_is_not_taken_for_a_proxy_on_a_socket(
    lan: Site, server: tuple[str, int | None], status: int
) -> None:
    lan.listen(allow=(ip_network("127.0.0.1/32"),), remote_user="remote-user")
    said = [(b"host", b"localhost"), (b"x-forwarded-for", b"127.0.0.1"), (b"remote-user", b"ana")]
    answers: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        answers.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/runs",
        "query_string": b"",
    }
    scope |= {"headers": said, "client": None, "server": server, "scheme": "http", "root_path": ""}
    asyncio.run(app.build(lan.doors())(scope, receive, send))

    assert answers[0]["status"] == status


# --- what a page or a recipe on this machine posts -------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api/v1/runs", "/api/v1/runs/2/rerun", "/api/v1/runs/2/cancel", "/api/v1/projects/shop/jobs"]
)
def test_being_on_this_machine_changes_nothing(lan: Site, path: str) -> None:
    lan.listen(listen="127.0.0.1:8484")
    body = json.dumps({"project": "shop"}).encode()
    before = len(ledger.runs_(lan.db))

    recipe = lan.get(path, method="POST", body=body, **JSON)
    evil: dict[str, Any] = {"Content-Type": "text/plain", "Origin": "http://evil.example.org"}
    page = lan.get(path, method="POST", body=body, **evil)

    assert (recipe.status, page.status) == (403, 403)
    assert len(ledger.runs_(lan.db)) == before


# --- odd values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs?cursor=PDk5OTk5OTk5OTk5OTk5OTk5OTk",
        "/api/v1/runs?cursor=%D9%A1",
        "/api/v1/runs?limit=1&limit=2",
        "/api/v1/runs?fields=%ED%A0%80",
        "/api/v1/jobs/2/log/lines?from=4611686018427387905",
        "/api/v1/jobs/2/log/search?q=a&from=99999999999999999999",
        "/api/v1/projects/%ED%A0%80",
        "/api/v1/projects/%00",
        "/runs/999999999999999999999",
        "/runs?before=99999999999999999999",
        "/runs?project=%00&page=-1",
        "/deliveries?before=99999999999999999999",
        "/jobs/2/log?from=99999999999999999999",
        "/digest?since=99999999999999999999",
        "/badge/%ED%A0%80.svg",
        "/p/%00/feed.atom",
    ],
)
def test_no_value_in_an_address_makes_an_error_of_ours(lan: Site, admin: dict[str, Any], path: str) -> None:
    assert lan.get(path, **admin).status < 500


@pytest.mark.parametrize(
    "body",
    [
        b'{"\\ud800": 1}',
        b'{"project": "\\ud800"}',
        b'{"project": "shop", "variables": {"\\udfff": "x"}}',
        b'{"project": "shop", "recipe": "\\udfff"}',
        b'{"project": "shop", "ref": 1e999}',
        b'{"project": ' + b"9" * 5000 + b"}",
        b'{"project": NaN}',
        b"\xff\xfe",
    ],
)
def test_no_body_makes_an_error_of_ours(lan: Site, admin: dict[str, Any], body: bytes) -> None:
    answer = lan.get("/api/v1/runs", method="POST", body=body, **admin, **JSON)

    assert answer.status in (400, 422)
    json.loads(answer.raw)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PATCH", "get", "GETX"])
def test_no_odd_method_is_answered_with_anything(lan: Site, admin: dict[str, Any], method: str) -> None:
    said = f"Host: localhost\r\nAuthorization: {admin['Authorization']}\r\n"

    status, answer = raw(lan, f"{method} /api/v1/runs HTTP/1.1\r\n{said}Content-Length: 0\r\n\r\n")

    assert status in (400, 403, 405)
    assert admin["Authorization"] not in answer


@pytest.mark.parametrize("key", ["a b", "a" * 201, "", "é"])
def test_a_key_that_is_none_is_refused(lan: Site, admin: dict[str, Any], key: str) -> None:
    said = f"Authorization: {admin['Authorization']}\r\nIdempotency-Key: {key}\r\nContent-Type: application/json\r\n"

    assert raw(lan, f"POST /api/v1/runs/2/rerun HTTP/1.0\r\n{said}Content-Length: 0\r\n\r\n")[0] == 400


# --- headers and the log ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/x%0d%0aSet-Cookie:%20a=b", "/p/x%0aY:%20z/feed.atom", "/api/v1/projects/x%0d%0aY:%20z"]
)
def test_nothing_asked_for_adds_a_header_or_a_line_to_the_log(
    lan: Site, admin: dict[str, Any], caplog: pytest.LogCaptureFixture, path: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = lan.get(path, **admin)

    assert not {"set-cookie", "y"} & answer.headers.keys()
    assert [record.getMessage() for record in caplog.records if "\n" in record.getMessage()] == []


def test_no_secret_that_was_brought_is_told_again(
    lan: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    feed = bearer(lan, Tier.FEED)["Authorization"].removeprefix("Bearer ")
    full = bearer(lan, Tier.READ, "told")["Authorization"].removeprefix("Bearer ")
    # As the server has it: caplog listens to what uvicorn writes for nobody, too.
    written = logging.StreamHandler(io.StringIO())
    monkeypatch.setattr(logging.getLogger(), "handlers", [written])
    monkeypatch.setattr(api, "_asked", broken)
    with caplog.at_level(logging.DEBUG):
        lan.get(f"/feed.atom?token={feed}")
        answers = [
            lan.get(f"/feed.atom?token={full}"),
            lan.get("/api/v1/runs", Authorization=f"Bearer {full}"),
            lan.get("/sign-in?to=x", Authorization=f"Bearer {full}x"),
            post(lan, "/sign-in", {"token": f"{full}x"}),
        ]

    assert [answer.status for answer in answers] == [401, 500, 401, 401]
    assert answers[0].headers["referrer-policy"] == "no-referrer"
    log = written.stream.getvalue()
    assert "broken" in log
    told = log + "".join(f"{answer.headers}{answer.text}" for answer in answers)
    assert (full in told, feed in told) == (False, False)


# --- logs, variables, packed bodies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/jobs/..%2f..%2fadmin-token/log",
        "/api/v1/jobs/2%2f..%2f..%2f..%2fadmin-token/log",
        "/api/v1/jobs/2/log?attempt=../../../admin-token",
        "/api/v1/jobs/2/log/lines?attempt=../../../admin-token",
        "/api/v1/runs/2/jobs/..%2f..%2f..%2fadmin-token/log",
        "/api/v1/runs/2/jobs/../../../admin-token/log",
        "/jobs/2/../../../admin-token",
        "/jobs/2/log?attempt=/../../../admin-token",
        "/static/../../admin-token",
        "/static/x/..%2f..%2fadmin-token",
    ],
)
def test_no_address_leads_to_a_file_besides_the_logs(lan: Site, admin: dict[str, Any], path: str) -> None:
    lan.place.data.joinpath("admin-token").write_text("hunter2")

    answer = lan.get(path, **admin)

    assert answer.status in (200, 404, 422)
    assert b"hunter2" not in answer.raw


def test_a_trigger_sets_no_variable_that_no_recipe_declares(lan: Site) -> None:
    may, before = bearer(lan, Tier.TRIGGER, "shop"), len(ledger.runs_(lan.db))
    body = json.dumps({"project": "shop", "variables": {"LD_PRELOAD": "/tmp/evil.so"}}).encode()

    answer = lan.get("/api/v1/runs", method="POST", body=body, **may, **JSON)

    assert (answer.status, "no recipe of shop declares LD_PRELOAD" in answer.text) == (422, True)
    assert len(ledger.runs_(lan.db)) == before


@pytest.mark.parametrize("path", ["/api/v1/runs", "/hooks/shop", "/sign-in"])
def test_a_packed_body_is_not_unpacked(lan: Site, admin: dict[str, Any], path: str) -> None:
    # Made in pieces: what it unpacks to was never in our own memory.
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join([*(packer.compress(b" " * (1 << 20)) for _ in range(50)), packer.flush()])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    answer = lan.get(path, method="POST", body=bomb, **{**admin, **JSON, "Content-Encoding": "gzip"})

    assert answer.status in (400, 401, 413, 415)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10

"""Outgoing calls against real servers on loopback: what they are sent, what becomes of it, and what is never said."""

import base64
import contextlib
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from ctci import clock
from ctci.report import calls, outlets, signing
from ctci.report.chat import Message
from ctci.report.outlets import OutletError
from tests.conftest import StoppedClock
from tests.report import tls
from tests.report.receiver import Receiver, raw, receiving

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = b'{"type":"run.finished"}'
TOLD = Message(
    title="shop/api:test broke on main (#1482)", body="x shop/api:test: broke\nhttps://ci.example.org/runs/1482"
)
#: Apprise tries a module that Python 3.13 has no more.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
#: What stands in addresses and must stand nowhere else.
TOKEN = "hunter2-token"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """What reaches the log of a server that tells all."""
    root, text = logging.getLogger(), StringIO()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    root.removeHandler(handler)


def call(url: str, *, deadline_s: float = 20) -> None:
    outlets.webhook(url.encode(), SECRET.encode(), id_=signing.id_of("1"), body=BODY, deadline_s=deadline_s)


def refused(url: str, *, deadline_s: float = 20) -> OutletError:
    with pytest.raises(OutletError) as caught:
        call(url, deadline_s=deadline_s)
    return caught.value


def test_a_webhook_is_called_so_that_the_public_verifier_takes_it(receiver: Receiver) -> None:
    call(f"{receiver.url}/in/{TOKEN}?key=a%20b")

    ((method, path, headers, body),) = receiver.calls
    assert (method, path, body) == ("POST", f"/in/{TOKEN}?key=a%20b", BODY)
    assert Webhook(SECRET).verify(body, headers) == {"type": "run.finished"}
    assert (headers["content-type"], headers["user-agent"]) == ("application/json", "ctci")


def test_each_try_has_the_same_id_and_its_own_time(receiver: Receiver, stopped_clock: StoppedClock) -> None:
    call(receiver.url)
    stopped_clock.move(3600)
    call(receiver.url)

    first, second = (headers for _, _, headers, _ in receiver.calls)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 3600
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_any_answer_of_success_is_enough(receiver: Receiver, code: int) -> None:
    receiver.code = code

    call(receiver.url)

    assert len(receiver.calls) == 1


@pytest.mark.parametrize("code", [300, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503])
def test_any_other_answer_is_tried_again(receiver: Receiver, code: int) -> None:
    receiver.code, receiver.body = code, b"<b>not\r\nnow</b>\x1b[2J"

    error = refused(receiver.url)

    assert (error.permanent, error.retry_ms) == (False, None)
    assert str(error).startswith(f"{receiver.url.removeprefix('http://')} answered {code}")
    assert str(error).isprintable()


def test_who_answers_gone_is_called_no_more(receiver: Receiver) -> None:
    receiver.code = 410

    error = refused(receiver.url)

    assert error.permanent
    assert "take it out of its [notify] table" in str(error)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.code, receiver.headers = 307, {"Location": f"{receiver.url}/elsewhere"}

    error = refused(f"{receiver.url}/in")

    assert [path for _, path, _, _ in receiver.calls] == ["/in"]
    assert "none is followed: write the address that it leads to" in str(error)


@pytest.mark.parametrize(
    ("code", "asked", "expected"),
    [
        (429, "120", 120_000),
        (503, "0", 1_000),
        (503, "9" * 5000, 3_600_000),
        (429, "Tue, 24 Nov 2026 10:31:00 GMT", 60_000),
        (429, "Tue, 24 Nov 2020 10:31:00 GMT", 1_000),
        (429, "Tue, 24 Nov 2099 10:31:00 GMT", 3_600_000),
        *((429, asked, None) for asked in ("", "soon", "-5", "1.5", "٣", "Tue, 99 Nov 2026")),
        (500, "120", None),
    ],
)
def test_a_receiver_may_ask_to_be_left_alone_for_a_while(
    code: int, asked: str, expected: int | None, stopped_clock: StoppedClock
) -> None:
    assert stopped_clock.at == 1_795_516_200_000  # Tue, 24 Nov 2026 10:30:00 GMT

    found = outlets.retry_ms(calls.Answer(code=code, headers={"retry-after": asked}, body=b""))

    assert found == expected


@given(asked=st.text(max_size=40), code=st.sampled_from([429, 503]))
def test_no_header_of_a_receiver_puts_a_call_off_for_long(asked: str, code: int) -> None:
    found = outlets.retry_ms(calls.Answer(code=code, headers={"retry-after": asked}, body=b""))

    assert found is None or 1000 <= found <= 3_600_000


def test_what_a_receiver_asks_for_is_in_the_error(receiver: Receiver) -> None:
    receiver.code, receiver.headers = 503, {"Retry-After": "90"}

    assert refused(receiver.url).retry_ms == 90_000


@pytest.mark.parametrize("rest", [f"/{TOKEN}", f"/in?key={TOKEN}", f"/a/{TOKEN}/b?x={TOKEN}", "/a/%68unter2-token"])
def test_what_a_receiver_quotes_of_its_address_is_not_said(receiver: Receiver, rest: str) -> None:
    host = receiver.url.removeprefix("http://")
    receiver.code, receiver.body = 404, f"no {receiver.url}{rest}, no {rest}, no {TOKEN}, no pass-hunter2".encode()

    error = refused(f"http://user:pass-hunter2@{host}{rest}")

    assert str(error).startswith(f"{host} answered 404: no ")
    assert "hunter2" not in str(error)


def test_no_error_says_more_of_an_address_than_its_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    error = refused(f"http://user:{TOKEN}@127.0.0.1:{port}/{TOKEN}?{TOKEN}")

    assert str(error) == f"127.0.0.1:{port} cannot be called: Connection refused"
    chain = [error, error.__cause__, error.__context__ if not error.__suppress_context__ else None]
    assert TOKEN not in "".join(repr(each) for each in chain)


@pytest.mark.parametrize("code", [200, 404])
def test_no_log_says_an_address(receiver: Receiver, code: int, logged: StringIO) -> None:
    receiver.code = code

    with contextlib.suppress(OutletError):
        call(f"{receiver.url}/{TOKEN}")
    with contextlib.suppress(OutletError):
        outlets.chat(f"json://{receiver.url.removeprefix('http://')}/{TOKEN}".encode(), TOLD)

    assert len(receiver.calls) == 2
    assert TOKEN not in logged.getvalue()


def test_a_name_that_nobody_has_is_said() -> None:
    assert refused("http://nobody.invalid/").permanent is False


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ((b"",), "what it sent is no answer (RemoteProtocolError)"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), "what it sent is no answer (RemoteProtocolError)"),
        ((b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 200_000,), "what it sent is no answer"),
    ],
)
def test_what_is_no_answer_is_said(pieces: tuple[bytes, ...], said: str) -> None:
    with raw(*pieces) as url:
        assert said in str(refused(url))


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
def test_who_answers_byte_by_byte_is_not_waited_for(beginning: bytes) -> None:
    began = time.monotonic()

    with raw(beginning or b"H", *([b"x"] * 1000), pause_s=0.05) as url:
        error = refused(url, deadline_s=0.5)

    assert "no answer in time" in str(error)
    assert time.monotonic() - began < 10


def test_who_never_answers_is_not_waited_for() -> None:
    with raw(b"", pause_s=30) as url:
        assert "no answer in time" in str(refused(url, deadline_s=0.3))


def test_a_name_that_no_server_answers_for_is_not_waited_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, lookup = threading.Event(), socket.getaddrinfo

    def silent(*args: Any, **fields: Any) -> Any:
        answers.wait(20)
        return lookup(*args, **fields)

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    before = set(threading.enumerate())
    error = refused(receiver.url, deadline_s=0.3)
    (looking,) = (each for each in threading.enumerate() if each not in before and each.name == "call")
    answers.set()
    looking.join(20)

    assert "no answer in time" in str(error)
    # What was told as late is not called after all.
    assert (looking.is_alive(), receiver.calls) == (False, [])


def test_of_an_endless_answer_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.code, receiver.body = 500, b"a" * (8 << 20)

    assert len(str(refused(receiver.url))) < 300


def test_a_compressed_answer_is_not_unpacked(receiver: Receiver) -> None:
    receiver.code, receiver.headers, receiver.body = 500, {"Content-Encoding": "gzip"}, b"\x1f\x8b" + bytes(100)

    error = refused(receiver.url)

    assert receiver.calls[0][2]["accept-encoding"] == "identity"
    assert "answered 500" in str(error)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    with receiving(tls=tls.server(tls.certificate(tmp_path))) as receiver:
        error = refused(receiver.url)

    assert "its certificate is not trusted: self-signed certificate" in str(error)
    assert receiver.calls == []


def test_no_proxy_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    call(receiver.url)

    assert len(receiver.calls) == 1


@pytest.mark.parametrize(
    ("url", "secret", "said"),
    [
        (b"https://example.org/\r\nX-Evil: 1", SECRET.encode(), "what `webhook` refers to cannot be used"),
        (b"hunter2", SECRET.encode(), "what `webhook` refers to cannot be used"),
        (b"https://example.org/", b"hunter2", "what `webhook-secret` refers to cannot be used"),
        (b"https://example.org/", SECRET.encode() + b"\r\nX: 1", "what `webhook-secret` refers to cannot be used"),
    ],
)
def test_a_secret_that_was_changed_to_another_form_is_told_and_kept_for_later(
    url: bytes, secret: bytes, said: str
) -> None:
    with pytest.raises(OutletError, match=said) as caught:
        outlets.webhook(url, secret, id_="msg_1", body=BODY)

    assert not caught.value.permanent
    assert "hunter2" not in str(caught.value)


def test_a_heartbeat_is_one_get_without_a_body(receiver: Receiver) -> None:
    outlets.heartbeat(f"{receiver.url}/ping/{TOKEN}".encode())

    ((method, path, headers, body),) = receiver.calls
    assert (method, path, body) == ("GET", f"/ping/{TOKEN}", b"")
    assert "webhook-signature" not in headers


def test_a_heartbeat_that_nobody_hears_is_an_error(receiver: Receiver) -> None:
    receiver.code, receiver.body = 404, b"not found"

    with pytest.raises(OutletError, match=r"answered 404: not found"):
        outlets.heartbeat(f"{receiver.url}/ping".encode())


def test_a_chat_gets_title_and_text(receiver: Receiver) -> None:
    outlets.chat(f"json://{receiver.url.removeprefix('http://')}/{TOKEN}".encode(), TOLD)

    ((method, path, _, body),) = receiver.calls
    assert (method, path.rstrip("/")) == ("POST", f"/{TOKEN}")
    assert TOLD.title.encode() in body
    assert b"https://ci.example.org/runs/1482" in body


def test_a_chat_that_takes_nothing_is_said_without_its_address(receiver: Receiver, logged: StringIO) -> None:
    receiver.code = 403

    with pytest.raises(OutletError) as caught:
        outlets.chat(f"json://user:{TOKEN}@{receiver.url.removeprefix('http://')}/{TOKEN}".encode(), TOLD)

    assert str(caught.value).startswith("json: the message was not taken: ")
    assert "403" in str(caught.value)
    assert TOKEN not in f"{caught.value} {logged.getvalue()}"


def test_an_address_that_apprise_does_not_know_is_said_without_it(logged: StringIO) -> None:
    with pytest.raises(OutletError) as caught:
        outlets.chat(f"nonsense://{TOKEN}/{TOKEN}".encode(), TOLD)

    assert str(caught.value) == "nonsense: Apprise cannot make anything of the address"
    assert TOKEN not in logged.getvalue()


def test_a_chat_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(OutletError, match=r"pip install 'ctci\[apprise\]'"):
        outlets.chat(b"json://127.0.0.1/", TOLD)


def test_a_chat_that_hangs_is_not_waited_for() -> None:
    with raw(b"", pause_s=30) as url, pytest.raises(OutletError, match="did not take the message within 0 s"):
        outlets.chat(url.replace("http://", "json://").encode(), TOLD, timeout_s=0.3)


def test_a_server_that_calls_nobody_loads_neither_library() -> None:
    asked = "import sys, ctci.report.outlets; print(sorted({'httpx2', 'apprise'} & set(sys.modules)))"

    said = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout

    assert said.strip() == "[]"


def test_the_time_of_a_call_is_that_of_the_clock(receiver: Receiver, stopped_clock: StoppedClock) -> None:
    call(receiver.url)

    assert receiver.calls[0][2]["webhook-timestamp"] == str(clock.now() // 1000)
    assert stopped_clock.slept == []

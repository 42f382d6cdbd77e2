"""Tells by webhook, chat and heartbeat what is to be told: one try each, and what became of it.

What a reference names (addresses, keys) goes to its own host alone; no message and no log shows more of it than that.
"""

import logging
import threading
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from ctci import clock
from ctci.config import forms, outlets
from ctci.forges import retry_after
from ctci.report import calls, saying, signing
from ctci.report.chat import Message

#: The longest that a receiver may ask to be left alone for, seconds: then it is tried again all the same.
PATIENCE_S = 3600.0
#: A shorter piece of an address is no secret, but stands in many words.
_SECRET_FROM = 4
#: Answers after which a trace may be sent again; after any other it may not (OTLP/HTTP, "Retryable Response Codes").
AGAIN = (429, 502, 503, 504)
#: A chat's service takes at most so long, seconds.
CHAT_S = 30.0


class OutletError(Exception):
    """What was to be told did not go; the message may be shown.

    `permanent`: it will never be taken. `retry_ms`: the receiver asks to be left alone for so long.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_ms: int | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_ms = retry_ms


def webhook(url: bytes, secret: bytes, *, id_: str, body: bytes, deadline_s: float = calls.DEADLINE_S) -> None:
    """Call a webhook with an event, signed; `id_` is the same at every try. Raises OutletError."""
    address, key = value("webhook", url), forms.signing_key(value("webhook-secret", secret))
    headers = signing.headers(key or b"", id_=id_, at=clock.now(), body=body)
    _call("POST", address, {**headers, "Content-Type": "application/json"}, body, deadline_s)


def heartbeat(url: bytes, *, deadline_s: float = calls.DEADLINE_S) -> None:
    """Say that all went well. Raises OutletError."""
    _call("GET", value("heartbeat", url), {}, b"", deadline_s)


def trace(url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Tell a collector of a run; what it answers. Raises OutletError."""
    answer = _answer("POST", url, {**headers, "Content-Type": "application/json"}, body, calls.DEADLINE_S)
    if not 200 <= answer.code < 300:
        said = f"{calls.host(url)} answered {answer.code} to a trace"
        raise OutletError(said, permanent=answer.code not in AGAIN, retry_ms=retry_ms(answer))
    return answer.body


def chat(url: bytes, message: Message, *, timeout_s: float = CHAT_S) -> None:
    """Hand a message to a service that Apprise knows. Raises OutletError."""
    address = value("apprise", url)
    failed: list[str] = []
    # Whatever the service does, its thread is not waited for beyond the time; it ends by limits of its own.
    sender = threading.Thread(target=_hand_over, args=(address, message, failed), name="apprise", daemon=True)
    sender.start()
    sender.join(timeout_s)
    scheme = urlsplit(address).scheme
    if sender.is_alive():
        raise OutletError(f"{scheme} did not take the message within {timeout_s:.0f} s")
    if failed:
        raise OutletError(f"{scheme}: {_without(address, failed[0])}")


def value(key: str, found: bytes) -> str:
    """The secret of a key as text. It may have been changed since the configuration was read. Raises OutletError."""
    fault = outlets.fault(key, found)
    if fault is not None:
        raise OutletError(f"what `{key}` refers to cannot be used: {fault}")
    return found.decode()


def _call(method: str, url: str, headers: dict[str, str], body: bytes, deadline_s: float) -> None:
    host, answer = calls.host(url), _answer(method, url, headers, body, deadline_s)
    if 200 <= answer.code < 300:
        return
    said = f"{host} answered {answer.code}"
    if answer.code == 410:
        raise OutletError(f"{said}, Gone: it wants no more calls; take it out of its [notify] table", permanent=True)
    if 300 <= answer.code < 400:
        raise OutletError(f"{said}, a redirect, and none is followed: write the address that it leads to")
    words = _without(url, answer.body.decode("utf-8", "replace"))
    raise OutletError(f"{said}: {words}" if words else said, retry_ms=retry_ms(answer))


def _answer(method: str, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float) -> calls.Answer:
    try:
        return calls.call(method, url, headers=headers, body=body, deadline_s=deadline_s)
    except calls.Unanswered as error:
        raise OutletError(f"{calls.host(url)} cannot be called: {error}") from None


def retry_ms(answer: calls.Answer) -> int | None:
    """How long the receiver asks to be left alone for, at most PATIENCE_S; None where it does not."""
    if answer.code not in (429, 503):
        return None
    asked_s = retry_after.seconds(answer.headers, clock.now(), most_s=PATIENCE_S)
    return None if asked_s is None else int(asked_s * 1000)


def _without(url: str, said: str) -> str:
    """What a receiver said, as one line, without the pieces of the address that it may have quoted."""
    parts = urlsplit(url)
    pieces = {url, parts.path, parts.query, parts.netloc.rpartition("@")[0], parts.username or "", parts.password or ""}
    pieces |= {*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))}
    pieces |= {unquote(piece) for piece in pieces}
    # The longer first: a shorter one may stand in it.
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= _SECRET_FROM:
            said = said.replace(piece, "***")
    return saying.plain(said)


def _hand_over(url: str, message: Message, failed: list[str]) -> None:
    """The part of `chat` that runs in a thread; what went wrong is put into `failed`."""
    try:
        # An extra, and slow: 60 ms.
        import apprise  # noqa: PLC0415
    except ImportError:
        failed.append("a package is missing: pip install 'ctci[apprise]'")
        return
    log, said = logging.getLogger("apprise"), _Said()
    calls.mute("apprise", "requests", "urllib3")
    log.addHandler(said)
    try:
        service = apprise.Apprise.instantiate(url)
        if service is None:
            failed.append("Apprise cannot make anything of the address")
        elif not service.notify(title=message.title, body=message.body, body_format=apprise.NotifyFormat.TEXT):
            failed.append(f"the message was not taken{said.last and ': '}{said.last}")
    except Exception as error:  # noqa: BLE001 - around one message: a service's fault is not the courier's
        failed.append(f"the message was not taken: {type(error).__name__} in Apprise")
    finally:
        log.removeHandler(said)


class _Said(logging.Handler):
    """The last warning of this thread: another one may be about another address."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if record.thread == self._thread:
            self.last = record.getMessage()

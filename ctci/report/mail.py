"""Takes one message to one mail server, or into a folder as an .eml file where no server is configured.

Knows SMTP and nothing of letters. Never says a password, and never sends one in the clear to another machine.
"""

import contextlib
import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy, default
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from ctci import clock
from ctci.report.letter import Composed

if TYPE_CHECKING:
    import smtplib

#: Port of a scheme: relay with STARTTLS where offered, submission with TLS from the first byte.
PORTS = {"smtp": 25, "smtps": 465}


class _Whole(UnstructuredHeader, BaseHeader):
    """A header of addresses and ids: none is broken or encoded, however long, for no program puts it together again."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {f'{policy.linesep} '.join(str(self).split())}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("list-unsubscribe", "in-reply-to", "references"):
    _HEADERS.map_to_type(_name, _Whole)
_POLICY = default.clone(header_factory=_HEADERS)


class MailError(Exception):
    """The message did not go; `permanent` where the server will never take this one."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


def message(
    composed: Composed, *, sender: str, to: str, message_id: str, headers: Mapping[str, str] | None = None
) -> EmailMessage:
    """The letter as a message to one address: text and HTML. Raises MailError for an address that is none."""
    made = EmailMessage(policy=_POLICY)
    try:
        made["From"] = _address(sender)
    except ValueError as error:
        # The configuration's fault, like a refused login: no letter is given up for it.
        raise MailError(f"the [smtp] from is no address: {error}") from error
    try:
        made["To"] = _address(to)
        made["Subject"] = composed.subject
        made["Date"] = format_datetime(clock.local(clock.now()))
        made["Message-ID"] = message_id
        for name, value in headers.items() if headers else ():
            made[name] = value
    except ValueError as error:
        raise MailError(f"the message cannot be written: {error}", permanent=True) from error
    # No answer of a machine to this one.
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    encoding = "7bit" if composed.text.isascii() else "quoted-printable"
    made.set_content(composed.text, cte=encoding, params={"format": "fixed"})
    made.add_alternative(composed.html, subtype="html", cte="quoted-printable")
    return made


def send(message: EmailMessage, smtp_url: str | None, folder: Path, *, timeout_s: float = 30) -> None:
    """Hand `message` to the server at `smtp_url`, or put it into `folder`; it is theirs or on disk on return.

    smtps://[user:password@]host[:port] speaks TLS from the first byte, smtp:// as soon as it is offered. `timeout_s`
    is for each answer. Raises MailError.
    """
    if smtp_url is None:
        _file(message, folder)
    else:
        _hand_over(message, _split(smtp_url), timeout_s)


def written(folder: Path, message_id: str) -> Path:
    """The file that a letter is, where there is no mail server."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", message_id.strip("<>").partition("@")[0]).strip(".") or "letter"
    return folder / f"{name}.eml"


def whole(message: EmailMessage) -> bytes:
    """The letter as it would be sent, and as it stands in its file."""
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


def _address(text: str) -> Address:
    name, spec = parseaddr(text)
    if "@" not in spec:
        raise ValueError(f"{text!r} is no address")
    return Address(display_name=name, addr_spec=spec)


def _file(message: EmailMessage, folder: Path) -> None:
    """Written beside and renamed: who looks for *.eml never sees half a letter, and a second try replaces the first."""
    path = written(folder, message["Message-ID"])
    part = folder / f".{path.stem}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(whole(message))
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        raise MailError(f"the letter cannot be written into {folder}: {error.strerror}") from error


def _split(url: str) -> SplitResult:
    try:
        split = urlsplit(url)
        if split.scheme in PORTS and split.hostname and split.port != 0:
            return split
    except ValueError:
        # Neither the error nor its cause is shown: both quote the address, which has the password in it.
        split = None
    raise MailError(
        "the [smtp] url is not understood; it is smtp:// or smtps://, then USER:PASSWORD@ if any, then HOST:PORT"
    )


def _hand_over(message: EmailMessage, url: SplitResult, timeout_s: float) -> None:
    # 15 ms that a server without a mail server need not spend.
    import smtplib  # noqa: PLC0415

    password = unquote(url.password or "")
    host, port = url.hostname or "", url.port or PORTS[url.scheme]
    where = f"{host}:{port}"
    step = f"cannot reach the mail server {where}"
    server: smtplib.SMTP | None = None
    try:
        server = _connect(url.scheme, host, port, ehlo=_ehlo(message), timeout_s=timeout_s)
        step = f"{where} did not greet"
        server.ehlo_or_helo_if_needed()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            step = f"{where} offers STARTTLS, but"
            server.starttls(context=_trust(host))
            server.ehlo()
        elif url.scheme == "smtp" and password and not _loopback(host):
            raise MailError(f"{where} offers no STARTTLS, and the password is not sent in the clear")
        if url.username:
            step = f"{where} does not let {unquote(url.username)} in"
            server.login(unquote(url.username), password)
        step = f"{where} did not take the letter"
        server.send_message(message, parseaddr(message["From"])[1], [parseaddr(message["To"])[1]])
        # The letter is theirs now; what becomes of the goodbye changes nothing.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise _said(step, error, password) from None
    finally:
        if server is not None:
            server.close()


def _connect(scheme: str, host: str, port: int, *, ehlo: str, timeout_s: float) -> "smtplib.SMTP":
    import smtplib  # noqa: PLC0415 - as above

    if scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, local_hostname=ehlo, timeout=timeout_s, context=context)
    return smtplib.SMTP(host, port, local_hostname=ehlo, timeout=timeout_s)


def _said(step: str, error: Exception, password: str) -> MailError:
    """The error in words; permanent only where the address or this very letter was refused for good.

    A refused login or sender is the configuration's fault: the letter waits for it to be mended.
    """
    import smtplib  # noqa: PLC0415 - as above

    code, answer = 0, ""
    permanent = False
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, refusal = next(iter(error.recipients.values()))
        answer, permanent = _text(refusal), code >= 500
    elif isinstance(error, smtplib.SMTPResponseException):
        code, answer = error.smtp_code, _text(error.smtp_error)
        permanent = isinstance(error, smtplib.SMTPDataError) and code >= 500
    elif isinstance(error, ssl.SSLCertVerificationError):
        answer = f"its certificate is not trusted: {error.verify_message}"
    elif isinstance(error, TimeoutError) or str(error).endswith("timed out"):
        # smtplib calls a silence the end of the connection.
        answer = "no answer in time"
    elif isinstance(error, OSError) and error.strerror:
        answer = error.strerror
    else:
        answer = str(error) or type(error).__name__
    said = " ".join(f"{step}: {code or ''} {answer}".split())
    if password:
        said = said.replace(password, "***")
    return MailError(said[:500], permanent=permanent)


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _ehlo(message: EmailMessage) -> str:
    """The name to greet with: the host of the Message-ID where it is a full name, else an address literal."""
    host = message["Message-ID"].strip("<>").rpartition("@")[2]
    return host if "." in host and not host.replace(".", "").isdecimal() else "[127.0.0.1]"


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _trust(host: str) -> ssl.SSLContext:
    """Whom to believe after STARTTLS: the usual authorities; on this machine anybody.

    A mail server of a distribution comes with a certificate made by itself, and loopback needs none.
    """
    context = ssl.create_default_context()
    if _loopback(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

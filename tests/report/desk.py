"""A real mail server on loopback that remembers what it was told, and refuses what it was asked to refuse."""

import asyncio
import email
import email.policy
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

PASSWORD = b"p@ss:w/rd"


class Listening(Controller):
    """On a port that was free."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@dataclass
class Desk:
    """What one server was told, in the order of telling."""

    #: What it says to the next letters; then 250.
    answers: list[str] = field(default_factory=list)
    #: What it says to an address.
    refused: dict[str, str] = field(default_factory=dict)
    envelopes: list[Envelope] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    _running: list[Controller] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.envelopes.append(envelope)
            self.sessions.append(session)
        return answer

    def login(self, *args: Any) -> AuthResult:
        """An authenticator."""
        sent = args[-1]
        assert isinstance(sent, LoginPassword)
        self.logins.append((sent.login, sent.password))
        return AuthResult(success=sent.password == PASSWORD, handled=False)

    def start(self, **settings: Any) -> int:
        """Begin to listen, with settings of aiosmtpd's; the port."""
        controller = Listening(self, hostname="127.0.0.1", port=0, **settings)
        controller.start()
        self._running.append(controller)
        port: int = controller.port
        return port

    def stop(self) -> None:
        while self._running:
            self._running.pop().stop()

    @property
    def messages(self) -> list[EmailMessage]:
        """The letters that it took."""
        contents = [envelope.content for envelope in self.envelopes]
        return [
            email.message_from_bytes(content, policy=email.policy.default)
            for content in contents
            if isinstance(content, bytes)
        ]

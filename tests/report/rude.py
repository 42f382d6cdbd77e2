"""A mail server on loopback that fails as servers do, at any step of its conversation, and then is as good as any."""

import contextlib
import email
import email.policy
import socketserver
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Self

#: The steps of a conversation, in their order.
STEPS = ("banner", "ehlo", "mail", "rcpt", "data", "body", "quit")
_GOOD = {"banner": "220 here", "data": "354 go on", "quit": "221 bye"}


@dataclass
class Rude:
    """`faults`: what it does at a step instead of saying yes: an answer, `drop`, `hang` until told, `slow`."""

    faults: dict[str, str] = field(default_factory=dict)
    #: The letters that it has in hand, also those whose sender was not told so.
    messages: list[EmailMessage] = field(default_factory=list)
    #: Those who wrote to it, a conversation each, by the commands that were said.
    said: list[list[str]] = field(default_factory=list)
    #: What ends a hang.
    on: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        rude = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(_Over, OSError):
                    _talk(rude, self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Over(Exception):
    """The conversation has ended."""


def _talk(rude: Rude, peer: Any) -> None:
    commands: list[str] = []
    rude.said.append(commands)
    _answer(rude, peer, "banner")
    while line := peer.rfile.readline():
        command = line.split()[0].decode().lower()
        commands.append(command)
        step = {"helo": "ehlo"}.get(command, command)
        address = line.decode().partition("<")[2].partition(">")[0]
        named = f"{step} {address}"
        _answer(rude, peer, named if named in rude.faults else step)
        if step == "quit":
            return
        if step == "data" and not rude.faults.get("data", "")[:1].isdigit():
            _take(rude, peer)


def _take(rude: Rude, peer: Any) -> None:
    lines = []
    while (line := peer.rfile.readline()) not in (b".\r\n", b""):
        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if rude.faults.get("body") == "drop" and len(lines) == 5:
            raise _Over
    if not rude.faults.get("body", "2").startswith(("4", "5")):
        rude.messages.append(email.message_from_bytes(b"".join(lines), policy=email.policy.default))
    if rude.faults.get("body") == "forget":
        # It has the letter, and says so to nobody.
        raise _Over
    _answer(rude, peer, "body")


def _answer(rude: Rude, peer: Any, step: str) -> None:
    fault = rude.faults.get(step, "")
    if fault == "drop":
        raise _Over
    if fault == "hang":
        rude.on.wait(10)
        raise _Over
    if fault == "slow":
        rude.on.wait(0.1)
    said = fault if fault[:1].isdigit() else _GOOD.get(step, "250 yes")
    peer.wfile.write(f"{said}\r\n".encode())
    if fault.startswith("421"):
        raise _Over

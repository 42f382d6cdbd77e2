"""What a supervisor such as systemd is told of the server: ready, reloading, stopping, its state, and that it lives.

Each is one datagram to the socket that the supervisor named (sd_notify). Nothing happens where it named none, and
nothing fails where it has gone.
"""

import logging
import os
import socket
from collections.abc import MutableMapping

from ctci import clock

log = logging.getLogger(__name__)

#: How long the supervisor may keep a datagram waiting, seconds.
SEND_S = 2.0
#: What a supervisor says to the process that it starts, and to none that this one starts.
OURS = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class Supervisor:
    """Who started this process, as far as it wants to hear of it."""

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self._address = address
        #: How long it waits for a sign of life before it ends this process, in seconds; None: for ever.
        self.watchdog_s = watchdog_s
        self._silent = False

    @property
    def listens(self) -> bool:
        """Whether it wants to hear anything."""
        return self._address is not None

    def ready(self, state: str) -> None:
        """The doors are open, or the configuration has been read again."""
        self._tell("READY=1", _status(state))

    def reloading(self) -> None:
        """The configuration is being read again; `ready` ends it."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={int(clock.monotonic() * 1_000_000)}")

    def stopping(self) -> None:
        """The server ends in order."""
        self._tell("STOPPING=1", _status("stopping"))

    def alive(self, state: str) -> None:
        """All goes on, for as long again as the watchdog waits."""
        self._tell("WATCHDOG=1", _status(state))

    def troubled(self, state: str) -> None:
        """What is wrong; no sign of life."""
        self._tell(_status(state))

    def _tell(self, *lines: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.settimeout(SEND_S)
                out.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            # Once: it would be said every half minute.
            if not self._silent:
                log.warning("the supervisor cannot be told of the server's state: %s", error)
            self._silent = True
        else:
            self._silent = False


def taken(environ: MutableMapping[str, str]) -> Supervisor:
    """The supervisor that an environment tells of, which it does not do any more then: nobody inherits it."""
    said = {name: environ.pop(name, "") for name in OURS}
    address = said["NOTIFY_SOCKET"]
    if not address.startswith(("/", "@")):
        return Supervisor()
    usec, pid = said["WATCHDOG_USEC"], said["WATCHDOG_PID"]
    watched = usec.isascii() and usec.isdigit() and int(usec) > 0 and pid in ("", str(os.getpid()))
    # The at sign stands for the zero byte of an abstract name.
    name = f"\0{address[1:]}" if address.startswith("@") else address
    return Supervisor(name, int(usec) / 1_000_000 if watched else None)


def _status(state: str) -> str:
    """A state in the one line that it may take."""
    return f"STATUS={' '.join(state.split())}"

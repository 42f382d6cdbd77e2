"""uvicorn as we want it: in a thread without signals, two sockets, a limit on headers, and calm when idle."""

import asyncio
import pwd
import socket
import struct
import threading
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Headers must be whole within so many seconds and bytes: uvicorn itself waits for ever.
HEADERS_S = 10.0
HEADERS_BYTES = 32 * 1024


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 whose headers end in time and in size."""

    _timer: asyncio.TimerHandle | None = None
    _unread = 0

    _peer: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own type
        super().connection_made(transport)
        self._peer = _peer(transport.get_extra_info("socket"))
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._arm()
        super().on_message_begin()
        if self._peer is not None:
            self.scope["ctci.peer"] = self._peer  # type: ignore[typeddict-unknown-key] # a key of our own

    def on_headers_complete(self) -> None:
        self._disarm()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Only what has not yet become whole headers counts: one read may bring a body along.
        if self._timer is not None:
            self._unread += len(data)
            if self._unread > HEADERS_BYTES and not self.transport.is_closing():
                self.transport.close()

    def _arm(self) -> None:
        self._disarm()
        self._unread = 0
        self._timer = self.loop.call_later(HEADERS_S, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()


def _peer(line: socket.socket | None) -> str | None:
    """The user of this machine at the other end of a unix socket, as the kernel knows it (unix(7), SO_PEERCRED)."""
    if line is None or line.family != socket.AF_UNIX:
        return None
    credentials = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid = struct.unpack("3i", credentials)[1]
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


class Server:
    """The web server as a loop like the others: `run` is a thread's body, `close` ends it from another thread."""

    def __init__(self, app: Any, sockets: list[socket.socket], stop: threading.Event) -> None:
        settings = uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=3,
        )
        self._sockets = sockets
        self._stop = stop
        self._server = _Calm(settings)

    def run(self, stop: threading.Event) -> None:
        """Serve until closed."""
        del stop
        self._server.run(sockets=self._sockets)

    @property
    def opened(self) -> threading.Event:
        """Set once calls are answered."""
        return self._server.opened

    def close(self) -> None:
        """Take no more calls; answers that are under way have three seconds."""
        self._server.should_exit = True
        self._server.wake()


class _Calm(uvicorn.Server):
    """Looks at its state once a second instead of ten times, and at once when woken."""

    _woken: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, settings: uvicorn.Config) -> None:
        super().__init__(settings)
        self.opened = threading.Event()

    def wake(self) -> None:
        loop, woken = self._loop, self._woken
        if loop is not None and woken is not None and not loop.is_closed():
            loop.call_soon_threadsafe(woken.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self.opened.set()
        counter = 0
        # uvicorn counts tenths of a second.
        while not await self.on_tick(counter):
            counter = (counter + 10) % 864000
            try:
                async with asyncio.timeout(1.0):
                    await self._woken.wait()
            except TimeoutError:
                continue

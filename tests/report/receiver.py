"""A real HTTP server on loopback that keeps what it is sent, and answers as it is told."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came, and what is answered to it."""

    url: str = ""
    code: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: (method, path, headers in lower case, body) of each call.
    calls: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiving(*, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that answers 200 until it is told otherwise."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", "0")))
            found = {name.lower(): value for name, value in self.headers.items()}
            receiver.calls.append((self.command, self.path, found, sent))
            self.send_response(receiver.code)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(receiver.body)))
            self.end_headers()
            # Who reads the beginning only hangs up.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(receiver.body)

        do_GET = do_POST  # noqa: N815 - the name that the library looks for

        def log_message(self, *_: Any) -> None:
            """Tests read `calls`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that breaks off is what is tried
        receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@contextmanager
def raw(*pieces: bytes, pause_s: float = 0.0) -> Iterator[str]:
    """The address of one who takes one call and answers with these bytes, pausing after each; then he hangs up."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            try:
                line = server.accept()[0]
            except OSError:
                return
            with line:
                line.recv(65536)
                for piece in pieces:
                    try:
                        line.sendall(piece)
                    except OSError:
                        return
                    if ended.wait(pause_s):
                        return
                # Who closes with bytes unread resets the line, and takes back even what he said.
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_WR)
                    line.settimeout(5)
                    while line.recv(65536):
                        pass

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/in"
        ended.set()
        # Wakes him up if nobody has called.
        server.shutdown(socket.SHUT_RDWR)
        thread.join()

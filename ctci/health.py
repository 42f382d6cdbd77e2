"""Whether the running server can work, asked through the data folder's own socket, for a container's health check.

Imports little, for it is asked twice a minute.
"""

import http.client
import json
import socket
from pathlib import Path

#: How long an answer may take, seconds.
ANSWER_S = 8.0


class Local(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout_s: float = ANSWER_S) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket. Raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class HealthError(Exception):
    """No answer came; the message says why."""


def reasons(path: Path) -> tuple[str, ...]:
    """Why the server cannot work, as /readyz has it; none where it can. Raises HealthError."""
    asked = Local(path)
    try:
        asked.request("GET", "/readyz")
        told = json.loads(asked.getresponse().read())
        return tuple(map(str, told["reasons"]))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise HealthError(f"the server does not answer: {error}") from error
    finally:
        asked.close()

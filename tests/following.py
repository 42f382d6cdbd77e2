"""A client of server-sent events, as browsers are: it reads, and comes back with the id of the last one."""

import http.client
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

#: What ends a stream that its server does not end.
BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Event:
    name: str
    data: dict[str, Any]
    id: str


def resident(pid: int) -> int:
    """Bytes of memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) << 10


class Stream:
    """One connection; each event as it comes, until the server ends it."""

    def __init__(self, port: int, path: str, *, last: str = "", **headers: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request("GET", path, headers=given | ({"Last-Event-ID": last} if last else {}))
        self.answer = self._connection.getresponse()
        #: The id that a browser would send back.
        self.last = last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __iter__(self) -> Iterator[Event]:
        name, data = "message", ""
        while line := self.answer.readline():
            field_, _, value = line.decode().rstrip("\n").partition(": ")
            if field_ == "event":
                name = value
            elif field_ == "id":
                self.last = value
            elif field_ == "data":
                data = value
            elif not field_ and data and not value:
                yield Event(name, json.loads(data), self.last)
                name, data = "message", ""

    def next(self, *names: str) -> Event:
        """The next event, with names the next of these."""
        return next(each for each in self if not names or each.name in names)


@dataclass
class Reader(threading.Thread):
    """Follows a log to its end, coming back as often as that takes; keeps what it was told of which lines."""

    port: int
    job: int
    #: (first, last, whether they were skipped), in their order.
    told: list[tuple[int, int, bool]] = field(default_factory=list)
    #: Lines that did not say their number.
    wrong: list[str] = field(default_factory=list)
    lives: int = 0
    end: dict[str, Any] = field(default_factory=dict)
    last: str = ""

    def __post_init__(self) -> None:
        threading.Thread.__init__(self, daemon=True)

    __hash__ = threading.Thread.__hash__

    @property
    def at(self) -> int:
        return self.told[-1][1] if self.told else 0

    @property
    def gaps(self) -> list[tuple[int, int, bool]]:
        """What does not begin where what was told before it has ended."""
        before = [0, *(last for _, last, _ in self.told)]
        return [each for each, last in zip(self.told, before, strict=False) if each[0] != last + 1]

    def run(self) -> None:
        patience = threading.Event()
        while not self.end:
            # A browser waits before it comes back, too.
            wait_s = 0.2
            try:
                with Stream(self.port, f"/api/v1/jobs/{self.job}/log/live", last=self.last) as stream:
                    if stream.answer.status == http.client.OK:
                        self.lives += 1
                        self._read(stream)
                    wait_s = float(stream.answer.headers.get("retry-after", wait_s))
            except BROKEN:
                pass
            patience.wait(wait_s)

    def _read(self, stream: Stream) -> None:
        for event in stream:
            self.last = stream.last
            if event.name == "skipped":
                self.told.append((event.data["from"], event.data["to"], True))
            elif event.name == "lines":
                first, lines = event.data["from"], event.data["lines"]
                self.told.append((first, first + len(lines) - 1, False))
                self.wrong += [line for at, line in enumerate(lines, first) if line != str(at)]
            elif event.name == "end":
                self.end = event.data
                return

"""A server over a ledger, for the tests of its pages, and what it answers."""

import http.client
import re
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from ctci import config, layout, ledger, premises
from ctci.config.settings import Config, Project, Server, Subproject
from ctci.http import Server as WebServer
from ctci.model import Job, Status
from ctci.web import app
from ctci.web.doors import Doors
from tests import blank, make
from tests.conftest import StoppedClock
from tests.eventually import eventually

#: Of a request; in pieces it is sent chunked.
Body = bytes | Iterator[bytes]


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def text(self) -> str:
        return self.raw.decode()

    @property
    def h1(self) -> str:
        """The headline as a reader sees it, with plain spaces."""
        found = re.search(r"<h1>(.*?)</h1>", self.text, re.DOTALL)
        assert found is not None
        return re.sub(r"<[^>]*>", "", found[1]).replace("\u202f", " ").replace("&lt;", "<").replace("&gt;", ">").strip()


class Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


@dataclass
class Site:
    """A served ledger."""

    db: ledger.Ledger
    place: layout.Layout
    #: Stands still, so that an age is what a test made it.
    clock: StoppedClock
    settings: Config
    ready: Mapping[str, object] | Exception = field(default_factory=lambda: {"ok": True, "reasons": []})
    busy: int = 0
    stopping: bool = False
    sizes: Mapping[str, int] = field(default_factory=dict)
    port: int = 0

    def __post_init__(self) -> None:
        self.current = config.Current(lambda: self.settings)

    def get(
        self, path: str, *, method: str = "GET", unix: bool = False, body: Body | None = None, **headers: str
    ) -> Answer:
        made = Unix(str(self.place.socket)) if unix else http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            made.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = made.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            made.close()

    def reads(self, path: str, status: int = 200, **headers: Any) -> int:
        """How many statements the ledger is asked for one answer, which has this status."""
        asked: list[str] = []

        def note(*given: Any) -> None:
            asked.append(given[2])

        event.listen(self.db.engine, "before_cursor_execute", note)
        try:
            assert self.get(path, **headers).status == status
        finally:
            event.remove(self.db.engine, "before_cursor_execute", note)
        return len(asked)

    def write(self, job: Job, content: bytes, *, times: tuple[tuple[int, int], ...] = ()) -> Path:
        path = self.place.log(job.id, job.attempt or 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if times:
            path.with_name("log.idx").write_bytes(b"".join(struct.pack("<QQ", *each) for each in times))
        return path

    def listen(self, **server: Any) -> None:
        self.settings = replace(self.settings, server=replace(self.settings.server, **server))

    def doors(self) -> Doors:
        return Doors(
            db=self.db,
            layout=self.place,
            current=self.current,
            environ={},
            ready=self.told,
            remarks=lambda _: (),
            stopping=lambda: self.stopping,
            busy=lambda: self.busy,
            sizes=lambda: self.sizes,
        )

    def told(self) -> Mapping[str, object]:
        if isinstance(self.ready, Exception):
            raise self.ready
        return self.ready


@contextmanager
def serving(site: Site) -> Iterator[None]:
    # As the server itself does: on a socket made otherwise each answer would wait 40 ms.
    unix, tcp = premises.bind("127.0.0.1:0", site.place)
    site.port = tcp.getsockname()[1]
    server = WebServer(app.build(site.doors()), [tcp, unix], threading.Event())
    thread = threading.Thread(target=server.run, args=(threading.Event(),))
    thread.start()
    try:
        eventually(lambda: site.get("/healthz").status == 200)
        yield
    finally:
        server.close()
        thread.join(10)
        tcp.close()
        unix.close()


def fill(site: Site, host: int) -> None:
    """A red run and a green one of shop, a third that waits, and a run of dotfiles."""
    for status in (Status.SUCCEEDED, Status.FAILED):
        make.prepared(site.db)
        job, _ = make.running(site.db, host)
        site.write(job, b"".join(b"line %d\n" % number for number in range(1, 1001)))
        found = make.finding(log_line=7, fingerprint="ab" * 16, test="tests/test_cart.py::test_sum")
        told = (found,) if status is Status.FAILED else None
        make.settle(site.db, job, host, status, told=told)
    make.prepared(site.db)
    alone = make.order(project="dotfiles", subproject="", directory=".")
    make.prepared(site.db, trigger=make.trigger(project="dotfiles"), orders=(alone,))


@contextmanager
def standing(folder: Path) -> Iterator[Site]:
    """A server for a whole module, with the projects shop and dotfiles and what `fill` makes of them."""
    place = layout.at(folder / "data")
    for each in (place.data, place.jobs):
        each.mkdir(parents=True)
    db = blank.opened(place.ledger)
    recipes = {"test": make.recipe()}
    api = Subproject(name="api", path="services/api", recipes=recipes)
    projects = {
        "shop": Project(name="shop", remote=make.remote(), subs={"api": api}),
        "dotfiles": Project(name="dotfiles", remote=make.remote(), subs={"": Subproject(recipes=recipes)}),
    }
    site = Site(db, place, StoppedClock(), Config(projects=projects, notify={}, server=Server(), folder=place.data))
    fill(site, ledger.host(db, "h1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config.Current, "get", lambda _: site.settings)
        with serving(site):
            yield site
    db.close()

"""Couriers in a process of their own, which kills itself with -9 at one step of one of them.

`python -m tests.report.lives` reads a line of JSON for each life, forks one, and says how that ended.
"""

import base64
import json
import os
import signal
import smtplib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ctci import clock, config, layout, ledger
from ctci.config.settings import Config, Digest, Notify, Server, Smtp
from ctci.model import Remote, SecretRef
from ctci.receive.almanac import Almanac
from ctci.report.commit_statuses import CommitStatuses
from ctci.report.courier import Courier
from ctci.report.digests import Digests
from ctci.report.transitions import Transitions
from ctci.report.webhooks import Chats, Webhooks
from tests import make
from tests.report.forges_fake import TOKEN

#: A life looks so often, and so long passes between two looks, milliseconds.
LOOKS, PAUSE_MS = 4, 31_000


SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
TEAM = Notify(
    name="team",
    email=("ana@example.org",),
    digest=Digest(at="07:30"),
    webhook=SecretRef(kind="env", name="CALL"),
    webhook_secret=SecretRef(kind="env", name="SIGN"),
    apprise=SecretRef(kind="env", name="CHAT"),
)


def remote(address: str) -> Remote:
    return Remote(url=address, token=SecretRef(kind="env", name="CTCI_TOKEN"))


def settings(forge: str) -> Config:
    """One project with a forge, a mail server, and somebody who is told."""
    url = SecretRef(kind="env", name="CTCI_SMTP_URL")
    return Config(
        projects={"shop": make.project(remote=remote(forge), forge="gitea")},
        notify={"team": TEAM},
        server=Server(public_url="https://ci.example.org/", smtp=Smtp(url=url, sender="ci@example.org")),
        folder=Path("/nonexistent"),
    )


def live(data: str, now: int, smtp: str, forge: str, called: str, dies: list[str] | None) -> None:
    """One life, from its start to its rest, or to its death: (sink, step, `before` or `after`)."""
    shown = [now]
    clock.now = lambda: shown[0]
    place = layout.at(Path(data))
    db = ledger.open_ledger(place.ledger)
    current = config.Current(lambda: settings(forge))
    chat = called.replace("http:", "json:")
    environ = {
        "CTCI_SMTP_URL": smtp,
        "CTCI_TOKEN": TOKEN,
        "CALL": f"{called}/hook",
        "SIGN": SECRET,
        "CHAT": f"{chat}/chat",
    }
    sinks: list[Any] = [
        Transitions(db, place, current, environ, lambda _: ()),
        Digests(db, place, current, environ, Almanac(db, current), lambda _: ()),
        CommitStatuses(db, current, environ),
        Webhooks(db, current, environ),
        Chats(db, current, environ),
    ]
    if dies is not None:
        _doom(sinks, *dies)
    ledger.release(db, "me")
    for _ in range(LOOKS):
        for sink in sinks:
            courier = Courier(db, sink, "me")
            while courier.tick():
                pass
        shown[0] += PAUSE_MS
    db.close()


def _doom(sinks: list[Any], sink: str, step: str, when: str) -> None:
    """Die at the first such step that comes to something."""

    def fatal(does: Callable[..., Any], of: Callable[..., str]) -> Callable[..., Any]:
        def dying(*args: Any, **fields: Any) -> Any:
            mine = of(*args, **fields) == sink
            if mine and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            told = does(*args, **fields)
            if mine and (told or step != "take"):
                os.kill(os.getpid(), signal.SIGKILL)
            return told

        return dying

    if step == "deliver":
        (one,) = (each for each in sinks if each.name == sink)
        one.deliver = fatal(one.deliver, lambda *_: sink)
    elif step == "dot":
        # The server has all of the letter, and nobody is there to hear that it has.
        (one,) = (each for each in sinks if each.name == sink)
        deliver, send = one.deliver, smtplib.SMTP.send

        def sending(smtp: smtplib.SMTP, text: Any) -> None:
            send(smtp, text)
            if isinstance(text, bytes) and text.endswith(b"\r\n.\r\n"):
                os.kill(os.getpid(), signal.SIGKILL)

        def delivering(taken: Any) -> Any:
            smtplib.SMTP.send = sending  # type: ignore[method-assign, assignment] # as smtplib calls it
            return deliver(taken)

        one.deliver = delivering
    else:
        of: dict[str, Callable[..., str]] = {
            "owe": lambda _db, *, sink, **_: sink,
            "take": lambda _db, sink, **_: sink,
            "sent": lambda _db, taken, **_: taken[0].sink,
        }
        setattr(ledger, step, fatal(getattr(ledger, step), of[step]))


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                live(**json.loads(line))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

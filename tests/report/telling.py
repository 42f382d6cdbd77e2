"""Runs and jobs for letters to tell of, and what a mail program makes of a letter's HTML."""

import html.parser
from typing import Any

from ctci.model import Job, Run, Status
from tests import make

SHA = "3f2a1c9" + "0" * 33
AT = 1_795_449_840_000
VOID = {"meta", "br", "link", "img", "hr", "input"}


def run(**fields: Any) -> Run:
    defaults: dict[str, Any] = {
        **dict.fromkeys(("before", "reason", "rerun_of", "behind", "prev_commit", "prev_run", "author_email")),
        **dict.fromkeys(("created_at", "prepared_at", "finished_at"), AT),
        "id": 1482,
        "project": "shop",
        "kind": "push",
        "ref": "refs/heads/main",
        "after": SHA,
        "commit": SHA,
        "subject": "Use floats for prices",
        "author": "Ana Ruiz",
        "pusher": "ana",
        "options": (),
        "status": Status.FAILED,
    }
    return Run(**{**defaults, **fields})


def job(**fields: Any) -> Job:
    order = {name: fields.pop(name) for name in ("subproject", "directory", "recipe", "project") if name in fields}
    defaults: dict[str, Any] = {
        **dict.fromkeys(("cancel_asked_at", "cancel_by", "cancel_as", "cancel_reason", "exit", "host")),
        "id": 7,
        "run": 1482,
        "order": make.order(**order),
        "status": Status.FAILED,
        "reason": "exit 1",
        "attempt": 1,
        "queued_at": AT,
        "began_at": AT,
        "finished_at": AT,
    }
    return Job(**{**defaults, **fields})


class Seen(html.parser.HTMLParser):
    """What a mail program would make of the HTML: its text, its links, its tags, all closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        elif tag == "br":
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data

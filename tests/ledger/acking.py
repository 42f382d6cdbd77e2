"""Pushes through a real ledger, each step acknowledged when its call has returned: what the durability tests cut short.

A script. Its argument is a JSON list of [how, ledger's file, acknowledgements' file, strace's arguments]; it answers
with the exit codes. Each is a fork that strace is attached to, so that Python starts once and at full speed.
"""

import ctypes
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ctci import ledger
from ctci.model import Status
from tests import make

#: How -> threads, and pushes of each.
HOW = {
    "alone": (1, 3),
    "together": (4, 2),
    # Wrong on purpose: acknowledged before the call; a log that no commit syncs; nothing synced at all.
    "early": (1, 2),
    "unsynced": (1, 2),
    "never synced": (1, 2),
}
#: How -> what is forced upon the ledger in place of its own setting.
SYNCHRONOUS = {"unsynced": "NORMAL", "never synced": "OFF"}
#: Pages of log between two checkpoints: so few that a short run has several.
CHECKPOINT = 50
#: prctl: any process may trace this one; Yama allows it to ancestors alone.
PR_SET_PTRACER, ANY = 0x59616D61, -1


def main(cuts: list[tuple[str, str, str, list[str]]]) -> list[int]:
    return [run_traced(how, Path(file), Path(acks), arguments) for how, file, acks, arguments in cuts]


def run_traced(how: str, file: Path, acks: Path, arguments: list[str]) -> int:
    """The exit code of a fork that did the pushes with strace attached to it from the first call on."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        # os._exit: the fork must not go on as its parent would.
        os._exit(_child(how, file, acks, ours, theirs))
    theirs.close()
    ours.recv(1)
    with subprocess.Popen(["strace", "-f", *arguments, "-p", str(child)], stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = ""
        while "attached" not in said and (line := tracer.stderr.readline()):
            said += line
        attached = "attached" in said
        if attached:
            ours.sendall(b".")
        ours.close()
        said += tracer.stderr.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not attached:
        sys.exit(said)
    return code


def _child(how: str, file: Path, acks: Path, ours: socket.socket, theirs: socket.socket) -> int:
    try:
        ours.close()
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(ANY), 0, 0, 0)
        theirs.sendall(b".")
        # Without a word there is no strace, and nothing to do.
        if theirs.recv(1):
            work(how, file, os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except BaseException:  # noqa: BLE001 - the top of this process
        traceback.print_exc()
        return 1
    return 0


def work(how: str, file: Path, acks: int) -> None:
    """All the pushes of `how`, in as many threads."""
    intrude(SYNCHRONOUS.get(how))
    threads, pushes = HOW[how]
    db = ledger.open_ledger(file)
    host = ledger.host(db, "h1")
    failed: list[BaseException] = []

    def some(thread: int) -> None:
        try:
            for number in range(pushes):
                push(db, host, f"{thread}-{number}", acks, early=how == "early")
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    crew = [threading.Thread(target=some, args=(thread,)) for thread in range(threads)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    if failed:
        raise failed[0]
    db.close()


def push(db: ledger.Ledger, host: int, name: str, acks: int, *, early: bool) -> None:
    """One push from the hook to its end. A claim is not acknowledged: nobody is told of it before it begins."""

    def acknowledged(step: str, name: str, call: Callable[[], Any]) -> Any:
        line = f"{step} {name}\n".encode()
        if early:
            os.write(acks, line)
        answer = call()
        if not early:
            os.write(acks, line)
        return answer

    trigger = make.trigger(ref=name, key=name)
    run = acknowledged("recorded", name, lambda: ledger.record(db, [make.entry(trigger=trigger)]))[0].run
    built = make.commit(sha=trigger.after)
    facts: dict[str, Any] = {"older_than": None, "skips": {}, "default_branch": "main"}
    acknowledged("prepared", name, lambda: ledger.prepare(db, run, commit=built, brought=[built], **facts))
    claimed = ledger.claim(db, host=host, slot=1, boot_id="boot")
    assert claimed is not None
    # With others at work it may be another's.
    job, theirs = claimed
    ours: dict[str, Any] = {"job": job.id, "attempt": job.attempt, "host": host}
    acknowledged("begun", theirs.ref, lambda: ledger.begin(db, **ours))
    end: dict[str, Any] = {"status": Status.SUCCEEDED, "reason": None, "exit": make.exit_()}
    acknowledged("settled", theirs.ref, lambda: ledger.settle(db, **ours, **end))


def intrude(synchronous: str | None) -> None:
    """Have every connection of this process checkpoint often and, if so wanted, be deaf to the ledger's own setting."""
    real = sqlite3.dbapi2.connect

    def deaf(action: int, first: str | None, *_: object) -> int:
        wish = action == sqlite3.SQLITE_PRAGMA and first == "synchronous"
        return sqlite3.SQLITE_IGNORE if wish else sqlite3.SQLITE_OK

    def connect(*args: Any, **keywords: Any) -> sqlite3.Connection:
        raw: sqlite3.Connection = real(*args, **keywords)
        raw.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT}")
        if synchronous:
            raw.execute(f"PRAGMA synchronous={synchronous}")
            raw.set_authorizer(deaf)
        return raw

    sqlite3.connect = sqlite3.dbapi2.connect = connect  # type: ignore[assignment] # for all who look it up


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))  # noqa: T201 - its answer

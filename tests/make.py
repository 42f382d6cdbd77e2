"""Nouns for tests, every field defaulted: say only what matters."""

import itertools
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from ctci import clock, ledger
from ctci.config.settings import Project, Subproject
from ctci.ledger.tables import refs
from ctci.model import (
    Ack,
    Commit,
    Entry,
    Exit,
    Finding,
    Job,
    Look,
    Order,
    Owed,
    Quarry,
    Reading,
    Recipe,
    Remote,
    Run,
    Seen,
    Sending,
    Sighting,
    Status,
    Tally,
    Trigger,
)

_numbers = itertools.count(1)


def sha(number: int = 1) -> str:
    """A commit id: 40 hex digits that say which."""
    return f"{number:040x}"


def project(*places: str, **fields: Any) -> Project:
    """With the recipes of these places; without any `test` of `api`, `web` and `docs`."""
    subs: dict[str, Subproject] = {}
    for place in places or ("api:test", "web:test", "docs:test"):
        sub, _, name = place.rpartition(":")
        known = subs.get(sub, Subproject(name=sub, path=sub or "."))
        subs[sub] = replace(known, recipes={**known.recipes, name: recipe(name=name)})
    return Project(**{"name": "shop", "remote": remote(), "notify": ("team",), "subs": subs, **fields})


def recipe(**fields: Any) -> Recipe:
    return Recipe(**{"name": "test", "run": "make test", **fields})


def remote(**fields: Any) -> Remote:
    return Remote(**{"url": "/srv/git/acme/shop.git", **fields})


def order(**fields: Any) -> Order:
    defaults: dict[str, Any] = {
        "project": "shop",
        "subproject": "api",
        "directory": "services/api",
        "ref": "refs/heads/main",
        "recipe": recipe(),
        "remote": remote(),
        "on_new_push": "queue",
    }
    return Order(**{**defaults, **fields})


def trigger(**fields: Any) -> Trigger:
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "kind": "push",
        "key": f"gitea:delivery-{number}:refs/heads/main",
        "project": "shop",
        "ref": "refs/heads/main",
        "after": sha(number),
        "pusher": "ana",
    }
    return Trigger(**{**defaults, **fields})


def entry(**fields: Any) -> Entry:
    made = fields.pop("trigger", None) or trigger()
    defaults: dict[str, Any] = {
        "project": made.project,
        "forge": "gitea",
        "event": "push",
        "key": made.key,
        "reason": "api queued: the branch is main",
        "trigger": made,
        "orders": (order(ref=made.ref, project=made.project),),
    }
    return Entry(**{**defaults, **fields})


def commit(**fields: Any) -> Commit:
    defaults: dict[str, Any] = {
        "sha": sha(1),
        "author": "Ana Ruiz",
        "email": "ana@example.org",
        "subject": "Use floats for prices",
        "at": 1_795_000_000_000,
        "touches": ("api",),
    }
    return Commit(**{**defaults, **fields})


def exit_(**fields: Any) -> Exit:
    return Exit(**{"how": "exit", "code": 0, "seconds": 1.5, **fields})


def finding(**fields: Any) -> Finding:
    defaults: dict[str, Any] = {
        "severity": "failure",
        "tool": "pytest",
        "message": "AssertionError: 1 != 2",
        "file": "test_cart.py",
        "line": 88,
        "fingerprint": f"{next(_numbers):032x}",
    }
    return Finding(**{**defaults, **fields})


def reading(**fields: Any) -> Reading:
    return Reading(**{"job": 1, "attempt": 1, **fields})


def job(**fields: Any) -> Job:
    defaults: dict[str, Any] = {
        **dict.fromkeys(("host", "began_at", "finished_at", "cancel_asked_at", "cancel_by", "cancel_as")),
        **dict.fromkeys(("cancel_reason", "exit", "reason")),
        "id": 1,
        "run": 1,
        "order": order(),
        "status": Status.SUCCEEDED,
        "attempt": 1,
        "queued_at": 0,
    }
    return Job(**{**defaults, **fields})


def run(**fields: Any) -> Run:
    defaults: dict[str, Any] = {
        **dict.fromkeys(("before", "after", "author_email", "reason", "prepared_at", "finished_at", "rerun_of")),
        **dict.fromkeys(("behind", "prev_commit", "prev_run")),
        "id": 1,
        "project": "shop",
        "kind": "push",
        "ref": "refs/heads/main",
        "commit": sha(1),
        "subject": "Use floats for prices",
        "author": "Ana Ruiz",
        "pusher": "ana",
        "options": (),
        "status": Status.SUCCEEDED,
        "created_at": 0,
    }
    return Run(**{**defaults, **fields})


def seen(**fields: Any) -> Seen:
    return Seen(**{"job": 1, "run": 1, "status": Status.FAILED, "at": 0, **fields})


def ack(**fields: Any) -> Ack:
    defaults: dict[str, Any] = {
        "id": next(_numbers),
        "project": "shop",
        "fingerprint": "a" * 32,
        "said": "test_cart.py:88: AssertionError: 1 != 2",
        "until": 1_795_600_000_000,
        "why": "waits for the new rounding",
        "acked_by": "ana",
        "acked_at": 1_795_000_000_000,
    }
    return Ack(**{**defaults, **fields})


def look(*seen: str, **fields: Any) -> Look:
    """A red look that saw these, each a fingerprint, or a test's name with `::` in it."""
    number = fields.get("run") or next(_numbers)
    defaults: dict[str, Any] = {
        "job": number,
        "run": number,
        "status": Status.FAILED,
        "at": 1_795_000_000_000 + number * 60_000,
        "trial": number,
        "sightings": tuple(Sighting(fingerprint=name, test=name if "::" in name else None) for name in seen),
    }
    return Look(**{**defaults, **fields})


def recorded_ref(db: ledger.Ledger, project: str, ref: str) -> tuple[str, int | None] | None:
    """(commit, run) that a ref was last recorded at."""
    with db.read() as connection:
        row = connection.execute(select(refs).where(refs.c.project == project, refs.c.ref == ref)).one_or_none()
    return (row.commit, row.run) if row else None


# --- stories on a real ledger ----------------------------------------------------------------------------------------


def recorded(db: ledger.Ledger, **fields: Any) -> int:
    """A run on the ledger, not prepared yet; its number."""
    run = ledger.record(db, (entry(**fields),))[0].run
    assert run is not None
    return run


def prepared(db: ledger.Ledger, **fields: Any) -> int:
    """A run whose jobs may be claimed; its number."""
    facts: dict[str, Any] = {
        name: fields.pop(name) for name in ("older_than", "skips", "brought", "merge_base") if name in fields
    }
    run = recorded(db, **fields)
    prepare(db, run, **facts)
    return run


def prepare(db: ledger.Ledger, run: int, **facts: Any) -> None:
    """What the prepare loop learns of a recorded run."""
    found = ledger.run(db, run)
    assert found is not None
    built = commit(sha=found.after or sha(run))
    defaults: dict[str, Any] = {
        "commit": built,
        "brought": (built,),
        "older_than": None,
        "skips": {},
        "default_branch": "main",
    }
    ledger.prepare(db, run, **{**defaults, **facts})


def running(db: ledger.Ledger, host: int) -> tuple[Job, Run]:
    """The next job of the queue, claimed and begun."""
    claimed = ledger.claim(db, host=host, slot=1, boot_id="boot")
    assert claimed is not None
    job, run = claimed
    ledger.begin(db, job=job.id, attempt=job.attempt, host=host)
    return job, run


def settled(
    db: ledger.Ledger, host: int, status: Status = Status.SUCCEEDED, reason: str | None = None, **fields: Any
) -> int:
    """A run with all its jobs ended as `status`; its number."""
    number = prepared(db, **fields)
    for _ in ledger.jobs_of(db, [number])[number]:
        job, run = running(db, host)
        assert run.id == number
        settle(db, job, host, status, reason)
    return number


def settle(
    db: ledger.Ledger,
    job: Job,
    host: int,
    status: Status = Status.SUCCEEDED,
    reason: str | None = None,
    told: tuple[Finding, ...] | None = None,
    tests: Tally | None = None,
) -> None:
    """The end of a job that runs, with what its tools said, the first error first."""
    read = None if told is None else Reading(job=job.id, attempt=job.attempt, errors=len(told), first=0, tests=tests)
    ended = exit_(code=0 if status is Status.SUCCEEDED else 1)
    fence: dict[str, Any] = {"job": job.id, "attempt": job.attempt, "host": host}
    ledger.settle(db, **fence, status=status, reason=reason, exit=ended, reading=read, findings=told or ())


def sending(**fields: Any) -> Sending:
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "id": number,
        "sink": "mail",
        "key": f"mail/team:ana@example.org/1/{number}",
        "to": "team:ana@example.org",
        "run": 1,
        "jobs": (number,),
        "due": 1_795_516_200_000,
        "tries": 1,
        "message_id": f"<{number}@example.org>",
        "state": "due",
        "last_error": None,
    }
    return Sending(**{**defaults, **fields})


def unsent(db: ledger.Ledger, run: int, *, error: str = "connection refused", delay_ms: int | None = 60_000) -> Sending:
    """A message about a run that was tried once and did not go; given up without a delay."""
    number = next(_numbers)
    owed = Owed(
        key=f"mail/{number}",
        to=f"team:{number}@example.org",
        run=run,
        jobs=(number,),
        due=clock.now(),
        message_id=f"<{number}@example.org>",
    )
    ledger.owe(db, sink="mail", owed=[owed])
    (made,) = ledger.take(db, "mail", holder="me", hold_ms=60_000)
    ledger.failed(db, [made], holder="me", error=error, delay_ms=delay_ms)
    return made


def broken(db: ledger.Ledger, host: int, **fields: Any) -> Quarry:
    """A place that the schedule `nightly` of shop turned red, not looked into yet."""
    known = {each.red.id for each in ledger.unhunted(db, [("shop", "nightly")])}
    for status in (Status.SUCCEEDED, Status.FAILED):
        nightly = trigger(kind="schedule", schedule="nightly")
        settled(db, host, status, trigger=nightly, orders=(order(**fields),))
    (found,) = (each for each in ledger.unhunted(db, [("shop", "nightly")]) if each.red.id not in known)
    return found

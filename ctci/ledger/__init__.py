"""The table where all meet: what one room wants of another it writes down here."""

from pathlib import Path

from ctci.ledger.acks import ack, acks_, acks_of, findings_named, lapsed, lift, still_found
from ctci.ledger.built import built
from ctci.ledger.copies import back_up
from ctci.ledger.engine import Away, Fenced, IllegalMove, Ledger, LedgerError, Nudge, connect
from ctci.ledger.entries import record, refuse
from ctci.ledger.glances import busy, turned, unsent
from ctci.ledger.greens import learnt
from ctci.ledger.history import baseline, bases, branches, broken_since, outdated, red_on, since, standing, strips
from ctci.ledger.lives import looks, looks_of
from ctci.ledger.migrations import migrate
from ctci.ledger.outbox import (
    failed,
    forget_sendings,
    hasten,
    last_to,
    next_due,
    overtake,
    owe,
    release,
    sendings_,
    sent,
    take,
    waiting,
)
from ctci.ledger.pasts import pasts
from ctci.ledger.preparing import give_up, postpone, prepare
from ctci.ledger.readings import found
from ctci.ledger.reads import (
    at_work,
    attempts_of,
    changes_after,
    commits_of,
    counts,
    cursor,
    default_branch,
    default_branches,
    deliveries_,
    delivery,
    in_state,
    integrity,
    job,
    jobs_of,
    last_calls,
    projects_,
    run,
    runs_,
    runs_of_call,
    tries,
    unfinished,
    unprepared,
    was_built,
    wish,
)
from ctci.ledger.unasked import (
    fire,
    fired,
    reckon,
    reckoned,
    refs_,
    silences,
    succeeded_on,
    sweep,
    told_of,
    took,
    unschedule,
)
from ctci.ledger.waits import queue, running
from ctci.ledger.windows import Window, ran, windows
from ctci.ledger.writes import adopt, ask_cancel, begin, claim, forget, host, put_back, retry, settle

__all__ = [
    "Away",
    "Fenced",
    "IllegalMove",
    "Ledger",
    "LedgerError",
    "Nudge",
    "Window",
    "ack",
    "acks_",
    "acks_of",
    "adopt",
    "ask_cancel",
    "at_work",
    "attempts_of",
    "back_up",
    "baseline",
    "bases",
    "begin",
    "branches",
    "broken_since",
    "built",
    "busy",
    "changes_after",
    "claim",
    "commits_of",
    "connect",
    "counts",
    "cursor",
    "default_branch",
    "default_branches",
    "deliveries_",
    "delivery",
    "failed",
    "findings_named",
    "fire",
    "fired",
    "forget",
    "forget_sendings",
    "found",
    "give_up",
    "hasten",
    "host",
    "in_state",
    "integrity",
    "job",
    "jobs_of",
    "lapsed",
    "last_calls",
    "last_to",
    "learnt",
    "lift",
    "looks",
    "looks_of",
    "migrate",
    "next_due",
    "open_ledger",
    "outdated",
    "overtake",
    "owe",
    "pasts",
    "postpone",
    "prepare",
    "projects_",
    "put_back",
    "queue",
    "ran",
    "reckon",
    "reckoned",
    "record",
    "red_on",
    "refs_",
    "refuse",
    "release",
    "retry",
    "run",
    "running",
    "runs_",
    "runs_of_call",
    "sendings_",
    "sent",
    "settle",
    "silences",
    "since",
    "standing",
    "still_found",
    "strips",
    "succeeded_on",
    "sweep",
    "take",
    "told_of",
    "took",
    "tries",
    "turned",
    "unfinished",
    "unprepared",
    "unschedule",
    "unsent",
    "waiting",
    "was_built",
    "windows",
    "wish",
]


def open_ledger(where: Path | str) -> Ledger:
    """The ledger in a file or at an address, its schema brought up to date. Raises LedgerError."""
    db = connect(where)
    migrate(db)
    return db

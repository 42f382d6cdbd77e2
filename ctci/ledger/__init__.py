"""The table where all meet: what one room wants of another it writes down here."""

from pathlib import Path

from ctci.ledger.copies import back_up
from ctci.ledger.engine import Away, Fenced, IllegalMove, Ledger, LedgerError, Nudge, connect
from ctci.ledger.entries import record, refuse
from ctci.ledger.history import baseline, bases, branches, broken_since, outdated, red_on, since, standing, strips
from ctci.ledger.letters import failed, hasten, owe, sent
from ctci.ledger.migrations import migrate
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
    due,
    in_state,
    integrity,
    job,
    jobs_of,
    last_calls,
    next_due,
    projects_,
    run,
    runs_,
    runs_of_call,
    sendings_,
    tries,
    unprepared,
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
from ctci.ledger.writes import adopt, ask_cancel, begin, claim, forget, host, put_back, retry, settle

__all__ = [
    "Away",
    "Fenced",
    "IllegalMove",
    "Ledger",
    "LedgerError",
    "Nudge",
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
    "due",
    "failed",
    "fire",
    "fired",
    "forget",
    "found",
    "give_up",
    "hasten",
    "host",
    "in_state",
    "integrity",
    "job",
    "jobs_of",
    "last_calls",
    "migrate",
    "next_due",
    "open_ledger",
    "outdated",
    "owe",
    "postpone",
    "prepare",
    "projects_",
    "put_back",
    "queue",
    "reckon",
    "reckoned",
    "record",
    "red_on",
    "refs_",
    "refuse",
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
    "strips",
    "succeeded_on",
    "sweep",
    "told_of",
    "took",
    "tries",
    "unprepared",
    "unschedule",
    "wish",
]


def open_ledger(where: Path | str) -> Ledger:
    """The ledger in a file or at an address, its schema brought up to date. Raises LedgerError."""
    db = connect(where)
    migrate(db)
    return db

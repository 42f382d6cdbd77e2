"""The table where all meet: what one room wants of another it writes down here."""

from pathlib import Path

from ctci.ledger.engine import Away, Fenced, IllegalMove, Ledger, LedgerError, Nudge, connect
from ctci.ledger.entries import place, record, refuse
from ctci.ledger.history import baseline, branches, outdated, recorded_ref, since, standing, strips
from ctci.ledger.letters import failed, hasten, owe, sent
from ctci.ledger.migrations import migrate
from ctci.ledger.preparing import give_up, postpone, prepare
from ctci.ledger.reads import (
    attempts_of,
    changes_after,
    commits_of,
    counts,
    cursor,
    default_branch,
    deliveries_,
    delivery,
    due,
    in_state,
    integrity,
    job,
    jobs_of,
    last_green_commit,
    next_due,
    run,
    runs_,
    sendings_,
    tries,
    unprepared,
    wish,
)
from ctci.ledger.writes import ask_cancel, begin, claim, forget, host, put_back, settle

__all__ = [
    "Away",
    "Fenced",
    "IllegalMove",
    "Ledger",
    "LedgerError",
    "Nudge",
    "ask_cancel",
    "attempts_of",
    "baseline",
    "begin",
    "branches",
    "changes_after",
    "claim",
    "commits_of",
    "connect",
    "counts",
    "cursor",
    "default_branch",
    "deliveries_",
    "delivery",
    "due",
    "failed",
    "forget",
    "give_up",
    "hasten",
    "host",
    "in_state",
    "integrity",
    "job",
    "jobs_of",
    "last_green_commit",
    "migrate",
    "next_due",
    "open_ledger",
    "outdated",
    "owe",
    "place",
    "postpone",
    "prepare",
    "put_back",
    "record",
    "recorded_ref",
    "refuse",
    "run",
    "runs_",
    "sendings_",
    "sent",
    "settle",
    "since",
    "standing",
    "strips",
    "tries",
    "unprepared",
    "wish",
]


def open_ledger(path: Path) -> Ledger:
    """The ledger of a data folder, its schema brought up to date. Raises LedgerError."""
    db = connect(path)
    migrate(db)
    return db

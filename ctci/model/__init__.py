"""The nouns of ctci and the statuses of a job: frozen values without behaviour beyond a property.

Knows no clock, no disk and no package.
"""

from ctci.model.asked import (
    HEADS,
    MOVED,
    TAGS,
    Delivery,
    Entry,
    Ignored,
    Order,
    Plan,
    Recipe,
    Recorded,
    Remote,
    SecretRef,
    Trigger,
    Unordered,
    event_of,
    place_of,
    short_ref,
)
from ctci.model.done import Attempt, Change, Commit, Exit, Job, Owed, Repeat, Run, Sending, Wait
from ctci.model.findings import Finding, Reading, Tally
from ctci.model.statuses import CONCLUSIVE, FINISHED, MOVES, RED, WORST_FIRST, Status
from ctci.model.unasked import Fired, Reckoned, Ref, Silence
from ctci.model.verdicts import Changed, Past, Seen, Slower, Verdict

__all__ = [
    "CONCLUSIVE",
    "FINISHED",
    "HEADS",
    "MOVED",
    "MOVES",
    "RED",
    "TAGS",
    "WORST_FIRST",
    "Attempt",
    "Change",
    "Changed",
    "Commit",
    "Delivery",
    "Entry",
    "Exit",
    "Finding",
    "Fired",
    "Ignored",
    "Job",
    "Order",
    "Owed",
    "Past",
    "Plan",
    "Reading",
    "Recipe",
    "Reckoned",
    "Recorded",
    "Ref",
    "Remote",
    "Repeat",
    "Run",
    "SecretRef",
    "Seen",
    "Sending",
    "Silence",
    "Slower",
    "Status",
    "Tally",
    "Trigger",
    "Unordered",
    "Verdict",
    "Wait",
    "event_of",
    "place_of",
    "short_ref",
]

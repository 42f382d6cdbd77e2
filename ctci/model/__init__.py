"""The nouns of ctci and the statuses of a job: frozen values without behaviour beyond a property.

Knows no clock, no disk and no package.
"""

from ctci.model.asked import (
    HEADS,
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
    place_of,
    short_ref,
)
from ctci.model.done import Attempt, Change, Commit, Exit, Job, Letter, Repeat, Run, Sending, Wait
from ctci.model.statuses import CONCLUSIVE, FINISHED, MOVES, RED, WORST_FIRST, Status

__all__ = [
    "CONCLUSIVE",
    "FINISHED",
    "HEADS",
    "MOVES",
    "RED",
    "TAGS",
    "WORST_FIRST",
    "Attempt",
    "Change",
    "Commit",
    "Delivery",
    "Entry",
    "Exit",
    "Ignored",
    "Job",
    "Letter",
    "Order",
    "Plan",
    "Recipe",
    "Recorded",
    "Remote",
    "Repeat",
    "Run",
    "SecretRef",
    "Sending",
    "Status",
    "Trigger",
    "Unordered",
    "Wait",
    "place_of",
    "short_ref",
]

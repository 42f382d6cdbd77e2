"""What a receiver of letters has made of them: what is stopped, and what is wished in the place of the table's word."""

from collections.abc import Mapping
from dataclasses import dataclass, field

#: The kinds of letters that can be stopped.
DIGEST, AT_ONCE = "digest", "at-once"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is wished; what is not is as the notify table says."""

    #: `project`, `project/sub` or `project@branch`; empty: not wished.
    only: tuple[str, ...] = ()
    #: A time of day, `HH:MM`.
    at: str | None = None
    #: Days of the week, such as `mon`; empty: not wished.
    days: tuple[str, ...] = ()
    #: An IANA name.
    timezone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One receiver's."""

    #: As sendings call it: `team:ana@example.org`.
    to: str
    #: Whoever knows it may change this one subscription, and nothing else.
    token: str = field(repr=False)
    #: Kind -> since when it is stopped, Unix milliseconds.
    stopped: Mapping[str, int]
    wishes: Wishes
    #: Unix milliseconds; None: never.
    changed_at: int | None

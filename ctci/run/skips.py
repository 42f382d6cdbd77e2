"""(event, options, message), and (order, what was built last, what changed since) -> why not to run, or None. Pure."""

import re
from collections.abc import Sequence

from ctci.config import patterns
from ctci.model import Job, Order, Repeat

#: The union of what forges and CI servers honour, in the head commit's message.
TOKEN = re.compile(r"\[\s*(?:(?:skip|no)[ _-]?(?:ci|actions)|(?:ci|actions)[ _-]?skip)\s*\]", re.IGNORECASE)
OPTIONS = ("ci.skip", "skip-ci")


def reason(*, event: str, options: Sequence[str], message: str, commit: str) -> str | None:
    """Why a run is skipped, in words. Only pushes are: a tag, a person and a rerun mean what they ask for."""
    if event != "push":
        return None
    for option in options:
        if option in OPTIONS:
            return f"the push said `-o {option}`"
    found = TOKEN.search(message)
    if found:
        return f"“{found.group()}” in the message of {commit[:7]}"
    return None


#: In the message: the path filters do not apply.
ALL = re.compile(r"\[\s*ci[ _-]?all\s*\]", re.IGNORECASE)


def filters(order: Order, base: Job | None, *, event: str, message: str) -> bool:
    """Whether the path filter of an order may spare it; `base` is the last conclusive job of its place.

    Never without one, nor when anything but the commit is another: the recipe, its directory, the filter itself.
    """
    if event != "push" or not order.paths or base is None or ALL.search(message):
        return False
    then = base.order
    return (then.recipe, then.directory, then.paths) == (order.recipe, order.directory, order.paths)


def unchanged(order: Order, base: Job, changed: Sequence[str] | None) -> Repeat | None:
    """The result that an order has without being run, when nothing that concerns it has changed since `base`.

    `changed`: paths between that commit and this one; None for more than are looked at.
    """
    if changed is None or any(patterns.touches(order.paths, path) for path in changed):
        return None
    if base.same_as is not None:
        # It was not run itself: the same as then is said of it already.
        return Repeat(job=base.same_as, status=base.status, reason=base.reason or "")
    return Repeat(
        job=base.id, status=base.status, reason=f"unchanged since #{base.run}: {base.status.replace('_', ' ')}"
    )

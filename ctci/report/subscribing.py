"""How a receiver ends or changes letters: the link, the headers, and what then remains of a notify table. Pure.

RFC 8058 wants an https address: without one, programs are told the link (RFC 2369), which they open as a page, and no
button of theirs acts by itself. No mailto stands beside it, for ctci reads no mail.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from ctci.config import times
from ctci.config.settings import Digest, Notify, Project
from ctci.model import AT_ONCE, DIGEST, Subscription, Verdict, Wishes
from ctci.report import receivers

#: Where subscriptions are changed, relative to the root.
PAGE = "me/digest"
#: Kind of letter -> the sinks of the courier that owe it before its time.
SINKS: Mapping[str, tuple[str, ...]] = {AT_ONCE: ("mail",), DIGEST: ("digest",)}
#: What a mail program POSTs, and the header that asks for it.
FIELD, VALUE = "List-Unsubscribe", "One-Click"


def path(token: str, **more: str) -> str:
    """The page of the subscription that a token is of, relative to the root."""
    return f"{PAGE}?{urlencode({'k': token, **more})}"


def link(public_url: str, token: str) -> str:
    """The same, for a letter's foot."""
    return f"{public_url.rstrip('/')}/{path(token)}"


def headers(public_url: str, token: str, kind: str) -> Mapping[str, str]:
    """What tells mail programs where a kind of letter is stopped; the other kind still comes."""
    # Of ASCII without what ends it, whatever the configured address has in its path.
    at = quote(f"{public_url.rstrip('/')}/{path(token, stop=kind)}", safe="%/:?&=[]@!$'()*+,;~")
    found = {"List-Unsubscribe": f"<{at}>"}
    if at.startswith("https://"):
        found["List-Unsubscribe-Post"] = f"{FIELD}={VALUE}"
    return found


def wants(subscription: Subscription | None, kind: str) -> bool:
    """Whether letters of a kind are not stopped; who has no subscription yet has stopped none."""
    return subscription is None or kind not in subscription.stopped


def tells(notify: Notify, subscription: Subscription | None, verdict: Verdict, projects: Mapping[str, Project]) -> bool:
    """Whether a receiver of the table, as it wishes, is to be told of a verdict at once."""
    mine = narrowed(notify, subscription, choices(notify, projects))
    return wants(subscription, AT_ONCE) and receivers.matches(mine, verdict)


def choices(notify: Notify, projects: Mapping[str, Project]) -> tuple[str, ...]:
    """What a receiver of the table can choose from: what its `only` has, else the projects that name it."""
    return notify.only or tuple(sorted(name for name, each in projects.items() if notify.name in each.notify))


def narrowed(notify: Notify, subscription: Subscription | None, choices: Collection[str]) -> Notify:
    """The table as one receiver wishes it, and never more than it is.

    Where nothing of what was chosen is there any more, all is told again: a letter too many can be stopped, and of
    one too few nobody knows.
    """
    if subscription is None:
        return notify
    wishes = subscription.wishes
    only = tuple(each for each in wishes.only if each in choices) or notify.only
    digest = notify.digest and _digest(notify.digest, wishes)
    return replace(notify, only=only, digest=digest, timezone=wishes.timezone or notify.timezone)


def _digest(digest: Digest, wishes: Wishes) -> Digest:
    return replace(digest, at=wishes.at or digest.at, days=wishes.days or digest.days)


def wished(
    notify: Notify, choices: Collection[str], *, only: Collection[str], at: str, days: Collection[str], timezone: str
) -> Wishes:
    """What differs from the table: what is the same follows the table when that changes."""
    digest = notify.digest or Digest()
    same_days = times.weekdays(tuple(days)) == times.weekdays(digest.days)
    return Wishes(
        only=() if set(choices) <= set(only) else tuple(each for each in choices if each in only),
        at=None if at == digest.at else at,
        days=() if same_days else tuple(days),
        timezone=None if timezone == notify.timezone else timezone,
    )

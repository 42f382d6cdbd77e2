"""A digest as it would be sent now, or was on a day; and sent, by the server that does so."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from ctci import config, ledger, shape, words
from ctci.api import deliveries, inputs, outputs
from ctci.api.operation import Context, Known, Operation
from ctci.api.problem import ApiError
from ctci.config.settings import Notify
from ctci.model import Tier
from ctci.receive.almanac import Almanac
from ctci.report import asked, digest, digest_letter, digest_lines, gathering, upcoming
from ctci.report.receivers import Receiver

#: Entries of a section and suspects of a break; and the longest window that is looked through.
LINES, COMMITS = 200, 20


class Digests(Known):
    """Whose digest, and of which time: else the next one, of all since the last."""

    to: Annotated[inputs.Name | None, Field(description="A table of `notify`, or an address in one.")] = None
    date: Annotated[inputs.Day | None, Field(description="That of this day.")] = None
    since: Annotated[inputs.Day | None, Field(description="All since this day began.")] = None
    form: Annotated[
        Literal["json", "text", "html"], Field(description="text: with the letter's text; html: with its HTML.")
    ] = "json"


class SendDigest(Known):
    """Whose digest, to each of their addresses: else of the one table that has one."""

    to: Annotated[inputs.Name | None, Field(description="A table of `notify`, or an address in one.")] = None
    date: Annotated[inputs.Day | None, Field(description="Once more that of this day.")] = None


class DigestLine(outputs.Given):
    """One entry; what is not known is null."""

    word: str
    name: str
    branch: str | None
    said: str
    html_url: str | None
    spot: str | None
    message: str | None
    notes: list[str]


class DigestSection(outputs.Given):
    """What is told under one title; `more` entries are left out."""

    title: str
    more: int
    entries: list[DigestLine]


class DigestPreview(outputs.Given):
    """A digest; `skipped`: there is nothing to tell, so it would not be sent by itself."""

    to: str
    date: str
    since: str | None
    until: str | None
    subject: str
    skipped: bool
    runs: int
    green: int
    #: What is to be known of it before, such as that it was cut.
    notes: list[str]
    sections: list[DigestSection]
    text: str | None
    html: str | None


class DigestsSent(outputs.Given):
    """What is sent by now, or about to be; /sendings tells what becomes of each."""

    items: list[deliveries.Told]
    #: Whether a mail server is configured; else letters are files on the server's machine.
    by_mail: bool


def _digest(context: Context, query: Digests, _: None) -> Mapping[str, Any]:
    # Of a table with several addresses that of the first.
    notify, receiver = _receivers(context, query.to)[0]
    if query.date is not None and query.since is not None:
        raise ApiError("invalid", "A digest is of a date, or of all since one.")
    window = _window(context, notify, receiver, query.date, query.since)
    wish = ledger.subscriptions_of(context.db, {receiver.to}).get(receiver.to)
    mine = asked.narrowed(context.db, context.settings, notify, wish)
    facts = _gather(context)(context.settings, mine, window)
    unsent = tuple(replace(each, to=words.veiled(each.to), error=words.veiled(each.error)) for each in facts.unsent)
    facts = replace(facts, unsent=unsent)
    made, skipped = asked.made(facts)
    composed = digest_letter.write(made)
    return {
        "to": notify.name,
        "date": window.date,
        "since": shape.time(window.since),
        "until": shape.time(window.until),
        "subject": composed.subject,
        "skipped": skipped,
        "runs": made.runs,
        "green": made.green,
        "notes": [each.replace(words.THIN, " ") for each in digest_letter.notes(made)],
        "sections": sections(made),
        "text": composed.text if query.form == "text" else None,
        "html": composed.html if query.form == "html" else None,
    }


def _gather(context: Context) -> asked.Gather:
    """All that a digest of a table and a window is made of."""
    following = Almanac(context.db, context.current or config.Current(lambda: context.settings)).following
    return lambda settings, notify, window: gathering.facts(
        context.db, settings, notify, window, following=following, remarks=context.remarks
    )


def _send(context: Context, _: object, body: SendDigest) -> Mapping[str, Any]:
    """Owe it to each; the server's own loop of digests sends it."""
    settings, past = context.settings, body.date is not None
    tables = _tables(context)
    if body.to is None and len(tables) > 1:
        raise ApiError("invalid", f"`to` names one of them: {', '.join(tables)}.")
    to, gather, written = _receivers(context, body.to), _gather(context), []
    for notify, receiver in to:
        window = _window(context, notify, receiver, body.date)
        # With its link, by which one ends it.
        ledger.subscription(context.db, receiver.to)
        written.append(asked.write(context.db, gather, settings, notify, receiver, window, past=past))
    asked.owe(context.db, *written, past=past)
    context.did(f"sent the digest of {words.names(sorted({notify.name for notify, _ in to}))}")
    owed = filter(None, (asked.became(context.db, each) for each in written))
    by_mail = settings.server.smtp is not None and settings.server.smtp.url is not None
    return {"items": [deliveries.told(context, each) for each in owed], "by_mail": by_mail}


def _receivers(context: Context, to: str | None) -> tuple[tuple[Notify, Receiver], ...]:
    """Who is meant; of several tables, where none is named, those of the first. Raises ApiError."""
    tables = _tables(context)
    if not tables:
        raise ApiError("not_found", "Nobody gets a digest.")
    try:
        return asked.receivers(context.settings, to or tables[0])
    except asked.AskedError:
        why = f"There is no one digest of {to}; the tables of `notify` with one: {', '.join(tables)}."
        raise ApiError("not_found", why) from None


def _tables(context: Context) -> list[str]:
    """The tables of `notify` whose people get a digest."""
    return [name for name, each in context.settings.notify.items() if each.digest is not None and each.email]


def _window(
    context: Context, notify: Notify, receiver: Receiver, date: dt.date | None, since: dt.date | None = None
) -> upcoming.Window:
    """What is told of. Raises ApiError."""
    day, first = (str(each) if each is not None else None for each in (date, since))
    try:
        found = asked.window(context.db, notify, receiver, date=day, since=first)
    except asked.AskedError as error:
        raise ApiError("invalid", str(error)) from None
    return found


def sections(made: digest.Digest) -> list[dict[str, Any]]:
    """What it tells, title by title."""
    return [
        {
            "title": section.title,
            "more": section.more,
            "entries": [
                {
                    "word": line.word,
                    "name": line.name,
                    "branch": line.branch or None,
                    "said": line.said,
                    "html_url": line.href or None,
                    "spot": line.spot or None,
                    "message": line.message or None,
                    "notes": list(line.notes),
                }
                for line in section.lines
            ],
        }
        for section in digest_lines.sections(made, LINES, COMMITS)
    ]


OPERATIONS = (
    Operation(
        name="get_digest",
        method="GET",
        path="/digests",
        tier=Tier.READ,
        summary="A digest as it would be sent now, or of another time; nothing is sent.",
        query=Digests,
        answer=DigestPreview,
        do=_digest,
        refusals=("not_found",),
        whole=True,
        tag="told",
    ),
    Operation(
        name="send_digest",
        method="POST",
        path="/digests",
        tier=Tier.ADMIN,
        summary="Send a digest now, beside those that come by the clock: since the last one, or that of a day.",
        body=SendDigest,
        answer=DigestsSent,
        status=202,
        do=_send,
        refusals=("not_found",),
        whole=True,
        tag="told",
    ),
)

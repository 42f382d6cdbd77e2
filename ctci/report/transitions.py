"""The sink of letters that are sent at once: a branch broke, is fixed, or could not be tried.

Breaks that come together are one letter: it waits while the receiver's projects have something unfinished, at most five
minutes. Each break is a thread: what is told of it later refers to the letter that told of it first.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from ctci import clock, config, ledger, logs
from ctci.config.settings import Config, Notify, Project
from ctci.layout import Layout
from ctci.model import AT_ONCE, Change, Owed, Sending, Subscription, Verdict
from ctci.report import judging, letter, mail, receivers, saying, subscribing, verdict
from ctci.report.courier import NotSent, Sent, Unwanted
from ctci.report.receivers import Receiver

#: A letter waits so long for more to tell of, milliseconds.
BATCH_MS = 5 * 60_000
#: Who writes where no mail server is configured.
NOBODY = "ctci <ctci@localhost>"


class Transitions:
    """`remarks` says what is wrong with ctci itself, and what a letter about a project should tell of it."""

    name = "mail"
    together = True

    def __init__(
        self,
        db: ledger.Ledger,
        layout: Layout,
        current: config.Current,
        environ: Mapping[str, str],
        remarks: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._db = db
        self._layout = layout
        self._current = current
        self._environ = environ
        self._remarks = remarks

    def owed(self, changes: Sequence[Change]) -> Sequence[Owed]:
        """A letter to each address that the job's project names and that wants it, for each end that is worth one."""
        settings = self._current.get()
        ended = {change.job for change in changes if change.kind == "settled" and change.job is not None}
        told = [each for each in judging.verdicts(self._db, settings, ended).values() if each.change]
        asked = {receiver.to for each in told for _, receiver in receivers.asked(settings, each)}
        known = ledger.subscriptions_of(self._db, asked) if asked else {}
        projects = self._projects(settings) if known else {}

        def wants(notify: Notify, receiver: Receiver, told: Verdict) -> bool:
            return subscribing.tells(notify, known.get(receiver.to), told, projects)

        return [
            self._letter(settings, each, receiver.to)
            for each in told
            for receiver in receivers.at_once(settings, each, wants)
        ]

    def _projects(self, settings: Config) -> Mapping[str, Project]:
        return config.named(settings, ledger.projects_(self._db))

    def _letter(self, settings: Config, told: Verdict, to: str) -> Owed:
        key = f"{self.name}/{to}/{told.run.id}/{told.job.id}"
        return Owed(
            key=key,
            to=to,
            run=told.run.id,
            jobs=(told.job.id,),
            due=clock.now() + BATCH_MS,
            message_id=message_id(
                f"{key}/{told.job.finished_at}",
                f"{'break-' if told.word in verdict.BROKEN else ''}{told.run.id}.{told.job.id}",
                settings.server.public_url,
            ),
        )

    def before(self) -> bool:
        """Hasten the letters to those whose projects have nothing unfinished."""
        return hasten(self._db, self._current.get(), self.name)

    # --- what is due -------------------------------------------------------------------------------------------------

    def deliver(self, taken: Sequence[Sending]) -> Sent:
        """Write the letter of what is due for one address, and send it."""
        settings, to = self._current.get(), taken[0].to
        found = receivers.find(settings, to)
        subscription = ledger.subscription(self._db, to)
        if not subscribing.wants(subscription, AT_ONCE):
            raise Unwanted(f"{to} has stopped letters at once")
        projects = self._projects(settings)
        jobs = {job for each in taken for job in each.jobs}
        told = [
            each
            for each in newest(judging.verdicts(self._db, settings, jobs).values())
            if found
            and config.ordered(settings, each.job.order)
            and receivers.is_told(settings, found[0], each)
            and subscribing.tells(found[0], subscription, each, projects)
        ]
        if found is None or not told:
            numbers = ", ".join(f"#{each.run}" for each in taken)
            raise Unwanted(f"{to} is not to be told of {numbers} any more")
        facts = self._facts(settings, told, found[0], subscription)
        composed = letter.compose(facts)
        thread, whole = self._thread(to, told)
        if len(thread) == 1 and whole:
            composed = letter.reply(composed, str((thread[0].body or {}).get("subject", "")))
        headers = {
            **_headers(facts),
            **subscribing.headers(settings.server.public_url, subscription.token, AT_ONCE),
            **_following(thread),
        }
        message_id, address = taken[0].message_id, found[1].address
        post(settings, self._environ, self._layout, composed, to=address, message_id=message_id, headers=headers)
        return Sent(
            message_id=taken[0].message_id,
            body={"subject": composed.subject},
            said=f"of {verdict.summary(each.word for each in told)}",
        )

    def _thread(self, to: str, told: Sequence[Verdict]) -> tuple[list[Sending], bool]:
        """The letters to this address that told of the same breaks first, and whether they did of all of them."""
        breaks = {each.red.job: each.red.run for each in told if each.red is not None and each.red.job != each.job.id}
        before = ledger.sendings_(self._db, sink=self.name, runs=set(breaks.values()), state="sent", limit=200)
        mine = [each for each in reversed(before) if each.to == to and breaks.keys() & set(each.jobs)]
        known = {job for each in mine for job in each.jobs}
        whole = len(breaks) == len(told) and breaks.keys() <= known
        return list({each.message_id: each for each in mine}.values()), whole

    # --- what a letter is made of ------------------------------------------------------------------------------------

    def _facts(
        self, settings: Config, told: Sequence[Verdict], notify: Notify, subscription: Subscription
    ) -> letter.Facts:
        remarks = [remark for project in {each.run.project: 0 for each in told} for remark in self._remarks(project)]
        return letter.Facts(
            told=tuple(self._told(each) for each in told),
            notify=notify.name,
            title=settings.server.title,
            public_url=settings.server.public_url,
            at=clock.now(),
            timezone=notify.timezone,
            remarks=tuple(dict.fromkeys(remarks)),
            manage_url=subscribing.link(settings.server.public_url, subscription.token),
        )

    def _told(self, each: Verdict) -> letter.Told:
        first, tail = 1, list[bytes]()
        if each.word != "fixed" and each.first is None:
            first, tail = logs.tail(self._layout.log(each.job.id, each.job.attempt), letter.LINES[0])
        return letter.Told(verdict=each, tail=tuple(tail), tail_from=first)


def hasten(db: ledger.Ledger, settings: Config, sink: str) -> bool:
    """Hasten what is owed to those whose projects have nothing unfinished; whether there was any."""
    waiting = ledger.waiting(db, sink)
    if not waiting:
        return False
    busy = ledger.unfinished(db)
    naming = {notify.name for project in busy for notify in receivers.told_of(settings, project)}
    done = [to for to in waiting if to.partition(":")[0] not in naming]
    if done:
        ledger.hasten(db, sink=sink, to=done)
    return bool(done)


def newest(told: Iterable[Verdict]) -> list[Verdict]:
    """Of each place the last word: what broke and was fixed before anybody heard of it is told as fixed."""
    last = {(each.run.project, each.run.ref, each.job.place): each for each in told}
    return list(last.values())


def post(
    settings: Config,
    environ: Mapping[str, str],
    layout: Layout,
    composed: letter.Composed,
    *,
    to: str,
    message_id: str,
    headers: Mapping[str, str],
) -> None:
    """Hand a letter to the mail server, or put it into a file where there is none. Raises NotSent."""
    smtp = settings.server.smtp
    try:
        message = mail.message(
            composed, sender=smtp.sender if smtp else NOBODY, to=to, message_id=message_id, headers=headers
        )
        url = None
        if smtp is not None and smtp.url is not None:
            url = config.reveal(smtp.url, environ, settings.folder).decode("utf-8", "replace")
        mail.send(message, url, layout.mail)
    except mail.MailError as error:
        raise NotSent(str(error), permanent=error.permanent) from error
    except config.SecretError as error:
        raise NotSent(str(error)) from error


def message_id(key: str, name: str, public_url: str) -> str:
    """Fixed before the first try. `key` has a time in it: a new ledger counts its runs from 1 again."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"<{name}.{digest}@{host(public_url)}>"


def host(public_url: str) -> str:
    """The name that Message-IDs and lists are of."""
    found = urlsplit(public_url).hostname or ""
    return found if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", found) else "localhost"


def label(notify: str) -> str:
    """A notify table's name as part of a List-Id."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", notify).strip("-").lower() or "letters"


def _headers(facts: letter.Facts) -> Mapping[str, str]:
    """For filters."""
    words = {told.verdict.word for told in facts.told}
    projects = dict.fromkeys(told.verdict.run.project for told in facts.told)
    return {
        "List-Id": f"<{label(facts.notify)}.letters.{host(facts.public_url)}>",
        "X-CTCI-Kind": "transition",
        "X-CTCI-Project": ", ".join(saying.plain(project) for project in projects),
        "X-CTCI-Verdict": ", ".join(word for word in verdict.WORDS if word in words),
    }


def _following(thread: Sequence[Sending]) -> Mapping[str, str]:
    """What puts a letter under those that told of the same before."""
    if not thread:
        return {}
    return {"In-Reply-To": thread[-1].message_id, "References": " ".join(each.message_id for each in thread[-10:])}

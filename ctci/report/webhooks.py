"""The sinks of what is called: webhooks with each event, chats with what is told at once, heartbeats after digests.

Each event for each webhook is a sending of its own, so that one that is refused holds no other up.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ctci import clock, config, ledger
from ctci.config.settings import Config, Notify
from ctci.model import Change, Owed, SecretRef, Sending, Verdict
from ctci.report import chat, events, judging, outlets, receivers, signing, transitions
from ctci.report.courier import NotSent, Sent, Unwanted, news
from ctci.report.events import Event
from ctci.report.outlets import OutletError


class Webhooks:
    """Events of runs that have finished, and of a configuration that cannot be put in force."""

    name = "webhook"
    together = False

    def __init__(self, db: ledger.Ledger, current: config.Current, environ: Mapping[str, str]) -> None:
        self._db = db
        self._current = current
        self._environ = environ
        #: What of a broken configuration was told last: reading it once more is no news.
        self._told: tuple[config.Problem, ...] = ()

    def owed(self, changes: Sequence[Change]) -> Sequence[Owed]:
        """The events of the runs that ended with one of these changes."""
        settings = self._current.get()
        if not any(notify.webhook for notify in settings.notify.values()):
            return ()
        runs = {change.run for change in news(changes)}
        jobs = [job.id for of_run in ledger.jobs_of(self._db, sorted(runs)).values() for job in of_run]
        told: dict[int, list[Verdict]] = defaultdict(list)
        for each in judging.verdicts(self._db, settings, jobs).values():
            if each.run.finished_at is not None and config.ordered(settings, each.job.order):
                told[each.run.id].append(each)
        return [owed for of_run in told.values() for owed in self._of_run(settings, of_run)]

    def _of_run(self, settings: Config, verdicts: Sequence[Verdict]) -> Iterator[Owed]:
        run, remote = verdicts[0].run, verdicts[0].job.order.remote.url
        red = any(each.word == "fixed" for each in verdicts) and any(
            config.ordered(settings, job.order) for job, _ in ledger.red_on(self._db, run.project, run.ref)
        )
        for notify in receivers.told_of(settings, run.project, remote):
            mine = [each for each in verdicts if receivers.matches(notify, each)]
            if notify.webhook is None or not mine:
                continue
            for event in events.of_run(run, mine, red=red, public_url=settings.server.public_url):
                yield self._call(notify, event, to=f"{notify.name}:{event.key}", run=run.id)

    def _call(self, notify: Notify, event: Event, *, to: str, run: int = 0) -> Owed:
        # The time is in the key: a new ledger counts its runs from 1 again.
        key = f"{self.name}/{notify.name}/{event.key}/{event.at}"
        return Owed(
            key=key,
            to=to,
            run=run,
            due=clock.now(),
            message_id=signing.id_of(key),
            body={"type": event.type, "json": event.body.decode(), "jobs": list(event.jobs)},
        )

    def before(self) -> bool:
        """Owe what is to be said of a configuration that is broken since the last turn."""
        error = self._current.error
        problems = () if error is None else error.problems
        news = bool(problems) and problems != self._told
        tables = [each for each in self._current.get().notify.values() if each.webhook is not None] if news else []
        if not tables:
            self._told = problems
            return False
        event = events.config_invalid(problems, at=self._current.tried_at or clock.now())
        owed = [self._call(notify, event, to=f"{notify.name}:{event.type}") for notify in tables]
        ledger.owe(self._db, sink=self.name, owed=owed)
        # Only now: what fails is tried again.
        self._told = problems
        return True

    def deliver(self, taken: Sequence[Sending]) -> Sent:
        """Call the webhook with one event."""
        (sending,) = taken
        settings = self._current.get()
        notify = _table(settings, sending)
        if notify.webhook is None or notify.webhook_secret is None or not self._is_asked(settings, notify, sending):
            raise _nobody(sending)
        url, secret = reveal(settings, self._environ, notify.webhook, notify.webhook_secret)
        body = str((sending.body or {}).get("json", "")).encode()
        with telling():
            outlets.webhook(url, secret, id_=sending.message_id, body=body)
        return Sent()

    def _is_asked(self, settings: Config, notify: Notify, sending: Sending) -> bool:
        """Whether any job that the event tells of is still to be told to the table; one of no job is."""
        jobs = (sending.body or {}).get("jobs", ())
        return not jobs or any(
            config.ordered(settings, each.job.order) and receivers.is_told(settings, notify, each)
            for each in judging.verdicts(self._db, settings, jobs).values()
        )


class Chats:
    """What is told at once by Apprise: batched as letters are."""

    name = "apprise"
    together = True

    def __init__(self, db: ledger.Ledger, current: config.Current, environ: Mapping[str, str]) -> None:
        self._db = db
        self._current = current
        self._environ = environ

    def owed(self, changes: Sequence[Change]) -> Sequence[Owed]:
        """A message to each table that asks to be told at once, for each end that is worth one."""
        settings = self._current.get()
        if not any(notify.apprise for notify in settings.notify.values()):
            return ()
        ended = [change.job for change in news(changes) if change.job is not None]
        return [
            Owed(
                key=f"{self.name}/{notify.name}/{told.run.id}/{told.job.id}/{told.job.finished_at}",
                to=notify.name,
                run=told.run.id,
                jobs=(told.job.id,),
                due=clock.now() + transitions.BATCH_MS,
            )
            for told in judging.verdicts(self._db, settings, ended).values()
            if told.change
            for notify in receivers.asking(settings, told)
            if notify.apprise is not None
        ]

    def before(self) -> bool:
        """Hasten the messages to those whose projects have nothing unfinished."""
        return transitions.hasten(self._db, self._current.get(), self.name)

    def deliver(self, taken: Sequence[Sending]) -> Sent:
        """Write one message of what is due for one table, and hand it over."""
        settings = self._current.get()
        notify = _table(settings, taken[0])
        jobs = {job for each in taken for job in each.jobs}
        # All of it may have changed since: what is configured, what the project names, and `only`.
        every = transitions.newest(
            each
            for each in judging.verdicts(self._db, settings, jobs).values()
            if config.ordered(settings, each.job.order)
        )
        told = [each for each in every if receivers.is_told(settings, notify, each)]
        if notify.apprise is None or not told:
            raise _nobody(taken[0])
        (url,) = reveal(settings, self._environ, notify.apprise)
        message = chat.compose(told, public_url=settings.server.public_url)
        with telling():
            outlets.chat(url, message)
        return Sent(body={"subject": message.title})


class Heartbeats:
    """Who owes a digest owes its heartbeat when it went out, by `beat`."""

    name = "heartbeat"
    together = True

    def __init__(self, current: config.Current, environ: Mapping[str, str]) -> None:
        self._current = current
        self._environ = environ

    def owed(self, changes: Sequence[Change]) -> Sequence[Owed]:  # noqa: ARG002 - a sink's signature
        """Nothing: changes ask for no heartbeat."""
        return ()

    def before(self) -> bool:
        """Nothing."""
        return False

    def deliver(self, taken: Sequence[Sending]) -> Sent:
        """Call the address."""
        settings = self._current.get()
        notify = _table(settings, taken[0])
        if notify.heartbeat is None:
            raise _nobody(taken[0])
        (url,) = reveal(settings, self._environ, notify.heartbeat)
        with telling():
            outlets.heartbeat(url)
        return Sent()


def beat(notify: Notify, at: int) -> Owed:
    """The heartbeat of a notify table; one that was not heard yet is replaced, for the last is what counts."""
    key = f"{Heartbeats.name}/{notify.name}"
    return Owed(key=key, to=notify.name, due=at, body={"at": at}, replaces=True)


def _table(settings: Config, sending: Sending) -> Notify:
    """The notify table that a sending is for, as it is now. Raises Unwanted."""
    notify = settings.notify.get(sending.to.partition(":")[0])
    if notify is None:
        raise _nobody(sending)
    return notify


def _nobody(sending: Sending) -> Unwanted:
    return Unwanted(f"{sending.to} is not to be told any more")


def reveal(settings: Config, environ: Mapping[str, str], *refs: SecretRef) -> tuple[bytes, ...]:
    """What references name. Raises NotSent."""
    try:
        return tuple(config.reveal(ref, environ, settings.folder) for ref in refs)
    except config.SecretError as error:
        raise NotSent(str(error)) from error


@contextmanager
def telling() -> Iterator[None]:
    """What an outlet could not do within it is raised as NotSent."""
    try:
        yield
    except OutletError as error:
        raise NotSent(str(error), permanent=error.permanent, after_ms=error.retry_ms) from error

"""Reads what changed, owes letters for what is worth one, and sends what is due: the loop of the report room.

What is owed is on the ledger before anything is sent, so nothing is lost; a crash between sending and marking sends
again, under the same Message-ID. Never opens a repository and never touches a job.
"""

import hashlib
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from ctci import clock, config, ledger, logs
from ctci.config.settings import Config
from ctci.layout import Layout
from ctci.model import CONCLUSIVE, RED, Change, Commit, Job, Letter, Run, Sending, Status
from ctci.report import letter, mail, verdict

log = logging.getLogger(__name__)

#: The cursor among the changes, and the sink of the letters.
SINK = "mail"
#: A run's letter waits so long for more jobs to tell of, if the run is not over before, milliseconds.
BATCH_MS = 5 * 60_000
#: Another process may write without waking us; seconds.
POLL_S = 2.0
#: Letters per tick: the changes are read between.
AT_ONCE = 5
#: Runs looked through for what came since the last green one, or for the last outage.
MOST_RUNS = 20
#: First and longest wait before another try, milliseconds; and how many tries make a day.
FIRST_MS, LONGEST_MS, TRIES = 60_000, 60 * 60_000, 30


def backoff(tries: int) -> int | None:
    """Milliseconds until the next try after `tries` that failed: 1, 2, 4 up to 60 minutes; None after a day."""
    return None if tries >= TRIES else int(min(FIRST_MS * 2 ** (tries - 1), LONGEST_MS))


class Courier:
    """The loop; `remarks` says what is wrong with ctci itself, and what a letter about a project should tell of it."""

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
        #: Changes that ask for nothing are not worth a write: the ledger's cursor may be behind this one.
        self._seen = 0

    def run(self, stop: threading.Event) -> None:
        """Tell what is to be told until `stop`."""
        rung = 0
        while not stop.is_set():
            try:
                if not self.tick(stop.is_set):
                    rung = self._db.nudge.wait(rung, self._pause_s())
            except Exception:  # a loop that dies silently is the worst fault
                log.exception("the courier failed; trying again")
                clock.wait(stop, POLL_S)

    def tick(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Owe what the changes ask for, then send some of what is due; whether there was anything."""
        read = self._read()
        due = ledger.due(self._db, SINK, limit=AT_ONCE)
        for sending in due:
            if stopped():
                break
            self._deliver(sending)
        return read or bool(due)

    def _pause_s(self) -> float:
        due = ledger.next_due(self._db, SINK)
        return POLL_S if due is None else min(POLL_S, max(0.05, (due - clock.now()) / 1000))

    # --- what is owed ------------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        changes = ledger.changes_after(self._db, max(self._seen, ledger.cursor(self._db, SINK)))
        if not changes:
            return False
        settled = [change for change in changes if change.kind == "settled"]
        if settled:
            letters = [owed for change in settled for owed in self._owed(change)]
            ledger.owe(self._db, cursor=SINK, seq=changes[-1].seq, letters=letters)
        self._seen = changes[-1].seq
        for id_ in {change.run for change in settled}:
            run = ledger.run(self._db, id_)
            if run is not None and run.finished_at is not None:
                ledger.hasten(self._db, cursor=SINK, run=id_)
        return True

    def _owed(self, change: Change) -> Iterator[Letter]:
        """A letter to each address that the job's project names, if its end is worth one."""
        settings = self._current.get()
        job = ledger.job(self._db, change.job or 0)
        run = ledger.run(self._db, change.run)
        if job is None or run is None:
            return
        named = recipients(settings, run.project, job.order.remote.url)
        if not named or self._word(job, run) is None:
            return
        for to in named:
            key = f"{SINK}/{to}/{run.id}/{job.id}"
            yield Letter(
                key=key,
                to=to,
                run=run.id,
                job=job.id,
                due=clock.now() + BATCH_MS,
                message_id=_message_id(key, job, settings.server.public_url),
            )

    def _word(self, job: Job, run: Run) -> str | None:
        baseline = ledger.baseline(self._db, job)
        was_red = baseline is not None and baseline.status in RED
        asks = job.status is Status.ERRORED and not was_red
        word = verdict.worth(job, baseline, self._before(job, run) if asks else None)
        if word in (None, "errored") or run.rerun_of is None:
            return word
        return None if self._overtaken(job, run) else word

    def _before(self, job: Job, run: Run) -> Job | None:
        """The last job of the place before this one that was conclusive or errored."""
        runs = ledger.runs_(self._db, project=run.project, ref=run.ref, before=run.id, limit=MOST_RUNS)
        jobs = ledger.jobs_of(self._db, [each.id for each in runs])
        telling = CONCLUSIVE | {Status.ERRORED}
        for each in runs:
            for other in jobs[each.id]:
                if other.name == job.name and other.status in telling:
                    return other
        return None

    def _overtaken(self, job: Job, run: Run) -> bool:
        """Whether a rerun tells of a past that newer runs have left behind."""
        for other in ledger.standing(self._db):
            if (other.name, other.order.ref) == (job.name, job.order.ref):
                now = ledger.run(self._db, other.run)
                return now is not None and self._origin(now) > self._origin(run)
        return False

    def _origin(self, run: Run) -> int:
        """The number of the run that this one repeats, if any."""
        original: Run | None = run
        while original is not None and original.rerun_of is not None:
            run, original = original, ledger.run(self._db, original.rerun_of)
        return run.id if original is None else original.id

    # --- what is due -------------------------------------------------------------------------------------------------

    def _deliver(self, sending: Sending) -> None:
        """One try of one letter, and what became of it."""
        settings = self._current.get()
        run = ledger.run(self._db, sending.run)
        jobs = {job.id: job for job in ledger.jobs_of(self._db, [sending.run])[sending.run]}
        told = [jobs[id_] for id_ in sending.jobs if id_ in jobs]
        names = None
        if run is not None and told:
            names = recipients(settings, run.project, told[0].order.remote.url).get(sending.to)
        if run is None or names is None:
            self._missed(sending, f"{sending.to} is not to be told of #{sending.run} any more", permanent=True)
            return
        try:
            facts = self._facts(settings, run, told, names[0])
            message = mail.message(
                letter.compose(facts),
                sender=settings.server.smtp.sender if settings.server.smtp else _NOBODY,
                to=names[1],
                message_id=sending.message_id,
                headers=_headers(facts),
            )
            mail.send(message, self._url(settings), self._layout.mail)
        except ledger.Away:
            raise
        except mail.MailError as error:
            self._missed(sending, str(error), permanent=error.permanent)
        except config.SecretError as error:
            self._missed(sending, str(error), permanent=False)
        except Exception as error:  # around one letter: the others must not wait behind it
            log.exception("the letter about #%s to %s", run.id, sending.to)
            self._missed(sending, f"{type(error).__name__} in ctci; the server's log says more", permanent=False)
        else:
            ledger.sent(self._db, sending.id)
            log.info("#%s: told %s of %s", run.id, sending.to, verdict.summary(each.word for each in facts.told))

    def _missed(self, sending: Sending, error: str, *, permanent: bool) -> None:
        tries = sending.tries + 1
        delay = None if permanent else backoff(tries)
        again = "given up" if delay is None else f"again in {delay // 60_000} min"
        log.warning("#%s: the letter to %s did not go (try %s, %s): %s", sending.run, sending.to, tries, again, error)
        ledger.failed(self._db, sending.id, error=error, delay_ms=delay)

    def _url(self, settings: Config) -> str | None:
        smtp = settings.server.smtp
        if smtp is None or smtp.url is None:
            return None
        return config.reveal(smtp.url, self._environ, settings.folder).decode("utf-8", "replace")

    # --- what a letter is made of ------------------------------------------------------------------------------------

    def _facts(self, settings: Config, run: Run, jobs: list[Job], notify: str) -> letter.Facts:
        return letter.Facts(
            run=run,
            told=tuple(self._told(job, run) for job in jobs),
            notify=notify,
            title=settings.server.title,
            public_url=settings.server.public_url,
            at=clock.now(),
            remarks=self._remarks(run.project),
        )

    def _told(self, job: Job, run: Run) -> letter.Told:
        baseline = ledger.baseline(self._db, job)
        word = verdict.worth(job, baseline, None) or verdict.outright(job)
        # Of a fixed one the break is told: it ended with the last red job.
        green, red = ledger.since(self._db, baseline if word == "fixed" and baseline is not None else job)
        first, tail = (1, []) if word == "fixed" else logs.tail(self._layout.log(job.id, job.attempt), letter.LINES[0])
        return letter.Told(
            job=job,
            word=word,
            green=green,
            red=red if word == "fixed" else None,
            commits=self._commits(run, green) if word in ("broke", "failed") else (),
            tail=tuple(tail),
            tail_from=first,
        )

    def _commits(self, run: Run, green: Job | None) -> tuple[Commit, ...]:
        """What the runs since the last green one brought, newest first."""
        after = run.id - 1 if green is None else min(green.run, run.id - 1)
        runs = ledger.runs_(self._db, project=run.project, ref=run.ref, after=after, before=run.id + 1, limit=MOST_RUNS)
        # What is run again, or asked for, brings nothing.
        pushes = (each for each in runs if each.kind in ("push", "tag", "sweep") or each.id == run.id)
        brought = (commit for each in pushes for commit in ledger.commits_of(self._db, each.id))
        return tuple({commit.sha: commit for commit in brought}.values())


#: Who writes where no mail server is configured.
_NOBODY = "ctci <ctci@localhost>"


def recipients(settings: Config, project: str, at: str | None = None) -> Mapping[str, tuple[str, str]]:
    """Whom a project's letters go to: `team:ana@example.org` -> (team, ana@example.org), each address once.

    `at` is the address that was built: more than one [each] may have a project of that name.
    """
    found: dict[str, tuple[str, str]] = {}
    called = config.project(settings, project, at)
    asked = called.notify if called is not None else ()
    known: set[str] = set()
    for name in asked:
        for address in settings.notify[name].email if name in settings.notify else ():
            if address.casefold() not in known:
                known.add(address.casefold())
                found[f"{name}:{address}"] = (name, address)
    return found


def _message_id(key: str, job: Job, public_url: str) -> str:
    """Fixed before the first try. The time of the end is in it: a new ledger counts its runs from 1 again."""
    digest = hashlib.sha256(f"{key}/{job.finished_at}".encode()).hexdigest()[:16]
    return f"<{job.run}.{job.id}.{digest}@{_host(public_url)}>"


def _host(public_url: str) -> str:
    host = urlsplit(public_url).hostname or ""
    return host if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", host) else "localhost"


def _headers(facts: letter.Facts) -> Mapping[str, str]:
    """For filters."""
    words = {told.word for told in facts.told}
    label = re.sub(r"[^A-Za-z0-9-]+", "-", facts.notify).strip("-").lower() or "letters"
    return {
        "List-Id": f"<{label}.letters.{_host(facts.public_url)}>",
        "X-CTCI-Kind": "transition",
        "X-CTCI-Project": letter.plain(facts.run.project),
        "X-CTCI-Verdict": ", ".join(word for word in verdict.WORDS if word in words),
    }

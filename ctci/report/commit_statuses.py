"""The sink of commit statuses: what a change means for its commit is owed, and each status is told by itself.

What is owed for a commit and context replaces what was: only the last word is told, and never twice the same.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ctci import clock, config, ledger
from ctci.config.settings import Config
from ctci.model import CONCLUSIVE, FINISHED, Answer, Change, Finding, Owed, Say, Sending
from ctci.report import judging, stating, statuses
from ctci.report.courier import NotSent, Sent, Unwanted

#: What changed longer ago is not told any more: a server that is new to statuses tells nothing of its whole past.
NEWS_MS = 24 * 3600 * 1000
#: What is only under way waits so long: a job may begin, and end, meanwhile.
PAUSE_MS = 1000
#: A forge that was not there, or refused everything of a project, is not called about it for so long, if nothing is
#: reloaded; milliseconds.
BUSY_MS, REFUSED_MS = 60_000, 10 * 60_000


@dataclass(frozen=True, kw_only=True)
class _Held:
    """Why a forge is not called about a project: it was not there, was busy, or refused everything."""

    #: Unix milliseconds.
    until: int
    #: Of the configuration: another one may have mended it.
    generation: int
    said: str
    permanent: bool


class CommitStatuses:
    """Tells each project's forge."""

    name = "status"
    together = False

    def __init__(self, db: ledger.Ledger, current: config.Current, environ: Mapping[str, str]) -> None:
        self._db = db
        self._current = current
        self._environ = environ
        #: By project why its forge is not called now.
        self._held: dict[str, _Held] = {}

    def owed(self, changes: Sequence[Change]) -> Sequence[Owed]:
        """Every status of each commit that changed; the ledger knows which of them say something new."""
        settings, fresh = self._current.get(), clock.now() - NEWS_MS
        ids = {change.run for change in changes if change.at >= fresh}
        if not ids:
            return ()
        changed: dict[str, set[str]] = defaultdict(set)
        for run in ledger.runs_(self._db, ids=ids, limit=len(ids)):
            sha = stating.commit_of(run)
            if sha is not None:
                changed[run.project].add(sha)
        return [owed for project, shas in changed.items() for owed in self._of_commits(settings, project, shas)]

    def _of_commits(self, settings: Config, name: str, shas: Collection[str]) -> Iterable[Owed]:
        if not any(statuses.told(each) for each in config.candidates(settings, name)):
            return
        built = ledger.built(self._db, name, shas)
        jobs = ledger.jobs_of(self._db, [run.id for runs in built.values() for run in runs])
        standing = [stating.standing((run, jobs[run.id]) for run in runs) for runs in built.values()]
        every = [job for found in standing for _, job in found]
        ended = [job.id for job in every if job.status in CONCLUSIVE and job.same_as is None]
        told = judging.verdicts(self._db, settings, ended)
        firsts, commits = self._firsts(stating.repeated(every)), self._commits(stating.replacing(every))
        for found in standing:
            facts = stating.Facts(
                standing=found,
                public_url=settings.server.public_url,
                verdicts=told,
                firsts=firsts,
                commits=commits,
            )
            newest = max((run.id for run, _ in found), default=0)
            yield from (self._owed(name, newest, say) for say in stating.statuses(facts))

    def _owed(self, project: str, run: int, say: Say) -> Owed:
        return Owed(
            key=f"{self.name}/{project}/{say.key}",
            to=f"{project}/{say.key}",
            run=run,
            due=clock.now() + (0 if say.state in FINISHED else PAUSE_MS),
            body=statuses.body(say),
            replaces=True,
        )

    def _firsts(self, jobs: Collection[int]) -> Mapping[int, Finding]:
        found = ledger.found(self._db, jobs) if jobs else {}
        return {job: told[read.first] for job, (read, told) in found.items() if read.first is not None}

    def _commits(self, runs: Collection[int]) -> Mapping[int, str]:
        found = ledger.runs_(self._db, ids=runs, limit=len(runs)) if runs else ()
        return {run.id: sha for run in found if (sha := stating.commit_of(run)) is not None}

    def before(self) -> bool:
        """Nothing is waited for."""
        return False

    def deliver(self, taken: Sequence[Sending]) -> Sent:
        """Tell the forge the one status."""
        sending, settings = taken[-1], self._current.get()
        name = sending.to.partition("/")[0]
        jobs = ledger.jobs_of(self._db, [sending.run])[sending.run]
        project = config.project(settings, name, jobs[0].order.remote.url if jobs else None)
        self._hold_back(name)
        what = statuses.of_body(sending.body or {})
        answer = statuses.say(settings, project, what, self._environ) if project is not None else None
        if answer is None:
            raise Unwanted(f"no forge is told of {name} any more")
        if answer.kind in ("again", "refused"):
            raise self._missed(name, answer)
        return Sent(said=f"that {what.context} is {what.state}")

    def _hold_back(self, project: str) -> None:
        """Call no forge that has just said that it would not hear of the project. Raises NotSent."""
        held = self._held.get(project)
        if held is None:
            return
        left_ms = held.until - clock.now()
        if left_ms <= 0 or held.generation != self._current.generation:
            del self._held[project]
            return
        raise NotSent(held.said, permanent=held.permanent, after_ms=left_ms, tried=False)

    def _missed(self, project: str, answer: Answer) -> NotSent:
        permanent = answer.kind == "refused"
        after_ms = None if answer.after_s is None else int(answer.after_s * 1000)
        if answer.everywhere:
            wait_ms = REFUSED_MS if permanent else after_ms or BUSY_MS
            self._held[project] = _Held(
                until=clock.now() + wait_ms,
                generation=self._current.generation,
                said=answer.said,
                permanent=permanent,
            )
        return NotSent(answer.said, permanent=permanent, after_ms=after_ms)

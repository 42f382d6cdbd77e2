"""A recorded run -> its commit, facts and skips, in one transaction: a loop of its own that never takes a job slot.

One fetch at a time per project, in the order of recording. A fetch that fails is tried again for ten minutes, one of a
schedule for longer and after all others, and ends when the run is cancelled or the server stops.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from ctci import clock, config, git, ledger, trail
from ctci.access import access
from ctci.layout import Layout
from ctci.model import ASIDE, BISECT, HEADS, MOVED, TRY, Commit, Job, Repeat, Run
from ctci.run import skips

log = logging.getLogger(__name__)

#: How long a remote may be away before its runs are errored, seconds.
PATIENCE_S = 600
#: One fetch may take so long, seconds.
FETCH_S = 900
#: With more changed files than these a path filter is not asked.
MOST_CHANGED = 3000
#: A run brings at most so many commits to the ledger.
MOST_COMMITS = 100


class Prepare:
    """The loop; `run` may be the body of several threads."""

    def __init__(self, db: ledger.Ledger, layout: Layout, current: config.Current, environ: Mapping[str, str]) -> None:
        self._db = db
        self._layout = layout
        self._current = current
        self._environ = environ
        # Guards `_busy`: the projects that a thread of ours fetches now.
        self._lock = threading.Lock()
        self._busy: set[str] = set()

    def run(self, stop: threading.Event) -> None:
        """Prepare what waits until `stop`."""
        seen = 0
        while not stop.is_set():
            try:
                if not self.tick(stop.is_set):
                    seen = self._db.nudge.wait(seen, 1.0)
            except Exception:  # a loop that dies silently is the worst fault
                log.exception("prepare failed; trying again")
                clock.wait(stop, 2.0)

    def tick(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Prepare one run that waits; whether there was one."""
        for run in ledger.unprepared(self._db):
            with self._lock:
                if run.project in self._busy:
                    continue
                self._busy.add(run.project)
            with trail.about(run=run.id):
                try:
                    self._prepare(run, stopped)
                except ledger.Fenced:
                    log.info("#%s was prepared or cancelled meanwhile", run.id)
                finally:
                    with self._lock:
                        self._busy.discard(run.project)
            return True
        return False

    def _prepare(self, run: Run, stopped: Callable[[], bool]) -> None:
        jobs = ledger.jobs_of(self._db, [run.id])[run.id]
        mirror = self._layout.mirror(run.project)
        try:
            opened = access(jobs[0].order.remote, self._current.get().folder, self._environ, self._layout)
            fetched = git.fetch(
                mirror,
                opened,
                commit=run.after,
                ref=run.ref,
                deadline_s=FETCH_S,
                stop=lambda: stopped() or self._over(run.id),
            )
            if fetched.healed:
                log.warning("%s: %s", run.project, fetched.healed)
            tip = run.after or git.head(mirror, run.ref)
            if tip is None:
                raise git.GitError(f"the remote has no {run.ref}", kind="missing")
            commit = git.commit(mirror, tip)
            if git.needs_lfs(mirror, commit.sha):
                raise git.GitError(
                    "this commit keeps files in git-lfs, which ctci does not fetch: its worktree would hold pointers",
                    kind="refused",
                )
            git.pin(mirror, run.id, commit.sha)
        except (git.GitError, config.SecretError) as error:
            if not stopped() and not self._over(run.id):
                self._failed(run, _lost(run, error))
            return
        self._write_down(run, jobs, commit, mirror, fetched.default_branch)

    def _over(self, run: int) -> bool:
        """Whether the run was cancelled meanwhile."""
        found = ledger.run(self._db, run)
        return found is None or found.finished_at is not None

    def _failed(self, run: Run, error: git.GitError | config.SecretError) -> None:
        lasting = not isinstance(error, git.GitError) or error.kind != "unreachable"
        waited_s = (clock.now() - run.created_at) / 1000
        if lasting or waited_s > self._patience_s(run):
            ledger.give_up(self._db, run.id, str(error))
            log.warning("#%s of %s: %s", run.id, run.project, error)
            return
        # A remote that was away for long is asked less often.
        delay_s = clock.spread(min(60.0, 2.0 + waited_s / 4))
        ledger.postpone(self._db, run.id, f"{error}; trying again", int(delay_s * 1000))
        log.info("#%s of %s: %s; again in %.0f s", run.id, run.project, error, delay_s)

    def _patience_s(self, run: Run) -> float:
        """How long a run waits for its remote: one of a schedule as long as a time that was missed is made up for."""
        project = config.project(self._current.get(), run.project)
        schedule = project.schedules.get(run.schedule or "") if project is not None else None
        return PATIENCE_S if schedule is None else schedule.catch_up_s

    def _write_down(
        self, run: Run, jobs: tuple[Job, ...], commit: Commit, mirror: Path, default_branch: str | None
    ) -> None:
        message = git.message(mirror, commit.sha)
        skip = None
        if run.kind != TRY:
            skip = skips.reason(event=run.event, options=run.options, message=message, commit=commit.sha)
        repeats = {} if skip else self._repeats(run, jobs, commit, mirror, message)
        directories = {job.order.subproject: job.order.directory for job in jobs}
        default = self._default(run, jobs[0].order.remote.url, mirror, default_branch)
        last = ledger.last_built(self._db, run.project, run.ref, before=run.id)
        if run.against is not None:
            # A working copy brings all that what it is judged by has not.
            default, last = git.head(mirror, run.against), None
        # A schedule's or a person's run says nothing of what was before it.
        base = run.prev_commit or run.before or (None if run.kind in MOVED else last) or default
        # What is run again brings nothing that its original has not brought.
        brought = () if run.rerun_of or run.kind == BISECT else git.between(mirror, base, commit.sha, MOST_COMMITS)
        ledger.prepare(
            self._db,
            run.id,
            commit=commit,
            brought=tuple(
                Commit(
                    sha=each.sha,
                    author=each.author,
                    email=each.email,
                    subject=each.subject,
                    at=each.at,
                    touches=git.touched(mirror, each.sha, directories),
                )
                for each in brought
            ),
            older_than=self._older_than(run, commit, mirror),
            skips={job.id: skip for job in jobs} if skip else {},
            repeats=repeats,
            default_branch=default_branch,
            merge_base=self._merge_base(run, commit, mirror, default, last),
        )

    def _merge_base(self, run: Run, commit: Commit, mirror: Path, default: str | None, last: str | None) -> str | None:
        """Where a branch left the default branch, of its first run: its results are held against those of there."""
        # One that was gone from the remote begins anew.
        first = last is None or (run.kind in MOVED and run.prev_commit is None)
        if default is None or not first or run.kind in ASIDE or not run.ref.startswith(HEADS):
            return None
        return git.merge_base(mirror, default, commit.sha)

    def _repeats(
        self, run: Run, jobs: tuple[Job, ...], commit: Commit, mirror: Path, message: str
    ) -> dict[int, Repeat]:
        """The jobs whose path filter says that nothing that concerns them has changed, with the result they have."""
        if run.event != "push" or not any(job.order.paths for job in jobs):
            return {}
        bases = ledger.bases(self._db, run.project, run.ref)
        if run.against is not None:
            # A branch that was never pushed has no results of its own to repeat.
            bases = {**ledger.bases(self._db, run.project, run.against), **bases}
        changed: dict[str, tuple[str, ...] | None] = {}
        found: dict[int, Repeat] = {}
        for job in jobs:
            base, built = bases.get((job.order.subproject, job.order.recipe.name), (None, None))
            if base is None or built is None or not skips.filters(job.order, base, event=run.event, message=message):
                continue
            if built not in changed:
                try:
                    changed[built] = git.changed(mirror, built, commit.sha, MOST_CHANGED)
                except git.GitError:
                    # Not to be compared with: it is run.
                    changed[built] = None
            repeat = skips.unchanged(job.order, base, changed[built])
            if repeat is not None:
                found[job.id] = repeat
        return found

    def _default(self, run: Run, address: str, mirror: Path, default_branch: str | None) -> str | None:
        """Where the default branch stands; None for a run of that one itself."""
        learnt = default_branch or ledger.default_branch(self._db, run.project)
        project = config.project(self._current.get(), run.project, address)
        default = project.default_ref(learnt) if project is not None else HEADS + (learnt or "main")
        return git.head(mirror, default) if default != run.ref else None

    def _older_than(self, run: Run, commit: Commit, mirror: Path) -> int | None:
        """The run whose commit is a descendant of this one and was recorded before it.

        A branch that was really set back is not out of order: then the remote stands at this commit now, or the
        push started from the commit that we had last.
        """
        if run.kind not in ("push", "tag") or run.prev_commit is None or run.prev_run is None:
            return None
        if run.before == run.prev_commit or git.head(mirror, run.ref) in (run.after, commit.sha):
            return None
        return run.prev_run if git.is_ancestor(mirror, commit.sha, run.prev_commit) else None


def _lost(run: Run, error: git.GitError | config.SecretError) -> git.GitError | config.SecretError:
    """Of a try that is gone, what helps: no remote ever had it."""
    if run.kind != TRY or not isinstance(error, git.GitError) or error.kind != "missing":
        return error
    return git.GitError("what was tried is no longer in the mirror; `ctci try` brings it again", kind=error.kind)

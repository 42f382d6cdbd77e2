"""Looks for the commit that broke what a schedule found broken, while nothing else is to be done: one run at a time.

What is tried next is decided by hunt.py from what the ledger knows, so that a search goes on after a restart, and
two servers make one of it.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace

from ctci import clock, config, git, ledger, trail
from ctci.config import times
from ctci.config.settings import Schedule
from ctci.layout import Layout
from ctci.model import BISECT, Commit, Entry, Hunting, Quarry, Trigger
from ctci.receive import cron, desk, hunt, whose

log = logging.getLogger(__name__)

#: How often it looks, seconds: after something was written, and by the clock, which ends a search at its time.
EVERY_S, IDLE_S = 2.0, 30.0
#: Of more commits than these none is looked for.
MOST_COMMITS = 1000
#: (project, schedule)
Place = tuple[str, str]


class Hunter:
    """The loop."""

    def __init__(self, db: ledger.Ledger, layout: Layout, current: config.Current) -> None:
        self._db = db
        self._layout = layout
        self._current = current

    def run(self, stop: threading.Event) -> None:
        """Look until `stop`."""
        seen = 0
        while not clock.wait(stop, EVERY_S):
            try:
                self.tick()
            except Exception:  # a loop that dies silently is the worst fault
                log.exception("the search for what broke failed; trying again")
            seen = self._db.nudge.wait(seen, IDLE_S)

    def tick(self) -> bool:
        """Begin searches, and take each as far as it comes now; whether a run was asked for."""
        schedules = self._schedules()
        for quarry in ledger.unhunted(self._db, schedules.keys()) if schedules else ():
            self._begin(quarry, schedules[quarry.run.project, quarry.run.schedule or ""])
        going = [each for each in ledger.hunting(self._db) if not self._stopped(each, schedules)]
        # One of them at a time: what is idle now need not be idle in a minute.
        if any(not probe.ended for each in going for probe in each.probes):
            return False
        idle = self._idle()
        asked = False
        for each in going:
            asked = self._go_on(each, idle=idle and not asked) or asked
        return asked

    def _schedules(self) -> Mapping[Place, Schedule]:
        """Those that ask for it."""
        settings = self._current.get()
        every = (*settings.projects.values(), *(each.project for each in settings.each.values()))
        if not any(schedule.bisect for project in every for schedule in project.schedules.values()):
            return {}
        return {
            (project.name, schedule.name): schedule
            for project in whose.every(self._db, settings).values()
            for schedule in project.schedules.values()
            if schedule.bisect
        }

    def _idle(self) -> bool:
        """Whether a slot is free that nobody waits for."""
        counts = ledger.counts(self._db)
        waiting = counts["queued"] or counts["unprepared"]
        return not waiting and counts["running"] < self._current.get().server.max_jobs

    def _begin(self, quarry: Quarry, schedule: Schedule) -> None:
        """Write down that this is looked into, with what there is to look through, or why it is not."""
        run, green = quarry.run, quarry.green_run
        until = None
        if schedule.bisect_until is not None:
            line = times.line(schedule.bisect_until)
            until = cron.next_after(line, schedule.timezone, run.created_at).at
        commits = None
        try:
            mirror = self._layout.mirror(run.project)
            commits = git.mainline(mirror, green.commit or "", run.commit or "", MOST_COMMITS)
            why = f"no way of at most {MOST_COMMITS} commits leads from #{green.id} to #{run.id}"
        except git.GitError as error:
            why = str(error)
        begun = hunt.Step(word="looking", next=len(commits or ()), low=0, high=len(commits or ()))
        if commits is None:
            begun = replace(begun, word="unknown", next=None)
        elif until is not None and clock.now() >= until:
            begun, why = replace(begun, word="stopped", next=None), f"#{run.id} ended after {schedule.bisect_until}"
        said = _said(quarry, commits or (), why="" if begun.next is not None else why)
        ledger.hunt(
            self._db,
            quarry,
            commits=commits or (),
            doubtful=self._doubtful(quarry),
            until=until,
            word=begun.word,
            sentence=hunt.sentence(begun, said),
            over=begun.next is None,
        )

    def _doubtful(self, quarry: Quarry) -> bool:
        """Whether the recipe, the machine or a tool is not what it was when the place was green."""
        red, green = quarry.red, quarry.green
        if (red.order.recipe, red.order.directory) != (green.order.recipe, green.order.directory):
            return True
        attempts = [ledger.attempts_of(self._db, job.same_as or job.id) for job in (red, green)]
        facts = [dict(each[-1].facts) if each else {} for each in attempts]
        return facts[0] != facts[1]

    def _stopped(self, each: Hunting, schedules: Mapping[Place, Schedule]) -> bool:
        """Whether there is no more to look for, or no more time; then the search has ended."""
        project = each.quarry.run.project
        why = ""
        if not each.broken:
            why = "the place is not what it was: green since, or forgotten"
        elif (project, each.schedule) not in schedules:
            why = f"the schedule {each.schedule} asks for it no more"
        elif each.until is not None and clock.now() >= each.until:
            why = f"it was {schedules[project, each.schedule].bisect_until or 'time to stop'}"
        if not why:
            return False
        for probe in each.probes:
            if not probe.ended:
                ledger.ask_cancel(self._db, by="ctci", reason=why, run=probe.run)
        ended = hunt.step(len(each.commits), [probe for probe in each.probes if probe.ended], doubtful=each.doubtful)
        # What was found, and was only to be confirmed, is found.
        ended = replace(ended, word="found" if ended.word == "found" else "stopped", next=None)
        self._tell(each, ended, why=why)
        return True

    def _go_on(self, each: Hunting, *, idle: bool) -> bool:
        """Tell what is known by now, and while nothing else is to be done ask for the next run."""
        now = hunt.step(len(each.commits), each.probes, doubtful=each.doubtful)
        self._tell(each, now)
        if now.next is None or not idle:
            return False
        ledger.probe(
            self._db, each.id, number=len(each.probes) + 1, position=now.next, entry=self._entry(each, now.next)
        )
        return True

    def _tell(self, each: Hunting, now: hunt.Step, *, why: str = "") -> None:
        culprit = self._commit(each, now)
        sentence = hunt.sentence(now, _said(each.quarry, each.commits, each, culprit, why))
        told = now.word, culprit.sha if culprit else None, sentence
        over = now.next is None
        if over or told != (each.hunt.word, each.hunt.commit, each.hunt.sentence):
            ledger.tell(self._db, each.id, word=told[0], commit=told[1], sentence=told[2], over=over)
            with trail.about(run=each.quarry.run.id, job=each.quarry.red.id):
                log.info("%s of #%s: %s", each.quarry.red.name, each.quarry.run.id, sentence)

    def _commit(self, each: Hunting, now: hunt.Step) -> Commit | None:
        """The one that was found."""
        if now.word != "found":
            return None
        sha = each.commits[now.high - 1]
        try:
            return git.commit(self._layout.mirror(each.quarry.run.project), sha)
        except git.GitError:
            return Commit(sha=sha, author="unknown", email="", subject="", at=0)

    def _entry(self, each: Hunting, position: int) -> Entry:
        """A run of the red job's own order at another commit."""
        quarry, number = each.quarry, len(each.probes) + 1
        order = replace(quarry.red.order, on_new_push="parallel")
        commit = each.commits[position - 1] if position else quarry.green_run.commit
        trigger = Trigger(
            kind=BISECT,
            # Numbers of jobs are never given out twice, also where an older ledger was put back.
            key=f"{BISECT}:{quarry.red.id}:{number}",
            project=order.project,
            ref=order.ref,
            after=commit,
            schedule=each.schedule,
        )
        return Entry(
            project=order.project,
            forge="ctci",
            event=BISECT,
            key=trigger.key,
            ref=order.ref,
            reason=f"looking for what broke {order.place} in #{quarry.run.id}: run {number}",
            trigger=trigger,
            orders=(order,),
            priority=desk.HUNT,
        )


def _said(
    quarry: Quarry,
    commits: tuple[str, ...],
    each: Hunting | None = None,
    culprit: Commit | None = None,
    why: str = "",
) -> hunt.Said:
    return hunt.Said(
        red_run=quarry.run.id,
        green_run=quarry.green_run.id,
        green_commit=quarry.green_run.commit or "",
        commits=commits,
        probes=each.probes if each is not None else (),
        culprit=culprit,
        why=why,
    )

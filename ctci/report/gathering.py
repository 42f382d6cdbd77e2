"""The facts of a digest, gathered from the ledger: by a fixed number of reads, however much happened."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date as day_of
from datetime import datetime
from itertools import pairwise
from urllib.parse import urlencode

from ctci import clock, config, ledger
from ctci.config.settings import Config, Digest, Notify, Project
from ctci.ledger import Window
from ctci.model import (
    FINISHED,
    RED,
    Ack,
    Branch,
    Fired,
    Lapsed,
    Mark,
    Overdue,
    Past,
    Place,
    Recipe,
    Refused,
    Remark,
    Run,
    Seen,
    Sending,
    Slower,
    Status,
    Unfinished,
    Unsent,
    unfired,
)
from ctci.report import dates, digest, judging, receivers, upcoming, verdict

#: Runs of a strip.
STRIP = 24
#: Calls that were refused, and letters that did not go, which are looked through.
MOST = 500
#: What a schedule asked for so long ago may end in the window, milliseconds.
AWAITED_MS = 3 * 24 * 3600 * 1000
#: Files with failing tests that are counted.
FILES = 4

#: By name the projects that could be called so: of one name are more where several [each] have it.
Homes = Mapping[str, tuple[Project, ...]]
#: (project, ref, subproject, recipe).
Key = tuple[str, str, str, str]

#: When a schedule next runs on each of some (project, ref) after a time, Unix milliseconds; of those where one does.
Following = Callable[[Collection[tuple[str, str]], int], Mapping[tuple[str, str], int]]


def facts(
    db: ledger.Ledger,
    settings: Config,
    notify: Notify,
    window: upcoming.Window,
    *,
    following: Following,
    remarks: Callable[[Collection[str]], tuple[Remark, ...]],
) -> digest.Facts:
    """All that happened in a window in the projects that name this notify table."""
    since, until = window.since, window.until
    projects = receivers.projects_of(settings, ledger.projects_(db), notify)
    homes = {name: config.candidates(settings, name) for name in projects}
    places = tuple(_places(db, settings, homes, since, until))
    fired = ledger.fired(db, after=since - AWAITED_MS, within=projects)
    numbers = {one.delivery.run for one in fired if one.delivery.run is not None}
    asked = {run.id: run for run in ledger.runs_(db, ids=numbers, limit=len(numbers))} if numbers else {}
    return digest.Facts(
        date=window.date,
        since=since,
        until=until,
        first=window.first,
        missed=window.missed,
        cut=window.cut,
        notify=notify.name,
        only=notify.only,
        quiet=notify.digest.quiet if notify.digest is not None else "full",
        timezone=notify.timezone,
        server_day=clock.day,
        title=settings.server.title,
        public_url=settings.server.public_url,
        next_at=dates.following(notify.digest or Digest(), notify.timezone, window.date).at,
        after=notify.digest.after if notify.digest is not None else None,
        page_url=page_url(settings, notify, since, until),
        places=places,
        branches=_branches(db, projects, since, until, following),
        overdue=tuple(_overdue(homes, fired, asked, since, until)),
        refused=_refused(db, projects, since, until),
        lapsed=tuple(_lapsed(db, homes, places, since, until)),
        unfinished=_unfinished(db, notify, asked),
        remarks=remarks(projects),
        unsent=tuple(_unsent(db, notify, since)),
    )


def page_url(settings: Config, notify: Notify, since: int, until: int) -> str:
    """The page that shows the digest of this window whole."""
    asked = urlencode({"to": notify.name, "since": since, "until": until})
    return f"{settings.server.public_url.rstrip('/')}/digest?{asked}"


# --- places ----------------------------------------------------------------------------------------------------------


def _places(db: ledger.Ledger, settings: Config, homes: Homes, since: int, until: int) -> Iterable[Place]:
    found = {key: one for key, one in ledger.windows(db, since, until).items() if _homes_of(homes, key)}
    known = judging.pasts(db, settings, {one.last for one in found.values() if one.last is not None})
    gone = ledger.gone(db, {key[0] for key in found})
    learnt = ledger.default_branches(db)
    acks = ledger.acks_of(db, {key[0] for key in found})
    for key, one in sorted(found.items()):
        left = not one.results and not _is_built(homes, key, learnt.get(key[0]))
        yield _place(
            key,
            one,
            known.get(one.last or 0),
            gone=left or key[:2] in gone,
            deleted=since < gone.get(key[:2], 0) <= until,
            acks=acks[key[0]],
        )


def _homes_of(homes: Homes, key: Key) -> tuple[Project, ...]:
    """The projects that have the recipe of a place; none: it was removed, and is red for nobody."""
    project, _, subproject, recipe = key
    return tuple(each for each in homes.get(project, ()) if config.configured(each, subproject, recipe))


def _is_built(homes: Homes, key: Key, learnt: str | None) -> bool:
    """Whether anything but a person builds a place; `learnt`: the default branch as its remote says."""
    _, ref, subproject, _ = key
    return any(config.built(each, ref, subproject, each.default_ref(learnt)) for each in _homes_of(homes, key))


def _place(key: Key, one: Window, past: Past | None, *, gone: bool, deleted: bool, acks: Mapping[str, Ack]) -> Place:
    project, ref, subproject, recipe = key
    before = one.before
    if before is None and past is not None and past.forked and one.results and past.job.id == one.results[0].job:
        before = past.baseline
    order = past.job.order.recipe if past is not None else None
    flaky, shaky = _flaky(one, past)
    return Place(
        project=project,
        ref=ref,
        subproject=subproject,
        recipe=recipe,
        verdict=verdict.judge(past) if past is not None else None,
        before=before,
        red=_red_of(before, one, past),
        results=one.results,
        errored=one.errored,
        again=one.again,
        late=one.late,
        acked=_acked(past, acks),
        failing=_failing(past),
        flaky=flaky,
        shaky=shaky,
        slower=_slower(order, one, past) if order is not None else None,
        gone=gone,
        deleted=deleted,
        allowed=order.allow_failure if order is not None else False,
    )


def _red_of(before: Seen | None, one: Window, past: Past | None) -> Seen | None:
    """The first red result of the break that `before` is in, as far back as is known."""
    if before is None or before.status not in RED or past is None:
        return None
    if past.red is not None and past.red.at <= before.at:
        return past.red
    first = before
    for seen in past.results:
        if seen.at > before.at or seen in one.results:
            continue
        if seen.status not in RED:
            break
        first = seen
    return first


def _acked(past: Past | None, acks: Mapping[str, Ack]) -> tuple[Ack, ...]:
    """What is acknowledged of what its last job found."""
    names = dict.fromkeys(each.fingerprint for each in past.findings) if past is not None else ()
    return tuple(acks[name] for name in names if past is not None and name in past.acked and name in acks)


def _failing(past: Past | None) -> tuple[tuple[str, int], ...]:
    """Files with tests that fail, most first."""
    tests = (each for each in past.findings if each.severity == "failure" and each.file) if past is not None else ()
    return tuple(Counter(str(each.file) for each in tests).most_common(FILES))


def _flaky(one: Window, past: Past | None) -> tuple[str, Seen | None]:
    """Why it is called flaky by which job of the window: what was flaky before has been told."""
    newest = next((seen for seen in one.results if past is not None and seen.job == past.job.id), None)
    if past is not None and newest is not None and (own := verdict.own(past)):
        return own, newest
    story = (one.before, *one.results)
    told = ((seen, verdict.shaky(seen, before)) for before, seen in reversed(list(pairwise(story))) if seen)
    return next(((why, seen) for seen, why in told if why), ("", None))


def _slower(recipe: Recipe, one: Window, past: Past | None) -> Slower | None:
    """What any job of the window is told as slower by, the newest that is."""
    last = [] if past is None else [seen for seen in past.results if seen.job not in {each.job for each in one.results}]
    newest = [*reversed(one.results), *last]
    told = (verdict.slowed(recipe, newest[at:]) for at in range(len(one.results)))
    return next((each for each in told if each is not None), None)


# --- branches, schedules, calls --------------------------------------------------------------------------------------


def _branches(
    db: ledger.Ledger, projects: Collection[str], since: int, until: int, following: Following
) -> tuple[Branch, ...]:
    ran = [each for each in ledger.ran(db, since, until) if each.project in projects]
    places = [(each.project, each.ref) for each in ran]
    strips = ledger.strips(db, places, length=STRIP) if ran else {}
    following_ = following(places, until) if ran else {}
    again = ledger.second_tries(db, [run.id for each in strips.values() for run in each])
    return tuple(
        replace(
            each,
            strip=tuple(
                _mark(run, again) for run in strips.get((each.project, each.ref), ()) if run.status in FINISHED
            ),
            next_at=following_.get((each.project, each.ref)),
        )
        for each in ran
    )


def _mark(run: Run, again: Collection[int]) -> Mark:
    began = run.prepared_at or run.created_at
    flaky = run.status is Status.SUCCEEDED and run.id in again
    return Mark(status=run.status, seconds=max(0, (run.finished_at or began) - began) / 1000, flaky=flaky)


def _overdue(
    homes: Homes, fired: Iterable[Fired], asked: Mapping[int, Run], since: int, until: int
) -> Iterable[Overdue]:
    """What did not run, or was ended before it came to anything: what ctci could not run is told as errored."""
    for one in fired:
        project, _, schedule = one.delivery.key.partition("@")[0].removeprefix("schedule:").partition("/")
        project = project or one.delivery.project
        if not any(schedule in each.schedules for each in homes.get(project, ())):
            continue
        run = asked.get(one.delivery.run or 0)
        nothing = run is not None and run.status in (Status.CANCELLED, Status.SUPERSEDED)
        # What fired in one window may end in the next.
        ended = run.finished_at or 0 if run is not None else one.delivery.at
        if not since < ended <= until or not (one.delivery.event == "missed" or nothing):
            continue
        reason = one.delivery.reason.removeprefix(f"the schedule {schedule}: ")
        times, cause = unfired.read(reason, one.delivery.key.partition("@")[2])
        yield Overdue(
            project=project,
            schedule=schedule,
            at=_nominal(one),
            ref=(one.delivery.ref or "") if nothing else "",
            reason=f"#{one.delivery.run} {one.status}" if nothing else cause,
            times=times,
        )


def _nominal(one: Fired) -> int:
    """When it should have run: its key says so."""
    try:
        written = one.delivery.key.partition("@")[2].partition(":refs/")[0]
        return round(datetime.fromisoformat(written).timestamp() * 1000)
    except ValueError:
        return one.delivery.at


def _refused(db: ledger.Ledger, projects: Collection[str], since: int, until: int) -> tuple[Refused, ...]:
    found: dict[tuple[str, str, str], Refused] = {}
    for each in ledger.deliveries_(db, decision="refused", limit=MOST):
        if each.project in projects and since < each.at <= until:
            key = (each.project, each.forge, each.reason)
            known = found.get(key)
            one = Refused(project=key[0], forge=key[1], reason=key[2], count=1, at=each.at)
            found[key] = one if known is None else replace(known, count=known.count + 1)
    return tuple(found.values())


def _lapsed(db: ledger.Ledger, homes: Homes, places: Iterable[Place], since: int, until: int) -> Iterable[Lapsed]:
    """What is not acknowledged any more, and is found still."""
    acks = [ack for ack in ledger.lapsed(db, since, until) if ack.project in homes]
    found = ledger.still_found(db, {ack.id for ack in acks}) if acks else {}
    known = {(place.project, place.ref, place.subproject, place.recipe): place for place in places}
    for ack in acks:
        there = (key for key in found.get(ack.id, ()) if _homes_of(homes, key))
        for key in sorted(there, key=lambda key: key not in known)[:1]:
            project, ref, subproject, recipe = key
            place = known.get(key) or Place(project=project, ref=ref, subproject=subproject, recipe=recipe)
            yield Lapsed(place=place, finding=ack.said, by=ack.acked_by, why=ack.why, until=ack.until)


def _unfinished(db: ledger.Ledger, notify: Notify, asked: Mapping[int, Run]) -> tuple[Unfinished, ...]:
    """What schedules have asked for and is not over: a silence about it would be taken for a good end."""
    runs = {number: run for number, run in asked.items() if run.status not in FINISHED}
    jobs = ledger.jobs_of(db, sorted(runs)) if runs else {}
    return tuple(
        Unfinished(
            run=number,
            project=job.order.project,
            name=job.name,
            branch=runs[number].branch,
            since=job.began_at or job.queued_at,
        )
        for number, each in sorted(jobs.items())
        for job in each
        if job.status not in FINISHED
        and receivers.is_of(notify.only, job.order.project, job.order.subproject, runs[number].branch)
    )


def _unsent(db: ledger.Ledger, notify: Notify, since: int) -> Iterable[Unsent]:
    """Letters of this notify table that did not go."""
    for each in ledger.unsent(db, since=since, limit=MOST):
        name, _, address = each.to.partition(":")
        if each.sink not in ("mail", "digest") or name != notify.name:
            continue
        what = f"digest of {_day(each)}" if each.sink == "digest" else f"letter about #{each.run}"
        yield Unsent(to=address, what=what, error=each.last_error or "", given_up=each.state == "given_up")


def _day(digest: Sending) -> str:
    """`Tue 24 Nov`: the date that a digest is of."""
    return day_of.fromisoformat(str((digest.body or {})["date"])).strftime("%a %-d %b")

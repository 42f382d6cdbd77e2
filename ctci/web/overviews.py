"""What the pages that list something say first: of runs, calls, the queue, the schedule and the settings. Pure."""

from collections import Counter
from collections.abc import Sequence

from ctci import words
from ctci.model import Delivery, Job, Run, Status
from ctci.receive.agenda import Ahead
from ctci.web.sentences import Part, Verdict, job_href


def runs(found: Sequence[Run], *, where: str, older: bool, newest: bool) -> Verdict:
    """The verdict over a page of runs; `older`: there are more, `newest`: it is the first page."""
    if not found:
        return Verdict(parts=(Part(f"No run{where} matches." if where else "No runs yet."),))
    counted = Counter(words.status(run.status) for run in found)
    told = ", ".join(f"{number} {name}" for name, number in counted.most_common())
    total = words.count(len(found), "run")
    which = f"{'The newest ' if newest and older else ''}{total}{where}"
    if not newest:
        which = f"{total}{where}, from #{found[0].id} down to #{found[-1].id}"
    return Verdict(parts=(Part(f"{which}: {told}."),), status=None)


def deliveries(found: Sequence[Delivery], *, where: str, newest: bool) -> Verdict:
    """The verdict over a page of deliveries."""
    if not found:
        return Verdict(parts=(Part(f"No hook has called{where} yet." if newest else f"No older call{where}."),))
    counted = Counter(each.decision for each in found)
    kinds = (
        ("queued", "made a run", "made a run"),
        ("ignored", "was ignored", "were ignored"),
        ("duplicate", "was seen before", "were seen before"),
        ("refused", "was refused", "were refused"),
    )
    told = ", ".join(
        f"{words.number(counted[name])} {one if counted[name] == 1 else many}"
        for name, one, many in kinds
        if counted[name]
    )
    which = (
        "The last call"
        if newest and len(found) == 1
        else f"{'The last ' if newest else ''}{words.count(len(found), 'call')}"
    )
    return Verdict(parts=(Part(f"{which}{where}: {told}."),))


def queue(running: int, queued: int, waiting: Sequence[tuple[Job, Run]]) -> Verdict:
    """The verdict over the queue, with what the first one waits for."""
    runs = f"{words.count(running, 'job runs', 'jobs run')}" if running else "Nothing runs"
    if not waiting:
        text = f"{runs} and nothing waits."
        return Verdict(parts=(Part(text),), status=Status.RUNNING if running else None)
    told = f"{runs} and {words.number(queued)} {'waits' if queued == 1 else 'wait'}"
    first, run = waiting[0]
    why = Part(f" {words.waits(first, run)}.")
    return Verdict(
        parts=(Part(f"{told}: "), Part(first.name, job_href(first)), why),
        status=Status.RUNNING if running else Status.QUEUED,
    )


def schedule(ahead: Sequence[Ahead], missed: int, now: int) -> Verdict:
    """The verdict over what runs without a push; `missed`: of the last seven days."""
    lost = f"; {words.count(missed, 'time was', 'times were')} missed in the last seven days" if missed else ""
    if not ahead:
        return Verdict(parts=(Part(f"Nothing is scheduled{lost}."),))
    first = ahead[0]
    when = f"in {words.age(first.nominal.at - now)}, at {first.local:%H:%M}"
    said = Part(f"Next is {first.project} {first.schedule.name} ")
    return Verdict(parts=(said, Part(when, at=first.nominal.at), Part(f"{lost}.")))


def configuration(projects: int, recipes: int, *, broken: bool) -> Verdict:
    """The verdict over what is configured."""
    if broken:
        text = "The last change of the configuration has errors; the one before it is in force."
        return Verdict(parts=(Part(text),), status=Status.ERRORED)
    told = f"{words.count(projects, 'project')} with {words.count(recipes, 'recipe')}"
    return Verdict(parts=(Part(f"{told} {'is' if projects == 1 else 'are'} in force."),))

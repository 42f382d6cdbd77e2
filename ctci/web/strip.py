"""The strip and the lanes as numbers: which bar stands where, how high, and in which class. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ctci import words
from ctci.model import Job, Run, Status

#: Slots of a strip, each 4 wide with 2 between.
SLOTS = 30
#: The height above the line.
HIGH = 22

_CLASSES = {
    Status.SUCCEEDED: "s-g",
    Status.FAILED: "s-f",
    Status.TIMED_OUT: "s-t",
    Status.ERRORED: "s-e",
    Status.RUNNING: "s-r",
}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One run: (x, y, width, height) of its rectangles; the first stands on the line, the others hang below it."""

    style: str
    title: str
    boxes: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The last runs of one branch, newest at the right."""

    label: str
    bars: tuple[Bar, ...]


def strip(name: str, runs: Sequence[Run]) -> Strip:
    """Of runs, oldest first."""
    runs = runs[-SLOTS:]
    longest = max((took(run) or 0 for run in runs), default=0) or 1
    bars = tuple(_bar(run, 6 * (SLOTS - len(runs) + at), longest) for at, run in enumerate(runs))
    counted = Counter(run.status for run in runs)
    told = ", ".join(f"{counted[status]} {words.status(status)}" for status in Status if counted[status])
    latest = f"; the latest {words.status(runs[-1].status)}" if runs else ""
    return Strip(label=f"{name}, last {words.count(len(runs), 'run')}: {told or 'none'}{latest}", bars=bars)


def _bar(run: Run, x: float, longest: float) -> Bar:
    seconds = took(run)
    height = max(4, round(HIGH * (seconds or 0) / longest))
    boxes: tuple[tuple[float, float, float, float], ...]
    match run.status:
        case Status.FAILED:
            boxes = ((x, HIGH - height, 4, height), (x, 24, 4, 8))
        case Status.TIMED_OUT:
            boxes = ((x, HIGH - height, 4, height), (x, 24, 4, 3), (x, 29, 4, 3))
        case Status.SUCCEEDED:
            boxes = ((x, HIGH - height, 4, height),)
        case Status.ERRORED:
            boxes = ((x + 0.5, HIGH - height + 0.5, 3, height - 1),)
        case Status.RUNNING:
            boxes = ((x + 0.75, 2.75, 2.5, 18.5),)
        case Status.QUEUED:
            boxes = ((x + 1, 20, 2, 2),)
        case Status.SKIPPED:
            boxes = ((x, 21, 4, 1),)
        case _:
            boxes = ((x, 19, 4, 3),)
    lasted = f", {words.duration(seconds)}" if seconds is not None else ""
    return Bar(
        style=_CLASSES.get(run.status, "s-c"), title=f"#{run.id} {words.status(run.status)}{lasted}", boxes=boxes
    )


def took(run: Run) -> float | None:
    """Seconds from a run's prepare to its end; None while it has none."""
    if run.finished_at is None:
        return None
    return max(0, run.finished_at - (run.prepared_at or run.created_at)) / 1000


def median(runs: Sequence[Run]) -> float | None:
    """Seconds, of the green ones."""
    green = sorted(seconds for run in runs if run.status is Status.SUCCEEDED and (seconds := took(run)) is not None)
    return green[len(green) // 2] if green else None


def lanes(jobs: Sequence[Job], now: int) -> dict[int, tuple[str, float, float]]:
    """Job id -> (class, x, width) on one axis 300 wide, of the jobs that began."""
    begun = [(job, job.began_at) for job in jobs if job.began_at is not None]
    if not begun:
        return {}
    first = min(began for _, began in begun)
    last = max(job.finished_at or now for job, _ in begun)
    scale = 300 / max(1, last - first)
    return {
        job.id: (
            _CLASSES.get(job.status, "s-c"),
            round((began - first) * scale, 1),
            round(max(2, ((job.finished_at or now) - began) * scale), 1),
        )
        for job, began in begun
    }

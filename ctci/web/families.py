"""What is measured, as families of Prometheus: names, labels and values of one moment. Pure.

Only what is configured now has a label of its own: nothing that a push can name becomes one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from ctci import config, forges
from ctci.config.settings import Project
from ctci.model import BUCKETS_S, LONGER, UNTIMED, Status, Total

if TYPE_CHECKING:
    from prometheus_client.core import Metric

#: A sink -> how it tells, and what.
CHANNELS = {
    "mail": ("mail", "at_once"),
    "digest": ("mail", "digest"),
    "apprise": ("apprise", "at_once"),
    "webhook": ("webhook", "event"),
    "heartbeat": ("heartbeat", "digest"),
    "trace": ("otlp", "run"),
}
#: The end of each bucket, and how it is written.
_ENDS = {**{end: str(float(end)) for end in BUCKETS_S}, LONGER: "+Inf"}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was looked at. Times are Unix milliseconds, sizes bytes."""

    version: str
    projects: Mapping[str, Project]
    totals: Sequence[Total]
    #: Jobs of the whole ledger, and slots of this server.
    queued: int
    running: int
    busy: int
    slots: int
    #: Whether the last reload was taken.
    reloaded: bool
    #: (project, branch) -> whether it is broken.
    broken: Mapping[tuple[str, str], bool]
    #: (project, branch, subproject) -> since when at least one of its recipes has not succeeded again.
    succeeded: Mapping[tuple[str, str, str], int]
    #: (project, schedule) -> when it fires next.
    fires: Mapping[tuple[str, str], int]
    #: What takes room in the data folder, as far as it was measured.
    sizes: Mapping[str, int]
    disk_free: int
    disk_total: int
    disk_floor: int


def families(facts: Facts) -> Iterator["Metric"]:
    """All of them."""
    yield from _counted(facts)
    yield from _timed(facts)
    yield from _now(facts)
    yield from _branches(facts)
    yield from _room(facts)


def _counted(facts: Facts) -> Iterator["Metric"]:
    yield _counter(
        "ctci_runs",
        "Runs that have ended, by what they were for and how they ended.",
        ("project", "event", "status"),
        _summed((total.labels, total) for total in _of(facts, "runs")),
    )
    jobs = _of(facts, "jobs")
    yield _counter(
        "ctci_jobs",
        "Jobs that have ended, by how; those too that were not run.",
        ("project", "subproject", "recipe", "status"),
        _summed((total.labels, total) for total in jobs),
    )
    errored = [total for total in jobs if total.labels[-1] == Status.ERRORED]
    yield _counter(
        "ctci_jobs_errored",
        "Jobs that ctci itself could not do.",
        ("project",),
        {
            **dict.fromkeys(((name,) for name in facts.projects), 0),
            **_summed((total.labels[:1], total) for total in errored),
        },
    )
    yield _counter(
        "ctci_webhook_deliveries",
        "Calls of hooks, by ref and by what was decided; without a project where none is known by the name.",
        ("project", "forge", "result"),
        _summed((total.labels, total) for total in _of(facts, "calls", nameless=True)),
    )
    schedules: dict[tuple[str, ...], int] = {
        (name, each): 0 for name, project in facts.projects.items() for each in project.schedules
    }
    missed = _summed((total.labels, total) for total in _of(facts, "missed") if total.labels in schedules)
    yield _counter(
        "ctci_schedule_missed",
        "Times of schedules that have not fired.",
        ("project", "schedule"),
        {**schedules, **missed},
    )
    yield from _told(facts)


def _told(facts: Facts) -> Iterator["Metric"]:
    tries = [total for total in facts.totals if total.name == "tries"]
    yield _counter(
        "ctci_notifications",
        "Tries to tell somebody, by how they ended; one that has failed is tried again until it is given up.",
        ("channel", "kind", "result"),
        _summed(
            ((*CHANNELS[total.labels[0]], total.labels[2]), total) for total in tries if total.labels[0] in CHANNELS
        ),
    )
    yield _counter(
        "ctci_forge_status_posts",
        "Tries to tell a forge the status of a commit, by how they ended.",
        ("forge", "result"),
        _summed(
            ((_forge(facts.projects.get(total.labels[1])), total.labels[2]), total)
            for total in tries
            if total.labels[0] == "status"
        ),
    )


def _forge(project: Project | None) -> str:
    """How the forge of a project is called, as far as it is told of statuses."""
    found = forges.statuses(project.forge, project.remote.url) if project is not None else None
    return next((name for name, each in forges.TOLD.items() if found is not None and each is found[0]), "unknown")


def _timed(facts: Facts) -> Iterator["Metric"]:
    jobs = ((total.labels[:3], total) for total in _of(facts, "jobs"))
    yield _histogram(
        "ctci_job_duration_seconds",
        "How long the last attempt of a job took that succeeded, failed or timed out.",
        ("project", "subproject", "recipe"),
        jobs,
    )
    yield _histogram(
        "ctci_queue_wait_seconds",
        "How long a job waited for a slot or a lock once its commit was there and what it needs had ended.",
        ("project",),
        ((total.labels, total) for total in _of(facts, "waits")),
    )


def _now(facts: Facts) -> Iterator["Metric"]:
    yield _gauge("ctci_build_info", "The version that runs.", ("version",), {(facts.version,): 1})
    yield _gauge(
        "ctci_jobs",
        "Jobs that have not ended, of all servers on this ledger.",
        ("state",),
        {("queued",): facts.queued, ("running",): facts.running},
    )
    idle = max(0, facts.slots - facts.busy)
    yield _gauge(
        "ctci_executor_slots",
        "Places where this server can run a job.",
        ("state",),
        {("busy",): facts.busy, ("idle",): idle},
    )
    yield _gauge(
        "ctci_config_last_reload_success",
        "Whether the configuration as it lies on disk is in force, as far as it was read: 1 or 0.",
        (),
        {(): int(facts.reloaded)},
    )


def _branches(facts: Facts) -> Iterator["Metric"]:
    yield _gauge(
        "ctci_branch_broken",
        "Whether the last result of any recipe is red, on the default branch and those that are named: 1 or 0.",
        ("project", "branch"),
        {place: int(broken) for place, broken in facts.broken.items()},
    )
    yield _gauge(
        "ctci_last_success_timestamp_seconds",
        "When the recipe that has not succeeded for the longest time did so last.",
        ("project", "branch", "subproject"),
        {place: at / 1000 for place, at in facts.succeeded.items()},
    )
    yield _gauge(
        "ctci_schedule_next_timestamp_seconds",
        "When a schedule fires next.",
        ("project", "schedule"),
        {place: at / 1000 for place, at in facts.fires.items()},
    )


def _room(facts: Facts) -> Iterator["Metric"]:
    yield _gauge(
        "ctci_data_bytes",
        "What takes room in the data folder; measured every hour.",
        ("kind",),
        {(kind,): size for kind, size in facts.sizes.items()},
    )
    for name, told, size in (
        ("free", "Free room on the disk of the data folder.", facts.disk_free),
        ("size", "The size of the disk of the data folder.", facts.disk_total),
        ("floor", "Under so much free room no job is started.", facts.disk_floor),
    ):
        yield _gauge(f"ctci_disk_{name}_bytes", told, (), {(): size})


def _of(facts: Facts, name: str, *, nameless: bool = False) -> list[Total]:
    """The totals of this name whose project, subproject and recipe are configured."""
    return [total for total in facts.totals if total.name == name and _known(facts, total, nameless=nameless)]


def _known(facts: Facts, total: Total, *, nameless: bool) -> bool:
    project = facts.projects.get(total.labels[0])
    if project is None:
        return nameless and not total.labels[0]
    return total.name != "jobs" or config.configured(project, total.labels[1], total.labels[2])


def _summed(found: Iterable[tuple[tuple[str, ...], Total]]) -> dict[tuple[str, ...], int]:
    times: dict[tuple[str, ...], int] = defaultdict(int)
    for labels, total in found:
        times[labels] += total.times
    return times


def _counter(name: str, told: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]) -> "Metric":
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - 20 ms: with the first look

    family = CounterMetricFamily(name, told, labels=labels)
    for given, value in values.items():
        family.add_metric(given, value)
    return family


def _gauge(name: str, told: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - 20 ms: with the first look

    family = GaugeMetricFamily(name, told, labels=labels)
    for given, value in values.items():
        family.add_metric(given, value)
    return family


def _histogram(name: str, told: str, labels: Sequence[str], found: Iterable[tuple[tuple[str, ...], Total]]) -> "Metric":
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415 - 20 ms: with the first look

    family = HistogramMetricFamily(name, told, labels=labels)
    times: dict[tuple[str, ...], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    ms: dict[tuple[str, ...], int] = defaultdict(int)
    for given, total in found:
        if total.bucket != UNTIMED:
            # One that is told no more counts for the next that is.
            times[given][next(end for end in _ENDS if total.bucket <= end)] += total.times
            ms[given] += total.ms
    for given, counted in times.items():
        up_to = accumulate(counted[end] for end in _ENDS)
        family.add_metric(given, list(zip(_ENDS.values(), up_to, strict=True)), ms[given] / 1000)
    return family

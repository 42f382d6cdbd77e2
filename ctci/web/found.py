"""What tools said in the jobs of a run, as its pages show it: the first error, then the rest, each with its line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ctci import ledger
from ctci.model import Finding, Job, Reading
from ctci.web.doors import Doors

#: Findings that a page shows of one job.
SHOWN = 20
#: Errors first, then what may wait.
_SEVERITIES = ("failure", "error", "warning", "note")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was read of one job."""

    job: Job
    reading: Reading
    #: What a developer wants to see first; None where nothing is told to be wrong.
    first: Finding | None
    #: The worst ones, in the order of the log; `first` leads them.
    findings: tuple[Finding, ...]
    #: How many more there are.
    more: int


def of(doors: Doors, jobs: Sequence[Job], *, most: int = SHOWN) -> Mapping[int, Found]:
    """By job, of those of which anything was found; one that repeats a result has what was found then."""
    origin = {job.id: job.same_as or job.id for job in jobs}
    read = ledger.found(doors.db, set(origin.values()))
    shown: dict[int, Found] = {}
    for job in jobs:
        if origin[job.id] in read:
            reading, findings = read[origin[job.id]]
            shown[job.id] = arranged(job, reading, findings, most)
    return shown


def arranged(job: Job, reading: Reading, findings: Sequence[Finding], most: int) -> Found:
    """The first error first, then the worst, each kind in its order."""
    first = findings[reading.first] if reading.first is not None and reading.first < len(findings) else None
    rest = [each for each in findings if each is not first]
    rest.sort(key=lambda each: _SEVERITIES.index(each.severity) if each.severity in _SEVERITIES else len(_SEVERITIES))
    ordered = [first, *rest] if first is not None else rest
    return Found(
        job=job,
        reading=reading,
        first=first,
        findings=tuple(ordered[:most]),
        more=max(0, len(ordered) - most),
    )


def tally(found: Found) -> str:
    """`2 of 846 tests failed, 14 errors, 3 warnings`; empty where nothing was found."""
    reading = found.reading
    said = []
    if reading.tests is not None:
        failed = f"{reading.tests.failed} of " if reading.tests.failed else ""
        said.append(f"{failed}{reading.tests.total} tests {'failed' if failed else 'passed'}")
    for count, one in ((reading.errors, "error"), (reading.warnings, "warning")):
        if count:
            said.append(f"{count} {one}{'s' if count > 1 else ''}")
    return ", ".join(said)

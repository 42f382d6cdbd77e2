"""What tools said in the jobs of a run, as its pages show it: the first error, what is new in a log, then the rest.

What is acknowledged as known is counted, and not shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ctci import clock, words
from ctci.model import Finding, Job, Life, NewLine, Novel, Reading
from ctci.report import known, read
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
    #: What a developer wants to see first; None where nothing is told to be wrong, or all of it is known.
    first: Finding | None
    #: The worst ones, in the order of the log; `first` leads them.
    findings: tuple[Finding, ...]
    #: How many more there are.
    more: int
    #: What no green log had, and the first of it that is told nowhere else.
    novel: Novel | None
    new: NewLine | None
    #: A sentence for each reason why some are hidden.
    known: tuple[str, ...]
    #: By fingerprint a sentence on those that were hidden, and are shown again.
    lapsed: Mapping[str, str]
    #: What became so far of those that are shown, by fingerprint.
    lives: Mapping[str, Life] = field(default_factory=dict)

    @property
    def anything(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.findings or self.known or self.novel)


def of(doors: Doors, jobs: Sequence[Job], *, most: int = SHOWN) -> Mapping[int, Found]:
    """By job, of those of which anything was found; one that repeats a result has what was found then."""
    all_ = read.of(doors.db, jobs, clock.now())
    shown = {id_: arranged(one.job, one.reading, one.sifted, most) for id_, one in all_.items()}
    marks = {each.fingerprint for found in shown.values() for each in found.findings}
    lives = read.lives(doors.db, [id_ for id_, found in shown.items() if found.findings], marks)
    return {id_: replace(found, lives=lives.get(id_, {})) for id_, found in shown.items()}


def arranged(job: Job, reading: Reading, sifted: known.Sifted, most: int) -> Found:
    """The first error first, then the worst, each kind in its order."""
    rest = [each for each in sifted.shown if each is not sifted.first]
    rest.sort(key=lambda each: _SEVERITIES.index(each.severity) if each.severity in _SEVERITIES else len(_SEVERITIES))
    ordered = [sifted.first, *rest] if sifted.first is not None else rest
    return Found(
        job=job,
        reading=reading,
        first=sifted.first,
        findings=tuple(ordered[:most]),
        more=max(0, len(ordered) - most),
        novel=sifted.novel,
        new=sifted.new,
        known=tuple(words.known(sifted.known, clock.day)),
        lapsed={name: words.lapsed(ack, clock.day) for name, ack in sifted.lapsed.items()},
    )


def tally(found: Found) -> str:
    """`2 of 846 tests failed, 14 errors, 3 warnings, 12 new lines`; empty where nothing was found."""
    reading = found.reading
    said = []
    if reading.tests is not None:
        failed = f"{reading.tests.failed} of " if reading.tests.failed else ""
        said.append(f"{failed}{reading.tests.total} tests {'failed' if failed else 'passed'}")
    for count, one in ((reading.errors, "error"), (reading.warnings, "warning")):
        if count:
            said.append(f"{count} {one}{'s' if count > 1 else ''}")
    if found.novel is not None:
        said.append(words.count(found.novel.count, "new line"))
    return ", ".join(said)

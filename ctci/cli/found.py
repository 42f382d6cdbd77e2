"""What was found in the jobs of a run, as `show` tells it: first errors, first new lines, and what is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ctci import clock, ledger, words
from ctci.cli import terminal
from ctci.model import RED, Ack, Finding, Job, Life, Reading
from ctci.report import known, life


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was found in one job."""

    job: Job
    #: `first` is that of the findings not acknowledged.
    reading: Reading
    findings: Sequence[Finding]
    sifted: known.Sifted
    #: By fingerprint.
    lives: Mapping[str, Life]
    #: Of the job's project, by fingerprint.
    acks: Mapping[str, Ack]


def of(db: ledger.Ledger, jobs: Sequence[Job], now: int, *, every: bool = False) -> Sequence[Told]:
    """Of each job of a run of which anything was read; lives of the first errors, or of `every` finding."""
    read = ledger.found(db, {job.same_as or job.id for job in jobs})
    found = [(job, *read[job.same_as or job.id]) for job in jobs if (job.same_as or job.id) in read]
    acks = ledger.acks_of(db, {job.order.project for job, _, _ in found})
    sifted = {job.id: known.sift(reading, findings, acks[job.order.project], now) for job, reading, findings in found}
    firsts = {each.first.fingerprint for each in sifted.values() if each.first is not None}
    wanted = {each.fingerprint for _, _, findings in found for each in findings} if every else firsts
    looks = ledger.looks(db, list(sifted), fingerprints=wanted) if wanted else {}
    return [
        Told(
            job=job,
            reading=replace(reading, first=_position(findings, sifted[job.id].first)),
            findings=findings,
            sifted=sifted[job.id],
            lives=life.lives(looks.get(job.id, ())),
            acks=acks[job.order.project],
        )
        for job, reading, findings in found
    ]


def _position(findings: Sequence[Finding], first: Finding | None) -> int | None:
    return None if first is None else next(at for at, each in enumerate(findings) if each is first)


def tell(told: Sequence[Told]) -> None:
    """Of each red job the first error and the first new line; of each job what is known, and what is so no longer."""
    rows = [row for each in told if each.job.status in RED for row in _firsts(each)]
    lines = [f"{each.job.place}: {line}" for each in told for line in _acknowledged(each)]
    if rows or lines:
        terminal.say()
    terminal.table(rows)
    for line in lines:
        terminal.say(terminal.plain(line))


def _firsts(told: Told) -> Iterator[list[terminal.Cell]]:
    first, new, novel = told.sifted.first, told.sifted.new, told.sifted.novel
    if first is not None:
        yield _row(told, first)
    if new is not None and novel is not None:
        said = words.count(novel.count, "new line")
        yield [told.job.place, "", said, f"line {new.line} of the log", "", " ".join(new.text.split())]


def _row(told: Told, first: Finding) -> list[terminal.Cell]:
    lived = told.lives.get(first.fingerprint)
    return [
        told.job.place,
        words.short_name(first),
        first.spot,
        f"line {first.log_line} of the log" if first.log_line else first.tool,
        words.lived(lived) if lived is not None else "",
        " ".join(first.message.split()),
    ]


def _acknowledged(told: Told) -> list[str]:
    lapsed = [f"{name[:8]} {words.lapsed(ack, clock.day)}" for name, ack in told.sifted.lapsed.items()]
    return [*words.known(told.sifted.known, clock.day), *lapsed]

"""What was read of jobs' reports and logs, asked of the ledger: for pages and programs alike."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ctci import ledger
from ctci.model import Ack, Finding, Job, Life, Reading
from ctci.report import known, life


@dataclass(frozen=True, kw_only=True)
class Read:
    """What was read of one job; of one that repeats a result what was read then."""

    job: Job
    reading: Reading
    findings: Sequence[Finding]
    #: What is acknowledged in its project, by fingerprint; and the findings parted by that.
    acks: Mapping[str, Ack]
    sifted: known.Sifted


def of(db: ledger.Ledger, jobs: Sequence[Job], now: int) -> Mapping[int, Read]:
    """By job, in their order, of those of which anything was read; always as many queries."""
    origin = {job.id: job.same_as or job.id for job in jobs}
    found = ledger.found(db, set(origin.values()))
    theirs = [job for job in jobs if origin[job.id] in found]
    acks = ledger.acks_of(db, {job.order.project for job in theirs})
    read: dict[int, Read] = {}
    for job in theirs:
        reading, findings = found[origin[job.id]]
        mine = acks[job.order.project]
        sifted = known.sift(reading, findings, mine, now)
        read[job.id] = Read(job=job, reading=reading, findings=findings, acks=mine, sifted=sifted)
    return read


def lives(db: ledger.Ledger, jobs: Collection[int], marks: Collection[str]) -> Mapping[int, Mapping[str, Life]]:
    """By job and fingerprint what became so far of these findings, at each of these jobs' places."""
    looks = ledger.looks(db, list(jobs), fingerprints=marks) if jobs and marks else {}
    return {id_: life.lives(looks.get(id_, ())) for id_ in jobs}

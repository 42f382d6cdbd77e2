"""What tools said, what became of it and what is known of it, as JSON. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctci.model import Ack, Finding, Life, Novel, Reading
from ctci.shape import times

ACK = (
    "fingerprint",
    "project",
    "finding",
    "until",
    "why",
    "acknowledged_by",
    "acknowledged_at",
    "lapsed",
)


def reading(
    reading: Reading,
    findings: Sequence[Finding],
    *,
    lives: Mapping[str, Life],
    acks: Mapping[str, Ack],
    now: int,
) -> dict[str, Any]:
    """What was read of the reports and the log of an attempt; `first` is the position of its first error.

    `lives` and `acks` by fingerprint; both are told of each finding that has one.
    """
    return {
        "job": reading.job,
        "attempt": reading.attempt,
        "state": reading.state,
        "tests": tests(reading),
        "errors": reading.errors,
        "warnings": reading.warnings,
        "first": reading.first,
        "novel": novel(reading.novel),
        "findings": [
            finding(each, life=lives.get(each.fingerprint), ack=acks.get(each.fingerprint), now=now)
            for each in findings
        ],
    }


def tests(reading: Reading | None) -> dict[str, int] | None:
    """How many tests there were, where a report counts them."""
    found = reading.tests if reading is not None else None
    return None if found is None else {"total": found.total, "failed": found.failed, "skipped": found.skipped}


def novel(novel: Novel | None) -> dict[str, Any] | None:
    """The lines of a red log that were never seen in a green one: how many, and the first of them."""
    if novel is None:
        return None
    return {"count": novel.count, "lines": [{"log_line": each.line, "text": each.text} for each in novel.lines]}


def finding(finding: Finding, *, life: Life | None, ack: Ack | None, now: int) -> dict[str, Any]:
    """One thing that a tool said, what became of it at its place so far, and whether it is acknowledged as known."""
    return {
        **finding_said(finding),
        "life": None if life is None else life_(life),
        "acknowledged": None if ack is None else acknowledged(ack, now),
    }


def finding_said(finding: Finding) -> dict[str, Any]:
    """One thing a tool said, by itself."""
    return {
        "severity": finding.severity,
        "tool": finding.tool,
        "rule": finding.rule,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "test": finding.test,
        "fingerprint": finding.fingerprint,
        "log_line": finding.log_line,
    }


def life_(life: Life) -> dict[str, Any]:
    """What became of a finding up to its run: `word` is new, still, fixed, returned or flaky."""
    return {
        "word": life.word,
        "first_run": life.first.run,
        "first_seen_at": times.time(life.first.at),
        "since_run": life.since.run,
        "since": times.time(life.since.at),
        "last_run": life.last.run,
        "last_seen_at": times.time(life.last.at),
        "seen": life.times,
        "looked_for": life.looks,
    }


def acknowledged(ack: Ack, now: int) -> dict[str, Any]:
    """By whom, until when and why a finding is hidden; lapsed: it is shown again."""
    return {
        "until": times.time(ack.until),
        "why": ack.why,
        "acknowledged_by": ack.acked_by,
        "acknowledged_at": times.time(ack.acked_at),
        "lapsed": ack.until <= now,
    }


def ack(ack: Ack, now: int) -> dict[str, Any]:
    """A line of `acks`: what is acknowledged, with the finding as it was then."""
    told = {"fingerprint": ack.fingerprint, "project": ack.project, "finding": ack.said}
    return {**told, **acknowledged(ack, now)}

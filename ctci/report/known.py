"""What of the findings of a job is shown, and what a person has acknowledged: that is hidden for a time. Pure.

It hides, and nothing else: no status and no count of errors changes by it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ctci.model import Ack, Finding, NewLine, Novel, Reading

_WRONG = ("error", "failure")


@dataclass(frozen=True, kw_only=True)
class Sifted:
    """The findings of one job."""

    #: What a developer wants to see first; never what is acknowledged. None where nothing else is told to be wrong.
    first: Finding | None
    #: In their order.
    shown: tuple[Finding, ...]
    hidden: tuple[Finding, ...]
    #: Of what is hidden, each acknowledgement as often as it hides something.
    known: tuple[Ack, ...]
    #: By fingerprint those of what is shown again.
    lapsed: Mapping[str, Ack]
    #: The lines that no green log had, without those that tell what is hidden; None where no other is known.
    novel: Novel | None

    @property
    def new(self) -> NewLine | None:
        """The first line that no green log had, unless the first error is told there."""
        new = self.novel.lines[0] if self.novel is not None else None
        return None if new is None or (self.first is not None and self.first.log_line == new.line) else new


def sift(reading: Reading, findings: Sequence[Finding], acks: Mapping[str, Ack], now: int) -> Sifted:
    """Part what is acknowledged at that time (Unix ms) from what is not; `acks` of the job's project."""
    in_force = {name: ack for name, ack in acks.items() if now < ack.until}
    hidden = tuple(each for each in findings if each.fingerprint in in_force)
    shown = tuple(each for each in findings if each.fingerprint not in in_force)
    return Sifted(
        first=first(reading, findings, in_force),
        shown=shown,
        hidden=hidden,
        known=tuple(in_force[each.fingerprint] for each in hidden),
        lapsed={
            each.fingerprint: acks[each.fingerprint]
            for each in shown
            if each.fingerprint in acks and each.fingerprint not in in_force
        },
        novel=_without(reading.novel, {each.log_line for each in hidden}),
    )


def first(reading: Reading | None, findings: Sequence[Finding], acked: Collection[str]) -> Finding | None:
    """What a developer wants to see first of what is not acknowledged (by fingerprint); None where that is nothing.

    Instead of what is acknowledged, what else is wrong comes first. Where that was a linter's, which tells of nothing
    worse than warnings, it is what the same tool says. In these what names its place, in the order of the log.
    """
    at = None if reading is None else reading.first
    found = findings[at] if at is not None and at < len(findings) else None
    if found is None or found.fingerprint not in acked:
        return found
    shown = [each for each in findings if each.fingerprint not in acked]
    wrong = [each for each in shown if each.severity in _WRONG and each.tool != "ctci"]
    linted = [each for each in shown if each.tool == found.tool and found.severity not in _WRONG]
    others = wrong or linted
    return min(others, key=_rank, default=None)


def _without(novel: Novel | None, hidden: Collection[int | None]) -> Novel | None:
    if novel is None:
        return None
    lines = tuple(each for each in novel.lines if each.line not in hidden)
    return replace(novel, count=novel.count - len(novel.lines) + len(lines), lines=lines) if lines else None


def _rank(finding: Finding) -> tuple[bool, int]:
    return finding.line is None and finding.test is None, finding.log_line or 0

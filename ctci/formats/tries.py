"""The tests of a report, each counted once, however often it was tried. Pure.

A test that stands in its suite again was run again: its last result counts, and one that passed at last is flaky.
One without a name is not known again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ctci.model import Finding

#: Failures that are kept as findings; of one test.
MOST_FINDINGS = 1000
MOST_OF_ONE = 20
#: Tests that are told by name, and characters of all their names; the others are only counted, each time they stand.
MOST_RESULTS = 100_000
MOST_NAMES = 10_000_000
NO_NAME = "(no name)"
STATUSES = ("passed", "failed", "errored", "skipped", "flaky")
_WRONG = ("failed", "errored")

#: Suite, file and name of a test.
Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How one test ended."""

    name: str
    #: `passed`, `failed`, `errored`, `skipped`, or `flaky`: passed at last.
    status: str
    #: None where the report does not tell.
    seconds: float | None = None


class Tries:
    """Counts, results and findings, while a report is read."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(STATUSES, 0)
        self.results: list[Result] = []
        #: Tests that are counted, but not kept by name; failures that are not kept as findings.
        self.unnamed = 0
        self.left_out = 0
        self._names = 0
        #: Where the result of a test stands.
        self._known: dict[Key, int] = {}
        self._red: dict[Key, list[Finding]] = {}
        self._flaky: dict[Key, list[Finding]] = {}
        self._kept = {"red": 0, "flaky": 0}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Failures and errors in the report's order, then what was flaky."""
        return tuple(each for kept in (self._red, self._flaky) for mine in kept.values() for each in mine)

    def room(self, status: str) -> int:
        """How many findings of a test that ended so can be kept."""
        return MOST_FINDINGS - self._kept["flaky" if status == "flaky" else "red"]

    def add(self, suite: str, file: str, result: Result, findings: Sequence[Finding], left_out: int = 0) -> None:
        """One try of a test: how it ended, and what is told of it, of which so much was left out already."""
        key = (suite, file, result.name)
        at = self._known.get(key) if not result.name.endswith(NO_NAME) else None
        if at is None:
            self._first(key, result)
        else:
            before = self.results[at].status
            status = _together(before, result.status)
            self.counts[before] -= 1
            self.counts[status] += 1
            self.results[at] = replace(result, status=status)
            if status == "flaky" and before in _WRONG:
                self._forgive(key)
        self.left_out += left_out
        for each in findings:
            self._keep(key, each)

    def _first(self, key: Key, result: Result) -> None:
        self.counts[result.status] += 1
        self._names += len(result.name)
        if len(self.results) < MOST_RESULTS and self._names <= MOST_NAMES:
            self._known[key] = len(self.results)
            self.results.append(result)
        else:
            self.unnamed += 1

    def _keep(self, key: Key, finding: Finding) -> None:
        colour, kept = ("flaky", self._flaky) if finding.severity == "warning" else ("red", self._red)
        mine = kept.get(key, [])
        if any(each.fingerprint == finding.fingerprint for each in mine):
            # It failed as it had failed before.
            return
        if len(mine) < MOST_OF_ONE and self._kept[colour] < MOST_FINDINGS:
            self._kept[colour] += 1
            kept.setdefault(key, mine).append(finding)
        else:
            self.left_out += 1

    def _forgive(self, key: Key) -> None:
        """What was said of a test that passed at last is a warning, and the first of it is enough."""
        mine = self._red.pop(key, [])
        self._kept["red"] -= len(mine)
        for each in mine[:1]:
            self._keep(key, replace(each, severity="warning"))


def _together(before: str, now: str) -> str:
    """How a test ended that was tried again."""
    if now in _WRONG:
        return now
    return "flaky" if before in (*_WRONG, "flaky") else now

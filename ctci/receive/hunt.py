"""(commits in order, what was tried) -> what is tried next, or what is known, and the sentence that says it. Pure.

The red job's own commit comes first: what passes there the second time is flaky, and no commit is to blame. Then
halves. Position 0 is the last green commit, and the last position the red job's.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ctci.model import CONCLUSIVE, Commit, Probe, Status

#: A commit that could not be run so often is left out.
TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where a search stands."""

    #: As of the noun Hunt.
    word: str
    #: The position that is run next; None: it is over.
    next: int | None = None
    #: After the first position and up to the last one is what broke it, as far as it is known.
    low: int
    high: int


def step(last: int, probes: Sequence[Probe], *, doubtful: bool) -> Step:
    """What follows from the runs that have ended; `doubtful`: something besides the commits has changed.

    What was found between the last green commit and the next is held against the green one once more: what fails
    there too, no commit has broken.
    """
    green = {each.position: each.status is Status.SUCCEEDED for each in probes if each.status in CONCLUSIVE}
    lost = Counter(each.position for each in probes if each.ended and each.status not in CONCLUSIVE)
    if any(each.status is Status.CANCELLED for each in probes):
        low, high = _span(last, green)
        return Step(word="stopped", low=low, high=high)
    if last not in green:
        return _try(last, lost, Step(word="unknown", low=0, high=last))
    low, high = _span(last, green)
    if green[last]:
        return Step(word="flaky", low=last, high=last)
    if last == 0 or green.get(0) is False:
        return Step(word="elsewhere", low=0, high=0)
    if doubtful and 0 not in green and lost[0] < TRIES:
        return Step(word="looking", next=0, low=low, high=high)
    between = [each for each in range(low + 1, high) if lost[each] < TRIES]
    if between:
        return Step(word="looking", next=between[(len(between) - 1) // 2], low=low, high=high)
    if high - low > 1:
        return Step(word="unknown", low=low, high=high)
    found = Step(word="found", low=low, high=high)
    return _try(0, lost, found, word="found") if low == 0 and 0 not in green else found


def _try(position: int, lost: Counter[int], otherwise: Step, *, word: str = "looking") -> Step:
    if lost[position] >= TRIES:
        return otherwise
    return Step(word=word, next=position, low=otherwise.low, high=otherwise.high)


def _span(last: int, green: dict[int, bool]) -> tuple[int, int]:
    low = max((each for each, well in green.items() if well), default=0)
    return low, min((each for each, well in green.items() if not well), default=last)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a sentence is about."""

    #: The runs of the red job and of the last green one, and the commit of that.
    red_run: int
    green_run: int
    green_commit: str
    #: Oldest first.
    commits: Sequence[str]
    probes: Sequence[Probe]
    #: The commit that was found.
    culprit: Commit | None = None
    #: Why it stopped, where it did.
    why: str = ""


def sentence(now: Step, said: Said) -> str:
    """What is known, for people, without a full stop."""
    reruns = _runs(sum(each.ended for each in said.probes))
    match now.word:
        case "found" if said.culprit is not None:
            culprit = said.culprit
            unsure = "" if now.next is None else f"; #{said.green_run} is being tried once more"
            return f"{culprit.sha[:7]} by {culprit.author} broke it: {culprit.subject} (found by {reruns}{unsure})"
        case "flaky":
            again = _last(said.probes, Status.SUCCEEDED)
            return f"flaky: it failed in #{said.red_run} and passed in #{again} on the same commit, in a clean checkout"
        case "elsewhere":
            again = _last(said.probes, Status.FAILED, Status.TIMED_OUT)
            commit = said.green_commit[:7]
            return (
                f"no commit broke it: {commit} was green in #{said.green_run} and fails in #{again} too, "
                "so something besides the commits has changed"
            )
        case "stopped":
            return f"not found: {said.why or 'a run of the search was cancelled'}{_left(now, said, reruns)}"
        case "unknown":
            why = said.why or "the commits between could not be run"
            return f"not to be told: {why}{_left(now, said, reruns)}"
        case _ if not said.probes:
            return f"looking for what broke it, among {_commits(len(said.commits))}"
        case _:
            return f"looking for what broke it, among {_commits(now.high - now.low)} after {reruns}"


def _left(now: Step, said: Said, reruns: str) -> str:
    """What it came down to."""
    if not said.probes or now.high - now.low < 1:
        return ""
    if now.high - now.low == 1:
        return f"; after {reruns} it is probably {said.commits[now.low][:7]}"
    first, last = said.commits[now.low], said.commits[now.high - 1]
    return f"; after {reruns} it is one of {_commits(now.high - now.low)}, {first[:7]} to {last[:7]}"


def _last(probes: Sequence[Probe], *statuses: Status) -> int:
    """The newest run that ended so."""
    return next(each.run for each in reversed(probes) if each.status in statuses)


def _runs(count: int) -> str:
    return f"{count} rerun{'' if count == 1 else 's'}"


def _commits(count: int) -> str:
    return f"{count} commit{'' if count == 1 else 's'}"

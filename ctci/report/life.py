"""What becomes of a finding over the results of a place, what differs between two runs, and one test's life. Pure.

A finding is gone only where a look shows it. A green look shows that of everything it does not tell of. A red one may
have ended before it came so far: a compiler's or a linter's finding it never shows gone, and a test's only where its
reports tell of at least as many tests as those of the look that saw it fail. A look of which not all was read, or kept,
shows nothing gone. What was cancelled, superseded, skipped or errored is no look at all.

A finding is `new` in the job that sees it for the first time, or again after it was gone and not seen for 21 days;
`returned` in the job that sees it again sooner; `still` while no look shows it gone; `fixed` from the first look that
does. It is `flaky`, whatever else it is, when the same commit and recipe had it and had it not, or a report says that
its test failed and then passed: until 5 runs in a row have shown it gone, or for 14 days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ctci.model import RED, Difference, Life, Look, Outcome, Sighting, Status

_DAY_MS = 86_400_000
#: What was gone and not seen for so long is new when it is seen again.
FORGOTTEN_MS = 21 * _DAY_MS
#: What wavered is called flaky for so long, unless so many runs in a row show it gone.
FLAKY_MS, CLEAN = 14 * _DAY_MS, 5


def lives(looks: Sequence[Look]) -> Mapping[str, Life]:
    """By fingerprint the life of each finding at one place, from the looks at it in their order."""
    told = [{each.fingerprint: each for each in look.sightings} for look in looks]
    names = dict.fromkeys(name for each in told for name in each)
    return {name: _life(name, looks, [each.get(name) for each in told]) for name in names}


def gone(look: Look, last: Look, test: str | None) -> bool:
    """Whether a look that does not tell of a finding shows that it is gone; `last`: a look that saw it."""
    if not look.whole:
        return False
    return look.status is Status.SUCCEEDED or (test is not None and 0 < last.tests <= look.tests)


def _life(name: str, looks: Sequence[Look], sightings: Sequence[Sighting | None]) -> Life:
    story = _Story()
    for look, sighting in zip(looks, sightings, strict=True):
        if sighting is not None:
            story.saw(look, sighting)
        else:
            story.missed(look)
    return story.told(name, looks[-1], max(look.at for look in looks))


@dataclass(kw_only=True)
class _Story:
    """One finding's state between two looks."""

    #: The looks that saw it, and those that did not.
    saw_it: list[tuple[Look, Sighting]] = field(default_factory=list)
    missed_it: list[Look] = field(default_factory=list)
    #: Of the present life: where it and its present episode began, and the look that showed it gone.
    first: Look | None = None
    since: Look | None = None
    fixed: Look | None = None
    times: int = 0
    looks: int = 0
    #: The runs that have shown it gone since it was last seen.
    clean: set[int] = field(default_factory=set)
    #: When it last was seen to waver.
    wavered: int | None = None

    def saw(self, look: Look, sighting: Sighting) -> None:
        """It is there."""
        if self.first is None or (self.fixed is not None and look.at - self.saw_it[-1][0].at > FORGOTTEN_MS):
            self.first = self.since = look
            self.times = self.looks = 0
        elif self.fixed is not None:
            self.since = look
        missed = (each for each in self.missed_it if each.trial == look.trial)
        if sighting.recovered or any(gone(each, look, sighting.test) for each in missed):
            self.wavered = look.at
        self.saw_it.append((look, sighting))
        self.fixed = None
        self.clean.clear()
        self.times += 1
        self.looks += 1

    def missed(self, look: Look) -> None:
        """The look does not tell of it."""
        self.missed_it.append(look)
        if not self.saw_it or not gone(look, self.saw_it[-1][0], self.saw_it[-1][1].test):
            return
        self.fixed = self.fixed or look
        self.looks += 1
        self.clean.add(look.run)
        if any(each.trial == look.trial for each, _ in self.saw_it):
            self.wavered = look.at
        if len(self.clean) >= CLEAN:
            self.wavered = None

    def told(self, name: str, newest: Look, now: int) -> Life:
        """Its life up to the newest look."""
        assert self.first is not None and self.since is not None  # noqa: S101, PT018 - some look saw it
        return Life(
            fingerprint=name,
            word=self._word(newest, now),
            first=self.first,
            since=self.since,
            last=self.saw_it[-1][0],
            fixed=self.fixed,
            times=self.times,
            looks=self.looks,
        )

    def _word(self, newest: Look, now: int) -> str:
        if self.wavered is not None and now - self.wavered <= FLAKY_MS:
            return "flaky"
        if self.fixed is not None:
            return "fixed"
        if self.since is None or self.since.job != newest.job:
            return "still"
        return "new" if self.since is self.first else "returned"


def test(looks: Sequence[Look], name: str) -> tuple[Outcome, ...]:
    """What each look says of one test.

    The ledger keeps failures only. That a test passed is inferred: the look has a report, and does not tell of it as
    failed; so a test that was skipped, or is not there any more, passes too.
    """
    seen = [next((each for each in look.sightings if each.test == name), None) for look in looks]
    failing = next((look for look, sighting in zip(looks, seen, strict=True) if sighting is not None), None)
    outcomes = []
    for look, sighting in zip(looks, seen, strict=True):
        # A red look is held against the last one that saw the test fail, before any against the first one.
        failing = look if sighting is not None else failing
        outcomes.append(Outcome(look=look, word=_outcome(look, sighting, name, failing)))
    return tuple(outcomes)


def _outcome(look: Look, sighting: Sighting | None, name: str, failing: Look | None) -> str:
    if sighting is not None:
        return "recovered" if sighting.recovered else "failed"
    if not look.tests or not look.whole:
        return "unknown"
    came_so_far = look.status is Status.SUCCEEDED or (failing is not None and gone(look, failing, name))
    return "passed" if came_so_far else "unknown"


#: In what order places are told of.
_PLACES = ("newly failing", "still failing", "added", "removed", "newly passing", "still passing")


def compare(before: Mapping[str, Look], now: Mapping[str, Look]) -> tuple[Difference, ...]:
    """What differs between two runs, by the last conclusive look at each place of theirs; the worst first."""
    places = dict.fromkeys([*before, *now])
    found = [_difference(place, before.get(place), now.get(place)) for place in places]
    return tuple(sorted(found, key=lambda each: (_PLACES.index(each.word), each.place)))


def _difference(place: str, before: Look | None, now: Look | None) -> Difference:
    was = {each.fingerprint: each for each in before.sightings} if before is not None else {}
    is_ = {each.fingerprint: each for each in now.sightings} if now is not None else {}
    missed = {
        name: before is not None and now is not None and gone(now, before, each.test)
        for name, each in was.items()
        if name not in is_
    }
    return Difference(
        place=place,
        word=_place(before, now),
        before=before,
        now=now,
        new=tuple(name for name in is_ if name not in was),
        gone=tuple(name for name, shown in missed.items() if shown),
        still=tuple(name for name in is_ if name in was),
        unknown=tuple(name for name, shown in missed.items() if not shown),
    )


def _place(before: Look | None, now: Look | None) -> str:
    if now is None:
        return "removed"
    if before is None:
        return "added"
    red = now.status in RED
    return f"{'still' if red == (before.status in RED) else 'newly'} {'failing' if red else 'passing'}"

"""What a digest tells of, and in which section: the facts of a window -> Digest. Pure.

What counts is where a place stood when the window began and where it stands at its end; only conclusive results say so.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from ctci.model import (
    CONCLUSIVE,
    RED,
    Branch,
    Lapsed,
    Mended,
    Overdue,
    Place,
    Refused,
    Remark,
    Seen,
    Slower,
    Unfinished,
    Unsent,
    short_ref,
)
from ctci.report import receivers


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that one recipient's digest is made of. Times are Unix milliseconds."""

    #: The nominal date that it is of, ISO, and the window that it tells of.
    date: str
    since: int
    until: int
    #: Whether it is the recipient's first, and how many before it did not go.
    first: bool = False
    missed: int = 0
    #: Whether what was before the window, and after the last digest, is not told.
    cut: bool = False
    #: The `[notify.N]` that asks for it, with its `only`, `quiet` and time zone.
    notify: str
    only: tuple[str, ...] = ()
    quiet: str = "skip"
    timezone: str = "UTC"
    #: `25 Oct`, of Unix milliseconds by the server's clock: by it ends what is acknowledged, on pages and here.
    server_day: Callable[[int], str]
    #: The address of one who is told for having pushed, and of nothing else; None: a recipient of the table.
    author: str | None = None
    #: The server's title and the address that people reach it by.
    title: str
    public_url: str
    #: When the next one comes at the latest, and the schedule after which it may come before that.
    next_at: int | None = None
    after: str | None = None
    #: Where one changes or ends them by one click.
    manage_url: str | None = None
    #: Where all of it can be read; None: nowhere but on the pages of its projects.
    page_url: str | None = None
    places: tuple[Place, ...] = ()
    branches: tuple[Branch, ...] = ()
    overdue: tuple[Overdue, ...] = ()
    refused: tuple[Refused, ...] = ()
    lapsed: tuple[Lapsed, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()
    #: Of ctci itself.
    remarks: tuple[Remark, ...] = ()
    unsent: tuple[Unsent, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Broke:
    """A place that is red and was green, or nothing, when the window began or after."""

    place: Place
    #: The first red result of the break that is open now.
    red: Seen
    #: The break before it, where that was open in the window too.
    earlier: Mended | None = None
    #: Whether there was no result before it.
    new: bool = False


@dataclass(frozen=True, kw_only=True)
class Still:
    """A place that has been red since before the window."""

    place: Place
    #: The first red result that is known of its break.
    red: Seen


@dataclass(frozen=True, kw_only=True)
class Fixed(Mended):
    """A place that is green and was red when the window began or after."""

    place: Place


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What is told, section by section. A section with nothing in it is left out."""

    facts: Facts
    broke: tuple[Broke, ...]
    still: tuple[Still, ...]
    fixed: tuple[Fixed, ...]
    #: What was red when its branch was deleted.
    deleted: tuple[Still, ...]
    flaky: tuple[Place, ...]
    slower: tuple[tuple[Place, Slower], ...]
    #: Places where ctci could not run a job.
    errored: tuple[Place, ...]
    overdue: tuple[Overdue, ...]
    refused: tuple[Refused, ...]
    lapsed: tuple[Lapsed, ...]
    unfinished: tuple[Unfinished, ...]
    remarks: tuple[Remark, ...]
    unsent: tuple[Unsent, ...]
    #: Those on which something ran, the busiest first.
    branches: tuple[Branch, ...]
    #: Runs that change nothing anywhere, for something newer was there: those that ran a commit again, and those that
    #: were only late. They stand in the strips, and in no section.
    again: tuple[int, ...]
    late: tuple[int, ...]
    runs: int
    green: int

    @property
    def words(self) -> tuple[str, ...]:
        """What it tells of places, a word for each section: for a mail program's filters."""
        names = ("broke", "still", "fixed", "deleted", "flaky", "slower", "errored", "overdue")
        return tuple("still broken" if name == "still" else name for name in names if getattr(self, name))

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing that anybody must know."""
        return not self.words and not any((self.refused, self.lapsed, self.unfinished, self.remarks, self.unsent))

    @property
    def form(self) -> str:
        """`full`, `short`, or `skip` for what is not sent: what `quiet` says of quiet days, else in full."""
        return self.facts.quiet if self.is_quiet else "full"


def compose(facts: Facts) -> Digest:
    """Decide what the recipient is told, and where."""
    places = sorted((place for place in facts.places if _concerns(facts, place)), key=lambda each: each.name)
    counting = [place for place in places if not place.allowed]
    broke = filter(None, map(_broke, counting))
    still = filter(None, map(_still, counting))
    fixed = tuple(filter(None, map(_fixed, counting)))
    deleted = filter(None, map(_deleted, counting))
    slower = [(place, found) for place in places if (found := _slower(place)) is not None]
    # Of what passed by itself that is said where it is told as fixed.
    told = {(each.place.name, each.place.ref) for each in fixed if each.by_itself}
    # Who is told for having pushed is not told of what is no commit's doing.
    everything = facts.author is None
    branches = tuple(_branches(facts, places))
    return Digest(
        facts=facts,
        broke=tuple(sorted(broke, key=lambda each: each.red.at)),
        still=tuple(sorted(still, key=lambda each: -each.red.at)),
        fixed=tuple(sorted(fixed, key=lambda each: each.green.at)),
        deleted=tuple(deleted),
        flaky=tuple(place for place in counting if _is_flaky(place) and (place.name, place.ref) not in told),
        slower=tuple(slower),
        errored=tuple(place for place in places if place.errored and everything),
        overdue=tuple(each for each in facts.overdue if everything and _names(facts.only, each.project, each.ref)),
        refused=tuple(each for each in facts.refused if everything and _names(facts.only, each.project)),
        lapsed=tuple(each for each in facts.lapsed if everything and _concerns(facts, each.place)),
        unfinished=facts.unfinished if everything else (),
        remarks=facts.remarks if everything else (),
        unsent=facts.unsent if everything else (),
        branches=branches,
        again=_without_effect(facts, (run for place in places for run in place.again)),
        late=_without_effect(facts, (run for place in places for run in place.late)),
        runs=sum(branch.runs for branch in branches),
        green=sum(branch.green for branch in branches),
    )


# --- what became of a place ------------------------------------------------------------------------------------------


def _broke(place: Place) -> Broke | None:
    story = _story(place)
    if place.gone or not story or not _is_red(story[-1]):
        return None
    turns = [number for number in range(len(story)) if _is_red(story[number]) and not _is_red_at(story, number - 1)]
    if story[turns[-1]] is place.before:
        return None
    return Broke(place=place, red=story[turns[-1]], earlier=_earlier(place, story, turns), new=turns[-1] == 0)


def _earlier(place: Place, story: Sequence[Seen], turns: Sequence[int]) -> Mended | None:
    """The break before the last one; `turns` says where in the story each began."""
    if len(turns) < 2:
        return None
    first = story[turns[-2]]
    green = next(number for number in range(turns[-2], len(story)) if not _is_red(story[number]))
    red = place.red if first is place.before and place.red is not None else first
    return Mended(red=red, last=story[green - 1], green=story[green])


def _still(place: Place) -> Still | None:
    story = _story(place)
    if place.gone or not story or story[0] is not place.before or not all(map(_is_red, story)):
        return None
    return Still(place=place, red=place.red or story[0])


def _deleted(place: Place) -> Still | None:
    """What would vanish without a word: nobody is told of it as fixed."""
    story = _story(place)
    if not place.deleted or not story or not _is_red(story[-1]):
        return None
    first = len(story) - 1
    while _is_red_at(story, first - 1):
        first -= 1
    red = place.red if story[first] is place.before and place.red is not None else story[first]
    return Still(place=place, red=red)


def _fixed(place: Place) -> Fixed | None:
    story = _story(place)
    reds = [number for number, seen in enumerate(story) if _is_red(seen)]
    if not reds or _is_red(story[-1]):
        return None
    first = last = reds[-1]
    while _is_red_at(story, first - 1):
        first -= 1
    red = place.red if story[first] is place.before and place.red is not None else story[first]
    return Fixed(place=place, red=red, last=story[last], green=story[last + 1])


def _is_flaky(place: Place) -> bool:
    """Whether it is to be told as flaky: what is red is told as broken, and what did not run was told before."""
    results = _conclusive(place.results)
    return bool(results) and not _is_red(results[-1]) and bool(place.flaky)


def _slower(place: Place) -> Slower | None:
    if place.slower is not None:
        return place.slower
    return place.verdict.slower if place.verdict is not None and _conclusive(place.results) else None


def _story(place: Place) -> tuple[Seen, ...]:
    """The conclusive results of the window, after the last one before it."""
    return _conclusive(() if place.before is None else (place.before,)) + _conclusive(place.results)


def _conclusive(results: Iterable[Seen]) -> tuple[Seen, ...]:
    return tuple(seen for seen in results if seen.status in CONCLUSIVE)


def _is_red(seen: Seen) -> bool:
    return seen.status in RED


def _is_red_at(story: Sequence[Seen], number: int) -> bool:
    return number >= 0 and _is_red(story[number])


def _without_effect(facts: Facts, found: Iterable[int]) -> tuple[int, ...]:
    """Of these runs those that did nothing at another place either, also where the recipient is not told of that."""
    return tuple(sorted({*found} - {seen.run for place in facts.places for seen in place.results}))


# --- whom it concerns ------------------------------------------------------------------------------------------------


def _concerns(facts: Facts, place: Place) -> bool:
    if not receivers.is_of(facts.only, place.project, place.subproject, place.branch):
        return False
    if facts.author is None:
        return True
    judged = place.verdict
    if judged is None:
        return False
    return facts.author.casefold() in {address.casefold() for address in receivers.wrote(judged)}


def _names(only: Collection[str], project: str, ref: str = "") -> bool:
    """Whether `only` lets through what is of no subproject."""
    return not only or any(
        each.partition("@")[0].partition("/")[0] == project
        and (not ref or "@" not in each or each.partition("@")[2] == short_ref(ref))
        for each in only
    )


def _branches(facts: Facts, places: Iterable[Place]) -> list[Branch]:
    concerned = {(place.project, place.ref) for place in places}
    told = [
        branch
        for branch in facts.branches
        if branch.runs
        and _names(facts.only, branch.project, branch.ref)
        and (facts.author is None or (branch.project, branch.ref) in concerned)
    ]
    return sorted(told, key=lambda branch: (-branch.runs, branch.project, branch.ref))

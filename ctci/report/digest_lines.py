"""The entries of a digest as lines: what is said of each place, in words, the same for text and HTML. Pure.

What comes from commits and logs has passed `plain` when it is here; the templates escape it for HTML.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ctci import words
from ctci.model import (
    Errored,
    Lapsed,
    Overdue,
    Place,
    Refused,
    Seen,
    Slower,
    Unsent,
    Verdict,
    page_of,
    place_of,
    short_ref,
)
from ctci.report import letter, moments, parts, saying
from ctci.report.digest import Broke, Digest, Facts, Fixed, Still

#: Characters of names, and of an author where a subject follows.
NAME, AUTHOR = 120, saying.AUTHOR
#: Jobs that are named where many are told as one, and what is acknowledged of one job.
NAMES, MOST_ACKED = 6, 2
#: Characters of a link; what is wider would be broken, or break the page.
LINK = parts.COLUMNS - len("   Log    ")
_GLYPHS = {"broke": "x", "failed": "x", "still broken": "x", "fixed": "+", "flaky": "~", "slower": "^", "deleted": "-"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry; what is empty is not shown."""

    #: `broke`, `failed`, `still broken`, `fixed`, `deleted`, `flaky`, `slower`; all else is `errored`.
    word: str
    name: str = ""
    #: Where the name leads.
    href: str = ""
    branch: str = ""
    #: Beside the name.
    said: str = ""
    #: Where its first error is, what that says, and what stands between them in a line of text.
    spot: str = ""
    message: str = ""
    joint: str = "  "
    #: Sentences below it.
    notes: tuple[str, ...] = ()
    #: What may have broken it: (sha, author, subject), and how many more there are.
    commits_title: str = ""
    commits: tuple[tuple[str, str, str], ...] = ()
    commits_more: int = 0
    #: Its log, and the line of it that `href` leads to.
    log: str = ""
    #: `Log of #54` where the log is not of the run that `said` names.
    log_title: str = "Log"
    log_line: int | None = None
    #: The steps that do it again.
    again: tuple[str, ...] = ()

    @property
    def glyph(self) -> str:
        """Of the text."""
        return _GLYPHS.get(self.word, "!")


@dataclass(frozen=True, kw_only=True)
class Section:
    """What is told under one title."""

    title: str
    #: How many there are.
    count: str
    lines: tuple[Line, ...]
    #: How many are not shown.
    more: int = 0
    #: Whether each is told in full.
    full: bool = False
    #: What may have broken all of them, as of a line.
    commits_title: str = ""
    commits: tuple[tuple[str, str, str], ...] = ()
    commits_more: int = 0


def sections(digest: Digest, most: int, most_commits: int) -> tuple[Section, ...]:
    """Those with something in them, in their order, with at most so many lines of each."""
    facts = digest.facts
    jobs = sum(len(place.errored) for place in digest.errored)
    errored = _together(digest.errored)
    said: tuple[tuple[str, int, list[Line]], ...] = (
        ("Broke", len(digest.broke), [_broke(facts, each, most_commits) for each in digest.broke[:most]]),
        ("Still broken", len(digest.still), [_still(facts, each) for each in digest.still[:most]]),
        ("Fixed", len(digest.fixed), [_fixed(facts, each) for each in digest.fixed[:most]]),
        ("Deleted", len(digest.deleted), [_deleted(facts, each) for each in digest.deleted[:most]]),
        ("Flaky", len(digest.flaky), [_flaky(facts, each) for each in digest.flaky[:most]]),
        ("Slower", len(digest.slower), [_slower(facts, *each) for each in digest.slower[:most]]),
        ("Errored", len(errored), [_errored(facts, each) for each in errored[:most]]),
        ("Overdue", len(digest.overdue), [_overdue(facts, each) for each in digest.overdue[:most]]),
        ("Refused", len(digest.refused), [_refused(facts, each) for each in digest.refused[:most]]),
        ("No longer acknowledged", len(digest.lapsed), [_lapsed(facts, each) for each in digest.lapsed[:most]]),
        ("ctci itself", len(digest.remarks) + len(digest.unsent), list(_itself(digest))[:most]),
    )
    told = (
        Section(
            title=title,
            count=words.count(jobs, "job") if title == "Errored" else words.number(count),
            lines=tuple(lines),
            more=count - len(lines),
            full=title == "Broke",
        )
        for title, count, lines in said
        if count
    )
    return tuple(_once(digest, each) if each.full else each for each in told)


def _once(digest: Digest, section: Section) -> Section:
    """What broke, its suspects said once where all have the same."""
    every = {(each.place.project, _suspects(each)) for each in digest.broke}
    if len(digest.broke) == 1 or len(every) > 1 or not section.lines or not section.lines[0].commits:
        return section
    first = section.lines[0]
    return replace(
        section,
        lines=tuple(replace(line, commits_title="", commits=(), commits_more=0) for line in section.lines),
        commits_title=f"Of all {section.count}: {first.commits_title[:1].lower()}{first.commits_title[1:]}",
        commits=first.commits,
        commits_more=first.commits_more,
    )


def _suspects(told: Broke) -> tuple[str, ...]:
    judged = told.place.verdict
    return () if judged is None else (saying.suspects(judged), *(each.sha for each in judged.suspects))


# --- the sections ----------------------------------------------------------------------------------------------------


def _broke(facts: Facts, told: Broke, most_commits: int) -> Line:
    place, judged = told.place, told.place.verdict
    said = f"{moments.near(facts, told.red.at)}, #{told.red.run}"
    line = _of_place(facts, place, "failed" if told.new else "broke", said)
    notes = ["Its first result here."] if told.new else _earlier(told)
    if judged is None:
        return replace(line, notes=tuple(notes), log=line.href)
    suspects = judged.suspects[:most_commits]
    title = "Log" if judged.run.id == told.red.run else f"Log of #{judged.run.id}"
    return replace(
        _first(line, judged),
        notes=tuple(
            filter(
                None,
                (
                    saying.because(judged),
                    # What is new in a later job is not what is new in the break.
                    saying.counts(judged, place.failing, news=told.red is place.results[-1]),
                    *notes,
                    *_acked(facts, place),
                    saying.flaky(judged),
                    saying.cause(judged),
                    saying.culprit(judged),
                ),
            )
        ),
        commits_title=saying.suspects(judged),
        commits=tuple(
            (each.sha[:7], saying.plain(each.author, AUTHOR), saying.plain(each.subject, 100)) for each in suspects
        ),
        commits_more=len(judged.suspects) - len(suspects),
        log=_href(facts, place, LINK - max(0, len(title) - len("Log  "))),
        log_title=title,
        again=letter.again(judged.run, judged.job),
    )


def _earlier(told: Broke) -> list[str]:
    before = told.earlier
    return [f"Broke in #{before.red.run} before that, and was fixed in #{before.green.run}."] if before else []


def _acked(facts: Facts, place: Place) -> list[str]:
    """What is not shown because somebody has acknowledged it."""
    return [
        f"Acknowledged by {saying.plain(each.acked_by, AUTHOR)} until {facts.server_day(each.until - 1)}"
        f" ({saying.plain(each.why, 100)}): {saying.plain(each.said, 120)}"
        for each in place.acked[:MOST_ACKED]
    ]


def _still(facts: Facts, told: Still) -> Line:
    judged = told.place.verdict
    said = f"{words.age(facts.until - told.red.at)}, since #{told.red.run}"
    line = _of_place(facts, told.place, "still broken", said)
    if judged is None:
        return replace(line, log=line.href)
    notes = (saying.because(judged), *_acked(facts, told.place), saying.culprit(judged))
    return replace(_first(line, judged), log=line.href, notes=tuple(filter(None, notes)))


def _first(line: Line, judged: Verdict) -> Line:
    """With the first error."""
    found = judged.first
    if found is None:
        return line
    return replace(line, spot=saying.spot(found), message=saying.message(found), joint=saying.joint(found))


def _fixed(facts: Facts, told: Fixed) -> Line:
    why = saying.flaky(told.place.verdict) if told.by_itself and told.place.verdict else ""
    return replace(_of_place(facts, told.place, "fixed", saying.mended(told)), notes=(why,) if why else ())


def _deleted(facts: Facts, told: Still) -> Line:
    said = f"its branch is deleted, was red since #{told.red.run}"
    return _of_place(facts, told.place, "deleted", said)


def _flaky(facts: Facts, place: Place) -> Line:
    line = _of_place(facts, place, "flaky", saying.plain(place.flaky))
    link = line.href if place.shaky is None else _job(facts, place, place.shaky)
    return replace(line, href=link, log=link)


def _slower(facts: Facts, place: Place, slower: Slower) -> Line:
    link = _job(facts, place, slower.since)
    return replace(_of_place(facts, place, "slower", saying.slower(slower)), href=link, log=link, log_line=None)


def _together(places: Iterable[Place]) -> list[tuple[Place, ...]]:
    """What could not be run for one reason in one run is told once, where that is all that is to be said of it."""
    found: dict[tuple[object, ...], list[Place]] = {}
    for place in places:
        once = len(place.errored) == 1 and not _ran_since(place)
        last = place.errored[-1]
        key = (place.project, place.ref, last.run, last.reason) if once else (place.name, place.ref)
        found.setdefault(key, []).append(place)
    return [tuple(each) for each in found.values()]


def _errored(facts: Facts, places: tuple[Place, ...]) -> Line:
    place = places[0]
    last = place.errored[-1]
    times = f"{len(place.errored)} times, last " if len(place.errored) > 1 else ""
    when = moments.near(facts, last.at)
    if last.began is not None and last.at - last.began > letter.LONG_MS:
        when = f"began {moments.near(facts, last.began)}, found {when}"
    line = _of_place(facts, place, "errored", f"{times}{when}, #{last.run}")
    reason, link = saying.plain(last.reason, saying.LINE), _job(facts, place, last)
    since = "It has run since." if _ran_since(place) else ""
    if len(places) > 1:
        names = [place_of(each.subproject, each.recipe) for each in places]
        shown = names[:NAMES] + ([f"{len(names) - NAMES} more"] if len(names) > NAMES else [])
        since, link = saying.plain(words.names(shown), saying.LINE), f"{root(facts)}runs/{last.run}"
        line = replace(line, name=saying.plain(place.project, NAME), said=f"{len(places)} jobs, {line.said}")
    return replace(line, href=link, log=link, log_line=None, notes=tuple(filter(None, (reason, since))))


def _ran_since(place: Place) -> bool:
    return any(seen.at > place.errored[-1].at for seen in place.results)


def _overdue(facts: Facts, told: Overdue) -> Line:
    branch = saying.plain(short_ref(told.ref), NAME)
    moment = moments.near(facts, told.at)
    said = f"ran {moment}, nothing concluded" if branch else f"was due {moment}, did not run"
    several = f"the last of {words.number(told.times)} that were missed: " if told.times > 1 else ""
    return Line(
        word="errored",
        name=saying.plain(f"{told.project} {told.schedule}", NAME),
        branch=branch,
        said=said,
        notes=tuple(filter(None, (several + saying.plain(told.reason, saying.LINE),))),
    )


def _refused(facts: Facts, told: Refused) -> Line:
    last = f", {'last ' if told.count > 1 else ''}{moments.near(facts, told.at)}"
    return Line(
        word="errored",
        name=saying.plain(told.project, NAME),
        said=f"{words.count(told.count, 'call')} from {saying.plain(told.forge.replace('_', '-'), 20)}{last}",
        notes=(saying.plain(told.reason, saying.LINE),),
    )


def _lapsed(facts: Facts, told: Lapsed) -> Line:
    said = f"acknowledged until {facts.server_day(told.until - 1)}, still there"
    who = f"{saying.plain(told.by, AUTHOR)} had said: {saying.plain(told.why, saying.LINE)}"
    return replace(_of_place(facts, told.place, "errored", said), notes=(saying.plain(told.finding, saying.LINE), who))


def _itself(digest: Digest) -> Iterable[Line]:
    for remark in digest.remarks:
        yield Line(word="errored", notes=(saying.plain(remark.sentence, 300),))
    for unsent in digest.unsent:
        yield Line(word="errored", notes=(_unsent(unsent),))


def _unsent(unsent: Unsent) -> str:
    tried = "was given up" if unsent.given_up else "could not be sent yet"
    error = saying.plain(unsent.error, saying.LINE)
    return f"The {saying.plain(unsent.what, 60)} to {saying.plain(unsent.to, 60)} {tried}: {error}"


# --- what is said of a place -----------------------------------------------------------------------------------------


def _of_place(facts: Facts, place: Place, word: str, said: str) -> Line:
    line = _log_line(place)
    return Line(
        word=word,
        name=saying.plain(place.name, NAME),
        href=_href(facts, place),
        branch=saying.plain(place.branch, NAME),
        said=said,
        log_line=line,
    )


# --- where, and when -------------------------------------------------------------------------------------------------


def root(facts: Facts) -> str:
    """The address of the server, ready to be continued."""
    return f"{facts.public_url.rstrip('/')}/"


def _href(facts: Facts, place: Place, most: int = LINK) -> str:
    """Where the log of the place's last job is shown, at its first error."""
    judged = place.verdict
    if judged is None:
        last = place.results[-1] if place.results else place.before
        return root(facts) if last is None else _job(facts, place, last)
    number = _log_line(place)
    line = f"#L{number}" if number else ""
    link = f"{root(facts)}{judged.job.page}{line}"
    return link if len(link) <= most else f"{root(facts)}jobs/{judged.job.id}{line}"


def _log_line(place: Place) -> int | None:
    first = place.verdict.first if place.verdict else None
    return first.log_line if first else None


def _job(facts: Facts, place: Place, told: Seen | Errored) -> str:
    link = root(facts) + page_of(told.run, told.job, place.subproject, place.recipe)
    return link if len(link) <= LINK else f"{root(facts)}jobs/{told.job}"

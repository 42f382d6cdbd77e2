"""News as an Atom feed (RFC 4287): one entry for what broke, or was fixed, in one run. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ctci import shape, words
from ctci.model import Verdict
from ctci.web import markup

#: Characters of a title, of one sentence of a summary, and of a name.
TITLE, SENTENCE, NAME = 200, 300, 100
#: Jobs that a title names, jobs that a summary tells of, and commits that it suspects of each.
NAMED, JOBS, COMMITS = 3, 10, 5
#: Since when an address of ctci is its own, for ids that stay.
_SINCE = "2026"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one run changed, told by one word. Times are Unix milliseconds."""

    #: Of one run and of one word.
    verdicts: tuple[Verdict, ...]

    @property
    def updated(self) -> int:
        """When the last of its jobs ended."""
        return max(each.job.finished_at or each.run.created_at for each in self.verdicts)

    @property
    def published(self) -> int:
        """When the first of its jobs ended."""
        return min(each.job.finished_at or each.run.created_at for each in self.verdicts)


def entries(verdicts: Iterable[Verdict], *, most: int) -> tuple[Entry, ...]:
    """Of each run and word one; the newest first, at most so many."""
    found: dict[tuple[int, str], list[Verdict]] = defaultdict(list)
    for each in verdicts:
        found[each.run.id, each.word].append(each)
    made = [Entry(verdicts=tuple(sorted(each, key=lambda one: one.job.id))) for each in found.values()]
    made.sort(key=lambda entry: (-entry.updated, -entry.verdicts[0].run.id, entry.verdicts[0].word))
    return tuple(made[:most])


def document(news: Sequence[Entry], *, title: str, public_url: str, path: str, page: str) -> str:
    """The whole feed; `path` is its own address and `page` that of the same for people, relative to `public_url`."""
    head = (
        markup.element("id", {}, text=f"tag:{_authority(public_url)},{_SINCE}:{path}"),
        markup.element("title", {}, text=markup.line(title, TITLE)),
        markup.element("updated", {}, text=shape.time(news[0].updated if news else 0)),
        markup.element("link", {"rel": "self", "type": "application/atom+xml", "href": public_url + path}),
        markup.element("link", {"rel": "alternate", "type": "text/html", "href": public_url + page}),
        markup.element("generator", {}, text="ctci"),
    )
    feed = {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": "en"}
    told = (_entry(entry, public_url) for entry in news)
    return markup.DECLARATION + markup.element("feed", feed, *(f"\n{each}" for each in (*head, *told)), "\n") + "\n"


def _entry(entry: Entry, public_url: str) -> str:
    first = entry.verdicts[0]
    run = first.run
    # A ledger that was begun anew counts from 1 again: the day is in the id too.
    day = (shape.time(run.created_at) or "")[:10]
    return markup.element(
        "entry",
        {},
        markup.element("id", {}, text=f"tag:{_authority(public_url)},{day}:runs/{run.id}/{quote(first.word)}"),
        markup.element("title", {}, text=markup.line(headline(entry), TITLE)),
        markup.element("updated", {}, text=shape.time(entry.updated)),
        markup.element("published", {}, text=shape.time(entry.published)),
        markup.element("author", {}, markup.element("name", {}, text=_author(first))),
        markup.element("category", {"term": first.word}),
        markup.element("link", {"rel": "alternate", "type": "text/html", "href": shape.run_url(public_url, run.id)}),
        markup.element("summary", {"type": "text"}, text=summary(entry)),
    )


def headline(entry: Entry) -> str:
    """`shop/api:test broke on main in #12`."""
    run, word = entry.verdicts[0].run, entry.verdicts[0].word
    names = [entry.verdicts[0].job.name, *(each.job.place for each in entry.verdicts[1:])]
    if len(names) > NAMED:
        names[NAMED - 1 :] = [f"{len(names) - NAMED + 1} more"]
    who, where = words.names(names), f"{run.branch} in #{run.id}"
    return {
        "broke": f"{who} broke on {where}",
        "errored": f"ctci could not run {who} on {where}",
        "fixed": f"{who} {'is' if len(names) == 1 else 'are'} green again on {where}",
    }.get(word, f"{who} {word} on {where}")


def summary(entry: Entry) -> str:
    """A line for each job: what became of it, the first error, the suspects, the last green run."""
    told = [" ".join(_sentences(each)) for each in entry.verdicts[:JOBS]]
    more = len(entry.verdicts) - JOBS
    return "\n".join([*told, *([f"And {words.count(more, 'more job')}."] if more > 0 else [])])


def _sentences(verdict: Verdict) -> Iterable[str]:
    job, first = verdict.job, verdict.first
    yield _sentence(f"{job.place} {words.status(job.status)}{': ' + job.reason if job.reason else ''}")
    if first is not None:
        yield _sentence(f"First error: {first.spot}: {first.message}")
    if verdict.suspects:
        some = [f"{words.sha(commit.sha)} {commit.author}: {commit.subject}" for commit in verdict.suspects[:COMMITS]]
        more = len(verdict.suspects) - COMMITS
        some += [f"{more} more"] if more > 0 else []
        yield f"Suspected: {'; '.join(markup.line(each, SENTENCE) for each in some)}."
    if verdict.green is not None:
        yield f"Last green: #{verdict.green.run}."
    if verdict.flaky:
        yield _sentence(verdict.flaky)


def _sentence(text: str) -> str:
    return f"{markup.line(text, SENTENCE).rstrip('.')}."


def _author(verdict: Verdict) -> str:
    """Who wrote the commit, else who asked for the run."""
    return markup.line(verdict.run.author or verdict.run.pusher or "", NAME) or "ctci"


def _authority(public_url: str) -> str:
    """The name of the server in ids, as RFC 4151 has it."""
    host = urlsplit(public_url).hostname or ""
    return host if re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host) else "localhost"

"""What a chat is told of some jobs: a title and a few lines, short enough for any service. Pure.

What comes from commits and logs has passed `plain` and calls nobody: an `@everyone` in a subject is a word like others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ctci.model import Verdict
from ctci.report import saying

#: Characters of the title, and of all lines together: the least that the services in use take.
TITLE, BODY = 120, 1500
#: Jobs that are told; the others are counted.
MOST = 5
GLYPHS = {"broke": "x", "failed": "x", "still broken": "x", "errored": "!", "fixed": "+"}
#: What begins a mention in a chat: `@here`, `<!channel>`, `<@U1>`, `<#C1>`. What it cannot see keeps it one word.
_CALLS = re.compile(r"@(?=\w)|<(?=[!@#&])")
_NOTHING = "\u200b"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message, written."""

    title: str
    body: str


def compose(verdicts: Sequence[Verdict], *, public_url: str) -> Message:
    """Write the message about some jobs, of one run or several: title of one line, plain text of a few."""
    lines = [line for each in verdicts[:MOST] for line in _lines(each)]
    more = len(verdicts) - MOST
    runs = list(dict.fromkeys(each.run.id for each in verdicts))
    urls = [f"{public_url.rstrip('/')}/runs/{run}" for run in runs[:MOST]]
    ends = [*([f"and {more} more"] if more > 0 else []), *urls]
    room = BODY - sum(len(line) + 1 for line in ends)
    while sum(len(line) + 1 for line in lines) > room:
        lines.pop()
    return Message(title=_title(verdicts), body="\n".join((*lines, *ends)))


def _title(verdicts: Sequence[Verdict]) -> str:
    run = verdicts[0].run
    several = len({each.run.id for each in verdicts}) > 1
    branch, number = saying.plain(run.branch, 60), "" if several else f" (#{run.id})"
    if len(verdicts) == 1:
        said = f"{saying.plain(verdicts[0].job.name, 80)} {_verb(verdicts[0].word)} {branch}"
    else:
        words = [each.word for each in verdicts]
        counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        where = dict.fromkeys(f"{each.run.project} {each.run.branch}" for each in verdicts)
        said = f"{', '.join(saying.plain(each, 120) for each in where)}: {counts}"
    return _quiet(said, TITLE - len(number)) + number


def _verb(word: str) -> str:
    return {"fixed": "is fixed on", "errored": "could not be run on"}.get(word, f"{word} on")


def _lines(verdict: Verdict) -> list[str]:
    """What happened to a job, where its first error is, and who may know."""
    name = _quiet(verdict.job.name, 100)
    found = [f"{GLYPHS.get(verdict.word, '-')} {name}: {verdict.word}"]
    first, reason = verdict.first, _quiet(verdict.job.reason, 160)
    if verdict.word == "fixed":
        return found
    if first is not None:
        found.append(f"  {_quiet(first.spot, 100)}: {_quiet(first.message, 160)}")
    elif reason:
        found.append(f"  {reason}")
    if verdict.suspects:
        commit, more = verdict.suspects[0], len(verdict.suspects) - 1
        others = f" and {more} more" if more else ""
        found.append(f"  {commit.sha[:7]} {_quiet(commit.subject, 80)} ({_quiet(commit.author, 40)}){others}")
    return found


def _quiet(text: str | None, most: int) -> str:
    """One line that is safe to be shown and calls nobody."""
    return _CALLS.sub(lambda found: found[0] + _NOTHING, saying.plain(text, most))[:most]

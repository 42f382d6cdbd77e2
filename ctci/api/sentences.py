"""What a verdict means in words, said as the letters say it, for whoever does not compose any: terminals and agents."""

from collections.abc import Iterator, Sequence
from typing import Any

from ctci import clock, shape, words
from ctci.model import TRY, Ack, Mended, Verdict
from ctci.report import saying, verdict

#: Suspects of each verdict that are listed.
SUSPECTS = 10
#: Words of what is red, or may be, or could not be run.
RED = (*verdict.BROKEN, "errored", "allowed")


def of(judged: Verdict, mended: Mended | None, hidden: Sequence[Ack]) -> dict[str, Any]:
    """By the names of shape.verdicts.SAID; `hidden`: each acknowledgement as often as it hides something."""
    return {
        "held": saying.held(judged) if judged.run.kind == TRY else None,
        "sentences": list(_sentences(judged)),
        "known": words.known(hidden, clock.day),
        "asides": [] if judged.word in RED else list(_asides(judged)),
        "mended": _mended(mended),
    }


def _mended(told: Mended | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {"run": told.green.run, "at": shape.time(told.green.at), "sentence": saying.mended(told)}


def _sentences(judged: Verdict) -> Iterator[str]:
    if judged.word in ("errored", "allowed"):
        yield from filter(None, (saying.plain(judged.job.reason),))
        return
    if judged.word not in verdict.BROKEN:
        return
    yield from filter(None, (saying.first(judged), saying.because(judged), saying.counts(judged)))
    yield from filter(
        None, (saying.cause(judged), saying.culprit(judged), saying.flaky(judged), saying.suspects(judged))
    )
    yield from _commits(judged)


def _commits(judged: Verdict) -> Iterator[str]:
    shown = judged.suspects[:SUSPECTS]
    authors = [saying.plain(each.author, saying.AUTHOR) for each in shown]
    width = max(map(len, authors), default=0)
    for each, author in zip(shown, authors, strict=True):
        yield f"  {words.sha(each.sha)}  {author:{width}}  {saying.plain(each.subject, 100)}"
    if len(judged.suspects) > len(shown):
        yield f"  and {words.number(len(judged.suspects) - len(shown))} more"


def _asides(judged: Verdict) -> Iterator[str]:
    """What is green, and yet not well."""
    if judged.flaky:
        yield saying.flaky(judged)
    if judged.slower is not None:
        yield f"Slower: {saying.slower(judged.slower)}."

"""What a result means, and what may be to blame, as JSON. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctci import words
from ctci.model import Ack, Life, Seen, Verdict
from ctci.shape import findings, runs, times

VERDICT = (
    "project",
    "branch",
    "subproject",
    "recipe",
    "name",
    "word",
    "red",
    "since",
    "last_green",
    "first",
    "tests",
    "errors",
    "new_errors",
    "cause",
    "suspects",
    "changed",
    "flaky",
    "slower",
    "acknowledged",
    "again",
    "held",
    "sentences",
    "known",
    "asides",
    "mended",
    "run",
    "job",
    "status",
    "reason",
    "finished_at",
    "html_url",
)

#: What of a verdict is told in words, without any time that would be another a moment later.
SAID = ("held", "sentences", "known", "asides", "mended")


def verdict(
    judged: Verdict,
    *,
    life: Life | None,
    acks: Sequence[Ack],
    again: Sequence[str],
    said: Mapping[str, Any],
    now: int,
    public_url: str,
) -> dict[str, Any]:
    """The verdict of a job: `life` of its first error, `acks` of what is hidden in it, `again` the steps by hand.

    `said`: the same in words, see `SAID`.

    `since` is the first red result of the break; of what is fixed, of the break that it ended.
    """
    job, reading = judged.job, judged.reading
    line = f"#L{judged.first.log_line}" if judged.first is not None and judged.first.log_line else ""
    return {
        "project": judged.run.project,
        "branch": judged.run.branch,
        "subproject": job.order.subproject or None,
        "recipe": job.order.recipe.name,
        "name": job.name,
        "word": judged.word,
        "red": job.is_red,
        "since": _seen(judged.red),
        "last_green": _seen(judged.green),
        "first": None if judged.first is None else findings.finding(judged.first, life=life, ack=None, now=now),
        "tests": findings.tests(reading),
        "errors": judged.wrong,
        "new_errors": judged.news,
        "cause": judged.cause or None,
        "suspects": [runs.commit(each) for each in judged.suspects],
        "changed": [{"name": each.name, "before": each.before, "now": each.now} for each in judged.changed],
        "flaky": judged.flaky or None,
        "slower": None
        if judged.slower is None
        else {
            "usual_s": judged.slower.usual_s,
            "now_s": judged.slower.now_s,
            "since": _seen(judged.slower.since),
        },
        "acknowledged": [findings.ack(each, now) for each in acks],
        "again": list(again),
        **{name: said[name] for name in SAID},
        "run": judged.run.id,
        "job": job.id,
        "status": str(job.status),
        "reason": words.said(job, judged.run).replace(words.THIN, " ") or None,
        "finished_at": times.time(job.finished_at),
        "html_url": f"{public_url.rstrip('/')}/{job.page}{line}",
    }


def _seen(seen: Seen | None) -> dict[str, Any] | None:
    """A result of the past."""
    if seen is None:
        return None
    return {"run": seen.run, "job": seen.job, "sha": seen.commit, "author": seen.author, "at": times.time(seen.at)}

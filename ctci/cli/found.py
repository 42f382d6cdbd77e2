"""What was found in the jobs of a run, as `show` tells it: first errors, first new lines, and what is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ctci import clock, words
from ctci.cli import nouns, terminal
from ctci.model import RED, Finding, Life
from ctci.report import known


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was found in one job."""

    job: nouns.Job
    sifted: known.Sifted
    #: By fingerprint.
    lives: Mapping[str, Life]


def of(run: nouns.Run, now: int) -> Sequence[Told]:
    """Of each job of a whole run of which anything was read."""
    jobs = {job["id"]: job for job in run["jobs"]}
    return [_of(jobs[each["job"]], each, now) for each in run["readings"] if each["job"] in jobs]


def _of(job: nouns.Job, given: Mapping[str, Any], now: int) -> Told:
    findings = [nouns.finding(each) for each in given["findings"]]
    named = {each["fingerprint"]: each for each in given["findings"]}
    acks = {
        name: nouns.ack(each["acknowledged"], name, job["project"])
        for name, each in named.items()
        if each["acknowledged"]
    }
    return Told(
        job=job,
        sifted=known.sift(nouns.reading(given), findings, acks, now),
        lives={name: nouns.life(each["life"], name) for name, each in named.items() if each["life"]},
    )


def tell(told: Sequence[Told]) -> None:
    """Of each red job the first error and the first new line; of each job what is known, and what is so no longer."""
    rows = [row for each in told if nouns.status(each.job) in RED for row in _firsts(each)]
    lines = [f"{nouns.place(each.job)}: {line}" for each in told for line in _acknowledged(each)]
    if rows or lines:
        terminal.say()
    terminal.table(rows)
    for line in lines:
        terminal.say(terminal.plain(line))


def _firsts(told: Told) -> Iterator[list[terminal.Cell]]:
    first, new, novel = told.sifted.first, told.sifted.new, told.sifted.novel
    if first is not None:
        yield _row(told, first)
    if new is not None and novel is not None:
        said = words.count(novel.count, "new line")
        yield [nouns.place(told.job), "", said, f"line {new.line} of the log", "", " ".join(new.text.split())]


def _row(told: Told, first: Finding) -> list[terminal.Cell]:
    lived = told.lives.get(first.fingerprint)
    return [
        nouns.place(told.job),
        words.short_name(first),
        first.spot,
        f"line {first.log_line} of the log" if first.log_line else first.tool,
        words.lived(lived) if lived is not None else "",
        " ".join(first.message.split()),
    ]


def _acknowledged(told: Told) -> list[str]:
    lapsed = [f"{name[:8]} {words.lapsed(ack, clock.day)}" for name, ack in told.sifted.lapsed.items()]
    return [*words.known(told.sifted.known, clock.day), *lapsed]

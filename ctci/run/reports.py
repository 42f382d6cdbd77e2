"""What an attempt's log and reports say, read in a child that may fail: the server itself parses nothing of strangers.

Whatever becomes of the child, there is an answer: what it told, and a finding that says what could not be read.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ctci import clock
from ctci.formats import diagnostics, novel
from ctci.layout import Layout
from ctci.model import Finding, Job, Lines, NewLine, Novel, Reading, Tally
from ctci.run import reading

log = logging.getLogger(__name__)

#: How long all of it may take, seconds.
DEADLINE_S = 120.0
#: Bytes of its answer.
MOST_ANSWER = 64 << 20
#: Isolated: nothing of the environment or of the folder it is started in decides what it imports.
PROGRAM = (sys.executable, "-I", "-B", "-m", "ctci.run.reading")


@dataclass(frozen=True, kw_only=True)
class Read:
    """What was read of one attempt."""

    reading: Reading
    findings: tuple[Finding, ...]
    #: The lines of the log; None where it was not read to its end.
    lines: Lines | None = None
    #: Errors in SARIF reports: with the tests that failed, all that may change a status.
    sarif_errors: int = 0


def read(
    layout: Layout, job: Job, slot: int, *, most: int, known: Lines | None = None, deadline_s: float = DEADLINE_S
) -> Read:
    """Read the log of a job's attempt, and the reports that its recipe left in the slot, whatever is in them.

    `known` are the lines of green logs of its place.
    """
    recipe = job.order.recipe
    place = layout.slot(slot).absolute()
    directory = f"worktree/{job.order.directory}"
    asked = {
        "slot": str(place),
        "directory": directory,
        "root": str((place / directory).resolve()),
        "log": str(layout.log(job.id, job.attempt).absolute()),
        "junit": recipe.junit,
        "sarif": recipe.sarif,
        "matchers": recipe.matchers,
        "known": None if known is None or known.way != novel.WAY else novel.plain(known),
    }
    told, fault = _answers(asked, deadline_s)
    return arranged(job, told, fault, most=most)


def silent(layout: Layout, job: Job) -> bool:
    """Whether there is nothing to read: no report is asked for, and nothing was printed."""
    recipe = job.order.recipe
    if recipe.junit or recipe.sarif or recipe.matchers:
        return False
    try:
        return layout.log(job.id, job.attempt).stat().st_size == 0
    except OSError:
        return True


def _answers(asked: Mapping[str, Any], deadline_s: float) -> tuple[list[dict[str, Any]], str | None]:
    """What the child told, and why it did not come to its end; None: it did."""
    fault = None
    try:
        with subprocess.Popen(
            PROGRAM,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        ) as child:
            try:
                out, _ = child.communicate(json.dumps(asked).encode(), timeout=deadline_s)
            except subprocess.TimeoutExpired:
                child.kill()
                out, _ = child.communicate()
                fault = f"it took longer than {deadline_s:.0f} s"
    except OSError as error:
        return [], f"the process that reads could not be started: {error.strerror}"
    if fault is None and child.returncode:
        fault = _ended(child.returncode)
    told = [json.loads(line) for line in out[:MOST_ANSWER].split(b"\n")[:-1]]
    if len(out) > MOST_ANSWER:
        fault = f"what it found is more than {MOST_ANSWER >> 20} MiB"
    return told, fault


def _ended(code: int) -> str:
    """Why a child that came to no good end did so, as far as that can be told."""
    if code in (-24, -9):
        return f"it took more than {reading.CPU_S} s of a core"
    return f"it took more than {reading.MEMORY >> 20} MiB of memory" if code in (1, -6) else f"it was ended by {code}"


def arranged(job: Job, told: Sequence[Mapping[str, Any]], fault: str | None, *, most: int) -> Read:
    """The answers of the child as one: reports first, each finding once, and no more than `most`. Pure."""
    kinds: dict[str, list[Finding]] = {"junit": [], "sarif": [], "log": [], "matchers": []}
    tests: Tally | None = None
    lines: Lines | None = None
    news: Novel | None = None
    at = "the log"
    for each in told:
        at = each.get("reading", at)
        if "findings" in each:
            kinds[each["kind"]] += [Finding(**finding) for finding in each["findings"]]
        if "tests" in each:
            counted = Tally(**each["tests"])
            tests = counted if tests is None else _sum(tests, counted)
        if "lines" in each:
            lines = novel.lines(each["lines"])
            news = None if each["novel"] is None else _news(each["novel"])
    if fault is not None:
        log.warning("%s of #%s: %s could not be read: %s", job.name, job.run, at, fault)
        kinds["matchers"].append(reading.own(f"{at} could not be read to its end: {fault}"))
    findings = [*joined([*kinds["junit"], *kinds["sarif"]], kinds["log"]), *kinds["matchers"]]
    if len(findings) > most:
        findings = _fewer(findings, most)
    first = diagnostics.first(findings)
    return Read(
        reading=Reading(
            job=job.id,
            attempt=job.attempt,
            state="read" if fault is None else "failed",
            tests=tests,
            errors=sum(each.severity in ("error", "failure") and each.tool != "ctci" for each in findings),
            warnings=sum(each.severity == "warning" and each.tool != "ctci" for each in findings),
            first=None if first is None else next(n for n, each in enumerate(findings) if each is first),
            novel=news,
            at=clock.now(),
        ),
        findings=tuple(findings),
        lines=lines,
        sarif_errors=sum(each.severity == "error" and each.tool != "ctci" for each in kinds["sarif"]),
    )


def _news(plain: Mapping[str, Any]) -> Novel:
    return Novel(count=plain["count"], lines=tuple(NewLine(**each) for each in plain["lines"]))


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(total=one.total + other.total, failed=one.failed + other.failed, skipped=one.skipped + other.skipped)


def joined(reported: Iterable[Finding], logged: Sequence[Finding]) -> list[Finding]:
    """Of what a report and the log both tell, the report's, with the line of the log. Pure."""
    left = list(logged)
    found = []
    for each in reported:
        twin = next((other for other in left if _same(each, other)), None)
        if twin is not None:
            left.remove(twin)
            found.append(replace(each, log_line=twin.log_line))
        else:
            found.append(each)
    return found + left


def _same(reported: Finding, logged: Finding) -> bool:
    if reported.file is None or logged.file is None or reported.line is None:
        return False
    if reported.file.rpartition("/")[2] != logged.file.rpartition("/")[2] or reported.line != logged.line:
        return False
    first, _, _ = logged.message.partition("\n")
    return first in reported.message or reported.message.partition("\n")[0] in logged.message


def _fewer(findings: Sequence[Finding], most: int) -> list[Finding]:
    """The worst of them, in their order, and a word on the others."""
    order = {"failure": 0, "error": 0, "warning": 1}
    ranked = sorted(range(len(findings)), key=lambda at: (order.get(findings[at].severity, 2), at))
    kept = sorted(ranked[: most - 1])
    left = len(findings) - len(kept)
    return [*(findings[at] for at in kept), reading.own(f"{left} more findings are left out (`[limits] findings`)")]

"""`get_failures`: all that one needs to see why a run or a branch is red, in one answer that fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ctci.mcp import naming, plain, telling
from ctci.mcp.asking import Ask
from ctci.mcp.naming import Wrong
from ctci.mcp.outputs import UNTRUSTED

#: What is told of, the worst first.
TOLD = ("broke", "failed", "still broken", "errored")
#: Recipes of which everything is read, and lines of the log on each side of an error.
MOST, AROUND = 10, 20


@dataclass(frozen=True, kw_only=True)
class Level:
    """How much is told: recipes, lines around an error, failed tests, suspects; characters of lines and of texts."""

    recipes: int = MOST
    around: int
    tests: int
    suspects: int
    width: int
    text: int


LEVELS = (
    Level(around=AROUND, tests=20, suspects=10, width=300, text=plain.MOST),
    Level(around=AROUND, tests=20, suspects=5, width=160, text=300),
    Level(around=12, tests=20, suspects=5, width=160, text=300),
    Level(around=8, tests=10, suspects=5, width=160, text=300),
    Level(around=5, tests=5, suspects=3, width=120, text=200),
    Level(around=2, tests=3, suspects=2, width=120, text=120),
    Level(recipes=5, around=2, tests=3, suspects=2, width=120, text=120),
    Level(recipes=3, around=1, tests=2, suspects=1, width=100, text=100),
    Level(recipes=1, around=1, tests=1, suspects=1, width=60, text=60),
    Level(recipes=1, around=0, tests=1, suspects=1, width=20, text=20),
)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """One red recipe with all that was read of it."""

    verdict: Mapping[str, Any]
    job: Mapping[str, Any]
    hunt: Mapping[str, Any] | None
    tests: Sequence[str]
    #: The number of the line with the first error, and the lines of the log around it, or its end.
    line: int | None
    first: int
    lines: Sequence[str]


def get(ask: Ask, of: int | str, key: str) -> tuple[str, Any]:
    """(text, structured) about a run, a job or a branch; `key` marks where pushed text ends. Raises Wrong, ApiError."""
    target = naming.target(of)
    if target.project is not None:
        branch = target.branch or ask("get_project", {"project": target.project})["default_branch"]
        place = {"project": target.project, "branch": branch}
        verdicts = ask("list_verdicts_of_branch", place)["items"]
        newest = ask("list_runs", {**place, "limit": 1})["items"]
        if not newest:
            raise Wrong(f"{target.project} has no run on this branch.", "get_status lists the branches that have some.")
        run, only = newest[0], None
    else:
        number, only = naming.run_and_name(ask, target)
        run = ask("get_run", {"run": number})
        verdicts = ask("list_verdicts_of_run", {"run": number})["items"]
    if only is not None:
        verdicts = [each for each in verdicts if each["name"] == only]
    wrong = sorted(
        (each for each in verdicts if each["word"] in TOLD), key=lambda each: (TOLD.index(each["word"]), each["name"])
    )
    hunts: dict[int, Any] = {}
    found = [_read(ask, each, hunts) for each in wrong[:MOST]]
    pending = [job["name"] for job in run["jobs"] if job["finished_at"] is None]
    facts = {
        "project": run["project"],
        "branch": run["branch"],
        "run": run["id"],
        "status": run["status"],
        "sha": run["sha"],
        "html_url": run["html_url"],
        "red": len(wrong),
        "pending": pending[:20],
        "allowed_to_fail": [each["name"] for each in verdicts if each["word"] == "allowed"][:20],
    }

    def make(level: Level) -> tuple[str, Any]:
        told = [_told(each, level) for each in found[: level.recipes]]
        rest = [each["name"] for each in wrong[level.recipes :]]
        whole = plain.cleaned(
            {
                **facts,
                "branch": plain.cut(facts["branch"], level.text * 2),
                "failures": told,
                "not_shown": [plain.cut(each, level.text) for each in rest[: level.recipes * 5]],
                "untrusted": UNTRUSTED,
                "next": _next(facts, told, rest),
            }
        )
        return telling.failures(whole, key), whole

    return plain.fitting(LEVELS, make)


def _read(ask: Ask, verdict: Mapping[str, Any], hunts: dict[int, Any]) -> _Found:
    job = ask("get_job", {"job": verdict["job"]})
    readings = ask("list_findings", {"job": verdict["job"]})["items"]
    findings = [finding for reading in readings for finding in reading["findings"]]
    tests = [each["test"] for each in findings if each["test"] and each["severity"] == "failure"]
    # A search is about the first red job of a break.
    since = verdict["since"] or verdict
    if since["run"] not in hunts:
        hunts[since["run"]] = ask("get_run", {"run": since["run"]})["hunts"]
    line = verdict["first"]["log_line"] if verdict["first"] else None
    if line is None:
        novel = [each["log_line"] for reading in readings for each in (reading["novel"] or {"lines": ()})["lines"]]
        line = novel[0] if novel else None
    where = {"from": max(1, line - AROUND), "lines": 2 * AROUND + 1} if line else {"tail": 2 * AROUND + 1}
    window = ask("read_log", {"job": verdict["job"], **where})["lines"]
    return _Found(
        verdict=verdict,
        job=job,
        hunt=next((each for each in hunts[since["run"]] if each["job"] == since["job"]), None),
        tests=tuple(dict.fromkeys(tests)),
        line=line,
        first=window[0]["number"] if window else 1,
        lines=[each["text"] for each in window],
    )


def _told(found: _Found, level: Level) -> dict[str, Any]:
    verdict, first = found.verdict, found.verdict["first"]

    def text(said: str | None) -> str | None:
        return None if said is None else plain.cut(said, level.text)

    suspects = [naming.commit(each, level.text) for each in verdict["suspects"]]
    return {
        "name": verdict["name"],
        "run": verdict["run"],
        "job": verdict["job"],
        "verdict": verdict["word"],
        "status": verdict["status"],
        "exit": naming.exit_(found.job["exit"]),
        "reason": text(verdict["reason"]),
        "since_run": verdict["since"]["run"] if verdict["since"] else None,
        "last_green_run": verdict["last_green"]["run"] if verdict["last_green"] else None,
        "culprit": _culprit(found, suspects),
        "suspects": suspects[: level.suspects],
        "suspects_not_shown": max(0, len(suspects) - level.suspects),
        "cause": verdict["cause"],
        "changed": [
            plain.cut(f"{each['name']}: {each['before']} -> {each['now']}", level.text)
            for each in verdict["changed"][: level.suspects]
        ],
        "flaky": text(verdict["flaky"]),
        "first_error": None
        if first is None
        else {
            "file": text(first["file"]),
            "line": first["line"],
            "tool": first["tool"],
            "rule": text(first["rule"]),
            "message": text(first["message"]),
            "test": text(first["test"]),
        },
        "failed_tests": [plain.cut(each, level.text) for each in found.tests[: level.tests]],
        "failed_tests_not_shown": max(0, len(found.tests) - level.tests),
        "log": _excerpt(found, level),
        "command": text(found.job["command"]),
        "reproduce": [plain.cut(step, level.text) for step in verdict["again"]],
        "html_url": verdict["html_url"],
    }


def _excerpt(found: _Found, level: Level) -> dict[str, Any] | None:
    if not found.lines:
        return None
    at = found.line - found.first if found.line is not None else len(found.lines) - 1
    begin = max(0, at - level.around)
    shown = found.lines[begin : at + level.around + 1] if found.line is not None else found.lines[begin:]
    return {
        "from": found.first + begin,
        "error_line": found.line,
        "lines": [plain.cut(each, level.width) for each in shown],
    }


def _culprit(found: _Found, suspects: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The commit that did it: one that a search has found, or the only one that can have."""
    hunt = found.hunt
    if hunt is not None and hunt["word"] == "found" and hunt["sha"]:
        known = next((each for each in suspects if each["sha"] == hunt["sha"]), None)
        return {"author": "", "subject": "", **(known or {}), "sha": hunt["sha"], "how": hunt["sentence"]}
    if len(suspects) == 1 and found.verdict["cause"] == "commits":
        return {**suspects[0], "how": "the only commit since the last green run that touches this recipe's directory"}
    return None


def _next(facts: Mapping[str, Any], told: Sequence[Mapping[str, Any]], rest: Sequence[str]) -> str:
    if not told:
        if facts["pending"]:
            return "Nothing is red yet, and not all has ended: ask again later."
        return "Nothing is red: list_runs shows other runs of the project."
    if rest:
        return f"get_failures of {told[0]['run']}/{rest[0].replace(':', '/')} tells the same of one that is not shown."
    worst = told[0]
    if worst["culprit"] is not None:
        return "The culprit is named; read_log or search_log shows more of the log."
    if worst["last_green_run"] is not None:
        return f"compare_runs({worst['last_green_run']}, {worst['run']}) tells what differs from the last green run."
    return "search_log finds more in the log; list_flaky tells which tests are not to be relied on."

"""The tools that read: projects, branches, runs and logs, each cut to what fits into one answer."""

from collections.abc import Mapping
from typing import Any

from ctci.mcp import inputs, naming, plain, telling
from ctci.mcp.asking import Ask
from ctci.mcp.outputs import UNTRUSTED

#: Characters of a line of a log.
WIDTH = 1000

Answer = tuple[str, Any]


def list_projects(ask: Ask, _: inputs.Nothing, key: str) -> Answer:
    """The projects that the visitor may see."""
    found = ask("list_projects", {})["items"]

    def make(size: tuple[int, int]) -> Answer:
        shown = [
            {
                **{name: each[name] for name in ("name", "default_branch", "html_url")},
                "description": plain.cut(each["description"], size[1]),
                "recipes": [plain.cut(name, size[1]) for name in each["recipes"][: size[1]]],
            }
            for each in found[: size[0]]
        ]
        told = {
            "projects": shown,
            "not_shown": len(found) - len(shown),
            "next": "get_failures of one of them tells what is red on its default branch.",
        }
        return telling.projects(plain.cleaned(told), key), plain.cleaned(told)

    return plain.fitting(naming.fewer(len(found), 200, 60), make)


def get_status(ask: Ask, asked: inputs.OfProject, key: str) -> Answer:
    """How branches stand."""
    found = ask("list_branches", {"project": [asked.project]} if asked.project else {})["items"]
    red = next((f"{each['project']}@{each['branch']}" for each in found if each["red"]), None)

    def make(size: tuple[int, int]) -> Answer:
        shown = [
            {
                "project": each["project"],
                "branch": plain.cut(each["branch"], size[1]),
                "red": each["red"],
                "failing": [plain.cut(name, size[1]) for name in each["failing"][: size[1]]],
                "run": each["run"]["id"],
                **{name: each["run"][name] for name in ("status", "sha", "queued_at", "html_url")},
            }
            for each in found[: size[0]]
        ]
        then = f"get_failures of {plain.cut(red, 200)} tells why." if red else "list_runs shows what ran."
        told = {"branches": shown, "not_shown": len(found) - len(shown), "untrusted": UNTRUSTED, "next": then}
        return telling.branches(plain.cleaned(told), key), plain.cleaned(told)

    return plain.fitting(naming.fewer(len(found), 200, 60), make)


def list_runs(ask: Ask, asked: inputs.Runs, key: str) -> Answer:
    """Runs, newest first."""
    query = {
        "project": [asked.project] if asked.project else [],
        "status": [asked.status] if asked.status else [],
        **({"branch": asked.branch} if asked.branch else {}),
        **({"cursor": asked.cursor} if asked.cursor else {}),
    }

    def make(size: tuple[int, int]) -> Answer:
        # Asked anew, for the cursor that follows the last one that is shown.
        page = ask("list_runs", {**query, "limit": size[0]})
        told = {
            "runs": [_run(each, size[1]) for each in page["items"]],
            "next_cursor": page["next"],
            "untrusted": UNTRUSTED,
            "next": "get_failures tells all about a red one, get_run shows the jobs of any.",
        }
        return telling.runs(plain.cleaned(told), key), plain.cleaned(told)

    return plain.fitting(naming.fewer(asked.limit, 200, 60), make)


def _run(run: Mapping[str, Any], width: int) -> dict[str, Any]:
    red = [job["name"] for job in run["jobs"] if job["status"] in ("failed", "timed_out", "errored")]
    return {
        "run": run["id"],
        **{name: run[name] for name in ("project", "status", "event", "sha", "queued_at", "html_url")},
        "branch": plain.cut(run["branch"], width),
        "subject": None if run["subject"] is None else plain.cut(run["subject"], width),
        "author": None if run["author"] is None else plain.cut(run["author"], width),
        "failing": [plain.cut(name, width) for name in red[:10]],
    }


def get_run(ask: Ask, asked: inputs.OneRun, key: str) -> Answer:
    """One run with its jobs and commits."""
    number = naming.run(ask, asked.run)
    run = ask("get_run", {"run": number})
    words = {each["job"]: each["word"] for each in ask("list_verdicts_of_run", {"run": number})["items"]}
    jobs, commits = run["jobs"], run["commits"]

    def make(size: tuple[int, int]) -> Answer:
        count, width = size
        told = {
            **_run(run, width),
            "reason": None if run["reason"] is None else plain.cut(run["reason"], width),
            "finished_at": run["finished_at"],
            "rerun_of": run["rerun_of"],
            "jobs": [
                {
                    "name": each["name"],
                    "job": each["id"],
                    "status": each["status"],
                    "verdict": words.get(each["id"]),
                    "reason": None if each["reason"] is None else plain.cut(each["reason"], width),
                    "exit": naming.exit_(each["exit"]),
                    "duration_s": each["duration_s"],
                }
                for each in jobs[:count]
            ],
            "jobs_not_shown": max(0, len(jobs) - count),
            "commits": [naming.commit(each, width) for each in commits[:count]],
            "commits_not_shown": max(0, len(commits) - count),
            "untrusted": UNTRUSTED,
            "next": f"get_failures of {number} tells what is red in it, and why.",
        }
        return telling.run(plain.cleaned(told), key), plain.cleaned(told)

    return plain.fitting(naming.fewer(max(len(jobs), len(commits), 1), 300, 100), make)


def tail_log(ask: Ask, asked: inputs.Tail, key: str) -> Answer:
    """The end of a log."""
    job = naming.job(ask, asked.run, asked.sub, asked.recipe)

    def make(size: tuple[int, int]) -> Answer:
        page = ask("read_log", {"job": job["id"], "tail": size[0]})
        first = page["lines"][0]["number"] if page["lines"] else 1
        earlier = (
            f"read_log with from={max(1, first - 200)} shows what is before." if first > 1 else "That is all of it."
        )
        then = earlier if page["finished"] else "It still runs: call tail_log again for what comes."
        return _window(job, page, size[1], then, key)

    return plain.fitting(naming.fewer(asked.lines, WIDTH, 300, 120), make)


def read_log(ask: Ask, asked: inputs.Window, key: str) -> Answer:
    """Lines of a log by their numbers."""
    job = naming.job(ask, asked.run, asked.sub, asked.recipe)

    def make(size: tuple[int, int]) -> Answer:
        page = ask("read_log", {"job": job["id"], "from": asked.first, "lines": size[0]})
        following = asked.first + len(page["lines"])
        more = f"read_log with from={following} goes on." if following <= page["total"] else "That is the end of it."
        return _window(job, page, size[1], more, key)

    return plain.fitting(naming.fewer(asked.lines, WIDTH, 300, 120), make)


def _window(job: Mapping[str, Any], page: Mapping[str, Any], width: int, then: str, key: str) -> Answer:
    told = plain.cleaned(
        {
            "name": job["name"],
            "run": job["run"],
            "job": job["id"],
            "status": job["status"],
            "from": page["lines"][0]["number"] if page["lines"] else 1,
            "lines": [plain.cut(each["text"], width) for each in page["lines"]],
            "total": page["total"],
            "finished": page["finished"],
            "untrusted": UNTRUSTED,
            "next": then,
        }
    )
    return telling.window(told, key), told


def search_log(ask: Ask, asked: inputs.Search, key: str) -> Answer:
    """The lines of a log that have a text."""
    job = naming.job(ask, asked.run, asked.sub, asked.recipe)

    def make(size: tuple[int, int]) -> Answer:
        query = {"job": job["id"], "q": asked.query, "from": asked.first, "limit": size[0]}
        page = ask("search_log", {**query, "context": asked.context if size[1] > 40 else 0})
        told = plain.cleaned(
            {
                "name": job["name"],
                "run": job["run"],
                "job": job["id"],
                "query": asked.query,
                "hits": [
                    {
                        "number": each["number"],
                        "from": each["lines"][0]["number"],
                        "lines": [plain.cut(line["text"], size[1]) for line in each["lines"]],
                    }
                    for each in page["hits"]
                ],
                "next_from": page["next"],
                "untrusted": UNTRUSTED,
                "next": "read_log with `from` shows more around a line."
                if page["hits"]
                else "tail_log shows the end of the log.",
            }
        )
        return telling.hits(told, key), told

    return plain.fitting(naming.fewer(asked.limit, WIDTH, 300, 120), make)

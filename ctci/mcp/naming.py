"""From what an agent names to runs and jobs; and how those are called in answers."""

from collections.abc import Iterator, Mapping
from typing import Any

from ctci.mcp import plain, targets
from ctci.mcp.asking import Ask
from ctci.mcp.targets import Target


class Wrong(Exception):
    """What was asked cannot be answered: why, and the call that helps."""

    def __init__(self, detail: str, then: str) -> None:
        super().__init__(detail)
        self.then = then


def target(named: int | str) -> Target:
    """What is named. Raises Wrong."""
    try:
        return targets.parse(named)
    except targets.TargetError as error:
        raise Wrong(str(error), "list_runs gives the numbers of runs.") from None


def run(ask: Ask, named: int | str) -> int:
    """The number of the run that is named, by itself or by one of its jobs. Raises Wrong, ApiError."""
    found = target(named)
    if found.project is not None:
        raise Wrong("This names a branch, and a run is needed.", "list_runs gives the numbers of its runs.")
    return run_and_name(ask, found)[0]


def run_and_name(ask: Ask, found: Target) -> tuple[int, str | None]:
    """(the run, the name of the one job that is meant, if one is). Raises ApiError."""
    if found.job is not None:
        job = ask("get_job", {"job": found.job})
        return job["run"], job["name"]
    number = found.run or 0
    if found.recipe is None:
        return number, None
    place = {"run": number, "recipe": found.recipe}
    job = ask("get_job_of_subproject", {**place, "sub": found.sub}) if found.sub else ask("get_job_of_run", place)
    return number, job["name"]


def job(ask: Ask, named: int | str, sub: str | None, recipe: str | None) -> Mapping[str, Any]:
    """The job whose log is meant: the one that is named, else the first that failed. Raises Wrong, ApiError."""
    found = target(named)
    if found.project is not None:
        raise Wrong("This names a branch, and a run is needed.", "list_runs gives the numbers of its runs.")
    if found.job is not None:
        return ask("get_job", {"job": found.job})
    jobs = ask("list_jobs_of_run", {"run": found.run})["items"]
    wanted = (sub or found.sub, recipe or found.recipe)
    # Without a subproject a recipe means the one of that name, where there is but one.
    fits = [
        each
        for each in jobs
        if (wanted[1] is None or each["recipe"] == wanted[1]) and (wanted[0] is None or each["subproject"] == wanted[0])
    ]
    red = [each for each in fits if each["status"] in ("failed", "timed_out", "errored")]
    if len(fits) == 1 or (red and wanted[1] is None):
        return fits[0] if len(fits) == 1 else red[0]  # type: ignore[no-any-return] # JSON
    names = plain.cut(", ".join(each["name"] for each in jobs) or "none", 1000)
    what = "This run has no such job" if not fits else "This run has several such jobs"
    raise Wrong(f"{what}; its jobs: {names}.", "Name one with `sub` and `recipe`.")


def exit_(ended: Mapping[str, Any] | None) -> str | None:
    """How a command ended, in a word or two."""
    if ended is None:
        return None
    if ended["how"] != "exit":
        return str(ended["how"])
    return f"signal {ended['signal']}" if ended["code"] is None else f"exit {ended['code']}"


def commit(told: Mapping[str, Any], most: int = plain.MOST) -> dict[str, Any]:
    """A commit, without the address of its author."""
    return {
        "sha": told["sha"],
        "author": plain.cut(told["author"], most),
        "subject": plain.cut(told["subject"], most),
    }


def fewer(count: int, *widths: int) -> Iterator[tuple[int, int]]:
    """(how many items, how many characters of a text), ever less: the last of it fits whatever the texts are."""
    for width in widths:
        yield count, width
    while count > 1:
        count //= 2
        yield count, widths[-1]
    yield 1, 40

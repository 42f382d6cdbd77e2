"""What an agent names: a run by its number, project@branch, or a run or a job by any address of ctci. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from ctci.api.inputs import MOST

FORMS = "a run's number (1482), an address of ctci (https://ci.example.org/runs/1482/api/test), or project@branch"

_NUMBER = re.compile(r"#?(\d{1,19})(?:/(.*))?", re.ASCII)
_PLACE = re.compile(r"/(runs|jobs)/(\d{1,19})(?:\.json)?(?=/|$)(?:/(.*))?", re.ASCII)
_LINE = re.compile(r"L(\d{1,18})", re.ASCII)
_PROJECT = re.compile(r"\w[\w.-]{0,99}")


class TargetError(ValueError):
    """What was named is nothing that ctci knows; the message says what is."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What was named: a run, a job, or a project and maybe a branch of it."""

    run: int | None = None
    job: int | None = None
    project: str | None = None
    branch: str | None = None
    sub: str | None = None
    recipe: str | None = None
    #: Of the log.
    line: int | None = None


def parse(named: int | str) -> Target:
    """What is meant. Raises TargetError."""
    text = str(named).strip()
    found = _NUMBER.fullmatch(text)
    if found is not None:
        return _place("runs", found[1], found[2] or "", "")
    if "://" in text or text.startswith("/"):
        return _address(text)
    project, at, branch = text.partition("@")
    if _PROJECT.fullmatch(project) and (branch or not at):
        return Target(project=project, branch=branch or None)
    raise TargetError(f"This names nothing; name {FORMS}.")


def _address(text: str) -> Target:
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query, max_num_fields=20)
    except ValueError:
        raise TargetError(f"This is no address; name {FORMS}.") from None
    # ctci://runs/12 has its first word where others have the host.
    path = f"/{parts.netloc}{parts.path}" if parts.scheme == "ctci" else parts.path
    found = _PLACE.search(path.rstrip("/"))
    if found is not None:
        return _place(found[1], found[2], found[3] or "", parts.fragment)
    projects = query.get("project", [])
    if projects and _PROJECT.fullmatch(projects[0]):
        return Target(project=projects[0], branch=next(iter(query.get("branch", [])), None))
    raise TargetError(f"This address names no run, no job and no branch; name {FORMS}.")


def _place(noun: str, number: str, rest: str, fragment: str) -> Target:
    if not 1 <= int(number) <= MOST:
        raise TargetError(f"No run has this number; name {FORMS}.")
    steps = [unquote(step) for step in rest.split("/") if step]
    line = _LINE.match(fragment)
    at = int(line[1]) if line is not None and int(line[1]) else None
    if noun == "jobs":
        return Target(job=int(number), line=at)
    if steps[:1] == ["jobs"] and len(steps) > 1:
        # The API's way: /runs/12/jobs/api/test/log.
        steps = steps[1:4]
        steps = steps[:-1] if steps[-1] == "log" and len(steps) > 1 else steps
    recipe = steps[-1] if steps else None
    sub = steps[0] if len(steps) > 1 else None
    return Target(run=int(number), sub=sub, recipe=recipe, line=at)

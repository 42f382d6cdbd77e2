"""why: what a result means against what was before, and what may be to blame; the twin of a digest's entry."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ctci import clock, shape, words
from ctci.cli import finding, nouns, session, source, targets, terminal, watching
from ctci.model import CONCLUSIVE, TRY, Status, short_ref
from ctci.report import saying

#: Lines of the log before and after the first error that the verb we name prints.
AROUND = 10
#: Words of what is told in full; of a run also what ctci could not run.
BROKEN = ("broke", "still broken", "failed")
TOLD = (*BROKEN, "errored")

#: A verdict, as the API has it.
Verdict = Mapping[str, Any]


def why(target: targets.Target, ref: str | None, fields: tuple[str, ...] | None) -> int:
    """The verdicts of a branch's places, or of a run's jobs; the exit code is 1 if one is red."""
    where = source.need()
    now = clock.now()
    if target.project is None:
        run, jobs = finding.jobs(where, target)
        wanted = {job["id"] for job in jobs}
        judged = where.get("/runs/{run}/verdicts", run=run["id"])
        judged["items"] = [each for each in judged["items"] if each["job"] in wanted]
    else:
        run, jobs = None, ()
        judged = _standing(where, target, ref)
    told = judged["items"]
    if fields is not None:
        terminal.json(shape.pick(judged, fields))
    elif run is not None:
        _tell_run(run, jobs, told, now)
    elif told:
        _tell_branch(told, now)
    if target.project is not None:
        _newer(where, target.project, ref or _default(where, target.project), told)
    return session.RED if any(each["red"] for each in told) else session.FINE


def _default(where: source.Source, project: str) -> str:
    """The name of the default branch."""
    return str(where.get("/projects/{project}", project=project)["default_branch"])


def _standing(where: source.Source, target: targets.Target, ref: str | None) -> dict[str, Any]:
    """The last results of a ref in the places that are named. Raises Refused where that is no place of it."""
    project = target.project or ""
    try:
        judged = where.get("/projects/{project}/verdicts", project=project, branch=ref)
    except session.Refused as error:
        if error.code != session.ABSENT:
            raise
        finding.project(where, project)
        branch = short_ref(targets.ref(ref or _default(where, project)))
        raise session.Refused(
            f"{project} has no runs on {branch}; `ctci status {project}` lists its branches", session.ABSENT
        ) from None
    last = judged["items"]
    named = targets.select(last, target.path)
    if last and not named:
        have = ", ".join(sorted(nouns.place(each) for each in last))
        branch = short_ref(targets.ref(ref or _default(where, project)))
        raise session.Refused(
            f"no {target.path} has a result on {branch} of {project}; those with one: {have}", session.ABSENT
        )
    return {**judged, "items": list(named)}


def _newer(where: source.Source, project: str, ref: str, told: Collection[Verdict]) -> None:
    """That a newer run says nothing yet, or nothing at all."""
    newest = where.get("/runs", project=project, branch=ref, limit=1)["items"]
    if newest and (not told or newest[0]["id"] > max(each["run"] for each in told)):
        run = newest[0]
        none = "" if told else f"nothing of {project} {run['branch']} has come to a result yet; "
        conclusive = told and nouns.status(run) in CONCLUSIVE
        aside = f": it is of an older commit, and does not count for {run['branch']}" if conclusive else ""
        terminal.note(terminal.plain(f"{none}#{run['id']} is {words.status(run['status'])}{aside}"))


# --- in words --------------------------------------------------------------------------------------------------------


def _tell_run(run: nouns.Run, jobs: Sequence[nouns.Job], told: Sequence[Verdict], now: int) -> None:
    worth = [each for each in told if each["word"] in (*TOLD, "allowed")]
    if not worth:
        terminal.say(watching.sentence(run, jobs))
    _tell(worth, now)
    for each in told:
        if run["event"] == TRY and each["word"] == "fixed":
            terminal.say(terminal.plain(f"+ {_title(each, now)}"))
        elif each["word"] == "fixed" and each["mended"] is not None:
            terminal.say(terminal.plain(f"+ {nouns.place(each)}  Fixed: {each['mended']['sentence']}."))
    _aside(told)


def _tell_branch(told: Sequence[Verdict], now: int) -> None:
    worth = [each for each in told if each["word"] in BROKEN]
    # What has just broken is what one asks about.
    worth.sort(key=lambda each: each["word"] == "still broken")
    _tell(worth, now)
    if not worth:
        terminal.say(_line(Status.SUCCEEDED, _green(told, now)))
    elif len(told) > len(worth):
        rest = words.count(len(told) - len(worth), "other recipe is", "other recipes are")
        terminal.say()
        terminal.say(f"{rest} not red.")
    _aside(told)


def _tell(worth: Sequence[Verdict], now: int) -> None:
    for at, each in enumerate(worth):
        if at:
            terminal.say()
        terminal.say(_line(nouns.status(each), _title(each, now)))
        for line in _lines(each):
            terminal.say(f"  {terminal.plain(line)}".rstrip())


def _title(told: Verdict, now: int) -> str:
    """What became of it, and since when."""
    if told["held"] is not None:
        return f"{saying.plain(told['name'], 120)} {told['held']}"
    since = told["since"]
    return saying.happened(
        told["word"],
        name=told["name"],
        branch=told["branch"],
        status=told["status"],
        run=told["run"],
        at=nouns.moment(told["finished_at"]) or now,
        since=(since["run"], nouns.at(since["at"])) if since is not None else None,
        now=now,
    )


def _lines(told: Verdict) -> Iterator[str]:
    """What stands below a verdict."""
    yield from told["sentences"]
    yield from told["known"]
    line = told["first"]["log_line"] if told["first"] is not None else None
    verb = saying.log_verb(told["run"], told["subproject"], told["recipe"])
    if line and verb != f"ctci log {told['run']}":
        verb = f"{verb} --lines {max(1, line - AROUND)}:{line + AROUND}"
    yield f"Log    {verb}"
    yield f"       {told['html_url']}"
    if told["again"]:
        yield f"Again  {' && '.join(told['again'])}"


def _green(told: Sequence[Verdict], now: int) -> str:
    """Since when all of a branch is green, and who mended it last."""
    last = max(told, key=lambda each: nouns.moment(each["finished_at"]) or 0)
    ended = words.ago(nouns.moment(last["finished_at"]) or now, now)
    recipes = words.count(len(told), "recipe")
    said = f"{last['project']} {last['branch']} is green: {recipes}, last #{last['run']} {ended}."
    breaks = [each for each in told if each["mended"] is not None]
    if not breaks:
        return f"{said} As far as results are kept, it was never red."
    newest = max(breaks, key=lambda each: nouns.moment(each["mended"]["at"]) or 0)
    mended = newest["mended"]
    since = f"Green since #{mended['run']}, {words.ago(nouns.moment(mended['at']) or now, now)}"
    return f"{said} {since}: {nouns.place(newest)} {mended['sentence']}."


def _aside(told: Sequence[Verdict]) -> None:
    """What is green, and yet not well."""
    for each in told:
        for aside in each["asides"]:
            terminal.say(terminal.plain(f"~ {nouns.place(each)}  {aside}"))


def _line(status: Status, text: str) -> str:
    return terminal.headline(status, terminal.plain(text))

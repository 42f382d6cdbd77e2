"""status, runs, show, log, told, why, why-not, acks: what people look at, declared."""

import re

import click

from ctci import shape
from ctci.cli import completing, targets
from ctci.cli.verb import verb
from ctci.model import Status

_BEFORE = re.compile(r"[A-Za-z0-9_-]{1,100}")


@verb(examples=("ctci status", "ctci status shop --json project,branch,red"), fields=shape.BRANCH, remote=True)
@click.argument("project", required=False, shell_complete=completing.projects)
def status(*, fields: tuple[str, ...] | None, project: str | None) -> int:
    """Of each configured project its branches with the newest run, what waits, and why.

    Red is a branch where the last run of a configured recipe failed or timed out; then the exit code is 1.
    """
    from ctci.cli import standing  # noqa: PLC0415 - a verb's module

    return standing.status(project, fields)


@verb(
    examples=("ctci runs --project shop --status failed", "ctci runs --json id,status,html_url"),
    fields=shape.RUN,
    remote=True,
)
@click.option("--project", "-p", shell_complete=completing.projects)
@click.option("--ref", "-b", help="A branch, or a full name such as refs/tags/v1.")
@click.option("--status", "-s", type=click.Choice([str(each) for each in Status]), metavar="STATUS")
@click.option("--before", metavar="RUN", help="Only runs before this one, or `next` of a page in JSON.")
@click.option("--limit", "-n", type=click.IntRange(1, 200), default=20, show_default=True)
def runs(
    *,
    fields: tuple[str, ...] | None,
    project: str | None,
    ref: str | None,
    status: str | None,
    before: str | None,
    limit: int,
) -> int:
    """JSON is {"items": […], "next": …}: `next` goes to --before for the next page."""
    if before is not None and not _BEFORE.fullmatch(before):
        raise click.BadParameter(f"--before wants the number of a run, and {before} is none")
    from ctci.cli import reading  # noqa: PLC0415 - a verb's module

    return reading.runs(
        fields, project=project, ref=targets.ref(ref) if ref else None, status=status, before=before, limit=limit
    )


@verb(examples=("ctci show 12", "ctci show 12 --json status,jobs"), fields=shape.RUN_WHOLE, remote=True)
@click.argument("run", metavar="RUN", shell_complete=completing.runs)
def show(*, fields: tuple[str, ...] | None, run: str) -> int:
    """Its jobs, the commits it brought, the deliveries that made it. PROJECT instead of RUN: its newest run."""
    found = targets.target(run)
    if found is None:
        raise click.BadParameter(f"{run} names no run")
    from ctci.cli import reading  # noqa: PLC0415 - a verb's module

    return reading.show(found, fields)


@verb(examples=("ctci log 12/api:test --failed", "ctci log -f shop/api:test"), remote=True)
@click.argument("jobs", metavar="RUN[/SUB[/RECIPE]]", shell_complete=completing.runs)
@click.option("--follow", "-f", is_flag=True, help="Go on until the jobs have ended.")
@click.option("--failed", is_flag=True, help="Only jobs that failed, timed out or errored.")
@click.option("--lines", metavar="A:B", help="Only these lines: 2200:2240, 2200:, :40, or the last 20 with -20:.")
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="An earlier attempt of one job; else its last.")
@click.option("--raw", is_flag=True, help="Every byte as the recipe wrote it; unfit for a terminal.")
@click.option(
    "--grep", "-g", metavar="TEXT", help="Only lines that have this text, with their numbers; exit 1 if none."
)
@click.option("--context", "-C", type=click.IntRange(0, 10), default=0, help="With --grep: so many lines around each.")
@click.option("--case", is_flag=True, help="With --grep: upper and lower case are not the same.")
def log(
    *,
    jobs: str,
    follow: bool,
    failed: bool,
    lines: str | None,
    attempt: int | None,
    raw: bool,
    grep: str | None,
    context: int,
    case: bool,
) -> int:
    """PROJECT/SUB:RECIPE instead of a run is its newest one. Several jobs have a heading each."""
    found = targets.target(jobs)
    if found is None:
        raise click.BadParameter(f"{jobs} names no run")
    if follow and (lines is not None or failed or attempt is not None):
        raise click.UsageError("--follow goes with neither --lines nor --failed nor --attempt")
    if grep is not None and (follow or raw or lines is not None or not grep):
        raise click.UsageError("--grep wants a text, and goes with neither --follow nor --lines nor --raw")
    from ctci.cli import joblog, reading  # noqa: PLC0415 - a verb's module

    asked = joblog.lines(lines) if lines is not None else (None, None)
    if follow:
        return reading.follow(found, raw=raw)
    wanted = joblog.Grep(text=grep, context=context, ignore_case=not case) if grep is not None else None
    return reading.log(found, failed=failed, asked=asked, attempt=attempt, raw=raw, grep=wanted)


@verb(
    examples=("ctci told --failed", "ctci told 12 --by webhook --json id,to,error"), fields=shape.SENDING, remote=True
)
@click.argument("run", metavar="[RUN]", required=False, shell_complete=completing.runs)
@click.option("--by", metavar="SINK", help="Only by mail, digest, status, webhook, apprise, heartbeat or trace.")
@click.option("--failed", is_flag=True, help="Only what did not go at its last try, and is wanted still.")
@click.option("--limit", "-n", type=click.IntRange(1, 200), default=20, show_default=True)
def told(*, fields: tuple[str, ...] | None, run: str | None, by: str | None, failed: bool, limit: int) -> int:
    """Newest first. `ctci redeliver s_81` sends one of them again."""
    found = targets.target(run) if run is not None else None
    if run is not None and (found is None or found.run is None):
        raise click.BadParameter(f"{run} is not the number of a run")
    from ctci.cli import telling  # noqa: PLC0415 - a verb's module

    return telling.told(fields, run=found.run if found else None, by=by, failed=failed, limit=limit)


@verb(examples=("ctci why shop/api", "ctci why 12 --json name,word,suspects"), fields=shape.VERDICT, remote=True)
@click.argument("what", metavar="PROJECT[/SUB][:RECIPE][@REF]|RUN", shell_complete=completing.projects)
def why(*, fields: tuple[str, ...] | None, what: str) -> int:
    """The verdict of each red recipe of the default branch, of REF, or of a run; then the exit code is 1.

    JSON has the verdict of each recipe, also of the green ones.
    """
    found, ref = targets.on(what)
    if found is None:
        raise click.BadParameter(f"{what} names no project, recipe or run")
    from ctci.cli import judging  # noqa: PLC0415 - a verb's module

    return judging.why(found, ref, fields)


@verb(examples=("ctci why-not shop@main", "ctci why-not d_81"), fields=shape.DELIVERY, remote=True)
@click.argument("what", metavar="DELIVERY|PROJECT[@REF]", shell_complete=completing.projects)
@click.option("--limit", "-n", type=click.IntRange(1, 200), default=5, show_default=True)
def why_not(*, fields: tuple[str, ...] | None, what: str, limit: int) -> int:
    """Needs no server. A REF is a branch, or a full name such as refs/tags/v1."""
    from ctci.cli import deciding  # noqa: PLC0415 - a verb's module

    return deciding.why_not(what, fields, limit=limit)


@verb(examples=("ctci acks", "ctci acks shop --json fingerprint,until,lapsed"), fields=shape.ACK, remote=True)
@click.argument("project", required=False, shell_complete=completing.projects)
def acks(*, fields: tuple[str, ...] | None, project: str | None) -> int:
    """What ends first stands first. What has lapsed is shown again; it stays here until it is lifted or renewed."""
    from ctci.cli import acknowledging  # noqa: PLC0415 - a verb's module

    return acknowledging.acks(project, fields)

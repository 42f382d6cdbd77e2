"""run, try, rerun, cancel, redeliver, ack: what people ask for, declared."""

import re

import click

from ctci import shape
from ctci.cli import completing, session, targets
from ctci.cli.verb import verb

WAITING = """\
With --wait or --follow the exit code is 0 succeeded or skipped, 1 failed, 124 timed out, 125 errored (ctci's fault),
130 cancelled, superseded or Ctrl-C (the run goes on then), 3 when no server is running.
"""
_COMMIT = re.compile(r"[0-9a-f]{40}")

waits = click.option("--wait", is_flag=True, help="Wait for the end; the exit code tells it.")
follows = click.option("--follow", "-f", is_flag=True, help="Print the logs as they are written; waits too.")


@verb(examples=("ctci run shop/api:test --wait", "ctci run shop --ref feature/login"), epilog=WAITING, remote=True)
@click.argument("recipes", metavar="PROJECT[/SUB][:RECIPE]", shell_complete=completing.projects)
@click.option("--ref", help="The branch, or a full name such as refs/tags/v1; else the default branch.")
@click.option("--var", "given", multiple=True, metavar="NAME=VALUE", help="For recipes whose `vars` name it.")
@click.option("--commit", metavar="ID", help="A commit's whole id; else what the ref is now.")
@waits
@follows
@click.option("--here", is_flag=True, help="In this checkout as it is, without a server; nothing is recorded.")
def run(
    *,
    recipes: str,
    ref: str | None,
    given: tuple[str, ...],
    commit: str | None,
    wait: bool,
    follow: bool,
    here: bool,
) -> int:
    """Prints the address of the run."""
    named = targets.recipes(recipes)
    if named is None:
        raise click.BadParameter(f"{recipes} is not of the form PROJECT[/SUB][:RECIPE]")
    if commit is not None and not _COMMIT.fullmatch(commit):
        raise click.BadParameter(f"--commit wants the whole id, 40 digits, and {commit} is not")
    variables = dict(each.partition("=")[::2] for each in given)
    for each in given:
        if "=" not in each or each.startswith("="):
            raise click.BadParameter(f"--var wants NAME=VALUE, and {each} is not")
    if here:
        if ref or commit or given:
            raise click.UsageError("--here runs what lies here: --ref, --commit and --var do not go with it")
        if session.options().server is not None:
            raise session.Refused("--here runs what lies here: --server does not go with it", session.WRONG)
        from ctci.cli import in_place  # noqa: PLC0415 - a verb's module

        return in_place.run(named)
    from ctci.cli import asking  # noqa: PLC0415 - a verb's module

    return asking.run(
        named, ref=targets.ref(ref) if ref else None, commit=commit, variables=variables, wait=wait, follow=follow
    )


@verb(
    examples=("ctci try", "ctci try api:test --against release"),
    fields=shape.VERDICT,
    epilog="The exit code is 0 succeeded or skipped, 1 failed, 124 timed out, 125 errored (ctci's fault), "
    "130 cancelled or Ctrl-C (which ends it), 3 when no server is running.",
)
@click.argument("recipes", metavar="[SUB[:RECIPE]]", required=False, shell_complete=completing.places)
@click.option(
    "--project", "-p", shell_complete=completing.projects, help="Else the one at a remote of this repository."
)
@click.option("--as", "as_", metavar="BRANCH", help="The branch as which it is run; else where this one is pushed to.")
@click.option("--against", metavar="BRANCH", help="What its results are held against; else the default branch.")
@click.option("--no-wait", is_flag=True, help="Print the address, and do not wait for the end.")
def try_(
    *,
    fields: tuple[str, ...] | None,
    recipes: str | None,
    project: str | None,
    as_: str | None,
    against: str | None,
    no_wait: bool,
) -> int:
    """Changed, staged and new files are taken as they lie here, and nothing here is touched or pushed.

    Prints the address, the logs, and what has broken or is fixed. Counts for no branch, and nobody else is told.
    """
    if no_wait and fields is not None:
        raise click.UsageError("--json tells the end: --no-wait does not go with it")
    sub, _, recipe = (recipes or "").partition(":")
    from ctci.cli import trying  # noqa: PLC0415 - a verb's module

    return trying.run(
        (sub or None, recipe or None), project=project, as_=as_, against=against, wait=not no_wait, fields=fields
    )


@verb(examples=("ctci rerun 12 --failed", "ctci rerun 12 --current --follow"), epilog=WAITING, remote=True)
@click.argument("run", metavar="RUN", shell_complete=completing.runs)
@click.option("--failed", is_flag=True, help="Only what did not succeed, and what needs it.")
@click.option("--current", is_flag=True, help="By the recipes of now instead of those of then.")
@waits
@follows
def rerun(*, run: str, failed: bool, current: bool, wait: bool, follow: bool) -> int:
    """Prints the address of the new run. The recipes are those of then; secrets are resolved anew."""
    found = targets.target(run)
    if found is None or found.run is None or found.path:
        raise click.BadParameter(f"{run} is not the number of a run")
    from ctci.cli import asking  # noqa: PLC0415 - a verb's module

    return asking.rerun(found.run, failed=failed, current=current, wait=wait, follow=follow)


@verb(examples=("ctci cancel 12", "ctci cancel 12/api:test --reason 'wrong branch'"), remote=True)
@click.argument("jobs", metavar="RUN[/SUB[/RECIPE]]", shell_complete=completing.runs)
@click.option("--reason", default="", help="Kept with the run.")
def cancel(*, jobs: str, reason: str) -> int:
    """What waits ends at once; what runs is asked to end, and is dead within ten seconds. Prints the run's address."""
    found = targets.target(jobs)
    if found is None or found.project is not None:
        raise click.BadParameter(f"{jobs} names no run")
    from ctci.cli import asking  # noqa: PLC0415 - a verb's module

    return asking.cancel(found, reason=reason)


@verb(examples=("ctci redeliver s_81", "ctci redeliver 81"), remote=True)
@click.argument("sending", metavar="SENDING")
def redeliver(*, sending: str) -> int:
    """SENDING is what `ctci told` prints first. A call has the id that it had, so that its receiver knows it again."""
    number = targets.sending(sending)
    if number is None:
        raise click.BadParameter(f"{sending} is none of what `ctci told` lists, such as s_81")
    from ctci.cli import telling  # noqa: PLC0415 - a verb's module

    return telling.redeliver(number)


@verb(
    examples=("ctci ack 3f2a91bc --until 2026-12-24 --why 'waits for gcc 14'", "ctci ack 3f2a91bc --lift"),
    remote=True,
    epilog="DATE is the last day on which it is hidden: 2026-12-24, or 3d or 2w from today; at most two years.",
)
@click.argument("finding", metavar="FINDING")
@click.option("--until", metavar="DATE", help="Hide it up to the end of this day.")
@click.option("--why", metavar="TEXT", help="Kept with it, and shown in its place.")
@click.option("--project", "-p", shell_complete=completing.projects, help="Where several projects have the finding.")
@click.option("--lift", is_flag=True, help="Show it again now.")
def ack(*, finding: str, until: str | None, why: str | None, project: str | None, lift: bool) -> int:
    """FINDING is the name that `ctci show` and the pages print, or the beginning of its fingerprint.

    A finding that is known is hidden in its project, and never the first error, until then. No status changes by it.
    When DATE is over it is shown again, and told to have lapsed.
    """
    named = targets.finding(finding)
    if named is None:
        raise click.BadParameter(f"{finding} is not the name of a finding: `ctci show RUN` prints such names")
    if lift and (until is not None or why is not None):
        raise click.UsageError("--lift goes with neither --until nor --why")
    from ctci.cli import acknowledging  # noqa: PLC0415 - a verb's module

    if lift:
        return acknowledging.lift(named, project=project)
    if until is None or not (why or "").strip():
        raise click.UsageError("--until DATE and --why TEXT are needed: until when it is hidden, and why")
    return acknowledging.ack(named, until=until, why=" ".join((why or "").split()), project=project)

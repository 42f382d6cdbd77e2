"""check, explain, plan: what the configuration says. They need neither server nor ledger, and import neither."""

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

import click

from ctci import config, shape, words
from ctci.cli import completing, session, targets, terminal
from ctci.cli.verb import verb
from ctci.model import TAGS, Plan, Trigger, Unordered, place_of
from ctci.receive import plan as planning
from ctci.run import skips

CHECK_CODES = "Exit code 0: valid, warnings or not; 1: warnings, with --strict; 2: errors."


@verb(examples=("ctci check", "ctci check --format github --strict"), epilog=CHECK_CODES)
@click.argument("file", required=False, type=click.Path())
@click.option(
    "--format", "style", type=click.Choice(["full", "concise", "json", "github"]), default="full", show_default=True
)
@click.option("--strict", is_flag=True, help="Warnings count.")
@click.option("--no-resolve", is_flag=True, help="Do not look whether secrets are there.")
@click.option("--quiet", "-q", is_flag=True, help="Print only what is wrong.")
def check(*, file: str | None, style: str, strict: bool, no_resolve: bool, quiet: bool) -> int:
    """FILE is projects.toml, ctci.toml or their folder; else they are searched for, see `ctci --help`."""
    if file is not None and not Path(file).exists():
        _tell_problems([config.Problem(code="C001", message=f"there is no {file}", file=file)], style)
        return session.ABSENT
    try:
        folder = session.folder(file)
    except config.ConfigError as error:
        _tell_problems(error.problems, style)
        return session.WRONG
    found, problems = config.check(folder, os.environ, resolve=not no_resolve, flags=session.flags())
    _tell_problems(problems, style)
    if found is None or any(problem.severity == "error" for problem in problems):
        return session.WRONG
    if not quiet:
        tables = [*found.projects.values(), *(each.project for each in found.each.values())]
        recipes = sum(len(sub.recipes) for project in tables for sub in project.subs.values())
        named = words.names([words.count(len(found.projects), "project"), *(f"[each.{name}]" for name in found.each)])
        told = f"{named}, {words.count(recipes, 'recipe')}"
        terminal.note(f"{folder / 'projects.toml'} is valid: {told}")
        for name in _untested(found):
            terminal.note(f"{name} tests nothing yet: its recipe is what `ctci init` wrote; put your command there")
    return session.RED if strict and any(each.severity == "warning" for each in problems) else session.FINE


def _tell_problems(problems: Sequence[config.Problem], style: str) -> None:
    if problems or style == "json":
        terminal.say(config.render(problems, style=style).rstrip("\n"))


def _untested(settings: config.Config) -> list[str]:
    """The projects that have the command of `ctci init` still."""
    from ctci import scaffold  # noqa: PLC0415 - of use here alone

    return [
        name
        for name, project in settings.projects.items()
        if any(recipe.run == scaffold.PLACEHOLDER for sub in project.subs.values() for recipe in sub.recipes.values())
    ]


@verb(examples=("ctci explain C107", "ctci explain C402"))
@click.argument("code")
def explain(*, code: str) -> int:
    """Of every code there is, without the ones that need a later ctci."""
    text = config.EXPLAIN.get(code.upper())
    if text is None:
        raise session.Refused(f"there is no code {code}; there are {', '.join(sorted(config.EXPLAIN))}", session.ABSENT)
    for paragraph in text.strip().split("\n\n"):
        terminal.say(textwrap.fill(" ".join(paragraph.split()), 80))
    return session.FINE


@verb(examples=("ctci schema > projects.schema.json", "ctci schema --help"))
def schema() -> int:
    """Draft 2020-12. An editor takes it by a first line `#:schema ./projects.schema.json`."""
    terminal.json(config.schema())
    return session.FINE


@verb(examples=("ctci plan shop --changed api/cart.py", "ctci plan shop --ref feature/login"), fields=shape.PLAN)
@click.argument("project", metavar="PROJECT[@REF]", shell_complete=completing.projects)
@click.option("--ref", help="A branch, or a full name such as refs/tags/v1; else the default branch.")
@click.option("--changed", multiple=True, metavar="PATH", help="A file that the push would change; may come often.")
@click.option("--option", "-o", "options", multiple=True, help="A push option, such as ci.only=api; may come often.")
def plan(
    *, fields: tuple[str, ...] | None, project: str, ref: str | None, changed: tuple[str, ...], options: tuple[str, ...]
) -> int:
    """As if REF had been pushed now. Needs no server. With --changed, what its path filter would spare says so."""
    project, at, named = project.partition("@")
    if at and ref is not None:
        raise click.UsageError(f"the ref is @{named} or --ref {ref}, not both")
    ref = named if at else ref
    settings = session.load()
    found = session.project(settings, project)
    full = targets.ref(ref) if ref is not None else found.default_ref(None)
    kind = "tag" if full.startswith(TAGS) else "push"
    trigger = Trigger(kind=kind, key="plan", project=project, ref=full, options=options)
    planned = planning.plan(trigger, found, log_cap=settings.server.limit_log)
    skip = skips.reason(event=kind, options=options, message="", commit="")
    if skip is not None and planned.orders:
        planned = _skipped(planned, skip)
    if changed and planned.orders and kind == "push":
        planned = planning.spared(planned, changed)
    if fields is not None:
        terminal.json(shape.pick(shape.plan(project, full, planned), fields))
        return session.FINE
    _tell(planned)
    return session.FINE


def _skipped(planned: Plan, why: str) -> Plan:
    """The plan of a push that is written down and not run."""
    spared = (Unordered(subproject=each.subproject, recipe=each.recipe.name, reason=why) for each in planned.orders)
    return Plan(orders=(), unordered=(*spared, *planned.unordered), reason=f"skipped: {why}")


def _tell(planned: Plan) -> None:
    terminal.say(terminal.strong(terminal.plain(planned.reason)))
    terminal.table(
        [
            [
                f"  {order.place}",
                words.duration(order.recipe.timeout_s),
                order.on_new_push,
                _first_line(order.recipe.run),
            ]
            for order in planned.orders
        ]
    )
    if planned.unordered and planned.orders:
        terminal.say("not run:")
    terminal.table([[f"  {place_of(each.subproject, each.recipe)}", each.reason] for each in planned.unordered])


def _first_line(command: str) -> str:
    first, _, rest = command.strip().partition("\n")
    return f"{first} …" if rest else first

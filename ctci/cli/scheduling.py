"""schedule: what runs without a push, and when; declared."""

from typing import Any

import click

from ctci import shape
from ctci.cli import completing
from ctci.cli.verb import Verb, verb, write_examples


class _Schedule(click.Group):
    """Without a verb it lists."""

    examples = ("ctci schedule list --days 3", "ctci schedule run shop/nightly")

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)
        super().format_help(context, formatter)

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        known = (*self.commands, "-h", "--help")
        return super().parse_args(context, args if args and args[0] in known else ["list", *args])


@click.group("schedule", cls=_Schedule)
def schedule() -> None:
    """`ctci schedule` is `ctci schedule list`."""


@verb(examples=("ctci schedule", "ctci schedule list shop --days 3"), fields=shape.AHEAD, remote=True)
@click.argument("project", required=False, shell_complete=completing.projects)
@click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How far to look.")
def list_(*, fields: tuple[str, ...] | None, project: str | None, days: int) -> int:
    """What will run and when, local and UTC; what ran in the last seven days, and what was missed and why."""
    from ctci.cli import schedules  # noqa: PLC0415 - a verb's module

    return schedules.show(project, days, fields)


@verb(examples=("ctci schedule run nightly", "ctci schedule run shop/nightly"), remote=True)
@click.argument("name", metavar="[PROJECT/]NAME")
def run(*, name: str) -> int:
    """Fires a schedule now, whether anything has changed or not. Prints the addresses of its runs."""
    from ctci.cli import schedules  # noqa: PLC0415 - a verb's module

    return schedules.run(name)


def _add(command: Any) -> None:
    assert isinstance(command, Verb)  # noqa: S101 - the decorator's promise
    schedule.add_command(command)


_add(list_)
_add(run)

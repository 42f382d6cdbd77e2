"""digest: the daily letter, shown or sent now; declared."""

from typing import Any

import click

from ctci.cli import client
from ctci.cli.verb import Verb, verb, write_examples

#: How long whoever sends a digest has for it, seconds: a slow mail server takes 30 for one answer.
PATIENCE_S = 90.0
TO = "Whose digest: the NAME of a [notify.NAME], or an address in one. Else that of the only one that has a digest."


class _Digest(click.Group):
    """Of two verbs."""

    examples = ("ctci digest preview --to team", "ctci digest send --to ana@example.org")

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)
        super().format_help(context, formatter)


@click.group("digest", cls=_Digest)
def digest() -> None:
    """It tells of what was since the last one; `digest` of a [notify.NAME] says when it comes by itself."""


@verb(examples=("ctci digest preview", "ctci digest preview --to team --html > digest.html"), remote=True)
@click.option("--to", metavar="NAME|ADDRESS", help=TO)
@click.option("--date", metavar="DATE", help="That of this day, such as 2026-11-24, instead of the next one.")
@click.option("--since", metavar="DATE", help="All since this day began.")
@click.option("--text", "form", flag_value="text", default=True, help="Its text (so it is without any of these).")
@click.option("--html", "form", flag_value="html", help="Its HTML.")
@click.option("--eml", "form", flag_value="eml", help="The whole message, with its headers.")
def preview(*, to: str | None, date: str | None, since: str | None, form: str) -> int:
    """The digest that would go now, on stdout. Sends and writes nothing, and needs no server.

    A day whose digest was sent is written anew, of the same time: what has been learnt since may stand in it.
    """
    if date is not None and since is not None:
        raise click.UsageError("--date does not go with --since")
    if client.server() is not None:
        from ctci.cli import far_digests  # noqa: PLC0415 - a verb's module

        return far_digests.preview(to, date=date, since=since, form=form)
    from ctci.cli import digests  # noqa: PLC0415 - a verb's module

    return digests.preview(to, date=date, since=since, form=form)


@verb(examples=("ctci digest send", "ctci digest send --to ana@example.org --date 2026-11-24"), remote=True)
@click.option("--to", metavar="NAME|ADDRESS", help=TO)
@click.option("--date", metavar="DATE", help="Once more what came by the clock on this day, such as 2026-11-24.")
def send(*, to: str | None, date: str | None) -> int:
    """Sends now what there is to tell since the last one, and waits for it: 0 it went, 1 not yet, or not at all.

    The digest of today comes all the same, at its time, of what is after this one. With --date the next one is as it
    would be without. Also on a quiet day something is sent.
    """
    if client.server() is not None:
        from ctci.cli import far_digests  # noqa: PLC0415 - a verb's module

        return far_digests.send(to, date=date)
    from ctci.cli import digests  # noqa: PLC0415 - a verb's module

    return digests.send(to, date=date)


def tried(state: str, tries: int) -> bool:
    """Whether a digest that is to be sent now has been tried by now."""
    return state != "due" or tries > 0


def ended(to: str, state: str, why: str | None) -> str | None:
    """What became of one that did not go, where nothing more will."""
    ends = {"given_up": f"not sent to {to}, and given up: {why}", "dropped": f"not sent to {to}: {why}"}
    return ends.get(state)


def _add(command: Any) -> None:
    assert isinstance(command, Verb)  # noqa: S101 - the decorator's promise
    digest.add_command(command)


_add(preview)
_add(send)

"""token and audit: who may come in, and who did what; declared."""

import re
from typing import Any

import click

from ctci import shape
from ctci.cli import completing
from ctci.cli.verb import Verb, verb, write_examples
from ctci.model import Tier

#: What a token may be called.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class _Token(click.Group):
    """Of four verbs."""

    examples = ("ctci token new dashboard --tier read", "ctci token list")

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)
        super().format_help(context, formatter)


@click.group("token", cls=_Token)
def token() -> None:
    """A token is shown once, when it is made; the ledger keeps its hash, until when it is good, and its last use."""


@verb(
    examples=("ctci token new ci-bot --tier trigger --project shop", "ctci token new lamp --tier feed --until 90d"),
    remote=True,
)
@click.argument("name")
@click.option(
    "--tier",
    type=click.Choice([str(tier) for tier in Tier]),
    required=True,
    help="feed: badges, feeds, monitors. read: all pages. trigger: also run, rerun, cancel. admin: all.",
)
@click.option(
    "--project", "projects", multiple=True, shell_complete=completing.projects, help="Only this one; else all."
)
@click.option("--until", metavar="DATE", help="The last day on which it is good: 2026-12-24, 90d or 8w.")
def new(*, name: str, tier: str, projects: tuple[str, ...], until: str | None) -> int:
    """Prints the token, and never again."""
    if not _NAME.fullmatch(name):
        raise click.BadParameter(f"{name} is no name of a token: letters, digits, `.`, `_`, `-` and `@`, at most 64")
    if tier == Tier.ADMIN and projects:
        raise click.UsageError("a token of the tier admin is for the whole server: --project does not go with it")
    from ctci.cli import tokens  # noqa: PLC0415 - a verb's module

    return tokens.new(name, tier=Tier(tier), projects=projects, until=until)


@verb(examples=("ctci token list", "ctci token list --json name,tier,used_at"), fields=shape.TOKEN, remote=True)
def list_(*, fields: tuple[str, ...] | None) -> int:
    """Those that have not been revoked, with their last use."""
    from ctci.cli import tokens  # noqa: PLC0415 - a verb's module

    return tokens.list_(fields)


@verb(examples=("ctci token rotate admin", "ctci token rotate ci-bot"), remote=True)
@click.argument("name")
def rotate(*, name: str) -> int:
    """Prints a new secret in the place of the old one, which lets nobody in from now on, nor who signed in with it."""
    from ctci.cli import tokens  # noqa: PLC0415 - a verb's module

    return tokens.rotate(name)


@verb(examples=("ctci token revoke ci-bot", "ctci token revoke --help"), remote=True)
@click.argument("name")
def revoke(*, name: str) -> int:
    """It lets nobody in from now on, nor does a browser that signed in with it. Its name may be used again."""
    from ctci.cli import tokens  # noqa: PLC0415 - a verb's module

    return tokens.revoke(name)


@verb(examples=("ctci audit", "ctci audit --json at,who,did"), fields=shape.DEED, remote=True)
@click.option("--limit", "-n", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--before", metavar="ID", help="Only what was before this one, or `next` of a page in JSON.")
def audit(*, fields: tuple[str, ...] | None, limit: int, before: str | None) -> int:
    """Newest first: what was run, ended, acknowledged, sent again, who was let in. Kept for a year."""
    from ctci.cli import tokens  # noqa: PLC0415 - a verb's module

    return tokens.audit(fields, limit=limit, before=before)


def _add(command: Any) -> None:
    assert isinstance(command, Verb)  # noqa: S101 - the decorator's promise
    token.add_command(command)


for each in (new, list_, rotate, revoke):
    _add(each)

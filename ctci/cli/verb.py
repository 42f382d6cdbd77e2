"""How a verb is declared: two examples first, the global options before or after its name, `--json` where it reads.

Declarations import neither the ledger nor anything slow: the shell's completion reads them too.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from ctci.cli.session import Options, Refused

#: Fields in the words of `--json id,status`.
_FIELDS = re.compile(r"[a-z_]+(,[a-z_]+)*,?")


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Write a global option down; the one nearest to the verb's end wins."""
    options = context.find_root().ensure_object(Options)
    if value is not None and value is not False and parameter.name is not None:
        setattr(options, parameter.name, value)


def global_options(*, hidden: bool) -> list[click.Parameter]:
    """--server, --config, --data-dir, --color and --debug."""
    kept: dict[str, Any] = {"expose_value": False, "callback": _remember, "hidden": hidden, "is_eager": True}
    return [
        click.Option(
            ["--server"],
            metavar="URL",
            help="Speak to the server there instead. Else CTCI_SERVER, ~/.config/ctci/client.toml; its token is in "
            "CTCI_TOKEN or that file.",
            **kept,
        ),
        click.Option(
            ["--config"],
            metavar="PATH",
            type=click.Path(),
            help="The configuration: a folder with projects.toml, or that file. Else CTCI_CONFIG_DIR, ./config, "
            "CONFIGURATION_DIRECTORY, ~/.config/ctci, /etc/ctci.",
            **kept,
        ),
        click.Option(
            ["--data-dir"],
            metavar="PATH",
            type=click.Path(),
            help="Where ledger, mirrors and logs lie. Else CTCI_DATA_DIR, ctci.toml.",
            **kept,
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            help="auto: on a terminal, by NO_COLOR and FORCE_COLOR.",
            **kept,
        ),
        click.Option(["--debug"], is_flag=True, help="Show the traceback of an error.", **kept),
    ]


class Verb(click.Command):
    """A command whose help begins with two examples."""

    def __init__(
        self, *, examples: tuple[str, str], fields: Sequence[str] = (), remote: bool = False, **kept: Any
    ) -> None:
        super().__init__(**kept)
        #: Whether it can speak to a server elsewhere.
        self.remote = remote
        self.examples = examples
        self.fields = tuple(fields)
        self.params.extend(global_options(hidden=True))

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)
        super().format_help(context, formatter)

    def invoke(self, context: click.Context) -> Any:
        asked = context.find_root().ensure_object(Options)
        if asked.server is not None and not self.remote:
            raise Refused(f"`{context.command_path}` works on this machine: --server does not go with it", 2)
        return super().invoke(context)

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, _bind(args, self.fields) if self.fields else args)


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """What stands first in every help."""
    for example in examples:
        formatter.write(f"  $ {example}\n")
    formatter.write("\n")


def _bind(args: list[str], known: Sequence[str]) -> list[str]:
    """`--json id,status` as `--json=id,status`, and `--json 12` as `--json= 12`: its value may be left out."""
    bound: list[str] = []
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            return [*bound, arg, *rest]
        if arg != "--json":
            bound.append(arg)
            continue
        following = next(rest, None)
        if following is None:
            bound.append("--json=")
        elif _FIELDS.fullmatch(following) and ("," in following or following in known):
            bound.append(f"--json={following}")
        else:
            # The next word is no list of fields: it is read by itself, for it may be an option too.
            bound += ["--json=", *_bind([following, *rest], known)]
    return bound


def verb(
    *, examples: tuple[str, str], fields: Sequence[str] = (), epilog: str | None = None, remote: bool = False
) -> Callable[[Callable[..., Any]], Verb]:
    """Declare a verb; with `fields` it has `--json`, given to the function as `fields` (None: not asked for).

    `remote`: it can speak to a server elsewhere.
    """

    def declare(body: Callable[..., Any]) -> Verb:
        # "lay_out_" is how a body avoids the name of a builtin.
        name = body.__name__.strip("_").replace("_", "-")
        command = click.command(name, cls=Verb, examples=examples, fields=fields, remote=remote, epilog=epilog)(body)
        if fields:
            command.params.insert(
                0,
                click.Option(
                    ["--json", "fields"],
                    metavar="[FIELDS]",
                    callback=_chosen,
                    help=f"Print JSON, whole or only FIELDS: {', '.join(fields)}.",
                ),
            )
        return command

    return declare


def _chosen(context: click.Context, _: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = tuple(filter(None, value.split(",")))
    known: tuple[str, ...] = getattr(context.command, "fields", ())
    for name in names:
        if name not in known:
            raise Refused(f"--json knows no field {name}; it knows {', '.join(known)}", 2)
    return names

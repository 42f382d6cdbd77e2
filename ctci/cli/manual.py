"""man: the manual page, made of what every verb's help is made of. Pure but for that it imports the verbs."""

import re
from collections.abc import Iterator

import click

import ctci
from ctci.cli import root
from ctci.cli.verb import global_options

ENVIRONMENT = (
    ("CTCI_SERVER", "The address of a server elsewhere, as with --server."),
    ("CTCI_TOKEN", "The token for it; CTCI_TOKEN_FILE names a file that holds it."),
    ("CTCI_CONFIG_DIR", "The configuration's folder, as with --config."),
    ("CTCI_DATA_DIR", "The data folder, as with --data-dir."),
    ("NO_COLOR, FORCE_COLOR", "No colours; colours also where the output is no terminal."),
)
FILES = (
    ("~/.config/ctci/client.toml", "The server that is spoken to from elsewhere, and where its token lies."),
    ("config/projects.toml, config/ctci.toml", "What is built, and how the server runs."),
)


def page() -> str:
    """The page in roff's man macros (groff_man(7))."""
    lines = [f'.TH CTCI 1 "" "ctci {_text(ctci.__version__)}" "ctci"', ".SH NAME"]
    lines += [f"ctci \\- {_text('receives pushes, runs recipes and reports what it found')}", ".SH SYNOPSIS"]
    lines += [".B ctci", ".RI [ options ]", ".I verb", ".RI [ arguments ]"]
    above = click.Context(root.root, info_name="ctci")
    for section, verbs in root.VERBS.items():
        lines.append(f'.SH "{_text(section.upper())}"')
        for name in verbs:
            command = root.root.get_command(above, name)
            assert command is not None  # noqa: S101 - the table is ours
            lines += _verb(command, click.Context(command, parent=above, info_name=name))
    lines.append(".SH OPTIONS")
    lines.append(_line("They may stand before a verb or behind it."))
    lines += _options(global_options(hidden=False), above)
    lines += [".SH EXIT STATUS", _line(root.EXIT_CODES)]
    for title, entries in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        lines.append(f".SH {title}")
        for name, said in entries:
            lines += _entry(name, said)
    lines += [".SH EXAMPLES"]
    for example in root.EXAMPLES:
        lines += [".PP", ".nf", _line(f"$ {example}"), ".fi"]
    return "\n".join(lines) + "\n"


def _verb(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    yield f'.SS "{_text(usage).replace(chr(34), "")}"'
    for part in re.split(r"\n\s*\n", (command.help or "").strip()):
        yield ".PP"
        yield _line(part)
    yield from _options(command.params, context)
    if command.epilog:
        yield ".PP"
        yield _line(command.epilog)
    for example in getattr(command, "examples", ()):
        yield from (".PP", ".nf", _line(f"$ {example}"), ".fi")
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _verb(inner, click.Context(inner, parent=context, info_name=name))


def _options(parameters: list[click.Parameter], context: click.Context) -> Iterator[str]:
    for parameter in parameters:
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            yield from _entry(*record)


def _entry(name: str, said: str) -> tuple[str, ...]:
    return (".TP", f"\\fB{_text(name)}\\fR", _line(said))


def _line(text: str) -> str:
    """Text of one paragraph: roff fills lines by itself."""
    plain = _text(" ".join(text.split()))
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


def _text(text: str) -> str:
    """Text as roff reads it: what it would obey is escaped."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in plain)

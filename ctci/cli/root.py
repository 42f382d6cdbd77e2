"""`ctci` itself: the table of verbs, which are imported when called, and what becomes of every error.

Knows each error by the room it comes from, so that no room has to be imported to say what it said.
"""

import difflib
import importlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from ctci.cli import garbage, session, terminal
from ctci.cli.verb import global_options, write_examples

#: Verb -> (where it is declared, what it does in a line), in the order of `ctci --help`.
VERBS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Begin": {
        "init": ("ctci.cli.setting_up:init", "Lay out a configuration for a first project."),
        "demo": ("ctci.cli.setting_up:demo", "Four pushes through a real server in a throw-away folder."),
        "hook": ("ctci.cli.setting_up:hook", "Install the hook of a bare repository."),
        "check": ("ctci.cli.configuring:check", "Check the configuration: all errors, each with its place."),
        "schema": ("ctci.cli.configuring:schema", "The JSON Schema of projects.toml, for editors."),
        "secret": ("ctci.cli.setting_up:secret", "Make a secret for a webhook."),
        "explain": ("ctci.cli.configuring:explain", "Explain an error code of `ctci check`."),
        "plan": ("ctci.cli.configuring:plan", "What a push would run and why, and why not the rest."),
        "doctor": ("ctci.cli.keeping_up:doctor", "Check this machine, the data folder, remotes and mail."),
    },
    "Look": {
        "status": ("ctci.cli.looking:status", "One line per branch; exit 1 if anything is red."),
        "runs": ("ctci.cli.looking:runs", "List runs, newest first."),
        "show": ("ctci.cli.looking:show", "Everything about one run."),
        "log": ("ctci.cli.looking:log", "Print or follow the log of a run's jobs."),
        "acks": ("ctci.cli.looking:acks", "Findings that are acknowledged as known, and until when."),
        "why": ("ctci.cli.looking:why", "Why a branch or a run is red, since when, and what may be to blame."),
        "schedule": ("ctci.cli.scheduling:schedule", "What runs without a push, and when; run one now."),
        "told": ("ctci.cli.looking:told", "What was told outside, by letter, status or call, and what did not go."),
        "why-not": ("ctci.cli.looking:why_not", "Why a push did not build: the recorded decision in words."),
    },
    "Act": {
        "run": ("ctci.cli.acting:run", "Run recipes of a project, on the server or in this checkout."),
        "try": ("ctci.cli.acting:try_", "Run what lies in this working copy as a push of it would be."),
        "rerun": ("ctci.cli.acting:rerun", "Run a run again: the same recipes at the same commit."),
        "cancel": ("ctci.cli.acting:cancel", "End a run, or some jobs of it."),
        "digest": ("ctci.cli.digesting:digest", "Show the digest as it would go now, or send it now."),
        "redeliver": ("ctci.cli.acting:redeliver", "Send again what was sent, or was given up."),
        "ack": ("ctci.cli.acting:ack", "Hide a finding that is known, until a day."),
    },
    "Operate": {
        "serve": ("ctci.cli.serving:serve", "The server: receives pushes, runs recipes, sends letters."),
        "reload": ("ctci.cli.serving:reload", "Have the server read its configuration again."),
        "stop": ("ctci.cli.serving:stop", "Stop the server; running jobs go on, or end with --jobs."),
        "mcp": ("ctci.cli.agents:mcp", "Answer an AI agent on standard input and output."),
        "token": ("ctci.cli.admitting:token", "Make, list and take back tokens for the server's pages and API."),
        "audit": ("ctci.cli.admitting:audit", "Who did what, and from where."),
        "gc": ("ctci.cli.keeping_up:gc", "Forget old runs now, as `keep` says, and repack mirrors."),
        "backup": ("ctci.cli.copying:backup", "Copy the ledger into a file, also while the server runs."),
        "restore": ("ctci.cli.copying:restore", "Put such a copy in the place of the ledger."),
        "version": ("ctci.cli.keeping_up:version", "The versions of ctci and of what it stands on."),
        "man": ("ctci.cli.describing:man", "Print the manual page."),
        "openapi": ("ctci.cli.describing:openapi", "Print the description of the API."),
        "completions": ("ctci.cli.keeping_up:completions", "Print what a shell needs to complete ctci's words."),
    },
}
ALL = {name: entry for section in VERBS.values() for name, entry in section.items()}

EXAMPLES = ("ctci demo", "ctci serve")
EXIT_CODES = """\
0 fine, 1 what you asked about is red, 2 usage or configuration, 3 no server answers, 4 not allowed, 5 not found;
run --wait, try: 0 succeeded, 1 failed, 124 timed out, 125 errored (ctci's fault), 130 cancelled, replaced or Ctrl-C"""

#: Exit code of an error of ctci's own, by the name of its class; 125 for all others.
CODES = {
    "ConfigError": session.WRONG,
    "LedgerError": session.WRONG,
    "ScaffoldError": session.WRONG,
    "PremisesError": session.WRONG,
    "RestoreError": session.WRONG,
    "SetupError": session.WRONG,
    "DeskError": session.ABSENT,
    "AskedError": session.ABSENT,
}


class _UnreadError(Exception):
    """Nobody reads what we print."""


class Lazy(click.Group):
    """A group that imports a verb's module when the verb is called, and not for the list of verbs."""

    def list_commands(self, context: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(ALL)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in ALL:
            return None
        where, summary = ALL[name]
        module, _, function = where.partition(":")
        found = getattr(importlib.import_module(module), function)
        assert isinstance(found, click.Command)  # noqa: S101 - the table is ours
        if not (found.help or "").startswith(summary):
            found.help = f"{summary}\n\n{found.help or ''}".strip()
        return found

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in ALL and not context.resilient_parsing:
            near = difflib.get_close_matches(args[0], ALL, 1)
            meant = f"; did you mean {near[0]}?" if near else "; `ctci --help` lists them"
            raise click.UsageError(f"no verb {args[0]}{meant}", context)
        return super().resolve_command(context, args)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError as error:
            # click would exit 1 here, which is a verdict with us.
            raise _UnreadError from error

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        verbs = [CompletionItem(name, help=ALL[name][1]) for name in ALL if name.startswith(incomplete)]
        return [*verbs, *click.Command.shell_complete(self, context, incomplete)]

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(EXAMPLES, formatter)
        super().format_help(context, formatter)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for title, verbs in VERBS.items():
            with formatter.section(title):
                formatter.write_dl([(name, summary) for name, (_, summary) in verbs.items()])

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Exit codes"):
            for line in EXIT_CODES.splitlines():
                formatter.write_text(line)


@click.pass_context
def _no_verb(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        terminal.note(context.get_help())
        context.exit(session.WRONG)


root = Lazy(
    "ctci",
    params=global_options(hidden=False),
    help="ctci receives pushes, runs recipes and reports what it found.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "obj": None},
    invoke_without_command=True,
    callback=_no_verb,
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    garbage.seldom()
    code = call(arguments)
    garbage.never()
    sys.exit(code)


def call(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    asked = session.Options()
    terminal.settle()
    try:
        answer = root.main(args=arguments, prog_name="ctci", standalone_mode=False, obj=asked)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        return session.STOPPED
    except (_UnreadError, BrokenPipeError):
        # Whoever read us has read enough; the shell's code for that is SIGPIPE's.
        terminal.hush()
        return 141
    except Exception as error:  # noqa: BLE001 - the top: no user sees a traceback
        if asked.debug:
            traceback.print_exc()
        return _told(error)
    return answer if isinstance(answer, int) else session.FINE


def _told(error: Exception) -> int:
    """One message on stderr; the exit code."""
    if isinstance(error, click.UsageError):
        verb = error.ctx.command_path if error.ctx is not None else "ctci"
        terminal.note(f"ctci: {error.format_message()}")
        terminal.note(f"      `{verb} --help` shows how it is used")
        return session.WRONG
    if isinstance(error, click.ClickException):
        terminal.note(f"ctci: {error.format_message()}")
        return error.code if isinstance(error, session.Refused) else error.exit_code
    if isinstance(error, PermissionError):
        terminal.note(f"ctci: not allowed: {error.filename or error}")
        return session.FORBIDDEN
    ours = type(error).__module__.startswith("ctci.")
    if not ours and not isinstance(error, OSError):
        terminal.note(f"ctci: failed: {type(error).__name__}: {error}; `ctci --debug …` shows where")
        return session.OURS
    problems: Any = getattr(error, "problems", None)
    if problems:
        from ctci import config  # noqa: PLC0415 - the errors of the configuration only

        terminal.note(config.render(problems, style="full").rstrip())
    else:
        terminal.note(f"ctci: {error}")
    return CODES.get(type(error).__name__, session.OURS)

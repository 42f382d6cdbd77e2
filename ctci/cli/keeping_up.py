"""gc, doctor, version, completions: upkeep."""

import os
import platform
import sqlite3
import subprocess
import threading
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click import shell_completion

import ctci
from ctci import config, layout, words
from ctci.cli import session, terminal
from ctci.cli.verb import verb

if TYPE_CHECKING:
    from ctci import doctor as looking


@verb(examples=("ctci gc --dry-run", "ctci gc"))
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def gc(*, dry_run: bool) -> int:
    """The server does the same every hour, and repacks mirrors daily. The last green run and an open break stay."""
    settings = session.load()
    ground = session.ground()
    db = session.open_ledger(ground.layout)
    if db is None:
        terminal.note(session.nothing_yet(ground.layout))
        return session.FINE
    from ctci.run import rounds, sizes, tidy  # noqa: PLC0415 - a verb's modules

    with terminal.progress("forgetting old runs") as progress:
        runs, folders = tidy.tidy(db, ground.layout, settings, dry_run=dry_run)
        if not dry_run and session.holder(ground.layout) is None:
            # A server would not know why its writes wait, and does it by itself.
            rounds.shrink(db, ground.layout, settings)
        progress.text = "repacking mirrors"
        mirrors, busy = rounds.repack(db, ground.layout, settings, threading.Event(), dry_run=dry_run, pause_s=0.0)
        progress.text = "measuring"
        left = sizes.measure(ground.layout)
    told = f"{words.count(runs, 'run')} with {words.count(folders, 'job folder')}"
    terminal.say(f"{'would forget' if dry_run else 'forgot'} {told}")
    if mirrors:
        terminal.say(f"{'would repack' if dry_run else 'repacked'} {words.count(mirrors, 'mirror')}")
    if busy:
        terminal.note(f"{words.count(busy, 'mirror')} in use: not repacked")
    terminal.say(words.sizes(left))
    return session.FINE


MARKS = {"fine": ("✓", "green"), "warning": ("!", "yellow"), "wrong": ("✗", "red")}


@verb(examples=("ctci doctor", "ctci doctor --json name,state,fix"), fields=("name", "state", "said", "fix"))
@click.option("--health", is_flag=True, help="Only ask the running server whether it can work: for a health check.")
def doctor(*, fields: tuple[str, ...] | None, health: bool) -> int:
    """One line per check, with the fix; exit 1 if anything is wrong."""
    if health:
        return _health()
    # It looks at everything, so it imports everything.
    from ctci import doctor as looking  # noqa: PLC0415
    from ctci import shape  # noqa: PLC0415

    with terminal.progress("looking at this machine") as progress:

        def told(name: str) -> None:
            progress.text = f"looking at {name}"

        checks = looking.examine(_subject(), told=told)
    code = session.RED if any(check.state == "wrong" for check in checks) else session.FINE
    if fields is not None:
        plain = [{"name": each.name, "state": each.state, "said": each.said, "fix": each.fix} for each in checks]
        terminal.json(shape.pick(shape.items(plain), fields))
        return code
    group = ""
    for check in checks:
        if check.group != group:
            terminal.say(("\n" if group else "") + terminal.strong(check.group))
            group = check.group
        mark, colour = MARKS[check.state]
        terminal.say(f"  {click.style(mark, fg=colour)} {check.name}: {terminal.plain(check.said)}")
        if check.fix:
            terminal.say(f"      fix: {terminal.plain(check.fix)}")
    return code


def _health() -> int:
    from ctci import health  # noqa: PLC0415 - with the option

    try:
        reasons = health.reasons(session.ground().layout.socket)
    except health.HealthError as error:
        raise session.Refused(str(error), session.AWAY) from error
    for reason in reasons:
        terminal.say(terminal.plain(reason))
    return session.RED if reasons else session.FINE


def _subject() -> "looking.Subject":
    """What the doctor looks at, whatever state it is in."""
    from ctci.doctor import Subject  # noqa: PLC0415 - with the verb

    errors: list[str] = []
    warnings: list[str] = []
    found: config.Config | None = None
    folder: Path | None = None
    origins: dict[str, str] = {}
    try:
        folder = session.folder()
        # Whether secrets resolve is a check of its own here.
        found, problems = config.check(folder, os.environ, resolve=False, flags=session.flags())
        for problem in problems:
            if problem.severity == "note":
                continue
            (errors if problem.severity == "error" else warnings).append(config.render([problem], style="concise"))
        if found is not None:
            origins = dict(config.origins(folder, os.environ, flags=session.flags()))
    except config.ConfigError as error:
        errors.append(str(error))
    if found is not None:
        place = layout.at(found.server.data_dir, found.server.mirrors_dir)
    else:
        named = session.options().data_dir or os.environ.get("CTCI_DATA_DIR", "data")
        place = layout.at(Path(named).absolute())
    return Subject(
        layout=place,
        environ=os.environ,
        folder=folder,
        config=found,
        errors=errors,
        warnings=warnings,
        origins=origins,
        server=session.holder(place),
    )


@verb(examples=("ctci version", "ctci version --json ctci,git"), fields=("ctci", "python", "sqlite", "pygit2", "git"))
def version(*, fields: tuple[str, ...] | None) -> int:
    """For a report of a fault, say all of it."""
    from ctci import shape  # noqa: PLC0415 - with the fields only

    versions = {
        "ctci": ctci.__version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "pygit2": metadata.version("pygit2"),
        "git": _git_version(),
    }
    if fields is not None:
        terminal.json(shape.pick(versions, fields))
        return session.FINE
    for name, value in versions.items():
        terminal.say(f"{name:<7} {value}")
    return session.FINE


def _git_version() -> str:
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "not found"
    return done.stdout.strip().removeprefix("git version ")


@verb(examples=('eval "$(ctci completions bash)"', "ctci completions fish > ~/.config/fish/completions/ctci.fish"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completions(*, shell: str) -> int:
    """Completes verbs, options, projects and run numbers."""
    script = shell_completion.get_completion_class(shell)
    assert script is not None  # noqa: S101 - click has these three
    root = click.get_current_context().find_root().command
    # Without its look at the shell's version, which starts one.
    made = script(root, {}, "ctci", "_CTCI_COMPLETE")
    terminal.say(made.source_template % made.source_vars())
    return session.FINE

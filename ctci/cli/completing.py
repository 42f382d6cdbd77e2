"""What the shell offers behind a verb: projects and run numbers.

Answers in a tenth of a second or not at all: never imports the ledger, never says anything, never fails.
"""

import contextlib
import os
import sqlite3
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from ctci import config
from ctci.cli.session import Options


def projects(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The configured projects, and behind `PROJECT/` and `:` their subprojects and recipes."""
    settings = _settings(context)
    if settings is None:
        return []
    offered: dict[str, str] = {}
    for name, project in config.named(settings).items():
        offered[name] = project.description
        if "/" in incomplete or ":" in incomplete:
            for sub in project.subs.values():
                place = f"{name}/{sub.name}" if sub.name else name
                offered[place] = sub.path
                offered |= {f"{place}:{recipe.name}": recipe.run.split("\n")[0] for recipe in sub.recipes.values()}
    return [CompletionItem(name, help=told) for name, told in offered.items() if name.startswith(incomplete)]


def places(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Subprojects and recipes: of the project that `--project` names, else of all."""
    settings = _settings(context)
    if settings is None:
        return []
    wanted = context.params.get("project")
    offered: dict[str, str] = {}
    for name, project in config.named(settings).items():
        for sub in project.subs.values() if wanted in (None, name) else ():
            offered |= {sub.name: sub.path} if sub.name else {}
            commands = {each.name: each.run.split("\n")[0] for each in sub.recipes.values()}
            offered |= {f"{sub.name}:{recipe}" if sub.name else recipe: run for recipe, run in commands.items()}
    return [CompletionItem(name, help=told) for name, told in offered.items() if name.startswith(incomplete)]


def runs(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The numbers of the newest runs, each with its project, branch and status."""
    settings = _settings(context)
    if settings is None:
        return []
    path = settings.server.data_dir / "ledger.db"
    found: list[CompletionItem] = []
    # The ledger's room takes half a second to import, which nobody waits for behind a tab: one plain query, read-only.
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.2)) as db,
    ):
        for number, project, ref, status in db.execute(
            "SELECT id, project, ref, status FROM runs ORDER BY id DESC LIMIT 50"
        ):
            if str(number).startswith(incomplete):
                found.append(CompletionItem(str(number), help=f"{project} {ref.split('/', 2)[-1]} {status}"))
    return found


def _settings(context: click.Context) -> config.Config | None:
    asked = context.find_root().ensure_object(Options)
    flags = {"data-dir": asked.data_dir} if asked.data_dir else {}
    with contextlib.suppress(config.ConfigError, OSError):
        folder = config.find(asked.config, os.environ, Path.cwd())
        return config.check(folder, os.environ, resolve=False, flags=flags)[0]
    return None

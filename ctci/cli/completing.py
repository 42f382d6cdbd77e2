"""What the shell offers behind a verb: projects and run numbers.

Answers in a tenth of a second, for a server elsewhere in three, or not at all: never imports the ledger, never says
anything, never fails.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ctci import config
from ctci.cli.session import Options, Refused

#: Seconds in which a server elsewhere has to answer.
FAR_S = 0.3


def projects(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The configured projects, and behind `PROJECT/` and `:` their subprojects and recipes."""
    far = _far(context, "/projects", {})
    if far is not None:
        return _far_projects(far, incomplete)
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
    far = _far(context, "/runs", {"limit": 50, "fields": "id,project,branch,status"})
    if far is not None:
        told = {str(run["id"]): f"{run['project']} {run['branch']} {run['status']}" for run in far}
        return [CompletionItem(number, help=said) for number, said in told.items() if number.startswith(incomplete)]
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


def _far_projects(far: Sequence[Mapping[str, Any]], incomplete: str) -> list[CompletionItem]:
    offered: dict[str, str] = {}
    for project in far:
        name = project["name"]
        offered[name] = project["description"]
        if "/" in incomplete or ":" in incomplete:
            for recipe in project["recipes"]:
                sub, _, last = recipe.rpartition(":")
                offered |= {f"{name}/{sub}": "", f"{name}/{sub}:{last}": ""} if sub else {f"{name}:{last}": ""}
    return [CompletionItem(name, help=told) for name, told in offered.items() if name.startswith(incomplete)]


def _far(context: click.Context, path: str, query: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    """What a server elsewhere lists: nothing where it does not answer in time; None where none is asked."""
    from ctci.cli import client, wire  # noqa: PLC0415 - of use where a server elsewhere is named

    try:
        elsewhere = client.server(context.find_root().ensure_object(Options))
    except Refused:
        return ()
    if elsewhere is None:
        return None
    told: list[Mapping[str, Any]] = []

    def ask() -> None:
        line = wire.Wire(elsewhere.url, elsewhere.token, patience_s=FAR_S)
        with contextlib.suppress(Refused, KeyError):
            told.extend(line.get(path, query)["items"])
        line.close()

    # A name that is not found, or a slow handshake, would take longer than any limit on one step of it.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(FAR_S)
    return [] if asking.is_alive() else told


def _settings(context: click.Context) -> config.Config | None:
    asked = context.find_root().ensure_object(Options)
    flags = {"data-dir": asked.data_dir} if asked.data_dir else {}
    with contextlib.suppress(config.ConfigError, OSError):
        folder = config.find(asked.config, os.environ, Path.cwd())
        return config.check(folder, os.environ, resolve=False, flags=flags)[0]
    return None

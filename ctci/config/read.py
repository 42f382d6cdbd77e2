"""projects.toml, ctci.toml, environment and flags -> Config, or everything that is wrong, in one pass."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ctci.config import scan, secrets
from ctci.config.problems import ConfigError, Problem
from ctci.config.projects import ProjectsReader
from ctci.config.reader import MOST_PROBLEMS, Reader
from ctci.config.scan import At
from ctci.config.secrets import SecretError
from ctci.config.server import ServerReader
from ctci.config.settings import Config, Project, Server
from ctci.model import SecretRef


def load(
    folder: Path, environ: Mapping[str, str], *, resolve: bool = True, flags: Mapping[str, str] | None = None
) -> Config:
    """The configuration in `folder`. Raises ConfigError with all that is wrong. Parameters as of `check`."""
    found, problems = check(folder, environ, resolve=resolve, flags=flags)
    if found is None:
        raise ConfigError(problems)
    return found


def check(
    folder: Path, environ: Mapping[str, str], *, resolve: bool = True, flags: Mapping[str, str] | None = None
) -> tuple[Config | None, tuple[Problem, ...]]:
    """The configuration, or None, and all errors and warnings, by file and place.

    `flags` are values of the command line by key ("data-dir"); with `resolve`, secrets and files must be there.
    """
    folder = folder.absolute()
    mine, theirs = (
        _server(folder, environ, flags or {}),
        Reader(folder / "projects.toml", _shown(folder / "projects.toml")),
    )
    settings = mine.read()
    reading = ProjectsReader(theirs, folder, mine.keep)
    projects, notify = reading.read() if theirs.parse() else ({}, {})
    _passed_secrets(theirs, [*reading.secrets, *mine.secrets])
    if resolve:
        _look_at_secrets(theirs, reading.secrets, environ, folder)
        _look_at_secrets(mine.reader, mine.secrets, environ, folder)
        _look_at_files(theirs, reading.files)
        _same_secrets(theirs, projects.values(), environ, folder)
    found = [*theirs.problems, *mine.reader.problems]
    # Errors first into the number that is shown: no heap of warnings hides one.
    found.sort(key=lambda each: each.severity != "error")
    shown = sorted(found[:MOST_PROBLEMS], key=lambda each: (each.file, each.line, each.column, each.code))
    if any(each.severity == "error" for each in shown):
        return None, tuple(shown)
    return Config(projects=projects, notify=notify, server=settings, folder=folder), tuple(shown)


def server(folder: Path, environ: Mapping[str, str], *, flags: Mapping[str, str] | None = None) -> Server:
    """The server's settings alone, with defaults for what is wrong: a broken configuration has a data folder too."""
    return _server(folder.absolute(), environ, flags or {}).read()


def origins(folder: Path, environ: Mapping[str, str], *, flags: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Who gave each of the server's values: `--listen`, `CTCI_LISTEN`, `ctci.toml:3` or `default`; never a value."""
    server = _server(folder.absolute(), environ, flags or {})
    server.read()
    return server.origins


def _server(folder: Path, environ: Mapping[str, str], flags: Mapping[str, str]) -> ServerReader:
    path = folder / "ctci.toml"
    reader = Reader(path, _shown(path))
    if path.exists():
        reader.parse()
    return ServerReader(reader, folder, environ, flags)


def _shown(path: Path) -> str:
    """The file as a person would name it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _passed_secrets(reader: Reader, found: Iterable[tuple[At, SecretRef]]) -> None:
    """A variable that holds a secret of ctci's must not reach a recipe."""
    held = {name for _, ref in found if ref.kind == "env" for name in (ref.name, f"{ref.name}_FILE")}
    for at, name in _passed(reader.plain, ()):
        if name in held:
            reader.say("C117", f"`{name}` holds a secret of ctci's", at, hint="no recipe gets it")


def _passed(value: object, at: At) -> Iterator[tuple[At, str]]:
    """(place, name) of each entry of each `env-pass`."""
    if not isinstance(value, dict) or len(at) > scan.DEEPEST:
        return
    for key, each in value.items():
        place = (*at, key)
        if key != "env-pass" or isinstance(each, dict):
            yield from _passed(each, place)
        elif isinstance(each, list):
            yield from (((*place, number), name) for number, name in enumerate(each) if isinstance(name, str))
        elif isinstance(each, str):
            yield place, each


def _look_at_secrets(
    reader: Reader, found: Iterable[tuple[At, SecretRef]], environ: Mapping[str, str], folder: Path
) -> None:
    for at, ref in found:
        what = at[-1] if at else ref.name
        try:
            secrets.reveal(ref, environ, folder)
        except SecretError as error:
            reader.say("C203", f"the secret for `{what}` cannot be had", at, hint=str(error))
            continue
        shared = secrets.open_to_others(ref, environ, folder)
        if shared is not None:
            said = f"others can read the file of `{what}`"
            reader.say("C204", said, at, warning=True, hint=str(shared), help=f"chmod 600 {shared}")


def _look_at_files(reader: Reader, found: Iterable[tuple[At, Path]]) -> None:
    for at, path in found:
        try:
            there = path.is_file()
        except OSError:
            there = False
        if not there:
            reader.say("C203", f"there is no file for `{at[-1]}`", at, hint=f"no file {path}")


def _same_secrets(reader: Reader, projects: Iterable[Project], environ: Mapping[str, str], folder: Path) -> None:
    seen: dict[bytes, str] = {}
    for project in projects:
        if project.webhook_secret is None:
            continue
        try:
            value = secrets.reveal(project.webhook_secret, environ, folder)
        except SecretError:
            continue
        first = seen.setdefault(value, project.name)
        if first != project.name:
            reader.say(
                "C205",
                f"projects `{first}` and `{project.name}` have the same webhook secret",
                ("projects", project.name, "webhook-secret"),
                key=True,
                warning=True,
                hint="who knows it can call for both",
                also=(("projects", first, "webhook-secret"), "the other"),
            )

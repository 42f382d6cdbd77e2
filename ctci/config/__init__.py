"""projects.toml + ctci.toml + environ -> Config, or all errors with their places; `Current` is what is in force."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ctci.config import patterns
from ctci.config.problems import EXPLAIN, ConfigError, Problem, render
from ctci.config.projects import ProjectsReader
from ctci.config.reader import Reader
from ctci.config.secrets import SecretError, open_to_others, reveal
from ctci.config.server import GIVEN, ServerReader
from ctci.config.settings import Config, Notify, Project, Server
from ctci.model import SecretRef

__all__ = [
    "EXPLAIN",
    "GIVEN",
    "Config",
    "ConfigError",
    "Current",
    "Notify",
    "Problem",
    "Project",
    "SecretError",
    "Server",
    "check",
    "find",
    "load",
    "origins",
    "patterns",
    "render",
    "reveal",
]


def load(
    folder: Path, environ: Mapping[str, str], *, resolve: bool = True, flags: Mapping[str, str] | None = None
) -> Config:
    """The configuration in `folder`. Raises ConfigError with everything that is wrong."""
    found, problems = check(folder, environ, resolve=resolve, flags=flags)
    if found is None:
        raise ConfigError(problems)
    return found


def check(
    folder: Path, environ: Mapping[str, str], *, resolve: bool = True, flags: Mapping[str, str] | None = None
) -> tuple[Config | None, tuple[Problem, ...]]:
    """The configuration, or None, and all errors and warnings by file and place. `resolve`: look at the secrets too."""
    folder = folder.absolute()
    projects_file, projects = _projects(folder)
    server_file, server = _server(folder, environ, flags or {})
    settings = server.read()
    found, notify = projects.read() if projects_file.parse_ok else ({}, {})
    if resolve:
        _look_at_secrets(projects_file.reader, projects.secrets, environ, folder)
        _look_at_secrets(server_file, server.secrets, environ, folder)
        _same_secret(projects_file.reader, found, environ, folder)
    problems = tuple(
        sorted(
            (*projects_file.reader.problems, *server_file.problems),
            key=lambda each: (each.file, each.line, each.column, each.code),
        )
    )
    if any(each.severity == "error" for each in problems):
        return None, problems
    return Config(projects=found, notify=notify, server=settings, folder=folder), problems


class _Parsed:
    """A reader and whether its file is TOML."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.parse_ok = reader.parse()


def _projects(folder: Path) -> tuple[_Parsed, ProjectsReader]:
    parsed = _Parsed(Reader(folder / "projects.toml", _shown(folder, "projects.toml")))
    return parsed, ProjectsReader(parsed.reader, folder)


def _server(folder: Path, environ: Mapping[str, str], flags: Mapping[str, str]) -> tuple[Reader, ServerReader]:
    reader = Reader(folder / "ctci.toml", _shown(folder, "ctci.toml"))
    if (folder / "ctci.toml").exists():
        reader.parse()
    return reader, ServerReader(reader, folder, environ, flags)


def _shown(folder: Path, name: str) -> str:
    """The file as a person would name it."""
    path = folder / name
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _look_at_secrets(
    reader: Reader, found: list[tuple[tuple[str | int, ...], SecretRef]], environ: Mapping[str, str], folder: Path
) -> None:
    for at, ref in found:
        try:
            reveal(ref, environ, folder)
        except SecretError as error:
            reader.say("C203", f"`{at[-1]}`: {error}", at)
            continue
        shared = open_to_others(ref, environ, folder)
        if shared is not None:
            reader.say("C204", f"others can read {shared}", at, warning=True, help=f"chmod 600 {shared}")


def _same_secret(reader: Reader, found: Mapping[str, Project], environ: Mapping[str, str], folder: Path) -> None:
    seen: dict[bytes, str] = {}
    for project in found.values():
        if project.webhook_secret is None:
            continue
        try:
            value = reveal(project.webhook_secret, environ, folder)
        except SecretError:
            continue
        if value in seen:
            reader.say(
                "C205",
                f"projects `{seen[value]}` and `{project.name}` have the same webhook secret",
                ("projects", project.name, "webhook-secret"),
                warning=True,
                hint="who knows it can call for both",
            )
        seen.setdefault(value, project.name)


def origins(folder: Path, environ: Mapping[str, str], *, flags: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Which source won for each of the server's values: `--listen`, `CTCI_LISTEN`, `ctci.toml:3` or `default`."""
    _, server = _server(folder.absolute(), environ, flags or {})
    server.read()
    return server.origins


def find(flag: str | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The folder of the configuration: --config, then CTCI_CONFIG_DIR, ./config, systemd's, the user's, /etc.

    Raises ConfigError, naming where it was looked for.
    """
    named = flag or environ.get("CTCI_CONFIG_DIR")
    if named:
        path = cwd / named
        return path.parent if path.suffix == ".toml" else path
    home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    places = [cwd / "config"]
    places += [Path(environ["CONFIGURATION_DIRECTORY"])] if environ.get("CONFIGURATION_DIRECTORY") else []
    places += [Path(home) / "ctci"] if home else []
    places += [Path("/etc/ctci")]
    for place in places:
        if (place / "projects.toml").is_file():
            return place
    raise ConfigError(
        [
            Problem(
                code="C001",
                message=f"no projects.toml in {', '.join(map(str, places))}",
                file="projects.toml",
                help="`ctci init` writes one, or name its folder with --config",
            )
        ]
    )


class Current:
    """The one snapshot in force; made by the service, handed to the rooms."""

    def __init__(self, load_: Callable[[], Config]) -> None:
        self._load = load_
        # Guards the three below, which change together.
        self._lock = threading.Lock()
        self._config = load_()
        self._server = self._config.server
        self.error: ConfigError | None = None
        self.generation = 1

    def get(self) -> Config:
        """What is in force now."""
        return self._config

    def reload(self) -> None:
        """Read again; the server's own part needs a restart. Raises ConfigError, and the old one stays in force."""
        try:
            fresh = self._load()
        except ConfigError as error:
            with self._lock:
                self.error = error
            raise
        with self._lock:
            # What the process was started with (its socket, its folder, its slots) cannot change under it.
            self._config = replace(
                fresh,
                server=replace(
                    fresh.server,
                    listen=self._server.listen,
                    data_dir=self._server.data_dir,
                    mirrors_dir=self._server.mirrors_dir,
                    max_jobs=self._server.max_jobs,
                ),
            )
            self.error = None
            self.generation += 1

"""projects.toml, ctci.toml, environment and flags -> Config, or everything that is wrong, in one pass."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from ctci.config import files, looked, notes, outlets, scan, secrets
from ctci.config.looked import Looked
from ctci.config.problems import ConfigError, Problem
from ctci.config.projects import ProjectsReader
from ctci.config.reader import MOST_PROBLEMS, Reader
from ctci.config.scan import At
from ctci.config.secrets import SecretError
from ctci.config.server import ServerReader
from ctci.config.settings import Config, Each, Keep, Notify, Project, Server
from ctci.model import SecretRef

_T = TypeVar("_T")


def load(
    folder: Path, environ: Mapping[str, str], *, resolve: bool = True, flags: Mapping[str, str] | None = None
) -> Config:
    """The configuration in `folder`. Raises ConfigError with all that is wrong. Parameters as of `check`."""
    found, problems, seen = _check(folder, environ, resolve=resolve, flags=flags)
    if found is None:
        raise ConfigError(problems, seen)
    return found


def check(
    folder: Path, environ: Mapping[str, str], *, resolve: bool = True, flags: Mapping[str, str] | None = None
) -> tuple[Config | None, tuple[Problem, ...]]:
    """The configuration, or None, and all errors and warnings, by file and place.

    `flags` are values of the command line by key ("data-dir"); with `resolve`, secrets and files must be there.
    """
    found, problems, _ = _check(folder, environ, resolve=resolve, flags=flags)
    return found, problems


def _check(
    folder: Path, environ: Mapping[str, str], *, resolve: bool, flags: Mapping[str, str] | None
) -> tuple[Config | None, tuple[Problem, ...], Looked]:
    folder = folder.absolute()
    mine = _server(folder, environ, flags or {})
    settings = mine.read()
    theirs = files.read(folder, mine.reader.noted)
    whole = _Whole(theirs, folder)
    whole.read(mine.keep)
    held = [*mine.secrets, *(found for reading in whole.readings for found in reading.secrets)]
    stamps = {r.path: r.stamp for r in (*theirs, mine.reader)}
    if resolve:
        places = [secrets.place(ref, environ, folder) for _, ref in held]
        needed = [*filter(None, places), *(path for reading in whole.readings for _, path in reading.files)]
        stamps = {**{path: looked.stamp(path) for path in needed}, **stamps}
    seen = looked.at(folder, stamps, files.patterns(theirs[0]))
    for reading in whole.readings:
        _passed_secrets(reading.reader, held)
        if resolve:
            _look_at_secrets(reading.reader, reading.secrets, environ, folder)
            _look_at_files(reading.reader, reading.files)
    if resolve:
        _look_at_secrets(mine.reader, mine.secrets, environ, folder)
        _same_secrets(whole, environ, folder)
    shown = _shown_first([problem for r in (*theirs, mine.reader) for problem in r.problems])
    if any(each.severity == "error" for each in shown):
        return None, shown, seen
    made = Config(
        projects=whole.projects,
        notify=whole.notify,
        server=settings,
        each=whole.each,
        timezone=whole.timezone,
        folder=folder,
        files=tuple(r.path for r in (*theirs, mine.reader)),
        places={at: (r.path, r.spans.nearest(at, key=True).line) for at, r in whole.places.items()},
        problems=shown,
        looked=seen,
    )
    return made, shown, seen


class _Whole:
    """What all files of projects say together; of two that have the same name the first one counts."""

    def __init__(self, readers: list[Reader], folder: Path) -> None:
        self._readers = readers
        names = {name: None for r in readers for name in files.table(r, "notify")}
        self.readings = [ProjectsReader(r, folder, names) for r in readers]
        self.projects: dict[str, Project] = {}
        self.each: dict[str, Each] = {}
        self.notify: dict[str, Notify] = {}
        self.timezone = "UTC"
        #: Table and name -> the reader of the file that it stands in.
        self.places: dict[tuple[str, str], Reader] = {}

    def read(self, kept: Keep) -> None:
        """Read every file; only the first has defaults, and they hold for all."""
        files.twice(self._readers)
        tops = files.tops(self._readers)
        around = self.readings[0].defaults(tops[0], kept)
        self.timezone = around.timezone
        for reading, top in zip(self.readings, tops, strict=True):
            self._take("notify", self.notify, reading.notify(top, around.timezone), reading.reader)
            self._take("projects", self.projects, reading.projects(top, around), reading.reader)
            self._take("each", self.each, reading.each(top, around), reading.reader)
        for r in self._readers:
            notes.told_of(r, files.table(r, "notify"), self.projects, many=bool(self.each))

    def _take(self, table: str, into: dict[str, _T], found: Mapping[str, _T], r: Reader) -> None:
        for name, each in found.items():
            if into.setdefault(name, each) is each:
                self.places[table, name] = r


def _shown_first(found: list[Problem]) -> tuple[Problem, ...]:
    """The problems that are shown, by file and place: errors before warnings before notes where there are too many."""
    if any(each.severity == "error" for each in found):
        # Nothing is in force before these are mended, so what would not be is no news yet.
        found = [each for each in found if each.severity != "note"]
    found.sort(key=lambda each: ("error", "warning", "note").index(each.severity))
    return tuple(sorted(found[:MOST_PROBLEMS], key=lambda each: (each.file, each.line, each.column, each.code)))


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
    reader = Reader(path, files.shown(path))
    if path.exists():
        reader.parse()
    return ServerReader(reader, folder, environ, flags)


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
            value = secrets.reveal(ref, environ, folder)
        except SecretError as error:
            reader.say("C203", f"the secret for `{what}` cannot be had", at, hint=str(error))
            continue
        fault = outlets.fault(str(what), value) if at[:1] in (("notify",), ("otlp",)) else None
        if fault is not None:
            reader.say("C207", f"what `{what}` refers to cannot be used", at, hint=fault)
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


def _same_secrets(whole: _Whole, environ: Mapping[str, str], folder: Path) -> None:
    """Tell of tables with one webhook secret."""
    tables: dict[At, Project] = {("projects", name): each for name, each in whole.projects.items()}
    tables |= {("each", name): each.project for name, each in whole.each.items()}
    seen: dict[bytes, At] = {}
    for at, project in tables.items():
        if project.webhook_secret is None:
            continue
        try:
            value = secrets.reveal(project.webhook_secret, environ, folder)
        except SecretError:
            continue
        first = seen.setdefault(value, at)
        if first != at:
            _say_same(whole, at, first)


def _say_same(whole: _Whole, at: At, other: At) -> None:
    if at[0] == other[0] == "projects":
        both = f"projects `{other[1]}` and `{at[1]}`"
    else:
        both = " and ".join(f"[each.{name}]" if table == "each" else f"project `{name}`" for table, name in (other, at))
    reader, first = (whole.places[str(table), str(name)] for table, name in (at, other))
    said, key, hint = f"{both} have the same webhook secret", "webhook-secret", "who knows it can call for both"
    also = (*other, key), "the other"
    reader.say("C205", said, (*at, key), key=True, warning=True, hint=hint, also=also, other=first)

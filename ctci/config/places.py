"""Where the configuration and the state of a server lie when nobody says so."""

from collections.abc import Mapping
from pathlib import Path

from ctci.config.problems import ConfigError, Problem

SYSTEM = Path("/etc/ctci")
#: What a configuration consists of, beside what projects.toml includes.
FILES = ("projects.toml", "ctci.toml")


def find(flag: str | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The folder of the configuration: --config, CTCI_CONFIG_DIR, ./config, systemd's, the user's, /etc/ctci.

    Its projects.toml or ctci.toml may be named for it, and no other file: that would not be what is read. Raises
    ConfigError, telling where it was looked for.
    """
    named = flag or environ.get("CTCI_CONFIG_DIR")
    if named:
        return _folder(named, cwd)
    places = [cwd / "config", *_listed(environ, "CONFIGURATION_DIRECTORY"), *_user(environ), SYSTEM]
    for place in places:
        if _is_there(place / "projects.toml"):
            return place
    said = f"no projects.toml in {', '.join(map(str, places))}"
    use = "`ctci init` writes one; `--config FOLDER` or CTCI_CONFIG_DIR names another folder"
    raise ConfigError([Problem(code="C001", message=said, file="projects.toml", help=use)])


def _is_there(path: Path) -> bool:
    """Whether there is such a file, as far as we may look: `sudo -u ctci` leaves us in a folder of somebody else's."""
    try:
        return path.is_file()
    except OSError:
        return False


def _folder(named: str, cwd: Path) -> Path:
    """The folder of a configuration that was named, by itself or by a file of it."""
    path = cwd / named
    if path.is_dir():
        return path
    if path.name in FILES:
        return path.parent
    if path.exists() or path.suffix == ".toml":
        said = f"{named} is neither a folder nor its {' or '.join(FILES)}"
        use = "a file that projects.toml includes is read with it; name the folder"
        raise ConfigError([Problem(code="C001", message=said, file=named, help=use)])
    return path


def data_dir(folder: Path, environ: Mapping[str, str]) -> Path:
    """Where the state of the server of this configuration lies, if neither flag, variable nor ctci.toml says so.

    systemd's folder; beside a folder `config`, so that it is found from everywhere; the user's; /var/lib/ctci.
    """
    for given in _listed(environ, "STATE_DIRECTORY"):
        return given
    if folder.name == "config":
        return folder.parent / "data"
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]) / "ctci"
    if folder in _user(environ) and environ.get("HOME"):
        return Path(environ["HOME"]) / ".local/state/ctci"
    return Path("/var/lib/ctci")


def mirrors_dir(environ: Mapping[str, str]) -> Path | None:
    """Where mirrors lie, if not with the state."""
    return next((given / "mirrors" for given in _listed(environ, "CACHE_DIRECTORY")), None)


def _user(environ: Mapping[str, str]) -> list[Path]:
    home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    return [Path(home) / "ctci"] if home else []


def _listed(environ: Mapping[str, str], name: str) -> list[Path]:
    """Folders that systemd names: absolute, parted by colons."""
    return [Path(each) for each in environ.get(name, "").split(":") if each.startswith("/")]

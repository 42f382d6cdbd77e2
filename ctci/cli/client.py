"""The server that a verb speaks to from elsewhere, and with which token: options, environment, the user's own file.

A token stands in a variable or a file, never on the command line, and goes to no other server than its own.
"""

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ctci.cli import session
from ctci.config import secrets
from ctci.model import SecretRef

#: In the user's folder of configuration ($XDG_CONFIG_HOME, else ~/.config).
FILE = Path("ctci", "client.toml")
KEYS = ("server", "token")
_OPEN = stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server elsewhere."""

    #: http or https, with the path that it is served below; ends with a slash.
    url: str
    token: str | None


def server(asked: session.Options | None = None) -> Server | None:
    """The server that is asked for, None: the data folder of this machine. Raises Refused.

    --server counts before CTCI_SERVER, and that before the user's file. Whoever names a data folder or a configuration
    means this machine.
    """
    asked = asked or session.options()
    if asked.server is not None:
        if asked.data_dir or asked.config:
            raise session.Refused("--server speaks to another machine: --data-dir and --config do not", session.WRONG)
        return _known(asked.server, "--server", os.environ)
    if asked.data_dir or asked.config:
        return None
    if os.environ.get("CTCI_SERVER"):
        return _known(os.environ["CTCI_SERVER"], "CTCI_SERVER", os.environ)
    if os.environ.get("CTCI_DATA_DIR") or os.environ.get("CTCI_CONFIG_DIR"):
        return None
    own = _own(os.environ)
    return _known(own["server"], str(_path(os.environ)), os.environ) if "server" in own else None


def _known(given: str, where: str, environ: Mapping[str, str]) -> Server:
    url = address(given, where)
    if "CTCI_TOKEN" in environ or "CTCI_TOKEN_FILE" in environ:
        return Server(url=url, token=_revealed(SecretRef(kind="env", name="CTCI_TOKEN"), environ, Path.cwd()))
    path, own = _path(environ), _own(environ)
    if "token" not in own or "server" not in own or address(own["server"], str(path)) != url:
        return Server(url=url, token=None)
    return Server(url=url, token=_token(own["token"], path, environ))


def address(given: str, where: str) -> str:
    """The address of a server, in one spelling. Raises Refused."""
    try:
        parts = urlsplit(given.strip())
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        raise session.Refused(f"{where}: that is no address of a server", session.WRONG) from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        # What it was is not repeated: it may be a secret.
        raise session.Refused(f"{where}: an address only; a token goes into CTCI_TOKEN", session.WRONG)
    if wrong:
        raise session.Refused(f"{where}: {given} is no address such as https://ci.example.org/", session.WRONG)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}/"


def _path(environ: Mapping[str, str]) -> Path:
    given = environ.get("XDG_CONFIG_HOME", "")
    # A relative one is to be ignored (XDG Base Directory Specification).
    folder = Path(given) if given.startswith("/") else Path(environ.get("HOME") or "/nonexistent", ".config")
    return folder / FILE


def _own(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the user's file says; nothing where there is none. Raises Refused."""
    path = _path(environ)
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise session.Refused(f"{path} cannot be read: {error.strerror}", session.WRONG) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise session.Refused(f"{path}: {error}", session.WRONG) from None
    strange = next((name for name in found if name not in KEYS), None)
    if strange is not None:
        raise session.Refused(f"{path}: no key {strange}; it knows {' and '.join(KEYS)}", session.WRONG)
    if "server" in found and not isinstance(found["server"], str):
        raise session.Refused(f'{path}: server = "https://ci.example.org/" is wanted', session.WRONG)
    return found


def _token(given: object, path: Path, environ: Mapping[str, str]) -> str:
    if isinstance(given, str) and given.strip():
        if path.stat().st_mode & _OPEN:
            raise session.Refused(f"{path} holds a token, and others can read it: `chmod 600 {path}`", session.WRONG)
        return _checked(given.strip(), str(path))
    if isinstance(given, dict) and len(given) == 1:
        ((kind, name),) = given.items()
        if kind in ("env", "file") and isinstance(name, str) and name:
            named = str(Path(name).expanduser()) if kind == "file" else name
            return _revealed(SecretRef(kind=kind, name=named), environ, path.parent)
    raise session.Refused(f'{path}: token = {{ env = "NAME" }} or {{ file = "/path" }} is wanted', session.WRONG)


def _revealed(ref: SecretRef, environ: Mapping[str, str], folder: Path) -> str:
    seen = secrets.open_to_others(ref, environ, folder)
    if seen is not None:
        raise session.Refused(f"{seen} holds a token, and others can read it: `chmod 600 {seen}`", session.WRONG)
    try:
        return _checked(secrets.reveal(ref, environ, folder).decode("utf-8", "replace").strip(), ref.name)
    except secrets.SecretError as error:
        raise session.Refused(f"the token: {error}", session.WRONG) from None


def _checked(token: str, where: str) -> str:
    """A token as it may stand in a header."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise session.Refused(f"{where} holds no token: a token has no spaces, and ASCII alone", session.WRONG)
    return token

"""Where secrets lie, and what they are when they are needed; a value is never kept, shown or logged."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from ctci.model import SecretRef

MOST_BYTES = 64 << 10


class SecretError(Exception):
    """A secret that cannot be had; the message names its place, never its value."""


def reveal(ref: SecretRef, environ: Mapping[str, str], folder: Path) -> bytes:
    """The secret, without one newline at its end; never empty. Raises SecretError."""
    path = place(ref, environ, folder)
    if path is not None:
        value, where = _read(path), f"the file {path}"
    elif ref.name in environ:
        value, where = os.fsencode(environ[ref.name]), f"the variable {ref.name}"
    else:
        raise SecretError(f"the variable {ref.name} is not set (nor {ref.name}_FILE)")
    value = value.removesuffix(b"\n").removesuffix(b"\r")
    if not value.strip():
        # A signature made with nothing can be made by everyone.
        raise SecretError(f"{where} is empty")
    return value


def place(ref: SecretRef, environ: Mapping[str, str], folder: Path) -> Path | None:
    """The file that a secret lies in; None for one that only a variable could hold."""
    if ref.kind == "env":
        named = environ.get(f"{ref.name}_FILE")
        return Path(named) if named and not environ.get(ref.name) else None
    if ref.kind == "file":
        return folder / ref.name
    given = environ.get("CREDENTIALS_DIRECTORY")
    if given and (Path(given) / ref.name).exists():
        return Path(given) / ref.name
    return folder / "secrets" / ref.name


def open_to_others(ref: SecretRef, environ: Mapping[str, str], folder: Path) -> Path | None:
    """The secret's file when the group or others can read it; systemd guards its own."""
    path = place(ref, environ, folder)
    given = environ.get("CREDENTIALS_DIRECTORY")
    if path is None or (given and path.parent == Path(given)):
        return None
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    return path if mode & (stat.S_IRGRP | stat.S_IROTH) else None


def _read(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK a named pipe would hold the server up for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SecretError(f"{path} is not a file")
            value = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SecretError(f"the file {path} cannot be read: {error.strerror}") from error
    if len(value) > MOST_BYTES:
        raise SecretError(f"the file {path} has more than {MOST_BYTES >> 10} KiB")
    return value

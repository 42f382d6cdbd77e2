"""Where secrets lie, and what they are when they are needed; a value is never kept, shown or logged."""

import stat
from collections.abc import Mapping
from pathlib import Path

from ctci.model import SecretRef


class SecretError(Exception):
    """A secret that cannot be had; the message names its place, never its value."""


def reveal(ref: SecretRef, environ: Mapping[str, str], folder: Path) -> bytes:
    """The secret, without one newline at its end. Raises SecretError."""
    if ref.kind == "env" and ref.name in environ:
        return environ[ref.name].encode("utf-8", "surrogateescape")
    path = place(ref, environ, folder)
    if path is None:
        raise SecretError(f"the variable {ref.name} is not set (nor {ref.name}_FILE)")
    try:
        value = path.read_bytes()
    except OSError as error:
        raise SecretError(f"the secret in {path} cannot be read: {error.strerror}") from error
    value = value.removesuffix(b"\n").removesuffix(b"\r")
    if not value:
        raise SecretError(f"the secret in {path} is empty")
    return value


def place(ref: SecretRef, environ: Mapping[str, str], folder: Path) -> Path | None:
    """The file that a secret lies in; None for one that only a variable could hold."""
    if ref.kind == "env":
        named = environ.get(f"{ref.name}_FILE")
        return Path(named) if named else None
    if ref.kind == "file":
        return folder / ref.name
    given = environ.get("CREDENTIALS_DIRECTORY")
    if given and (Path(given) / ref.name).exists():
        return Path(given) / ref.name
    return folder / "secrets" / ref.name


def open_to_others(ref: SecretRef, environ: Mapping[str, str], folder: Path) -> Path | None:
    """The secret's file when the group or others can read it."""
    path = place(ref, environ, folder) if not (ref.kind == "env" and ref.name in environ) else None
    try:
        shared = path is not None and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    except OSError:
        return None
    return path if shared else None

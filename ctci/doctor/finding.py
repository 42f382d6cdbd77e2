"""What the doctor looks at, and what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctci.config.settings import Config
from ctci.layout import Layout

FINE, WARNING, WRONG = "fine", "warning", "wrong"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    #: `This machine`, `Data folder`, `Configuration`, `Projects` or `Mail`.
    group: str
    name: str
    #: `fine`, `warning` or `wrong`.
    state: str
    said: str
    #: What mends it; None where nothing is to be mended.
    fix: str | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is looked at."""

    layout: Layout
    environ: Mapping[str, str]
    #: The configuration's folder, or None where none was found.
    folder: Path | None
    #: None where it has errors.
    config: Config | None
    #: Errors and warnings of the configuration, each in one line.
    errors: Sequence[str] = ()
    warnings: Sequence[str] = ()
    #: Which source won for each value of the server: `--listen`, `CTCI_LISTEN`, `ctci.toml:3`, `default`.
    origins: Mapping[str, str] = field(default_factory=dict)
    #: The pid of the server that has the data folder, or None.
    server: int | None = None

"""The samples of logs, and what a scan of one says."""

from pathlib import Path

from ctci.formats import diagnostics
from ctci.model import Finding

SAMPLES = Path(__file__).parents[1] / "samples" / "logs"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.txt"))
#: Where the samples' recipes ran.
ROOT = "/build/shop"


def sample(name: str) -> bytes:
    """A log's bytes."""
    return SAMPLES.joinpath(f"{name}.txt").read_bytes()


def scan(log: bytes | str, root: str = ROOT) -> tuple[Finding, ...]:
    """What is told in a log."""
    return diagnostics.scan([log.encode() if isinstance(log, str) else log], root=root)


def only(log: bytes | str, root: str = ROOT) -> Finding:
    """The one thing told in a log."""
    (found,) = scan(log, root)
    return found


def said(log: bytes | str) -> list[tuple[str, str]]:
    """(tool, first line of the message) of each finding."""
    return [(each.tool, each.message.partition("\n")[0]) for each in scan(log)]

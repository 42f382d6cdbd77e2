"""What stands on a terminal, and what stands there when it is none: data on stdout, everything else on stderr.

Colour, width and progress are for people at a terminal only; rich is imported when there is one.
"""

import io
import json as jsons
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import click

from ctci import clock, logs, words
from ctci.model import RED, Status

#: Colour of each status; what the pages draw grey has none.
COLOURS: Mapping[Status, str] = {
    Status.SUCCEEDED: "green",
    Status.FAILED: "red",
    Status.TIMED_OUT: "red",
    Status.RUNNING: "blue",
    Status.ERRORED: "magenta",
}
GLYPHS: Mapping[Status, str] = {
    Status.QUEUED: "◷",
    Status.RUNNING: "◐",
    Status.SUCCEEDED: "✓",
    Status.FAILED: "✗",
    Status.TIMED_OUT: "⧖",
    Status.CANCELLED: "⊘",
    Status.SUPERSEDED: "↷",
    Status.SKIPPED: "–",
    Status.ERRORED: "!",
}
#: Progress is shown of what takes longer, seconds.
PATIENCE_S = 1.0

#: A name in a table takes so many columns of a terminal at most.
WIDEST = 40

#: A cell of a table: its text and, for a terminal, its colour.
Cell = str | tuple[str, str | None]


def colourful(stream: IO[Any], choice: str, environ: Mapping[str, str]) -> bool:
    """Whether `stream` gets colours: --color, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def plain(text: str) -> str:
    """Text of others on one line, with nothing that a terminal would obey."""
    return logs.clean(" ".join(text.split("\n")).encode("utf-8", "replace"))


def wide(text: str) -> str:
    """Text of ours as it is, but with plain spaces where the output is no UTF-8."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    return text if encoding.replace("-", "") == "utf8" else text.replace(words.THIN, " ")


def settle() -> None:
    """What the output's encoding cannot say becomes a question mark there, and no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def say(text: str = "") -> None:
    """A line of data, on stdout."""
    click.echo(wide(text), color=_colour(sys.stdout))


def raw(content: bytes) -> None:
    """What is a file of its own, as it is, on stdout."""
    click.echo(content, nl=False)


def note(text: str) -> None:
    """A line for people, on stderr."""
    click.echo(wide(text), err=True, color=_colour(sys.stderr))


def json(whole: object) -> None:
    """Data as JSON, on stdout: indented for people, one line for programs."""
    click.echo(jsons.dumps(whole, indent=2 if sys.stdout.isatty() else None, ensure_ascii=False))


def status(value: Status) -> tuple[str, str | None]:
    """A status as a cell: its glyph and its word."""
    return f"{GLYPHS[value]} {words.status(value)}", COLOURS.get(value)


def strong(text: str, colour: str | None = None) -> str:
    """Text that stands out on a terminal."""
    return click.style(text, fg=colour, bold=True)


def headline(value: Status, text: str) -> str:
    """A sentence with the glyph and colour of its status."""
    return click.style(f"{GLYPHS[value]} {text}", fg=COLOURS.get(value), bold=value in RED or None)


def table(rows: Sequence[Sequence[Cell]]) -> None:
    """Aligned columns on stdout; a terminal's width is kept, elsewhere nothing is cut."""
    cells = [[cell if isinstance(cell, tuple) else (cell, None) for cell in row] for row in rows]
    shown = [[(plain(text), colour) for text, colour in row] for row in cells]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if room is not None:
        shown = [[(_cut(text, WIDEST), colour) for text, colour in row[:-1]] + row[-1:] for row in shown]
    widths = [max(_width(row[at][0]) for row in shown) for at in range(len(shown[0]))] if shown else []
    for row in shown:
        *before, (last, last_colour) = row
        line = "".join(
            click.style(text, fg=colour) + " " * (width + 2 - _width(text))
            for (text, colour), width in zip(before, widths, strict=False)
        )
        if room is not None:
            last = _cut(last, room - sum(widths[:-1]) - 2 * len(before))
        say((line + click.style(last, fg=last_colour)).rstrip() if last else line.rstrip())


def _cut(text: str, width: int) -> str:
    """`text` in at most `width` columns."""
    if _width(text) <= width:
        return text
    kept = text[: max(0, width - 1)]
    while kept and _width(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…" if width > 0 else ""


class Progress:
    """What is being waited for; `text` may change meanwhile."""

    def __init__(self, text: str) -> None:
        self.text = text


def watched() -> bool:
    """Whether a person sees the progress of what is waited for."""
    return sys.stderr.isatty()


@contextmanager
def progress(text: str) -> Iterator[Progress]:
    """Show on a terminal what is waited for once it takes over a second; nothing elsewhere."""
    shown = Progress(text)
    if not watched():
        yield shown
        return
    done = threading.Event()
    drawing = threading.Thread(target=_spin, args=(shown, done), daemon=True)
    drawing.start()
    try:
        yield shown
    finally:
        done.set()
        drawing.join()


@contextmanager
def unseen(text: str) -> Iterator[Progress]:
    """Progress that is not shown."""
    yield Progress(text)


def _spin(shown: Progress, done: threading.Event) -> None:
    if clock.wait(done, PATIENCE_S):
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and of use on a terminal only

    console = Console(stderr=True, no_color=not _colour(sys.stderr))
    with console.status(shown.text) as drawn:
        while not clock.wait(done, 0.2):
            drawn.update(shown.text)


def hush() -> None:
    """Nobody reads on: what is still buffered must not be complained about at the end."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)


def colour_of_stdout() -> bool:
    """Whether data is coloured."""
    return _colour(sys.stdout)


def _colour(stream: IO[Any]) -> bool:
    context = click.get_current_context(silent=True)
    options = context.find_root().obj if context is not None else None
    return colourful(stream, getattr(options, "color", "auto"), os.environ)


def _width(text: str) -> int:
    # Slow for most, exact for all: wide and combining characters are rare in names.
    if text.isascii():
        return len(text)
    import unicodedata  # noqa: PLC0415 - a megabyte of tables, for names that are not ASCII

    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )

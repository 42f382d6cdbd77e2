"""The two parts of a letter: text of 72 columns, and HTML that carries its styles; what a letter says -> template.

The HTML fetches nothing. Of the text only what must not be broken is wider: a link.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ctci import words

#: Columns of the text part.
COLUMNS = 72


def fold(text: str, first: str = "", rest: str | None = None) -> str:
    """`text` in lines of at most COLUMNS, the first after `first`, the others after `rest`."""
    rest = " " * len(first) if rest is None else rest
    lines = textwrap.wrap(text, COLUMNS, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return "\n".join(lines)


def cut(line: str) -> str:
    """A line, cut where it is too wide."""
    return line if len(line) <= COLUMNS else line[: COLUMNS - 3] + "..."


def beside(left: str, right: str, column: int) -> str:
    """Two texts in one line, the right one from `column` on; where there is no room, one below the other."""
    one = f"{left:<{column - 2}}  {right}".rstrip()
    return one if len(one) <= COLUMNS else "\n".join(filter(None, (fold(left, "", "   "), fold(right, "   "))))


def pieces(line: str) -> str:
    """A line of a log behind a bar, cut hard where it is too wide, its further pieces behind a colon."""
    room = COLUMNS - 5
    cut = [line[at : at + room] for at in range(0, len(line), room)] or [""]
    return "\n".join(f"   {':' if number else '|'} {piece}".rstrip() for number, piece in enumerate(cut))


def chain(steps: Sequence[str], before: str) -> str:
    """Steps as one line for a shell, or, where that is too wide, one line each."""
    one = before + " && ".join(steps)
    return one if len(one) <= COLUMNS else before + f" &&\n{' ' * len(before)}".join(steps)


def typed(template: str, said: dict[str, Any]) -> str:
    """A text part."""
    return _texts.get_template(template).render(said)


def page(template: str, said: dict[str, Any]) -> str:
    """An HTML part, its styles in place."""
    # Not loaded before there is a letter, like smtplib.
    import css_inline  # noqa: PLC0415

    # Mail programs drop sheets, and a sheet elsewhere must never be fetched.
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, keep_link_tags=False)
    return inliner.inline(_pages.get_template(template).render(said))


def _environment(*, html: bool) -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=html,  # noqa: S701 - the other one writes text
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        # What keeps numbers and units together on a page is a stranger in a plain text.
        finalize=None if html else _typewritten,
    )
    made.filters.update(number=words.number, fold=fold, cut=cut, beside=beside, pieces=pieces, chain=chain)
    return made


def _typewritten(value: Any) -> Any:
    return value.replace("\u202f", " ") if isinstance(value, str) else value


_pages = _environment(html=True)
_texts = _environment(html=False)

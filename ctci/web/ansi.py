"""A line of a log as HTML: escaped first, colours as classes, every other terminal sequence dropped. Pure.

256 and true colours are told by the nearest of the eight, which the style sheet keeps readable in both themes.
"""

import html
from dataclasses import dataclass, replace

from ctci import logs

#: Red, green, yellow, blue, magenta, cyan by which of (red, green, blue) are strong.
_HUES = {
    (True, False, False): 31,
    (False, True, False): 32,
    (True, True, False): 33,
    (False, False, True): 34,
    (True, False, True): 35,
    (False, True, True): 36,
}
_CLASSED = (*range(31, 37), 90)


@dataclass(frozen=True)
class Pen:
    """How the next character is drawn."""

    bold: bool = False
    #: Class number 31 to 36 or 90, or None for ink.
    colour: int | None = None


def render(text: bytes, pen: Pen) -> tuple[str, Pen]:
    """(HTML of a line's last state, the pen for the line after it)."""
    line = text.decode("utf-8", "replace")
    parts: list[str] = []
    at = 0
    for match in logs.SEQUENCE.finditer(line):
        parts.append(_drawn(line[at : match.start()], pen))
        at = match.end()
        sequence = match[0]
        if sequence.startswith("\x1b[") and sequence.endswith("m"):
            pen = _obey(sequence[2:-1], pen)
    parts.append(_drawn(line[at:], pen))
    return "".join(parts), pen


def _drawn(text: str, pen: Pen) -> str:
    if not text:
        return ""
    safe = logs.ODD.sub(lambda match: f'<span class="odd">{logs.odd(match[0])}</span>', html.escape(text))
    if not pen.bold and pen.colour is None:
        return safe
    tag = "b" if pen.bold else "span"
    classed = f' class="c{pen.colour}"' if pen.colour is not None else ""
    return f"<{tag}{classed}>{safe}</{tag}>"


def _obey(parameters: str, pen: Pen) -> Pen:
    """The pen after one SGR sequence; what it does not know changes nothing."""
    codes = [int(code) if code.isdecimal() and len(code) < 5 else 0 for code in parameters.replace(":", ";").split(";")]
    at = 0
    while at < len(codes):
        code = codes[at]
        at += 1
        if code in (38, 48):
            colour, used = _wide(codes[at:])
            at += used
            pen = replace(pen, colour=colour) if code == 38 else pen
        elif code == 0:
            pen = Pen()
        elif code in (1, 22):
            pen = replace(pen, bold=code == 1)
        elif code == 39 or 30 <= code <= 37 or 90 <= code <= 97:
            normal = code if code < 91 else code - 60
            pen = replace(pen, colour=normal if normal in _CLASSED else None)
    return pen


def _wide(codes: list[int]) -> tuple[int | None, int]:
    """(class of `5;N` or `2;R;G;B`, how many codes that took)."""
    if codes[:1] == [5] and len(codes) > 1:
        return _of_256(codes[1]), 2
    if codes[:1] == [2] and len(codes) > 3:
        return _nearest(codes[1], codes[2], codes[3]), 4
    return None, len(codes)


def _of_256(index: int) -> int | None:
    if index < 16:
        normal = 90 if index == 8 else 30 + index % 8
        return normal if normal in _CLASSED else None
    if index < 232:
        cube = index - 16
        return _nearest(*(level * 51 for level in (cube // 36, cube // 6 % 6, cube % 6)))
    return _nearest(*([8 + 10 * (index - 232)] * 3))


def _nearest(red: int, green: int, blue: int) -> int | None:
    high, low = max(red, green, blue), min(red, green, blue)
    if high - low < 48:
        return 90 if 64 < high < 192 else None
    middle = (high + low) / 2
    return _HUES.get((red > middle, green > middle, blue > middle))

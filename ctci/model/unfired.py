"""What is said of times at which a schedule did not fire: written when that is recorded, and read by who tells it anew.

A page says it as it is written, by the schedule's own clock; a letter says the time by its reader's.
"""

import re


def said(times: int, last: str, cause: str) -> str:
    """Of so many `times`, the last of them as its key has it, and why."""
    told = f"missed {last}" if times == 1 else f"missed {times} times, the last of them {last}"
    return f"{told}: {cause}"


def read(text: str, last: str) -> tuple[int, str]:
    """How many times, and why, without the time; of another text one time, and the text."""
    found = re.fullmatch(rf"missed (?:(\d+) times, the last of them )?{re.escape(last)}: (.*)", text, re.DOTALL)
    return (int(found[1] or 1), found[2]) if found else (1, text)

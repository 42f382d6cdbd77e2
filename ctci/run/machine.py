"""What a job ran on: the machine, and the versions that its tools said they have.

So that a job that fails without a change of its commits can be told from one that does not. Of another user's hand:
what tools say is text of strangers, and the file with it lies where a recipe can write.
"""

import functools
import os
import platform
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from ctci.layout import Layout
from ctci.model import Job

#: What is said of a tool that failed, hung, said nothing or too much.
UNHAD = "not to be had"
#: Bytes of what the tools of one job said, and letters of each.
MOST, LETTERS = 16 * 1024, 200
#: The names of what `host` tells.
HOST = ("machine", "kernel", "system", "cpu", "memory")
_SEQUENCES = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]")


@functools.cache
def host() -> Mapping[str, str]:
    """The machine: what stays the same until somebody changes it. What cannot be told is left out."""
    names = {line.partition("=")[0]: line.partition("=")[2].strip("'\"") for line in _lines("/etc/os-release")}
    models = (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    model = next(models, platform.machine())
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal:")), 0)
    found = {
        "machine": platform.node(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "system": names.get("PRETTY_NAME", ""),
        "cpu": f"{os.cpu_count() or 0} x {model}",
        # Rounded: a newer kernel keeps a little more or less of it for itself.
        "memory": f"{round(memory / (1 << 20))} GiB" if memory else "",
    }
    return {name: value for name, value in found.items() if value}


def names(commands: Sequence[str]) -> tuple[str, ...]:
    """What the facts are called: the first word of each command, or the whole of it where that is taken. Pure."""
    taken: dict[str, None] = dict.fromkeys(HOST)
    found = []
    for command in commands:
        word = command.split()[0]
        name = command if word in taken else word
        taken[name] = None
        found.append(name)
    return tuple(found)


def tools(layout: Layout, job: Job) -> Mapping[str, str]:
    """What the tools of a job's attempt said; nothing where they were not asked, or that cannot be read."""
    commands = job.order.recipe.facts
    if not commands:
        return {}
    _, *told = _left(layout.attempt(job.id, job.attempt)).split(b"\0")
    if len(told) != len(commands):
        return {}
    return {name: _said(line) or UNHAD for name, line in zip(names(commands), told, strict=True)}


def _said(line: bytes) -> str:
    """Fit to be shown."""
    text = _SEQUENCES.sub("", line.decode(errors="replace"))
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:LETTERS]


def _left(folder: Path) -> bytes:
    """What the keeper left of them: a regular file, never through a link, and no more than it can have written."""
    place = file = -1
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        file = os.open("facts.told", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
        found = os.fstat(file)
        return os.read(file, MOST) if stat.S_ISREG(found.st_mode) and found.st_size <= MOST else b""
    except OSError:
        return b""
    finally:
        for each in (place, file):
            if each >= 0:
                os.close(each)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return []

"""What a disk may hold after a power cut: rebuilt from strace's record of the calls that wrote to it.

A write is promised once a sync of its file that began after it has ended; a name, once its folder was synced so. Of
the rest any part may be there, in sectors: a disk keeps no order between two syncs.
"""

import itertools
import os
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

SECTOR = 512
#: SQLite makes this file anew when nobody has the ledger open.
SHARED_MEMORY = "-shm"
#: What to have strace write down for `calls`.
STRACE = ("-xx", "-y", "-s", "1000000", "-e", "trace=pwrite64,write,fsync,fdatasync,ftruncate,?unlink,?unlinkat")

_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_CALL = re.compile(
    r"(?P<name>\w+)\((?:\w+<(?P<file>[^>]*)>)?(?:, )?(?:\"(?P<text>[^\"]*)\")?(?P<rest>[^)]*)"
    r"(?:\)\s*= (?P<answer>-?\d+).*)?"
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A system call on a file, as begun or as ended; a sync is seen twice."""

    thread: str
    name: str
    file: Path
    text: bytes
    #: The last number of the arguments: an offset or a size.
    at: int
    #: None: begun, not ended yet.
    answer: int | None


@dataclass(kw_only=True)
class File:
    """One file: what is promised of it, and what was written since (offset and bytes; None: cut there)."""

    kept: bytearray
    waiting: list[tuple[int, bytes | None]] = field(default_factory=list)


@dataclass(kw_only=True)
class Disk:
    """The files of one folder: names promised, names as the processes see them, and the changes between."""

    folder: Path
    names: dict[str, File]
    seen: dict[str, File]
    moved: list[tuple[str, File | None]] = field(default_factory=list)
    #: Thread -> what the sync that it is in will promise.
    syncing: dict[str, list[Any]] = field(default_factory=dict)


def calls(record: Path, folder: Path, acks: Path) -> Iterator[Call]:
    """What strace wrote down of the files in `folder`, and of `acks`, in order.

    A write counts when it ends, an acknowledgement when it begins: so neither helps what it may not help.
    """
    for call in _all(record):
        mine = folder in (call.file, call.file.parent) and not call.file.name.endswith(SHARED_MEMORY)
        if mine if call.name != "write" else call.file == acks:
            yield call


def _all(record: Path) -> Iterator[Call]:
    begun: dict[str, str] = {}
    for line in record.read_text().splitlines():
        thread, text = line.split(maxsplit=1)
        if text.startswith(("+++", "---")):
            continue
        resumed = _RESUMED.match(text)
        if resumed:
            text = begun.pop(thread) + text[resumed.end() :]
        if text.endswith(_UNFINISHED):
            text = begun[thread] = text.removesuffix(_UNFINISHED)
        call = _call(thread, text)
        if call.name in ("write", "fsync", "fdatasync") and not resumed:
            yield replace(call, answer=None)
        if call.name != "write" and call.answer is not None and call.answer >= 0:
            yield call


def _call(thread: str, text: str) -> Call:
    parts = _CALL.match(text)
    assert parts is not None, text[:200]
    said = _bytes(parts["text"] or "")
    numbers = re.findall(r"\d+", parts["rest"])
    return Call(
        thread=thread,
        name=parts["name"],
        file=Path(os.fsdecode(said if parts["name"].startswith("unlink") else _bytes(parts["file"]))),
        text=said,
        at=int(numbers[-1]) if numbers else 0,
        answer=int(parts["answer"]) if parts["answer"] else None,
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def disk(folder: Path, files: Mapping[str, bytes]) -> Disk:
    """A folder with these files, all on the disk for good."""
    there = {name: File(kept=bytearray(text)) for name, text in files.items()}
    return Disk(folder=folder, names=dict(there), seen=dict(there))


def apply(on: Disk, call: Call) -> None:
    """Let `call` happen."""
    name = call.file.name
    if call.name in ("fsync", "fdatasync"):
        _sync(on, call)
        return
    if call.name.startswith("unlink"):
        on.seen.pop(name, None)
        on.moved.append((name, None))
        return
    file = on.seen.get(name)
    if file is None:
        file = on.seen[name] = File(kept=bytearray())
        on.moved.append((name, file))
    file.waiting.append((call.at, None if call.name == "ftruncate" else call.text[: call.answer]))


def _sync(on: Disk, call: Call) -> None:
    of = None if call.file == on.folder else on.seen[call.file.name]
    if call.answer is None:
        on.syncing[call.thread] = list(on.moved if of is None else of.waiting)
        return
    # By identity: another thread's sync may have promised some of it meanwhile.
    done = {id(each) for each in on.syncing.pop(call.thread)}
    if of is None:
        _rename(on.names, [each for each in on.moved if id(each) in done])
        on.moved = [each for each in on.moved if id(each) not in done]
        return
    for at, text in (each for each in of.waiting if id(each) in done):
        _write(of.kept, at, text)
    of.waiting = [each for each in of.waiting if id(each) not in done]


def promised(on: Disk) -> dict[str, bytes]:
    """What is surely there, and nothing else."""
    return {name: bytes(file.kept) for name, file in on.names.items()}


def torn(on: Disk, chance: random.Random) -> dict[str, bytes]:
    """What is surely there, and by chance some of the rest, some of that in parts."""
    names = dict(on.names)
    _rename(names, [each for each in on.moved if chance.random() < 0.5])
    share = chance.random()
    return {name: _some(file, chance, share) for name, file in names.items()}


def _some(file: File, chance: random.Random, share: float) -> bytes:
    held = bytearray(file.kept)
    for at, text in file.waiting:
        if chance.random() >= share:
            continue
        if text is None or chance.random() < 0.7:
            _write(held, at, text)
            continue
        # Torn at the sectors of the disk, not of the write.
        edges = [0, *range(SECTOR - at % SECTOR, len(text), SECTOR), len(text)]
        for start, end in itertools.pairwise(edges):
            if chance.random() < 0.5:
                _write(held, at + start, text[start:end])
    return bytes(held)


def _rename(names: dict[str, File], moves: list[tuple[str, File | None]]) -> None:
    for name, file in moves:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def _write(held: bytearray, at: int, text: bytes | None) -> None:
    if text is None:
        del held[at:]
    if len(held) < at:
        held.extend(bytes(at - len(held)))
    if text is not None:
        held[at : at + len(text)] = text

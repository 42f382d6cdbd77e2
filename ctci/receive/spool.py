"""What hooks left in the spool while nobody answered.

Anybody of this machine may put something in (mode 1733), so nothing in it is believed: regular files of one link
only, opened without following or blocking, of a small size. A lie builds nothing new: prepare fetches from the
configured remote alone, and a commit that the remote does not have is errored.
"""

import contextlib
import logging
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ctci import clock
from ctci.layout import Layout

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 20
#: Files taken in one round.
MOST_FILES = 200
#: A hook that was killed leaves its unfinished file; it goes after a day.
UNFINISHED_S = 24 * 3600
_NAME = re.compile(r"(\d{1,12})-([0-9a-f-]{36})")


@dataclass(frozen=True, kw_only=True)
class Spooled:
    """One request as the hook left it."""

    name: str
    project: str
    #: Lower-case names.
    headers: Mapping[str, str]
    body: bytes
    #: Who put it there.
    uid: int


def prepare_folder(layout: Layout) -> None:
    """Make the spool: everybody may put in, only we may list."""
    layout.spool.mkdir(mode=0o700, exist_ok=True)
    layout.spool.chmod(0o1733)


def drain(layout: Layout, receive: Callable[[Spooled], None]) -> int:
    """Hand each request to `receive`, oldest first, and delete it once that has returned; how many there were.

    What cannot be a request is deleted with a line in the log. An exception of `receive` leaves the file.
    """
    folder = os.open(layout.spool, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    done = 0
    try:
        for name in sorted(os.listdir(folder))[:MOST_FILES]:
            found = _read(folder, name)
            if found is None:
                continue
            receive(found)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
            done += 1
    finally:
        os.close(folder)
    return done


def _read(folder: int, name: str) -> Spooled | None:
    """The request in a file, or None for one that is unfinished or none (which is then gone)."""
    if name.startswith("tmp."):
        _forget_unfinished(folder, name)
        return None
    why = "its name is not TIME-UUID"
    if _NAME.fullmatch(name):
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            # The hook got its answer meanwhile.
            return None
        except OSError as error:
            why = error.strerror or "it cannot be opened"
        else:
            try:
                seen = os.fstat(file)
                why = _fault(seen)
                if not why:
                    return _parse(name, os.read(file, MOST_BYTES + 1), seen.st_uid)
            except ValueError as error:
                why = str(error)
            finally:
                os.close(file)
    log.warning("spool: %r is thrown away: %s", name[:80], why)
    _throw_away(folder, name)
    return None


def _fault(seen: os.stat_result) -> str:
    if not stat.S_ISREG(seen.st_mode):
        return "it is not a regular file"
    if seen.st_nlink != 1:
        return "it has another name too"
    if seen.st_size > MOST_BYTES:
        return f"it has more than {MOST_BYTES} bytes"
    return ""


def _throw_away(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=folder)
    except OSError as error:
        log.warning("spool: %r cannot be removed: %s", name[:80], error.strerror)


def _forget_unfinished(folder: int, name: str) -> None:
    with contextlib.suppress(OSError):
        if clock.now() / 1000 - os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime > UNFINISHED_S:
            _throw_away(folder, name)


def _parse(name: str, raw: bytes, uid: int) -> Spooled:
    """Raises ValueError for what is no request."""
    head, found, body = raw.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    verb, _, path = first.partition(" ")
    if not found or verb != "POST" or not path.startswith("/hooks/"):
        raise ValueError("it is not a hook's request")
    headers: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            raise ValueError("a header has no colon")
        key = key.strip().lower()
        headers[key] = f"{headers[key]},{value.strip()}" if key in headers else value.strip()
    return Spooled(name=name, project=path.removeprefix("/hooks/"), headers=headers, body=body, uid=uid)

"""What hooks left in the spool while nobody answered.

Anybody of this machine may put something in (mode 1733), so nothing in it is believed: regular files of one link
only, opened without following or blocking, of a small size. A lie builds nothing new: prepare fetches from the
configured remote alone, and a commit that the remote does not have is errored. Who put it there is told beside the
name of the pusher. What can be no request is deleted, not kept: it would fill our disk with what is not ours.
"""

import contextlib
import logging
import os
import pwd
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ctci import clock, ledger
from ctci.layout import Layout

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 20
#: Files taken in one round.
MOST_FILES = 200
#: The hook that wrote a file tells us of it too, and for so long may still wait for its answer: taken from under
#: it, its pusher would read "duplicate".
SETTLED_S = 3
#: A hook that was killed leaves its unfinished file; it goes after a day.
UNFINISHED_S = 24 * 3600
_NAME = re.compile(r"[0-9]{1,12}-[0-9a-f-]{36}")


@dataclass(frozen=True, kw_only=True)
class Spooled:
    """One request as the hook left it."""

    name: str
    #: None: to be found by the folder that the headers tell.
    project: str | None
    #: Lower-case names.
    headers: Mapping[str, str]
    body: bytes
    #: Who put it there.
    uid: int


def prepare_folder(layout: Layout) -> None:
    """Make the spool: everybody may put in, only we may list."""
    layout.spool.mkdir(mode=0o700, exist_ok=True)
    layout.spool.chmod(0o1733)


def waiting(layout: Layout) -> int:
    """How many requests lie there; none where nobody may look."""
    try:
        return sum(_NAME.fullmatch(name) is not None for name in os.listdir(layout.spool))
    except OSError:
        return 0


def drain(layout: Layout, receive: Callable[[Spooled], None]) -> int:
    """Hand each request to `receive`, oldest first, and delete it once that has returned; how many there were.

    What cannot be a request is deleted with a line in the log. ledger.Away is raised and leaves the file; after any
    other exception the file is kept in DATA/dead, so that it does not stand before all that come after it.
    """
    folder = os.open(layout.spool, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    done = 0
    try:
        # Requests first: heaps of what is none must not keep them waiting.
        for name in sorted(os.listdir(folder), key=lambda name: (_NAME.fullmatch(name) is None, name)):
            found = _read(folder, name)
            if found is None:
                continue
            try:
                receive(found)
            except ledger.Away:
                raise
            except Exception:  # one request that we cannot take must not hold up the others
                log.exception("spool: %s could not be received; it is kept in %s", name, layout.data / "dead")
                _keep(layout, folder, name)
                continue
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
            done += 1
            if done == MOST_FILES:
                break
    finally:
        os.close(folder)
    return done


def _read(folder: int, name: str) -> Spooled | None:
    """The request in a file, or None for one that is unfinished, too new or none (which is then gone)."""
    why = "its name is not TIME-UUID"
    if name.startswith("tmp."):
        if _age_s(folder, name) < UNFINISHED_S:
            return None
        why = "it was never finished"
    elif _NAME.fullmatch(name):
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
                if not why and abs(clock.now() / 1000 - seen.st_mtime) < SETTLED_S:
                    return None
                if not why:
                    return _parse(name, os.read(file, MOST_BYTES), seen.st_uid)
            except ValueError as error:
                why = str(error)
            finally:
                os.close(file)
    _throw_away(folder, name, why)
    return None


def _fault(seen: os.stat_result) -> str:
    if not stat.S_ISREG(seen.st_mode):
        return "it is not a regular file"
    if seen.st_nlink != 1:
        return "it has another name too"
    if seen.st_size > MOST_BYTES:
        return f"it has more than {MOST_BYTES} bytes"
    return ""


def _throw_away(folder: int, name: str, why: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        # Another user's folder with something in it can be neither emptied nor moved away by us. It is harmless,
        # and a line about it in each round would not be.
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("spool: %r cannot be removed: %s", name[:80], error.strerror)
    else:
        log.warning("spool: %r was thrown away: %s", name[:80], why)


def _keep(layout: Layout, folder: int, name: str) -> None:
    dead = layout.data / "dead"
    try:
        dead.mkdir(mode=0o700, exist_ok=True)
        os.rename(name, dead / name, src_dir_fd=folder)
    except OSError as error:
        log.error("spool: %s cannot be kept there: %s", name, error.strerror)


def _age_s(folder: int, name: str) -> float:
    """Seconds since it was last written; 0 for what is gone."""
    try:
        return clock.now() / 1000 - os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
    except OSError:
        return 0


def _parse(name: str, raw: bytes, uid: int) -> Spooled:
    """Raises ValueError for what is no request."""
    head, found, body = raw.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    verb, _, path = first.partition(" ")
    if not found or verb != "POST" or not (path == "/hooks" or path.startswith("/hooks/")):
        raise ValueError("it is not a hook's request")
    headers: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            raise ValueError("a header has no colon")
        key = key.strip().lower()
        headers[key] = f"{headers[key]},{value.strip()}" if key in headers else value.strip()
    headers["x-ctci-pusher"] = _pusher(headers.get("x-ctci-pusher", ""), uid)
    project = path.removeprefix("/hooks/") if path != "/hooks" else None
    return Spooled(name=name, project=project, headers=headers, body=body, uid=uid)


def _pusher(told: str, uid: int) -> str:
    """`ana`, or `ana (git)` where the file is of another: anybody can write any name into it."""
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = f"uid {uid}"
    return f"{told} ({owner})" if told and told != owner else owner

"""Removes trees that recipes have made, whatever is in them; or sets them aside where that cannot be done.

Goes by directory descriptors and never follows a link, so that nothing outside the tree is touched. Depth costs
neither stack nor descriptors: each directory is first brought to the top of the tree.
"""

import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ctci import clock

log = logging.getLogger(__name__)

_LOOK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(tree: Path, trash: Path) -> bool:
    """Whether the tree is gone; False when it (or what is left of it) had to be renamed into `trash`.

    Never raises for what is in the tree. Even a rename may fail: the tree is then where it was, and the log says so.
    """
    try:
        if stat.S_ISDIR(os.lstat(tree).st_mode):
            _empty(tree)
            tree.rmdir()
        else:
            tree.unlink()
    except FileNotFoundError:
        return True
    except OSError as error:
        _set_aside(tree, trash, error)
        return False
    return True


def _set_aside(tree: Path, trash: Path, why: OSError) -> None:
    if tree.parent == trash:
        log.warning("%s cannot be removed: %s", tree, why.strerror)
        return
    aside = trash / f"{tree.name}-{clock.new_key()}"
    try:
        trash.mkdir(mode=0o700, parents=True, exist_ok=True)
        tree.rename(aside)
        log.warning("%s cannot be removed and is now %s: %s", tree, aside, why.strerror)
    except OSError as error:
        log.exception("%s can neither be removed (%s) nor moved into %s: %s", tree, why.strerror, trash, error.strerror)


def _empty(tree: Path) -> None:
    """Remove what can be removed."""
    _unlock(str(tree), None)
    top = os.open(tree, _ENTER)
    try:
        waiting = []
        for name, is_directory in _entries(top):
            if is_directory:
                with contextlib.suppress(OSError):
                    _unlock(name, top)
                waiting.append(name)
            else:
                _unlink(name, top)
        # No name in the tree is like it, so that nothing is overwritten.
        key = clock.new_key()
        number = 0
        while waiting:
            name = waiting.pop()
            with contextlib.suppress(OSError), _opened(name, top) as folder:
                for inner, is_directory in _entries(folder):
                    if not is_directory:
                        _unlink(inner, folder)
                        continue
                    number += 1
                    with contextlib.suppress(OSError):
                        # To be moved, a directory must be writable: its `..` changes.
                        _unlock(inner, folder)
                        os.rename(inner, f"{key}-{number}", src_dir_fd=folder, dst_dir_fd=top)
                        waiting.append(f"{key}-{number}")
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)


def _entries(folder: int) -> list[tuple[str, bool]]:
    """(name, whether a directory, links are not), read whole before anything is changed."""
    with os.scandir(folder) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _unlink(name: str, folder: int) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)


def _unlock(name: str, folder: int | None) -> None:
    """Give a directory mode 0700, never what a link points to."""
    fd = os.open(name, _LOOK, dir_fd=folder)
    try:
        # chmod has no way not to follow a link, and fchmod wants a descriptor that a 000 directory refuses.
        os.chmod(f"/proc/self/fd/{fd}", 0o700)
    finally:
        os.close(fd)


@contextlib.contextmanager
def _opened(name: str, folder: int) -> Iterator[int]:
    fd = os.open(name, _ENTER, dir_fd=folder)
    try:
        yield fd
    finally:
        os.close(fd)


def size(tree: Path) -> int:
    """Bytes on disk of what lies below `tree`, links not followed; what vanishes meanwhile counts nothing."""
    total = 0
    waiting = [str(tree)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total

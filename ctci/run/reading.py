"""The child that reads what strangers wrote, the log and the reports of one attempt: a process under limits.

Takes one request as JSON on stdin and prints one line of JSON for each thing that it read, so that what it found before
it met its end is not lost. Opens nothing but regular files beneath the worktree, and follows no link.
"""

import contextlib
import json
import os
import re
import resource
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

from ctci.formats import diagnostics, fingerprint, junit, novel, problem_matcher, sarif
from ctci.formats.problem_matcher import ProblemMatcher
from ctci.model import Finding

#: Bytes of memory, and seconds of one core.
MEMORY, CPU_S = 1 << 30, 60
#: Bytes of one report that are read, and reports of one kind.
MOST_BYTES, MOST_FILES = 64 << 20, 1000
#: Entries of directories that are looked at, and directories one within another.
MOST_ENTRIES, MOST_DEPTH = 200_000, 60
PIECE = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: A FIFO that nobody writes to must not hold it up.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Unread(Exception):
    """Why a file is not read; fit to be shown."""


def main() -> None:
    """Read what stdin asks for."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked = json.load(sys.stdin)
    for told in read(asked):
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def read(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is being read, as {"reading": name}, and then what was found, as {"findings": …}; of JUnit also `tests`.

    At last the lines of the log, with what is new in it: {"lines": …, "novel": …}.
    """
    root = asked["root"]
    with contextlib.ExitStack() as stack:
        try:
            top = stack.enter_context(directory(asked["slot"], asked["directory"]))
        except Unread:
            # The recipe removed its own directory.
            top = None
        matchers: list[ProblemMatcher] = []
        for name, body in _bodies(top, asked["matchers"], "matchers"):
            found, wrong = problem_matcher.read(body) if isinstance(body, bytes) else ((), (body,))
            matchers += found
            yield _told([own(f"{name}: {sentence}") for sentence in wrong], kind="matchers")
        yield {"reading": "the log"}
        yield _told(_of_log(asked["log"], root, matchers), kind="log")
        for name, body in _bodies(top, asked["junit"], "junit"):
            yield {"reading": name}
            if isinstance(body, bytes):
                report = junit.read(body, root)
                failed = report.failed + report.errored
                counts = {"total": report.tests, "failed": failed, "skipped": report.skipped}
                yield {**_told(report.findings, kind="junit"), "tests": counts}
            else:
                yield _told([own(f"{name}: {body}")], kind="junit")
        for name, body in _bodies(top, asked["sarif"], "sarif"):
            yield {"reading": name}
            findings = sarif.read(body, root) if isinstance(body, bytes) else (own(f"{name}: {body}"),)
            yield _told(findings, kind="sarif")
        yield from _news_of(asked["log"], asked["known"])


def own(message: str) -> Finding:
    """What ctci itself has to say."""
    return Finding(
        severity="warning",
        tool="ctci",
        message=message,
        fingerprint=fingerprint.fingerprint(tool="ctci", message=message),
    )


def _told(findings: Iterable[Finding], *, kind: str) -> dict[str, Any]:
    return {"kind": kind, "findings": [asdict(each) for each in findings]}


def _of_log(path: str, root: str, matchers: list[ProblemMatcher]) -> Iterator[Finding]:
    with _pieces(path) as pieces:
        for finding in diagnostics.scan(pieces or (), root=root, matchers=matchers):
            yield finding if finding.fingerprint else replace(finding, fingerprint=_fingerprint(finding))


def _news_of(path: str, known: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    yield {"reading": "the log"}
    with _pieces(path) as pieces:
        if pieces is None:
            return
        lines, news = novel.scan(pieces, None if known is None else novel.lines(known))
    yield {"lines": novel.plain(lines), "novel": None if news is None else asdict(news)}


@contextlib.contextmanager
def _pieces(path: str) -> Iterator[Iterator[bytes] | None]:
    """A log in pieces; None where it is not there."""
    try:
        file = os.open(path, _FILE)
    except OSError:
        yield None
        return
    with open(file, "rb") as log:
        yield iter(lambda: log.read(PIECE), b"")


def _fingerprint(finding: Finding) -> str:
    """By the first line of its message: what follows is the code around it."""
    first, _, _ = finding.message.partition("\n")
    return fingerprint.fingerprint(
        tool=finding.tool, rule=finding.rule, file=finding.file, message=first, test=finding.test
    )


# --- files beneath the worktree --------------------------------------------------------------------------------------


def _bodies(top: int | None, patterns: list[str], kind: str) -> Iterator[tuple[str, bytes | str]]:
    """(name, what is in it or why it is not read) of each file that a pattern matches."""
    if not patterns:
        return
    count = 0
    try:
        for name in files(top, patterns) if top is not None else ():
            count += 1
            if count > MOST_FILES:
                yield kind, f"more than {MOST_FILES} files match; the others are not read"
                return
            try:
                yield name, content(top or 0, name)
            except Unread as error:
                yield name, str(error)
    except Unread as error:
        yield kind, str(error)
    if not count:
        yield kind, f"no file matches {', '.join(patterns)}"


@contextlib.contextmanager
def directory(start: str, beneath: str) -> Iterator[int]:
    """A directory beneath another, entered step by step without following a link. Raises Unread."""
    fd = -1
    try:
        fd = os.open(start, _DIRECTORY)
        for part in beneath.split("/"):
            if part not in ("", "."):
                inner = os.open(part, _DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = inner
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        raise Unread(f"{beneath} cannot be entered: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


def files(top: int, patterns: list[str]) -> Iterator[str]:
    """The names beneath `top` that a pattern matches and none with a `!`, in order. Raises Unread beyond the caps."""
    wanted = [each for each in patterns if not each.startswith("!")]
    refused = [compiled(each[1:]) for each in patterns if each.startswith("!")]
    seen: set[str] = set()
    left = [MOST_ENTRIES]
    for pattern in wanted:
        machine = compiled(pattern)
        head = pattern.split("*")[0].split("?")[0].rpartition("/")[0]
        depth = MOST_DEPTH if "**" in pattern else pattern.count("/") - (head.count("/") + 1 if head else 0)
        for name in _walk(top, head, depth, left):
            if name not in seen and machine.fullmatch(name) and not any(each.fullmatch(name) for each in refused):
                seen.add(name)
                yield name


def compiled(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stop at a slash, `**` does not, and `**/` also stands for no directory at all."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meant = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meant.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _walk(top: int, head: str, depth: int, left: list[int]) -> Iterator[str]:
    """The names of all that is no directory in `head`, and so many directories further down."""
    waiting = [(head, depth)]
    while waiting:
        name, deeper = waiting.pop()
        inner = []
        try:
            with directory_of(top, name) as fd, os.scandir(fd) as entries:
                listed = sorted((each.name, each.is_dir(follow_symlinks=False)) for each in entries)
        except (Unread, OSError):
            continue
        left[0] -= len(listed)
        if left[0] < 0:
            raise Unread(f"more than {MOST_ENTRIES} files and folders would have to be looked at; write a longer path")
        for entry, is_directory in listed:
            path = f"{name}/{entry}" if name else entry
            if not is_directory:
                yield path
            elif deeper > 0:
                inner.append((path, deeper - 1))
        waiting += reversed(inner)


@contextlib.contextmanager
def directory_of(top: int, name: str) -> Iterator[int]:
    """A directory beneath an open one. Raises Unread."""
    with directory(f"/proc/self/fd/{top}/.", name) as fd:
        yield fd


def content(top: int, name: str) -> bytes:
    """A regular file beneath `top`, whole. Raises Unread."""
    folder, _, last = name.rpartition("/")
    with directory_of(top, folder) as inside:
        try:
            fd = os.open(last, _FILE, dir_fd=inside)
        except OSError as error:
            said = "it is a link" if error.errno == 40 else (error.strerror or "it cannot be opened")
            raise Unread(f"{said}, and not read") from error
        with open(fd, "rb") as file:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise Unread("it is no regular file, and not read")
            if found.st_size > MOST_BYTES:
                raise Unread(f"it has {found.st_size >> 20} MiB; reports of more than {MOST_BYTES >> 20} are not read")
            return file.read(MOST_BYTES + 1)


if __name__ == "__main__":
    main()

"""run --here: a recipe in this checkout as it is, by the keeper and in the environment that the server would use.

Records nothing and needs no server. Ctrl-C ends the recipe with all its processes.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ctci import clock, config, words
from ctci.cli import session, targets, terminal
from ctci.model import HEADS, RED, WORST_FIRST, Exit, Order, Run, Status, Trigger
from ctci.receive import plan
from ctci.run import keeping, outcome, sweeping, workspace
from ctci.shape import code

#: Seconds between two looks at what was printed.
POLL_S = 0.05


def run(named: targets.Recipes) -> int:
    """Run the recipes one after the other; the exit code of the worst. Raises Refused."""
    settings = session.load()
    project = session.project(settings, named.project)
    root = Path(_git("rev-parse", "--show-toplevel"))
    ref = _git("symbolic-ref", "-q", "HEAD", or_else=f"{HEADS}HEAD")
    commit = _git("rev-parse", "HEAD", or_else="")
    trigger = Trigger(kind="manual", key="here", project=named.project, ref=ref, pusher=session.me())
    planned = plan.plan(trigger, project, log_cap=settings.server.limit_log, only=(named.subproject, named.recipe))
    if not planned.orders:
        raise session.Refused(planned.reason, session.ABSENT)
    ended: dict[tuple[str, str], Status] = {}
    for order in planned.orders:
        name = (order.subproject, order.recipe.name)
        unmet = [need for need in order.recipe.needs if ended.get((order.subproject, need)) is not Status.SUCCEEDED]
        if unmet:
            terminal.note(terminal.strong(f"==> {order.place} skipped: needs {unmet[0]}, which did not succeed"))
            ended[name] = Status.SKIPPED
            continue
        status = _one(settings, root, order, commit)
        if status is Status.CANCELLED:
            # Ctrl-C is about all that was asked for.
            return code(status)
        # What is allowed to fail counts for nothing.
        ended[name] = Status.SUCCEEDED if order.recipe.allow_failure and status in RED else status
    return code(next(status for status in WORST_FIRST if status in ended.values()))


def _one(settings: config.Config, root: Path, order: Order, commit: str) -> Status:
    directory = root / order.directory
    place = order.place
    if not directory.is_dir():
        raise session.Refused(f"this checkout has no directory {order.directory}", session.ABSENT)
    terminal.note(terminal.strong(f"==> {place} in {directory}"))
    with tempfile.TemporaryDirectory(prefix="ctci-here-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        env = workspace.environment(
            order,
            _as_run(order, commit),
            0,
            1,
            home=home,
            server_environ=os.environ,
            public_url=settings.server.public_url,
        )
        ended, asked = _keep(Path(folder) / "job", order, directory, env)
    status, reason = outcome.judge(ended, "cancelled" if asked else None, "Ctrl-C" if asked else None)
    after = f" after {words.duration(ended.seconds)}{f': {reason}' if reason else ''}"
    terminal.note(terminal.headline(status, terminal.plain(f"{place} {words.status(status)}{after}")))
    return status


def _keep(folder: Path, order: Order, directory: Path, env: Mapping[str, str]) -> tuple[Exit, bool]:
    """(how it ended, whether Ctrl-C asked it to), with its output as it comes."""
    recipe = order.recipe
    stop = threading.Event()
    over = threading.Event()
    answers: list[Exit | None] = []
    # Never written to: nothing but the recipe's end ends the wait.
    reader, writer = os.pipe()
    sweeping.become_subreaper()
    with _ending(stop):
        kept = keeping.start(
            folder,
            script=recipe.run,
            shell=recipe.shell,
            cwd=directory,
            env=env,
            timeout_s=recipe.timeout_s,
            grace_s=keeping.GRACE_S,
            cap=order.log_cap,
            nice=recipe.nice,
            sandbox=recipe.sandbox,
        )

        def wait() -> None:
            try:
                answers.append(keeping.wait(kept, wishes=stop.is_set, wake=reader, poll_s=0.1))
            finally:
                over.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        at, told, ended = 0, False, False
        while not ended:
            # Whether it has ended is asked before its log is read, so that the last lines are not missed.
            ended = over.is_set()
            at = _pass(folder / "log", at)
            if stop.is_set() and not told:
                told = True
                terminal.note("\nending it")
            clock.wait(over, POLL_S)
        waiting.join()
    os.close(reader)
    os.close(writer)
    return (answers[0] if answers and answers[0] is not None else Exit(how="lost")), stop.is_set()


@contextmanager
def _ending(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C, TERM and a terminal that goes away end the recipe first: it has a session of its own."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _pass(log: Path, at: int) -> int:
    """Print what was written since `at`; where it ends now."""
    try:
        with log.open("rb") as file:
            file.seek(at)
            shutil.copyfileobj(file, sys.stdout.buffer)
            at = file.tell()
    except FileNotFoundError:
        return at
    sys.stdout.buffer.flush()
    return at


def _git(*arguments: str, or_else: str | None = None) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout.strip()
    if or_else is not None:
        return or_else
    raise session.Refused(f"--here wants a git checkout: {done.stderr.strip()}", session.WRONG)


def _as_run(order: Order, commit: str) -> Run:
    return Run(
        id=0,
        project=order.project,
        kind="manual",
        ref=order.ref,
        before=None,
        after=commit or None,
        commit=commit or None,
        subject=None,
        author=None,
        author_email=None,
        pusher=session.me(),
        options=(),
        status=Status.RUNNING,
        reason=None,
        created_at=clock.now(),
        prepared_at=None,
        finished_at=None,
        rerun_of=None,
        behind=None,
        prev_commit=None,
        prev_run=None,
    )

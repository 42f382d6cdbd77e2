"""What an exit means: the status of a job and the sentence that says why. Pure.

`failed` and `timed_out` are theirs; what happened to ctci itself is `errored`.
"""

from collections.abc import Sequence

from ctci.model import RED, Attempt, Exit, Recipe, Status, Tally

#: With `on-interrupt = "retry"` a job is begun again so often at the most: it may be the recipe that ends its keeper.
INTERRUPTIONS = 3
_SIGNALS = {
    1: "HUP",
    2: "INT",
    3: "QUIT",
    4: "ILL",
    6: "ABRT",
    7: "BUS",
    8: "FPE",
    9: "KILL",
    11: "SEGV",
    13: "PIPE",
    14: "ALRM",
    15: "TERM",
    24: "XCPU",
    25: "XFSZ",
    31: "SYS",
}


def judge(ended: Exit, wish: str | None, wish_reason: str | None, told: str | None = None) -> tuple[Status, str | None]:
    """The status and the reason of a job that ended so; `wish` is its `cancel_as`, or None; `told` as of `reported`.

    A wish makes no difference to a command that ended by itself: what it said is true. What its reports say counts
    beside its exit: a command may print that tests failed, and end with 0 all the same.
    """
    if ended.how == "exit":
        if ended.code == 0 and told is None:
            return Status.SUCCEEDED, _with_remains(None, ended)
        reason = _exit(ended) if told is None else f"{_exit(ended)}{', but' if ended.code == 0 else ':'} {told}"
        return Status.FAILED, _with_remains(reason, ended)
    if ended.how == "timeout":
        return Status.TIMED_OUT, _with_remains(f"timed out after {_duration(ended.seconds)}", ended)
    if wish is not None:
        # Also where the keeper was lost or interrupted before it heard of the wish.
        return Status(wish), wish_reason
    if ended.how == "cancelled":
        return Status.CANCELLED, wish_reason
    said = {
        "interrupted": "interrupted: its keeper was told to stop by a TERM that nobody had asked for",
        "lease": "ended: the lease of this machine ran out",
        "sandbox": 'not run: sandbox.mode = "pid" is not to be had on this machine; `ctci doctor` says why',
    }
    return Status.ERRORED, _with_remains(said.get(ended.how, "its keeper vanished"), ended)


def reported(tests: Tally | None, sarif_errors: int) -> str | None:
    """What the reports of a job say against it: `2 of 12 tests failed`; None where they say nothing.

    Only reports do: what a log looks like is no verdict.
    """
    said = []
    if tests is not None and tests.failed:
        said.append(f"{tests.failed} of {tests.total} test{'s' if tests.total > 1 else ''} failed")
    if sarif_errors:
        said.append(f"{sarif_errors} error{'s' if sarif_errors > 1 else ''} in SARIF reports")
    return " and ".join(said) or None


def another(recipe: Recipe, status: Status, ended: Exit, earlier: Sequence[Attempt]) -> bool:
    """Whether a job whose attempt ended so, with no wish on it, is tried again; `earlier` are its closed attempts."""
    if status in RED:
        return sum(attempt.status in RED for attempt in earlier) < recipe.retries
    if ended.how in ("lost", "interrupted", "lease") and recipe.on_interrupt == "retry":
        return sum(attempt.status is Status.ERRORED for attempt in earlier) < INTERRUPTIONS
    return False


def at_last(status: Status, earlier: Sequence[Attempt]) -> str | None:
    """The reason of a job that succeeded after an attempt of the same commit that did not: flaky, if that was red."""
    if status is not Status.SUCCEEDED or not earlier:
        return None
    said = "; ".join(
        f"attempt {each.number}: {judge(each.exit, None, None)[1]}" for each in earlier if each.exit is not None
    )
    flaky = "flaky: " if any(each.status in RED for each in earlier) else ""
    return f"{flaky}{said}; then it succeeded" if said else None


def _exit(ended: Exit) -> str:
    if ended.code is None:
        return f"ended by signal {ended.signal}{_named(ended.signal)}"
    # The shell's way to say that its last command was ended so.
    return f"exit {ended.code}{_named(ended.code - 128)}"


def _named(number: int | None) -> str:
    return f" ({_SIGNALS[number]})" if number in _SIGNALS else ""


def _with_remains(reason: str | None, ended: Exit) -> str | None:
    parts = [reason] if reason else []
    if ended.leftovers:
        count = len(ended.leftovers)
        names = ", ".join(dict.fromkeys(ended.leftovers))
        parts.append(f"left {count} process{'es' if count > 1 else ''} behind: {names}")
    if ended.survivors:
        parts.append(f"could not be ended: pid {', '.join(map(str, ended.survivors))}")
    return "; ".join(parts) or None


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest} s" if rest else f"{minutes} m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} m" if minutes else f"{hours} h"

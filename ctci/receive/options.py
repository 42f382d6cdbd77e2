"""Push options: what a pusher asks of ctci besides. Pure.

`ci.skip` counts where the commit's message is read (run/skips); here it is told. GitLab's `ci.variable` is
understood too.
"""

from collections.abc import Sequence

ONLY, VAR, WAIT = "ci.only=", "ci.var=", "ci.wait"
#: Those that run/skips heeds.
SKIP = ("ci.skip", "skip-ci")
#: GitLab's own, which its pushers may have as a habit.
_GITLAB = ("ci.variable=", "ci.input=", "ci.no_pipeline")
#: How a variable may be given, ours first.
_VARS = (VAR, "ci.variable=")


def only(options: Sequence[str]) -> tuple[str, ...]:
    """The subprojects and recipes that are named: `api`, `api:test`, `test`; empty where none is."""
    named = [option.removeprefix(ONLY) for option in options if option.startswith(ONLY)]
    return tuple(dict.fromkeys(word.strip() for each in named for word in each.split(",") if word.strip()))


def variables(options: Sequence[str]) -> dict[str, str]:
    """Variables for the recipes that declare them; of one that is given twice, the last."""
    found = {}
    for option in options:
        for prefix in _VARS:
            name, equals, value = option.removeprefix(prefix).partition("=")
            if option.startswith(prefix) and equals and name:
                found[name.strip()] = value
    return found


def skips(event: str, options: Sequence[str]) -> str | None:
    """Why the push will be skipped, whatever its message says; None where no option asks for it."""
    said = next((option for option in options if option in SKIP), None)
    return f"the push said `-o {said}`" if said is not None and event == "push" else None


def remarks(options: Sequence[str]) -> tuple[str, ...]:
    """A line for each option that is written like one of ours and is none."""
    return tuple(
        f"{option[:40]} is not an option ({ONLY}, {SKIP[0]}, {VAR}, {WAIT})"
        for option in dict.fromkeys(options)
        if option.startswith("ci.")
        and option not in (*SKIP, WAIT)
        and not any(option.startswith(known) and option != known for known in (ONLY, VAR))
        and not option.startswith(_GITLAB)
    )


def waits(options: Sequence[str]) -> bool:
    """Whether the pusher wants to see the end."""
    return WAIT in options

"""Push options: what a pusher asks of ctci besides. Pure.

`ci.skip` is read where the commit's message is (run/skips). GitLab's `ci.variable` is understood too.
"""

from collections.abc import Sequence

ONLY, VAR, WAIT = "ci.only=", "ci.var=", "ci.wait"
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


def waits(options: Sequence[str]) -> bool:
    """Whether the pusher wants to see the end."""
    return WAIT in options

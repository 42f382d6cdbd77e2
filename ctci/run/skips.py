"""(kind, options, message) -> the reason not to run, or None. Pure."""

import re
from collections.abc import Sequence

#: The union of what forges and CI servers honour, in the head commit's message.
TOKEN = re.compile(r"\[\s*(?:(?:skip|no)[ _-]?(?:ci|actions)|(?:ci|actions)[ _-]?skip)\s*\]", re.IGNORECASE)
OPTIONS = ("ci.skip", "skip-ci")


def reason(*, kind: str, options: Sequence[str], message: str, commit: str) -> str | None:
    """Why a run is skipped, in words. Only pushes are: a tag, a person and a rerun mean what they ask for."""
    if kind != "push":
        return None
    for option in options:
        if option in OPTIONS:
            return f"the push said `-o {option}`"
    found = TOKEN.search(message)
    if found:
        return f"“{found.group()}” in the message of {commit[:7]}"
    return None

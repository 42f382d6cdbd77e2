"""The round: every check, in the order of reading."""

from collections.abc import Callable

from ctci.doctor import machine, outside, settings, store
from ctci.doctor.finding import Check, Subject

ROUND: tuple[tuple[str, Callable[[Subject], tuple[Check, ...]]], ...] = (
    ("this machine", machine.examine),
    ("the data folder", store.examine),
    ("the configuration", settings.examine),
    ("the projects", outside.projects),
    ("the mail server", outside.mail),
    ("what was told outside", outside.told),
)


def examine(subject: Subject, *, told: Callable[[str], None] = lambda _: None) -> tuple[Check, ...]:
    """All checks; `told` hears what is looked at next."""
    found: list[Check] = []
    for name, look in ROUND:
        told(name)
        found.extend(look(subject))
    return tuple(found)

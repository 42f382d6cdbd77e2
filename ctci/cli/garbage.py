"""How often Python looks for garbage, which the calls of one verb hardly make.

Looking while a verb's modules are loaded, and once more at its end, took a third of a short verb's time: what is looked
through then is what stays.
"""

import gc

#: New objects after which it is looked for: CPython's own measure, and one that a verb's modules reach a few times.
USUAL, SELDOM = 700, 50_000


def seldom() -> None:
    """For a process that does one thing and ends."""
    gc.set_threshold(SELDOM, *gc.get_threshold()[1:])


def usual() -> None:
    """For one that goes on for long: what is loaded by now stays, and is looked through no more."""
    gc.freeze()
    gc.set_threshold(USUAL, *gc.get_threshold()[1:])


def never() -> None:
    """For one that ends now."""
    gc.disable()
    gc.freeze()

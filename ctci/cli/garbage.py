"""How often Python looks for garbage, which the calls of one verb hardly make.

Looking while a verb's modules are loaded, and once more at its end, took a third of a short verb's time: what is looked
through then is what stays.
"""

import gc

#: New objects after which it is looked for: a verb's modules come to so many a few times.
SELDOM = 50_000
#: As Python itself has it.
_USUAL = gc.get_threshold()


def seldom() -> None:
    """For a process that does one thing and ends."""
    gc.set_threshold(SELDOM, *_USUAL[1:])


def usual() -> None:
    """For one that goes on for long: what is loaded by now stays, and is looked through no more."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


def never() -> None:
    """For one that ends now."""
    gc.disable()
    gc.freeze()

"""What there is to say of a verdict, sentence by sentence: for letters, pages, statuses and `ctci why` alike. Pure.

The sentences quote commits and logs as they are: who shows them makes them harmless first.
"""

from ctci.model import Verdict

#: Facts of the machine that are told of one break, and commits.
MOST_CHANGED = 3


def first(told: Verdict) -> str:
    """`test_cart.py:88: AssertionError: 1 != 2`: what a developer wants first; empty where nothing was found."""
    return f"{told.first.spot}: {told.first.message}" if told.first is not None else ""


def counts(told: Verdict) -> str:
    """How many tests failed, or errors there are, and how many of them are new; empty for one error alone."""
    tests = told.reading.tests if told.reading is not None else None
    if tests is not None and tests.failed:
        said = f"{tests.failed} of {tests.total} tests failed"
    elif told.wrong > 1:
        said = f"{told.wrong} errors"
    else:
        return ""
    news = "all new" if told.news == told.wrong else f"{told.news} of them new" if told.news else "none of them new"
    return f"{said}, {news}" if told.green is not None and told.wrong else said


def cause(told: Verdict) -> str:
    """The line above the suspects, with a colon, or what else is to blame; empty where nothing is to be explained."""
    sub, number = told.job.order.subproject, len(told.suspects)
    since = f"since green #{told.green.run}" if told.green and not told.forked else f"in #{told.run.id}"
    count = "1 commit" if number == 1 else f"{number} commits"
    none = f"No commits{f' to {sub}' if sub else ''} {since}"
    changed = ", ".join(f"{each.name} {each.before} -> {each.now}" for each in told.changed[:MOST_CHANGED])
    return {
        "commits": f"{count}{f' to {sub}' if sub else ''} {since}:",
        "elsewhere": f"{count} {since}, none to {sub}:" if sub else f"{count} {since}:",
        "recipe": f"{none}: the recipe changed",
        "machine": f"{none}: the machine changed ({changed})",
        "nothing": f"{none}, and nothing that is known of the machine changed",
    }.get(told.cause, "")

"""What is said of a verdict, sentence by sentence: why it is red, what fails, what may have broken it. Pure.

All of it has passed `plain`: it is one line each, and obeys nobody.
"""

from collections.abc import Sequence

from ctci import words
from ctci.model import Finding, Status, Verdict
from ctci.report import letter


def because(judged: Verdict) -> tuple[str, ...]:
    """Why it is red, where no tool has said so."""
    if judged.first is not None and judged.job.status is not Status.TIMED_OUT:
        return ()
    return tuple(filter(None, (letter.plain(judged.job.reason, letter.LINE),)))


def failures(judged: Verdict, failing: Sequence[tuple[str, int]] = ()) -> tuple[str, ...]:
    """`12 of 846 tests fail, all new: test_cart.py (11), test_tax.py (1)`; `failing`: files with their number."""
    tally = judged.reading.tests if judged.reading else None
    if tally is None or not tally.failed:
        return ()
    news = ", all new" if judged.news >= judged.wrong > 0 else f", {judged.news} new" if judged.news else ", none new"
    files = [f"{letter.plain(name, 40)} ({number})" for name, number in failing[:3]]
    more = [f"{len(failing) - 3} more files"] if len(failing) > 3 else []
    where = f": {', '.join(files + more)}" if files else ""
    return (f"{words.number(tally.failed)} of {words.count(tally.total, 'test')} fail{news}{where}",)


def flakiness(judged: Verdict) -> tuple[str, ...]:
    """That it is called flaky, and why."""
    flaky = letter.plain(judged.flaky, letter.LINE).rstrip(".")
    return (f"Flaky: {flaky}.",) if flaky else ()


def commits_title(judged: Verdict) -> str:
    """Over the commits that may have broken it; empty without any."""
    number = len(judged.suspects)
    if not number:
        return ""
    count = f"{words.count(number, 'commit')} {_since(judged)}"
    if judged.cause == "elsewhere":
        return f"{count}, none to {letter.plain(judged.job.order.subproject, 60)}:"
    return f"{'Suspect' if number == 1 else 'Suspects'}, {count}:"


def causes(judged: Verdict) -> tuple[str, ...]:
    """What else than commits may have broken it."""
    changed = ", ".join(f"{each.name} {each.before} -> {each.now}" for each in judged.changed[:3])
    machine = f"the machine changed ({letter.plain(changed, letter.LINE)})" if changed else "the machine changed"
    if judged.cause in ("commits", "elsewhere"):
        return (f"{machine[0].upper()}{machine[1:]} too.",) if changed else ()
    said = {
        "recipe": "the recipe changed",
        "machine": machine,
        "nothing": "neither the recipe nor the machine changed",
    }.get(judged.cause)
    return (f"No commits {_since(judged)}: {said}.",) if said else ()


def _since(judged: Verdict) -> str:
    if judged.green is None:
        return f"in #{judged.run.id}"
    return f"since green #{judged.green.run}{', where it branched off' if judged.forked else ''}"


def spot(finding: Finding) -> str:
    """`test_cart.py:88`, `src/ring.c:212:9`."""
    column = f":{finding.column}" if finding.file and finding.line and finding.column else ""
    return letter.plain(finding.spot, 120) + column


def message(finding: Finding) -> str:
    """What it says, an error called one."""
    severity = "" if finding.severity == "failure" else f"{finding.severity}: "
    return severity + letter.plain(finding.message)

"""What there is to say of a verdict, sentence by sentence: for letters, pages and `ctci why` alike. Pure.

All of it has passed `plain`: it is one line each, and obeys nobody. What there is nothing to say of is empty.
"""

import shlex
from collections.abc import Sequence

from ctci import logs, words
from ctci.model import TRY, Finding, Mended, Slower, Status, Verdict, short_ref
from ctci.report import verdict

#: Characters of a text of others that are shown.
LINE = 200
#: Characters of an author where more follows.
AUTHOR = 24
#: Characters of a step that one may copy; a longer one would be broken.
STEP = 58
#: Facts of the machine that are told of one break, and files with failing tests.
MOST_CHANGED, MOST_FILES = 3, 3
#: So many failing tests are named, more are counted by their files.
MOST_TESTS = 3


def plain(text: str | None, most: int = LINE) -> str:
    """One line that is safe to be shown anywhere: no controls, no terminal sequences, no half characters."""
    said = logs.clean(" ".join((text or "").split()).encode("utf-8", "replace"))
    return said if len(said) <= most else said[: most - 3] + "..."


def log_verb(run: int, subproject: str | None, recipe: str) -> str:
    """The verb that prints the log of a job; where its name is no short word, those of its run."""
    verb = "ctci log " + shlex.quote("/".join((str(run), *filter(None, (subproject, recipe)))))
    return verb if is_step(verb) else f"ctci log {run}"


def is_step(text: str) -> bool:
    """Whether one may copy it from wherever it is shown: short enough, and nothing in it that is not seen."""
    return text == plain(text, STEP)


# --- what is wrong ---------------------------------------------------------------------------------------------------


def first(judged: Verdict) -> str:
    """`test_cart.py:88  AssertionError: 1 != 2`: what a developer wants first; empty where nothing was found."""
    finding = judged.first
    return f"{spot(finding)}{joint(finding)}{message(finding)}" if finding is not None else ""


def spot(finding: Finding) -> str:
    """`test_cart.py:88`, `src/ring.c:212:9`."""
    column = f":{finding.column}" if finding.file and finding.line and finding.column else ""
    return plain(finding.spot, 120) + column


def joint(finding: Finding) -> str:
    """What stands between its place and what it says, in a line of text."""
    return "  " if finding.severity == "failure" else ": "


def message(finding: Finding) -> str:
    """What it says, an error called one."""
    severity = "" if finding.severity == "failure" else f"{finding.severity}: "
    return severity + plain(finding.message)


def because(judged: Verdict) -> str:
    """How its command ended, where no tool has said what is wrong."""
    if judged.first is not None and judged.job.status is not Status.TIMED_OUT:
        return ""
    return plain(judged.job.reason)


def counts(judged: Verdict, failing: Sequence[tuple[str, int]] = (), *, news: bool = True) -> str:
    """`12 of 846 tests fail, all new: test_cart.py (11), test_tax.py (1)`; `failing`: files with their number.

    A few failing tests are named instead. Of errors how many, where there is more than one; what is new only where it
    was green before, and `news` is wanted.
    """
    tests = judged.reading.tests if judged.reading is not None else None
    if tests is not None and tests.failed:
        fail = "fails" if tests.failed == 1 else "fail"
        said = f"{words.number(tests.failed)} of {words.count(tests.total, 'test')} {fail}"
    elif judged.wrong > 1:
        said = words.count(judged.wrong, "error")
    else:
        return ""
    newer = _news(judged) if judged.wrong and judged.green and news else ""
    where = [f"{plain(name, 40)} ({words.number(number)})" for name, number in failing[:MOST_FILES]]
    more = [words.count(len(failing) - MOST_FILES, "more file")] if len(failing) > MOST_FILES else []
    # A name may stand for several, and not all may have been kept.
    all_named = tests is None or not tests.failed or tests.failed == len(judged.failing)
    if all_named and 0 < len(judged.failing) <= MOST_TESTS:
        where, more = [plain(name.rpartition("::")[2], 60) for name in judged.failing], []
    return f"{said}{newer}{': ' if where else ''}{', '.join(where + more)}"


def _news(judged: Verdict) -> str:
    """`, all new`, `, 2 new`; of what is not new that it is here again, or it would read as if nothing had broken."""
    if judged.news:
        return ", all new" if judged.news >= judged.wrong else f", {words.number(judged.news)} new"
    return " again, as within the last 21 days"


# --- what may have broken it -----------------------------------------------------------------------------------------


def suspects(judged: Verdict) -> str:
    """`Suspects, 2 commits since green #1479:`, over the commits that may have broken it."""
    number = len(judged.suspects)
    if not number:
        return ""
    count = f"{words.count(number, 'commit')} {_since(judged)}"
    if judged.cause == "elsewhere":
        sub = plain(judged.job.order.subproject, 60)
        return f"{count}, none to {sub}:" if sub else f"{count}:"
    return f"{'Suspect' if number == 1 else 'Suspects'}, {count}:"


def cause(judged: Verdict) -> str:
    """What else than commits may have broken it, `No commits to api since green #1464: the recipe changed`."""
    if judged.cause in ("commits", "elsewhere"):
        changed = ["the recipe"] if judged.recipe_changed else []
        changed += [f"the machine ({_facts(judged)})"] if judged.changed else []
        return f"Changed with the commits: {' and '.join(changed)}." if changed else ""
    # Others may have come, and touched what is not its own.
    sub = plain(judged.job.order.subproject, 60)
    none = f"o commits{f' to {sub}' if sub else ''}"
    if judged.cause == "nothing":
        return f"Nothing changed {_since(judged)}: n{none}, the same recipe, the same machine."
    also = f", and {_machine(judged)}" if judged.changed else ""
    said = {"recipe": f"the recipe changed{also}", "machine": _machine(judged)}.get(judged.cause)
    return f"N{none} {_since(judged)}: {said}." if said else ""


def culprit(judged: Verdict) -> str:
    """What the search for the commit that broke it has come to."""
    said = plain(judged.hunt.sentence) if judged.hunt is not None else ""
    return f"Bisected: {said}." if said else ""


def _machine(judged: Verdict) -> str:
    return f"the machine changed ({_facts(judged)})"


def _facts(judged: Verdict) -> str:
    return plain(", ".join(f"{each.name} {each.before} -> {each.now}" for each in judged.changed[:MOST_CHANGED]))


def _since(judged: Verdict) -> str:
    if judged.green is None:
        return f"in #{judged.run.id}"
    return f"since green #{judged.green.run}{', where it branched off' if judged.forked else ''}"


# --- the whole in a line ---------------------------------------------------------------------------------------------


def became(judged: Verdict, now: int) -> str:
    """`shop/api:test broke on main 2 h ago, in #1482`: what became of it, and since when; `now` in Unix ms."""
    job, run, red = judged.job, judged.run, judged.red
    if run.kind == TRY:
        return f"{plain(job.name, 120)} {held(judged)}"
    return happened(
        judged.word,
        name=job.name,
        branch=run.branch,
        status=job.status,
        run=run.id,
        at=job.finished_at or run.created_at,
        since=(red.run, red.at) if red is not None else None,
        now=now,
    )


def happened(
    word: str, *, name: str, branch: str, status: str, run: int, at: int, since: tuple[int, int] | None, now: int
) -> str:
    """The same of what is no try, from its parts; `since`: the run that broke it, and when it ended."""
    name, branch = plain(name, 120), plain(branch, 120)
    when = f"{words.ago(at, now)}, in #{run}"
    verb = words.status(status)
    if word == "still broken" and since is not None:
        last = f"; last in #{run}" if since[0] != run else ""
        return f"{name} has been red on {branch} for {words.age(now - since[1])}, since #{since[0]}{last}"
    return {
        "broke": f"{name} broke on {branch} {when}",
        "failed": f"{name} {verb} on {branch} {when}, its first result there",
        "allowed": f"{name} {verb} on {branch} {when}, and may",
        "errored": f"ctci could not run {name} on {branch} {when}",
        "fixed": f"{name} is fixed on {branch} since {when}",
    }.get(word, f"{name} {word} on {branch} {when}")


def held(judged: Verdict) -> str:
    """What a result of a try is, held against the branch by which it is judged: `broke: passes on main, last in #9`."""
    job, branch = judged.job, plain(short_ref(judged.run.against or ""), 120)
    verb = "timed out" if job.status is Status.TIMED_OUT else words.status(job.status)
    since = f" since #{judged.red.run}" if judged.red is not None else ""
    green = f", last in #{judged.green.run}" if judged.green is not None else ""
    return {
        "broke": f"broke: passes on {branch}{green}",
        "failed": f"{verb}: {branch} has no result of it",
        "still broken": f"still broken: also red on {branch}{since}",
        "fixed": f"fixed: red on {branch}{since}",
        "passed": "passed" if judged.baseline is not None else f"passed: {branch} has no result of it",
        "allowed": f"{verb}, and may",
    }.get(judged.word, verb)


def wrong(judged: Verdict) -> str:
    """What is wrong, as shortly as it can be said: how many tests fail, else the first error, else how it ended."""
    if judged.job.status is Status.TIMED_OUT:
        return because(judged)
    return counts(judged) or first(judged) or because(judged)


def blamed(judged: Verdict) -> str:
    """Who or what is to blame, as shortly: `2 suspects`, `the machine changed (gcc 13.2 -> 14.1)`."""
    return {
        "commits": words.count(len(judged.suspects), "suspect"),
        "elsewhere": f"no suspects among {words.count(len(judged.suspects), 'commit')}",
        "recipe": "the recipe changed",
        "machine": _machine(judged),
        "nothing": "nothing changed",
    }.get(judged.cause, "")


def beside(judged: Verdict) -> str:
    """What there is to say of a job in a list, beside its word; empty where the word says all."""
    if judged.word in verdict.BROKEN or judged.word == "allowed":
        return wrong(judged)
    mended = f"was red since #{judged.red.run}" if judged.word == "fixed" and judged.red is not None else ""
    slow = f"slower: {slower(judged.slower)}" if judged.slower is not None else ""
    shaky = flaky(judged).removesuffix(".")
    return "; ".join(filter(None, (mended, f"{shaky[:1].lower()}{shaky[1:]}", slow)))


def flaky(judged: Verdict) -> str:
    """That it is called flaky, and why."""
    why = plain(judged.flaky).rstrip(".")
    return f"Flaky: {why}." if why else ""


def mended(told: Mended) -> str:
    """`by Cy Odu in 90ab3de, was broken 19 h`; of what nobody mended, `passes again on 90ab3de, was broken 19 h`."""
    author, sha = plain(told.green.author, AUTHOR), words.sha(told.green.commit)
    by = f"by {author} in {sha}" if author and sha else f"in #{told.green.run}"
    if told.by_itself:
        by = f"passes again on {sha}"
    return f"{by}, was broken {words.age(told.green.at - told.red.at)}"


def slower(told: Slower) -> str:
    """`2m10s -> 4m48s, since #1475, 3f2a1c9 by Bo Lind`."""
    author, sha = plain(told.since.author, AUTHOR), words.sha(told.since.commit)
    by = " by ".join(filter(None, (sha, author)))
    said = f"{words.briefly(told.usual_s)} -> {words.briefly(told.now_s)}, since #{told.since.run}"
    return f"{said}, {by}" if by else said

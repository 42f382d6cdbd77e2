"""Days that digests are written of, each by its name: the manual's sample, and those that are hard to tell well."""

from collections.abc import Callable
from dataclasses import replace

from ctci.model import (
    Branch,
    Changed,
    Errored,
    Lapsed,
    Mark,
    Overdue,
    Place,
    Reading,
    Refused,
    Remark,
    Slower,
    Status,
    Tally,
    Unfinished,
    Unsent,
)
from ctci.report.digest import Facts
from tests import make
from tests.report.digesting import at, facts, place, red, seen, verdict

BO = make.commit(sha="b81d0e2" + "0" * 33, author="Bo Lind", subject="Bump pydantic to 2.9")
_MARKS = {"#": Status.SUCCEEDED, "~": Status.SUCCEEDED, "x": Status.FAILED, "T": Status.TIMED_OUT}
_FOOT = {"next_at": at("25 07:30"), "manage_url": "https://ci.example.org/me/digest?k=9f2c"}


def strip(letters: str, seconds: float = 60) -> tuple[Mark, ...]:
    """Runs as a text shows them, no two equally long."""
    return tuple(
        Mark(
            status=_MARKS.get(letter, Status.CANCELLED),
            seconds=seconds * (0.7 + 0.3 * (number * 7 % 10) / 10),
            flaky=letter == "~",
        )
        for number, letter in enumerate(letters)
    )


def branch(project: str = "shop", letters: str = "####", **fields: object) -> Branch:
    return replace(
        Branch(project=project, ref="refs/heads/main", strip=strip(letters)),
        **fields,  # type: ignore[arg-type]
    )


def api_broke() -> Place:
    """Twelve tests of shop/api fail since a push."""
    judged = verdict(
        green=seen(run=1479),
        suspects=(make.commit(sha="3f2a1c9" + "0" * 33), BO),
        cause="commits",
        first=make.finding(message="AssertionError: Decimal('19.99') != 19.99", log_line=2214),
        reading=Reading(job=7, attempt=1, tests=Tally(total=846, failed=12)),
        news=12,
        wrong=12,
    )
    return place(
        before=seen(when="22 12:00"),
        results=(red("23 16:04", run=1482),),
        verdict=judged,
        failing=(("test_cart.py", 11), ("test_tax.py", 1)),
    )


def widget_broke() -> Place:
    """libwidget does not build any more, since the machine has another compiler."""
    error = make.finding(
        severity="error", tool="gcc", file="src/ring.c", line=212, column=9, log_line=388,
        message="implicit declaration of 'strlcpy'",
    )  # fmt: skip
    judged = verdict(
        project="libwidget",
        subproject="",
        directory=".",
        recipe=make.recipe(name="build", run="make"),
        number=1490,
        green=seen(run=1464),
        cause="machine",
        changed=(Changed(name="gcc", before="13.2", now="14.1"),),
        first=error,
    )
    return place(
        project="libwidget",
        subproject="",
        recipe="build",
        before=seen(when="22 12:00"),
        results=(red("24 02:31", run=1490),),
        verdict=judged,
    )


def sample() -> Facts:
    """The day of the manual's sample."""
    docs = verdict(
        subproject="docs", recipe=make.recipe(name="html"), number=1391, first=make.finding(log_line=97), word="broke"
    )
    flaky = verdict(subproject="web", word="passed")
    retried = "CartPage > shows total passed on retry, 3 of 22 runs"
    slower = Slower(usual_s=130, now_s=288, since=seen(run=1475, author="Bo Lind"))
    mended = seen(when="23 18:00", commit="90ab3de" + "0" * 33)
    return facts(
        api_broke(),
        widget_broke(),
        place(subproject="docs", recipe="html", before=red("20 05:30", run=1391), verdict=docs),
        place(project="dotfiles", subproject="", before=red("22 23:00"), results=(mended,)),
        place(subproject="web", results=(seen(),), verdict=flaky, flaky=retried),
        place(recipe="build", results=(seen(),), slower=slower),
        branches=(
            branch("shop", "##T########~##.######.xx", runs=28, green=25, seconds=1620, next_at=at("25 02:30")),
            branch("libwidget", "#######xx########.#####x", runs=9, green=8, seconds=3660, next_at=at("29 04:00")),
            branch("dotfiles", "#####################xx#", runs=4, green=3, seconds=64),
        ),
        **_FOOT,
    )


def quiet(form: str) -> Facts:
    return facts(
        place(results=(seen(),)),
        quiet=form,
        branches=(
            branch("shop", runs=30, green=30, seconds=1620),
            branch("libwidget", runs=7, green=7, seconds=700),
            branch("dotfiles", runs=4, green=4, seconds=9),
        ),
        **_FOOT,
    )


def forty_breaks() -> Facts:
    """A night after which nothing is green."""
    places = []
    for number in range(40):
        name = f"sub{number:02}"
        judged = replace(api_broke().verdict or verdict(), job=verdict(subproject=name, directory=name).job)
        results = (red(f"23 {8 + number // 4:02}:{number % 4}0", run=1500 + number),)
        places.append(place(project=f"shop{number % 5}", subproject=name, results=results, verdict=judged))
        places[-1] = replace(places[-1], before=seen(when="22 12:00"))
    rows = tuple(branch(f"shop{number}", "########x", runs=12 - number, green=1, seconds=90) for number in range(12))
    return facts(*places, branches=rows, page_url="https://ci.example.org/digest/2026-11-24", **_FOOT)


def first_ever() -> Facts:
    """A recipient who was never told anything, and one run, which is red."""
    judged = replace(api_broke().verdict or verdict(), green=None, suspects=(make.commit(sha="3f2a1c9" + "0" * 33),))
    only = replace(api_broke(), before=None, verdict=judged, failing=())
    return facts(
        only, since=at("23 15:50"), first=True, branches=(branch(letters="x", runs=1, green=0, seconds=41),), **_FOOT
    )


def after_three_days() -> Facts:
    """The server was down from Friday on; what was said on Friday is five days old."""
    error = Overdue(project="shop", schedule="nightly", at=at("21 02:30"), reason="the server was down")
    return facts(
        replace(api_broke(), results=(red("20 10:02", run=1482),), before=seen(when="18 12:00")),
        since=at("20 07:30"),
        missed=3,
        overdue=(error,),
        branches=(branch(runs=6, green=5, seconds=900),),
        **_FOOT,
    )


def day_of_25_hours() -> Facts:
    """The clock was put back at three in the night: it broke in the first of the two hours, or in the second."""
    hour = 3_600_000
    first = at("2026-10-25 02:10")
    broke = [
        place(
            subproject=name,
            before=seen(when="2026-10-24 12:00"),
            results=(replace(red(run=n, job=n), at=first + late),),
        )
        for name, n, late in (("api", 1482, 0), ("web", 1485, hour))
    ]
    return facts(
        *broke,
        date="2026-10-25",
        since=at("2026-10-24 07:30"),
        until=at("2026-10-25 07:30"),
        branches=(branch(runs=3, green=1, seconds=90),),
        next_at=at("2026-10-26 07:30"),
        manage_url=_FOOT["manage_url"],
    )


def errored_only() -> Facts:
    """ctci itself could not do its work, and nobody else is to blame."""
    why = "git could not fetch https://git.example.org/shop.git: the server answered 502"
    three = tuple(Errored(job=n, run=1480 + n, at=at(f"23 1{n}:00"), reason=why) for n in (1, 2, 3))
    late = Errored(job=9, run=1490, at=at("24 02:30"), reason="no space is left on the disk")
    return facts(
        place(before=seen(when="22 12:00"), errored=three, results=(seen(when="23 18:00"),)),
        place(project="libwidget", subproject="", recipe="fuzz", errored=(late,)),
        branches=(branch(runs=4, green=1, seconds=90),),
        **_FOOT,
    )


def flaky_and_slower() -> Facts:
    """Nothing is red, and two things want to be watched."""
    flaky = verdict(word="passed")
    fixed = seen(when="23 18:00", run=1483, commit="3f2a1c9" + "0" * 33)
    broken = red("23 16:04", run=1482, commit=fixed.commit)
    again = verdict(subproject="web", word="fixed", flaky="passed and failed on 3f2a1c9")
    return facts(
        place(results=(seen(),), verdict=flaky, flaky="passed and failed on 3f2a1c9, 2 of 9 runs"),
        place(
            recipe="build", results=(seen(),), slower=Slower(usual_s=41, now_s=312, since=seen(run=1475, author=None))
        ),
        place(subproject="web", before=seen(when="22 12:00"), results=(broken, fixed), verdict=again),
        branches=(branch(letters="##~#", runs=4, green=4, seconds=512),),
        **_FOOT,
    )


def sick() -> Facts:
    """Much is wrong with ctci itself, and with what reaches it."""
    lapsed = place(recipe="lint", before=seen(when="22 12:00"))
    return facts(
        remarks=(
            Remark(short="disk 92 %", sentence="1.2 GB are free where the data lie; below 1 GB no job is started."),
            Remark(sentence="The configuration of 23 Nov, 11:02 was not taken over: projects.toml:14 is at fault."),
        ),
        unsent=(
            Unsent(to="cy@example.org", what="digest of 2026-11-23", error="550 no such user", given_up=True),
            Unsent(to="bo@example.org", what="letter about #1482", error="the server did not answer", given_up=False),
        ),
        refused=(
            Refused(project="shop", forge="gitea", reason="the signature is wrong", count=12, at=at("24 02:31")),
            Refused(project="lib", forge="post_receive", reason="the body is no JSON", count=1, at=at("23 09:00")),
        ),
        overdue=(
            Overdue(project="shop", schedule="nightly", at=at("24 02:30"), reason="its remote could not be asked"),
            Overdue(project="shop", schedule="weekly", at=at("22 04:00"), ref="refs/heads/main"),
        ),
        lapsed=(
            Lapsed(
                place=lapsed,
                finding="E501 line too long",
                by="Ana Ruiz",
                why="until the formatter is in",
                until=at("23 23:59"),
            ),
        ),
        unfinished=tuple(
            Unfinished(project="shop", run=1490 + n, name=f"shop/api:fuzz{n}", branch="main", since=at("24 02:31"))
            for n in range(5)
        ),
        **_FOOT,
    )


def one_break() -> Facts:
    return facts(api_broke(), branches=(branch(letters="####x", runs=5, green=4, seconds=300),), **_FOOT)


DAYS: dict[str, Callable[[], Facts]] = {
    "sample": sample,
    "quiet-short": lambda: quiet("short"),
    "quiet-full": lambda: quiet("full"),
    "nothing-ran": lambda: facts(place(before=seen(when="20 12:00")), quiet="short", **_FOOT),
    "one-break": one_break,
    "forty-breaks": forty_breaks,
    "first-ever": first_ever,
    "after-three-days": after_three_days,
    "day-of-25-hours": day_of_25_hours,
    "errored-only": errored_only,
    "flaky-and-slower": flaky_and_slower,
    "sick": sick,
}

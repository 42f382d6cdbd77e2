"""The digest as it is written: days of every kind word by word, its width and size, and what no text can do to it.

CTCI_GOLDEN=1 writes the days anew: read the difference.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctci.model import (
    Ack,
    Branch,
    Changed,
    Errored,
    Hunt,
    Lapsed,
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
from ctci.report import digest, digest_letter, letter, mail, parts
from ctci.report.digest import Facts
from tests import make
from tests.report import days
from tests.report.digesting import at, facts, place, red, seen, verdict
from tests.report.telling import Seen

GOLDEN = Path(__file__).parent / "golden"


def written(told: Facts) -> letter.Composed:
    return digest_letter.write(digest.compose(told))


def broken(project: str = "shop", **fields: Any) -> Place:
    return place(project=project, before=seen(when="22 12:00"), results=(red(),), **fields)


def test_where_it_is_cut_that_is_said() -> None:
    text = " ".join(written(facts(broken(), since=at("01 07:30"), cut=True)).text.split())

    assert "A digest covers 31 days at most: what was before Sun 1 Nov 07:30 is not told." in text


def test_what_ran_again_and_what_was_only_late_are_told_apart() -> None:
    text = " ".join(written(facts(place(before=seen(when="22 12:00"), again=(3,), late=(1, 2)))).text.split())

    assert "An older commit was run again in #3: that changes nothing." in text
    assert "#1 and #2 ended after what is newer: that changes nothing." in text


@pytest.mark.parametrize("day", days.DAYS)
def test_each_day_is_told_in_these_words(day: str) -> None:
    composed = written(days.DAYS[day]())
    said = f"Subject: {composed.subject}\n\n{composed.text}"

    path = GOLDEN / f"digest-{day}.txt"
    if os.environ.get("CTCI_GOLDEN"):
        path.write_text(said)
    assert path.read_text() == said


@pytest.mark.parametrize("day", days.DAYS)
def test_the_html_says_what_the_text_says(day: str) -> None:
    composed = written(days.DAYS[day]())

    shown = Seen(composed.html)
    links = " ".join(str(attributes["href"]) for tag, attributes in shown.tags if tag == "a")
    said = f"{shown.text} {links}".casefold()
    # What is drawn there is written here.
    text = re.sub(
        r"(?m)^BRANCHES WITH RUNS .*|^   project .*|^   Again |^   Log |^ [x+~^!] | [#xT~.!]+ ", " ", composed.text
    )
    words = {word.casefold() for word in re.findall(r"\w[^\s()]*\w|\w", text)}
    assert {word for word in words if word not in said} == set()


@pytest.mark.parametrize("day", days.DAYS)
def test_the_html_is_styled_in_place_and_fetches_nothing(day: str) -> None:
    shown = Seen(written(days.DAYS[day]()).html)

    assert {tag for tag, _ in shown.tags} & {"style", "link", "img", "script"} == set()
    assert [attributes for _, attributes in shown.tags if {"src", "background"} & set(attributes)] == []
    (h1,) = (attributes for tag, attributes in shown.tags if tag == "h1")
    assert "font-size: 22px" in str(h1["style"])


def test_a_mail_program_previews_the_totals() -> None:
    shown = Seen(written(days.sample()).html)

    assert shown.text.strip().startswith("[ctci] 2 broke")
    preview = shown.text.replace("[ctci] 2 broke, 1 still broken, 1 fixed: shop +2 (Tue 24 Nov)", "").strip()
    assert preview.startswith("Since Mon 23 Nov 07:30 (Europe/Berlin): 41 runs, 36 green, 2 new breaks.")


@pytest.mark.parametrize(
    ("places", "subject"),
    [
        ((broken(),), "1 broke: shop"),
        ((broken(), broken("lib"), broken("shop", subproject="web")), "3 broke: lib, shop"),
        ((place(before=red("22 12:00")),), "1 still broken: shop"),
        (
            (
                broken("b"),
                place(project="c", before=red("22 12:00")),
                place(project="a", before=red(), results=(seen(),)),
            ),
            "1 broke, 1 still broken, 1 fixed: b, c, a",
        ),
        ((place(before=red("22 12:00"), results=(seen(),)),), "1 fixed: shop"),
        ((place(results=(seen(),), flaky="on retry"),), "1 flaky: shop"),
        ((place(errored=(Errored(job=1, run=1, at=0),)),), "1 job errored: shop"),
        (tuple(broken(f"project-{n}") for n in range(9)), "9 broke: project-0, project-1, project-2 +6"),
        ((broken("x" * 200),), f"1 broke: {'x' * 38}..."),
        ((broken("größe"),), "1 broke: gro?e"),
    ],
)
def test_a_subject_counts_and_names(places: tuple[Place, ...], subject: str) -> None:
    assert written(facts(*places)).subject == f"[ctci] {subject} (Tue 24 Nov)"


def test_a_subject_says_first_of_ctci_itself_what_is_short() -> None:
    errors = tuple(Errored(job=n, run=n, at=at("23 12:00")) for n in range(3))
    told = facts(place(errored=errors), remarks=(Remark(short="disk 92 %", sentence="1.2 GB are free"),))

    assert written(told).subject == "[ctci] 3 jobs errored, disk 92 %: shop (Tue 24 Nov)"
    assert written(facts(remarks=(Remark(sentence="x"), Remark(sentence="y")))).subject == (
        "[ctci] ctci needs a look (Tue 24 Nov)"
    )


@pytest.mark.parametrize(
    ("runs", "green", "said"),
    [(2, 2, "all green: 2 runs, 1 project"), (2, 0, "nothing red: 2 runs, 1 project"), (0, 0, "nothing ran")],
)
def test_a_quiet_day_is_called_green_only_where_something_was(runs: int, green: int, said: str) -> None:
    composed = written(facts(quiet="short", branches=(days.branch(runs=runs, green=green),)))

    assert composed.subject == f"[ctci] {said} (Tue 24 Nov)"
    assert composed.text.lower().startswith(said.partition(":")[0] + " since mon 23 nov 07:30 (europe/berlin)")


def test_the_alarming_part_of_a_subject_is_kept_where_not_all_fits() -> None:
    places = [broken("shop", subproject=f"sub{n}") for n in range(12)]
    places += [place(project="shop", subproject=f"s{n}", before=red("22 12:00")) for n in range(34)]
    places += [place(subproject=f"f{n}", before=red("22 12:00"), results=(seen(),)) for n in range(56)]
    remarks = (Remark(short="the disk is as good as full", sentence="x"),)

    subject = written(facts(*places, remarks=remarks)).subject

    assert subject == "[ctci] 12 broke, 34 still broken, 56 fixed: shop (Tue 24 Nov)"


def test_more_than_ten_are_counted() -> None:
    composed = written(days.forty_breaks())

    assert composed.text.count("\n x shop") == 10
    assert "   +30 more: https://ci.example.org/digest/2026-11-24\n" in composed.text
    assert "+30 more" in composed.html


def test_without_the_page_of_the_digest_what_is_left_out_is_on_the_first_page() -> None:
    text = written(replace(days.forty_breaks(), page_url=None)).text

    assert "   +30 more: https://ci.example.org/\n" in text


def test_what_must_be_known_is_on_the_first_screen() -> None:
    text = written(days.sample()).text

    assert text.splitlines()[2] == "BROKE (2)"
    assert text[: text.index("STILL BROKEN")].count("\n") <= 25


def test_a_place_whose_job_is_forgotten_is_told_with_what_is_known() -> None:
    told = facts(broken(verdict=None, recipe="lint"), place(before=red("20 12:00", run=1391, job=5)))

    text = written(told).text

    assert " x shop/api:lint on main                       broke Mon 12:00, #" in text
    assert " x shop/api:test on main        3 days, since #1391\n   https://ci.example.org/runs/1391/api/test\n" in text


def test_steps_that_are_no_short_line_and_links_that_are_too_wide_give_way_to_what_can_be_copied() -> None:
    judged = verdict(subproject="s" * 60, recipe=make.recipe(run="make " + "x" * 90))

    text = written(facts(broken(verdict=judged))).text

    assert "  https://ci.example.org/jobs/7\n" in text
    assert max(map(len, text.splitlines())) <= parts.COLUMNS


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (
            verdict(cause="nothing", green=seen(run=9)),
            "Nothing changed since green #9: no commits to api, the same recipe, the same machine.",
        ),
        (verdict(cause="recipe", green=seen(run=9)), "No commits to api since green #9: the recipe changed."),
        (
            verdict(cause="machine", changed=(Changed(name="gcc", before="13", now="14"),)),
            "No commits to api in #1482: the machine changed (gcc 13 -> 14).",
        ),
        (
            verdict(cause="elsewhere", green=seen(run=9), suspects=(make.commit(),), forked=True),
            "1 commit since green #9, where it branched off, none to api:",
        ),
        (
            verdict(cause="commits", suspects=(make.commit(),), recipe_changed=True),
            "Changed with the commits: the recipe. Suspect, 1 commit in #1482:",
        ),
        (
            verdict(cause="commits", suspects=(make.commit(),), changed=(Changed(name="gcc", before="13", now="14"),)),
            "Changed with the commits: the machine (gcc 13 -> 14). Suspect, 1 commit in #1482:",
        ),
        (verdict(reason="exit 3"), "exit 3"),
        (verdict(status=Status.TIMED_OUT, reason="timed out", first=make.finding()), "!= 2 timed out Log"),
        (verdict(flaky="passed on retry, 3 of 22 runs"), "Flaky: passed on retry, 3 of 22 runs."),
        (verdict(suspects=tuple(make.commit(sha=make.sha(n)) for n in range(9)), cause="commits"), "and 6 more"),
        (
            verdict(
                reading=Reading(job=7, attempt=1, tests=Tally(total=1200, failed=2)),
                news=1,
                wrong=2,
                green=seen(run=9),
            ),
            "2 of 1 200 tests fail, 1 new",
        ),
        (
            verdict(reading=Reading(job=7, attempt=1, tests=Tally(total=9, failed=2)), wrong=2, green=seen(run=9)),
            "2 of 9 tests fail again, as within the last 21 days",
        ),
    ],
)
def test_why_it_broke_is_said_in_a_sentence(judged: Any, said: str) -> None:
    text = written(facts(broken(verdict=judged))).text

    assert said in " ".join(text.split())


def test_suspects_that_all_breaks_share_are_said_once_above_them() -> None:
    fields: dict[str, Any] = {"cause": "commits", "suspects": (make.commit(subject="Round up"),), "green": seen(run=9)}
    three = [broken(subproject=name, verdict=verdict(subproject=name, **fields)) for name in ("api", "docs", "web")]
    other = broken(project="lib", verdict=verdict(project="lib", **fields))

    alike, apart = written(facts(*three)), written(facts(*three, other))

    assert "\nBROKE (3)\n\n   Of all 3: suspect, 1 commit since green #9:\n     " in alike.text
    assert [part.count("Round up") for part in (alike.text, alike.html)] == [1, 1]
    assert [part.count("Round up") for part in (apart.text, apart.html)] == [4, 4]


def test_a_log_of_a_later_run_than_the_one_that_broke_it_says_so() -> None:
    told = replace(broken(verdict=verdict()), results=(red(run=1481), red("23 18:00", run=1482)))
    only = replace(told, results=(red(run=1482),))

    assert "   Log of #1482  https://ci.example.org/runs/1482/api/test\n" in written(facts(told)).text
    assert "Open the log of #1482" in written(facts(told)).html
    assert "   Log    https://ci.example.org/runs/1482/api/test\n" in written(facts(only)).text


def test_a_break_that_had_been_fixed_in_between_says_so() -> None:
    results = (seen(run=56), red("23 18:00", run=57))
    told = place(before=red("22 12:00", run=55), results=results, verdict=verdict())

    assert "Broke in #55 before that, and was fixed in #56." in written(facts(told)).text


def test_what_is_still_broken_is_told_with_its_first_error_and_what_is_acknowledged() -> None:
    ack = Ack(
        id=1,
        project="shop",
        fingerprint="a",
        said="cart.rst:14: Title underline too short",
        until=at("2026-11-26 00:00"),
        why="waits for the theme",
        acked_by="ana",
        acked_at=0,
    )
    old = place(before=red("22 12:00"), verdict=verdict(word="still broken", first=make.finding()), acked=(ack,))

    text = " ".join(written(facts(old)).text.split())

    assert "test_cart.py:88 AssertionError: 1 != 2 Acknowledged by ana until 25 Nov (waits for" in text


def test_what_was_lost_while_ctci_was_down_is_told_with_when_it_began() -> None:
    lost = Errored(job=1, run=40, at=at("24 07:00"), began=at("23 09:00"), reason="ctci was stopped while it ran")

    text = " ".join(written(facts(place(errored=(lost,)))).text.split())

    assert "began Mon 09:00, found Tue 07:00, #40 ctci was stopped" in text


def test_many_files_with_failures_are_counted() -> None:
    reading = Reading(job=7, attempt=1, tests=Tally(total=99, failed=9))
    judged = verdict(reading=reading, news=9, wrong=9, green=seen())
    failing = tuple((f"test_{name}.py", 1) for name in "abcde")

    text = written(facts(broken(verdict=judged, failing=failing))).text

    assert "9 of 99 tests fail, all new: test_a.py (1), test_b.py (1), test_c.py\n   (1), 2 more files\n" in text


def test_a_branch_with_a_long_name_takes_two_lines_of_the_table() -> None:
    long = days.branch(ref="refs/heads/feature/a-name-that-goes-on-and-on-and-on", letters="#" * 24, runs=3, green=3)

    text = written(facts(place(before=red("22 12:00")), branches=(long, days.branch(runs=2, seconds=7500)))).text

    assert (
        "   shop  feature/a-name-that-goes-on-and-on-and-on\n"
        "      3 runs  ########################     0s\n"
        "   shop  main\n"
        "      2 runs  ####                      2h05m\n"
    ) in text


def test_who_pushed_is_told_why_and_a_missing_link_is_not_offered() -> None:
    mine = verdict(suspects=(make.commit(email="ana@example.org"),))

    text = written(facts(broken(verdict=mine), author="ana@example.org")).text

    assert text.endswith("--\nYou get this because you pushed, and [notify.team] on ci.example.org\ntells authors.\n")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"after": "nightly"},
            "Next digest Wed 25 Nov, when nightly is over, 07:30 at the latest, if there is anything to",
        ),
        ({"quiet": "short"}, "Next digest Wed 25 Nov 07:30."),
    ],
)
def test_the_next_digest_is_promised_as_it_comes(fields: dict[str, Any], said: str) -> None:
    text = written(facts(broken(), next_at=at("25 07:30"), **fields)).text

    assert said in " ".join(text.split())


def test_what_is_not_over_is_told_run_by_run() -> None:
    jobs = [Unfinished(run=53, project="shop", name=f"shop/api:{n}", branch="main", since=0) for n in range(5)]

    text = " ".join(written(facts(unfinished=tuple(jobs))).text.split())

    assert "(Europe/Berlin): no run ended. Not over yet, and not told of here: 5 jobs of shop on main (#53)." in text


def test_times_of_another_week_or_year_are_told_with_their_date() -> None:
    old = Slower(usual_s=41, now_s=90, since=seen())
    told = facts(
        place(before=seen(when="2025-11-01 12:00"), results=(red("2026-11-17 10:00", run=9),), slower=old),
        since=at("2025-11-20 07:30"),
        branches=(days.branch(runs=1, next_at=at("2026-12-06 04:00")),),
    )

    text = written(told).text

    assert "Since Thu 20 Nov 2025 07:30 (Europe/Berlin)" in text
    assert "broke Tue 17 Nov 10:00, #9" in text
    assert text.count("next Sun 6 Dec 04:00") == 1


# --- what no text can do ---------------------------------------------------------------------------------------------

nasty = st.one_of(
    st.text(st.characters() | st.sampled_from("\r\n\t\x1b<>&\"'\u2028\u202e\x85\x00%{}"), max_size=80),
    st.sampled_from(
        [
            "x\r\nBcc: eve@example.org\r\n\r\n<script>alert(1)</script>{{ 7*7 }}",
            "\u202e\u2066evil\u200b",
            "long " * 2_000,
            "w" * 10_000,
            "<b>&amp;" * 1_250,
            "ß漢字🚀" * 40,
        ]
    ),
)


def everything(texts: Iterator[str]) -> Facts:
    """A window in which every text is one of `texts`, and every section is full."""

    def word() -> str:
        return next(texts)

    def commit() -> Any:
        return make.commit(author=word(), subject=word(), email=word())

    def judged(name: str) -> Any:
        return verdict(
            subproject=name,
            directory=word(),
            reason=word(),
            recipe=make.recipe(name=word(), run=word()),
            suspects=(commit(), commit(), commit(), commit()),
            cause="commits",
            changed=(Changed(name=word(), before=word(), now=word()),),
            flaky=word(),
            first=make.finding(message=word(), file=word(), log_line=7),
            reading=Reading(job=7, attempt=1, tests=Tally(total=9, failed=3)),
        )

    def one(**fields: Any) -> Place:
        name = word()
        return place(
            project=word(), subproject=name, recipe=word(), ref=f"refs/heads/{word()}", verdict=judged(name), **fields
        )

    def author() -> Any:
        return seen(author=word(), subject=word(), when="23 18:00")

    few = range(12)
    green, red_ = seen(when="22 12:00"), red("22 12:00")
    places = [one(before=green, results=(red(),), failing=((word(), 3),)) for _ in few]
    places += [one(before=red_) for _ in few]
    places += [one(before=red_, results=(author(),)) for _ in few]
    places += [one(before=green, results=(author(),)) for _ in few]
    places += [one(results=(author(),), slower=Slower(usual_s=1, now_s=900, since=author())) for _ in few]
    places += [one(errored=(Errored(job=1, run=1, at=at("23 12:00"), reason=word()),)) for _ in few]
    return facts(
        *places,
        title=word(),
        notify=word(),
        overdue=tuple(
            Overdue(project=word(), schedule=word(), at=at("23 12:00"), ref=word(), reason=word()) for _ in few
        ),
        refused=tuple(Refused(project=word(), forge=word(), reason=word(), count=3, at=0) for _ in few),
        lapsed=tuple(Lapsed(place=places[0], finding=word(), by=word(), why=word(), until=0) for _ in few),
        unfinished=tuple(Unfinished(project="shop", run=1, name=word(), branch=word(), since=0) for _ in few),
        remarks=tuple(Remark(sentence=word(), short=word()) for _ in few),
        unsent=tuple(Unsent(to=word(), what=word(), error=word(), given_up=False) for _ in few),
        branches=tuple(
            Branch(project=word(), ref=f"refs/heads/{word()}", runs=1, strip=days.strip("#x~T." * 6)) for _ in few
        ),
    )


def circling(words: list[str]) -> Iterator[str]:
    while True:
        yield from words


@cache
def tame_tags() -> set[str]:
    """Those of a digest with every section, all of whose texts are harmless."""
    return {tag for tag, _ in Seen(written(everything(circling(["x"]))).html).tags}


@settings(max_examples=15, deadline=None)
@given(st.lists(nasty, min_size=1, max_size=7))
def test_hostile_text_stays_text(texts: list[str]) -> None:
    composed = written(everything(circling(texts)))
    message = mail.message(
        composed, sender="ctci <ctci@example.org>", to="ana@example.org", message_id="<1@example.org>"
    )

    assert max(map(len, composed.text.splitlines())) <= parts.COLUMNS
    assert len(composed.subject) <= letter.SUBJECT
    assert composed.subject.isascii()
    assert composed.subject.isprintable()
    assert len(composed.html.encode()) <= letter.HTML_BYTES
    assert {tag for tag, _ in Seen(composed.html).tags} <= tame_tags()
    assert b"\nbcc:" not in message.as_bytes().partition(b"\n\n")[0].lower()
    assert set(composed.text) & set("\r\x1b\u202e\u2066\x00\x85") == set()


def test_what_does_not_fit_is_left_out_of_both_parts() -> None:
    composed = written(everything(circling(["<&>" * 60])))

    shown = Seen(composed.html).text
    assert len(composed.html.encode()) > letter.HTML_BYTES / 4
    for name in ("Broke", "Still broken", "Fixed", "Errored"):
        told = re.search(rf"{name.upper()} \(.*?\+(\d+) more", composed.text, re.DOTALL)
        assert told is not None
        assert re.search(rf"{name} \d+.*?\+{told[1]} more", shown, re.DOTALL)


def test_the_digest_names_the_commit_that_a_search_found() -> None:
    found = Hunt(red_job=1, word="found", commit=make.sha(1), sentence="3f2a1c9 by Ana Ruiz broke it: x", reruns=5)
    day = days.one_break()
    (broke,) = (each for each in day.places if each.verdict is not None and each.verdict.word == "broke")
    assert broke.verdict is not None
    hunted = replace(broke, verdict=replace(broke.verdict, hunt=found))

    text = written(replace(day, places=(hunted,))).text

    assert "   Bisected: 3f2a1c9 by Ana Ruiz broke it: x.\n" in text

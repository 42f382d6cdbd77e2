"""What a digest tells of, and in which section."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.model import (
    RED,
    Branch,
    Errored,
    Lapsed,
    Mended,
    Overdue,
    Refused,
    Remark,
    Seen,
    Slower,
    Status,
    Unfinished,
    Unsent,
)
from ctci.report import digest, receivers
from tests import make
from tests.report.digesting import at, facts, place, red, seen, verdict

SECTIONS = (
    "broke",
    "still",
    "fixed",
    "deleted",
    "flaky",
    "slower",
    "errored",
    "overdue",
    "refused",
    "lapsed",
    "remarks",
    "unsent",
)
ENDED = [Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.CANCELLED, Status.SUPERSEDED, Status.SKIPPED]


def sections(composed: digest.Digest) -> set[str]:
    """Those that are not empty."""
    return {name for name in SECTIONS if getattr(composed, name)}


def one(*results: Seen, before: Seen | None = None, **fields: Any) -> digest.Digest:
    return digest.compose(facts(place(before=before, results=results, **fields)))


def test_a_run_that_changes_something_at_one_place_is_not_said_to_change_nothing() -> None:
    green = seen(when="22 12:00")
    late = place(recipe="build", before=green, again=(3, 4), late=(5,))
    broke = place(subproject="web", before=green, results=(red(run=3),))

    everything = digest.compose(facts(late, broke))
    narrowed = digest.compose(facts(late, broke, only=("shop/api",)))

    assert (everything.again, everything.late, [each.red.run for each in everything.broke]) == ((4,), (5,), [3])
    assert (narrowed.again, narrowed.broke) == ((4,), ())


def test_red_that_was_green_broke_with_its_first_red_result() -> None:
    first = red("23 16:04")

    composed = one(seen(), first, red("23 17:00"), before=seen(when="22 12:00"))

    (told,) = composed.broke
    assert (told.red, told.earlier, told.new) == (first, None, False)
    assert {"broke"} == sections(composed)


def test_red_as_the_first_result_of_a_place_broke_it_anew() -> None:
    first = red("23 16:04")

    (told,) = one(first, red("23 17:00")).broke

    assert (told.red, told.new) == (first, True)


def test_red_since_before_the_window_is_still_broken_since_its_first_red_result() -> None:
    first = red("19 12:00")
    before = red("20 12:00")

    with_results = one(red(), before=before, red=first)
    without = one(before=before)

    assert [first] == [told.red for told in with_results.still]
    assert [before] == [told.red for told in without.still]
    assert {"still"} == sections(with_results) == sections(without)


def test_fixed_and_broken_again_in_one_window_is_broke_again() -> None:
    second, green, old, new = red("23 18:00"), seen(when="23 16:00"), red("22 12:00"), red("23 15:00")

    (told,) = one(green, second, red("23 19:00"), before=old).broke
    (inside,) = one(new, green, second, before=seen(when="22 12:00")).broke

    assert (told.red, told.earlier) == (second, Mended(red=old, last=old, green=green))
    assert (inside.red, inside.earlier) == (second, Mended(red=new, last=new, green=green))


def test_green_that_was_red_is_fixed_by_the_first_green_result_after_the_last_red_one() -> None:
    first, before, last = red("19 12:00"), red("20 12:00"), red("23 12:00")
    green = seen(when="23 13:00")

    composed = one(last, green, seen(when="23 14:00"), before=before, red=first)

    (told,) = composed.fixed
    assert (told.red, told.last, told.green) == (first, last, green)
    assert {"fixed"} == sections(composed)


def test_broken_and_fixed_in_one_window_is_fixed() -> None:
    first, green = red("23 12:00"), seen(when="23 14:00")

    (told,) = one(first, red("23 13:00"), green, before=seen(when="22 12:00")).fixed

    assert (told.red, told.green) == (first, green)


def test_of_several_breaks_in_one_window_the_last_is_the_one_that_was_fixed() -> None:
    second, green = red("23 14:00"), seen(when="23 15:00")

    (told,) = one(seen(when="23 13:00"), second, green, before=red("22 12:00"), red=red("20 12:00")).fixed

    assert (told.red, told.last, told.green) == (second, second, green)


def test_the_commit_that_was_red_and_is_green_was_fixed_by_nobody() -> None:
    (told,) = one(seen(commit=make.sha(7)), before=red("22 12:00", commit=make.sha(7))).fixed
    (mended,) = one(seen(), before=red("22 12:00")).fixed
    (unknown,) = one(seen(commit=None), before=red("22 12:00", commit=None)).fixed

    assert told.by_itself
    assert not mended.by_itself
    assert not unknown.by_itself


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.SUPERSEDED, Status.ERRORED, Status.SKIPPED])
def test_what_is_not_conclusive_neither_eats_a_fix_nor_makes_one(status: Status) -> None:
    between = (seen(status, "23 12:00"), seen(status, "23 18:00"))

    fixed = one(between[0], seen(when="23 13:00"), between[1], before=red("22 12:00"))
    still = one(*between, before=red("22 12:00"))
    broke = one(between[0], red("23 13:00"), between[1], before=seen(when="22 12:00"))

    assert ({"fixed"}, {"still"}, {"broke"}) == (sections(fixed), sections(still), sections(broke))
    assert set() == sections(one(*between)) == sections(one(*between, before=seen(status, "22 12:00")))


def test_timed_out_is_as_red_as_failed() -> None:
    assert {"broke"} == sections(one(red(status=Status.TIMED_OUT), before=seen(when="22 12:00")))
    assert {"still"} == sections(one(red(status=Status.FAILED), before=red("22 12:00", status=Status.TIMED_OUT)))


def test_a_branch_that_is_gone_is_not_red() -> None:
    assert one(red(), before=seen(when="22 12:00"), gone=True).is_quiet
    assert one(red(), before=red("22 12:00"), gone=True).is_quiet
    assert {"deleted"} == sections(one(before=red("22 12:00"), gone=True, deleted=True))
    assert one(before=seen(when="22 12:00"), gone=True, deleted=True).is_quiet


def test_what_is_allowed_to_fail_is_not_told() -> None:
    assert one(red(), before=seen(when="22 12:00"), allowed=True).is_quiet
    assert one(seen(), before=red("22 12:00"), allowed=True).is_quiet


def test_flaky_is_told_of_what_was_so_in_the_window_and_is_green_and_not_twice() -> None:
    why, same = "passed on the second attempt", make.sha(7)

    assert {"flaky"} == sections(one(seen(), before=seen(when="22 12:00"), flaky=why))
    assert set() == sections(one(seen(), before=seen(when="22 12:00"), verdict=verdict(word="passed", flaky=why)))
    assert {"broke"} == sections(one(red(), before=seen(when="22 12:00"), flaky=why))
    assert {"fixed", "flaky"} == sections(one(seen(), before=red("22 12:00"), flaky=why))
    assert {"fixed"} == sections(one(seen(commit=same), before=red("22 12:00", commit=same), flaky=why))


def test_slower_is_told_once_by_the_window_in_which_it_began() -> None:
    slower = Slower(usual_s=130, now_s=288, since=seen())

    inside = one(seen(), seen(), verdict=verdict(word="passed", slower=slower))
    earlier_job = one(seen(), seen(), verdict=verdict(word="passed"), slower=slower)
    before = one(before=seen(when="22 12:00"), verdict=verdict(word="passed", slower=slower))

    assert ({"slower"}, {"slower"}, set()) == (sections(inside), sections(earlier_job), sections(before))


def test_errored_jobs_are_told_beside_what_the_place_is() -> None:
    error = Errored(job=1, run=1, at=at("23 12:00"), reason="no checkout")

    assert {"errored"} == sections(one(errored=(error,)))
    assert {"errored", "still"} == sections(one(before=red("22 12:00"), errored=(error,)))


def test_breaks_come_oldest_first_and_what_is_still_broken_newest_first() -> None:
    broke = [place(subproject=name, results=(red(when),)) for name, when in (("a", "23 15:00"), ("b", "23 14:00"))]
    still = [place(subproject=name, before=red(when)) for name, when in (("c", "20 12:00"), ("d", "21 12:00"))]

    composed = digest.compose(facts(*broke, *still))

    assert [told.place.subproject for told in composed.broke] == ["b", "a"]
    assert [told.place.subproject for told in composed.still] == ["d", "c"]


@pytest.mark.parametrize(
    ("only", "let_through"),
    [
        ((), {"shop/api@main", "shop/api@dev", "shop/web@main", "lib@main"}),
        (("shop",), {"shop/api@main", "shop/api@dev", "shop/web@main"}),
        (("shop/api",), {"shop/api@main", "shop/api@dev"}),
        (("shop@main",), {"shop/api@main", "shop/web@main"}),
        (("shop/api@dev", "lib"), {"shop/api@dev", "lib@main"}),
        (("sho", "shop/ap", "shop@mai", "shop@"), set()),
    ],
)
def test_only_lets_through_what_it_names(only: tuple[str, ...], let_through: set[str]) -> None:
    named = [("shop", "api", "main"), ("shop", "api", "dev"), ("shop", "web", "main"), ("lib", "", "main")]
    places = [
        place(project=project, subproject=sub, ref=f"refs/heads/{branch}", before=red("22 12:00"))
        for project, sub, branch in named
    ]

    composed = digest.compose(facts(*places, only=only))

    found = {
        f"{each.place.project}{'/' if each.place.subproject else ''}{each.place.subproject}@{each.place.branch}"
        for each in composed.still
    }
    assert found == let_through


def test_only_leaves_out_what_else_is_of_other_projects_and_nothing_of_ctci_itself() -> None:
    other = Branch(project="lib", ref="refs/heads/main", runs=3, green=3)
    mine = Branch(project="shop", ref="refs/heads/main", runs=2, green=1)
    overdue = tuple(Overdue(project=name, schedule="nightly", at=at("24 02:30")) for name in ("lib", "shop"))
    refused = tuple(Refused(project=name, forge="gitea", reason="x", count=1, at=0) for name in ("lib", "shop"))
    lapsed = tuple(
        Lapsed(place=place(project=name), finding="x", by="ana", why="", until=0) for name in ("lib", "shop")
    )

    composed = digest.compose(
        facts(
            only=("shop/api@main",),
            branches=(other, mine),
            overdue=overdue,
            refused=refused,
            lapsed=lapsed,
            remarks=(Remark(sentence="0.8 GB are free"),),
            unsent=(Unsent(to="ana@example.org", what="digest of 2026-11-23", error="550", given_up=True),),
        )
    )

    assert (overdue[1:], refused[1:], lapsed[1:]) == (composed.overdue, composed.refused, composed.lapsed)
    assert ((mine,), 2, 1) == (composed.branches, composed.runs, composed.green)
    assert {"overdue", "refused", "lapsed", "remarks", "unsent"} == sections(composed)


def test_who_is_told_for_having_pushed_is_told_of_the_own_commits_only() -> None:
    mine = verdict(suspects=(make.commit(email="Ana@example.org"),))
    theirs = verdict(subproject="web", suspects=(make.commit(email="bo@example.org"),))
    places = [
        place(results=(red(),), verdict=mine),
        place(subproject="web", results=(red(),), verdict=theirs),
        place(subproject="docs", results=(red(),), errored=(Errored(job=1, run=1, at=0),)),
    ]
    branches = tuple(Branch(project=name, ref="refs/heads/main", runs=1) for name in ("shop", "lib"))
    remarks = (Remark(sentence="0.8 GB are free"),)

    composed = digest.compose(facts(*places, branches=branches, remarks=remarks, author="ana@example.org"))

    assert [told.place.subproject for told in composed.broke] == ["api"]
    assert ({"broke"}, branches[:1]) == (sections(composed), composed.branches)


@pytest.mark.parametrize(
    ("address", "authors", "may"),
    [
        ("ana@example.org", ("@example.org",), True),
        ("Ana@Example.ORG", ("@example.org",), True),
        ("ana@example.org", ("bo@example.org", "ana@example.org"), True),
        ("diana@example.org", ("ana@example.org",), False),
        ("ana@evil-example.org", ("@example.org",), False),
        ("ana@example.org.evil.example", ("@example.org",), False),
        ("noreply@example.org", ("@example.org",), False),
        ("12+ana@users.noreply.example.org", ("@users.noreply.example.org",), False),
        ("@example.org", ("@example.org",), False),
        ("", ("@example.org",), False),
        ("ana@example.org", (), False),
    ],
)
def test_an_author_is_written_to_only_where_that_is_allowed(address: str, authors: tuple[str, ...], may: bool) -> None:
    assert receivers.may_be_told(address, authors) == may


def test_branches_on_which_nothing_ran_are_left_out_and_the_busiest_comes_first() -> None:
    runs = {"a": 1, "b": 0, "c": 5, "d": 1}
    branches = tuple(Branch(project=name, ref="refs/heads/main", runs=n, green=n) for name, n in runs.items())

    composed = digest.compose(facts(branches=branches))

    assert [branch.project for branch in composed.branches] == ["c", "a", "d"]
    assert (composed.runs, composed.green) == (7, 7)


@pytest.mark.parametrize("quiet", ["skip", "short", "full"])
def test_a_quiet_day_is_told_as_quiet_says_and_any_other_in_full(quiet: str) -> None:
    waiting = (Unfinished(project="shop", run=9, name="shop:fuzz", branch="main", since=at("24 02:31")),)

    assert quiet == digest.compose(facts(place(results=(seen(),)), quiet=quiet)).form
    assert digest.compose(facts(place(results=(seen(),)), quiet=quiet, unfinished=waiting)).form == "full"
    assert digest.compose(facts(place(before=red("22 12:00")), quiet=quiet)).form == "full"
    assert digest.compose(facts(quiet=quiet, remarks=(Remark(sentence="0.8 GB are free"),))).form == "full"


def test_a_mail_program_can_filter_by_what_is_told() -> None:
    error = (Errored(job=1, run=1, at=0),)

    composed = digest.compose(
        facts(place(before=red("22 12:00"), errored=error), place(project="lib", results=(red(),)))
    )

    assert composed.words == ("broke", "still broken", "errored")
    gone = place(before=red("22 12:00"), deleted=True, gone=True)
    assert digest.compose(facts(gone)).words == ("deleted",)


histories = st.lists(st.sampled_from(ENDED), max_size=8)


@given(st.none() | st.sampled_from(ENDED), histories)
def test_every_place_is_told_once_by_where_it_stood_and_stands(before: Status | None, history: list[Status]) -> None:
    results = [seen(status, f"23 {10 + number}:00") for number, status in enumerate(history)]
    told = place(before=None if before is None else seen(before, "22 12:00"), results=tuple(results))

    composed = digest.compose(facts(told))

    conclusive = [status for status in (before, *history) if status in (Status.SUCCEEDED, *RED)]
    is_red = bool(conclusive) and conclusive[-1] in RED
    was_red = any(status in RED for status in conclusive)
    places = [each.place for section in (composed.broke, composed.still, composed.fixed) for each in section]
    assert places == [told] * (1 if was_red else 0)
    assert bool(composed.fixed) == (was_red and not is_red)
    if composed.still:
        assert before in RED
        assert all(status in RED for status in conclusive)
    for broke in composed.broke:
        following = results[results.index(broke.red) :]
        assert all(each.status is not Status.SUCCEEDED for each in following)

"""What is acknowledged is hidden for a time, is never the first error, and changes nothing else."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ctci.model import Finding, NewLine, Novel, Reading
from ctci.report import known
from tests import make

NOW = 1_795_550_000_000


def sift(*findings: Finding, first: int | None = 0, acked: str = "", **fields: Any) -> known.Sifted:
    """Of findings with one letter each as fingerprint, those of `acked` being acknowledged."""
    acks = {letter: make.ack(fingerprint=letter, **fields) for letter in acked}
    return known.sift(Reading(job=1, attempt=1, first=first), findings, acks, NOW)


A = make.finding(fingerprint="a", log_line=9)
B = make.finding(fingerprint="b", log_line=8)
C = make.finding(fingerprint="c", log_line=3, line=None)
W = make.finding(fingerprint="w", severity="warning", tool="gcc", log_line=1)


def test_without_acknowledgements_all_is_shown() -> None:
    found = sift(W, A, B, first=1)

    assert (found.first, found.shown, found.hidden, found.known, dict(found.lapsed)) == (A, (W, A, B), (), (), {})


def test_what_is_acknowledged_is_hidden() -> None:
    found = sift(A, B, A, acked="a", first=1)

    assert (found.first, found.shown, found.hidden) == (B, (B,), (A, A))
    assert [ack.fingerprint for ack in found.known] == ["a", "a"]


def test_the_first_error_is_then_the_next_one_that_names_its_place() -> None:
    assert sift(A, W, C, B, acked="a").first == B
    assert sift(A, W, C, B, acked="ab").first == C


def test_nothing_is_the_first_error_where_all_that_is_wrong_is_known() -> None:
    found = sift(A, W, make.finding(fingerprint="o", severity="error", tool="ctci"), acked="a")

    assert (found.first, len(found.shown)) == (None, 2)


def test_of_a_linter_the_next_of_its_own_comes_first() -> None:
    more = make.finding(fingerprint="x", severity="warning", tool="gcc", log_line=40)

    assert sift(W, more, acked="w").first == more


def test_a_warning_is_not_the_first_error_in_place_of_an_error_that_is_known() -> None:
    error = make.finding(fingerprint="e", severity="error", tool="gcc", log_line=2)

    assert sift(error, W, acked="e").first is None


def test_it_is_hidden_to_the_last_millisecond_and_not_longer() -> None:
    before, after = sift(A, acked="a", until=NOW + 1), sift(A, acked="a", until=NOW)

    assert (before.shown, before.lapsed) == ((), {})
    assert (after.first, after.shown, list(after.lapsed)) == (A, (A,), ["a"])


def test_what_has_lapsed_and_is_not_seen_any_more_is_not_told_of() -> None:
    assert sift(B, acked="a", until=NOW - 1).lapsed == {}


def novel(*findings: Finding, lines: tuple[int, ...], acked: str = "") -> known.Sifted:
    """Of a log whose new lines are these, and two more."""
    new = Novel(count=len(lines) + 2, lines=tuple(NewLine(line=each, text=f"line {each}") for each in lines))
    acks = {letter: make.ack(fingerprint=letter) for letter in acked}
    return known.sift(Reading(job=1, attempt=1, first=0, novel=new), findings, acks, NOW)


def test_a_new_line_that_tells_what_is_acknowledged_is_hidden_with_it() -> None:
    found = novel(A, B, lines=(8, 9, 12), acked="a")

    assert (found.first, found.novel) == (
        B,
        Novel(count=4, lines=(NewLine(line=8, text="line 8"), NewLine(line=12, text="line 12"))),
    )


def test_the_first_new_line_stands_alone_where_all_that_tools_told_is_known() -> None:
    found = novel(A, B, lines=(8, 9, 12), acked="ab")

    assert (found.first, found.new) == (None, NewLine(line=12, text="line 12"))


def test_the_line_of_the_first_error_is_told_once() -> None:
    assert novel(A, lines=(9, 12)).new is None
    assert novel(A, lines=(2, 9)).new == NewLine(line=2, text="line 2")


def test_no_line_is_new_where_all_that_are_known_to_be_tell_what_is_acknowledged() -> None:
    found = novel(A, lines=(9,), acked="a")

    assert (found.novel, found.new) == (None, None)


def test_a_first_that_is_not_among_the_findings_is_none() -> None:
    assert sift(first=3).first is None


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["failure", "error", "warning", "note"])), max_size=8),
    st.sets(st.sampled_from("abcd")),
    st.integers(0, 9),
)
def test_every_finding_is_either_shown_or_hidden_and_the_first_is_shown(
    told: list[tuple[str, str]], acked: set[str], first: int
) -> None:
    findings = tuple(make.finding(fingerprint=name, severity=severity) for name, severity in told)

    found = sift(*findings, first=first, acked="".join(sorted(acked)))

    assert {each.fingerprint for each in found.hidden} <= acked
    assert {each.fingerprint for each in found.shown}.isdisjoint(acked)
    assert len(found.shown) + len(found.hidden) == len(findings)
    assert found.first is None or found.first in found.shown

"""A log's lines in the sections that its recipe marked."""

from hypothesis import given
from hypothesis import strategies as st

from ctci.web import sections

#: Lines, and the sections they make: (name, lines in it, whether its end was marked).
Told = list[tuple[str | None, int, bool]]
TOLD: dict[str, Told] = {
    "": [],
    "a b": [(None, 2, False)],
    "::group::Lint a ::endgroup:: b": [("Lint", 3, True), (None, 1, False)],
    "a ##[group]Lint b ##[endgroup]": [(None, 1, True), ("Lint", 3, True)],
    "::group::One a ::group::Two b ::endgroup::": [("One", 2, True), ("Two", 3, True)],
    "::group::Lint a": [("Lint", 2, False)],
    "::endgroup:: a": [(None, 2, False)],
    "::group::": [("unnamed", 1, False)],
    "say:::group::Lint": [(None, 1, False)],
}


def test_a_section_lasts_to_its_end_mark_or_the_next_section() -> None:
    told = {
        text: [(each.name, each.end - each.start, each.ended) for each in sections.of(text.split())] for text in TOLD
    }

    assert told == TOLD


@given(st.lists(st.sampled_from(["a", "::group::x", "##[group]y", "::endgroup::", "##[endgroup]", "::group"])))
def test_each_line_is_in_one_section_and_all_stand_in_order(lines: list[str]) -> None:
    found = sections.of(lines)

    assert [at for each in found for at in range(each.start, each.end)] == list(range(len(lines)))

"""plan: which recipes a trigger asks for, and a reason for each that it does not."""

from typing import Any

import pytest

from ctci.config.settings import Project, Subproject
from ctci.model import Plan
from ctci.receive import plan
from tests import make

API = Subproject(name="api", path="services/api", recipes={"build": make.recipe(name="build"), "test": make.recipe()})
WEB = Subproject(name="web", path="web", recipes={"test": make.recipe()})
TABLE = {"main": ("api", "web"), "release/*": ("api",), "renovate/**": (), "**": ("web",)}


def project(**fields: Any) -> Project:
    return Project(**{"name": "shop", "remote": make.remote(), "subs": {"api": API, "web": WEB}, **fields})


def planned(ref: str, kind: str = "push", only: tuple[str | None, str | None] = (None, None), **fields: Any) -> Plan:
    return plan.plan(make.trigger(ref=ref, kind=kind), project(**fields), log_cap=1000, only=only)


def places(made: Plan) -> list[str]:
    return [f"{order.subproject}:{order.recipe.name}" for order in made.orders]


@pytest.mark.parametrize(
    ("ref", "expected", "reason"),
    [
        ("refs/heads/main", ["api:build", "api:test", "web:test"], "api and web queued: the branch is main"),
        ("refs/heads/release/2.4", ["api:build", "api:test"], "api queued: the branch matches “release/*”"),
        ("refs/heads/feature/x", ["web:test"], "web queued: the branch matches “**”"),
        ("refs/heads/renovate/a/b", [], "branch renovate/a/b matches “renovate/**” = [], never built"),
        ("refs/tags/v1", [], "tag v1: no tags table, so tags are not built"),
        ("refs/notes/x", [], "refs/notes/x is neither a branch nor a tag"),
    ],
)
def test_the_most_specific_pattern_chooses_the_subprojects(ref: str, expected: list[str], reason: str) -> None:
    made = planned(ref, branches=TABLE)

    assert (places(made), made.reason) == (expected, reason)


def test_without_a_branches_table_every_branch_builds_everything() -> None:
    made = planned("refs/heads/anything/at/all")

    assert made.reason == "api and web queued: no branches table, so every branch builds"
    assert len(made.orders) == 3


def test_a_branch_that_no_pattern_matches_says_so() -> None:
    made = planned("refs/heads/wip", branches={"main": ("api",)})

    assert (made.orders, made.reason) == ((), "branch wip matches no pattern of the project")


def test_every_recipe_that_is_not_ordered_has_a_reason() -> None:
    made = planned("refs/heads/release/1", branches=TABLE)

    assert [(each.subproject, each.recipe, each.reason) for each in made.unordered] == [
        ("web", "test", "the branch matches “release/*”, which does not name it")
    ]


def test_tags_are_built_as_their_table_says() -> None:
    made = planned("refs/tags/v1.2", kind="tag", tags={"v*": ("api",)})

    assert (places(made), made.reason) == (["api:build", "api:test"], "api queued: the tag matches “v*”")


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ((None, None), ["api:build", "api:test", "web:test"]),
        (("web", None), ["web:test"]),
        (("api", "test"), ["api:test"]),
        ((None, "test"), ["api:test", "web:test"]),
        (("nobody", None), []),
    ],
)
def test_a_person_gets_what_is_named_on_any_ref(only: tuple[str | None, str | None], expected: list[str]) -> None:
    made = planned("refs/heads/renovate/x", kind="manual", only=only, branches=TABLE)

    assert expected == places(made)


@pytest.mark.parametrize(
    ("ref", "mode", "expected"),
    [
        ("refs/heads/main", None, "queue"),
        ("refs/heads/feature", None, "supersede"),
        ("refs/heads/main", "supersede", "supersede"),
        ("refs/heads/feature", "queue", "queue"),
    ],
)
def test_the_default_branch_queues_and_others_supersede(ref: str, mode: str | None, expected: str) -> None:
    made = planned(ref, on_new_push=mode)

    assert {order.on_new_push for order in made.orders} == {expected}


def test_the_delivery_s_word_on_the_default_branch_counts_before_what_was_known() -> None:
    trigger = make.trigger(ref="refs/heads/trunk", default_branch="trunk")

    made = plan.plan(trigger, project(), default_branch="main", log_cap=1)

    assert {order.on_new_push for order in made.orders} == {"queue"}

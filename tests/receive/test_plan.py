"""plan: which recipes a trigger asks for, and a reason for each that it does not."""

from dataclasses import replace
from typing import Any

import pytest

from ctci.config.settings import Project, Schedule, Subproject
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
        ("refs/heads/main", "parallel", "parallel"),
    ],
)
def test_the_default_branch_queues_and_others_supersede(ref: str, mode: str | None, expected: str) -> None:
    made = planned(ref, on_new_push=mode)

    assert {order.on_new_push for order in made.orders} == {expected}


def test_the_delivery_s_word_on_the_default_branch_counts_before_what_was_known() -> None:
    trigger = make.trigger(ref="refs/heads/trunk", default_branch="trunk")

    made = plan.plan(trigger, project(), default_branch="main", log_cap=1)

    assert {order.on_new_push for order in made.orders} == {"queue"}


@pytest.mark.parametrize(
    ("key", "word", "known", "expected"),
    [
        ("trunk", "dev", "main", "trunk"),
        (None, "dev", "main", "dev"),
        (None, None, "next", "next"),
        (None, None, None, "main"),
    ],
)
def test_the_default_branch_is_the_key_s_then_the_delivery_s_then_what_was_known(
    key: str | None, word: str | None, known: str | None, expected: str
) -> None:
    def mode(branch: str) -> set[str]:
        trigger = make.trigger(ref=f"refs/heads/{branch}", default_branch=word)
        made = plan.plan(trigger, project(default_branch=key), default_branch=known, log_cap=1)
        return {order.on_new_push for order in made.orders}

    found = [branch for branch in ("trunk", "dev", "next", "main") if mode(branch) == {"queue"}]

    assert [expected] == found


def with_needs(**needs: tuple[str, ...]) -> Project:
    recipes = {name: make.recipe(name=name, needs=needed) for name, needed in needs.items()}
    return project(subs={"": Subproject(recipes=recipes)})


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({"lint": (), "test": (), "build": ()}, ["lint", "test", "build"]),
        ({"lint": (), "test": ("build",), "build": ()}, ["lint", "build", "test"]),
        (
            {"deploy": ("test", "lint"), "test": ("build",), "lint": (), "build": ()},
            ["build", "test", "lint", "deploy"],
        ),
        ({"a": ("c",), "b": ("c",), "c": ()}, ["c", "a", "b"]),
        ({"a": ("gone",), "b": ()}, ["a", "b"]),
    ],
)
def test_a_needed_recipe_stands_before_those_that_need_it(
    needs: dict[str, tuple[str, ...]], expected: list[str]
) -> None:
    made = plan.plan(make.trigger(), with_needs(**needs), log_cap=1)

    assert expected == [order.recipe.name for order in made.orders]


def test_a_person_gets_what_the_named_recipe_needs_too() -> None:
    shop = with_needs(deploy=("test",), lint=(), test=("build",), build=())

    made = plan.plan(make.trigger(kind="manual"), shop, log_cap=1, only=(None, "test"))

    assert [order.recipe.name for order in made.orders] == ["build", "test"]
    assert [(each.recipe, each.reason) for each in made.unordered] == [
        ("deploy", "only test was asked for"),
        ("lint", "only test was asked for"),
    ]


def test_a_chain_of_needs_may_be_long() -> None:
    chain = {f"r{number}": (f"r{number + 1}",) for number in range(5000)}

    made = plan.plan(make.trigger(), with_needs(**chain, r5000=()), log_cap=1)

    assert [made.orders[0].recipe.name, made.orders[-1].recipe.name] == ["r5000", "r0"]


def test_an_order_carries_the_paths_of_its_subproject() -> None:
    subs = {"api": replace(API, paths=("services/api/**", "!**/*.md")), "web": WEB}

    made = planned("refs/heads/main", subs=subs)

    assert {order.subproject: order.paths for order in made.orders} == {
        "api": ("services/api/**", "!**/*.md"),
        "web": (),
    }


@pytest.mark.parametrize(("ref", "expected"), [("refs/heads/main", ["push"]), ("refs/tags/v1", ["tag"])])
def test_what_the_sweep_found_is_the_push_or_tag_that_nobody_told_of(ref: str, expected: list[str]) -> None:
    recipes = {name: make.recipe(name=name, on=(name,)) for name in ("push", "tag", "manual")}

    made = planned(ref, kind="sweep", subs={"": Subproject(recipes=recipes)}, tags={"v*": ("",)})

    assert [order.recipe.name for order in made.orders] == expected


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(name="nightly", cron=""), ["api:build", "api:test", "web:test"]),
        (Schedule(name="nightly", cron="", subs=("api",)), ["api:build", "api:test"]),
        (Schedule(name="nightly", cron="", subs=("api",), recipes=("test",)), ["api:test"]),
        (Schedule(name="weekly", cron=""), []),
    ],
)
def test_a_schedule_orders_what_it_names_and_what_names_it(schedule: Schedule, expected: list[str]) -> None:
    named = {
        sub.name: replace(sub, recipes={name: replace(each, on=("nightly",)) for name, each in sub.recipes.items()})
        for sub in (API, WEB)
    }
    trigger = make.trigger(kind="schedule", schedule=schedule.name)

    made = plan.plan(trigger, project(subs=named, schedules={schedule.name: schedule}), log_cap=1)

    assert places(made) == expected
    if not expected:
        assert made.reason == "on = nightly, and this is the schedule weekly"

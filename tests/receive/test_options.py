"""Push options and what orders a recipe: what a push asks for besides its commit."""

import pytest

from ctci.config.settings import Project, Subproject
from ctci.model import Plan, Recipe
from ctci.receive import options, plan
from ctci.run import skips
from tests import make

RECIPES = {
    "api": {
        "build": Recipe(name="build", run="make"),
        "test[py=3.11]": Recipe(name="test[py=3.11]", run="make test", needs=("build",), vars=("LEVEL",)),
        "test[py=3.13]": Recipe(name="test[py=3.13]", run="make test", needs=("build",), vars=("LEVEL",)),
        "fuzz": Recipe(name="fuzz", run="make fuzz", on=("nightly",)),
    },
    "web": {"test": Recipe(name="test", run="npm test", on=("push", "manual"))},
}


def planned(*said: str, kind: str = "push", only: tuple[str | None, str | None] = (None, None)) -> Plan:
    subs = {name: Subproject(name=name, path=name, recipes=recipes) for name, recipes in RECIPES.items()}
    project = Project(name="shop", remote=make.remote(), subs=subs, tags={"v*": ("api", "web")})
    ref = "refs/tags/v1" if kind == "tag" else "refs/heads/main"
    return plan.plan(make.trigger(kind=kind, ref=ref, options=said), project, log_cap=1, only=only)


def places(found: Plan) -> list[str]:
    return [order.place for order in found.orders]


ALL = ["api:build", "api:test[py=3.11]", "api:test[py=3.13]", "web:test"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((), ALL),
        (("ci.only=web",), ["web:test"]),
        (("ci.only=api:build",), ["api:build"]),
        (("ci.only=api/build",), ["api:build"]),
        (("ci.only=api:build, web",), ["api:build", "web:test"]),
        (("ci.only=api:build", "ci.only=web"), ["api:build", "web:test"]),
        # A name alone means it wherever it is, and what its matrix made, with what that needs.
        (("ci.only=test",), ALL),
        (("ci.only=api:test[py=3.11]",), ["api:build", "api:test[py=3.11]"]),
        # Who names it wants it, whatever else orders it.
        (("ci.only=fuzz",), ["api:fuzz"]),
        (("other", "ci.only="), ALL),
    ],
)
def test_only_what_is_named_is_ordered(said: tuple[str, ...], expected: list[str]) -> None:
    assert places(planned(*said)) == expected


def test_a_name_that_is_nobody_s_orders_nothing_and_says_so() -> None:
    found = planned("ci.only=apy")

    assert (found.orders, found.reason) == ((), "nothing is called apy (`-o ci.only=`)")


def test_a_name_that_the_branch_leaves_out_is_told_so_and_not_that_it_is_nobody_s() -> None:
    subs = {name: Subproject(name=name, path=name, recipes=recipes) for name, recipes in RECIPES.items()}
    project = Project(name="shop", remote=make.remote(), subs=subs, branches={"release/*": ("api",)})
    trigger = make.trigger(ref="refs/heads/release/1", options=("ci.only=web,apy",))

    found = plan.plan(trigger, project, log_cap=1)

    assert found.reason == "web and apy: the branch matches “release/*”, which does not name it"


def test_a_person_who_names_what_no_person_orders_is_told_what_orders_it() -> None:
    subs = {"api": Subproject(name="api", recipes={"fuzz": RECIPES["api"]["fuzz"]})}
    project = Project(name="shop", remote=make.remote(), subs=subs)

    found = plan.plan(make.trigger(kind="manual"), project, log_cap=1, only=("api", None))

    assert found.reason == "api: on = nightly, and this is a manual"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("push", ALL), ("manual", ALL), ("tag", ALL[:3])],
)
def test_a_recipe_is_ordered_by_what_it_is_for(kind: str, expected: list[str]) -> None:
    found = planned(kind=kind)

    assert places(found) == expected
    reasons = {each.recipe: each.reason for each in found.unordered}
    assert reasons["fuzz"] == f"on = nightly, and this is a {kind}"


def test_a_person_who_names_a_recipe_gets_it() -> None:
    assert places(planned(kind="manual", only=("api", "fuzz"))) == ["api:fuzz"]


def test_a_variable_reaches_the_recipes_that_declare_it_and_no_other() -> None:
    found = planned("ci.var=LEVEL=3=x", "ci.variable=LEVEL=4", "ci.var=SECRET=1")

    env = {order.place: order.recipe.env for order in found.orders}
    assert env["api:test[py=3.11]"] == {"LEVEL": "4"}
    assert env["api:build"] == {}
    assert "no recipe declares SECRET in its `vars`" in found.reason


@pytest.mark.parametrize("option", ["ci.foo", "ci.wait=yes", "ci.only", "ci.only=", "ci.var", "ci.skip=1", "ci.waits"])
def test_an_option_that_is_written_like_ours_and_is_none_is_told_of(option: str) -> None:
    told = options.remarks((option, option))

    assert told == (f"{option} is not an option (ci.only=, ci.skip, ci.var=, ci.wait)",)


@pytest.mark.parametrize(
    "option",
    ["ci.only=api", "ci.var=A=1", "ci.wait", "ci.skip", "skip-ci", "ci.variable=A=1", "ci.input=a=1", "ci.no_pipeline"],
)
def test_ours_and_gitlabs_options_need_no_word(option: str) -> None:
    assert options.remarks((option, "merge_request.create", "integrations.skip_ci", "topic=x")) == ()


@pytest.mark.parametrize("kind", ["push", "tag"])
@pytest.mark.parametrize("said", [(), ("ci.only=api",), ("ci.skip",), ("merge", "skip-ci")])
def test_what_is_told_as_skipped_is_what_will_be(kind: str, said: tuple[str, ...]) -> None:
    becomes = skips.reason(event=kind, options=said, message="", commit=make.sha())

    assert options.SKIP == skips.OPTIONS
    assert becomes == options.skips(kind, said)


def test_what_is_no_option_of_ours_says_nothing() -> None:
    assert options.variables(("ci.var=", "ci.var=NAME", "ci.var==x", "merge_request.create")) == {}
    assert not options.waits(("ci.waits",))


@pytest.mark.parametrize(("changed", "expected"), [(["api/x.py"], ["api:build"]), (["README"], [])])
def test_changed_files_spare_what_no_filter_lets_through(changed: list[str], expected: list[str]) -> None:
    subs = {
        name: Subproject(name=name, path=name, paths=(f"{name}/**",), recipes={"build": make.recipe(name="build")})
        for name in ("api", "web")
    }
    project = Project(name="shop", remote=make.remote(), subs=subs)

    found = plan.spared(plan.plan(make.trigger(), project, log_cap=1), changed)

    assert places(found) == expected
    assert len(found.orders) + len(found.unordered) == 2
    # What is said of the whole names what is left, and nothing else.
    names = [order.subproject for order in found.orders]
    assert found.reason.startswith(f"{' and '.join(names)} queued: " if names else "nothing is run: ")


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ((None, "api:build"), ["api:build"]),
        (("api/build", None), ["api:build"]),
        (("fuzz", None), ["api:fuzz"]),
        (("web", None), ["web:test"]),
        # Two subprojects have one: which is meant is not known.
        (("test", None), []),
        (("web/build", None), []),
        ((None, "web:build"), []),
        ((None, "build"), ["api:build"]),
    ],
)
def test_a_recipe_is_found_however_its_name_is_joined(only: tuple[str | None, str | None], expected: list[str]) -> None:
    assert expected == places(planned(kind="manual", only=only))

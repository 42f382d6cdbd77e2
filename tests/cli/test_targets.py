import pytest

from ctci import shape
from ctci.cli import nouns, targets
from ctci.cli.targets import Recipes, Target
from tests import make
from tests.test_shape import a_job, a_run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", Target(run=12)),
        ("#12", Target(run=12)),
        ("12/api", Target(run=12, path="api")),
        ("12/api/test", Target(run=12, path="api/test")),
        ("12/api:test", Target(run=12, path="api:test")),
        ("https://ci.example.org/runs/12", Target(run=12)),
        ("https://ci.example.org/ci/runs/12/api/test?from=4#L9", Target(run=12, path="api/test")),
        ("http://127.0.0.1:8484/jobs/31", Target(job=31)),
        ("http://127.0.0.1:8484/jobs/31/log", Target(job=31)),
        ("shop", Target(project="shop")),
        ("shop/api:test", Target(project="shop", path="api:test")),
        ("shop:test", Target(project="shop", path="test")),
        ("https://example.org/", None),
        ("9" * 30, Target(project="9" * 30)),
        ("", None),
        ("a b", None),
    ],
)
def test_a_word_names_a_run_a_job_or_a_project(text: str, expected: Target | None) -> None:
    assert expected == targets.target(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop", (Target(project="shop"), None)),
        ("shop@dev", (Target(project="shop"), "refs/heads/dev")),
        ("shop/api:test@feature/x@2", (Target(project="shop", path="api:test"), "refs/heads/feature/x@2")),
        ("shop@refs/tags/v1", (Target(project="shop"), "refs/tags/v1")),
        ("https://ana@ci.example.org/runs/12", (Target(run=12), None)),
        ("shop@", (None, None)),
        ("@dev", (None, None)),
        ("12@dev", (None, None)),
    ],
)
def test_a_word_may_name_a_ref_too(text: str, expected: tuple[Target | None, str | None]) -> None:
    assert expected == targets.on(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop", Recipes(project="shop", subproject=None, recipe=None)),
        ("shop/api", Recipes(project="shop", subproject="api", recipe=None)),
        ("shop/api:test", Recipes(project="shop", subproject="api", recipe="test")),
        ("shop:test", Recipes(project="shop", subproject=None, recipe="test")),
        ("/api", None),
        ("shop/", None),
        ("shop:", None),
    ],
)
def test_recipes_are_named_by_project_subproject_and_recipe(text: str, expected: Recipes | None) -> None:
    assert expected == targets.recipes(text)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ["api:build", "api:test", "web:test"]),
        ("api", ["api:build", "api:test"]),
        ("api/test", ["api:test"]),
        ("api:test", ["api:test"]),
        ("test", ["api:test", "web:test"]),
        ("docs", []),
    ],
)
def test_a_path_selects_a_place_else_a_subproject_else_a_recipe(path: str, expected: list[str]) -> None:
    jobs = [
        shape.job_(a_job(order=make.order(subproject=sub, recipe=make.recipe(name=recipe))), a_run(), public_url="")
        for sub, recipe in (("api", "build"), ("api", "test"), ("web", "test"))
    ]

    assert expected == [nouns.place(job) for job in targets.select(jobs, path)]


@pytest.mark.parametrize(("text", "expected"), [("main", "refs/heads/main"), ("refs/tags/v1", "refs/tags/v1")])
def test_a_short_ref_is_a_branch(text: str, expected: str) -> None:
    assert expected == targets.ref(text)


@pytest.mark.parametrize(("text", "expected"), [("d_81", 81), ("81", 81), ("shop", None), ("d_x", None)])
def test_a_delivery_is_a_number_with_or_without_its_letter(text: str, expected: int | None) -> None:
    assert expected == targets.delivery(text)

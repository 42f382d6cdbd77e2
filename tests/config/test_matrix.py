"""What is made of a recipe with axes, and what its name means to others."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci import config
from ctci.config import matrix
from ctci.model import Recipe

PROJECT = '[projects.shop]\ngit = "/x"\n[projects.shop.recipes]\n'


def recipes(folder: Path, text: str) -> dict[str, Recipe]:
    (folder / "projects.toml").write_text(PROJECT + text)
    return dict(config.load(folder, {}).projects["shop"].subs[""].recipes)


def test_each_value_makes_a_recipe_that_finds_it_in_its_environment(tmp_path: Path) -> None:
    made = recipes(
        tmp_path, 'test = { run = "t", env = { A = "1" }, matrix = { py = ["3.11", "3.13"] } }\nlint = "l"\n'
    )

    assert list(made) == ["test[py=3.11]", "test[py=3.13]", "lint"]
    assert made["test[py=3.13]"].env == {"A": "1", "MATRIX_PY": "3.13"}
    assert (made["test[py=3.13]"].name, made["test[py=3.13]"].run) == ("test[py=3.13]", "t")


def test_several_axes_make_all_combinations_in_the_order_of_the_file(tmp_path: Path) -> None:
    made = recipes(tmp_path, 'test = { run = "t", matrix = { os-name = ["b", "a"], py = ["2", "1"] } }\n')

    assert list(made) == [f"test[os-name={os},py={py}]" for os in "ba" for py in "21"]
    assert made["test[os-name=a,py=2]"].env == {"MATRIX_OS_NAME": "a", "MATRIX_PY": "2"}


def test_one_text_is_an_axis_of_one(tmp_path: Path) -> None:
    assert list(recipes(tmp_path, 'test = { run = "t", matrix = { py = "3.11" } }\n')) == ["test[py=3.11]"]


def test_to_need_it_is_to_need_all_of_it_and_one_can_be_named(tmp_path: Path) -> None:
    made = recipes(
        tmp_path,
        """
test = { run = "t", matrix = { py = ["1", "2"] }, needs = ["build"] }
build = { run = "b", matrix = { arch = ["x", "y"] } }
all = { run = "a", needs = ["test"] }
one = { run = "o", needs = ["test[py=2]", "build"] }
""",
    )

    assert made["test[py=1]"].needs == ("build[arch=x]", "build[arch=y]")
    assert made["all"].needs == ("test[py=1]", "test[py=2]")
    assert made["one"].needs == ("test[py=2]", "build[arch=x]", "build[arch=y]")


def test_a_schedule_names_all_of_it_or_one(tmp_path: Path) -> None:
    (tmp_path / "projects.toml").write_text(
        f"""{PROJECT}test = {{ run = "t", matrix = {{ py = ["1", "2"] }} }}
lint = "l"
[projects.shop.schedules]
all = {{ at = "02:30", recipes = ["test"] }}
one = {{ at = "02:30", recipes = ["lint", "test[py=2]"] }}
"""
    )

    schedules = config.load(tmp_path, {}).projects["shop"].schedules

    assert schedules["all"].recipes == ("test[py=1]", "test[py=2]")
    assert schedules["one"].recipes == ("lint", "test[py=2]")


@pytest.mark.parametrize(("count", "good"), [(50, True), (51, False)])
def test_fifty_are_the_most(tmp_path: Path, count: int, good: bool) -> None:
    values = ", ".join(f'"{number}"' for number in range(count))
    (tmp_path / "projects.toml").write_text(f'{PROJECT}test = {{ run = "t", matrix = {{ n = [{values}] }} }}\n')

    found, problems = config.check(tmp_path, {})

    assert (found is not None) == good
    assert [each.code for each in problems] == ([] if good else ["C103"])


@pytest.mark.parametrize("value", ["3.11", "postgres:16", "a b", "größe", "a/b", "-", "(x)", "'"])
def test_a_recipe_can_be_named_after_it(value: str) -> None:
    assert matrix.value_fault(value) is None


@pytest.mark.parametrize("value", ["", " a", "a ", "a]", "[a", "a,b", "a=b", "a\n", "a\x00", "\u202e", "x" * 65])
def test_a_recipe_cannot_be_named_after_it(value: str) -> None:
    assert matrix.value_fault(value) is not None


axes = st.dictionaries(
    st.sampled_from(["a", "b", "py"]),
    st.lists(st.sampled_from(["1", "2", "3.10"]), min_size=1, max_size=3, unique=True),
    min_size=1,
    max_size=3,
)


@given(axes)
def test_there_are_as_many_as_the_product_and_no_two_are_alike(given_axes: dict[str, list[str]]) -> None:
    made = matrix.expand(
        {"t": Recipe(name="t", run="t"), "u": Recipe(name="u", run="u", needs=("t",))}, {"t": given_axes}
    )

    cells = [recipe for name, recipe in made.items() if name != "u"]
    assert len(cells) == matrix.size(given_axes) == len({tuple(sorted(each.env.items())) for each in cells})
    assert [tuple(each.env.values()) for each in cells] == list(itertools.product(*given_axes.values()))
    assert made["u"].needs == matrix.named("t", made) == tuple(each.name for each in cells)

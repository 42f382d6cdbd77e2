"""What is laid over what, for every key that several tables may have: held against the plainest reading of the rule."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import config
from ctci.config import keys
from ctci.model import Recipe

#: Key -> what may stand there, and what the recipe has then.
CHOICES: dict[str, tuple[str, list[tuple[Any, Any]]]] = {
    "timeout": ("timeout_s", [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("2d", 172800)]),
    "shell": ("shell", [("sh -e", "sh -e"), ("bash -euo pipefail", "bash -euo pipefail"), ("zsh", "zsh")]),
    "nice": ("nice", [(0, 0), (7, 7), (19, 19)]),
    "retries": ("retries", [(0, 0), (1, 1), (10, 10)]),
    "on-interrupt": ("on_interrupt", [("fail", "fail"), ("retry", "retry")]),
    "sandbox": (
        "sandbox",
        [({"mode": "pid"}, "pid"), ({"mode": "none"}, "none"), ({}, None), ({"network": True}, None)],
    ),
}
NAMES = ("A", "B", "C")
some_env = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["1", "2", "x y", 'quo"te']), max_size=3)
some_pass = st.lists(st.sampled_from(["PIP_INDEX_URL", "HTTPS_PROXY", "LC_ALL"]), max_size=3)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """The job keys of one table: any of them, each with what it takes."""
    found: dict[str, Any] = {}
    for key, (_, values) in CHOICES.items():
        if draw(st.booleans()):
            found[key] = draw(st.sampled_from(values))[0]
    if draw(st.booleans()):
        found["env"] = draw(some_env)
    if draw(st.booleans()):
        found["env-pass"] = draw(some_pass)
    return found


def toml(table: dict[str, Any]) -> str:
    def value(each: object) -> str:
        if isinstance(each, dict):
            return "{ " + ", ".join(f"{key} = {value(one)}" for key, one in each.items()) + " }"
        return json.dumps(each)

    return "".join(f"{key} = {value(each)}\n" for key, each in table.items())


def slow(levels: list[dict[str, Any]]) -> dict[str, object]:
    """Ask for each key from the inside out; `env` and `env-pass` add up from the outside in."""
    found: dict[str, object] = {}
    for key, (field, values) in CHOICES.items():
        meant = [
            said
            for level in reversed(levels)
            for said in [next((result for written, result in values if key in level and written == level[key]), None)]
            if said is not None
        ]
        found[field] = meant[0] if meant else getattr(Recipe(name="", run=""), field)
    env: dict[str, str] = {}
    passed: list[str] = []
    for level in levels:
        for name in level.get("env", {}):
            env[name] = level["env"][name]
        for name in level.get("env-pass", []):
            if name not in passed:
                passed.append(name)
    found["env"] = env
    found["env_pass"] = tuple(passed)
    return found


def test_every_job_key_in_force_is_among_them() -> None:
    assert {name for name, key in keys.JOB.items() if not key.later} == {*CHOICES, "env", "env-pass"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("precedence")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(levels=st.lists(tables(), min_size=4, max_size=4), subs=st.booleans(), each=st.booleans())
def test_the_innermost_table_that_has_a_key_wins(
    folder: Path, levels: list[dict[str, Any]], *, subs: bool, each: bool
) -> None:
    defaults, project, sub, recipe = levels
    kind, hole = ("each", "{name}") if each else ("projects", "shop")
    text = f'[defaults]\n{toml(defaults)}[{kind}.shop]\ngit = "/srv/git/{hole}.git"\n{toml(project)}'
    place = f"{kind}.shop"
    if subs:
        place = f"{place}.sub.api"
        text += f'[{place}]\npath = "api"\n{toml(sub)}'
    text += f'[{place}.recipes.test]\nrun = "true"\n{toml(recipe)}'
    (folder / "projects.toml").write_text(text)

    found = config.load(folder, {}, resolve=False)

    made = found.each["shop"].named("shop") if each else found.projects["shop"]
    got = made.subs["api" if subs else ""].recipes["test"]
    expected = slow([defaults, project, sub, recipe] if subs else [defaults, project, recipe])
    assert expected == {field: getattr(got, field) for field in expected}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    levels=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "notify": st.lists(st.sampled_from(["team", "ops"]), max_size=2, unique=True),
                "on-new-push": st.sampled_from(keys.ON_NEW_PUSH),
                "submodules": st.booleans(),
                "keep": st.fixed_dictionaries({}, optional={"runs": st.integers(1, 9), "days": st.integers(1, 9)}),
            },
        ),
        min_size=2,
        max_size=2,
    )
)
def test_a_project_goes_before_the_defaults_key_by_key(folder: Path, levels: list[dict[str, Any]]) -> None:
    defaults, project = levels
    text = f'[notify.team]\n[notify.ops]\n[defaults]\n{toml(defaults)}[projects.shop]\ngit = "/x"\n{toml(project)}'
    (folder / "projects.toml").write_text(f'{text}recipes.test = "true"\n')

    found = config.load(folder, {}, resolve=False).projects["shop"]

    both = {**defaults, **project}
    kept = {"runs": 300, "days": 90, **defaults.get("keep", {}), **project.get("keep", {})}
    assert tuple(both.get("notify", ())) == found.notify
    assert both.get("on-new-push") == found.on_new_push
    assert both.get("submodules", False) == found.remote.submodules
    assert kept == {"runs": found.keep.runs, "days": found.keep.days}

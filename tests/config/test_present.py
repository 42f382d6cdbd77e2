"""Whether a place is still there, and whether anything but a person builds it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ctci import config
from ctci.config.settings import Schedule
from tests import make

MAIN, DEV, TAG = "refs/heads/main", "refs/heads/dev", "refs/tags/v1"


def schedules(**fields: Any) -> Mapping[str, Schedule]:
    return {"nightly": Schedule(name="nightly", cron="30 2 * * *", **fields)}


@pytest.mark.parametrize(
    ("subproject", "recipe", "there"), [("api", "test", True), ("api", "lint", False), ("core", "test", False)]
)
def test_a_place_is_there_while_its_project_has_its_recipe(subproject: str, recipe: str, there: bool) -> None:
    order = make.order(subproject=subproject, recipe=make.recipe(name=recipe))
    made = config.Config(
        projects={"shop": make.project()}, notify={}, server=config.Server(), folder=Path("/nonexistent")
    )

    assert config.configured(make.project(), subproject, recipe) is there
    assert config.ordered(made, order) is there
    assert not config.configured(None, subproject, recipe)


@pytest.mark.parametrize(
    ("ref", "fields", "built"),
    [
        (DEV, {}, True),
        (TAG, {}, False),
        (TAG, {"tags": {"v*": ("api",)}}, True),
        (DEV, {"branches": {"main": ("api",)}}, False),
        (DEV, {"branches": {"**": ("web",), "dev": ()}}, False),
        (DEV, {"branches": {"**": ("web", "api")}}, True),
        (MAIN, {"branches": {}, "schedules": schedules()}, True),
        (DEV, {"branches": {}, "schedules": schedules()}, False),
        (DEV, {"branches": {}, "schedules": schedules(branches=("d*",))}, True),
        (TAG, {"branches": {}, "schedules": schedules(branches=("**",))}, False),
        (MAIN, {"branches": {}, "schedules": schedules(subs=("web",))}, False),
    ],
)
def test_a_place_is_built_where_a_push_or_a_schedule_builds_it(
    ref: str, fields: Mapping[str, Any], built: bool
) -> None:
    assert config.built(make.project(**fields), ref, "api", MAIN) is built

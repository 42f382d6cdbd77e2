"""Who is told: the tables that a project names, each address once."""

from pathlib import Path
from typing import Any

import pytest

from ctci.config.settings import Config, Each, Notify, Server
from ctci.model import Verdict
from ctci.report import receivers
from tests import make

TEAM = Notify(name="team", email=("ana@example.org", "bo@example.org"))


def configured(**fields: Any) -> Config:
    return Config(**{"projects": {}, "notify": {"team": TEAM}, "server": Server(), "folder": Path(), **fields})


def broke(**fields: Any) -> Verdict:
    return Verdict(job=make.job(order=make.order(**fields)), run=make.run(), word="broke", change=True)


def test_an_address_in_two_groups_is_told_once() -> None:
    notify = {"team": TEAM, "ops": Notify(name="ops", email=("Bo@example.org", "cy@example.org"))}
    project = make.project(notify=("team", "ops", "gone"))
    made = configured(projects={"shop": project}, notify=notify)

    told = [each.to for each in receivers.at_once(made, broke())]

    assert told == ["team:ana@example.org", "team:bo@example.org", "ops:cy@example.org"]
    assert receivers.told_of(made, "other") == ()


def test_of_what_is_configured_no_more_nobody_is_told() -> None:
    made = configured(projects={"shop": make.project()})

    told = [receivers.at_once(made, broke(**now)) for now in ({}, {"subproject": "core"}, {"project": "blog"})]

    assert [bool(each) for each in told] == [True, False, False]


def test_an_address_that_one_group_must_not_write_to_is_told_by_the_next() -> None:
    notify = {"team": TEAM, "ops": Notify(name="ops", email=("Bo@example.org",))}
    project = make.project(notify=("team", "ops"))
    made = configured(projects={"shop": project}, notify=notify)

    told = receivers.at_once(made, broke(), lambda _, found, __: found.to != "team:bo@example.org")

    assert [each.to for each in told] == ["team:ana@example.org", "ops:Bo@example.org"]


def test_an_address_is_found_however_it_is_written() -> None:
    assert receivers.find(configured(), "team:ANA@example.org") == (
        TEAM,
        receivers.Receiver(notify="team", address="ANA@example.org"),
    )


def test_of_two_organisations_with_a_repository_of_one_name_its_own_people_are_told() -> None:
    each = {
        name: Each(
            name=name,
            project=make.project(
                name="", remote=make.remote(url=f"https://git.example.org/{name}/{{name}}.git"), notify=(name,)
            ),
        )
        for name in ("one", "two")
    }
    notify = {name: Notify(name=name, email=(f"{name}@example.org",)) for name in each}
    made = configured(notify=notify, each=each)

    theirs = broke(remote=make.remote(url="https://git.example.org/two/shop.git"))

    assert [found.to for found in receivers.at_once(made, theirs)] == ["two:two@example.org"]


@pytest.mark.parametrize(
    ("only", "told"),
    [
        ((), True),
        (("shop",), True),
        (("shop/api",), True),
        (("shop/web",), False),
        (("shop@main",), True),
        (("shop/api@dev",), False),
        (("web", "shop@main"), True),
        (("shop/",), False),
    ],
)
def test_a_filter_names_projects_subprojects_and_branches(only: tuple[str, ...], told: bool) -> None:
    assert receivers.is_of(only, "shop", "api", "main") is told


@pytest.mark.parametrize("to", ["team:eve@example.org", "ops:ana@example.org", "team", ""])
def test_who_is_in_no_table_is_not_found(to: str) -> None:
    assert receivers.find(configured(), to) is None


def test_an_author_is_found_by_the_end_of_the_address() -> None:
    table = Notify(name="team", authors=("@example.org",))
    made = configured(notify={"team": table})

    assert receivers.find(made, "team:eve@example.org") == (
        table,
        receivers.Receiver(notify="team", address="eve@example.org"),
    )
    assert receivers.find(made, "team:eve@example.net") is None


def test_a_whole_address_lets_no_longer_one_through() -> None:
    made = configured(notify={"team": Notify(name="team", authors=("ana@example.org",))})

    assert receivers.find(made, "team:ana@example.org") is not None
    assert receivers.find(made, "team:banana@example.org") is None

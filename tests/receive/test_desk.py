"""The desk: what is asked is planned by the configuration of now and written down."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ctci import ledger
from ctci.config.settings import Config, Project, Server, Subproject
from ctci.model import Ignored, Recorded, Status, Trigger
from ctci.receive import desk
from tests import make


def config(**fields: Any) -> Config:
    recipes = {"test": make.recipe(), "lint": make.recipe(name="lint")}
    project = Project(
        **{
            "name": "shop",
            "remote": make.remote(url="https://git.example.org/acme/shop.git"),
            "subs": {"api": Subproject(name="api", recipes=recipes)},
            **fields,
        }
    )
    return Config(projects={"shop": project}, notify={}, server=Server(), folder=Path("config"))


def received(db: ledger.Ledger, *items: Trigger | Ignored, **fields: Any) -> tuple[Recorded, ...]:
    settings = config(**fields)
    return desk.receive(db, settings, settings.projects["shop"], forge="gitea", event="push", key="d1", items=items)


def test_a_push_is_recorded_with_the_project_s_own_address(db: ledger.Ledger) -> None:
    (made,) = received(db, make.trigger(project="", repository="Acme/Shop"))

    assert made.decision == "queued"
    assert made.run is not None
    assert {job.order.remote.url for job in ledger.jobs_of(db, [made.run])[made.run]} == {
        "https://git.example.org/acme/shop.git"
    }


@pytest.mark.parametrize("name", ["acme/other", "evil/acme/shop", "shop/acme", "cme/shop"])
def test_a_call_about_another_repository_is_ignored_naming_both(db: ledger.Ledger, name: str) -> None:
    (made,) = received(db, make.trigger(repository=name))

    assert made.decision == "ignored"
    assert made.reason == f"the call is about {name}, and shop is configured at https://git.example.org/acme/shop.git"


def test_an_address_is_told_without_its_password() -> None:
    assert desk.shown("https://bo:geheim@git.example.org/x.git") == "https://git.example.org/x.git"


def test_what_a_forge_ignores_keeps_its_reason(db: ledger.Ledger) -> None:
    (made,) = received(db, Ignored(reason="ping: connected"))

    assert (made.decision, made.reason, made.run) == ("ignored", "ping: connected", None)


def test_a_wish_runs_what_it_names(db: ledger.Ledger) -> None:
    made = desk.request(db, config(), project="shop", subproject="api", recipe="lint", by="ana")

    assert made.run is not None
    run = ledger.run(db, made.run)
    assert run is not None
    assert [place for _, place in made.jobs] == ["api:lint"]
    assert (run.kind, run.ref, run.pusher) == ("manual", "refs/heads/main", "ana")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"project": "shopp"}, "there is no project shopp; configured: shop"),
        ({"project": "shop", "recipe": "fuzz"}, "nothing is called fuzz; shop has api:test, api:lint"),
    ],
)
def test_a_wish_for_what_is_not_there_says_what_is(db: ledger.Ledger, wish: dict[str, str], message: str) -> None:
    with pytest.raises(desk.DeskError) as error:
        desk.request(db, config(), by="ana", **wish)

    assert str(error.value) == message


def test_a_rerun_has_the_same_orders_and_stands_where_the_first_stood(db: ledger.Ledger, host: int) -> None:
    first = make.settled(db, host, Status.FAILED)

    made = desk.rerun(db, first, by="ana")

    assert made.run is not None
    again = ledger.run(db, made.run)
    assert again is not None
    old, new = ledger.jobs_of(db, [first])[first], ledger.jobs_of(db, [made.run])[made.run]
    assert [job.order for job in old] == [job.order for job in new]
    assert (again.kind, again.rerun_of) == ("rerun", first)


def test_a_rerun_of_nothing_says_so(db: ledger.Ledger) -> None:
    with pytest.raises(desk.DeskError, match="there is no run #12"):
        desk.rerun(db, 12, by="ana")


def test_one_call_to_two_projects_is_built_by_both(db: ledger.Ledger) -> None:
    settings = config()
    other = replace(settings.projects["shop"], name="mirror")
    trigger = make.trigger(project="")

    made = [
        desk.receive(db, settings, project, forge="gitea", event="push", key="d1", items=(trigger,))[0].decision
        for project in (settings.projects["shop"], other)
    ]

    assert made == ["queued", "queued"]

"""The desk: what is asked is planned by the configuration of now and written down."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ctci import ledger
from ctci.config.settings import Config, Project, Server, Subproject
from ctci.model import Ignored, Recorded, Status, Trigger
from ctci.receive import desk, whose
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
    assert whose.shown("https://bo:geheim@git.example.org/x.git") == "https://git.example.org/x.git"


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
        ({"project": "shop", "recipe": "fuzz"}, "nothing is called fuzz; there is shop/api:test, shop/api:lint"),
    ],
)
def test_a_wish_for_what_is_not_there_says_what_is(db: ledger.Ledger, wish: dict[str, str], message: str) -> None:
    with pytest.raises(desk.DeskError) as error:
        desk.request(db, config(), by="ana", project=wish["project"], recipe=wish.get("recipe"))

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


def ended(db: ledger.Ledger, host: int, *statuses: Status, needs: tuple[tuple[str, ...], ...] = ()) -> int:
    """A run whose recipes r0, r1, … ended so; what is None was skipped by what it needs."""
    orders = tuple(
        make.order(recipe=make.recipe(name=f"r{number}", needs=needs[number] if needs else ()))
        for number in range(len(statuses))
    )
    run = make.prepared(db, orders=orders)
    for _ in statuses:
        claimed = ledger.claim(db, host=host, slot=1, boot_id="boot")
        if claimed is None:
            break
        job = claimed[0]
        ledger.begin(db, job=job.id, attempt=1, host=host)
        status = statuses[int(job.order.recipe.name[1:])]
        ledger.settle(db, job=job.id, attempt=1, host=host, status=status, reason=None, exit=None)
    return run


def places(db: ledger.Ledger, made: Recorded) -> list[str]:
    assert made.run is not None
    return [job.order.recipe.name for job in ledger.jobs_of(db, [made.run])[made.run]]


def test_only_what_failed_is_run_again(db: ledger.Ledger, host: int) -> None:
    run = ended(
        db, host, Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.ERRORED, Status.CANCELLED, Status.SUCCEEDED
    )

    made = desk.rerun(db, run, by="ana", failed=True)

    assert places(db, made) == ["r1", "r2", "r3", "r4"]
    assert made.reason == f"#{run} again, what failed, with the same recipes: asked for by ana"


def test_what_was_skipped_for_a_failure_is_run_again_with_it(db: ledger.Ledger, host: int) -> None:
    needs = ((), ("r0",), ("r1",), ())
    run = ended(db, host, Status.FAILED, Status.SKIPPED, Status.SKIPPED, Status.SUCCEEDED, needs=needs)

    assert places(db, desk.rerun(db, run, by="ana", failed=True)) == ["r0", "r1", "r2"]


def test_where_nothing_failed_or_nothing_has_ended_there_is_nothing_to_run_again(db: ledger.Ledger, host: int) -> None:
    green = ended(db, host, Status.SUCCEEDED)
    fresh = make.recorded(db, trigger=make.trigger(ref="refs/heads/fresh"))

    with pytest.raises(desk.DeskError, match=f"nothing failed in #{green}; without --failed all of it is run again"):
        desk.rerun(db, green, by="ana", failed=True)
    with pytest.raises(desk.DeskError, match=f"#{fresh} has not ended yet"):
        desk.rerun(db, fresh, by="ana", failed=True)


def test_by_the_recipes_of_now_a_push_is_planned_anew(db: ledger.Ledger, host: int) -> None:
    run = ended(db, host, Status.FAILED)

    made = desk.rerun(db, run, by="ana", current=config())
    with pytest.raises(desk.DeskError, match=r"nothing to run for #1; without --current it runs as then"):
        desk.rerun(db, run, by="bo", current=config(branches={"main": ()}))

    assert places(db, made) == ["test", "lint"]
    assert made.reason == f"#{run} again, by the recipes of now: asked for by ana"


def test_by_the_recipes_of_now_a_wish_stays_what_was_wished(db: ledger.Ledger) -> None:
    wished = desk.request(db, config(), project="shop", subproject="api", recipe="lint", by="ana")
    assert wished.run is not None

    made = desk.rerun(db, wished.run, by="ana", current=config())

    assert places(db, made) == ["lint"]


def test_a_wish_for_a_recipe_runs_what_it_needs_before_it(db: ledger.Ledger) -> None:
    recipes = {name: make.recipe(name=name, needs=needs) for name, needs in (("a", ()), ("b", ("a",)), ("c", ("b",)))}

    made = desk.request(
        db, config(subs={"api": Subproject(name="api", recipes=recipes)}), project="shop", recipe="b", by="ana"
    )

    assert places(db, made) == ["a", "b"]


def test_the_default_branch_is_the_key_s_before_what_was_learnt(db: ledger.Ledger) -> None:
    made = desk.request(db, config(default_branch="trunk"), project="shop", by="ana")

    assert made.ref == "refs/heads/trunk"

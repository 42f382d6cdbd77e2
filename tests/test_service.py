"""What the roof says of itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from ctci import config, layout, ledger
from ctci.config.settings import Config, Project, Server
from ctci.run.capacity import Floor
from ctci.run.containment import Containment
from ctci.service import Service
from tests import make


@pytest.fixture
def service(db: ledger.Ledger, place: layout.Layout) -> Service:
    settings = Config(projects={}, notify={}, server=Server(disk_floor=0, max_jobs=3), folder=Path("config"))
    current = config.Current(lambda: settings)
    return Service(db=db, layout=place, current=current, floor=Floor(place, current), containment=kept_in(), host=1)


def kept_in(fault: str | None = None) -> Containment:
    return Containment(
        keeper_fault=fault, space_fault="unshare: No space left on device", cgroups=None, cgroups_fault="none"
    )


def test_what_jobs_are_kept_in_is_told_and_is_no_fault_while_they_can_run(service: Service) -> None:
    said = service.ready()

    assert said["ok"]
    assert (
        said["containment"] == "subreaper, no cgroup.kill (none), no PID namespaces (unshare: No space left on device)"
    )
    assert (said["max"], said["slots"], said["peak"], said["running"], said["queued"]) == (3, 3, 0, 0, 0)


def test_where_no_job_can_run_the_server_is_not_ready(service: Service) -> None:
    service.containment = kept_in(fault="the command cannot be started: no python")

    said = service.ready()

    assert (said["ok"], said["reasons"]) == (
        False,
        ["no job can run: the command cannot be started: no python"],
    )


def test_a_message_that_does_not_go_is_told_and_keeps_nothing_from_running(service: Service, db: ledger.Ledger) -> None:
    make.unsent(db, make.recorded(db), error="550 <cy@example.org>: no such user")

    said = service.ready()

    assert (said["ok"], said["warnings"]) == (True, ["1 message is held up: 550 <c…@example.org>: no such user"])


def test_a_fault_is_told_by_what_it_is_of(service: Service) -> None:
    service.begin("courier", lambda _: None)
    service.parts[0].thread.join(5)
    service.current.error = config.ConfigError(())

    said = service.ready()

    assert said["faults"] == {
        "loops": ["the courier loop has ended"],
        "configuration": [f"the last reload failed, the configuration before it is in force: {service.current.error}"],
    }
    assert len(list(said["reasons"])) == 2  # type: ignore[call-overload]


def test_a_draining_server_says_so(service: Service) -> None:
    done: list[bool] = []

    service.drain(lambda: done.append(True))

    assert "draining" in str(service.ready()["reasons"])
    service.stop.set()


def test_a_letter_is_told_of_its_own_project_s_webhook_and_of_what_is_wrong_with_all(
    service: Service, db: ledger.Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects = {name: Project(name=name, remote=make.remote(), subs={}) for name in ("shop", "blog")}
    settings = replace(service.current.get(), projects=projects)
    monkeypatch.setattr(service.current, "get", lambda: settings)
    service.current.error = config.ConfigError(())
    for name in projects:
        make.recorded(db, project=name, trigger=make.trigger(project=name))
        make.recorded(db, project=name, forge="ctci", event="sweep", trigger=make.trigger(project=name, kind="sweep"))

    broken, silent = service.remarks("shop")

    assert "the last change of the configuration is refused" in broken
    assert "the webhook of shop has been silent since" in silent

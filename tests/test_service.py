"""What the roof says of itself."""

from pathlib import Path

import pytest

from ctci import config, layout, ledger
from ctci.config.settings import Config, Server
from ctci.run.capacity import Floor
from ctci.run.containment import Containment
from ctci.service import Service


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
    assert (said["slots"], said["peak"], said["running"], said["queued"]) == (3, 0, 0, 0)


def test_where_no_job_can_run_the_server_is_not_ready(service: Service) -> None:
    service.containment = kept_in(fault="the command cannot be started: no python")

    said = service.ready()

    assert (said["ok"], said["reasons"]) == (
        False,
        ["no job can run: the command cannot be started: no python"],
    )


def test_a_draining_server_says_so(service: Service) -> None:
    done: list[bool] = []

    service.drain(lambda: done.append(True))

    assert "draining" in str(service.ready()["reasons"])
    service.stop.set()

"""/metrics: read by Prometheus' own parser, and held to names, types, help and labels."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

import ctci
from ctci import ledger
from ctci.config.problems import ConfigError
from ctci.config.settings import Schedule
from ctci.model import Owed, Status
from tests import make
from tests.web.site import Site

PLACE = ("project", "subproject", "recipe")
#: Name -> its type, and the labels of what it tells.
FAMILIES = {
    "ctci_build_info": ("gauge", ("version",)),
    "ctci_runs_total": ("counter", ("project", "event", "status")),
    "ctci_jobs_total": ("counter", (*PLACE, "status")),
    "ctci_jobs_errored_total": ("counter", ("project",)),
    "ctci_job_duration_seconds": ("histogram", PLACE),
    "ctci_queue_wait_seconds": ("histogram", ("project",)),
    "ctci_jobs": ("gauge", ("state",)),
    "ctci_executor_slots": ("gauge", ("state",)),
    "ctci_webhook_deliveries_total": ("counter", ("project", "forge", "result")),
    "ctci_forge_status_posts_total": ("counter", ("forge", "result")),
    "ctci_notifications_total": ("counter", ("channel", "kind", "result")),
    "ctci_last_success_timestamp_seconds": ("gauge", ("project", "branch", "subproject")),
    "ctci_schedule_next_timestamp_seconds": ("gauge", ("project", "schedule")),
    "ctci_schedule_missed_total": ("counter", ("project", "schedule")),
    "ctci_branch_broken": ("gauge", ("project", "branch")),
    "ctci_config_last_reload_success": ("gauge", ()),
    "ctci_data_bytes": ("gauge", ("kind",)),
    "ctci_disk_free_bytes": ("gauge", ()),
    "ctci_disk_size_bytes": ("gauge", ()),
    "ctci_disk_floor_bytes": ("gauge", ()),
}


def asked(site: Site) -> str:
    """The text of the answer."""
    answer = site.get("/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def read(text: str) -> dict[str, Metric]:
    """Name -> family; a counter by its whole name."""
    found: dict[str, Metric] = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert name not in found
        found[name] = family
    return found


def values(site: Site, name: str) -> dict[tuple[str, ...], float]:
    """The values of a family by their labels, as FAMILIES has their order; of a histogram its counts."""
    family = read(asked(site))[name]
    kind, labels = FAMILIES[name]
    end = "_count" if kind == "histogram" else ""
    return {
        tuple(sample.labels.get(label, "") for label in labels): sample.value
        for sample in family.samples
        if sample.name == name + end
    }


def lived(site: Site, host: int) -> None:
    """A site where something of everything has happened."""
    db = site.db
    nightly = Schedule(
        name="nightly", cron="30 2 * * *", timezone="Europe/Berlin", branches=("main", "release/1", "x*")
    )
    shop = replace(
        site.settings.projects["shop"],
        schedules={"nightly": nightly},
        remote=make.remote(url="https://github.com/acme/shop.git"),
    )
    site.settings = replace(site.settings, projects={**site.settings.projects, "shop": shop})
    make.settled(db, host)
    site.clock.move(60)
    for status in (Status.FAILED, Status.ERRORED):
        make.settled(db, host, status)
    make.settled(db, host, trigger=make.trigger(ref="refs/heads/release/1"))
    make.prepared(db)
    make.running(db, host)
    ledger.refuse(db, project="guess", forge="github", event="push", key="k", reason="no")
    lost = replace(make.entry(forge="ctci", event="missed", orders=()), trigger=None, missed=("nightly", 2))
    ledger.record(db, [lost])
    for sink, to in (("mail", "team:ana@example.org"), ("digest", "team:ana@example.org"), ("status", "shop/3f2a/api")):
        ledger.owe(db, sink=sink, owed=[Owed(key=f"{sink}/1", to=to, run=0, due=1)])
        ledger.sent(db, ledger.take(db, sink, holder="me", hold_ms=1000), holder="me")
    site.busy, site.sizes = 1, {"ledger": 4096, "logs": 12}


def test_everything_is_told_by_its_name_type_and_labels_with_a_sentence(site: Site, host: int) -> None:
    lived(site, host)

    found = read(asked(site))

    assert {name: family.type for name, family in found.items()} == {name: kind for name, (kind, _) in FAMILIES.items()}
    for name, family in found.items():
        assert family.documentation.endswith("."), name
        assert family.samples, name
        assert {frozenset(sample.labels) - {"le"} for sample in family.samples} == {frozenset(FAMILIES[name][1])}, name


def test_what_is_told_is_what_has_happened(site: Site, host: int) -> None:
    lived(site, host)

    at = site.clock.at / 1000
    expected: dict[str, dict[tuple[str, ...], float]] = {
        "ctci_build_info": {(ctci.__version__,): 1},
        "ctci_runs_total": {
            ("shop", "push", "succeeded"): 2,
            ("shop", "push", "failed"): 1,
            ("shop", "push", "errored"): 1,
        },
        "ctci_jobs_errored_total": {("shop",): 1, ("dotfiles",): 0},
        "ctci_job_duration_seconds": {("shop", "api", "test"): 3},
        "ctci_queue_wait_seconds": {("shop",): 5},
        "ctci_jobs": {("queued",): 0, ("running",): 1},
        "ctci_executor_slots": {("busy",): 1, ("idle",): 0},
        "ctci_webhook_deliveries_total": {("shop", "gitea", "queued"): 5, ("", "github", "refused"): 1},
        "ctci_forge_status_posts_total": {("github", "sent"): 1},
        "ctci_notifications_total": {("mail", "at_once", "sent"): 1, ("mail", "digest", "sent"): 1},
        "ctci_last_success_timestamp_seconds": {("shop", "main", "api"): at - 60, ("shop", "release/1", "api"): at},
        "ctci_branch_broken": {("shop", "main"): 1, ("shop", "release/1"): 0},
        "ctci_schedule_missed_total": {("shop", "nightly"): 2},
        "ctci_config_last_reload_success": {(): 1},
        "ctci_data_bytes": {("ledger",): 4096, ("logs",): 12},
        "ctci_disk_floor_bytes": {(): 1 << 30},
    }
    assert {name: values(site, name) for name in expected} == expected
    (next_at,) = values(site, "ctci_schedule_next_timestamp_seconds").values()
    assert 0 < next_at - at <= 86400


def test_the_buckets_of_a_histogram_add_up(site: Site, db: ledger.Ledger, host: int) -> None:
    for seconds in (0.5, 1.0, 7.0, 8.0, 100_000.0):
        make.prepared(db)
        job, _ = make.running(db, host)
        ended = make.exit_(seconds=seconds)
        ledger.settle(db, job=job.id, attempt=job.attempt, host=host, status=Status.SUCCEEDED, reason=None, exit=ended)

    samples = read(asked(site))["ctci_job_duration_seconds"].samples

    told = {sample.labels["le"]: sample.value for sample in samples if "le" in sample.labels}
    rest = {sample.name: sample.value for sample in samples if "le" not in sample.labels}
    ends = ("1.0", "2.0", "5.0", "10.0", "30.0", "3600.0", "14400.0", "+Inf")
    assert [told[end] for end in ends] == [2, 2, 2, 4, 4, 4, 4, 5]
    assert sorted(told.values()) == list(told.values())
    assert rest == {"ctci_job_duration_seconds_count": 5, "ctci_job_duration_seconds_sum": 100_016.5}


def test_nothing_that_a_push_can_name_becomes_a_label(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    before = asked(site).count("\n")
    for number in range(5):
        name = f'x{number}"}} 1\nctci_evil{{a="\\'
        for branch in (f"refs/heads/{name}", f"refs/tags/{name}"):
            trigger = make.trigger(ref=branch, pusher=name, key=name + branch)
            orders = (make.order(), make.order(subproject=name), make.order(recipe=make.recipe(name=name)))
            make.settled(db, host, trigger=trigger, orders=tuple(replace(each, ref=branch) for each in orders))
        make.settled(db, host, trigger=make.trigger(project=name), orders=(make.order(project=name),))
        ledger.refuse(db, project=name, forge="unknown", event=name, key=name, reason=name)

    text = asked(site)

    # A kind of run that was not there before, and the calls that were refused.
    assert text.count("\n") - before <= 2
    assert "evil" not in text
    assert "x1" not in text
    assert read(text).keys() == FAMILIES.keys()


def test_a_refused_reload_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.current, "error", ConfigError(()))

    assert values(site, "ctci_config_last_reload_success") == {(): 0}


def test_it_costs_the_ledger_the_same_however_much_there_is(site: Site, db: ledger.Ledger, host: int) -> None:
    few = site.reads("/metrics")
    for number in range(5):
        make.settled(db, host, orders=(make.order(), make.order(subproject=f"s{number}")))
        ledger.refuse(db, project="shop", forge=f"f{number}", event="push", key="k", reason="no")

    assert site.reads("/metrics") == few


def test_no_history_is_walked_for_it(site: Site, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    asked: list[tuple[str, tuple[object, ...]]] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))

    site.get("/metrics")

    with db.read() as connection:
        reads = [each for each in asked if each[0].startswith("SELECT")]
        plans = [
            row[3] for each in reads for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {each[0]}", each[1])
        ]
    # What has an entry for each run, job or branch is looked up, by an index that has those that are asked for alone.
    assert {plan for plan in plans if plan.startswith("SCAN ") and " USING " not in plan} == {"SCAN projects"}


def test_they_are_for_who_may_see_pages(site: Site) -> None:
    site.listen(listen="0.0.0.0:8484")

    assert (site.get("/metrics").status, site.get("/metrics", unix=True).status) == (401, 200)


def test_promtool_finds_nothing_to_say(site: Site, host: int) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (apt-get install prometheus)")
    lived(site, host)

    said = subprocess.run(
        [promtool, "check", "metrics"], input=asked(site), capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stdout + said.stderr) == (0, "")

"""The dashboard and the alerts that come with the documentation: they ask for what there is, and the alerts ring."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.web.test_metrics import FAMILIES

GRAFANA = Path(__file__).parents[1] / "docs" / "grafana"
CHAPTER = GRAFANA.parent / "monitoring.md"
#: Each alert with what is told before and after, and the labels that it rings with; none: it stays silent.
STORIES = """
rule_files: [{rules}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'ctci_schedule_missed_total{{project="shop", schedule="nightly"}}'
        values: '0x10 1x200'
      - series: 'ctci_schedule_missed_total{{project="shop", schedule="weekly"}}'
        values: '3x210'
      - series: 'ctci_jobs_errored_total{{project="shop"}}'
        values: '2x10 3x200'
      - series: 'ctci_jobs_errored_total{{project="tools"}}'
        values: '7x210'
      - series: ctci_disk_free_bytes
        values: '10x100 3x110'
      - series: ctci_disk_floor_bytes
        values: '2x210'
    alert_rule_test:
      - {{eval_time: 5m, alertname: CtciScheduleMissed}}
      - eval_time: 20m
        alertname: CtciScheduleMissed
        exp_alerts: [{{exp_labels: {{severity: warning, project: shop, schedule: nightly}}}}]
      - {{eval_time: 5m, alertname: CtciJobsErrored}}
      - eval_time: 20m
        alertname: CtciJobsErrored
        exp_alerts: [{{exp_labels: {{severity: warning, project: shop}}}}]
      - {{eval_time: 120m, alertname: CtciJobsErrored}}
      - {{eval_time: 90m, alertname: CtciDiskFull}}
      - eval_time: 120m
        alertname: CtciDiskFull
        exp_alerts: [{{exp_labels: {{severity: warning}}}}]
"""


def named(text: str) -> set[str]:
    """The families that a text asks for."""
    return {re.sub("_(bucket|count|sum)$", "", each) for each in re.findall(r"\bctci_[a-z_]+", text)}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool (apt-get install prometheus)")
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=False)


def test_the_dashboard_asks_for_all_that_there_is_and_for_nothing_else() -> None:
    board = json.loads((GRAFANA / "dashboard.json").read_text())

    asked = named(" ".join(target["expr"] for panel in board["panels"] for target in panel["targets"]))
    # What an alert and a line of the free room need is no curve.
    assert FAMILIES.keys() - asked == {"ctci_disk_size_bytes", "ctci_disk_floor_bytes"}
    assert asked <= FAMILIES.keys()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_alerts_ask_for_what_there_is() -> None:
    asked = named((GRAFANA / "alerts.yml").read_text())

    assert asked
    assert asked <= FAMILIES.keys()


def test_the_chapter_tells_of_every_metric_with_its_labels() -> None:
    rows = re.findall(r"^\| (`ctci_.*?) \| (.*?) \|", CHAPTER.read_text(), re.MULTILINE)

    told = {
        name: tuple(re.findall(r"`(\w+)`", labels.partition(":")[0]))
        for names, labels in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    assert told == {name: labels for name, (_, labels) in FAMILIES.items()}


def test_promtool_finds_no_fault_with_the_alerts_and_they_ring_when_they_should(tmp_path: Path) -> None:
    # Without what they say: that is for people.
    rules = re.sub(r"\n +annotations:\n +summary:.*\n +description:.*", "", (GRAFANA / "alerts.yml").read_text())
    (tmp_path / "rules.yml").write_text(rules)
    (tmp_path / "stories.yml").write_text(STORIES.format(rules="rules.yml"))

    checked = promtool("check", "rules", str(GRAFANA / "alerts.yml"))
    rung = promtool("test", "rules", str(tmp_path / "stories.yml"))

    assert (checked.returncode, "3 rules found" in checked.stdout) == (0, True)
    assert (rung.returncode, rung.stderr) == (0, "")

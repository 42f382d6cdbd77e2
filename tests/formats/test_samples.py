"""What tools wrote is kept as they wrote it, and the table of samples tells how each was made."""

import re

import pytest

from tests.formats import logs, throwing

TABLE = throwing.SAMPLES.joinpath("README.md").read_text()
#: sample -> tool, version, command, `run` or `shaped`
ROWS = {
    name: tuple(cells)
    for name, *cells in re.findall(
        r"^\| (\S+/\S+) \| (.*?) \| (?:(.*?) )?\| (.*) \| (run|shaped) \|$", TABLE, re.MULTILINE
    )
}
KINDS = ("logs", "junit", "sarif")
#: What a path of somebody's machine begins with.
MACHINES = ("/root/", "/home/", "/srv/", "/work/", "/opt/", "/mnt/", "/Users/")


def test_each_sample_stands_in_the_table_of_samples() -> None:
    samples = sorted(f"{kind}/{path.name}" for kind in KINDS for path in throwing.SAMPLES.joinpath(kind).iterdir())

    assert samples == sorted(ROWS)
    assert TABLE.count("| run |") + TABLE.count("| shaped |") == len(ROWS)


def test_what_was_run_tells_its_version_and_its_command() -> None:
    run = {name: row for name, row in ROWS.items() if row[3] == "run"}

    assert [name for name, (_, version, command, _) in run.items() if not version or command[:1] != "`"] == []
    assert {f"logs/{name}.txt" for name in logs.NAMES} - set(run) == {"logs/annotations.txt"}
    assert len({row[0] for name, row in run.items() if name.startswith("logs/")}) >= 30


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row[3] == "run"])
def test_no_sample_tells_of_the_machine_it_was_made_on(name: str) -> None:
    said = throwing.SAMPLES.joinpath(name).read_text(errors="replace")

    assert [each for each in MACHINES if re.search(rf"(?<![\w.]){each}", said)] == []

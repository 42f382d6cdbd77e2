"""`ctci mcp`, a process of its own, spoken to by the SDK's own client."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from ctci import layout, ledger
from ctci.cli import root
from tests.mcp import story

PROJECTS = """\
[projects.shop]
git = "/srv/git/shop.git"
[projects.shop.sub.api]
path = "services/api"
recipes.test = "make test"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("stdio")
    (made / "projects.toml").write_text(PROJECTS)
    return made


@pytest.fixture(scope="module")
def db(folder: Path) -> Iterator[ledger.Ledger]:
    opened = story.tell(layout.at(folder / "data"))
    yield opened
    opened.close()


def talk(folder: Path, *options: str) -> tuple[list[str], Any, Any]:
    """(the tools, the failures of run 2, what running it again came to)."""

    async def main() -> tuple[list[str], Any, Any]:
        command = ["-m", "ctci", "--config", str(folder), "--data-dir", str(folder / "data"), "mcp", *options]
        environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"}
        server = StdioServerParameters(command=sys.executable, args=command, env=environ)
        async with Client(server) as client:
            tools = await client.list_tools()
            failures = await client.call_tool("get_failures", {"of": "shop@main"})
            again = await client.call_tool("rerun", {"run": 2})
            return [each.name for each in tools.tools], failures, again

    return anyio.run(main)


def test_an_agent_of_this_machine_reads_and_changes_nothing(folder: Path, db: ledger.Ledger) -> None:
    before = len(ledger.runs_(db))

    names, failures, again = talk(folder)

    assert failures.structured_content["failures"][0]["culprit"]["sha"] == story.CULPRIT
    assert "get_failures" in names
    assert "rerun" not in names
    assert again.is_error
    assert len(ledger.runs_(db)) == before


def test_an_agent_that_may_runs_again_and_is_written_down(folder: Path, db: ledger.Ledger) -> None:
    names, _, again = talk(folder, "--allow-trigger")

    assert {"trigger_run", "rerun", "cancel"} <= set(names)
    assert again.structured_content["runs"][0]["run"] == ledger.runs_(db)[0].id
    deed = ledger.deeds(db)[0]
    assert (deed.did, deed.via, deed.who.endswith(" through an agent")) == ("ran #2 again", "command line", True)


def test_without_the_extra_the_verb_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)

    code = root.call(["--config", str(folder), "mcp"])

    assert code == 2
    assert "pip install 'ctci[mcp]'" in capsys.readouterr().err

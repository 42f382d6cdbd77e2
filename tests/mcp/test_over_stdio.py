"""`ctci mcp`, a process of its own, spoken to by the SDK's own client."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from ctci import layout, ledger
from ctci.cli import root, session
from ctci.model import Tier
from tests.mcp import story
from tests.web.site import Site

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


#: The failures of a branch; and what running a red run again comes to.
CALLS = (("get_failures", {"of": "shop@main"}), ("rerun", {"run": 2}))


def talk(folder: Path, *options: str) -> Any:
    """(the tools, what the two CALLS came to) of an agent on this machine."""
    return ask(folder, ("--config", str(folder), "--data-dir", str(folder / "data"), "mcp", *options))


def ask(home: Path, arguments: Sequence[str], calls: Sequence[tuple[str, Any]] = CALLS, **more: str) -> Any:
    """(the tools, what the calls came to) of whatever ctci is started with."""

    async def main() -> Any:
        command = ["-m", "ctci", *arguments]
        environ = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", **more}
        server = StdioServerParameters(command=sys.executable, args=command, env=environ)
        async with Client(server) as client:
            tools = await client.list_tools()
            results = [await client.call_tool(name, given) for name, given in calls]
            return [each.name for each in tools.tools], *results

    return anyio.run(main)


def test_an_agent_of_this_machine_reads_and_changes_nothing(folder: Path, db: ledger.Ledger) -> None:
    before = len(ledger.runs_(db))

    names, failures, again = talk(folder)

    # One call, from what broke to the commit that did it.
    assert failures.structured_content["failures"][0]["culprit"]["sha"] == story.CULPRIT
    assert len(failures.model_dump_json(by_alias=True).encode()) <= 32 << 10
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


def test_an_agent_asks_a_server_elsewhere_what_its_token_may_see(site: Site, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{site.port}"
    secret = {each: story.token(site, each) for each in (Tier.READ, Tier.TRIGGER)}
    before = len(ledger.runs_(site.db))

    read = ask(tmp_path, ("--server", address, "mcp"), CTCI_TOKEN=secret[Tier.TRIGGER])
    allowed = ("mcp", "--server", address, "--allow-trigger")
    told = ask(tmp_path, allowed, CTCI_TOKEN=secret[Tier.TRIGGER])
    hidden = ask(tmp_path, ("--server", address, "mcp"), CTCI_TOKEN=story.token(site, Tier.READ, "dotfiles"))

    assert read[1].structured_content["failures"][0]["culprit"]["sha"] == story.CULPRIT
    assert ("rerun" in read[0], read[2].is_error) == (False, True)
    assert told[2].structured_content["runs"][0]["run"] == ledger.runs_(site.db)[0].id
    assert len(ledger.runs_(site.db)) == before + 1
    assert ledger.deeds(site.db)[0].who.startswith("token trigger")
    again = {"project": "shop", "subprojects": ["api"], "reason": "once", "idempotency_key": "one-two"}
    twice = [
        ask(tmp_path, allowed, (("trigger_run", again),), CTCI_TOKEN=secret[Tier.TRIGGER])[1].structured_content["runs"]
        for _ in range(2)
    ]
    assert [each["run"] for each in twice[0]] == [each["run"] for each in twice[1]]
    assert len(ledger.runs_(site.db)) == before + 2
    assert hidden[1].is_error
    assert story.CULPRIT not in str(hidden)


@pytest.mark.parametrize(
    ("given", "options", "code", "said"),
    [
        ("ctci_read_nobody", (), session.FORBIDDEN, "token"),
        ("", ("--allow-trigger",), session.FORBIDDEN, "tier trigger"),
        (None, (), session.AWAY, "cannot be reached"),
    ],
)
def test_a_server_that_will_not_answer_is_said_before_an_agent_asks(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str | None,
    options: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CTCI_TOKEN", given or story.token(site, Tier.READ))
    address = "http://127.0.0.1:9" if given is None else f"http://127.0.0.1:{site.port}"

    found = root.call(["--server", address, "mcp", *options])

    assert (found, said in capsys.readouterr().err) == (code, True)


def test_without_the_extra_the_verb_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)

    code = root.call(["--config", str(folder), "mcp"])

    assert code == 2
    assert "pip install 'ctci[mcp]'" in capsys.readouterr().err

"""The manual page and the description of the API, as they are printed."""

import json
import shutil
import subprocess

import pytest

from ctci.cli import manual, root
from tests.cli.calling import Caller


def test_the_manual_names_every_verb_option_and_exit_code() -> None:
    page = manual.page().replace("\\-", "-")

    assert set() == {name for name in root.ALL if f'.SS "ctci {name}' not in page}
    assert all(
        word in page for word in ("--server URL", "CTCI_TOKEN", "client.toml", "125 errored", "--grep", "token new")
    )


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_finds_no_fault_in_the_manual(ctci: Caller) -> None:
    said = ctci.process("man")

    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-rLL=78n"], input=said.stdout, capture_output=True, check=True, timeout=30
    )
    assert (said.returncode, done.stderr) == (0, b"")
    assert "Everything about one run." in done.stdout.decode()


def test_the_api_is_described_without_a_server(ctci: Caller) -> None:
    told = json.loads(ctci("openapi").out)

    assert (told["openapi"], told["servers"]) == ("3.1.0", [{"url": "http://127.0.0.1:8484/api/v1"}])
    assert "/runs/{run}" in told["paths"]

"""Fixtures only."""

from pathlib import Path

import pytest

from ctci import layout
from tests.cli.calling import Caller


@pytest.fixture
def ctci(
    tmp_path: Path, place: layout.Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Caller:
    """The command line on the data folder `place`, with a project `shop` of two recipes in `api`."""
    for name in ("CTCI_CONFIG_DIR", "CTCI_DATA_DIR", "CONFIGURATION_DIRECTORY", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    caller = Caller(tmp_path, place, capsys)
    caller.configure(
        """
        [projects.shop]
        git = "/srv/git/acme/shop.git"

        [projects.shop.sub.api]
        path = "services/api"
        recipes.build = "make"
        recipes.test = { run = "make test", timeout = "15m" }
        """
    )
    return caller

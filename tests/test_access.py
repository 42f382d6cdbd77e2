"""What opens a remote: references of the configuration, resolved when they are used."""

import os
from pathlib import Path

import pytest

from ctci import access, config, ledger
from ctci.config.settings import Config, Server
from ctci.layout import Layout
from ctci.model import SecretRef, Status
from ctci.run.prepare import Prepare
from tests import make

REMOTE = make.remote(url="https://git.example.org/shop.git", token=SecretRef(kind="file", name="token"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The configuration's folder, with a token that is no text."""
    (tmp_path / "token").write_bytes(b"tok\xe9n\n")
    (tmp_path / "token").chmod(0o600)
    return tmp_path


def test_a_token_that_is_no_text_is_said_to_be_none_and_not_shown(folder: Path, place: Layout) -> None:
    with pytest.raises(config.SecretError) as raised:
        access.access(REMOTE, folder, os.environ, place)

    assert str(raised.value) == "the token in file token is no UTF-8 text"
    assert raised.value.__suppress_context__


def test_a_run_whose_token_is_no_text_is_errored_with_the_reason(
    db: ledger.Ledger, folder: Path, place: Layout
) -> None:
    current = config.Current(lambda: Config(projects={}, notify={}, server=Server(), folder=folder))
    run = make.recorded(db, orders=(make.order(remote=REMOTE),))

    Prepare(db, place, current, os.environ).tick()

    (job,) = ledger.jobs_of(db, [run])[run]
    assert (job.status, job.reason) == (Status.ERRORED, "the token in file token is no UTF-8 text")

"""Fixtures of the git room: a real remote, and the path of a mirror that is not there yet."""

from pathlib import Path

import pytest

from ctci import git
from tests.upstream import Upstream


@pytest.fixture(autouse=True)
def _libgit2() -> None:
    git.setup()


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return tmp_path / "mirrors" / "shop.git"

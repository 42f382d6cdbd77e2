"""Fixtures of the web room."""

from collections.abc import Iterator

import pytest

from ctci import config, layout, ledger
from ctci.config.settings import Config, Project, Server, Subproject
from tests import make
from tests.conftest import StoppedClock
from tests.web.site import Site, serving


@pytest.fixture
def site(
    db: ledger.Ledger, place: layout.Layout, stopped_clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """A server with the projects shop (api:test) and dotfiles (test)."""
    api = Subproject(name="api", path="services/api", recipes={"test": make.recipe()})
    alone = Subproject(recipes={"test": make.recipe()})
    projects = {
        "shop": Project(name="shop", remote=make.remote(), subs={"api": api}),
        "dotfiles": Project(name="dotfiles", remote=make.remote(), subs={"": alone}),
    }
    made = Site(db, place, stopped_clock, Config(projects=projects, notify={}, server=Server(), folder=place.data))
    # The snapshot of each request, so that a test may change the settings without a reload.
    monkeypatch.setattr(config.Current, "get", lambda _: made.settings)
    with serving(made):
        yield made

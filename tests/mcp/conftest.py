"""A server with the story that an agent is asked about."""

from collections.abc import Iterator

import pytest

from ctci import layout
from ctci.config.settings import Config, Project, Server, Subproject
from tests import make
from tests.conftest import StoppedClock
from tests.mcp import story
from tests.web.site import Site, serving


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = layout.at(tmp_path_factory.mktemp("agents") / "data")
    db = story.tell(place)
    api = Subproject(name="api", path="services/api", recipes={"test": make.recipe()})
    alone = Subproject(recipes={"test": make.recipe()})
    projects = {
        "shop": Project(name="shop", remote=make.remote(), subs={"api": api}),
        "dotfiles": Project(name="dotfiles", remote=make.remote(), subs={"": alone}),
    }
    settings = Config(projects=projects, notify={}, server=Server(), folder=place.data)
    made = Site(db, place, StoppedClock(), settings)
    with serving(made):
        yield made
    db.close()

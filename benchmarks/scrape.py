"""What one look at /metrics takes on a ledger of 100,000 jobs, with 20 projects of five recipes each.

Run: python -m benchmarks.scrape. The promise: at most 50 ms.
"""

import tempfile
import time
from pathlib import Path

from starlette.requests import Request

from benchmarks.upkeep import filled
from ctci import config, layout, ledger
from ctci.config.settings import Config, Project, Schedule, Server, Subproject
from ctci.ledger import totals
from ctci.model import BUCKETS_S, Recipe, Remote, Total
from ctci.web import app, metrics
from ctci.web.doors import Doors

PROJECTS, RECIPES, LOOKS = 20, 5, 20


def _settings(folder: Path) -> Config:
    recipes = {f"r{number}": Recipe(name=f"r{number}", run="make") for number in range(RECIPES)}
    nightly = Schedule(name="nightly", cron="0 2 * * *", timezone="Europe/Berlin")
    projects = {
        name: Project(
            name=name,
            remote=Remote(url=f"/srv/git/{name}.git"),
            subs={"api": Subproject(name="api", recipes=recipes)},
            schedules={"nightly": nightly},
        )
        for name in ("shop", *(f"p{number}" for number in range(1, PROJECTS)))
    }
    return Config(projects=projects, notify={}, server=Server(), folder=folder)


def _count(db: ledger.Ledger, settings: Config) -> None:
    """Every total that there can be of the jobs that were run."""
    with db.write() as connection:
        for project in settings.projects:
            for recipe in settings.projects[project].subs["api"].recipes:
                for status in ("succeeded", "failed", "timed_out"):
                    for end in BUCKETS_S:
                        labels = (project, "api", recipe, status)
                        totals.add(connection, Total(name="jobs", labels=labels, bucket=end, times=7, ms=7000))


def main() -> None:
    """Print the best and the middle one."""
    with tempfile.TemporaryDirectory() as folder:
        place = layout.at(Path(folder))
        db = filled(place.ledger)
        settings = _settings(place.data)
        _count(db, settings)
        doors = Doors(
            db=db,
            layout=place,
            current=config.Current(lambda: settings),
            environ={},
            ready=dict,
            remarks=lambda _: (),
            stopping=lambda: False,
            busy=lambda: 0,
            sizes=dict,
        )
        request = Request({"type": "http", "app": app.build(doors), "headers": []})
        took = []
        for _ in range(LOOKS):
            began = time.perf_counter()
            answer = metrics.metrics(request)
            took.append((time.perf_counter() - began) * 1000)
        db.close()
    # The first one imports what the others have.
    took = sorted(took[1:])
    print(f"{len(bytes(answer.body).splitlines())} lines: best {took[0]:.1f} ms, middle {took[len(took) // 2]:.1f} ms")


if __name__ == "__main__":
    main()

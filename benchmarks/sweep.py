"""What the sweep of 200 projects costs where nothing is new; under 10 s and 0.5 % of a core are the aims.

Run: python -m benchmarks.sweep
"""

import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from ctci import config, git, layout, ledger
from ctci.config.settings import SWEEP_S, Config, Project, Server, Subproject
from ctci.model import Recipe, Remote
from ctci.receive.asking import Asking
from ctci.receive.sweep import GRACE_S, TICK_S, Sweep
from tests.inline import Inline

PROJECTS = 200
BRANCHES = 20
ROUNDS = 5


def repositories(folder: Path) -> list[Path]:
    """Bare repositories with some branches and one commit."""
    made = []
    for number in range(PROJECTS):
        path = folder / f"r{number}.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(path)], check=True)
        tree = _git(path, "write-tree")
        who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
        commit = _git(path, *who, "commit-tree", tree, "-m", "First")
        for branch in range(BRANCHES):
            (path / "refs" / "heads" / (f"b{branch}" if branch else "main")).write_text(f"{commit}\n")
        made.append(path)
    return made


def _git(path: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(path), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def main() -> None:
    """Prints the time of a round of looks, and its share of a core over the interval between two."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        subs = {"": Subproject(recipes={"test": Recipe(name="test", run="true")})}
        projects = {
            path.stem: Project(name=path.stem, remote=Remote(url=str(path)), subs=subs) for path in repositories(folder)
        }
        settings = Config(projects=projects, notify={}, server=Server(), folder=folder)
        place = layout.at(folder / "data")
        place.data.mkdir()
        db = ledger.open_ledger(place.ledger)
        git.setup()
        asking = Asking(layout=place, environ=os.environ)
        # All are due at each tick; what is seen for the first time is noted at the second look.
        eager = {name: replace(project, sweep_s=0) for name, project in projects.items()}
        sweep = Sweep(db, config.Current(lambda: replace(settings, projects=eager)), asking)
        for _ in range(3):
            sweep.tick(Inline())
        round_s, round_cpu = measured(sweep)
        calm = Sweep(db, config.Current(lambda: settings), asking)
        for _ in range(2):
            calm.tick(Inline())
        _, tick_cpu = measured(calm)
        db.close()
    between = (SWEEP_S - GRACE_S) / 1.2
    print(f"{PROJECTS} projects of {BRANCHES} branches, nothing new: {round_s:.2f} s a round, one after the other")
    print(f"CPU {round_cpu:.2f} s a round, one in {between:.0f} s, and {1000 * tick_cpu:.2f} ms each {TICK_S:.0f} s:")
    print(f"{100 * (round_cpu / between + tick_cpu / TICK_S):.3f} % of a core")


def measured(sweep: Sweep) -> tuple[float, float]:
    """The best wall time and CPU time of a tick, seconds."""
    walls, cpus = [], []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        sweep.tick(Inline())
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


if __name__ == "__main__":
    main()

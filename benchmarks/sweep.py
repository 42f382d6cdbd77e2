"""What the sweep of 200 projects costs where nothing is new; under 10 s and 0.5 % of a core are the aims.

Run: python -m benchmarks.sweep
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from ctci import config, git, layout, ledger
from ctci.config.settings import SWEEP_S, Config, Project, Server, Subproject
from ctci.model import Recipe, Remote
from ctci.receive.asking import Asking
from ctci.receive.sweep import TICK_S, Sweep

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
        sweep = Sweep(db, config.Current(lambda: settings), Asking(layout=place, environ=os.environ))
        # What is seen for the first time is noted at the second look.
        for _ in range(2):
            for project in projects.values():
                sweep.look(project)
        walls, cpus = [], []
        for _ in range(ROUNDS):
            wall, cpu = time.perf_counter(), time.process_time()
            for project in projects.values():
                sweep.look(project)
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        cpu = time.process_time()
        for _ in range(ROUNDS):
            sweep.due()
        tick = (time.process_time() - cpu) / ROUNDS
        db.close()
    print(f"{PROJECTS} projects of {BRANCHES} branches, nothing new: {min(walls):.2f} s a round, one after the other")
    whole = min(cpus) + tick * SWEEP_S / TICK_S
    print(f"CPU {min(cpus):.2f} s a round, {1000 * tick:.2f} ms to see what is due, each {TICK_S:.0f} s:")
    print(f"{100 * whole / SWEEP_S:.3f} % of a core over {SWEEP_S} s")


if __name__ == "__main__":
    main()

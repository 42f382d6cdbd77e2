"""Retention: what `keep` no longer keeps goes, in portions, each with its folders and pins."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ctci import clock, git, layout, ledger
from ctci.config.settings import Config, Keep, Project, Server, Subproject
from ctci.model import Owed, Remote
from ctci.run import daily, tidy
from tests import make
from tests.conftest import StoppedClock
from tests.upstream import Upstream


def test_old_runs_go_a_portion_at_a_time_with_their_folders_and_pins(
    db: ledger.Ledger, host: int, place: layout.Layout, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidy, "AT_ONCE", 3)
    forgotten: list[int] = []
    forget = ledger.forget

    def counted(db: ledger.Ledger, some: Sequence[int]) -> tuple[int, ...]:
        forgotten.append(len(some))
        return forget(db, some)

    monkeypatch.setattr(ledger, "forget", counted)
    git.setup()
    sha = upstream.push({"a": "1"})
    mirror, access = place.mirror("shop"), git.Access(url=str(upstream.path))
    git.fetch(mirror, access, commit=sha, ref="refs/heads/main", deadline_s=20, stop=lambda: False)
    for number in range(1, 10):
        make.settled(db, host)
        git.pin(mirror, number, sha)
        place.attempt(number, 1).mkdir(parents=True)
    project = Project(
        name="shop",
        remote=Remote(url=str(upstream.path)),
        keep=Keep(runs=2),
        subs={"": Subproject(recipes={"test": make.recipe()})},
    )
    settings = Config(projects={"shop": project}, notify={}, server=Server(), folder=Path("config"))

    gone = tidy.tidy(db, place, settings)

    assert (gone, forgotten) == ((7, 7), [3, 3, 1])
    assert [run.id for run in ledger.runs_(db)] == [9, 8]
    assert sorted(path.name for path in place.jobs.iterdir()) == ["8", "9"]
    assert git.pinned(mirror) == {8, 9}


def test_what_was_told_of_no_run_is_forgotten_after_90_days_but_for_the_last(
    db: ledger.Ledger, place: layout.Layout, stopped_clock: StoppedClock
) -> None:
    now = clock.now()
    ages = {"old": 91, "kept": 89, "last": 0}
    for name, days in ages.items():
        due = now - days * daily.DAY_MS
        ledger.owe(db, sink="digest", owed=[Owed(key=name, to="team:ana@example.org", due=due, state="quiet")])
    stopped_clock.move(1)

    tidy.tidy(db, place, Config(projects={}, notify={}, server=Server(), folder=Path("config")))

    assert [each.key for each in ledger.sendings_(db)] == ["last", "kept"]

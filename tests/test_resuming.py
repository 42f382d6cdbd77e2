"""A ledger that was put back goes on from there: what ran in the time between is not done again, nor is a hook blamed.

The restore is whole; git and both ledgers are real; the clock is moved by hand.
"""

from pathlib import Path

import pytest

from ctci import ledger, restoring
from ctci.layout import Layout
from ctci.receive import sweep
from tests import blank
from tests.conftest import StoppedClock
from tests.receive.test_nightly import Night, at
from tests.receive.test_sweep import INTERVAL_S, Watchman
from tests.upstream import Upstream


def put_back(db: ledger.Ledger, place: Layout, copy: Path) -> ledger.Ledger:
    """The copy, in the place of a ledger that nobody serves any more."""
    db.close()
    restoring.restore(place, copy, by="ana")
    return ledger.open_ledger(place.ledger)


def test_what_fired_after_the_copy_was_made_does_not_fire_again(
    place: Layout, stopped_clock: StoppedClock, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.push({"test.sh": "true"})
    stopped_clock.at = at("2026-11-24 01:50")
    night = Night(blank.opened(place.ledger), place, stopped_clock, upstream.path)
    night.goes_to("2026-11-24 01:55")
    ledger.back_up(night.db, tmp_path / "copy.db")
    night.goes_to("2026-11-24 02:30")
    fired = night.nominal()
    stopped_clock.at = at("2026-11-24 02:40")

    night.db = put_back(night.db, place, tmp_path / "copy.db")
    night.begin()
    night.goes_to("2026-11-24 02:41")
    again = night.nominal()
    night.goes_to("2026-11-25 02:30")

    assert (fired, again, night.nominal()) == (["2026-11-24T02:30+01:00"], [], ["2026-11-25T02:30+01:00"])
    night.pool.shutdown()
    night.db.close()


def test_what_was_pushed_after_the_copy_was_made_is_built_and_its_hook_not_blamed(
    place: Layout, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    watch = Watchman(blank.opened(place.ledger), place, upstream, monkeypatch)
    first = upstream.push({"a": "1"})
    watch.hook(None, first)
    ledger.back_up(watch.db, tmp_path / "copy.db")
    second = upstream.push({"a": "2"})
    watch.hook(first, second)

    watch.db = put_back(watch.db, place, tmp_path / "copy.db")
    watch.begin()
    watch.passes(2 * INTERVAL_S)
    watch.prepares()
    found = (watch.runs[-1].kind, watch.runs[-1].after, sweep.silences(watch.db, watch.settings()))
    # From here on it is silent indeed.
    upstream.push({"a": "3"})
    watch.passes(2 * INTERVAL_S)

    assert found == ("sweep", second, ())
    assert [each.missed for each in sweep.silences(watch.db, watch.settings())] == [1]
    assert "put back from a copy" in next(each.reason for each in watch.told if each.event == "restore")
    watch.db.close()

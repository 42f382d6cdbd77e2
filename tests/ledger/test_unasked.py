"""What nobody called for, as it is asked for later."""

from typing import Any

import pytest
from sqlalchemy import event

from ctci import ledger
from ctci.model import Entry
from ctci.receive import cron


def of(project: str, schedule: str, number: int, *, what: str = "schedule") -> Entry:
    """What became of one nominal time, without a run."""
    key = cron.schedule_key(project, schedule, cron.Nominal(at=number, key=f"{number}"))
    return Entry(project=project, forge="ctci", event=what, key=key, reason="")


def test_no_schedule_hides_what_became_of_another_and_nothing_hides_what_was_missed(db: ledger.Ledger) -> None:
    rest = [of("shop", "nightly", 0), of("blog", "often", 0), of("blog", "often", 1, what="missed")]
    ledger.record(db, [*rest, *(of("blog", "often", number) for number in range(2, 200))])

    told = ledger.fired(db, after=0, each=3)
    of_shop = ledger.fired(db, after=0, within={"shop"}, each=3)

    assert [each.delivery.key.partition(":")[2] for each in told] == [
        *(f"blog/often@{number}" for number in (199, 198, 197, 1)),
        "shop/nightly@0",
    ]
    assert [each.delivery.project for each in of_shop] == ["shop"]


def test_what_became_of_schedules_is_found_without_a_walk_through_all_calls(db: ledger.Ledger) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("this plan is SQLite's")
    asked: list[tuple[str, Any]] = []

    def listen(*heard: Any) -> None:
        asked.append((heard[2], heard[3]))

    event.listen(db.engine, "before_cursor_execute", listen)
    ledger.fired(db, after=0)
    event.remove(db.engine, "before_cursor_execute", listen)
    statement, parameters = next(each for each in asked if each[0].startswith("SELECT"))
    with db.read() as connection:
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]

    assert any("USING INDEX deliveries_timed (at>?)" in step for step in plan)
    assert not [step for step in plan if step.startswith("SCAN deliveries")]

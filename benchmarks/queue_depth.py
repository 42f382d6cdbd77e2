"""What a claim and a settle cost with 10,000 jobs queued, against 100: `python -m benchmarks.queue_depth`.

Prints milliseconds and the ratio, measured in turns in one run. The promise is a ratio of at most 1.5.
"""

import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import update

from ctci import ledger
from ctci.ledger.engine import now_ms
from ctci.ledger.tables import jobs, runs
from ctci.model import Entry, Exit, Order, Recipe, Remote, Status, Trigger

DEPTHS = (100, 10_000)
ROUNDS, EACH = 12, 25


def filled(path: Path, depth: int) -> ledger.Ledger:
    """A ledger with so many jobs queued and prepared: ten projects, a lock on each tenth."""
    db = ledger.open_ledger(path)
    for start in range(0, depth, 500):
        ledger.record(db, [entry(number) for number in range(start, min(depth, start + 500))])
    with db.write() as connection:
        connection.execute(update(runs).values(prepared_at=now_ms(), commit="1" * 40))
        connection.execute(update(jobs).values(waiting=0))
        connection.exec_driver_sql("ANALYZE")
    return db


def entry(number: int) -> Entry:
    """One push with one job."""
    project, ref = f"p{number % 10}", f"refs/heads/b{number}"
    recipe = Recipe(name="test", run="make test", lock=f"lock{number}" if number % 10 == 3 else None)
    order = Order(
        project=project,
        subproject="",
        directory=".",
        ref=ref,
        recipe=recipe,
        remote=Remote(url="/srv/git/x.git"),
        on_new_push="queue",
    )
    trigger = Trigger(kind="push", key=f"k{number}", project=project, ref=ref, after=f"{number:040x}")
    return Entry(
        project=project, forge="gitea", event="push", key=f"k{number}", reason="test", trigger=trigger, orders=(order,)
    )


def cost_ms(db: ledger.Ledger, host: int) -> float:
    """Milliseconds of one claim, begin and settle, over EACH of them; the queue is as deep afterwards."""
    taken = []
    began = time.perf_counter()
    for _ in range(EACH):
        claimed = ledger.claim(db, host=host, slot=1, boot_id="b")
        assert claimed is not None
        job, _run = claimed
        ledger.begin(db, job=job.id, attempt=job.attempt, host=host)
        ledger.settle(
            db,
            job=job.id,
            attempt=job.attempt,
            host=host,
            status=Status.SUCCEEDED,
            reason=None,
            exit=Exit(how="exit", code=0),
        )
        taken.append(job.id)
    spent = time.perf_counter() - began
    with db.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id.in_(taken)).values(status=Status.QUEUED, finished_at=None))
    return spent / EACH * 1000


def main() -> None:
    """Measure in turns, so that what else the machine does falls on both."""
    with tempfile.TemporaryDirectory() as folder:
        opened = {depth: filled(Path(folder) / f"{depth}.db", depth) for depth in DEPTHS}
        hosts = {depth: ledger.host(db, "h") for depth, db in opened.items()}
        spent: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
        for _ in range(ROUNDS):
            for depth, db in opened.items():
                spent[depth].append(cost_ms(db, hosts[depth]))
        few, many = (statistics.median(spent[depth]) for depth in DEPTHS)
        for db in opened.values():
            db.close()
    print(f"claim + begin + settle: {few:.2f} ms with {DEPTHS[0]} queued, {many:.2f} ms with {DEPTHS[1]:,}")
    print(f"ratio {many / few:.2f} (promised: at most 1.5)")


if __name__ == "__main__":
    main()

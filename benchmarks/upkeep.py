"""What upkeep costs those who record pushes, on a ledger of 100,000 jobs: `python -m benchmarks.upkeep`.

Four threads record, with pauses, and nothing else goes on; then while copies of the ledger are made; then while its
file is written anew after half of it was forgotten. The promise: beside a copy, which keeps the disk busy, a p99 of at
most 250 ms; written anew in under 3 s. A restore is timed too.
"""

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.queue_depth import entry
from ctci import layout, ledger, premises, restoring
from ctci.run import tidy

JOBS, THREADS, ROUNDS = 100_000, 4, 8
#: What the settle of each job would have written.
SETTLED = """
UPDATE runs SET prepared_at = 1, finished_at = 1, status = 'succeeded', "commit" = after, subject = 'Use floats',
    author = 'Ana Ruiz', author_email = 'ana@example.org';
UPDATE jobs SET waiting = 0, status = 'succeeded', attempt = 1, began_at = 1, finished_at = 1;
INSERT INTO attempts (job, number, host, claimed_at, began_at, finished_at, status)
    SELECT id, 1, 1, 1, 1, 1, 'succeeded' FROM jobs;
INSERT INTO commits SELECT id, 0, after, 'Ana Ruiz', 'ana@example.org', 'Use floats', 1, '["api"]' FROM runs;
INSERT INTO changes (kind, run, job, at) SELECT 'settled', run, id, 1 FROM jobs;
INSERT INTO standing SELECT project, ref, subproject, recipe, id, as_of, id, NULL FROM jobs
"""


def filled(path: Path) -> ledger.Ledger:
    """A ledger of as many jobs, all settled."""
    db = ledger.open_ledger(path)
    for start in range(0, JOBS, 500):
        ledger.record(db, [entry(number) for number in range(start, start + 500)])
    with db.write() as connection:
        for statement in SETTLED.split(";"):
            connection.exec_driver_sql(statement)
    return db


class Hooks:
    """Threads that record, and when each record began and ended."""

    def __init__(self, db: ledger.Ledger) -> None:
        self._db = db
        self._stop = threading.Event()
        self._number = JOBS
        # Guards `_number`.
        self._lock = threading.Lock()
        self._spans: list[tuple[float, float]] = []
        self._threads = [threading.Thread(target=self._record) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def _record(self) -> None:
        while not self._stop.wait(0.01):
            with self._lock:
                self._number += 1
                number = self._number
            began = time.perf_counter()
            ledger.record(self._db, [entry(number)])
            self._spans.append((began, time.perf_counter()))

    def during(self, work: Callable[[], object]) -> tuple[float, list[float]]:
        """(seconds that it took, milliseconds of each record that was under way meanwhile)."""
        began = time.perf_counter()
        work()
        ended = time.perf_counter()
        # Who waits for it has its answer by then.
        time.sleep(0.5)
        return ended - began, [(end - begin) * 1000 for begin, end in self._spans if begin < ended and end > began]

    def end(self) -> None:
        """Stop them."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def at(share: float, values: list[float]) -> float:
    """The value that this share stays under."""
    return sorted(values)[int(len(values) * share)]


def main() -> None:
    """Measure, all on one ledger."""
    with tempfile.TemporaryDirectory() as folder:
        place = layout.at(Path(folder) / "data")
        premises.open_folder(place)
        db = filled(place.ledger)
        copy = Path(folder) / "copy.db"
        hooks = Hooks(db)
        alone: list[float] = []
        copying: list[float] = []
        took: list[float] = []
        for _ in range(ROUNDS):
            alone += hooks.during(lambda: time.sleep(0.5))[1]
            seconds, spent = hooks.during(lambda: ledger.back_up(db, copy, replace=True))
            took.append(seconds)
            copying += spent
        print(f"ledger of {JOBS:,} jobs, {copy.stat().st_size >> 20} MiB; copied in {at(0.5, took):.2f} s")
        for name, values in (("alone", alone), ("beside a copy", copying)):
            print(f"record {name}: p50 {at(0.5, values):.1f}, p99 {at(0.99, values):.1f}, max {max(values):.0f} ms")
        for first in range(1, JOBS // 2, tidy.AT_ONCE):
            ledger.forget(db, range(first, first + tidy.AT_ONCE))
        seconds, spent = hooks.during(lambda: db.shrink(rebuild=True))
        hooks.end()
        print(f"written anew in {seconds:.2f} s; the longest record meanwhile {max(spent, default=0):.0f} ms")
        db.close()
        began = time.perf_counter()
        restoring.restore(place, copy, by="benchmark")
        print(f"restored in {time.perf_counter() - began:.2f} s")
        assert at(0.99, copying) <= 250
        assert seconds < 3


if __name__ == "__main__":
    main()

"""What the one lock before BEGIN IMMEDIATE saves: `python -m benchmarks.write_lock`.

Six busy threads write as workers do, and one records pushes; p99 of `record` with the lock and without it (SQLite's
busy timeout alone), in turns in one run. The promise is a p99 at least 3 times lower.
"""

import tempfile
import threading
import time
from contextlib import nullcontext
from pathlib import Path

from sqlalchemy import update

from benchmarks.queue_depth import entry
from ctci import ledger
from ctci.ledger.tables import hosts

THREADS, ROUNDS, ROUND_S = 6, 3, 4.0


def latencies_ms(path: Path, *, lock: bool) -> list[float]:
    """How long each of many records took while the others were busy."""
    db = ledger.open_ledger(path)
    host = ledger.host(db, "h")
    if not lock:
        db._lock = nullcontext()  # noqa: SLF001 - that is what is measured
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                with db.write(quiet=True) as connection:
                    connection.execute(update(hosts).where(hosts.c.id == host).values(name="h"))
            except ledger.Away:
                continue

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    spent = []
    number = 0
    end = time.perf_counter() + ROUND_S
    while (began := time.perf_counter()) < end:
        number += 1
        ledger.record(db, [entry(number)])
        spent.append((time.perf_counter() - began) * 1000)
        time.sleep(0.005)
    stop.set()
    for thread in threads:
        thread.join()
    db.close()
    return spent


def p99(values: list[float]) -> float:
    """The value that 99 of 100 stay under."""
    return sorted(values)[int(len(values) * 0.99)]


def main() -> None:
    """Measure in turns."""
    spent: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            for lock in (False, True):
                spent[lock] += latencies_ms(Path(folder) / f"{number}{lock}.db", lock=lock)
    without, with_ = p99(spent[False]), p99(spent[True])
    print(f"record, p99 with {THREADS} busy threads: {without:.1f} ms without the lock, {with_:.1f} ms with it")
    print(f"ratio {without / with_:.1f} (promised: at least 3)")


if __name__ == "__main__":
    main()

"""What a call has acknowledged outlives a kill at any write, and a power cut after any call.

The same tests must find what is wrong on purpose, or they would prove nothing. They need strace.
"""

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ctci import ledger
from tests import make
from tests.ledger import prefixes

ROOT = Path(__file__).parents[2]
ACKING = Path(__file__).with_name("acking.py")
KILLS = 30
STEPS = ("recorded", "prepared", "begun", "settled")
#: A run's ref, whether each step is there, and how often its job was settled.
PRESENT = """
SELECT runs.ref,
    jobs.id IS NOT NULL AND EXISTS (SELECT 1 FROM deliveries WHERE deliveries.run = runs.id),
    runs.prepared_at IS NOT NULL, jobs.began_at IS NOT NULL, jobs.finished_at IS NOT NULL,
    (SELECT count(*) FROM changes WHERE changes.kind = 'settled' AND changes.job = jobs.id)
FROM runs LEFT JOIN jobs ON jobs.run = runs.id
"""


class Bench:
    """Ledgers that one child after another works on under strace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.empty = self.folder / "empty.db"
        ledger.open_ledger(self.empty).close()
        self._calls: dict[str, list[prefixes.Call]] = {}

    def file(self, name: str) -> Path:
        return self.folder / name / "ledger.db"

    def acks(self, name: str) -> Path:
        return self.folder / f"{name}.acks"

    def run(self, how: str, cuts: dict[str, list[str]]) -> dict[str, int]:
        """Runs on a fresh ledger each, by name: strace's arguments in, exit codes out."""
        for name in cuts:
            self.file(name).parent.mkdir()
            shutil.copy(self.empty, self.file(name))
        asked = [(how, str(self.file(name)), str(self.acks(name)), cut) for name, cut in cuts.items()]
        done = subprocess.run(
            [sys.executable, ACKING, json.dumps(asked)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if re.search("strace: .*ptrace.*: Operation not permitted", done.stderr, re.IGNORECASE):
            pytest.skip("needs strace, and the right to trace")
        sys.stderr.write(done.stderr)
        assert done.returncode == 0, done.stderr
        return dict(zip(cuts, json.loads(done.stdout), strict=True))

    def calls(self, how: str) -> list[prefixes.Call]:
        """The calls of a whole run, recorded once."""
        if how not in self._calls:
            record = self.folder / f"{how}.strace"
            assert self.run(how, {how: ["-o", str(record), *prefixes.STRACE]}) == {how: 0}
            self._calls[how] = list(prefixes.calls(record, self.file(how).parent, self.acks(how)))
        return self._calls[how]

    def kill(self, how: str) -> dict[str, int]:
        """Runs killed at one of the ledger's writes each, spread over them all; exit codes by name."""
        # strace counts for each thread by itself.
        writes = Counter(call.thread for call in self.calls(how) if call.name == "pwrite64")
        last = max(writes.values())
        cuts = {}
        for number in range(KILLS):
            name = f"{how}-{number}"
            paths = [word for end in ("", "-wal") for word in ("-P", f"{self.file(name)}{end}")]
            when = 1 + number * (last - 1) // (KILLS - 1)
            inject = f"inject=pwrite64:signal=KILL:when={when}"
            cuts[name] = ["-o", os.devnull, *paths, "-e", "trace=pwrite64", "-e", inject]
        lanes = [{name: cuts[name] for name in list(cuts)[lane::2]} for lane in range(2)]
        with ThreadPoolExecutor(len(lanes)) as pool:
            ended = list(pool.map(lambda lane: self.run(how, lane), lanes))
        return ended[0] | ended[1]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    made = Bench(tmp_path_factory.mktemp("durability"))
    # Where strace may not trace, the first run skips.
    made.calls("alone")
    return made


def broken(file: Path, acknowledged: set[str]) -> list[str]:
    """What this ledger lacks of what was acknowledged, and what else is wrong with it."""
    raw = sqlite3.connect(file)
    try:
        raw.execute("PRAGMA synchronous=OFF")
        (said,) = raw.execute("PRAGMA quick_check").fetchone()
        rows = raw.execute(PRESENT).fetchall()
    except sqlite3.DatabaseError as error:
        return [f"corrupt: {error}"]
    finally:
        raw.close()
    present = {f"{step} {ref}" for ref, *done, _ in rows for step, there in zip(STEPS, done, strict=True) if there}
    wrong = [f"lost: {each}" for each in sorted(acknowledged - present)]
    wrong += [f"half: {ref}" for ref, *done, _ in rows if done != sorted(done, reverse=True) or not done[0]]
    wrong += [f"settled {times} times: {ref}" for ref, *_, times in rows if times > 1]
    return wrong if said == "ok" else [f"corrupt: {said}", *wrong]


def after_kills(bench: Bench, how: str) -> list[list[str]]:
    """What is broken after each kill, once the ledger was opened anew."""
    ended = bench.kill(how)
    # Threads share the commits differently each time: a late kill may find nothing left to kill.
    assert set(ended.values()) <= {-9, 0}
    assert list(ended.values()).count(-9) >= KILLS // 3
    found = []
    acknowledged = 0
    for name in ended:
        db = ledger.open_ledger(bench.file(name))
        assert ledger.integrity(db) is None
        make.recorded(db, trigger=make.trigger(key=f"after {name}"))
        db.close()
        acks = set(bench.acks(name).read_text().splitlines())
        acknowledged += len(acks)
        found.append(broken(bench.file(name), acks))
    assert acknowledged >= KILLS
    return found


def after_cuts(bench: Bench, how: str, folder: Path) -> list[list[str]]:
    """What is broken in each of the states that a power cut may leave."""
    chance = random.Random(how)
    on = prefixes.disk(bench.file(how).parent, {"ledger.db": bench.empty.read_bytes()})
    acks: set[str] = set()
    found = []

    def check(files: dict[str, bytes]) -> None:
        for left in folder.iterdir():
            left.unlink()
        for name, text in files.items():
            (folder / name).write_bytes(text)
        found.append(broken(folder / "ledger.db", acks))

    for call in bench.calls(how):
        if call.name == "write":
            acks.add(call.text.decode().strip())
        else:
            prefixes.apply(on, call)
        if call.name != "pwrite64":
            check(prefixes.promised(on))
        check(prefixes.torn(on, chance))
    assert set(bench.acks(how).read_text().splitlines()) == acks
    return found


@pytest.mark.parametrize("how", ["alone", "together"])
def test_what_was_acknowledged_outlives_a_kill_at_any_write(bench: Bench, how: str) -> None:
    found = after_kills(bench, how)

    assert [each for each in found if each] == []


@pytest.mark.parametrize("how", ["alone", "together"])
def test_what_was_acknowledged_outlives_a_power_cut_after_any_call(bench: Bench, how: str, tmp_path: Path) -> None:
    found = after_cuts(bench, how, tmp_path)

    assert len(found) > 200
    assert [each for each in found if each] == []


def test_kills_find_what_is_acknowledged_too_early(bench: Bench) -> None:
    found = after_kills(bench, "early")

    assert sum(map(bool, found)) >= KILLS // 3


@pytest.mark.parametrize("how", ["early", "unsynced", "never synced"])
def test_power_cuts_find_what_is_acknowledged_too_early_or_not_synced(bench: Bench, how: str, tmp_path: Path) -> None:
    found = after_cuts(bench, how, tmp_path)

    assert sum(map(bool, found)) >= len(found) // 4
    # Only where nothing is synced may a file be torn for good: that the torn states are as bad as they should be.
    assert any(each.startswith("corrupt") for wrong in found for each in wrong) == (how == "never synced")

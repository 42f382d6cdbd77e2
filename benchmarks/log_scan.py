"""How fast a log is read for findings and for new lines, and how little one made to hurt slows that.

Aims: at least 100 MB/s on one core, at most 2 times slower when hurt, memory that does not grow with the log.

Run: python -m benchmarks.log_scan [MB]
"""

import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from ctci.formats import diagnostics, novel, problem_matcher

CHUNK = 256 * 1024
USERS = rb"""{"problemMatcher": [{"owner": "ours", "pattern": [
    {"regexp": "^(.+):(\\d+): (bad|odd): (.*)$", "file": 1, "line": 2, "severity": 3, "message": 4}]}]}"""

#: A build of a C++ program: its compiler's calls, now and then a warning, at times an error.
CALL = "[{0:7d}/9999999] c++ -O2 -Wall -Iinclude -c src/part_{0:07d}.cpp -o build/part_{0:07d}.o # {0}\n"
WARNING = "src/part_{0:07d}.cpp:{1}:9: warning: unused variable 'value_{0}' [-Wunused-variable]\n"
#: Lines that nearly match, and make a backtracking engine try again and again.
HURTS = {
    "near misses": "error: at:1:: :2:3 :4:5: erro: (1,2): warnin TS E   FAILE ***Fai :77:88: --- FAI Traceback (mo\n",
    "anchors without sense": "x :1: error: E   y  1:2  error  z:3:4: warning: *** at q line 9. thread 'a' panicked\n",
    "long looks": "Traceback (most recent call last):\nTypeError\npanic: x\n--- FAIL: T\nE   x\n" + " \n" * 95,
    "long looks of tests": "/usr/include/a.h:1:1: error: x{0}\n  ● a › b{0}\n✖ t{0} (1ms)\n[WARNING] Flakes: \n"
    "--- FAIL: T{0}\n1/2 Test #1: t{0} ...***Failed  0.1 sec\na.cc:{0}: Failure\na.cc:{0}: FAILED:\n"
    "#   Failed test 'x{0}'\n#   at a line 1.\nnot ok {0} - x\n" + " \n" * 95,
    "colons and digits": ":1:2:3:4:5:6:7:8:9" * 5 + "\n",
    "runs of one letter": "a" * 98 + "!\n",
    "colours": "\x1b[31m\x1b[1m\x1b[K:\x1b[0m\x1b[32m12\x1b[m" * 3 + "\x1b[31m error\x1b[0m\n",
    "one line for ever": "a:1:2: " * 15,
    "progress": "10%\r20%\rerror\r" * 7 + "\n",
    "all findings": "src/a.c:{0}:1: error: broken {0}\nsrc/a.py:{0}:1: E501 long {0}\nE   assert {0}\n",
    "short": "E   x\n",
}


def build(megabytes: int) -> Iterator[bytes]:
    """A log as builds write them, in chunks."""
    lines = [
        WARNING.format(number, number % 900) if number % 50 == 7 else CALL.format(number) for number in range(20_000)
    ]
    return _repeated("".join(lines).encode(), megabytes)


def hurt(line: str, megabytes: int) -> Iterator[bytes]:
    """A log of such lines, in chunks."""
    count = max(1, 2_000_000 // len(line))
    written = "".join(map(line.format, range(count))) if "{0}" in line else line * count
    return _repeated(written.encode(), megabytes)


def various() -> bytes:
    """Lines no two of which are alike."""
    chance = random.Random(1)  # noqa: S311 - the same ones each time
    words = ["".join(chance.choices("ghijklmnop", k=7)) for _ in range(200_000)]
    return "".join(" ".join(chance.choices(words, k=12)) + "\n" for _ in range(60_000)).encode()


def _repeated(block: bytes, megabytes: int) -> Iterator[bytes]:
    left = megabytes * 1_000_000
    while left > 0:
        for at in range(0, len(block), CHUNK):
            yield block[at : at + CHUNK]
        left -= len(block)


def measure(
    chunks: Callable[[], Iterator[bytes]], megabytes: int, **keys: object
) -> tuple[float, tuple[float, float], int]:
    """MB/s of CPU time, together and of findings and new lines alone, and how many findings."""
    began = time.process_time()
    findings = diagnostics.scan(chunks(), **keys)  # type: ignore[arg-type]
    between = time.process_time()
    novel.scan(chunks(), novel.NONE)
    ended = time.process_time()
    alone = megabytes / (between - began), megabytes / (ended - between)
    return megabytes / (ended - began), alone, len(findings)


def _alone(speeds: tuple[float, float]) -> str:
    return f"(findings {speeds[0]:.0f}, new lines {speeds[1]:.0f})"


def main() -> None:
    """Measure a build's log, hurting ones, and the same with a matcher of a user's."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    matchers, wrong = problem_matcher.read(USERS)
    assert not wrong
    plain, alone, found = measure(lambda: build(megabytes), megabytes)
    print(f"a build: {megabytes} MB at {plain:.0f} MB/s {_alone(alone)}, {found} findings")
    users, alone, found = measure(lambda: build(megabytes), megabytes, matchers=matchers)
    print(
        f"with a user's matcher: {users:.0f} MB/s {_alone(alone)}, {plain / users:.2f} times slower, {found} findings"
    )
    logs = {name: partial(hurt, line, megabytes) for name, line in HURTS.items()}
    for name, log in {**logs, "no two lines alike": partial(_repeated, various(), megabytes)}.items():
        speed, alone, found = measure(log, megabytes)
        print(f"{name}: {speed:.0f} MB/s {_alone(alone)}, {plain / speed:.2f} times slower, {found} findings")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


if __name__ == "__main__":
    main()

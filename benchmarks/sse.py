"""What 500 clients cost that follow a job's log of 50,000 lines, over a restart of its server that is a crash.

Run: python -m benchmarks.sse [CLIENTS]. The promises: what each was sent and what they were told was skipped covers all
lines without a gap, and the server's memory grows by less than 200 KB for each.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.eventually import eventually
from tests.following import Reader, resident
from tests.serving import Served
from tests.upstream import Upstream

LINES, CLIENTS, KB_EACH = 50_000, 500, 200
#: The second half comes when the server is back.
SCRIPT = """
some() { i=$1; while [ $i -lt $2 ]; do seq $((i * 500 + 1)) $((i * 500 + 500)); sleep 0.1; i=$((i + 1)); done; }
some 0 50
while [ ! -e %s ]; do sleep 0.1; done
some 50 100
"""
#: How fast new clients come: a server answers one address 120 calls at once, and then 20 a second.
PAUSE_S = 0.06


def main() -> None:
    """Print what was promised, and what was measured."""
    clients = int(sys.argv[1]) if len(sys.argv) > 1 else CLIENTS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    with tempfile.TemporaryDirectory() as folder:
        upstream, server = Upstream(Path(folder) / "upstream"), Served(Path(folder) / "ci")
        gate = Path(folder) / "go-on"
        upstream.push({"test.sh": SCRIPT % gate})
        server.configure(
            f'[notify.team]\nemail = ["team@example.org"]\n\n[projects.shop]\ngit = "{upstream.path}"\n'
            'notify = ["team"]\nrecipes.test = { run = "sh test.sh", timeout = "300s" }\n'
        )
        server.start()
        try:
            _follow(server, gate, clients)
        finally:
            server.stop()


def _follow(server: Served, gate: Path, clients: int) -> None:
    server.ctci("run", "shop")
    readers = [Reader(server.port, 1) for _ in range(clients)]
    readers[0].start()
    eventually(lambda: readers[0].at > 0)
    before = resident(server.pid)
    for each in readers[1:]:
        each.start()
        time.sleep(PAUSE_S)
    eventually(lambda: all(each.at >= LINES // 2 for each in readers), 120)
    most = resident(server.pid)
    server.kill()
    server.start()
    back = time.monotonic()
    gate.touch()
    eventually(lambda: all(each.end for each in readers), 180)
    took = time.monotonic() - back
    gaps = sum(bool(each.gaps) or each.at != LINES for each in readers)
    skipped = sum(last - first + 1 for each in readers for first, last, skip in each.told if skip) / clients
    print(f"{clients} clients; {gaps} with a gap or without the end (promised: 0); wrong lines: {_wrong(readers)}")
    print(f"memory: {(most - before) / clients / 1024:.0f} KB each (promised: less than {KB_EACH})")
    print(f"all came back and to the end in {took:.1f} s; {skipped:.0f} lines skipped by each")


def _wrong(readers: list[Reader]) -> int:
    return sum(len(each.wrong) for each in readers)


if __name__ == "__main__":
    main()

"""kill -9 between any two steps of a courier: no letter and no status is lost, at most one comes twice, as the same."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ctci import clock, layout, ledger
from ctci.model import Status
from tests import make
from tests.report import lives
from tests.report.desk import Desk
from tests.report.forges_fake import SHA, Forge
from tests.report.receiver import Receiver, receiving

STEPS = [("owe", "before"), ("owe", "after"), ("take", "before"), ("take", "after")]
STEPS += [("deliver", "before"), ("deliver", "after"), ("sent", "before"), ("sent", "after")]
POINTS = [(sink, *step) for sink in ("mail", "digest", "status", "webhook", "apprise") for step in STEPS]
POINTS += [("mail", "dot", "after"), ("digest", "dot", "after")]
#: What has left the house when it is killed there.
OUT = {("deliver", "after"), ("sent", "before"), ("dot", "after")}

Live = Callable[..., int]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    with Forge("gitea") as made:
        yield made


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def live(forge: Forge, desk: Desk, receiver: Receiver) -> Iterator[Live]:
    """Lives a life with a data folder from a time on; its exit code."""
    smtp = f"smtp://127.0.0.1:{desk.start()}"
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.report.lives"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None

    def run(data: Path, when: str, dies: tuple[str, str, str] | None = None) -> int:
        told = {
            "data": str(data),
            "now": ms(when),
            "smtp": smtp,
            "forge": forge.address,
            "called": receiver.url,
            "dies": dies,
        }
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(f"{json.dumps(told)}\n")
        parent.stdin.flush()
        return int(parent.stdout.readline())

    yield run
    with parent:
        parent.stdin.close()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, live: Live, forge: Forge) -> Path:
    """A data folder with a job that has failed, of which nobody has heard yet."""
    place = layout.at(tmp_path_factory.mktemp("lives") / "data")
    for folder in (place.data, place.mail, place.jobs):
        folder.mkdir(parents=True, exist_ok=True)
    ledger.open_ledger(place.ledger).close()
    assert live(place.data, "2026-11-23T12:00") == 0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clock, "now", lambda: ms("2026-11-24T07:29"))
        db = ledger.open_ledger(place.ledger)
        orders = (make.order(remote=lives.remote(forge.address)),)
        make.settled(db, ledger.host(db, "h1"), Status.FAILED, "exit 1", orders=orders, trigger=make.trigger(after=SHA))
        db.close()
    return place.data


@pytest.mark.parametrize(("sink", "step", "when"), POINTS)
def test_a_courier_that_is_killed_loses_nothing_and_repeats_at_most_one(
    tmp_path: Path,
    live: Live,
    before: Path,
    desk: Desk,
    forge: Forge,
    receiver: Receiver,
    sink: str,
    step: str,
    when: str,
) -> None:
    data = shutil.copytree(before, tmp_path / "data")
    desk.envelopes.clear()
    forge.rows.clear()
    receiver.calls.clear()

    killed = live(data, "2026-11-24T07:31", (sink, step, when))
    others = [live(data, at) for at in ("2026-11-24T07:40", "2026-11-24T07:50")]

    kinds = Counter(str(message["X-CTCI-Kind"]) for message in desk.messages)
    ids = {(str(message["X-CTCI-Kind"]), str(message["Message-ID"])) for message in desk.messages}
    statuses = Counter((context, row["state"]) for (_, context), rows in forge.rows.items() for row in rows)
    hooks = [(headers["webhook-id"], body) for _, path, headers, body in receiver.calls if path == "/hook"]
    chats = [body for _, path, _, body in receiver.calls if path == "/chat"]
    told = {"mail": kinds["transition"], "digest": kinds["digest"], "status": sum(statuses.values())}
    told |= {"webhook": len(hooks), "apprise": len(chats)}
    twice = (step, when) in OUT
    assert (killed, others) == (-9, [0, 0])
    once = {"mail": 1, "digest": 1, "status": 2, "webhook": 2, "apprise": 1}
    assert told == once | ({sink: once[sink] + 1} if twice else {})
    # A receiver knows by its id what comes twice.
    assert (len(ids), len({id_ for id_, _ in hooks}), len(set(hooks)), len(set(chats))) == (2, 2, 2, 1)
    assert set(statuses) == {("ctci", "failure"), ("ctci/api:test", "failure")}
    assert forge.faults == []

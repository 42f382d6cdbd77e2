"""Whether there is room for another job here, and how many run."""

import logging
import shutil
import threading

from ctci import clock, config
from ctci.layout import Layout
from ctci.run import trees

log = logging.getLogger(__name__)

#: How old the measured size of the worktrees may be, seconds.
MEASURE_S = 30.0


class Floor:
    """Whether there is room for another job on the disk; said by /readyz, the log and the letter."""

    def __init__(self, layout: Layout, current: config.Current) -> None:
        self._layout = layout
        self._current = current
        #: Guards the two below: every slot asks.
        self._lock = threading.Lock()
        self._said: str | None = None
        self._measured: tuple[float, int] | None = None

    def remark(self) -> str | None:
        """A sentence when there is no room, else None."""
        server = self._current.get().server
        free = shutil.disk_usage(self._layout.data).free
        said = None
        if free < server.disk_floor:
            said = f"{_mib(free)} free on the disk, under disk-floor = {_mib(server.disk_floor)}: no job is started"
        elif (taken := self._worktrees()) > server.limit_worktrees:
            said = (
                f"worktrees take {_mib(taken)}, over [limits] worktrees = {_mib(server.limit_worktrees)}: "
                "no other job is started"
            )
        with self._lock:
            if (said is None) != (self._said is None):
                log.warning("%s", said) if said else log.info("there is room on the disk again")
            self._said = said
        return said

    def _worktrees(self) -> int:
        """Bytes in the slots, measured anew every half minute: a large tree takes a while to walk."""
        at = clock.monotonic()
        with self._lock:
            if self._measured is None or at - self._measured[0] > MEASURE_S:
                self._measured = (at, trees.size(self._layout.slots))
            return self._measured[1]


class Busy:
    """How many jobs run here now, and the most that ran at once since the start."""

    def __init__(self) -> None:
        # Guards the two below.
        self._lock = threading.Lock()
        self.running = self.peak = 0
        #: Held while a job is claimed: who has it knows that none is being claimed.
        self.claiming = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.running += 1
            self.peak = max(self.peak, self.running)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.running -= 1


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"

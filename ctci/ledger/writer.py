"""Group commit: of the threads that want something recorded, one does it for all who wait, in one durable commit.

There is no thread of its own: whoever comes to the turn first takes the others' work along.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
#: So many at most in one commit: who waits behind them waits for all.
MOST = 200


@dataclass
class _Item:
    """One caller's work, and what became of it."""

    work: Callable[[Connection], Any]
    done: bool = False
    result: Any = None
    error: Exception | None = None


class Writer:
    """Shared by all threads of a process."""

    def __init__(self, write: Callable[[], AbstractContextManager[Connection]], *, hopeless: type[Exception]) -> None:
        #: Gives a transaction; raises `hopeless` when there is none to be had, which is then true for all who wait.
        self._write = write
        self._hopeless = hopeless
        # Held by the one who commits.
        self._turn = threading.Lock()
        # Guards `_waiting`.
        self._guard = threading.Lock()
        self._waiting: list[_Item] = []

    def do(self, work: Callable[[Connection], T]) -> T:
        """What `work` answers, committed and durable, together with what other threads want at this moment.

        Raises what `work` raises, and then nothing of it is written.
        """
        item = _Item(work)
        with self._guard:
            self._waiting.append(item)
        with self._turn:
            while not item.done:
                self._commit()
        if item.error is not None:
            raise item.error
        result: T = item.result
        return result

    def _commit(self) -> None:
        batch: list[_Item] = []
        try:
            with self._write() as connection:
                # Taken only now: who comes while another writer is waited for is taken along.
                batch = self._take()
                for item in batch:
                    item.result = item.work(connection)
        except self._hopeless as error:
            for item in batch or self._take():
                item.done, item.error = True, error
        except Exception as error:  # noqa: BLE001 - its caller raises it
            if len(batch) < 2:
                # Nothing was taken where not even a transaction was to be had.
                for item in batch or self._take():
                    item.done, item.error = True, error
                return
            # A bad one must not fail its neighbours: each by itself, then.
            for item in batch:
                self._alone(item)
        else:
            for item in batch:
                item.done = True

    def _take(self) -> list[_Item]:
        with self._guard:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        return batch

    def _alone(self, item: _Item) -> None:
        try:
            with self._write() as connection:
                item.result = item.work(connection)
        except Exception as error:  # noqa: BLE001 - its caller raises it
            item.error = error
        item.done = True

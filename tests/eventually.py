"""The only waiting that tests may do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
#: A machine may be so many times slower than the one that a test was written on.
SLOWER = 3


def eventually(probe: Callable[[], T | None], timeout_s: float = 30.0) -> T:
    """What `probe` returns once that is truthy; fails with its last answer or exception long after `timeout_s`."""
    deadline = time.monotonic() + SLOWER * timeout_s
    while True:
        last: object
        try:
            answer = probe()
            if answer:
                return answer
            last = answer
        except Exception as error:  # noqa: BLE001 - a probe may fail until the thing is there
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {SLOWER} times {timeout_s} s; last: {last!r}")
        time.sleep(0.02)

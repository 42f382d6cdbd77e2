"""How often one caller may call: so many at once, and then so many a second."""

import threading
from collections import OrderedDict

#: Calls at once, calls a second after that, and how many callers are remembered.
SIZE, RATE, KEPT = 120, 20.0, 10_000


class Rates:
    """A bucket for each caller; one is shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, who: str, now: float) -> float:
        """Take one call of a caller at a time (seconds): 0, or after how many seconds it may be tried again."""
        with self._lock:
            left, at = self._left.pop(who, (float(SIZE), now))
            left = min(float(SIZE), left + (now - at) * RATE)
            taken = left >= 1
            self._left[who] = (left - 1 if taken else left, now)
            if len(self._left) > KEPT:
                self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) / RATE

"""The first process of a container: whoever has no parent becomes its child, and its end is everybody's.

The server is no such process: it goes on in a child, and the first one hands signals on and buries the dead.
"""

import os
import signal
from typing import NoReturn

from ctci.run import keeping

#: What a server listens to.
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


def stand_in() -> None:
    """Where this is the first process, return in a child of it instead, and end as that does. No thread may run yet."""
    if os.getpid() != 1:
        return
    # What a recipe reads of this process is the server's environment too; a child inherits the refusal.
    keeping.undumpable()
    # Held back until there is a child to hand them to.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)
    child = os.fork()
    if child == 0:
        # A terminal tells all of its group: the child would hear of it twice.
        os.setpgid(0, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)
        return
    _bury(child)


def _bury(child: int) -> NoReturn:
    """Reap whoever ends, until the child does."""
    for number in HANDED_ON:
        signal.signal(number, lambda seen, _frame: os.kill(child, seen))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            # As a shell says it of a signal.
            os._exit(code if code >= 0 else 128 - code)

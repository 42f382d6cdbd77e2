"""WHAT IS ANSWERED: every operation of the API as a plain function, with what it takes and what it gives.

The web door speaks it over HTTP, agents through their own door, and the command line where no server answers; so all
of them say the same, and each wall stands once, here: what a visitor may not see is not there.
"""

from ctci.api.operation import Context, Empty, Known, Operation
from ctci.api.problem import ApiError, not_found
from ctci.api.table import OPERATIONS, call, find

__all__ = [
    "OPERATIONS",
    "ApiError",
    "Context",
    "Empty",
    "Known",
    "Operation",
    "call",
    "find",
    "not_found",
]

"""Couriers at work until they rest."""

from ctci.report.courier import Courier


def rest(*couriers: Courier, ticks: int = 50) -> None:
    """Tick each until nothing is left to do; one that does not come to rest is a fault."""
    for courier in couriers:
        if not any(not courier.tick() for _ in range(ticks)):
            raise AssertionError("the courier does not come to rest")

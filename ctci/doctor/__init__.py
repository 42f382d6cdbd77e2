"""Looks at everything ctci stands on, and says of each thing whether it is fine, and what mends it. Changes nothing.

What is slow (remotes, mail) is asked at once and with deadlines.
"""

from ctci.doctor.finding import Check, Subject
from ctci.doctor.rounds import examine

__all__ = ["Check", "Subject", "examine"]

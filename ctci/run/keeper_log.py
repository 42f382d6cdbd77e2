"""The log of a keeper: standard library only, and loaded by keeper.py alone."""

import os
import time


class Log:
    """The first half of the cap as it comes, the rest in a ring; what the disk refuses is left out and counted."""

    def __init__(self, cap: int) -> None:
        self.head = max(cap, 2) // 2
        self.ring = max(cap, 2) - self.head
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self.file = os.open("log", flags | os.O_APPEND, 0o600)
        self.index = os.open("log.idx", flags | os.O_APPEND, 0o600)
        self.tail = os.open("log.tail", flags, 0o600)
        # A file without a name: nobody has to clean it up.
        os.unlink("log.tail")
        #: Bytes taken; refused by the disk; left out by the cap.
        self.total = self.refused = self.dropped = 0
        self.last = b"\n"
        self.stamped = 0
        #: (bytes taken before, Unix ms) of what is in the ring.
        self.times: list[tuple[int, int]] = []

    def write(self, text: bytes) -> None:
        """Bytes of the command, as they come."""
        now = unix_ms()
        if now - self.stamped >= 50:
            self.stamped = now
            self.stamp(now)
        while text:
            if self.total < self.head:
                part = text[: self.head - self.total]
                done = store(self.file, part)
            else:
                at = (self.total - self.head) % self.ring
                part = text[: self.ring - at]
                done = store(self.tail, part, at)
            self.total += done
            if done < len(part):
                self.refused += len(text) - done
                return
            self.last, text = part[-1:], text[done:]

    def stamp(self, now: int) -> None:
        """Note when this place in the log was written."""
        if self.total < self.head:
            store(self.index, record(self.total, now))
            return
        self.times.append((self.total, now))
        if len(self.times) > 8192:
            self.times = [each for each in self.times[::2] if each[0] >= self.total - self.ring]

    def say(self, text: str) -> None:
        """A line of ours."""
        start = "" if self.last == b"\n" else "\n"
        self.write(f"{start}[ctci] {text}\n".encode("utf-8", "replace"))

    def finish(self) -> int:
        """Make one file of both halves; how long it is."""
        if self.refused:
            self.say(f"{self.refused} bytes could not be written: no room on the disk")
        held = max(0, self.total - self.head)
        start = moved = 0
        if held > self.ring:
            self.dropped, start = held - self.ring, held % self.ring
            moved = store(self.file, b"\n[ctci] %d bytes left out here\n" % self.dropped) - self.dropped
        for begin, end in ((start, min(held, self.ring)), (0, start)):
            for at in range(begin, end, 1 << 20):
                part = os.pread(self.tail, min(1 << 20, end - at), at)
                self.refused += len(part) - store(self.file, part)
        kept = [each for each in self.times if each[0] >= self.head + self.dropped]
        store(self.index, b"".join(record(taken + moved, at) for taken, at in kept))
        return os.fstat(self.file).st_size


def store(fd: int, text: bytes, at: int = -1) -> int:
    """Write what the disk takes; how many bytes."""
    done = 0
    while done < len(text):
        try:
            done += os.write(fd, text[done:]) if at < 0 else os.pwrite(fd, text[done:], at + done)
        except OSError:
            break
    return done


def record(offset: int, at: int) -> bytes:
    """One entry of log.idx."""
    return offset.to_bytes(8, "little") + at.to_bytes(8, "little")


def unix_ms() -> int:
    """The time of day."""
    return time.time_ns() // 1_000_000

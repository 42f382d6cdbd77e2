"""Tests of C and C++: ctest, GoogleTest, Catch2, and a failed assert. Pure."""

from collections.abc import Iterator

from ctci.formats import saying
from ctci.formats.window import Family, Pattern, Window, text
from ctci.model import Finding

#: Lines of a test's output that are looked at, and of what was expected that are kept.
MOST_OUTPUT = 60
MOST_SAID = 8
#: Lines above a failure among which its test's name is looked for.
MOST_ABOVE = 200

_CTEST = Pattern(r"^\s*\d+/\d+ +Test +#\d+: (.+?) \.+ *([^*]*)\*\*\*(.*?)\s+[\d.]+ sec")
_NEXT_TEST = Pattern(r"^(?:\s+Start +\d+: |\s*\d+/\d+ +Test +#|\d+% tests passed)")
_ASSERT = Pattern(r"^(?:\S+: )?(\S+):(\d+): (?:(.+): )?(Assertion [`'].+' failed)\.$", b": Assertion ")
_GTEST = Pattern(r"^(\S.*):(\d+): Failure$")
_GTEST_RUN = Pattern(r"^\[ RUN      \] (\S+?)\.(\S+)$", b"[ RUN      ] ")
_CATCH = Pattern(r"^(\S.*):(\d+): FAILED:$")


def _ctest(window: Window) -> tuple[Finding, ...] | None:
    """`2/4 Test #2: cart ......***Failed  0.01 sec`; where the test's output follows, its failed check is the place."""
    found = _CTEST.fields(window.line)
    if found is None:
        return None
    test, before, after = (each or "" for each in found)
    what = before.strip() or after.strip().rstrip(":") or "Failed"
    if what.startswith("Not Run"):
        if "Disabled" in what:
            return ()
        reason = text(next(iter(window.above(1)), b""))
        what += f": {reason}" if reason.startswith("Unable to find executable") else ""
    for at, line in enumerate(window.below(MOST_OUTPUT), start=1):
        if _NEXT_TEST.fields(line) is not None:
            break
        failed = _ASSERT.fields(line)
        if failed is not None:
            # The check is told here, and not once more as a program's.
            window.memory.taken = window.number + at
            file, number, function, said = failed
            message = f"{function}: {said}" if function else said or ""
            return (window.finding("failure", "ctest", message, file=file, line=number, test=test, after=at),)
    return (window.finding("failure", "ctest", what, test=test),)


def _assert(window: Window) -> tuple[Finding, ...] | None:
    found = _ASSERT.fields(window.line)
    if found is None or window.number <= window.memory.taken:
        return None
    file, line, function, said = found
    return (window.finding("error", "assert", f"{function}: {said}" if function else said or "", file=file, line=line),)


def _gtest(window: Window) -> tuple[Finding, ...] | None:
    """`cart_test.cc:10: Failure`, and below it what was expected."""
    found = _GTEST.fields(window.line)
    if found is None:
        return None
    test = next((run for run in map(_GTEST_RUN.fields, window.above(MOST_ABOVE)) if run is not None), None)
    said = saying.led("\n".join(_paragraph(window, b"[")))
    name = f"{test[0]}::{test[1]}" if test else None
    return (window.finding("failure", "gtest", said or "Failure", file=found[0], line=found[1], test=name),)


def _catch(window: Window) -> tuple[Finding, ...] | None:
    """`cart_test.cpp:14: FAILED:`, and below it the check with its values."""
    found = _CATCH.fields(window.line)
    if found is None:
        return None
    said = "\n".join(_paragraph(window, b"----"))
    return (window.finding("failure", "catch2", said or "FAILED", file=found[0], line=found[1], test=_title(window)),)


def _paragraph(window: Window, end: bytes) -> Iterator[str]:
    """The lines below up to an empty one, or one that begins with `end`."""
    for line in window.below(MOST_SAID):
        if not line.strip() or line.startswith(end):
            return
        yield text(line).strip()


def _title(window: Window) -> str | None:
    """Catch2's test and sections, which stand between two rules of dashes above."""
    parts: list[str] = []
    rules = 0
    for line in window.above(MOST_ABOVE):
        if line.startswith(b"-----"):
            rules += 1
            if rules == 2:
                return "/".join(reversed(parts)) or None
        elif rules == 1:
            parts.append(text(line).strip())
    return None


FAMILIES = (
    Family(name="ctest", anchors=(r"\*\*\*(?:Failed|Timeout|Exception|Not Run)",), read=_ctest),
    Family(name="asserts of C", anchors=(r": Assertion [`'].*' failed\.\r?$",), read=_assert),
    Family(name="googletest", anchors=(r":\d+: @Failure@\r?$",), read=_gtest),
    Family(name="catch2", anchors=(r":\d+: @FAILED@:@\r?$",), read=_catch),
)

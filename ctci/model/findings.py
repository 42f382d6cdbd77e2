"""What a tool said: one thing wrong, or worth a look, with its place."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a tool said."""

    #: `error`, `warning` or `note`; `failure` for a test that failed.
    severity: str
    #: Who said it: `pytest`, `gcc`, `junit`; `ctci` where ctci itself had to leave something out.
    tool: str
    message: str
    #: The tool's own name for what is wrong: `E501`, `-Wunused`, `no-undef`.
    rule: str | None = None
    #: As the tool wrote it, without `./`; relative to where the recipe ran where it could be told.
    file: str | None = None
    line: int | None = None
    column: int | None = None
    #: A test's full name, such as `tests.test_cart::test_total`.
    test: str | None = None
    #: The same for the same thing in another run: it survives moved lines, numbers, hex, times and paths.
    fingerprint: str = ""
    #: Line of the log that it came from, from 1; None where it came from a report.
    log_line: int | None = None

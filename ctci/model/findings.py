"""What tools said: one thing wrong, or worth a look, with its place; what is new in a log; and the whole of it."""

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

    @property
    def spot(self) -> str:
        """Where it is: `test_cart.py:88`, else its test, else the tool that said it."""
        if self.file:
            return f"{self.file}:{self.line}" if self.line else self.file
        return self.test or self.tool


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The counts of the test reports of one attempt."""

    total: int
    failed: int
    skipped: int = 0


@dataclass(frozen=True, kw_only=True)
class Lines:
    """The lines of logs, each as a number of 32 bits. None: too many different ones to be told."""

    #: How they were told apart: what was told apart in another way is not to be compared.
    way: int
    #: By their words alone, and with the names in them.
    words: frozenset[int] | None = frozenset()
    whole: frozenset[int] | None = frozenset()


@dataclass(frozen=True, kw_only=True)
class NewLine:
    """A line of a log that no green log of its place had."""

    #: In the log, from 1.
    line: int
    #: Cut, and without controls.
    text: str


@dataclass(frozen=True, kw_only=True)
class Novel:
    """The lines of a red log that were never seen in a green one."""

    #: How many different ones there are.
    count: int
    #: The first of them, in the order of the log; never empty.
    lines: tuple[NewLine, ...]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was read of the reports and the log of one attempt. Times are Unix milliseconds."""

    job: int
    attempt: int
    #: `read`, or `failed` where they could not be: a finding of ctci's own says why.
    state: str = "read"
    #: None where no report of tests was found.
    tests: Tally | None = None
    errors: int = 0
    warnings: int = 0
    #: Position among the findings of the one that a developer wants first.
    first: int | None = None
    #: Of a red attempt; None where no log of a green one is known, or nothing in its log is new.
    novel: Novel | None = None
    at: int = 0

"""Reports that are nearly right: samples with a part cut, doubled, moved or replaced by what nobody expects."""

from collections.abc import Iterable
from pathlib import Path

from hypothesis import strategies as st

from ctci.model import Finding

SAMPLES = Path(__file__).parents[1] / "samples"
SEVERITIES = {"error", "warning", "note", "failure"}


@st.composite
def mutated(draw: st.DrawFn, bodies: list[bytes], odd: list[bytes]) -> bytes:
    """A body with up to four changes."""
    body = draw(st.sampled_from(bodies))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        width = draw(st.sampled_from([0, 0, 1, 7, 60, len(body)]))
        body = body[:at] + draw(st.sampled_from(odd) | st.binary(max_size=6)) + body[at + width :]
    return body


def check(findings: Iterable[Finding], most: int) -> None:
    """Whatever was read, its findings can be written down, shown and told apart, and are not too many."""
    count = 0
    for finding in findings:
        count += 1
        assert finding.severity in SEVERITIES
        assert finding.message
        assert len(finding.message) <= 2000
        for text in (finding.tool, finding.message, finding.rule, finding.file, finding.test):
            assert text is None or text.replace("\n", " ").replace("\t", " ").encode().decode()
            assert text is None or not any(ord(letter) < 32 and letter not in "\n\t" for letter in text)
        for text in (finding.tool, finding.rule, finding.file, finding.test):
            assert text is None or (0 < len(text) <= 1100 and "\n" not in text)
        for number in (finding.line, finding.column):
            assert number is None or 0 < number <= 10_000_000
        assert finding.line is None or finding.file
        assert (finding.tool == "ctci") or len(finding.fingerprint) == 32
    assert count <= most + 10

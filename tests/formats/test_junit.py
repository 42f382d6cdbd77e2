"""Each dialect of JUnit says what a developer wants first, and no bytes do harm."""

import os
import time
import tracemalloc
from collections.abc import Iterator
from xml.sax import saxutils

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci.formats import junit, saying, tries
from ctci.formats.junit import Report
from ctci.formats.tries import Result
from ctci.model import Finding
from tests.formats import throwing

NAMES = sorted(path.stem for path in throwing.SAMPLES.joinpath("junit").glob("*.xml"))


def sample(name: str) -> bytes:
    return throwing.SAMPLES.joinpath("junit", f"{name}.xml").read_bytes()


def counts(report: Report) -> tuple[int, int, int, int, int]:
    return report.passed, report.failed, report.errored, report.skipped, report.flaky


def own(report: Report) -> list[str]:
    return [finding.message for finding in report.findings if finding.tool == "ctci"]


def suite(inner: str | bytes, begin: str = "<testsuite name='cart'>") -> bytes:
    return begin.encode() + (inner.encode() if isinstance(inner, str) else inner) + b"</testsuite>"


def one(body: bytes) -> Finding:
    found = junit.read(body).findings
    assert len(found) == 1
    return found[0]


#: Dialect -> (passed, failed, errored, skipped, flaky), and what is shown first: test, place, message, rule.
FIRST: dict[str, tuple[tuple[int, int, int, int, int], str, str, str, str | None]] = {
    "catch2": (
        (1, 1, 1, 0, 0),
        "cart_test.global::cart has a total/of two",
        "cart_test.cpp:14",
        "total() == 4",
        "REQUIRE",
    ),
    "ctest": ((1, 1, 0, 2, 0), "cart", "cart_test.c:9", "main: Assertion `total() == 4' failed.", None),
    "go-junit-report": ((1, 2, 0, 1, 0), "demo/cart::TestTotal", "cart_test.go:9", "got 3, want 4", None),
    "gotestsum": (
        (3, 3, 0, 1, 0),
        "example.org/shop/cart::TestTotal/two_items",
        "cart_test.go:15",
        "got 2, want 3",
        None,
    ),
    "gtest": (
        (1, 1, 0, 2, 0),
        "CartTest::Total",
        "cart_test.cc:10",
        "Expected equality of these values: total(), Which is: 3, 4",
        None,
    ),
    "jest-junit": (
        (1, 2, 0, 1, 0),
        "Cart adds the prices",
        "src/cart.test.js:9",
        "Error: expect(received).toBe(expected) // Object.is equality\n\nExpected: 3\nReceived: 2",
        None,
    ),
    "phpunit": (
        (1, 1, 1, 1, 0),
        "Shop.CartTest::testTotal with data set #0",
        "tests/CartTest.php:16",
        "Failed asserting that 3 is identical to 4.",
        r"PHPUnit\Framework\ExpectationFailedException",
    ),
    "pytest": (
        (2, 1, 2, 1, 0),
        "tests.test_broken",
        "tests/test_broken.py:1",
        "ModuleNotFoundError: No module named 'kart'",
        None,
    ),
    "surefire": (
        (1, 1, 1, 1, 1),
        "org.example.CartTest::price",
        "CartTest.java:24",
        "no price for apple",
        "java.lang.IllegalArgumentException",
    ),
    "unittest": ((1, 1, 0, 0, 0), "test_cart.CartTest::test_total", "test_cart.py:13", "3 != 4", "AssertionError"),
}


@pytest.mark.parametrize("name", NAMES)
def test_each_dialect_shows_first_what_a_developer_wants(name: str) -> None:
    report = junit.read(sample(name), "/build/shop")

    first = report.findings[0]
    shown = (counts(report), first.test, f"{first.file}:{first.line}", first.message, first.rule)
    assert FIRST[name] == shown
    assert own(report) == []
    assert report.tests == len(report.results)


@pytest.mark.parametrize("name", NAMES)
def test_pieces_of_any_size_say_the_same(name: str) -> None:
    body = sample(name)

    for size in (1, 7, 501, 100_000):
        assert junit.read(body) == junit.read(body[at : at + size] for at in range(0, len(body), size))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "iso-8859-1", "windows-1252", "shift_jis"])
def test_every_declared_encoding_is_read(encoding: str) -> None:
    word = "カート" if encoding == "shift_jis" else "Größe"
    declared = encoding.replace("-sig", "").replace("-le", "")
    text = f"<?xml version='1.0' encoding='{declared}'?><testsuite><testcase name='{word}'/></testsuite>"

    assert (Result(name=word, status="passed"),) == junit.read(text.encode(encoding)).results


def test_bytes_that_are_no_text_do_not_hide_what_follows() -> None:
    body = suite(
        b"<testcase name='a\xff\x1b[31m&#27;&#xFFFE;\xef\xbf\xbf\x00'/><testcase name='b'><failure/></testcase>"
    )

    report = junit.read(body)

    assert counts(report) == (1, 1, 0, 0, 0)
    assert own(report) == []


@pytest.mark.parametrize("encoding", ["utf_7", "idna", "zlib", "no-such", "utf-16", "unicode_escape"])
def test_an_encoding_that_is_none_or_not_true_is_read_as_utf8(encoding: str) -> None:
    body = f"<?xml version='1.0' encoding='{encoding}'?><testsuite><testcase name='ö+AGE-'/></testsuite>".encode()

    assert (Result(name="ö+AGE-", status="passed"),) == junit.read(body).results


def test_a_failure_after_tries_is_one_failure_and_a_pass_after_tries_is_flaky() -> None:
    report = junit.read(sample("surefire"))

    assert [(finding.severity, (finding.test or "").partition("::")[2]) for finding in report.findings] == [
        ("error", "price"),
        ("failure", "total"),
        ("warning", "net"),
    ]
    assert Result(name="org.example.CartTest::net", status="flaky", seconds=0.008) == report.results[0]


def test_surefires_comma_in_a_long_time_is_understood() -> None:
    report = junit.read(suite("<testcase name='a' time='1,204.5'/>"))

    assert report.results == (Result(name="cart::a", status="passed", seconds=1204.5),)


#: How a test ended at each try -> (passed, failed, errored, skipped, flaky), and the severities of what is told.
TRIES: list[tuple[str, tuple[int, int, int, int, int], list[str]]] = [
    ("failed passed", (0, 0, 0, 0, 1), ["warning"]),
    ("errored passed", (0, 0, 0, 0, 1), ["warning"]),
    ("failed errored passed", (0, 0, 0, 0, 1), ["warning"]),
    ("failed passed passed", (0, 0, 0, 0, 1), ["warning"]),
    ("failed skipped", (0, 0, 0, 0, 1), ["warning"]),
    ("passed passed", (1, 0, 0, 0, 0), []),
    ("skipped passed", (1, 0, 0, 0, 0), []),
    ("failed failed", (0, 1, 0, 0, 0), ["failure"]),
    ("passed failed", (0, 1, 0, 0, 0), ["failure"]),
    ("failed passed failed", (0, 1, 0, 0, 0), ["failure", "warning"]),
    ("failed errored", (0, 0, 1, 0, 0), ["failure", "error"]),
]
ENDED = {"passed": "", "failed": "<failure>low</failure>", "errored": "<error>high</error>", "skipped": "<skipped/>"}


@pytest.mark.parametrize(("ends", "counted", "severities"), TRIES, ids=[each[0] for each in TRIES])
def test_a_test_that_was_tried_again_counts_once_and_as_it_ended_last(
    ends: str, counted: tuple[int, int, int, int, int], severities: list[str]
) -> None:
    case = "<testcase classname='cart' name='total' time='2'>{}</testcase>"

    report = junit.read(suite("".join(case.format(ENDED[end]) for end in ends.split())))

    assert counted == counts(report)
    assert severities == [finding.severity for finding in report.findings]
    assert len(report.results) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<testsuite name='x'><testcase {}</testsuite>", "<testsuite name='y'><testcase {}</testsuite>"),
        ("<testcase file='a.py' {}", "<testcase file='b.py' {}"),
        ("<testcase classname='x' {}", "<testcase classname='y' {}"),
    ],
)
def test_tests_of_one_name_in_other_places_are_two(one: str, other: str) -> None:
    failing, passing = one.format("name='total'><failure/></testcase>"), other.format("name='total'/>")

    report = junit.read(suite(failing + passing))

    assert counts(report) == (1, 1, 0, 0, 0)


def test_tests_without_a_name_are_never_the_same() -> None:
    report = junit.read(suite("<testcase><failure/></testcase><testcase/>"))

    assert counts(report) == (1, 1, 0, 0, 0)


def test_room_that_a_passed_try_gives_back_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "MOST_FINDINGS", 1)
    failing = "<testcase name='{}'><failure>x</failure></testcase>"

    report = junit.read(suite(failing.format("a") + "<testcase name='a'/>" + failing.format("b")))

    assert [(finding.severity, finding.test) for finding in report.findings] == [
        ("failure", "cart::b"),
        ("warning", "cart::a"),
    ]
    assert own(report) == []


def test_a_test_that_failed_silently_is_told_by_its_output() -> None:
    silent = "<testcase name='a' status='fail'><system-out>one\nfatal: no cart\ntwo</system-out></testcase>"

    assert one(suite(silent)).message == "fatal: no cart"
    assert (
        one(suite("<testcase name='a' result='error'/>")).message == "cart::a failed, and the report does not say why"
    )


FIXTURE = "failed on setup with \"file a.py, line 3\n  def test_a(b):\nE       fixture 'b' not found\n>   x\""


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("cart.c:3: no total", "no total"),
        ("cart.c:3", "cart.c:3"),
        ("at 12:30: no total", "at 12:30: no total"),
        ("localhost:80: refused", "localhost:80: refused"),
        ("bad #x1B[31mred#x1B[0m", "bad red"),
        (FIXTURE, "fixture 'b' not found"),
    ],
)
def test_a_message_is_told_without_its_place(said: str, message: str) -> None:
    body = suite(f"<testcase name='a'><failure message={saxutils.quoteattr(said)}/></testcase>")

    assert message == one(body).message


def test_a_first_line_that_only_announces_goes_on_with_what_follows() -> None:
    said = "Values differ:\n  1\n\n  2"

    assert saying.led(said) == "Values differ: 1, 2"
    assert saying.led(f"Values differ:\n{'x' * 200}\ny") == f"Values differ: {'x' * 200}\ny"
    assert saying.led("Values differ:\n \n") == "Values differ:\n \n"
    assert saying.led("1 != 2\nreally") == "1 != 2\nreally"


def test_an_error_of_the_suite_itself_counts() -> None:
    report = junit.read(suite("<error message='set-up broke'/>"))

    assert counts(report) == (0, 0, 1, 0, 0)
    assert (
        report.findings[0].severity,
        report.findings[0].test,
        report.findings[0].message,
    ) == ("error", "cart", "set-up broke")


def test_counts_that_name_nobody_are_said() -> None:
    inner = "<testcase name='a'/>"
    nested = f"<testsuites failures='2'><testsuite failures='2'>{inner}</testsuite></testsuites>".encode()

    assert own(junit.read(nested)) == ["the report's counts say that 2 failed, but it names none of them"]
    assert own(junit.read(suite(inner, "<testsuite tests='9' failures='x' errors='-1'>"))) == []
    assert own(junit.read(suite("<testcase name='a'><failure/></testcase>", "<testsuite failures='7'>"))) == []


@pytest.mark.parametrize("time", ["", "NaN", "inf", "-1", "1e999", "fast", "9" * 5000])
def test_a_time_that_is_none_is_not_told(time: str) -> None:
    assert junit.read(suite(f"<testcase name='a' time='{time}'/>")).results[0].seconds is None


def test_a_name_is_on_one_line_and_never_empty() -> None:
    names = [each.name for each in junit.read(suite("<testcase/><testcase name='a&#10;b\u202e\ue000c'/>")).results]

    assert names == ["cart::(no name)", "cart::a b c"]


def test_a_finding_has_the_same_fingerprint_when_its_line_moves() -> None:
    def mark(line: int, got: int) -> str:
        text = f"<testcase name='a'><failure message='got {got}'>src/cart.py:{line}: ValueError</failure></testcase>"
        return one(suite(text)).fingerprint

    assert mark(3, 5) == mark(300, 55)


LAUGHS = (
    "<!DOCTYPE lolz [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1 or str()};' * 10}'>" for n in range(1, 10))
    + "]><testsuite><testcase name='&a9;'/></testsuite>"
)


@pytest.mark.parametrize(
    "body",
    [LAUGHS, "<!DOCTYPE testsuite SYSTEM 'file:///etc/passwd'><testsuite/>", "<?xml version='1.0'?><!DOCTYPE x>"],
)
def test_a_doctype_is_refused_at_once(body: str) -> None:
    report = junit.read(body.encode())

    assert report.tests == 0
    assert "it has a DOCTYPE" in own(report)[0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the JUnit report is empty"),
        (b" \n", "the JUnit report is empty"),
        (b"<html><body/></html>", "this is no JUnit report: it is <html>"),
        (
            b"no xml",
            "the JUnit report is no well-formed XML from line 1, column 1: syntax error; what stood before counts",
        ),
        (suite("&nobody;"), "the JUnit report is no well-formed XML from line 1, column 24: undefined entity"),
        (b"<a>" * 100_000, "the JUnit report is read only in part: its tags are nested more than 200 deep"),
        (b"<testsuite name='" + b"x" * 3_000_000, "the JUnit report is read only in part: one tag is larger than 2 MB"),
        (b"<testsuite><!--" + b"x" * 3_000_000, "the JUnit report is read only in part: one tag is larger than 2 MB"),
    ],
)
def test_what_cannot_be_read_is_said(body: bytes, said: str) -> None:
    assert own(junit.read(body))[0].startswith(said)


def test_a_file_that_ends_early_says_so_and_tells_what_was_read() -> None:
    inner = "<testcase name='a'/><testcase name='b'><failure message='broke'>text"

    report = junit.read(f"<testsuite name='cart'>{inner}".encode())

    assert counts(report) == (1, 1, 0, 0, 0)
    assert [finding.message for finding in report.findings] == [
        "broke",
        "the JUnit report ends early, in line 1; what stood before counts",
    ]


@pytest.mark.parametrize("cap", ["MOST_FINDINGS", "MOST_RESULTS", "MOST_NAMES", "MOST_ELEMENTS", "MOST_OF_ONE"])
def test_what_passes_a_cap_is_counted_and_said(cap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit if cap == "MOST_ELEMENTS" else tries, cap, 4)
    failures = "".join(f"<failure>{word}</failure>" for word in ("a", "b", "c", "d", "e", "f"))

    report = junit.read(suite("".join(f"<testcase name='{name}'>{failures}</testcase>" for name in "xyz")))

    assert {
        "MOST_FINDINGS": ["14 more failures are left out: 4 are kept"],
        "MOST_RESULTS": [],
        "MOST_NAMES": ["3 more tests are counted, but not kept by name"],
        "MOST_ELEMENTS": ["the JUnit report is read only in part: it has more than 4 tags"],
        "MOST_OF_ONE": ["6 more failures are left out: 1,000 are kept"],
    }[cap] == own(report)
    assert (1 if cap == "MOST_ELEMENTS" else 3) == report.failed


def test_a_larger_file_than_the_cap_is_read_up_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctci.formats.xml_text.MOST_BYTES", 1024 * 1024)

    report = junit.read(
        [suite("".join(f"<testcase name='{each}'/>" for each in range(10)))[:-12], b" " * 1024 * 1024, b"<testcase/>"]
    )

    assert report.passed == 10
    assert own(report) == ["the JUnit report is read only in part: it is larger than 1 MB"]


def cases(count: int) -> Iterator[bytes]:
    yield b"<testsuites><testsuite name='cart'>"
    for number in range(count):
        yield b"<testcase classname='demo.Cart' name='test_%d' time='0.1'><failure>x</failure></testcase>" % number
    yield b"</testsuite></testsuites>"


def output(megabytes: int) -> Iterator[bytes]:
    yield b"<testsuite name='cart'><testcase name='a'><failure>"
    for _ in range(megabytes):
        yield b"a line that a program wrote, and no more\n" * 25_000
    yield b"</failure></testcase></testsuite>"


@pytest.mark.parametrize(("pieces", "tests"), [(cases(12_000), 12_000), (output(30), 1)])
def test_a_large_report_is_read_in_little_memory(
    pieces: Iterator[bytes], tests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "MOST_RESULTS", 1000)
    monkeypatch.setattr(tries, "MOST_FINDINGS", 100)
    tracemalloc.start()
    try:
        report = junit.read(pieces)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert tests == report.failed
    assert peak < 4_000_000


@pytest.mark.parametrize("piece", ["a:1 ", "a.py:1 ", ":1", "1.1", "/a", "at (", "E   x\n", "a.py:1: x\n", "&#27;[1m"])
def test_texts_made_to_hurt_are_read_in_no_time(piece: str) -> None:
    text = (piece * 5_000)[:20_000]
    case = f"<failure message='Failed'>{text.rpartition('&')[0] or text}</failure></testcase>"

    began = time.process_time()
    report = junit.read(
        [b"<testsuite>", *(f"<testcase name='{each}'>{case}".encode() for each in range(100)), b"</testsuite>"]
    )
    took = time.process_time() - began

    # A text of `a:1 a:1 …` took 40 ms before what is looked at was capped, and takes 2 now.
    assert report.failed == 100
    assert took < 3


ODD = [
    *(b"<testcase>", b"</testcase>", b"<failure>", b"</failure>", b"<system-out>", b"</system-out>", b"<skipped/>"),
    *(b"<testsuite name='a'>", b"</testsuite>", b"<![CDATA[", b"]]>", b"<!--", b"<!DOCTYPE a [", b"&#0;", b"&#xD800;"),
    *(b"<flakyFailure/>", b"<rerunError>", b"<error message='x' type='y'/>", b"&lt;", b"&x;", b"<?xml version='1.0'?>"),
    *(b'"', b"'", b" a='1' a='2'", b"\xff\xfe", b"\0", b"\x1b", b"\xed\xa0\x80", b"<x:testcase xmlns:x='u'/>"),
    *(b"time='NaN'", b":1:1", b"a.py:99999999", b"x" * 3000, b"\n" * 50, b"<a>" * 300),
]


@settings(
    max_examples=int(os.environ.get("CTCI_FUZZ", "600")),
    deadline=None,
    database=None,
    derandomize="CTCI_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(body=throwing.mutated([sample(name) for name in NAMES], ODD) | st.binary(max_size=200))
def test_no_bytes_are_anything_but_read_or_refused(body: bytes) -> None:
    report = junit.read(body)

    throwing.check(report.findings, 2 * tries.MOST_FINDINGS)
    assert report.tests == len(report.results)
    assert all(each.name and each.name.isprintable() for each in report.results)


def test_each_sample_cut_anywhere_tells_no_more_than_the_whole() -> None:
    for name in NAMES:
        body = sample(name)
        whole = junit.read(body)
        for at in range(0, len(body.rstrip()), 97):
            report = junit.read(body[:at])
            assert own(report)
            assert report.tests <= whole.tests

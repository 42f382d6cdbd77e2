"""What an attempt left is read in a child: real files, hostile ones too, and none of them ends the server."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci import layout
from ctci.config import patterns
from ctci.formats import novel
from ctci.model import Finding, Job, Lines, NewLine, Novel, Status, Tally
from ctci.run import reading, reports
from tests import make

FAILED = (
    "<testsuite><testcase name='total' classname='cart'><failure message='1 != 2'>test_cart.py:88: AssertionError"
    "</failure></testcase><testcase name='tax' classname='cart'/></testsuite>"
)


def a_job(directory: str = ".", **recipe: Any) -> Job:
    return Job(
        id=3,
        run=1,
        order=make.order(directory=directory, recipe=make.recipe(**recipe)),
        status=Status.RUNNING,
        reason=None,
        attempt=1,
        host=1,
        queued_at=0,
        began_at=0,
        finished_at=None,
        cancel_asked_at=None,
        cancel_by=None,
        cancel_as=None,
        cancel_reason=None,
        exit=None,
        slot=1,
    )


@pytest.fixture
def tree(place: layout.Layout) -> Path:
    """The worktree of slot 1."""
    made = place.slot(1) / "worktree"
    made.mkdir(parents=True)
    return made


def read(place: layout.Layout, job: Job, printed: bytes = b"", **how: Any) -> reports.Read:
    log = place.log(job.id, job.attempt)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(printed)
    return reports.read(place, job, 1, **{"most": 1000, **how})


def said(found: reports.Read) -> list[str]:
    """What ctci itself had to say."""
    return [each.message for each in found.findings if each.tool == "ctci"]


def test_tests_are_counted_over_all_files(place: layout.Layout, tree: Path) -> None:
    (tree / "build").mkdir()
    (tree / "build" / "a.xml").write_text(FAILED)
    (tree / "build" / "b.xml").write_text("<testsuite><testcase name='x'><skipped/></testcase></testsuite>")

    found = read(place, a_job(junit=("build/*.xml",)))

    assert found.reading.tests == Tally(total=3, failed=1, skipped=1)
    assert [(each.test, each.file, each.line) for each in found.findings] == [("cart::total", "test_cart.py", 88)]
    assert (found.reading.errors, found.reading.first, found.reading.state) == (1, 0, "read")


def test_files_are_looked_for_where_the_recipe_ran(place: layout.Layout, tree: Path) -> None:
    (tree / "services" / "api").mkdir(parents=True)
    (tree / "services" / "api" / "junit.xml").write_text(FAILED)

    found = read(place, a_job("services/api", junit=("junit.xml",)))

    assert found.reading.tests == Tally(total=2, failed=1)


def test_what_report_and_log_both_tell_is_one_finding_with_its_line(place: layout.Layout, tree: Path) -> None:
    (tree / "junit.xml").write_text(FAILED.replace("1 != 2", "AssertionError: 1 != 2"))
    log = b"collecting\nFAILED test_cart.py::total - AssertionError: 1 != 2\ntest_cart.py:88: AssertionError\n"

    found = read(place, a_job(junit=("junit.xml",)), log)

    (only,) = [each for each in found.findings if each.line == 88]
    assert (only.tool, only.test) == ("junit", "cart::total")
    assert only.log_line is not None


def test_errors_in_a_sarif_report_are_counted_apart(place: layout.Layout, tree: Path) -> None:
    results = [
        {"message": {"text": "no semicolon"}, "level": "error", "ruleId": "semi"},
        {"message": {"text": "long line"}, "level": "warning"},
    ]
    run = {"tool": {"driver": {"name": "eslint"}}, "results": results}
    (tree / "lint.sarif").write_text(json.dumps({"version": "2.1.0", "runs": [run]}))

    found = read(place, a_job(sarif=("*.sarif",)))

    assert (found.sarif_errors, found.reading.errors, found.reading.warnings) == (1, 1, 1)


def test_the_log_alone_is_read_too_and_knows_where_the_recipe_ran(place: layout.Layout, tree: Path) -> None:
    log = f"{tree.resolve()}/src/ring.c:212:9: error: implicit declaration of 'strlcpy'\n".encode()

    found = read(place, a_job(), log)

    (only,) = found.findings
    assert (only.file, only.line, only.log_line, only.tool) == ("src/ring.c", 212, 1, "gcc")
    assert len(only.fingerprint) == 32


@pytest.mark.usefixtures("tree")
def test_of_a_log_its_lines_are_told_and_what_is_new_in_it(place: layout.Layout) -> None:
    green, red = b"start 12\nok\n", b"start 7\nno more stock\nok\n"

    before = read(place, a_job(), green)
    after = read(place, a_job(), red, known=before.lines)

    assert before.lines == novel.scan([green], None)[0]
    assert (before.reading.novel, after.lines) == (None, novel.scan([red], None)[0])
    assert after.reading.novel == Novel(count=1, lines=(NewLine(line=2, text="no more stock"),))


@pytest.mark.usefixtures("tree")
def test_lines_told_apart_by_another_ctci_are_not_compared(place: layout.Layout) -> None:
    found = read(place, a_job(), b"boom\n", known=Lines(way=novel.WAY + 1))

    assert found.reading.novel is None


def test_of_a_log_that_is_not_there_no_lines_are_told(place: layout.Layout) -> None:
    assert reports.read(place, a_job(), 1, most=10, known=novel.NONE).lines is None


@pytest.mark.usefixtures("tree")
def test_a_finding_of_a_log_has_the_same_fingerprint_some_lines_further_down(place: layout.Layout) -> None:
    job = a_job()

    before = read(place, job, b"ring.c:212:9: error: bad\n  212 | x\n").findings
    after = read(place, job, b"\n\nring.c:230:9: error: bad\n  230 | y\n").findings

    assert [each.fingerprint for each in before] == [each.fingerprint for each in after]


def test_the_matchers_of_a_repository_find_what_its_own_tool_says(place: layout.Layout, tree: Path) -> None:
    line = {"regexp": r"^OOPS (\S+) (\d+) (.*)$", "file": 1, "line": 2, "message": 3}
    (tree / "ours.json").write_text(json.dumps({"problemMatcher": [{"owner": "ours", "pattern": [line]}]}))

    found = read(place, a_job(matchers=("ours.json",)), b"OOPS main.q 3 no such word\n")

    assert [(each.tool, each.file, each.line, each.message) for each in found.findings] == [
        ("ours", "main.q", 3, "no such word")
    ]


def test_a_matcher_that_re2_refuses_is_told(place: layout.Layout, tree: Path) -> None:
    line = {"regexp": r"^(?=a)b", "message": 0}
    (tree / "ours.json").write_text(json.dumps({"problemMatcher": [{"owner": "ours", "pattern": [line]}]}))

    found = read(place, a_job(matchers=("ours.json",)), b"b\n")

    assert len(said(found)) == 1
    assert said(found)[0].startswith("ours.json: ")


# --- what strangers leave there --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tree")
def test_a_pattern_that_no_file_matches_is_told(place: layout.Layout) -> None:
    found = read(place, a_job(junit=("build/*.xml", "!build/x.xml")))

    assert said(found) == ["junit: no file matches build/*.xml, !build/x.xml"]
    assert (found.reading.tests, found.reading.first) == (None, None)


def test_no_link_is_followed_and_nothing_but_files_is_opened(place: layout.Layout, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.xml").write_text(FAILED)
    (tree / "link.xml").symlink_to(tmp_path / "secret.xml")
    (tree / "folder").symlink_to(tmp_path)
    os.mkfifo(tree / "pipe.xml")
    (tree / "a.xml").mkdir()

    found = read(place, a_job(junit=("*.xml", "folder/secret.xml", "folder/*.xml")), deadline_s=20)

    assert found.reading.tests is None
    assert said(found) == [
        "link.xml: it is a link, and not read",
        "pipe.xml: it is no regular file, and not read",
    ]


@pytest.mark.parametrize("beneath", [".", "services/api"])
def test_a_worktree_that_became_a_link_is_not_entered(
    place: layout.Layout, tree: Path, tmp_path: Path, beneath: str
) -> None:
    tree.rmdir()
    (tmp_path / "else" / "services" / "api").mkdir(parents=True)
    for folder in (tmp_path / "else", tmp_path / "else" / "services" / "api"):
        (folder / "junit.xml").write_text(FAILED)
    tree.symlink_to(tmp_path / "else")

    found = read(place, a_job(beneath, junit=("junit.xml",)))

    assert found.reading.tests is None
    assert said(found) == ["junit: no file matches junit.xml"]


def test_without_a_worktree_or_a_log_there_is_an_answer(place: layout.Layout) -> None:
    found = reports.read(place, a_job(junit=("junit.xml",)), 1, most=1000)

    assert said(found) == ["junit: no file matches junit.xml"]


def test_entities_are_not_expanded(place: layout.Layout, tree: Path) -> None:
    levels = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    (tree / "junit.xml").write_text(
        f"<!DOCTYPE x [<!ENTITY l0 'ha'>{levels}]><testsuite><testcase name='&l9;'/></testsuite>"
    )

    found = read(place, a_job(junit=("junit.xml",)))

    assert len(said(found)) == 1
    assert "DOCTYPE" in said(found)[0]


def test_a_report_over_the_cap_is_told_with_its_size(place: layout.Layout, tree: Path) -> None:
    with (tree / "junit.xml").open("wb") as file:
        file.write(b"<testsuite>")
        file.truncate(100 << 20)

    found = read(place, a_job(junit=("junit.xml",)))

    assert said(found) == ["junit.xml: it has 100 MiB; reports of more than 64 are not read"]


def test_a_sarif_report_nested_100000_deep_is_told(place: layout.Layout, tree: Path) -> None:
    (tree / "x.sarif").write_text('{"runs":' + "[" * 100_000 + "]" * 100_000 + "}")

    found = read(place, a_job(sarif=("x.sarif",)))

    assert len(said(found)) == 1
    assert "deep" in said(found)[0]


def test_a_million_tests_are_counted(place: layout.Layout, tree: Path) -> None:
    cases = b"<testcase name='t'/>" * 1_000_000
    (tree / "junit.xml").write_bytes(b"<testsuite>" + cases + b"<testcase name='u'><failure/></testcase></testsuite>")

    found = read(place, a_job(junit=("junit.xml",)))

    assert found.reading.tests is not None
    assert (found.reading.tests.failed, found.reading.state) == (1, "read")


def test_too_many_entries_are_told_and_not_walked(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in range(30):
        (tree / f"{name}.txt").touch()
    monkeypatch.setattr(reading, "MOST_ENTRIES", 20)

    fd = os.open(tree, os.O_RDONLY)
    with pytest.raises(reading.Unread, match="more than 20 files"):
        list(reading.files(fd, ["**/x.xml"]))
    os.close(fd)


@pytest.mark.usefixtures("tree")
def test_out_of_time_what_was_told_counts(place: layout.Layout) -> None:
    job = a_job(junit=("*.xml",))
    found = reports.arranged(
        job,
        [{"reading": "the log"}, {"kind": "log", "findings": []}, {"reading": "a.xml"}],
        "it took longer than 120 s",
        most=10,
    )
    slow = read(place, job, deadline_s=0.0)

    assert (found.reading.state, said(found)) == (
        "failed",
        ["a.xml could not be read to its end: it took longer than 120 s"],
    )
    assert (slow.reading.state, said(slow)) == (
        "failed",
        ["the log could not be read to its end: it took longer than 0 s"],
    )


@pytest.mark.usefixtures("tree")
def test_out_of_memory_is_told(place: layout.Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    starved = ("sh", "-c", 'ulimit -v 40000; exec "$@"', "starved", *reports.PROGRAM)
    monkeypatch.setattr(reports, "PROGRAM", starved)

    found = read(place, a_job(), b"ring.c:1:1: error: bad\n")

    assert found.reading.state == "failed"
    assert len(said(found)) == 1
    assert said(found)[0].startswith("the log could not be read to its end: it ")


@pytest.mark.usefixtures("tree")
def test_of_too_many_findings_the_worst_are_kept_and_the_rest_is_counted(place: layout.Layout) -> None:
    log = b"".join(b"a.c:%d:1: warning: w\n" % n for n in range(1, 21)) + b"b.c:1:1: error: bad\n"

    found = read(place, a_job(), log, most=5)

    assert len(found.findings) == 5
    assert [each.message for each in found.findings if each.severity == "error"] == ["bad"]
    assert said(found) == ["17 more findings are left out (`[limits] findings`)"]
    assert found.findings[found.reading.first or 0].message == "bad"


def test_nothing_printed_and_nothing_asked_for_is_not_read(place: layout.Layout) -> None:
    job = a_job()
    place.log(job.id, 1).parent.mkdir(parents=True)
    place.log(job.id, 1).touch()

    assert reports.silent(place, job)
    assert not reports.silent(place, replace(job, order=make.order(recipe=make.recipe(junit=("x",)))))


@given(
    pattern=st.text("ab*?/.", min_size=1, max_size=8).filter(lambda each: "*" in each or "?" in each),
    name=st.text("ab/.", min_size=1, max_size=8),
)
def test_a_pattern_of_reports_means_what_a_path_filter_means(pattern: str, name: str) -> None:
    if patterns.file_fault(pattern) is not None:
        return

    assert bool(reading.compiled(pattern).fullmatch(name)) == patterns.touches([pattern], name)


@given(st.lists(st.sampled_from(["failure", "error", "warning", "note"]), max_size=30), st.integers(2, 10))
def test_no_more_than_the_most_are_kept_and_none_is_lost_unsaid(severities: list[str], most: int) -> None:
    told = [
        {"severity": each, "tool": "gcc", "message": f"m{number}", "fingerprint": "f"}
        for number, each in enumerate(severities)
    ]

    found = reports.arranged(a_job(), [{"kind": "log", "findings": told}], None, most=most)

    assert len(found.findings) == min(most, len(severities))
    kept = sum(each.tool == "gcc" for each in found.findings)
    left = [each.message.split()[0] for each in found.findings if each.tool == "ctci"]
    assert kept + sum(map(int, left)) == len(severities)
    assert all(isinstance(each, Finding) for each in found.findings)

"""What the families understand beyond the first error: notes, places, tests, and what is told only once."""

import pytest

from tests.formats import logs


def test_a_note_is_kept_with_its_error_and_told_only_there() -> None:
    found = logs.scan(logs.sample("gcc-notes"))

    assert [each.severity for each in found] == ["warning", "error"]
    assert found[1].message == "too few arguments to function ‘total’\nnote: cart.c:3: declared here"


def test_a_note_that_belongs_to_no_error_is_a_note() -> None:
    found = logs.only('shop/cart.py:6: note: Revealed type is "builtins.int"\n')

    assert (found.severity, found.tool, found.file, found.line) == ("note", "mypy", "shop/cart.py", 6)


def test_an_error_in_a_header_names_the_file_that_included_it() -> None:
    assert "included from main.c:1" in logs.scan(logs.sample("gcc-include"))[0].message


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-01 12:30: error: not a place",
        "step 12:30:45: error: not a place",
        "https://example.org:443: error: refused",
        ":1: error: ",
        "x:1: error: no extension",
    ],
)
def test_what_is_no_files_name_is_no_place(line: str) -> None:
    assert logs.scan(line) == ()


def test_colours_change_nothing() -> None:
    assert logs.scan(logs.sample("gcc")) == logs.scan(logs.sample("gcc-colour"))


def test_line_feeds_with_carriage_returns_change_nothing() -> None:
    for name in logs.NAMES:
        log = logs.sample(name)
        if b"\r" not in log:
            assert logs.scan(log) == logs.scan(log.replace(b"\n", b"\r\n")), name


def test_of_a_progress_bar_only_the_last_state_counts() -> None:
    found = logs.only("10%\r20%\rsrc/a.c:3:1: error: broken\nsrc/b.c:3:1: error: wiped away\rdone\n")

    assert (found.file, found.log_line) == ("src/a.c", 1)


def test_paths_beneath_the_recipes_folder_are_relative_to_it() -> None:
    line = "/build/shop/src/a.c:3:1: error: broken\n"

    assert logs.only(line).file == "src/a.c"
    assert logs.only(line, root="/build/shop/").file == "src/a.c"
    assert logs.only(line, root="/build/sho").file == "/build/shop/src/a.c"
    assert logs.only(line, root="").file == "/build/shop/src/a.c"
    assert logs.only("./" + "src/a.c:3:1: error: broken\n").file == "src/a.c"


def test_a_path_is_relative_to_where_make_is() -> None:
    log = """\
make[1]: Entering directory '/build/shop/lib'
make[2]: Entering directory '/build/shop/lib/deep'
a.c:1:1: error: in deep
make[2]: Leaving directory '/build/shop/lib/deep'
b.c:1:1: error: in lib
make[1]: Leaving directory '/build/shop/lib'
c.c:1:1: error: at the top
"""

    assert [each.file for each in logs.scan(log)] == ["lib/deep/a.c", "lib/b.c", "c.c"]
    assert [each.file for each in logs.scan(log, root="")] == ["a.c", "b.c", "c.c"]


def test_pytest_tells_its_root_where_nobody_else_does() -> None:
    log = "rootdir: /build/shop\nE   assert 1 == 2\n/build/shop/tests/test_a.py:3: assert 1 == 2\n"

    assert logs.only(log, root="").file == "tests/test_a.py"


def test_a_failed_test_is_told_once_and_not_again_by_the_summary() -> None:
    for name in ("pytest", "pytest-short", "pytest-line", "pytest-no"):
        found = logs.scan(logs.sample(name))

        assert [each.message for each in found] == ["assert 2 == 3", "ValueError: no cart"], name


def test_pytests_tests_have_the_names_of_its_junit_reports() -> None:
    found = logs.scan(logs.sample("pytest"))

    assert [each.test for each in found] == ["tests.test_cart::test_total", "tests.test_cart.TestCart::test_empty"]


def test_a_parametrised_test_keeps_its_parameters_as_they_are() -> None:
    log = (
        "________ TestCart.test_total[a.b::c] ________\n>   assert x\nE   assert 0\n\n"
        "tests/test_a.py:3: AssertionError\n"
        "FAILED tests/test_a.py::TestCart::test_total[a.b::c] - assert 0\n"
    )

    assert logs.only(log).test == "tests.test_a.TestCart::test_total[a.b::c]"


def test_a_failure_inside_a_library_is_placed_where_the_test_called_it() -> None:
    log = """\
________________ test_read ________________

    def test_read():
>       read("{")

tests/test_read.py:4: in test_read
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _
    def loads(s):
>       raise JSONDecodeError(s)
E       json.decoder.JSONDecodeError: Expecting value

/usr/lib/python3.11/json/decoder.py:355: JSONDecodeError
"""
    found = logs.only(log)

    assert (found.file, found.line) == ("tests/test_read.py", 4)


def test_of_a_traceback_the_last_frame_in_the_project_is_the_place() -> None:
    found = logs.only(logs.sample("python"))

    assert (found.file, found.line, found.log_line) == ("run.py", 5, 11)


def test_chained_exceptions_are_told_in_their_order_the_cause_first() -> None:
    told = [("python", "KeyError: 'apple'"), ("python", "shop.prices.NoPrice: apple")]

    assert told == logs.said(logs.sample("chained"))[:2]


def test_maven_tells_each_error_twice_and_it_is_kept_once() -> None:
    assert logs.said(logs.sample("maven"))[:-1] == [("maven", "cannot find symbol")]


def test_what_passed_when_it_was_run_again_is_a_warning_and_not_why_a_job_failed() -> None:
    found = logs.scan(logs.sample("surefire-rerun"))

    assert [(each.severity, each.test) for each in found[:3]] == [
        ("warning", "org.example.CartTest::net"),
        ("failure", "org.example.CartTest::price"),
        ("failure", "org.example.CartTest::total"),
    ]


@pytest.mark.parametrize("name", ["go-test", "go-test-verbose"])
def test_a_parent_of_failing_subtests_is_not_told_beside_them(name: str) -> None:
    assert [each.test for each in logs.scan(logs.sample(name))] == ["TestTotal/two_items"]


def test_what_another_test_of_go_logged_is_not_told_for_a_silent_one() -> None:
    log = (
        "=== RUN   TestLoud\n    a_test.go:3: loud\n--- PASS: TestLoud (0.00s)\n"
        "=== RUN   TestSilent\n--- FAIL: TestSilent (0.00s)\nFAIL\n"
    )
    found = logs.only(log)

    assert (found.test, found.message, found.file) == ("TestSilent", "TestSilent failed", None)


def test_a_test_of_go_that_went_on_later_is_told_by_what_it_logged_then() -> None:
    log = (
        "=== RUN   TestSlow\n=== PAUSE TestSlow\n=== RUN   TestQuick\n    a_test.go:3: quick\n"
        "=== NAME  TestSlow\n    a_test.go:9: slow\n--- FAIL: TestSlow (0.00s)\n"
    )

    assert (logs.only(log).line, logs.only(log).message) == (9, "slow")


def test_a_test_that_is_switched_off_is_no_failure_of_ctest() -> None:
    found = logs.scan(logs.sample("ctest"))

    assert [(each.test, each.message) for each in found] == [
        ("cart", "Subprocess aborted"),
        ("gone", "Not Run: Unable to find executable: gone_test"),
    ]


def test_a_failed_check_is_told_with_its_test_and_not_once_more_as_a_programs() -> None:
    found = logs.scan(logs.sample("ctest-output"))

    assert [(each.tool, each.test) for each in found] == [("ctest", "cart"), ("ctest", "gone")]


def test_an_assert_outside_of_tests_is_a_programs_error() -> None:
    found = logs.only("shop: src/main.c:9: main: Assertion `count > 0' failed.\nAborted\n")

    assert (found.tool, found.severity, found.file, found.line) == ("assert", "error", "src/main.c", 9)
    assert found.message == "main: Assertion `count > 0' failed"


def test_each_failed_check_of_catch2_is_told_with_its_test() -> None:
    found = logs.scan(logs.sample("catch2"))

    assert [(each.line, each.test) for each in found] == [(14, "cart has a total/of two"), (19, "price")]
    assert found[1].message == "CHECK( price() == 30 )\ndue to unexpected exception with message:\nno price"


def test_a_compiler_that_counts_its_errors_at_the_end_is_clang() -> None:
    line = "src/cart.c:3:5: error: broken\n"

    assert logs.only(line).tool == "gcc"
    assert logs.only(line + "1 error generated.\n").tool == "clang"
    assert logs.only("shop/cart.py:3: error: broken\n1 error generated.\n").tool == "mypy"


@pytest.mark.parametrize("name", ["g++-template", "clang-template"])
def test_an_error_in_the_systems_template_is_placed_where_the_project_uses_it(name: str) -> None:
    found = logs.scan(logs.sample(name))[0]

    assert (found.file, found.line) == ("template.cpp", 6)
    assert "bits/stl_algo.h:1938" in found.message.splitlines()[1]


def test_an_error_in_the_systems_header_stays_there_where_no_template_is_told_of() -> None:
    before = "app.cpp:6:14:   required from here\n/usr/include/a.h:1:1: error: first\n"
    found = logs.scan(before + "/usr/include/b.h:2:2: error: second\n")

    assert [each.file for each in found] == ["app.cpp", "/usr/include/b.h"]


def test_a_plain_error_of_node_is_told_with_its_frame_also_below_a_long_message() -> None:
    log = """Error: Cannot find module './till'
Require stack:
- /build/shop/missing.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)
    at Object.<anonymous> (/build/shop/missing.js:1:14)
"""
    found = logs.only(log)

    assert (found.tool, found.file, found.line) == ("node", "missing.js", 1)
    assert found.message == "Error: Cannot find module './till'"


def test_a_failed_test_of_node_is_told_once_and_not_again_in_the_list_at_the_end() -> None:
    assert [each.test for each in logs.scan(logs.sample("node-spec"))] == ["total"]


def test_a_failed_test_of_perl_is_told_once_however_it_was_run() -> None:
    told = [("tap", "got '2', expected '3'")]

    assert told == logs.said(logs.sample("perl-prove"))
    assert told == logs.said(logs.sample("perl-test"))


def test_what_jest_prints_of_the_console_is_no_failure() -> None:
    assert logs.scan("  ● Console\n\n    console.log\n    hello\n\n      at Object.log (src/a.js:3:9)\n") == ()
    assert logs.scan("  ● a point in somebody's list\n") == ()


def test_a_suite_of_jest_that_could_not_run_is_told_by_its_file() -> None:
    log = "FAIL src/till.test.js\n  ● Test suite failed to run\n\n    Jest encountered an unexpected token\n\n"
    found = logs.only(log)

    assert (found.file, found.test, found.message) == (
        "src/till.test.js",
        None,
        "Jest encountered an unexpected token",
    )


def test_an_ignored_error_of_make_is_none() -> None:
    assert logs.scan("make: [Makefile:3: clean] Error 1 (ignored)\nmake: *** [Makefile:3: x] Error 1 (ignored)\n") == ()


def test_a_todo_of_tap_is_no_failure() -> None:
    assert logs.scan("not ok 3 - later # TODO not yet\n") == ()


def test_an_exception_without_frames_is_not_told() -> None:
    assert logs.scan("ValueError: somebody said so\nand went on\n") == ()


def test_annotations_are_unescaped_and_their_fields_read() -> None:
    notice, error, plain = logs.scan(logs.sample("annotations"))

    assert (notice.severity, notice.message, notice.line) == ("note", "12 of 14 rules are on", 2)
    assert (
        error.severity,
        error.message,
        error.line,
        error.column,
    ) == ("error", "Price: no tax, no total\nSee the manual", 6, 11)
    assert plain.message == "Process completed with exit code 1."


def test_groups_and_empty_annotations_tell_nothing() -> None:
    assert logs.scan("::group::Lint\n##[group]Lint\n##[error]\n::error::\n##[endgroup]\n::endgroup::\n") == ()
    assert logs.scan("##vso[task.logissue type=error]\n::group::error: none\n##[group]error: none\n") == ()


def test_what_stands_in_a_group_is_read_like_all_else() -> None:
    log = "::group::Compile\nsrc/cart.c:3:5: error: broken\n::endgroup::\n##[group]Lint\n  ::warning file=a.py::odd\n"

    assert logs.said(log) == [("gcc", "broken"), ("annotation", "odd")]


def test_a_message_does_not_tell_the_place_of_its_annotation_once_more() -> None:
    assert logs.only("::error file=a.py,line=3,col=5::a.py:3:5: F401 unused\n").message == "F401 unused"
    assert logs.only("::error file=a.py,line=3,col=5::b.py:9:9: unused\n").message == "b.py:9:9: unused"
    assert logs.only("::error file=a.py::time: 3\n").message == "time: 3"


def test_azures_issues_are_read_with_their_fields() -> None:
    line = "##vso[task.logissue type={};sourcepath=src/cart.c;linenumber=3;columnnumber=5;code=E1;]no tax%3B no total\n"
    error, warning = logs.only(line.format("error")), logs.only(line.format("warning"))

    assert (error.severity, error.tool, error.rule, error.message) == ("error", "annotation", "E1", "no tax; no total")
    assert (error.file, error.line, error.column) == ("src/cart.c", 3, 5)
    assert warning.severity == "warning"


def test_flake8_is_told_from_ruff_by_what_stands_behind() -> None:
    line = "shop/cart.py:1:8: F401 'os' imported but unused\n"

    assert logs.only(line).tool == "flake8"
    assert logs.only(line + "Found 1 error.\n").tool == "ruff"


def test_the_linters_file_stays_known_over_many_lines() -> None:
    log = "/build/shop/src/cart.js\n" + "".join(f"  {line}:1  warning  Odd {line}  odd\n" for line in range(1, 190))
    log += "\n/build/shop/src/main.js\n  1:1  error  Bad  bad\n"

    files = [each.file for each in logs.scan(log)]

    assert files == ["src/cart.js"] * 189 + ["src/main.js"]


def test_controls_and_bidi_marks_do_not_reach_what_is_shown() -> None:
    found = logs.only("src/a\u202e.c:3:1: error: bro\u202eken \x07now\x00\n")

    assert (found.file, found.message) == ("src/a .c", "bro ken  now")


def test_a_long_message_is_cut() -> None:
    assert len(logs.only(f"src/a.c:3:1: error: {'x' * 5000}\n").message) == 2000


def test_a_number_beyond_all_lines_is_none() -> None:
    found = logs.only(f"src/a.c:{'9' * 50}:0: error: broken\n")

    assert (found.line, found.column) == (None, None)

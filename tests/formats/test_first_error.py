"""Tool by tool: the first error shown is the line that a developer would want."""

import pytest

from ctci.formats import diagnostics
from ctci.model import Finding
from tests.formats import logs

#: Sample -> line of the log, tool, severity, rule, file, line, column, test, and the message's first line.
# The messages are as long as the tools wrote them.
# ruff: noqa: E501
FIRST: dict[str, tuple[int, str, str, str | None, str | None, int | None, int | None, str | None, str]] = {
    "annotations": (3, "annotation", "error", None, "shop/cart.py", 6, 11, None, "Price: no tax, no total"),
    "bash": (1, "sh", "error", None, "b.sh", 2, None, None, "gone-tool: command not found"),
    "bash-strict": (1, "sh", "error", None, "build.sh", 7, None, None, "TARGET: unbound variable"),
    "cargo": (2, "rustc", "error", "E0308", "src/main.rs", 3, 5, None, "mismatched types"),
    "cargo-manifest": (
        1,
        "log",
        "error",
        None,
        None,
        None,
        None,
        None,
        "failed to parse manifest at `/srv/demo/Cargo.toml`",
    ),
    "cargo-test": (12, "rustc", "failure", None, "src/lib.rs", 4, 5, "adds", "assertion `left == right` failed"),
    "chained": (6, "python", "error", None, "shop/cart.py", 4, None, None, "KeyError: 'apple'"),
    "clang": (3, "gcc", "error", None, "src/price.h", 7, 10, None, "'money.h' file not found"),
    "cmake": (
        7,
        "cmake",
        "error",
        "find_package",
        "CMakeLists.txt",
        3,
        None,
        None,
        'By not providing "FindNowhere.cmake" in CMAKE_MODULE_PATH this project has asked CMake to find a package configuration file provided by "Nowhere", but CMake did not find one.',
    ),
    "ctest": (4, "ctest", "failure", None, None, None, None, "cart", "Failed"),
    "eslint": (
        4,
        "eslint",
        "error",
        "no-unused-vars",
        "src/cart.js",
        10,
        15,
        None,
        "'price' is assigned a value but never used",
    ),
    "esm": (5, "node", "error", None, "js/cart.mjs", 3, 9, None, "RangeError: no items"),
    "flake8": (2, "flake8", "error", "E501", "shop/cart.py", 12, 80, None, "line too long (92 > 79 characters)"),
    "g++": (
        2,
        "gcc",
        "error",
        None,
        "app.cpp",
        5,
        21,
        None,
        "conversion from ‘std::vector<int>’ to non-scalar type ‘std::string’ {aka ‘std::__cxx11::basic_string<char>’} requested",
    ),
    "gcc": (2, "gcc", "error", None, "typo.c", 4, 5, None, "unknown type name ‘retrun’"),
    "gcc-colour": (2, "gcc", "error", None, "typo.c", 4, 5, None, "unknown type name ‘retrun’"),
    "gcc-include": (
        2,
        "gcc",
        "error",
        None,
        "cart.h",
        2,
        20,
        None,
        "expected declaration specifiers or ‘...’ before ‘{’ token",
    ),
    "gcc-notes": (2, "gcc", "error", None, "src/cart.c", 9, 12, None, "too few arguments to function 'total'"),
    "go-build": (2, "go", "error", None, "cart/cart.go", 12, 9, None, "undefined: price"),
    "go-panic": (
        1,
        "go",
        "error",
        None,
        "cart/cart.go",
        9,
        None,
        None,
        "panic: runtime error: index out of range [3] with length 2",
    ),
    "go-test": (4, "go", "failure", None, "cart_test.go", 14, None, "TestTotal/two_items", "got 2, want 3"),
    "go-test-verbose": (4, "go", "failure", None, "cart_test.go", 14, None, "TestTotal", "got 2, want 3"),
    "java": (
        1,
        "java",
        "error",
        None,
        "Main.java",
        1,
        None,
        None,
        "java.lang.ArrayIndexOutOfBoundsException: Index 2 out of bounds for length 1",
    ),
    "java-caused": (1, "java", "error", None, "Main.java", 8, None, None, "java.lang.IllegalStateException: no cart"),
    "javac": (1, "javac", "error", None, "src/Cart.java", 3, None, None, "cannot find symbol"),
    "jest": (
        2,
        "jest",
        "failure",
        None,
        "src/cart.test.js",
        4,
        19,
        "Cart › adds the prices",
        "expect(received).toBe(expected) // Object.is equality",
    ),
    "ld": (2, "ld", "error", None, "link.c", None, None, None, "undefined reference to `total'"),
    "make": (3, "gcc", "error", None, "typo.c", 4, 5, None, "unknown type name ‘retrun’"),
    "make-norule": (
        1,
        "make",
        "error",
        None,
        None,
        None,
        None,
        None,
        "No rule to make target 'gone', needed by 'all'.  Stop.",
    ),
    "make-sep": (1, "make", "error", None, "Makefile.bad", 2, None, None, "missing separator.  Stop."),
    "maven": (5, "maven", "error", None, "src/main/java/com/acme/Cart.java", 12, 16, None, "cannot find symbol"),
    "mypy": (
        1,
        "mypy",
        "error",
        "operator",
        "shop/cart.py",
        6,
        None,
        None,
        'Unsupported operand types for + ("int" and "str")',
    ),
    "node": (
        5,
        "node",
        "error",
        None,
        "js/app.js",
        2,
        21,
        None,
        "TypeError: Cannot read properties of undefined (reading 'length')",
    ),
    "node-syntax": (5, "node", "error", None, "js/bad.js", 1, None, None, "SyntaxError: Unexpected token ';'"),
    "node-test": (3, "tap", "failure", None, "js/t.test.js", 2, 1, "total", "Expected values to be strictly equal:"),
    "perl": (
        1,
        "perl",
        "error",
        None,
        "a.pl",
        2,
        None,
        None,
        'Global symbol "$y" requires explicit package name (did you forget to declare "my $y"?)',
    ),
    "perl-die": (2, "perl", "error", None, "lib/Cart.pm", 12, None, None, "no such cart"),
    "perl-test": (2, "tap", "failure", None, "cart.t", 2, None, "total", "total"),
    "pylint": (
        3,
        "pylint",
        "error",
        "E1101",
        "shop/cart.py",
        6,
        11,
        None,
        "Instance of 'Cart' has no 'prise' member (no-member)",
    ),
    "pytest": (
        15,
        "pytest",
        "failure",
        None,
        "tests/test_cart.py",
        3,
        None,
        "tests.test_cart::test_total",
        "assert 2 == 3",
    ),
    "pytest-collect": (
        17,
        "pytest",
        "failure",
        None,
        "t2/test_imp.py",
        1,
        None,
        "t2.test_imp",
        "ModuleNotFoundError: No module named 'nowhere'",
    ),
    "pytest-line": (3, "pytest", "failure", None, "py/tests/test_cart.py", 3, None, None, "assert 2 == 3"),
    "pytest-no": (
        3,
        "pytest",
        "failure",
        None,
        "tests/test_cart.py",
        None,
        None,
        "tests.test_cart::test_total",
        "assert 2 == 3",
    ),
    "pytest-short": (
        6,
        "pytest",
        "failure",
        None,
        "tests/test_cart.py",
        3,
        None,
        "tests.test_cart::test_total",
        "assert 2 == 3",
    ),
    "python": (
        16,
        "python",
        "error",
        None,
        "py/run.py",
        4,
        None,
        None,
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    "python-syntax": (4, "python", "error", None, "py/bad.py", 1, None, None, "SyntaxError: invalid syntax"),
    "ruff": (1, "ruff", "error", "F401", "shop/cart.py", 1, 8, None, "`os` imported but unused"),
    "ruff-concise": (1, "ruff", "error", "F401", "shop/cart.py", 1, 8, None, "`os` imported but unused"),
    "shellcheck": (
        4,
        "shellcheck",
        "warning",
        "SC2115",
        "build.sh",
        3,
        7,
        None,
        'Use "${var:?}" to ensure this never expands to / .',
    ),
    "shellcheck-gcc": (2, "shellcheck", "error", "SC1073", "build.sh", 9, 1, None, "Couldn't parse this function."),
    "sphinx": (4, "sphinx", "error", "docutils", "shop/cart.py", 3, None, None, "Unexpected indentation."),
    "surefire": (
        3,
        "maven",
        "failure",
        None,
        "CartTest.java",
        14,
        None,
        "com.acme.CartTest::total",
        "org.opentest4j.AssertionFailedError: expected: <3> but was: <2>",
    ),
    "terraform": (8, "terraform", "error", None, "main.tf", 2, None, None, "Reference to undeclared input variable"),
    "tsc": (
        4,
        "tsc",
        "error",
        "TS2322",
        "src/cart.ts",
        12,
        3,
        None,
        "Type 'string' is not assignable to type 'number'.",
    ),
    "tsc-pretty": (
        1,
        "tsc",
        "error",
        "TS2322",
        "src/cart.ts",
        12,
        3,
        None,
        "Type 'string' is not assignable to type 'number'.",
    ),
    "unittest": (
        8,
        "unittest",
        "failure",
        None,
        "py/test_u.py",
        4,
        None,
        "test_u.TestCart::test_total",
        "AssertionError: 2 != 3",
    ),
}


def test_every_sample_stands_in_the_table() -> None:
    assert sorted(FIRST) == logs.NAMES
    assert len(FIRST) >= 25


@pytest.mark.parametrize("name", logs.NAMES)
def test_the_first_error_is_the_line_a_developer_wants(name: str) -> None:
    line, tool, severity, rule, file, at, column, test, message = FIRST[name]

    found = diagnostics.first(logs.scan(logs.sample(name)))

    assert found is not None
    assert (tool, severity, rule) == (found.tool, found.severity, found.rule)
    assert (file, at, column, test) == (found.file, found.line, found.column, found.test)
    assert (line, message) == (found.log_line, found.message.partition("\n")[0])


def _finding(tool: str, log_line: int, *, severity: str = "error", rule: str | None = None) -> Finding:
    return Finding(severity=severity, tool=tool, message="it broke", rule=rule, file="a.c", line=4, log_line=log_line)


def test_a_compiler_comes_before_make_whatever_was_written_first() -> None:
    make = _finding("make", 3, rule="recipe")
    gcc = _finding("gcc", 9)

    assert gcc == diagnostics.first([make, gcc])


def test_a_failed_test_comes_before_an_exception_that_a_program_wrote_to_the_log() -> None:
    program = _finding("python", 3)
    test = _finding("pytest", 9, severity="failure")

    assert test == diagnostics.first([program, test])


def test_a_compilers_warning_is_not_why_a_job_failed() -> None:
    found = logs.scan("src/cart.c:3:5: warning: unused variable 'a' [-Wunused-variable]\n")

    assert [each.severity for each in found] == ["warning"]
    assert diagnostics.first(found) is None


def test_a_note_of_ctci_is_never_the_first_error() -> None:
    note = Finding(severity="error", tool="ctci", message="something was left out")

    assert diagnostics.first([note]) is None

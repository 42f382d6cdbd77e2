import pytest

from ctci import ledger
from ctci.layout import Layout
from ctci.model import Status
from tests import make
from tests.cli.calling import Caller, serving, worked, write_log
from tests.eventually import eventually

LINES = b"".join(b"line %d\n" % number for number in range(1, 31))


@pytest.fixture
def failed(ctci: Caller, db: ledger.Ledger, host: int) -> Caller:
    """#1 with api:build succeeded and api:test failed; the log of the latter has thirty lines."""
    make.prepared(db, orders=(make.order(recipe=make.recipe(name="build")), make.order()))
    for status, reason in ((Status.SUCCEEDED, None), (Status.FAILED, "exit 3")):
        job, _ = make.running(db, host)
        ledger.settle(db, job=job.id, attempt=1, host=host, status=status, reason=reason, exit=make.exit_())
    write_log(ctci.place, 1, b"built\n")
    write_log(ctci.place, 2, LINES)
    return ctci


def test_the_log_of_one_job_is_what_it_printed(failed: Caller) -> None:
    said = failed("log", "1/api:test")

    assert (said.code, said.out, said.err) == (0, LINES.decode(), "")


@pytest.mark.parametrize("named", ["1/api/test", "1/test", "shop/api:test", "http://127.0.0.1:8484/jobs/2"])
def test_a_job_may_be_named_in_many_ways(failed: Caller, named: str) -> None:
    assert failed("log", named, "--lines", ":1").out == "line 1\n"


def test_several_jobs_have_a_heading_each(failed: Caller) -> None:
    lines = failed("log", "1").out.splitlines()

    assert lines[:4] == [
        "==> #1 api:build: succeeded <==",
        "built",
        "",
        "==> #1 api:test: failed, exit 3 <==",
    ]
    assert lines[-1] == "line 30"


def test_failed_leaves_out_what_succeeded(failed: Caller) -> None:
    assert failed("log", "1", "--failed").out == LINES.decode()


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("7:9", 7, 9), ("29:", 29, 30), (":2", 1, 2), ("4", 4, 4), ("-3:", 28, 30), ("28:99", 28, 30), ("-99:1", 1, 1)],
)
@pytest.mark.parametrize("raw", [False, True])
def test_lines_are_chosen_by_number_or_from_the_end(
    failed: Caller, asked: str, first: int, last: int, *, raw: bool
) -> None:
    said = failed("log", "1/api:test", "--lines", asked, *(["--raw"] if raw else []))

    assert said.out.splitlines() == [f"line {number}" for number in range(first, last + 1)]


@pytest.mark.parametrize("asked", ["", ":", "x", "1:2:3"])
def test_lines_that_are_no_numbers_are_a_usage_error(failed: Caller, asked: str) -> None:
    said = failed("log", "1/api:test", f"--lines={asked}")

    assert said.code == 2


def test_lines_beyond_the_end_say_how_many_there_are(failed: Caller) -> None:
    said = failed("log", "1/api:test", "--lines", "31:")

    assert (said.code, said.out, said.err) == (0, "", "api:test has 30 lines\n")


def test_lines_are_about_one_log(failed: Caller) -> None:
    said = failed("log", "1", "--lines", "1:2")

    assert (said.code, "api:build, api:test" in said.err) == (2, True)


def test_a_job_without_a_log_says_why(ctci: Caller, db: ledger.Ledger) -> None:
    make.recorded(db)

    said = ctci("log", "1")

    assert (said.code, said.out) == (0, "")
    assert said.err == "api:test has no log: queued, waits for its commit to be fetched\n"


def test_a_job_that_printed_nothing_says_so(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    write_log(ctci.place, 1, b"")

    assert ctci("log", "1").err == "This recipe printed nothing.\n"


HOSTILE = b"\x1b[31mred\x1b[0m \x1b[2J\x1b]0;owned\x07 \xff\xfe \x08\xe2\x80\xae\x00 end\rlast \x1b[1mbold\n"


def test_raw_is_every_byte(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    write_log(ctci.place, 1, HOSTILE)

    assert ctci.process("log", "1", "--raw").stdout == HOSTILE


def test_otherwise_nothing_passes_that_a_terminal_obeys(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    write_log(ctci.place, 1, HOSTILE.replace(b"\r", b" "))

    said = ctci("log", "1").out

    assert said == "red  \ufffd\ufffd <BS><U+202E><NUL> end last bold\n"


def test_a_terminal_sees_the_colours_of_the_recipe_and_no_more(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    write_log(ctci.place, 1, HOSTILE.replace(b"\r", b" "))

    seen, plain = ctci.on_terminal("log", "1"), ctci.on_terminal("--color", "never", "log", "1")

    assert seen == "\x1b[31mred\x1b[0m  \ufffd\ufffd <BS><U+202E><NUL> end last \x1b[1mbold\x1b[0m\n"
    assert "\x1b" not in plain


def test_a_line_without_end_is_cut_and_says_so(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    write_log(ctci.place, 1, b"x" * 100_000)

    said = ctci("log", "1").out

    assert len(said) < 5_000
    assert "--raw shows them" in said


@pytest.mark.parametrize("raw", [False, True])
def test_a_followed_log_comes_as_it_is_written_until_the_job_ends(
    ctci: Caller, db: ledger.Ledger, host: int, *, raw: bool
) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    path = write_log(ctci.place, job.id, b"one\nhalf")
    seen = ctci.folder / "seen"
    with serving(ctci.place), seen.open("wb") as out:
        process = ctci.start("log", "-f", "1", *(["--raw"] if raw else []), stdout=out, stderr=-1)
        eventually(lambda: seen.read_bytes() == (b"one\nhalf" if raw else b"one\n"))
        with path.open("ab") as more:
            more.write(b" and half\ntail")
        eventually(lambda: b"half and half" in seen.read_bytes())
        ledger.settle(
            db, job=job.id, attempt=1, host=host, status=Status.FAILED, reason="exit 3", exit=make.exit_(code=3)
        )

        _, err = process.communicate(timeout=20)

    assert process.returncode == 0
    assert seen.read_bytes() == b"one\nhalf and half\ntail" + (b"" if raw else b"\n")
    assert b"api:test failed" in err


def test_several_followed_logs_name_the_job_in_each_line(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.recorded(db, orders=(make.order(recipe=make.recipe(name="build")), make.order()))

    with serving(ctci.place), worked(db, host, Status.SUCCEEDED, log=lambda job: _log(ctci.place, job)):
        said = ctci("log", "-f", "1")

    assert sorted(said.out.splitlines()) == ["api:build | job 1", "api:test | job 2"]
    assert "api:test succeeded" in said.err


def test_who_follows_a_log_that_nobody_goes_on_with_is_told(
    ctci: Caller, db: ledger.Ledger, host: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctci.cli.watching.AWAY_S", 0.5)
    make.prepared(db, orders=(make.order(), make.order(recipe=make.recipe(name="build"))))
    job, _ = make.running(db, host)
    write_log(ctci.place, job.id, b"one\n")

    said = ctci("log", "-f", "1")

    assert (said.code, said.out) == (3, "api:test | one\n")
    assert "api:build waits for a free slot" in said.err
    assert "no server is running" in said.err


def _log(place: Layout, job: int) -> None:
    write_log(place, job, b"job %d\n" % job)


def test_an_earlier_attempt_has_its_log_too(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    ledger.retry(db, job=job.id, attempt=1, host=host, status=Status.FAILED, reason="again", exit=make.exit_())
    make.running(db, host)
    write_log(ctci.place, job.id, b"first\n", attempt=1)
    write_log(ctci.place, job.id, b"second\n", attempt=2)

    said = [ctci("log", "1/api:test", *more) for more in ((), ("--attempt", "1"), ("--attempt", "3"))]

    assert [each.out for each in said] == ["second\n", "first\n", ""]
    assert (said[2].code, "api:test has 2 attempts" in said[2].err) == (5, True)

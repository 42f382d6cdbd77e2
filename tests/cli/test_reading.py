import json
import subprocess

import pytest
from sqlalchemy import text

from ctci import layout, ledger, shape
from ctci.model import Finding, NewLine, Novel, Reading, Repeat, Status
from tests import make
from tests.cli.calling import Caller, serving


@pytest.mark.parametrize("verb", ["status", "runs"])
def test_without_a_ledger_a_list_is_empty_and_says_what_helps(ctci: Caller, verb: str) -> None:
    said, shaped = ctci(verb), ctci(verb, "--json")

    assert (said.code, said.out) == (0, "")
    assert f"nothing has been recorded in {ctci.place.data}; start `ctci serve`" in said.err
    assert shaped.json == {"items": [], "next": None}


def test_reading_makes_no_ledger(ctci: Caller) -> None:
    ctci("runs")
    ctci("show", "1")

    assert not ctci.place.ledger.exists()


def test_status_is_one_line_per_branch_and_fine_when_all_is_green(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    make.settled(db, host, trigger=make.trigger(ref="refs/heads/feature/login"))

    said = ctci("status")

    assert said.code == 0
    assert [line.split()[:4] for line in said.out.splitlines()] == [
        ["shop", "main", "✓", "succeeded"],
        ["shop", "feature/login", "✓", "succeeded"],
    ]


def test_status_is_red_until_the_recipe_that_failed_succeeds(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED, "exit 3")
    failed = ctci("status")
    make.settled(db, host, orders=(make.order(recipe=make.recipe(name="build")),))
    untried = ctci("status")
    make.settled(db, host)
    fixed = ctci("status")

    assert (failed.code, untried.code, fixed.code) == (1, 1, 0)
    assert "api:test exit 3" in failed.out
    assert "red: api:test since #1" in untried.out


def test_a_recipe_that_was_removed_is_red_for_nobody(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED, orders=(make.order(recipe=make.recipe(name="lint")),))
    make.settled(db, host)

    assert ctci("status").code == 0


def test_an_errored_run_is_no_red_branch(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.ERRORED, "disk full")

    said = ctci("status")

    assert said.code == 0
    assert "disk full" in said.out


def test_status_tells_what_waits_and_for_what(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    make.prepared(db)
    make.running(db, host)
    make.prepared(db)

    said = ctci("status")

    assert "waits behind #2 (on-new-push = queue)" in said.out


def test_status_names_projects_without_runs(ctci: Caller, db: ledger.Ledger) -> None:
    assert db

    assert "shop has no runs yet" in ctci("status").err


@pytest.mark.parametrize("shaped", [(), ("--json",)])
def test_status_says_that_no_server_is_running_and_what_lies_in_the_spool(
    ctci: Caller, db: ledger.Ledger, host: int, shaped: tuple[str, ...]
) -> None:
    make.settled(db, host)
    without = ctci("status", *shaped)
    ctci.place.spool.mkdir(exist_ok=True)
    for digit in "12":
        (ctci.place.spool / f"1795000000-{digit * 8}-1111-4111-8111-111111111111").touch()
    (ctci.place.spool / "tmp.11111111-1111-4111-8111-111111111111").touch()

    left = ctci("status", *shaped)
    with serving(ctci.place):
        served = ctci("status", *shaped)

    assert (without.code, without.err) == (0, f"no server is running on {ctci.place.data}\n")
    assert (left.code, left.err) == (0, f"no server is running on {ctci.place.data}; 2 pushes wait in the spool\n")
    assert (served.code, served.err) == (0, "")


def test_status_of_an_unknown_project_is_not_found(ctci: Caller, db: ledger.Ledger) -> None:
    assert db

    said = ctci("status", "nobody")

    assert (said.code, "configured: shop" in said.err) == (5, True)


def test_status_as_json_names_what_fails(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.TIMED_OUT)

    said = ctci("status", "--json")

    (branch,) = said.json["items"]
    assert said.code == 1
    assert tuple(branch) == shape.BRANCH
    assert (branch["branch"], branch["red"], branch["failing"]) == ("main", True, ["shop/api:test"])


def test_runs_are_listed_newest_first_and_filtered(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    make.settled(db, host, Status.FAILED)
    make.settled(db, host, trigger=make.trigger(ref="refs/heads/feature"))

    def numbers(*options: str) -> list[str]:
        return [line.split()[0] for line in ctci("runs", *options).out.splitlines()]

    assert numbers() == ["#3", "#2", "#1"]
    assert numbers("--status", "failed") == ["#2"]
    assert numbers("--ref", "feature") == ["#3"]
    assert numbers("--project", "nobody") == []
    assert numbers("--before", "2") == ["#1"]


def test_a_page_of_runs_names_the_next(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    for _ in range(3):
        make.settled(db, host)

    first = ctci("runs", "--json", "id", "--limit", "2").json
    last = ctci("runs", "--json", "id", "--before", first["next"]).json

    assert first["items"] == [{"id": 3}, {"id": 2}]
    assert last == {"items": [{"id": 1}], "next": None}


@pytest.mark.parametrize("arguments", [("--json", "2"), ("2", "--json"), ("--json=", "2")])
def test_json_may_stand_without_fields(ctci: Caller, db: ledger.Ledger, host: int, arguments: tuple[str, ...]) -> None:
    make.settled(db, host)
    make.settled(db, host)

    said = ctci("show", *arguments).json

    assert tuple(said) == shape.RUN_WHOLE
    assert said["id"] == 2


def test_fields_that_are_not_there_are_a_usage_error_that_lists_those_that_are(ctci: Caller) -> None:
    said = ctci("runs", "--json", "id,stauts")

    assert said.code == 2
    assert "no field stauts; it knows id, project" in said.err


def test_show_tells_jobs_commits_and_deliveries(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED, "exit 3", brought=(make.commit(),))

    said = ctci("show", "1")

    assert said.code == 0
    for word in ("#1 failed: api:test (exit 3)", "refs/heads/main", "Ana Ruiz", "Use floats", "d_1", "/runs/1"):
        assert word in said.out
    assert "ctci log 1/api:test" in said.err


def test_show_tells_what_became_of_the_search_for_what_broke_it(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    quarry = make.broken(db, host)
    ledger.hunt(db, quarry, commits=[make.sha(9)], doubtful=False, until=None, word="looking", sentence="looking hard")
    trigger = make.trigger(kind="bisect", ref=quarry.run.ref, after=make.sha(9))
    make.settled(db, host, Status.FAILED, trigger=trigger, orders=(quarry.red.order,))

    said = ctci("show", str(quarry.run.id))
    newest = ctci("show", "shop", "--json", "id,hunts").json

    assert "looking hard" in said.out
    # The newest run of a project is none of the search's.
    assert (newest["id"], newest["hunts"][0]["sentence"]) == (quarry.run.id, "looking hard")


def ended_red(db: ledger.Ledger, host: int, first: Finding, new: Novel) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    reading = Reading(job=job.id, attempt=1, errors=1, first=0, novel=new)
    failed, exit_ = Status.FAILED, make.exit_(code=1)
    ledger.settle(
        db, job=job.id, attempt=1, host=host, status=failed, reason="", exit=exit_, reading=reading, findings=[first]
    )


def test_show_tells_the_first_error_and_the_first_line_that_no_green_log_had(
    ctci: Caller, db: ledger.Ledger, host: int
) -> None:
    new = Novel(count=12, lines=(NewLine(line=214, text="stock \x1b[31mis gone"), NewLine(line=215, text="giving up")))
    ended_red(db, host, make.finding(message="1 != 2", file="test_cart.py", line=88, log_line=14), new)

    said = ctci("show", "1").out

    error, line = (row for row in said.splitlines() if "of the log" in row)
    assert [word in error for word in ("api:test", "test_cart.py:88", "line 14 of", "1 != 2")] == [True] * 4
    assert [word in line for word in ("api:test", "12 new lines", "line 214 of", "is gone")] == [True] * 4
    assert "\x1b[31mis" not in line


def test_show_tells_a_line_that_is_new_and_the_first_error_once(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    new = Novel(count=12, lines=(NewLine(line=14, text="E  1 != 2"),))
    ended_red(db, host, make.finding(message="1 != 2", file="test_cart.py", line=88, log_line=14), new)

    (row,) = (row for row in ctci("show", "1").out.splitlines() if "of the log" in row)

    assert ("test_cart.py:88" in row, "new lines" in row) == (True, False)


def test_show_of_a_project_is_its_newest_run(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host)
    make.settled(db, host)

    assert ctci("show", "shop", "--json", "id").json == {"id": 2}


@pytest.mark.parametrize("verb", ["show", "log", "rerun", "cancel"])
def test_a_run_that_is_not_there_is_not_found(ctci: Caller, db: ledger.Ledger, host: int, verb: str) -> None:
    make.settled(db, host)

    said = ctci(verb, "99")

    assert said.code == 5
    assert "no run #99" in said.err


def test_a_job_that_is_not_there_is_not_found_and_the_others_are_named(
    ctci: Caller, db: ledger.Ledger, host: int
) -> None:
    make.settled(db, host)

    said = ctci("log", "1/web")

    assert (said.code, "it has api:test" in said.err) == (5, True)


def test_what_others_wrote_is_never_obeyed_by_the_terminal(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2Jfix\u202etxt.exe"
    make.settled(db, host, Status.FAILED, hostile, trigger=make.trigger(pusher=hostile))

    said = "".join(ctci(*call).out for call in (("status",), ("runs",), ("show", "1"), ("why-not", "shop")))

    assert {"\x1b", "\x07", "\u202e"}.isdisjoint(said)
    assert "fix<U+202E>txt.exe" in said


@pytest.mark.parametrize(("version", "helps"), [(0, "ctci serve"), (99, "install the newer ctci")])
def test_a_ledger_of_another_schema_is_refused_with_the_fix(
    ctci: Caller, db: ledger.Ledger, version: int, helps: str
) -> None:
    with db.write() as connection:
        connection.execute(text("UPDATE schema_version SET version = :v"), {"v": version})

    said = ctci("runs")

    assert said.code == 2
    assert f"schema version {version}" in said.err
    assert helps in said.err


def test_a_broken_configuration_hides_nothing_of_a_data_folder_that_was_named(
    ctci: Caller, db: ledger.Ledger, host: int
) -> None:
    make.settled(db, host)
    ctci.configure("[projects.shop\n")

    said = ctci("runs")

    assert (said.code, said.out.split()[0]) == (0, "#1")
    assert "nevertheless" in said.err


def test_a_broken_configuration_hides_nothing_of_the_data_folder_beside_it(
    ctci: Caller, db: ledger.Ledger, place: layout.Layout
) -> None:
    make.prepared(db)
    ctci.configure('[projects.shop]\ngit = "/srv/x.git"\ntimeout = 20\n')
    assert place.data == ctci.folder / "data"

    listed, ended = (
        subprocess.run(ctci.module(*verb), cwd=ctci.folder, env=ctci.environ(), capture_output=True, check=False)
        for verb in (("runs",), ("cancel", "1"))
    )

    assert (listed.returncode, listed.stdout.split()[0]) == (0, b"#1")
    assert b"1 job ended" in ended.stderr


def test_the_row_of_a_branch_is_not_that_of_an_old_run_again_and_says_since_when_it_is_red(
    ctci: Caller, db: ledger.Ledger, host: int
) -> None:
    first = make.settled(db, host)
    broke = make.settled(db, host, Status.FAILED, "exit 1")
    newest = make.settled(db, host, Status.FAILED, "exit 1")
    make.settled(db, host, trigger=make.trigger(kind="rerun"), rerun_of=first)
    skipped = make.prepared(db, skips=dict.fromkeys([5], "the push said `-o ci.skip`"))

    told = ctci("status").out

    assert f"#{newest}" not in told.splitlines()[0]
    assert f"#{skipped}" in told
    assert f"red: api:test since #{broke}" in told


def test_a_tag_is_found_by_its_name(ctci: Caller, db: ledger.Ledger) -> None:
    ledger.record(
        db, (make.entry(trigger=make.trigger(kind="tag", ref="refs/tags/v1"), orders=(), reason="no tags table"),)
    )

    assert "no tags table" in ctci("why-not", "shop@v1").out


def test_what_waits_together_is_told_once(ctci: Caller, db: ledger.Ledger) -> None:
    orders = tuple(make.order(recipe=make.recipe(name=name)) for name in ("build", "lint", "test"))
    make.recorded(db, orders=orders)

    line = ctci("status").out.splitlines()[0]

    assert "api:build, api:lint and api:test: waits for its commit to be fetched" in line


def test_a_result_that_is_repeated_says_where_its_log_is(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    first = make.settled(db, host, Status.FAILED, "exit 1")
    run = make.recorded(db)
    base, job = (ledger.jobs_of(db, [each])[each][0] for each in (first, run))
    repeat = Repeat(job=base.id, status=Status.FAILED, reason=f"unchanged since #{first}: failed")
    make.prepare(db, run, repeats={job.id: repeat})

    said = ctci("log", str(run))

    assert f"`ctci log {first}/api:test` is the log of then" in said.err


def test_a_terminal_gets_colours_and_lines_of_its_width(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED, "a reason that is much longer than the terminal is wide " * 3)

    with serving(ctci.place):
        seen = ctci.on_terminal("status", columns=60)
        plain = ctci.on_terminal("status", columns=60, NO_COLOR="1")

    assert "\x1b[31m✗ failed\x1b[0m" in seen
    assert "\x1b[" not in plain
    assert max(len(line) for line in plain.splitlines()) <= 60
    assert "…" in plain


def test_a_pipe_gets_neither_colours_nor_a_cut(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    reason = "a reason that is much longer than a terminal is wide " * 3
    make.settled(db, host, Status.FAILED, reason)

    piped = ctci.process("status").stdout.decode()
    forced = ctci.process("status", FORCE_COLOR="1").stdout.decode()
    never = ctci.process("--color", "never", "status", FORCE_COLOR="1").stdout.decode()

    assert reason.strip() in piped
    assert ("\x1b[" in piped, "\x1b[31m" in forced, "\x1b[" in never) == (False, True, False)


def test_an_output_that_is_not_utf_8_is_no_error(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED, "exit 3")

    with serving(ctci.place):
        done = ctci.process("status", PYTHONIOENCODING="latin-1")

    assert (done.returncode, done.stderr) == (1, b"")
    assert b"? failed" in done.stdout


def test_data_goes_to_stdout_alone(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED)

    done = ctci.process("show", "1", "--json")

    assert json.loads(done.stdout)["id"] == 1
    assert done.stderr == b""


def test_a_reader_that_leaves_early_is_no_error(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    for _ in range(60):
        make.settled(db, host)
    process = ctci.start("runs", "--limit", "200", "--json", stdout=-1, stderr=-1)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    said = process.stderr.read()

    process.stderr.close()
    assert (process.wait(20), said) == (141, b"")

"""The process that keeps one job, by real ones: what it promises of processes, log and verdict."""

import itertools
import os
import resource
import signal as signals
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ctci.model import Exit
from ctci.run import containment, keeping, sweeping
from tests.eventually import eventually
from tests.run import jobs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "7" / "1"


def keep_by_hand(folder: Path, *arguments: str, fsize: int | None = None) -> int:
    """The exit code of a keeper started without keeping."""
    limit = None if fsize is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (fsize, fsize))
    argv = [sys.executable, "-I", "-S", "-B", str(keeping.KEEPER), *arguments]
    return subprocess.run(argv, cwd=folder, env=jobs.ENV, capture_output=True, check=False, preexec_fn=limit).returncode


def contract(folder: Path, script: str) -> None:
    folder.mkdir(parents=True)
    (folder / "script.sh").write_text(script)
    (folder / "command").write_text("\0".join(["/", "sh", "-e", str(folder / "script.sh")]))


OPTIONS = ("timeout=30", "grace=1", "cap=10000000")


# --- verdicts


@pytest.mark.parametrize(
    ("script", "code", "signal"),
    [
        ("true", 0, None),
        ("exit 3", 3, None),
        ("false; exit 0", 1, None),
        ("kill -9 $$", None, 9),
        ("kill $$", None, 15),
    ],
)
def test_the_verdict_says_how_the_command_ended(
    folder: Path, script: str, code: int | None, signal: int | None
) -> None:
    ended = jobs.over(jobs.begin(folder, script))

    assert ("exit", code, signal) == (ended.how, ended.code, ended.signal)
    assert (ended.leftovers, ended.survivors) == ((), ())


def test_the_verdict_counts_cpu_and_memory_of_all_processes(folder: Path) -> None:
    hungry = f"{sys.executable} -c 'x = bytearray(60_000_000); sum(range(3_000_000))'"

    ended = jobs.over(jobs.begin(folder, f'sh -c "{hungry}" | cat'))

    assert ended.cpu_s > 0.02
    assert ended.peak_memory > 60_000_000
    assert 0 < ended.seconds < 20


@pytest.mark.parametrize(
    ("shell", "cwd", "line"),
    [
        ("no-such-shell -e", "/", "[ctci] cannot start no-such-shell: No such file or directory\n"),
        ("/etc/passwd", "/", "[ctci] cannot start /etc/passwd: Permission denied\n"),
        ("sh", "/no/such/folder", "[ctci] cannot enter /no/such/folder: No such file or directory\n"),
    ],
)
def test_a_command_that_cannot_start_says_so_and_ends_with_127(folder: Path, shell: str, cwd: str, line: str) -> None:
    ended = jobs.over(jobs.begin(folder, "true", shell=shell, cwd=Path(cwd)))

    assert ("exit", 127, line) == (ended.how, ended.code, jobs.said(folder))


def test_the_command_meets_what_a_terminal_user_would(folder: Path) -> None:
    script = (
        "umask; ulimit -c > /dev/null; cat; trap; cat /proc/self/oom_score_adj; nice; grep SigIgn /proc/self/status"
    )

    jobs.over(jobs.begin(folder, script, nice=5))

    nothing_ignored = "SigIgn:\t0000000000000000"
    assert ["0022", "500", str(os.nice(0) + 5), nothing_ignored] == jobs.said(folder).splitlines()


def test_the_environment_is_what_was_given_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTCI_TOKEN", "hunter2")
    given = {"PATH": jobs.ENV["PATH"], "LANG": "C", "ODD": "a\nb \udcff="}

    jobs.over(jobs.begin(folder, "env -0", env=given))

    raw = (folder / "log").read_bytes().split(b"\0")
    seen = {os.fsdecode(name): os.fsdecode(value) for name, _, value in (each.partition(b"=") for each in raw if each)}
    cookie = seen.pop(sweeping.COOKIE)
    seen.pop("PWD")
    assert given == {name: value for name, value in seen.items() if name not in ("OLDPWD", "SHLVL", "_")}
    assert cookie.startswith("7-1-")


# --- ends


def test_a_timeout_ends_the_tree_within_the_grace(folder: Path) -> None:
    nap = jobs.nap()
    deaf = f"sh -c \"trap '' TERM HUP; sleep {nap}; sleep {nap}\""
    script = f"trap '' TERM; (setsid sleep {nap} &); {deaf} & sleep {nap}; wait"

    ended = jobs.over(jobs.begin(folder, script, timeout_s=0.5, grace_s=0.5))

    assert (ended.how, ended.code, ended.signal) == ("timeout", None, 9)
    assert 1.0 <= ended.seconds < 5.0
    assert jobs.alive(nap) == []
    assert "[ctci] timed out after 0.5 s: TERM, and KILL after 0.5 s\n" in jobs.said(folder)
    assert "[ctci] still there after TERM, so KILL: " in jobs.said(folder)


def test_who_obeys_term_may_say_good_bye(folder: Path) -> None:
    script = f"trap 'echo bye; exit 9' TERM; echo ready; sleep {jobs.nap()} & wait"
    kept = jobs.begin(folder, script)
    eventually(lambda: "ready" in jobs.said(folder))

    ended = jobs.over(kept, wishes=lambda: True)

    assert (ended.how, ended.code) == ("cancelled", 9)
    assert "bye\n" in jobs.said(folder)
    assert ended.seconds < 5.0


def test_a_stopped_process_is_ended_too(folder: Path) -> None:
    nap = jobs.nap()
    script = f"sleep {nap} & kill -STOP $!; setsid sh -c 'kill -STOP $$; sleep {nap}' & kill -STOP $$"

    ended = jobs.over(jobs.begin(folder, script, timeout_s=0.4, grace_s=0.5))

    assert ended.how == "timeout"
    assert jobs.alive(nap) == []


def test_a_stopped_command_hears_the_term(folder: Path) -> None:
    script = "trap 'echo bye; exit 9' TERM; kill -STOP $$"

    ended = jobs.over(jobs.begin(folder, script, timeout_s=0.3))

    assert (ended.how, ended.code) == ("timeout", 9)
    assert "bye\n" in jobs.said(folder)


def test_a_stopped_leftover_hears_the_term(folder: Path) -> None:
    left = "trap 'echo bye; exit' TERM; kill -STOP $$"
    script = 'sh -c "$LEFT" &\nuntil grep -q "^State:.T" /proc/$!/status; do :; done'

    ended = jobs.over(jobs.begin(folder, script, env={**jobs.ENV, "LEFT": left}))

    assert (ended.code, ended.leftovers) == (0, ("sh",))
    assert "bye\n" in jobs.said(folder)


@pytest.mark.parametrize(
    ("daemon", "pid"),
    [
        ("setsid sleep {nap} &", "$!"),
        ("(setsid sh -c 'sleep {nap} & echo $! > pid' &)", "$(cat pid)"),
        ("nohup sleep {nap} > /dev/null 2>&1 &", "$!"),
        ("env -i setsid /bin/sleep {nap} < /dev/null > /dev/null 2>&1 &", "$!"),
        ("(trap '' TERM HUP INT; exec sleep {nap}) &", "$!"),
    ],
)
def test_what_the_command_leaves_behind_is_ended_and_named(folder: Path, tmp_path: Path, daemon: str, pid: str) -> None:
    nap = jobs.nap()
    # What is not yet there when the command ends would be no test.
    there = f"until grep -q {nap} /proc/{pid}/cmdline; do :; done 2> /dev/null"
    script = f"{daemon.format(nap=nap)}\n{there}\necho done"

    ended = jobs.over(jobs.begin(folder, script, cwd=tmp_path))

    assert (ended.how, ended.code, ended.leftovers) == ("exit", 0, ("sleep",))
    assert jobs.alive(nap) == []
    assert jobs.said(folder).startswith("done\n[ctci] still running after the command ended, so ended: sleep (pid ")
    assert ended.seconds < 6.0


def test_what_ends_by_itself_right_after_the_command_is_no_leftover(folder: Path) -> None:
    ended = jobs.over(jobs.begin(folder, "(sleep 0.02; echo late) & echo early"))

    assert (ended.leftovers, jobs.said(folder)) == ((), "early\nlate\n")


def test_a_stranger_who_holds_the_pipe_does_not_delay_the_end(folder: Path) -> None:
    kept = jobs.begin(folder, f"echo $$; trap 'exit 3' TERM; sleep {jobs.nap()} & wait")
    pid = eventually(lambda: jobs.said(folder).strip())
    stranger = os.open(f"/proc/{pid}/fd/1", os.O_WRONLY)

    ended = jobs.over(kept, wishes=lambda: True)
    os.close(stranger)

    assert (ended.how, ended.code) == ("cancelled", 3)
    assert ended.seconds < 5.0


def test_a_command_that_deletes_its_directory_ends_as_it_says(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()

    ended = jobs.over(jobs.begin(folder, 'rm -rf "$PWD"; echo gone; exit 4', cwd=place))

    assert (ended.how, ended.code, jobs.said(folder)) == ("exit", 4, "gone\n")
    assert not place.exists()


def test_a_storm_of_processes_is_ended_to_the_last(folder: Path) -> None:
    nap = jobs.nap()
    script = f"for i in $(seq 60); do (trap '' TERM; setsid sleep {nap} &) ; done; exit 4"

    ended = jobs.over(jobs.begin(folder, script))

    assert (ended.how, ended.code) == ("exit", 4)
    assert jobs.alive(nap) == []
    assert len(ended.leftovers) == 20
    assert "and 40 more" in jobs.said(folder)


@pytest.mark.parametrize("lease", [None, "nonsense", "1.0", "soon"])
def test_a_lease_that_ran_out_or_cannot_be_read_ends_the_job(folder: Path, tmp_path: Path, lease: str | None) -> None:
    path = tmp_path / "lease"
    if lease is not None:
        soon = time.clock_gettime(time.CLOCK_BOOTTIME) + 0.3
        path.write_text(str(soon) if lease == "soon" else lease)

    ended = jobs.over(jobs.begin(folder, f"exec sleep {jobs.nap()}", lease=path))

    assert (ended.how, ended.signal) == ("lease", 15)
    assert "[ctci] the lease of this machine has run out" in jobs.said(folder)


def test_a_lease_that_holds_changes_nothing(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "lease"
    path.write_text(str(time.clock_gettime(time.CLOCK_BOOTTIME) + 60))

    ended = jobs.over(jobs.begin(folder, "exit 2", lease=path))

    assert (ended.how, ended.code) == ("exit", 2)


# --- the log


def test_the_log_is_what_was_printed_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    content = bytes(range(256)) * 3000 + b"\x1b[31m\xff\xfe\0no end"
    (tmp_path / "content").write_bytes(content)

    ended = jobs.over(jobs.begin(folder, f"cat {tmp_path}/content", cap=10_000_000))

    assert content == (folder / "log").read_bytes()
    assert (len(content), 0) == (ended.log_bytes, ended.log_dropped)


@pytest.mark.parametrize("size", [999, 1000, 1001, 1500, 1501, 2000, 123_457, 2_000_003])
def test_the_cap_keeps_exactly_head_and_tail(folder: Path, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "content").write_bytes(content)

    ended = jobs.over(jobs.begin(folder, f"cat {tmp_path}/content; exit 5", cap=1001))

    mark = b"\n[ctci] %d bytes left out here\n" % (size - 1001)
    kept = content if size <= 1001 else content[:500] + mark + content[-501:]
    assert kept == (folder / "log").read_bytes()
    assert (5, len(kept), max(0, size - 1001)) == (ended.code, ended.log_bytes, ended.log_dropped)


def test_times_are_told_of_head_and_tail(folder: Path) -> None:
    before = time.time_ns() // 1_000_000
    script = "for i in 1 2 3 4 5 6 7 8; do printf 'line %s of the log of this job\\n' $i; sleep 0.08; done"

    jobs.over(jobs.begin(folder, script, cap=120))

    raw = (folder / "log.idx").read_bytes()
    records = list(struct.iter_unpack("<QQ", raw))
    log = (folder / "log").read_bytes()
    assert records == sorted(records)
    assert before <= records[0][1] <= records[-1][1] <= time.time_ns() // 1_000_000
    assert log[records[0][0] :][:9] == b"line 1 of"
    assert log[records[-1][0] :][:9] == b"line 8 of"
    assert all(later[1] - sooner[1] >= 50 for sooner, later in itertools.pairwise(records))


def test_a_line_of_100_mb_is_no_burden(folder: Path) -> None:
    ended = jobs.over(
        jobs.begin(folder, "head -c 100000000 /dev/zero; grep VmHWM /proc/$PPID/status; exit 6", cap=2_000_000)
    )

    keepers_peak_kb = int((folder / "log").read_bytes().split()[-2])
    assert ended.code == 6
    assert ended.log_dropped >= 98_000_000
    assert ended.seconds < 10.0
    assert keepers_peak_kb < 30_000
    assert (folder / "log").stat().st_size < 2_000_100
    assert sorted(each.name for each in folder.iterdir()) == [
        "command",
        "cookie",
        "keeper.err",
        "lock",
        "log",
        "log.idx",
        "result.json",
        "script.sh",
        "state.json",
        "uncancelled",
    ]


def test_writing_to_dev_stdout_takes_nothing_from_the_log(folder: Path) -> None:
    script = "echo one; echo two > /dev/stdout; echo three | tee /dev/stderr > /dev/null; echo four >> /dev/stdout"

    jobs.over(jobs.begin(folder, script))

    assert jobs.said(folder) == "one\ntwo\nthree\nfour\n"


def test_lines_are_there_while_the_job_runs(folder: Path) -> None:
    kept = jobs.begin(folder, f"echo first; sleep {jobs.nap()}")

    eventually(lambda: jobs.said(folder) == "first\n")

    assert keeping.read(folder) is None
    assert jobs.over(kept, wishes=lambda: True).how == "cancelled"


def test_a_full_disk_costs_log_lines_but_never_the_verdict(folder: Path) -> None:
    contract(folder, "head -c 1000000 /dev/zero; exit 5")

    code = keep_by_hand(folder, "1", str(folder), *OPTIONS, fsize=100_000)

    ended = keeping.read(folder)
    assert code == 0
    assert ended is not None
    assert (ended.how, ended.code, ended.log_bytes) == ("exit", 5, 100_000)
    assert ended.log_dropped >= 900_000


# --- the contract


@pytest.mark.parametrize(
    "arguments",
    [
        ("2", ".", *OPTIONS),
        ("1", ".", "timeout=1", "grace=1"),
        ("1", ".", *OPTIONS, "colour=red"),
        ("1", ".", "timeout=soon", "grace=1", "cap=1"),
        (),
    ],
)
def test_what_is_not_version_1_is_refused_and_starts_nothing(folder: Path, arguments: tuple[str, ...]) -> None:
    contract(folder, "echo ran")

    code = keep_by_hand(folder, *arguments)

    assert code == 64
    assert not (folder / "log").exists()


def test_a_job_that_has_a_result_is_not_run_again(folder: Path) -> None:
    contract(folder, "echo ran >> ran")
    first = keep_by_hand(folder, "1", str(folder), *OPTIONS)
    verdict = (folder / "result.json").read_text()

    again = keep_by_hand(folder, "1", str(folder), *OPTIONS)

    assert (first, again) == (0, 75)
    assert verdict == (folder / "result.json").read_text()


def test_a_second_keeper_leaves_a_job_that_has_one(folder: Path) -> None:
    kept = jobs.begin(folder, f"echo once; sleep {jobs.nap()}")
    eventually(lambda: "once" in jobs.said(folder))

    code = keep_by_hand(folder, "1", str(folder), *OPTIONS)

    assert code == 75
    assert jobs.said(folder) == "once\n"
    jobs.over(kept, wishes=lambda: True)


def test_a_recipe_cannot_read_its_keeper_as_an_ordinary_user(folder: Path) -> None:
    jobs.over(jobs.begin(folder, "stat -c %u /proc/$PPID/environ"))

    # A process that is not dumpable belongs to root.
    assert jobs.said(folder) == "0\n"


# --- a PID namespace of its own


def in_space(folder: Path, script: str, **options: Any) -> Exit:
    return jobs.over(jobs.begin(folder, script, sandbox="pid", **options))


@pytest.fixture
def space(tmp_path: Path) -> None:
    """Skips where this machine gives none."""
    fault = containment.probe(tmp_path / "probe").space_fault
    if fault is not None:
        pytest.skip(f"no PID namespaces here: {fault}")


@pytest.mark.usefixtures("space")
@pytest.mark.parametrize(
    ("script", "code", "signal"), [("true", 0, None), ("exit 3", 3, None), ("kill -9 $$", None, 9)]
)
def test_in_a_namespace_the_verdict_is_the_same(
    folder: Path, script: str, code: int | None, signal: int | None
) -> None:
    ended = in_space(folder, script)

    assert ("exit", code, signal, (), ()) == (ended.how, ended.code, ended.signal, ended.leftovers, ended.survivors)
    assert (folder / "keeper.err").read_bytes() == b""


@pytest.mark.usefixtures("space")
def test_in_a_namespace_a_recipe_sees_itself_alone(folder: Path) -> None:
    in_space(folder, "echo $PPID $$; ls /proc | grep -c '^[0-9]'; readlink /proc/self/ns/pid")

    ppid, seen, namespace = jobs.said(folder).splitlines()
    assert ppid == "1 2"
    assert int(seen) < 10
    assert namespace != os.readlink("/proc/self/ns/pid")


@pytest.mark.usefixtures("space")
def test_in_a_namespace_what_is_left_is_named_told_and_ended(folder: Path) -> None:
    nap = jobs.nap()

    ended = in_space(folder, f"(setsid sh -c \"trap 'echo told; exit' TERM; sleep {nap} & wait\" &); sleep 0.1; exit 2")

    assert (ended.code, set(ended.leftovers) >= {"sh", "sleep"}, jobs.alive(nap)) == (2, True, [])
    assert "told" in jobs.said(folder)


@pytest.mark.usefixtures("space")
def test_in_a_namespace_a_cancel_reaches_the_command_first(folder: Path) -> None:
    kept = jobs.begin(folder, f"trap 'echo bye; exit 9' TERM; echo up; sleep {jobs.nap()} & wait", sandbox="pid")
    eventually(lambda: "up" in jobs.said(folder))

    ended = jobs.over(kept, wishes=lambda: True)

    assert (ended.how, ended.code, "bye" in jobs.said(folder)) == ("cancelled", 9, True)


@pytest.mark.usefixtures("space")
def test_a_recipe_in_a_namespace_ends_nobody_but_itself(folder: Path) -> None:
    nap = jobs.nap()

    ended = in_space(folder, f"setsid sleep {nap} & kill -9 1; kill -STOP 1; kill -9 -1; exit 6")

    assert (ended.how, ended.code, jobs.alive(nap)) == ("exit", 6, [])


@pytest.mark.usefixtures("space")
def test_a_namespace_dies_with_its_keeper(folder: Path) -> None:
    nap = jobs.nap()
    kept = jobs.begin(folder, f"setsid sleep {nap} & echo up; sleep {nap}", sandbox="pid")
    eventually(lambda: "up" in jobs.said(folder))

    signals.pidfd_send_signal(kept.pidfd, signals.SIGKILL)

    assert eventually(lambda: jobs.alive(nap) == [])
    assert jobs.over(kept).how == "lost"


def test_without_the_namespace_that_was_asked_for_nothing_is_run(folder: Path) -> None:
    """A user namespace that may hold no other: what unshare answers in a container that forbids it."""
    folder.parent.mkdir(parents=True)
    contract(folder, "echo ran")
    argv = [sys.executable, "-I", "-S", "-B", str(keeping.KEEPER), "1", str(folder), *OPTIONS, "sandbox=pid"]
    outer = [
        "unshare",
        "--user",
        "--map-root-user",
        "sh",
        "-c",
        'echo 0 > /proc/sys/user/max_pid_namespaces; exec "$@"',
        "x",
    ]
    done = subprocess.run([*outer, *argv], env=jobs.ENV, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "max_pid" in done.stderr:
        pytest.skip(f"needs a user namespace: {done.stderr.strip()}")

    ended = keeping.read(folder)

    assert ended is not None
    assert (ended.how, ended.code) == ("sandbox", None)
    assert "[ctci] not run: this machine gives no PID namespace: unshare: No space left on device" in jobs.said(folder)
    assert "ran" not in jobs.said(folder).split()


# --- a cgroup of its own


def test_a_job_has_a_cgroup_where_one_is_delegated_and_it_goes_with_the_job(folder: Path) -> None:
    parent, fault = containment.delegated()
    if parent is None:
        pytest.skip(f"no cgroup to make others in: {fault}")

    nap = jobs.nap()
    ended = jobs.over(
        jobs.begin(folder, f"trap '' TERM; cat /proc/self/cgroup; setsid sleep {nap} & exit 1", cgroups=parent)
    )

    cgroup = Path((folder / "cgroup").read_text())
    assert f"/{cgroup.name}" in jobs.said(folder)
    assert (ended.code, jobs.alive(nap), cgroup.exists()) == (1, [], False)


def test_a_lost_job_is_swept_by_its_cgroup(folder: Path) -> None:
    parent, fault = containment.delegated()
    if parent is None:
        pytest.skip(f"no cgroup to make others in: {fault}")
    nap = jobs.nap()
    kept = jobs.begin(folder, f"(env -i setsid sleep {nap} &); echo up; sleep {nap}", cgroups=parent)
    eventually(lambda: "up" in jobs.said(folder) and len(jobs.alive(nap)) == 2)

    signals.pidfd_send_signal(kept.pidfd, signals.SIGKILL)
    ended = jobs.over(kept)

    assert (ended.how, jobs.alive(nap)) == ("lost", [])

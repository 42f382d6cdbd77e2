"""The queue: needs, locks, turns, retries, results repeated, and what each waiting job waits for."""

import itertools
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ctci import ledger
from ctci.ledger import entries, writes
from ctci.ledger.tables import standing
from ctci.model import CONCLUSIVE, RED, Entry, Job, Order, Repeat, Status
from tests import make


def orders(*recipes: dict[str, Any], ref: str = "refs/heads/main", project: str = "shop") -> tuple[Order, ...]:
    return tuple(make.order(recipe=make.recipe(**fields), ref=ref, project=project) for fields in recipes)


def diamond(db: ledger.Ledger, **build: Any) -> int:
    """build, then left and right, then pack; and lint, which nobody needs."""
    recipes = (
        {"name": "build", **build},
        {"name": "left", "needs": ("build",)},
        {"name": "right", "needs": ("build",)},
        {"name": "pack", "needs": ("left", "right")},
        {"name": "lint"},
    )
    return make.prepared(db, orders=orders(*recipes))


def jobs_of(db: ledger.Ledger, run: int) -> dict[str, Job]:
    return {job.order.recipe.name: job for job in ledger.jobs_of(db, [run], ahead=True)[run]}


def said(db: ledger.Ledger, run: int) -> dict[str, tuple[str, str | None]]:
    return {name: (str(job.status), job.reason) for name, job in jobs_of(db, run).items()}


def claims(db: ledger.Ledger, host: int) -> list[Job]:
    """All that may be claimed now, begun."""
    found = []
    while (claimed := ledger.claim(db, host=host, slot=1, boot_id="boot")) is not None:
        job, _ = claimed
        ledger.begin(db, job=job.id, attempt=job.attempt, host=host)
        found.append(job)
    return found


def end(db: ledger.Ledger, host: int, job: Job, status: Status = Status.SUCCEEDED) -> None:
    reason = None if status is Status.SUCCEEDED else "exit 1"
    ledger.settle(db, job=job.id, attempt=job.attempt, host=host, status=status, reason=reason, exit=make.exit_())


def names(jobs: Sequence[Job]) -> list[str]:
    return [job.order.recipe.name for job in jobs]


# --- needs


def test_a_job_waits_for_all_that_it_needs(db: ledger.Ledger, host: int) -> None:
    diamond(db)

    waves = []
    while wave := claims(db, host):
        waves.append(names(wave))
        for job in wave:
            end(db, host, job)

    assert waves == [["build", "lint"], ["left", "right"], ["pack"]]


def test_what_needs_a_failed_job_is_skipped_and_so_on(db: ledger.Ledger, host: int) -> None:
    run = diamond(db)
    build, lint = claims(db, host)

    end(db, host, build, Status.FAILED)
    end(db, host, lint)

    found = ledger.run(db, run)
    assert found is not None
    assert (found.status, found.finished_at is not None) == (Status.FAILED, True)
    assert said(db, run) == {
        "build": ("failed", "exit 1"),
        "left": ("skipped", "needs build, which failed"),
        "right": ("skipped", "needs build, which failed"),
        "pack": ("skipped", "needs left, which was skipped"),
        "lint": ("succeeded", None),
    }


def test_one_side_of_a_diamond_that_fails_skips_what_needs_both(db: ledger.Ledger, host: int) -> None:
    run = diamond(db)
    for job in claims(db, host):
        end(db, host, job)
    left, right = claims(db, host)

    end(db, host, left, Status.TIMED_OUT)
    after = said(db, run)["pack"]
    end(db, host, right)

    assert after == ("skipped", "needs left, which timed out")
    assert said(db, run)["right"] == ("succeeded", None)
    assert claims(db, host) == []


def test_what_is_allowed_to_fail_stops_nobody_and_is_not_the_run_s_failure(db: ledger.Ledger, host: int) -> None:
    run = diamond(db, allow_failure=True)
    build, lint = claims(db, host)
    end(db, host, build, Status.FAILED)
    end(db, host, lint)

    while wave := claims(db, host):
        for job in wave:
            end(db, host, job)

    found = ledger.run(db, run)
    assert found is not None
    assert found.status is Status.SUCCEEDED
    assert said(db, run)["build"] == ("failed", "exit 1")


def test_an_error_of_ours_is_no_failure_that_is_allowed(db: ledger.Ledger, host: int) -> None:
    run = diamond(db, allow_failure=True)
    build, _ = claims(db, host)

    end(db, host, build, Status.ERRORED)

    assert said(db, run)["left"] == ("skipped", "needs build, which errored")


def test_cancelling_a_job_skips_what_needs_it(db: ledger.Ledger) -> None:
    run = diamond(db)
    build = jobs_of(db, run)["build"]

    ended, asked = ledger.ask_cancel(db, by="ana", reason="not now", job=build.id)

    assert (ended, asked) == (1, 0)
    assert {name: status for name, (status, _) in said(db, run).items()} == {
        "build": "cancelled",
        "left": "skipped",
        "right": "skipped",
        "pack": "skipped",
        "lint": "queued",
    }


def test_a_skipped_run_says_of_each_job_why_it_was_skipped(db: ledger.Ledger) -> None:
    run = make.recorded(db, orders=orders({"name": "build"}, {"name": "test", "needs": ("build",)}))
    reason = "“[skip ci]” in the message of 1234567"

    make.prepare(db, run, skips=dict.fromkeys((job.id for job in jobs_of(db, run).values()), reason))

    assert said(db, run) == {"build": ("skipped", reason), "test": ("skipped", reason)}


def test_what_the_run_does_not_have_is_not_waited_for(db: ledger.Ledger, host: int) -> None:
    make.prepared(db, orders=orders({"name": "test", "needs": ("build",)}))

    assert names(claims(db, host)) == ["test"]


def test_a_retried_job_keeps_those_waiting_that_need_it(db: ledger.Ledger, host: int) -> None:
    diamond(db)
    build, lint = claims(db, host)
    end(db, host, lint)

    ledger.retry(db, job=build.id, attempt=1, host=host, status=Status.FAILED, reason="again", exit=make.exit_(code=1))
    (again,) = claims(db, host)
    waiting = claims(db, host)
    end(db, host, again)

    assert (again.id, again.attempt, waiting) == (build.id, 2, [])
    assert names(claims(db, host)) == ["left", "right"]


# --- retries


def test_a_retry_closes_its_attempt_and_takes_the_job_s_old_place(db: ledger.Ledger, host: int) -> None:
    run = make.prepared(db)
    make.prepared(db, trigger=make.trigger(ref="refs/heads/later"))
    job, _ = make.running(db, host)

    ledger.retry(
        db,
        job=job.id,
        attempt=1,
        host=host,
        status=Status.FAILED,
        reason="attempt 1: exit 1; again",
        exit=make.exit_(code=1),
    )
    waiting = ledger.job(db, job.id)
    again, _ = make.running(db, host)

    assert waiting is not None
    assert (waiting.status, waiting.reason, waiting.exit) == (Status.QUEUED, "attempt 1: exit 1; again", None)
    assert (again.id, again.attempt) == (job.id, 2)
    first, second = ledger.attempts_of(db, job.id)
    assert (first.status, first.exit is not None, second.status) == (Status.FAILED, True, None)
    assert [job.id for job in ledger.standing(db)] == []
    end(db, host, again)
    assert [(job.run, job.status) for job in ledger.standing(db)] == [(run, Status.SUCCEEDED)]


def test_an_attempt_keeps_what_the_machine_was_when_it_began_and_what_its_tools_said(
    db: ledger.Ledger, host: int
) -> None:
    make.prepared(db, orders=(make.order(recipe=make.recipe(facts=("gcc --version",))),))
    begun = []
    for number in (1, 2):
        claimed = ledger.claim(db, host=host, slot=1, boot_id="boot")
        assert claimed is not None
        job, _ = claimed
        ledger.begin(db, job=job.id, attempt=number, host=host, facts={"machine": "h1", "kernel": f"6.{number}"})
        begun.append(ledger.attempts_of(db, job.id)[-1].facts)
        if number == 1:
            failed: dict[str, Any] = {"status": Status.FAILED, "reason": "exit 1", "exit": None}
            ledger.retry(db, job=job.id, attempt=1, host=host, facts={"gcc": "13.1"}, **failed)
    ledger.settle(db, job=job.id, attempt=2, host=host, **failed)

    assert job.order.recipe.facts == ("gcc --version",)
    assert begun == [{"machine": "h1", "kernel": "6.1"}, {"machine": "h1", "kernel": "6.2"}]
    assert [each.facts for each in ledger.attempts_of(db, job.id)] == [{**begun[0], "gcc": "13.1"}, begun[1]]


def test_a_job_that_was_asked_to_end_is_not_tried_again(db: ledger.Ledger, host: int) -> None:
    make.prepared(db)
    job, _ = make.running(db, host)
    ledger.ask_cancel(db, by="ana", reason="enough", job=job.id)

    with pytest.raises(ledger.Fenced, match="asked to end"):
        ledger.retry(db, job=job.id, attempt=1, host=host, status=Status.FAILED, reason="again", exit=None)

    found = ledger.job(db, job.id)
    assert found is not None
    assert found.status is Status.RUNNING


# --- locks


def locked(db: ledger.Ledger, lock: str, **fields: Any) -> int:
    trigger = make.trigger(ref=f"refs/heads/{lock}-{next(_numbers)}", project=fields.pop("project", "shop"))
    recipe = make.recipe(lock=lock)
    some = (make.order(recipe=recipe, ref=trigger.ref, project=trigger.project),)
    return make.prepared(db, trigger=trigger, orders=some, **fields)


_numbers = itertools.count(1)


def test_one_lock_is_held_by_one_running_job_and_the_next_in_the_queue_goes_on(db: ledger.Ledger, host: int) -> None:
    first, second = locked(db, "postgres"), locked(db, "postgres", project="docs")
    free = make.prepared(db, trigger=make.trigger(ref="refs/heads/free"))

    wave = claims(db, host)
    end(db, host, wave[0])
    after = claims(db, host)

    assert [job.run for job in wave] == [first, free]
    assert [job.run for job in after] == [second]


def test_a_cancelled_job_keeps_its_lock_until_it_has_ended(db: ledger.Ledger, host: int) -> None:
    run = locked(db, "postgres")
    waiting = locked(db, "postgres")
    (job,) = claims(db, host)

    ledger.ask_cancel(db, by="ana", reason="no", run=run)
    during = claims(db, host)
    end(db, host, job, Status.CANCELLED)

    assert during == []
    assert [job.run for job in claims(db, host)] == [waiting]


def test_no_two_of_many_threads_hold_a_lock(db: ledger.Ledger, host: int) -> None:
    for number in range(12):
        locked(db, f"lock{number % 3}")
    held: list[str] = []
    doubled: list[str] = []
    guard = threading.Lock()

    def work() -> None:
        for _ in range(40):
            claimed = ledger.claim(db, host=host, slot=1, boot_id="b")
            if claimed is None:
                continue
            job = claimed[0]
            lock = str(job.order.recipe.lock)
            with guard:
                doubled.extend([lock] if lock in held else [])
                held.append(lock)
            ledger.begin(db, job=job.id, attempt=job.attempt, host=host)
            with guard:
                held.remove(lock)
            end(db, host, job)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert doubled == []
    assert ledger.counts(db)["queued"] == 0


# --- turns


def test_who_asks_for_little_is_not_behind_all_of_who_asks_for_much(db: ledger.Ledger, host: int) -> None:
    for number in range(6):
        make.prepared(db, trigger=make.trigger(ref=f"refs/heads/b{number}"))
    job, _ = make.running(db, host)

    for number in range(2):
        some = orders({"name": "test"}, project="docs", ref=f"refs/heads/d{number}")
        make.prepared(db, trigger=make.trigger(project="docs", ref=f"refs/heads/d{number}"), orders=some)
    end(db, host, job)

    assert [job.order.project for job in claims(db, host)] == ["shop", "docs", "shop", "docs", "shop", "shop", "shop"]


def test_who_was_away_for_long_does_not_come_before_all(db: ledger.Ledger, host: int) -> None:
    quiet = orders({"name": "test"}, project="docs")
    make.prepared(db, trigger=make.trigger(project="docs"), orders=quiet)
    for number in range(5):
        make.prepared(db, trigger=make.trigger(ref=f"refs/heads/a{number}"))
    for job in claims(db, host):
        end(db, host, job)

    for number in range(3):
        make.prepared(db, trigger=make.trigger(ref=f"refs/heads/b{number}"))
    for number in range(3):
        ref = f"refs/heads/d{number}"
        some = orders({"name": "test"}, project="docs", ref=ref)
        make.prepared(db, trigger=make.trigger(project="docs", ref=ref), orders=some)

    order = [job.order.project for job in claims(db, host)]
    assert sorted(order[:4]) == ["docs", "docs", "shop", "shop"]


def test_a_person_comes_first_and_does_not_push_others_back(db: ledger.Ledger, host: int) -> None:
    for number in range(4):
        make.prepared(db, trigger=make.trigger(ref=f"refs/heads/b{number}"))
    wish = make.prepared(db, trigger=make.trigger(kind="manual", ref="refs/heads/wish"), priority=0)
    person, _ = make.running(db, host)
    some = orders({"name": "test"}, project="docs")

    make.prepared(db, trigger=make.trigger(project="docs"), orders=some)

    assert person.run == wish
    assert [job.order.project for job in claims(db, host)][:2] in (["shop", "docs"], ["docs", "shop"])


def test_jobs_of_a_branch_are_claimed_in_the_order_of_their_runs(db: ledger.Ledger, host: int) -> None:
    runs = [
        make.prepared(
            db,
            trigger=make.trigger(kind="manual"),
            orders=orders({"name": "build"}, {"name": "test"}),
        )
        for _ in range(4)
    ]

    assert [job.run for job in claims(db, host)] == [run for run in runs for _ in range(2)]


# --- results repeated


def test_a_repeated_result_counts_as_the_one_it_repeats(db: ledger.Ledger, host: int) -> None:
    first = make.settled(db, host, Status.FAILED, "exit 1")
    base = jobs_of(db, first)["test"]
    run = make.recorded(db)
    job = jobs_of(db, run)["test"]

    make.prepare(
        db, run, repeats={job.id: Repeat(job=base.id, status=Status.FAILED, reason=f"unchanged since #{first}: failed")}
    )

    found, ended = ledger.job(db, job.id), ledger.run(db, run)
    assert found is not None
    assert ended is not None
    assert (found.status, found.same_as, found.attempt) == (Status.FAILED, base.id, 0)
    assert (ended.status, ended.finished_at is not None) == (Status.FAILED, True)
    assert [each.id for each in ledger.standing(db)] == [job.id]
    assert ledger.bases(db, "shop", "refs/heads/main")["api", "test"][0].id == job.id


def test_what_needs_a_repeated_result_goes_on_or_is_skipped(db: ledger.Ledger, host: int) -> None:
    recipes = ({"name": "build"}, {"name": "test", "needs": ("build",)})
    outcomes = {}
    for status in (Status.SUCCEEDED, Status.FAILED):
        run = make.recorded(db, trigger=make.trigger(kind="manual"), orders=orders(*recipes))
        build = jobs_of(db, run)["build"]
        make.prepare(db, run, repeats={build.id: Repeat(job=1, status=status, reason=f"unchanged since #1: {status}")})
        outcomes[status] = (names(claims(db, host)), said(db, run)["test"][1])

    assert outcomes == {
        Status.SUCCEEDED: (["test"], None),
        Status.FAILED: ([], "needs build, which failed"),
    }


# --- what is waited for


def test_each_waiting_job_says_what_it_waits_for(db: ledger.Ledger, host: int) -> None:
    running = locked(db, "postgres")
    held = claims(db, host)
    lock = locked(db, "postgres")
    fresh = make.recorded(db, trigger=make.trigger(ref="refs/heads/fresh"))
    needy = make.prepared(
        db,
        trigger=make.trigger(ref="refs/heads/needy"),
        orders=orders({"name": "build"}, {"name": "test", "needs": ("build",)}, ref="refs/heads/needy"),
    )
    last = make.prepared(db, trigger=make.trigger(ref="refs/heads/last"))

    def wait(run: int, name: str = "test") -> Any:
        return jobs_of(db, run)[name].wait

    assert len(held) == 1
    assert (wait(lock).kind, wait(lock).names, wait(lock).run, wait(lock).holder) == (
        "lock",
        ("postgres",),
        running,
        "shop/api:test",
    )
    assert wait(fresh).kind == "commit"
    assert (wait(needy, "build").kind, wait(needy, "build").ahead) == ("slot", 0)
    assert (wait(needy).kind, wait(needy).names) == ("recipe", ("build",))
    assert (wait(last).kind, wait(last).ahead) == ("slot", 1)
    assert [job.run for job, _ in ledger.queue(db)] == [lock, needy, last, fresh, needy]
    assert [job.wait for job, _ in ledger.queue(db)] == [
        wait(lock),
        wait(needy, "build"),
        wait(last),
        wait(fresh),
        wait(needy),
    ]


def test_a_run_behind_another_says_which(db: ledger.Ledger, host: int) -> None:
    first = make.prepared(db)
    make.running(db, host)
    second = make.prepared(db)

    wait = jobs_of(db, second)["test"].wait

    assert wait is not None
    assert (wait.kind, wait.run) == ("run", first)


def test_parallel_pushes_run_beside_each_other(db: ledger.Ledger, host: int) -> None:
    runs = [make.prepared(db, orders=(make.order(on_new_push="parallel"),)) for _ in range(3)]

    assert [job.run for job in claims(db, host)] == runs


# --- standing


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(CONCLUSIVE | {Status.ERRORED, Status.CANCELLED})),
            st.one_of(st.none(), st.integers(0, 5)),
        ),
        max_size=10,
    )
)
def test_the_standing_is_what_the_jobs_say(
    db: ledger.Ledger, host: int, story: list[tuple[Status, int | None]]
) -> None:
    """Runs and reruns of earlier ones, in any order, each with any end."""
    ref = f"refs/heads/story-{next(_numbers)}"
    told: list[tuple[int, int, Status]] = []
    runs: list[int] = []
    for status, rerun in story:
        again = runs[rerun % len(runs)] if runs and rerun is not None else None
        kind = "push" if again is None else "rerun"
        run = make.settled(
            db,
            host,
            status,
            trigger=make.trigger(ref=ref, kind=kind, key=f"k{next(_numbers)}"),
            orders=(make.order(ref=ref, on_new_push="parallel"),),
            rerun_of=again,
        )
        place = next((as_of for as_of, each, _ in told if each == again), run) if again is not None else run
        told.append((place, run, status))
        runs.append(run)

    with db.read() as connection:
        row = connection.execute(select(standing).where(standing.c.ref == ref)).one_or_none()
    seen = sorted((as_of, run, status) for as_of, run, status in told if status in CONCLUSIVE)
    run_of = {job.id: run for run, jobs in ledger.jobs_of(db, runs).items() for job in jobs}
    greens = [each for each in seen if each[2] is Status.SUCCEEDED]
    reds = [each for each in seen if each[2] in RED and (not greens or each > greens[-1])]
    assert (row is None) == (not seen)
    if row is not None:
        assert run_of[row.last_job] == seen[-1][1]
        assert (run_of[row.green_job] if row.green_job else None) == (greens[-1][1] if greens else None)
        assert (run_of[row.red_job] if row.red_job else None) == (reds[0][1] if reds else None)


def test_the_claim_walks_one_index(db: ledger.Ledger) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("this plan is SQLite's")

    with db.read() as connection:
        asked = str(writes._next_job.compile(db.engine, compile_kwargs={"literal_binds": True}))
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")]

    assert [step for step in plan if step.startswith(("SCAN", "USE TEMP"))] == []
    assert "USING INDEX jobs_queue (waiting=?)" in plan[0]
    assert any("USING INDEX jobs_lock (lock=?)" in step for step in plan)


# --- what a push does to the one before it


@pytest.mark.parametrize("mode", ["queue", "supersede"])
def test_a_push_that_is_skipped_whole_replaces_nobody(db: ledger.Ledger, host: int, mode: str) -> None:
    first = make.prepared(db, orders=(make.order(on_new_push=mode),))
    second = make.recorded(db, orders=(make.order(on_new_push=mode),))

    make.prepare(db, second, skips={jobs_of(db, second)["test"].id: "[skip ci]"})
    (running,) = claims(db, host)
    third = make.recorded(db, orders=(make.order(on_new_push=mode),))
    make.prepare(db, third, skips={jobs_of(db, third)["test"].id: "[skip ci]"})

    assert running.run == first
    assert jobs_of(db, first)["test"].cancel_as is None


def test_a_claimed_job_that_was_asked_to_end_skips_what_needs_it_when_it_is_given_back(
    db: ledger.Ledger, host: int
) -> None:
    run = make.prepared(db, orders=orders({"name": "build"}, {"name": "test", "needs": ("build",)}))
    claimed = ledger.claim(db, host=host, slot=1, boot_id="boot")
    assert claimed is not None
    ledger.ask_cancel(db, by="ana", reason="no", job=claimed[0].id)

    ledger.put_back(db, job=claimed[0].id, attempt=1, host=host, reason="never began")

    found = ledger.run(db, run)
    assert found is not None
    assert said(db, run) == {"build": ("cancelled", "no"), "test": ("skipped", "needs build, which was cancelled")}
    assert found.finished_at is not None
    assert [change.kind for change in ledger.changes_after(db, 0)].count("settled") == 2


def test_a_given_up_push_leaves_the_ref_where_it_was(db: ledger.Ledger) -> None:
    first = make.prepared(db, trigger=make.trigger(after=make.sha(1)))
    second = make.recorded(db, trigger=make.trigger(after=make.sha(2)))
    third = make.recorded(db, trigger=make.trigger(after=make.sha(3)))

    ledger.give_up(db, second, "no such commit")
    later = ledger.run(db, third)
    ledger.give_up(db, third, "no such commit")
    again = ledger.record(db, (make.entry(trigger=make.trigger(after=make.sha(1))),))[0]

    assert later is not None
    assert (later.prev_commit, later.prev_run) == (make.sha(1), first)
    assert make.recorded_ref(db, "shop", "refs/heads/main") == (make.sha(1), first)
    assert (again.decision, again.run) == ("duplicate", first)


def test_a_late_push_is_forgotten_by_those_that_came_after_it(db: ledger.Ledger) -> None:
    newest = make.prepared(db, trigger=make.trigger(after=make.sha(9)))
    late = make.recorded(db, trigger=make.trigger(after=make.sha(8)))
    after = make.recorded(db, trigger=make.trigger(after=make.sha(10)))

    make.prepare(db, late, older_than=newest)

    found = ledger.run(db, after)
    assert found is not None
    assert (found.prev_commit, found.prev_run) == (make.sha(9), newest)


def test_a_person_s_run_of_an_old_commit_says_nothing_of_now(db: ledger.Ledger, host: int) -> None:
    good = make.settled(db, host, trigger=make.trigger(after=make.sha(1)))
    bad = make.settled(db, host, Status.FAILED, trigger=make.trigger(after=make.sha(2)))

    for commit in (make.sha(1), make.sha(7)):
        make.settled(db, host, trigger=make.trigger(kind="manual", after=commit), priority=0)
    standing_then = [job.run for job in ledger.standing(db)]
    now = make.settled(db, host, trigger=make.trigger(kind="manual", after=make.sha(2)), priority=0)

    strip = ledger.strips(db, [("shop", "refs/heads/main")])["shop", "refs/heads/main"]
    assert standing_then == [bad]
    assert [job.run for job in ledger.standing(db)] == [now]
    assert [run.id for run in strip] == [4, good, 3, bad, now]


def test_jobs_with_equal_turns_agree_on_who_is_before_whom(db: ledger.Ledger) -> None:
    runs = [
        make.prepared(db, trigger=make.trigger(project=project), orders=orders({"name": "test"}, project=project))
        for project in ("shop", "docs", "site")
    ]

    queue = [(job.run, job.wait) for job, _ in ledger.queue(db)]
    alone = [(run, ledger.jobs_of(db, [run], ahead=True)[run][0].wait) for run in runs]

    assert queue == alone


# --- many at once


def together(count: int, act: Any) -> list[BaseException]:
    """What went wrong when `count` threads did it at the same moment."""
    barrier = threading.Barrier(count)
    wrong: list[BaseException] = []

    def one(number: int) -> None:
        barrier.wait()
        try:
            act(number)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to know
            wrong.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_the_last_of_many_jobs_that_end_at_once_ends_the_run(db: ledger.Ledger, host: int) -> None:
    for number in range(15):
        ref = f"refs/heads/c{number}"
        recipes = [{"name": name} for name in "abcd"] + [{"name": "e", "needs": tuple("abcd")}]
        run = make.prepared(db, trigger=make.trigger(ref=ref), orders=orders(*recipes, ref=ref))
        found = claims(db, host)

        wrong = together(4, lambda each, found=found: end(db, host, found[each], Status.FAILED))

        after = ledger.run(db, run)
        assert after is not None
        assert wrong == []
        assert after.finished_at is not None
        assert said(db, run)["e"][0] == "skipped"


def test_one_delivery_that_two_servers_record_at_once_is_one_run(db: ledger.Ledger) -> None:
    for number in range(15):
        entry = make.entry(trigger=make.trigger(ref=f"refs/heads/k{number}"))
        decisions: list[str] = []

        def enter(_: int, entry: Entry = entry, decisions: list[str] = decisions) -> None:
            # Past the one writer of this process, as another one is.
            with db.write() as connection:
                decisions.append(entries.enter(connection, entry).decision)

        assert together(2, enter) == []
        assert sorted(decisions) == ["duplicate", "queued"]

"""ctci try: the road of uncommitted work through a real server, from a clone of a real bare repository."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ctci import config, git, layout, ledger
from ctci.cli import root
from ctci.config.settings import Config, Project, Server, Subproject
from ctci.model import Run, Status
from ctci.receive import desk, trying
from ctci.run import prepare
from tests import make
from tests.cli.calling import Caller, Said
from tests.eventually import eventually
from tests.git.test_working import picture
from tests.pushing import ended, push
from tests.serving import Served
from tests.upstream import Upstream


@pytest.fixture
def call(served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """The command line, called in a folder."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")

    def call(at: Path, *arguments: str) -> Said:
        monkeypatch.chdir(at)
        capsys.readouterr()
        code = root.call([*folders(served), *arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


def folders(served: Served) -> tuple[str, ...]:
    return ("--config", str(served.config), "--data-dir", str(served.place.data))


def newest(db: ledger.Ledger) -> Run:
    return ledger.runs_(db, limit=1)[0]


def test_what_lies_in_a_working_copy_is_run_as_a_push_of_it_and_counts_for_nobody(
    served: Served, upstream: Upstream, call: Callable[..., Said]
) -> None:
    served.configure(
        f"""
        [notify.team]
        email = ["team@example.org"]

        [projects.shop]
        git = "{upstream.path}"
        forge = "gitea"
        webhook-secret = {{ file = "secret" }}
        notify = ["team"]
        branches = {{ main = ["core", "docs"], "topic/*" = ["core", "docs"] }}

        [projects.shop.sub.core]
        path = "."
        recipes.test = {{ run = "sh test.sh", timeout = "60s" }}
        recipes.publish = {{ run = "false", on = ["tag"] }}

        [projects.shop.sub.docs]
        path = "docs"
        paths = ["docs/**"]
        recipes.spell = "cat page"
        """
    )
    served.start()
    upstream.commit({"docs/page": "fine\n"})
    green = push(served, upstream, "exit 0", delivery="d-1")
    ended(served, green)
    upstream.git("checkout", "-q", "-b", "topic/login")
    (upstream.clone / "test.sh").write_text('echo "$CTCI_EVENT $CTCI_BRANCH $CTCI_TRY $(cat new)"; exit 3\n')
    (upstream.clone / "new").write_text("untracked\n")
    before = picture(upstream.clone), upstream.git("for-each-ref", at=upstream.path)

    broke = call(upstream.clone / "docs", "try")

    run = newest(served.db)
    jobs = {job.place: job for job in ledger.jobs_of(served.db, [run.id])[run.id]}
    assert broke.code == 1, broke.err
    assert broke.out.splitlines()[0].endswith(f"/runs/{run.id}")
    assert "push topic/login true untracked" in broke.out
    assert f"shop/core:test broke: passes on main, last in #{green}" in broke.out
    assert "core:publish is not run: on = tag, and this is a push" in broke.err
    assert (jobs["docs:spell"].reason, jobs["docs:spell"].attempt) == (f"unchanged since #{green}: succeeded", 0)
    # Nothing was touched, nothing was pushed, nobody was told, and no branch is what it was not.
    assert before == (picture(upstream.clone), upstream.git("for-each-ref", at=upstream.path))
    assert (run.kind, run.ref, run.against) == ("try", "refs/heads/topic/login", "refs/heads/main")
    assert ledger.branches(served.db) == (("shop", "refs/heads/main"),)
    assert run.id not in {change.run for change in ledger.changes_after(served.db, 0)}
    assert list(served.place.mail.glob("*.eml")) == []
    assert run.id in git.pinned(served.place.mirror("shop"))
    page = served.get(f"runs/{run.id}")[1]
    assert "Try by " in page
    assert "Uncommitted work on topic/login" in page
    assert "passes on main" in page

    upstream.git("checkout", "-q", "--", "test.sh")
    red = push(served, upstream, "exit 1", delivery="d-2")
    ended(served, red)
    still = call(upstream.clone, "try", "core:test", "--as", "main", "--json", "name,word")
    (upstream.clone / "test.sh").write_text("exit 0\n")
    fixed = call(upstream.clone, "try", "shop/core")
    listed = call(upstream.clone, "runs", "-n", "1").out

    assert still.code == 1, still.err
    assert json.loads(still.out)["items"] == [{"name": "shop/core:test", "word": "still broken"}]
    assert fixed.code == 0, fixed.err
    assert f"+ shop/core:test fixed: red on main since #{red}" in fixed.out
    assert "try: Uncommitted work on" in listed
    deed = ledger.deeds(served.db)[0]
    assert (deed.did, deed.via, deed.run) == ("tried shop", "command line", newest(served.db).id)
    runs = {total.labels: total.times for total in ledger.totals_(served.db) if total.name == "runs"}
    assert (runs["shop", "try", "succeeded"], runs["shop", "try", "failed"]) == (1, 2)
    assert sum(times for (_, event, _), times in runs.items() if event == "push") == 2


def test_a_try_that_is_run_again_counts_for_nobody_either_and_ctrl_c_ends_one(
    served: Served, upstream: Upstream, call: Callable[..., Said]
) -> None:
    served.start()
    ended(served, push(served, upstream, "exit 0", delivery="d-1"))
    (upstream.clone / "test.sh").write_text("sleep 50\n")
    with subprocess.Popen(
        Caller.module(*folders(served), "try"), cwd=upstream.clone, env=Caller.around(), stdout=-3, stderr=-3
    ) as process:
        eventually(lambda: ledger.counts(served.db)["running"] == 1, 30)
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    cancelled, _ = ended(served, newest(served.db).id)
    (upstream.clone / "test.sh").write_text("exit 1\n")
    call(upstream.clone, "try")
    first = newest(served.db)
    again = call(upstream.clone, "rerun", str(first.id), "--wait")

    assert (code, cancelled.status) == (130, Status.CANCELLED)
    assert (again.code, newest(served.db).kind, newest(served.db).rerun_of) == (1, "try", first.id)
    ((standing, _),) = ledger.bases(served.db, "shop", "refs/heads/main").values()
    assert standing.status is Status.SUCCEEDED


def test_without_a_server_nothing_is_tried_and_what_helps_is_said(
    upstream: Upstream, call: Callable[..., Said]
) -> None:
    upstream.commit({"test.sh": "exit 0\n"})

    said = call(upstream.clone, "try")

    assert (said.code, said.out) == (3, "")
    assert "`ctci serve` starts one, and `ctci run PROJECT --here` needs none" in said.err


def test_what_no_recipe_is_for_is_not_recorded_and_what_the_mirror_lost_is_said(
    db: ledger.Ledger, place: layout.Layout, upstream: Upstream
) -> None:
    git.setup()
    upstream.push({"test.sh": "exit 0\n"})
    (upstream.clone / "test.sh").write_text("exit 1\n")
    subs = {"": Subproject(name="", recipes={"test": make.recipe()})}
    project = Project(name="shop", remote=make.remote(url=str(upstream.path)), subs=subs, branches={"main": ("",)})
    settings = Config(projects={"shop": project}, notify={}, server=Server(), folder=Path("config"))

    def attempt(branch: str) -> trying.Tried:
        with git.taken(upstream.clone, name="ana") as taken:
            return trying.attempt(db, settings, place, taken, project="shop", ref=f"refs/heads/{branch}", by="ana")

    with pytest.raises(desk.DeskError, match=r"wip matches no pattern of the project; `--as main` tries it as main"):
        attempt("wip")
    assert ledger.runs_(db) == ()
    number = attempt("main").recorded.run
    assert git.pinned(place.mirror("shop")) == {number}
    shutil.rmtree(place.mirror("shop"))
    prepare.Prepare(db, place, config.Current(lambda: settings), os.environ).tick()

    run = newest(db)
    assert (run.id, run.status) == (number, Status.ERRORED)
    assert run.reason == "what was tried is no longer in the mirror; `ctci try` brings it again"

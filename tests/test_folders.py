"""Folders of repositories under one hook on a real server: each push is of the repository that was pushed into."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import ledger
from ctci.receive import spool
from tests.eventually import eventually
from tests.pushing import ended
from tests.serving import Served
from tests.upstream import Upstream


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Served]:
    """A server that is not started yet, and in `hooks` a hook for all whose conf names no project."""
    server = Served(tmp_path / "ci")
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "post-receive").write_bytes(Path("hooks/post-receive").read_bytes())
    (tmp_path / "hooks" / "post-receive").chmod(0o755)
    configure(tmp_path, server)
    yield server
    server.stop()


def configure(tmp_path: Path, server: Served, project: str = "") -> None:
    conf = f"{project}socket={server.place.socket}\nspool={server.place.spool}\n"
    (tmp_path / "hooks" / "ctci.conf").write_text(conf)


def made(path: Path) -> Path:
    """A bare repository with the hook."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True)
    subprocess.run(["git", "-C", str(path), "config", "receive.advertisePushOptions", "true"], check=True)
    hook = path / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.symlink_to(next(up for up in path.parents if (up / "hooks" / "ctci.conf").exists()) / "hooks" / "post-receive")
    return path


def push(upstream: Upstream, repository: Path, content: str, *options: str) -> str:
    upstream.commit({"test.sh": f"echo {content}"})
    return upstream.git("push", *options, str(repository), "main:refs/heads/main")


def folders(tmp_path: Path, *patterns: str) -> str:
    """An [each] for each pattern."""
    return "".join(
        f'[each.n{number}]\ngit = "{tmp_path}/{pattern}"\nrecipes.test = "sh test.sh"\n'
        for number, pattern in enumerate(patterns)
    )


def test_of_two_folders_with_one_name_the_one_that_was_built_keeps_it_and_neither_is_built_as_the_other(
    serving: Served, upstream: Upstream, tmp_path: Path
) -> None:
    serving.configure(folders(tmp_path, "A/{name}.git", "B/{name}.git"))
    ours, theirs, other = (made(tmp_path / each) for each in ("B/shop.git", "A/shop.git", "B/docs.git"))
    serving.start()

    said = [push(upstream, each, each.parent.name) for each in (ours, other)]
    refused = push(upstream, theirs, "A")

    built = {run.project: (ended(serving, run.id)[1].status, serving.log(run.id)) for run in ledger.runs_(serving.db)}
    assert built == {"shop": ("succeeded", "B\n"), "docs": ("succeeded", "B\n")}
    assert all("1 job: test" in each for each in said)
    assert "ctci: shop main  ignored: shop is " in refused
    assert ledger.deliveries_(serving.db)[0].reason == (
        f"shop is {ours} already, so {theirs} needs a [projects.NAME] of another name"
    )


@pytest.mark.parametrize("pattern", ["pre-{name}.git", "{name}/.git"])
def test_whatever_stands_around_the_name_of_a_repository_its_push_is_built(
    serving: Served, upstream: Upstream, tmp_path: Path, pattern: str
) -> None:
    serving.configure(folders(tmp_path, f"git/{pattern}"))
    repository = made(tmp_path / "git" / pattern.format(name="shop"))
    serving.start()

    said = push(upstream, repository, "built", "-o", "ci.wait")

    (run,) = ledger.runs_(serving.db)
    assert run.project == "shop"
    assert serving.log(run.id) == "built\n"
    # Who waits is told of this very push, whose path names no project.
    assert "remote: ctci: test succeeded" in said


def test_what_was_pushed_while_the_server_was_down_is_of_the_folder_too(
    serving: Served, upstream: Upstream, tmp_path: Path
) -> None:
    serving.configure(folders(tmp_path, "A/{name}.git", "B/{name}.git"))
    (tmp_path / "A").mkdir()
    ours, nowhere = made(tmp_path / "B" / "pre.git"), made(tmp_path / "C" / "gone.git")
    serving.start()
    serving.stop()

    said = [push(upstream, each, "B") for each in (ours, nowhere)]
    for each in serving.place.spool.iterdir():
        then = each.stat().st_mtime - 2 * spool.SETTLED_S
        os.utime(each, (then, then))
    serving.start()
    decisions = eventually(lambda: found if len(found := ledger.deliveries_(serving.db)) == 2 else None, 20)

    assert all("queued on disk" in each for each in said)
    assert {each.project: each.decision for each in decisions} == {"pre": "queued", "": "refused"}
    assert f"left in the spool: there is no project at {nowhere}" in {each.reason for each in decisions}
    assert serving.log(ended(serving, 1)[0].id) == "B\n"


@pytest.mark.parametrize("project", ["", "project=shop\n"])
def test_a_push_into_another_folder_than_the_projects_is_refused_in_words(
    serving: Served, upstream: Upstream, tmp_path: Path, project: str
) -> None:
    own, other = made(tmp_path / "own" / "shop.git"), made(tmp_path / "other" / "shop.git")
    serving.configure(f'[projects.shop]\ngit = "{own}"\nrecipes.test = "sh test.sh"\n')
    configure(tmp_path, serving, project)
    serving.start()

    refused = push(upstream, other, "other")
    taken = push(upstream, own, "own")

    (run,) = ledger.runs_(serving.db)
    ended(serving, run.id)
    why = f"the push went into {other}, and shop is configured at {own}"
    assert "ctci: shop main  ignored: the push went into" in refused
    assert "1 job: test" in taken
    assert serving.log(run.id) == "own\n"
    assert ("ignored", why) in [(each.decision, each.reason) for each in ledger.deliveries_(serving.db)]


def test_a_hook_of_before_that_tells_the_folders_name_in_its_path_is_heard_as_the_folder(
    serving: Served, upstream: Upstream, tmp_path: Path
) -> None:
    serving.configure(folders(tmp_path, "A/{name}.git", "B/{name}.git"))
    made(tmp_path / "A" / "shop.git")
    ours = made(tmp_path / "B" / "shop.git")
    # `project=` makes the path that a hook of before made of the folder's name.
    configure(tmp_path, serving, "project=shop\n")
    serving.start()

    push(upstream, ours, "B")

    (run,) = ledger.runs_(serving.db)
    ended(serving, run.id)
    assert serving.log(run.id) == "B\n"


def test_where_no_folder_of_the_machine_is_a_projects_the_name_of_the_folder_is_and_the_end_of_the_path(
    serving: Served, upstream: Upstream, tmp_path: Path
) -> None:
    serving.configure(
        folders(tmp_path, "A/{name}.git").replace(f"{tmp_path}/A", "ssh://git@127.0.0.1:1/one")
        + folders(tmp_path, "B/{name}.git").replace(f"{tmp_path}/B", "ssh://git@127.0.0.1:1/two").replace("n0", "n1")
    )
    repository = made(tmp_path / "home" / "two" / "shop.git")
    serving.start()

    push(upstream, repository, "two")

    (run,) = ledger.runs_(serving.db)
    (job,) = ledger.jobs_of(serving.db, [run.id])[run.id]
    assert (run.project, job.order.remote.url) == ("shop", "ssh://git@127.0.0.1:1/two/shop.git")

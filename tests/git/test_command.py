"""The git command: what it printed is believed whole or not at all, and apart from what it said beside it."""

from pathlib import Path

import pytest

from ctci import git
from ctci.git import command
from ctci.model import HEADS
from tests.git.test_fetch import served
from tests.upstream import Upstream


def branch_out(upstream: Upstream, count: int) -> dict[str, tuple[str, ...]]:
    """Give the remote so many branches; where all of them stand."""
    main = upstream.push({"a": "1"})
    names = [f"{HEADS}feature/{number:05}" for number in range(count)]
    (upstream.path / "packed-refs").write_text("".join(f"{main} {name}\n" for name in names))
    return {HEADS + "main": (main,), **dict.fromkeys(names, (main,))}


def test_all_branches_of_a_remote_with_very_many_are_heard_of(upstream: Upstream, tmp_path: Path) -> None:
    refs = branch_out(upstream, 20_000)

    with served(tmp_path) as address:
        told = git.ask(git.Access(url=f"{address}/shop.git"), deadline_s=30, stop=lambda: False)

    assert git.Told(refs=refs, default_branch="main") == told


def test_of_more_than_is_read_nothing_is_believed(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    branch_out(upstream, 100)
    monkeypatch.setattr(command, "MOST_BYTES", 4096)

    with served(tmp_path) as address, pytest.raises(git.GitError, match="more than is read"):
        git.ask(git.Access(url=f"{address}/shop.git"), deadline_s=30, stop=lambda: False)


def test_what_the_other_side_says_beside_its_answer_is_no_answer(upstream: Upstream) -> None:
    main = upstream.push({"a": "1"})
    # As an ssh server's greeting comes, and all that its git complains of.
    chatty = f"printf '{main}\\trefs/heads/forged\\n' >&2; git-upload-pack"

    asked = ["ls-remote", f"--upload-pack={chatty}", str(upstream.path), "refs/heads/*"]
    said = command.run(git.Access(url=str(upstream.path)), asked, deadline_s=10, stop=lambda: False)

    assert f"{main}\trefs/heads/main" == said

"""A configuration that changes under its server is taken over, whatever changes and whatever came of it before."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import config, service
from tests.config.test_golden import CASES, files_of
from tests.eventually import eventually

MAIN = 'include = ["projects.d/*.toml"]\n[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "make"\n'
DOCS = '[projects.docs]\ngit = "/srv/git/docs.git"\nrecipes.test = "make"\n'
KEYED = MAIN + 'ssh-key = { file = "key" }\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "projects.toml").write_text(MAIN)
    (tmp_path / "projects.d").mkdir()
    return tmp_path


@pytest.fixture
def watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[config.Current]:
    """What is in force, with the server's own loop over it."""
    monkeypatch.setattr(service, "WATCH_S", 0.02)
    current = config.Current(lambda: config.load(folder, {}))
    stop = threading.Event()
    loop = threading.Thread(target=service.watch, args=(current, stop))
    loop.start()
    yield current
    stop.set()
    loop.join()


def test_the_first_file_of_an_included_folder_is_taken_over(watched: config.Current, folder: Path) -> None:
    (folder / "projects.d/docs.toml").write_text(DOCS)

    assert eventually(lambda: [*watched.get().projects] == ["shop", "docs"])


def test_a_file_that_is_included_no_more_is_given_up(watched: config.Current, folder: Path) -> None:
    (folder / "projects.d/docs.toml").write_text(DOCS)
    eventually(lambda: "docs" in watched.get().projects)

    (folder / "projects.d/docs.toml").unlink()

    assert eventually(lambda: [*watched.get().projects] == ["shop"])


def test_a_refused_file_of_a_new_folder_is_taken_over_when_it_is_mended(watched: config.Current, folder: Path) -> None:
    (folder / "teams").mkdir()
    (folder / "teams/docs.toml").write_text(DOCS.replace("recipes", "recipe"))
    (folder / "projects.toml").write_text(MAIN.replace("projects.d", "teams"))
    eventually(lambda: watched.error is not None)

    (folder / "teams/docs.toml").write_text(DOCS)

    assert eventually(lambda: "docs" in watched.get().projects)
    assert watched.error is None


def test_a_secret_that_was_missing_mends_the_configuration_when_it_comes(watched: config.Current, folder: Path) -> None:
    (folder / "projects.toml").write_text(KEYED)
    eventually(lambda: watched.error is not None)

    (folder / "key").touch(mode=0o600)
    (folder / "key").write_text("a key")

    assert eventually(lambda: watched.error is None)
    assert watched.get().projects["shop"].remote.ssh_key is not None


def test_a_server_file_that_was_not_there_is_taken_over(watched: config.Current, folder: Path) -> None:
    (folder / "ctci.toml").write_text('title = "Acme"\n')

    assert eventually(lambda: watched.get().server.title == "Acme")


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_change_asks_for_no_other_attempt(folder: Path, case: str) -> None:
    current = config.Current(lambda: config.load(folder, {}))
    for name, text in files_of(case).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    service.reload(current)

    assert current.looked == current.look()
    assert folder / "projects.toml" in current.looked.stamps


@pytest.mark.parametrize("change", ["again", "gone", "beside", "shut"])
@pytest.mark.parametrize("text", [KEYED, KEYED.replace("recipes", "recipe")], ids=["good", "broken"])
def test_each_change_of_what_was_looked_at_is_seen(folder: Path, text: str, change: str) -> None:
    (folder / "key").write_text("a key")
    current = config.Current(lambda: config.load(folder, {}))
    (folder / "projects.toml").write_text(text)
    service.reload(current)

    if change == "again":
        (folder / "projects.toml").write_text(text + "\n")
    elif change == "gone":
        (folder / "key").unlink()
    elif change == "beside":
        (folder / "projects.d/b.toml").write_text("")
    else:
        (folder / "key").chmod(0o600)

    assert current.looked != current.look()

"""The snapshot in force."""

from pathlib import Path

import pytest

from ctci import config
from ctci.config import Current

GOOD = '[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "make test"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "projects.toml").write_text(GOOD)
    return tmp_path


def test_a_reload_puts_the_new_files_in_force(folder: Path) -> None:
    current = Current(lambda: config.load(folder, {}))
    (folder / "projects.toml").write_text(GOOD.replace("shop", "docs"))

    before = current.get()
    current.reload()

    assert list(before.projects) == ["shop"]
    assert list(current.get().projects) == ["docs"]
    assert (current.generation, current.error) == (2, None)


def test_a_broken_file_leaves_the_old_configuration_in_force(folder: Path) -> None:
    current = Current(lambda: config.load(folder, {}))
    before = current.get()
    (folder / "projects.toml").write_text(GOOD + "timout = 1\n")

    with pytest.raises(config.ConfigError) as raised:
        current.reload()

    assert before is current.get()
    assert raised.value is current.error
    assert current.generation == 1


def test_a_good_file_ends_the_error_of_the_one_before(folder: Path) -> None:
    current = Current(lambda: config.load(folder, {}))
    (folder / "projects.toml").write_text("[")
    with pytest.raises(config.ConfigError):
        current.reload()
    (folder / "projects.toml").write_text(GOOD)

    current.reload()

    assert (current.error, current.generation) == (None, 2)


def test_a_refused_attempt_has_a_time_of_its_own(folder: Path) -> None:
    times = iter((10, 20, 30))
    current = Current(lambda: config.load(folder, {}), lambda: next(times))
    (folder / "projects.toml").write_text("[")

    with pytest.raises(config.ConfigError):
        current.reload()
    refused = (current.loaded_at, current.tried_at)
    (folder / "projects.toml").write_text(GOOD)
    current.reload()

    assert refused == (10, 20)
    assert (current.loaded_at, current.tried_at) == (30, 30)


def test_what_the_process_was_started_with_does_not_change_under_it(folder: Path) -> None:
    current = Current(lambda: config.load(folder, {}))
    first = current.get().server
    (folder / "ctci.toml").write_text('listen = "127.0.0.1:9"\ndata-dir = "/other"\nmax-jobs = 99\ntitle = "Acme"\n')

    current.reload()

    now = current.get().server
    assert (first.listen, first.public_url, first.data_dir) == (now.listen, now.public_url, now.data_dir)
    assert first.max_jobs == now.max_jobs
    assert now.title == "Acme"


def test_there_is_no_start_with_a_broken_file(folder: Path) -> None:
    (folder / "projects.toml").write_text("[")

    with pytest.raises(config.ConfigError, match=r"^1 error in .*projects.toml; first: not valid TOML"):
        Current(lambda: config.load(folder, {}))

"""What was probably meant: a good guess for the first mistakes, and no long search for the guesses of very many."""

import time
from pathlib import Path

import pytest

from benchmarks import config_check
from ctci import config
from ctci.config import likeness


@pytest.mark.parametrize(
    ("name", "meant"), [("timout", "timeout"), ("needed", "needs"), ("tim", None), ("x" * 10_000, None), ("", None)]
)
def test_the_known_name_that_is_nearest_is_meant(name: str, meant: str | None) -> None:
    assert meant == likeness.close(name, ["timezone", "needs", "timeout"])


@pytest.mark.parametrize("heap", sorted(config_check.heaps(10)))
def test_a_heap_of_mistakes_takes_little_longer_than_a_right_file(tmp_path: Path, heap: str) -> None:
    right = took(tmp_path, config_check.text_of(config_check.LINES))

    wrong = took(tmp_path, config_check.heaps(config_check.LINES)[heap])

    assert wrong < 7 * right


@pytest.mark.parametrize("heap", sorted(config_check.heaps(10)))
def test_only_the_first_of_a_heap_of_mistakes_are_told_what_was_meant(tmp_path: Path, heap: str) -> None:
    (tmp_path / "projects.toml").write_text(config_check.heaps(config_check.LINES)[heap])

    hints = [each.hint for each in config.check(tmp_path, {}, resolve=False)[1] if each.severity == "error"]

    assert any(hint.startswith("did you mean") for hint in hints[:20])
    assert not any(hint.startswith("did you mean") for hint in hints[100:])
    assert all(hints)


def took(folder: Path, text: str) -> float:
    """Seconds of our own work for a check, the best of three."""
    (folder / "projects.toml").write_text(text)
    times = []
    for _ in range(3):
        began = time.process_time()
        config.check(folder, {}, resolve=False)
        times.append(time.process_time() - began)
    return min(times)

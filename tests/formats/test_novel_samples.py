"""Tool by tool, most of which have no matcher: the first new line of a red log is where a developer would look."""

from pathlib import Path

import pytest

from ctci.formats import diagnostics, novel
from ctci.model import Lines
from tests.formats.test_novel import learnt

SAMPLES = Path(__file__).parents[1] / "samples" / "novel"
#: Sample -> line of the red log that a developer would look at, and what stands there.
LOOK = {
    "awk": (5, "data/cheese.csv: row 8 has 2 fields, and wants 3: brie,7"),
    "backup": (13, "data/orders: the archive has nothing in it, giving up"),
    "cassert": (7, "cart_test: cart.c:17: main: Assertion `total(prices, 3) == 30' failed."),
    "fortran": (15, "Error: Symbol \u2018ended\u2019 at (1) has no IMPLICIT type"),
    "jq": (5, "jq: error (at data/tuesday.json:5): null (null) and number (1.19) cannot be multiplied"),
    "links": (7, "docs/c.md leads to prices.md, and there is no such page"),
    "perl": (7, "Failed test 'the total has its tax'"),
    "php": (9, "PHP Fatal error:  Uncaught JsonException: Syntax error"),
    "play": (31, "site.conf: port 80800 may not be listened on"),
    "runner": (9, "shop:unit / stock            FAIL"),
    "sql": (10, "Parse error near line 1: no such column: vat"),
    "suite": (12, "total_with_tax               FAILED"),
    "tcl": (10, "cart-2.1 the total has its tax FAILED"),
    "trace": (17, "mkdir: cannot create directory \u2018public\u2019: File exists"),
}
#: In these a matcher finds something too.
MATCHED = {"cassert", "fortran", "perl", "play"}
#: Lines between the first new one and the one to look at.
NEAR = 3


def log(name: str) -> bytes:
    return (SAMPLES / f"{name}.txt").read_bytes()


def greens(name: str) -> Lines:
    return learnt(log(f"{name}-green-1"), log(f"{name}-green-2"))


@pytest.mark.parametrize("name", sorted(LOOK))
def test_the_first_new_line_is_near_the_one_to_look_at(name: str) -> None:
    number, said = LOOK[name]
    red = log(f"{name}-red")

    _, news = novel.scan([red], greens(name))

    assert said in red.decode().splitlines()[number - 1]
    assert news is not None
    assert abs(news.lines[0].line - number) <= NEAR


@pytest.mark.parametrize("name", sorted(LOOK))
def test_few_lines_are_new_beside_it(name: str) -> None:
    red = log(f"{name}-red")

    _, news = novel.scan([red], greens(name))

    assert news is not None
    assert news.count <= max(1, len(red.splitlines()) // 3)


@pytest.mark.parametrize("name", sorted(LOOK))
def test_a_green_log_has_no_new_words_after_another(name: str) -> None:
    known = learnt(log(f"{name}-green-1"))

    _, news = novel.scan([log(f"{name}-green-2")], Lines(way=novel.WAY, words=known.words, whole=None))

    assert news is None


def test_ten_of_them_and_more_have_no_matcher() -> None:
    found = {name for name in LOOK if diagnostics.first(diagnostics.scan([log(f"{name}-red")])) is not None}

    assert found == MATCHED
    assert len(LOOK) - len(found) >= 10


def test_every_sample_is_in_the_table_and_in_the_readme() -> None:
    named = {path.name.rsplit("-red", 1)[0] for path in SAMPLES.glob("*-red.txt")}
    readme = (SAMPLES / "README.md").read_text()

    assert named == set(LOOK)
    assert all(f"| `{name}` |" in readme for name in named)

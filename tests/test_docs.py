"""What the documentation shows is valid, what there is to know is in it, and its links lead somewhere.

A block ```toml is a whole projects.toml, unless its first line is `# ctci.toml` or the line before it is
`<!-- fragment -->`: then it is a part that would not stand alone, and only has to be TOML.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctci import config
from ctci.config import keys

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
PAGES = (REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md")))
FENCE = re.compile(r"^(?P<mark><!-- fragment -->\n+)?```toml\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
SMALLEST = '[projects.x]\ngit = "/srv/git/x.git"\nrecipes.test = "make"\n'


@dataclass(frozen=True)
class Block:
    """A toml block of a page."""

    page: Path
    line: int
    text: str
    whole: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"

    @property
    def file(self) -> str:
        first, *_ = self.text.splitlines() or [""]
        if first.startswith("# ctci.toml"):
            return "ctci.toml"
        # The README shows parts of ctci.toml without its name; the tables of projects.toml are few.
        return "projects.toml" if _has(self.text, keys.TOP) or self.page.parent != REPOSITORY else "ctci.toml"


def _has(text: str, tables: Iterable[str]) -> bool:
    return bool(tomllib.loads(text).keys() & set(tables))


def _blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += [
            Block(page, text.count("\n", 0, each.start("text")) + 1, each["text"], each["mark"] is None)
            for each in FENCE.finditer(text)
        ]
    return found


def _code() -> str:
    """What stands in code: spans between backticks and toml blocks, of the chapters and guides."""
    pages = [page.read_text(encoding="utf-8") for page in PAGES if page.parent != REPOSITORY]
    prose = re.sub(r"^```.*?^```$", "", "\n".join(pages), flags=re.DOTALL | re.MULTILINE)
    return "\n".join([*re.findall(r"`([^`\n]+)`", prose), *(block.text for block in BLOCKS)])


BLOCKS = _blocks()
CODE = _code()


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.whole], ids=str)
def test_every_whole_example_is_a_valid_configuration(block: Block, tmp_path: Path) -> None:
    (tmp_path / "projects.toml").write_text(SMALLEST)
    (tmp_path / block.file).write_text(block.text)

    _, problems = config.check(tmp_path, {}, resolve=False)

    # A note says that a key comes into force with a later release.
    wrong = [f"{each.code} line {each.line}: {each.message}" for each in problems if each.severity != "note"]
    assert wrong == []


@pytest.mark.parametrize("block", [each for each in BLOCKS if not each.whole], ids=str)
def test_every_fragment_is_toml(block: Block) -> None:
    assert tomllib.loads(block.text)


def test_no_toml_block_escapes_these_tests() -> None:
    opened = sum(page.read_text(encoding="utf-8").count("```toml") for page in PAGES)

    assert opened == len(BLOCKS)


@pytest.mark.parametrize("key", sorted(keys.ALL))
def test_every_key_is_written_as_code_in_the_documentation(key: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", CODE)


def test_every_code_has_its_line_in_the_table_of_errors_and_none_besides() -> None:
    lines = re.findall(r"^\| (\w+) \| (\S.*) \|$", (DOCS / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    codes = [code for code, _ in lines if code != "code"]

    assert sorted(config.EXPLAIN) == codes


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    told = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", text)
    links = [link for link in (one or other for one, other in told) if not re.match(r"[a-z]+:", link)]
    broken = [link for link in links if not _leads(page, link)]

    assert broken == []


def _leads(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = page.parent / path if path else page
    if not target.is_file():
        return False
    return not heading or heading in _anchors(target)


def _anchors(page: Path) -> set[str]:
    """The names of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_guide_is_linked_from_the_index_of_guides() -> None:
    index = (DOCS / "forges" / "README.md").read_text(encoding="utf-8")
    guides = sorted(path.name for path in (DOCS / "forges").glob("*.md") if path.name != "README.md")

    assert [name for name in guides if f"]({name})" not in index] == []

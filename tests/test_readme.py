"""What is documented is there, and what is there is documented."""

import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from flit_core import wheel

from ctci import config
from ctci.cli import root
from ctci.config import keys
from ctci.receive import desk

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
CHAPTER = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", sorted(root.ALL))
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert re.search(rf"\b{re.escape(verb)}\b", README)


@pytest.mark.parametrize(
    "key",
    sorted(
        {
            *(*keys.TOP, *keys.DEFAULTS, *keys.PROJECT, *keys.SUB, *keys.RECIPE, *keys.NOTIFY, *keys.SERVER),
            *(*keys.SMTP, *keys.LIMITS, *keys.KEEP),
        }
    ),
)
def test_every_key_is_in_its_chapter(key: str) -> None:
    assert re.search(rf"`(\[\w+\]` `)?{re.escape(key)}`|\b{re.escape(key)} =|`\[{re.escape(key)}\]`", CHAPTER)


def test_the_shipped_configuration_is_valid_and_plans_ctci_itself() -> None:
    found, problems = config.check(REPOSITORY / "config", {})

    assert problems == ()
    assert found is not None
    assert next(iter(found.projects)) == "ctci"
    assert [order.recipe.run for order in desk.everything(found.projects["ctci"])] == ["./scripts/test"]


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", README, re.DOTALL))
def test_every_example_of_the_readme_is_valid(text: str, tmp_path: Path) -> None:
    name = "projects.toml" if "projects" in tomllib.loads(text) else "ctci.toml"
    (tmp_path / "projects.toml").write_text('[projects.x]\ngit = "/srv/git/x.git"\nrecipes.test = "make"\n')
    (tmp_path / name).write_text(text)

    _, problems = config.check(tmp_path, {}, resolve=False)

    assert [problem.message for problem in problems] == []


def test_the_first_screen_has_the_two_commands() -> None:
    first = README.splitlines()[:40]

    assert any("./scripts/demo" in line for line in first)
    assert any("./scripts/test" in line for line in first)


def test_the_first_pages_lead_to_the_digest_and_to_every_chapter() -> None:
    first = README.partition("## projects.toml by example")[0]

    chapters = {f"docs/{path.relative_to(REPOSITORY / 'docs')}" for path in (REPOSITORY / "docs").glob("*.md")}
    assert re.search(r"(?ms)^\[notify\.team\]$.*^digest +=", first)
    assert {each for each in (*chapters, "docs/forges/README.md") if f"]({each})" not in first} == set()


def test_the_wheel_has_the_hook_and_runs_in_a_clean_environment(tmp_path: Path) -> None:
    wheel.make_wheel_in(REPOSITORY / "pyproject.toml", tmp_path)
    made = next(tmp_path.glob("*.whl"))
    venv.create(tmp_path / "venv", with_pip=False)
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    shutil.unpack_archive(made, site, "zip")
    # What ctci depends on comes from the environment of the tests; ctci itself must come from the wheel.
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "tests.pth").write_text(f"{packages}\n")

    script = "import ctci.setup; print(ctci.setup.HOOK.read_text().splitlines()[1]); print(ctci.__file__)"
    said = subprocess.run(
        [str(tmp_path / "venv" / "bin" / "python"), "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert "post-receive hook" in said[0]
    assert said[1] == str(site / "ctci" / "__init__.py")

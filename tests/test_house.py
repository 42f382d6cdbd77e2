"""The walls: who may import whom, what is pure, which outside package lives where. Extend with the house."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "ctci"
#: What runs as a process of its own, from files beside each other.
KEEPER = sorted((ROOT / "run").glob("keeper*.py"))
FILES = sorted(path for path in ROOT.rglob("*.py") if path not in KEEPER)

#: Room -> rooms of ctci that it may import (besides itself). `ctci` is the package's own version.
MAY: dict[str, set[str]] = {
    "model": set(),
    "layout": set(),
    "clock": set(),
    "shape": {"model", "words"},
    "words": {"model"},
    "trail": set(),
    "logs": {"model", "layout"},
    "forges": {"model"},
    "formats": {"model"},
    "config": {"model"},
    "git": {"model", "clock", "layout"},
    "ledger": {"model", "clock", "layout"},
    "access": {"model", "clock", "layout", "config", "git"},
    "receive": {"model", "clock", "layout", "config", "git", "ledger", "forges", "access", "trail"},
    "run": {"model", "clock", "layout", "logs", "config", "git", "ledger", "formats", "access", "trail"},
    "report": {"model", "clock", "layout", "logs", "config", "ledger", "forges", "words", "trail"},
    # What is answered, whoever asks: the doors over HTTP and for agents, and the command line where no server runs.
    "api": {
        "model",
        "clock",
        "layout",
        "logs",
        "config",
        "ledger",
        "receive",
        "shape",
        "words",
        # A digest that is shown: written by the same files, and never sent.
        "report.asked",
        "report.digest",
        "report.digest_letter",
        "report.digest_lines",
        "report.gathering",
        "report.judging",
        "report.known",
        "report.read",
        "report.letter",
        "report.life",
        "report.receivers",
        "report.subscribing",
        "report.upcoming",
        "report.saying",
        "report.verdict",
        "ctci",
    },
    "web": {
        "api",
        "mcp",
        "model",
        "clock",
        "layout",
        "logs",
        "config",
        "ledger",
        "forges",
        "receive",
        "shape",
        "words",
        "trail",
        "report.verdict",
        "report.judging",
        "report.saying",
        "report.life",
        "report.known",
        "report.read",
        "report.digest",
        "report.letter",
        "report.receivers",
        "report.subscribing",
        # The page of a digest: the same facts, lines and windows as the letter's, of which nothing is sent.
        "report.gathering",
        "report.digest_letter",
        "report.digest_lines",
        "report.upcoming",
        "ctci",
    },
    # The door for agents asks the operations of the API; what it may not see stands there.
    "mcp": {"api", "model", "clock", "ledger", "logs", "ctci"},
    "http": set(),
    "notify": {"clock"},
}
EVERYTHING = {
    "access",
    "model",
    "clock",
    "layout",
    "logs",
    "config",
    "git",
    "ledger",
    "forges",
    "formats",
    "shape",
    "words",
    "trail",
    "receive",
    "run",
    "report",
    "ctci",
}
MAY["doctor"] = EVERYTHING | {"setup"}
MAY["demo"] = MAY["setup"] = EVERYTHING | {"setup"}
MAY["first"] = {"run"}
MAY["health"] = set()
MAY["wheel"] = {"ctci"}
MAY["deploying"] = {"ctci", "wheel"}
MAY["scaffold"] = EVERYTHING | {"deploying", "wheel"}
# What ctci suffers of is known in receive and run, and told by report: it stands beside the road.
MAY["ailments"] = EVERYTHING
MAY["premises"] = EVERYTHING
MAY["restoring"] = EVERYTHING | {"premises"}
MAY["service"] = EVERYTHING | {"web", "http", "notify", "doctor", "demo", "setup", "premises", "ailments"}
MAY["cli"] = EVERYTHING | {
    "api",
    "mcp",
    "service",
    "notify",
    "first",
    "health",
    "ailments",
    "premises",
    "restoring",
    "doctor",
    "demo",
    "setup",
    "scaffold",
}
MAY["__main__"] = {"cli"}
MAY["__init__"] = set()

#: Outside package -> the only places that know it.
LIVES_IN = {
    "sqlmodel": {"ledger"},
    "sqlalchemy": {"ledger"},
    "pygit2": {"git"},
    "smtplib": {"report.mail", "doctor"},
    "starlette": {"web", "mcp.server"},
    "pydantic": {"api", "mcp"},
    "mcp": {"mcp.server"},
    "mcp_types": {"mcp.server"},
    "anyio": {"mcp.server"},
    "uvicorn": {"http"},
    "httptools": {"http"},
    "jinja2": {"web", "report.parts"},
    "css_inline": {"report.parts"},
    "click": {"cli"},
    "rich": {"cli"},
    "uuid": {"clock"},
    "random": {"clock"},
    # `ctci secret new` makes what people put into a file, and the clock what goes into a link.
    "secrets": {"clock", "scaffold"},
    "cronsim": {"config", "receive.cron"},
    "apscheduler": {"receive.nightly"},
    "subprocess": {"run.keeping", "run.reports", "git", "demo", "cli", "doctor", "setup", "scaffold"},
    # The forges' signatures are checked, those of our own calls made, and the proofs of forms compared.
    "hmac": {"forges", "report.signing", "web.guard", "web.signing_in"},
    "httpx2": {"report.calls"},
    "apprise": {"report.outlets"},
    "prometheus_client": {"web"},
    "xml": {"formats.junit"},
    "re2": {"formats"},
}
#: Files that decide: no clock, no disk, no process, no network.
PURE = (
    "model",
    "layout",
    "shape",
    "words",
    "forges",
    "formats",
    "receive.cron",
    "receive.firing",
    "receive.hunt",
    "receive.plan",
    "receive.options",
    "run.skips",
    "run.outcome",
    "run.daily",
    "report.stating",
    "report.verdict",
    "report.saying",
    "report.receivers",
    "report.dates",
    "report.digest",
    "report.digest_lines",
    "report.digest_letter",
    "report.moments",
    "report.subscribing",
    "report.upcoming",
    "web.walls",
    "web.atom",
    "web.badge",
    "web.cctray",
    "web.families",
    "web.markup",
    "web.overviews",
    "web.sentences",
    "mcp.targets",
    "mcp.plain",
    "mcp.telling",
    "mcp.inputs",
    "mcp.outputs",
    "report.chat",
    "report.events",
    "report.signing",
    "report.wording",
    "report.life",
    "report.known",
    "api.wellness",
    "web.sections",
    "web.subscriptions",
    "web.forms",
    "config.forms",
    "config.hiding",
    "config.likeness",
    "config.matrix",
    "config.patterns",
    "config.settings",
)
IMPURE = {"os", "time", "threading", "asyncio", "socket", "subprocess", "signal", "shutil"}
#: Time, ids and chance are asked for in clock.py alone.
CLOCKS = {
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
    ("time", "sleep"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("uuid", "uuid4"),
}
#: Imported inside functions: slow or optional.
LAZY = {"smtplib", "css_inline", "rich", "importlib", "httpx2", "apprise", "prometheus_client", "ctci.mcp.server"}


def name_of(path: Path) -> str:
    """`run.worker` of ctci/run/worker.py; a package's __init__ is the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


@cache
def imports(path: Path) -> tuple[tuple[str, bool], ...]:
    """(module, whether inside a function) for each import, `from ctci import x` as ctci.x; read once for all walls."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            for alias in node.names:
                full = f"{module}.{alias.name}"
                yield (full if _is_module(full) or module == "ctci" else module), id(node) in inside


def _is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return name.startswith("ctci.") and (path.with_suffix(".py").exists() or path.is_dir())


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_room_imports_only_what_its_wall_allows(path: Path) -> None:
    me = name_of(path)
    room = me.partition(".")[0]

    foreign = set()
    for module, _ in imports(path):
        if not module.startswith("ctci"):
            continue
        target = module.removeprefix("ctci").lstrip(".") or "ctci"
        if target == "__version__":
            target = "ctci"
        other = target.partition(".")[0]
        if other != room and not {target, other, ".".join(target.split(".")[:2])} & MAY[room]:
            foreign.add(module)

    assert set() == foreign


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_each_outside_package_lives_in_its_one_room(path: Path) -> None:
    me = name_of(path)

    strangers = set()
    for module, _ in imports(path):
        top = module.partition(".")[0]
        homes = LIVES_IN.get(top)
        if homes is not None and not any(me == home or me.startswith(f"{home}.") for home in homes):
            strangers.add(module)

    assert set() == strangers


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if any(name_of(path) == p or name_of(path).startswith(f"{p}.") for p in PURE)],
    ids=name_of,
)
def test_what_decides_touches_nothing(path: Path) -> None:
    touched = {module for module, _ in imports(path) if module.partition(".")[0] in IMPURE}
    touched |= {module for module, _ in imports(path) if module in ("ctci.clock", "ctci.git", "ctci.ledger")}

    assert set() == touched


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path) != "clock"], ids=name_of)
def test_only_the_clock_asks_for_time_ids_and_chance(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    asked = {
        f"{node.func.value.id}.{node.func.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in CLOCKS
    }

    assert set() == asked


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_an_import_inside_a_function_is_of_something_slow(path: Path) -> None:
    lazy = {
        module
        for module, inside in imports(path)
        if inside and not {module, module.partition(".")[0]} & LAZY and not name_of(path).startswith("cli")
    }

    assert set() == lazy


def test_the_keeper_imports_the_standard_library_only() -> None:
    modules = {module.partition(".")[0] for path in KEEPER for module, _ in imports(path)}

    assert set() == modules - set(sys.stdlib_module_names) - {path.stem for path in KEEPER}


def test_one_file_of_the_ledger_knows_which_database_it_is() -> None:
    named = re.compile(r"(?i)sqlite|postgres|psycopg|pragma|dialect|autoincrement")
    knowing = {
        name_of(path)
        for path in (ROOT / "ledger").rglob("*.py")
        if any(named.search(ast.unparse(node)) for node in _code(path))
    }

    assert {"ledger.engine"} == knowing


def _code(path: Path) -> Iterator[ast.AST]:
    """The statements of a file, without what is said in docstrings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name | ast.Attribute | ast.alias | ast.keyword):
            yield node
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.Call | ast.Return):
            yield from (child for child in ast.walk(node) if isinstance(child, ast.Constant))


def test_nothing_is_called_utils() -> None:
    vague = {
        path.name for path in ROOT.rglob("*.py") if path.stem in ("utils", "util", "helpers", "common", "misc", "base")
    }

    assert set() == vague


def test_no_file_outgrows_its_room() -> None:
    long = {
        f"{name_of(path)}: {count}"
        for path in ROOT.rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 480
    }

    assert set() == long


@pytest.mark.parametrize("path", [*FILES, *KEEPER], ids=name_of)
def test_a_file_says_first_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.strip() == "" or ast.get_docstring(ast.parse(text))

"""Whatever stands in the files: a Config, or problems with a place in the file; never a traceback, never a secret."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import config
from ctci.config import keys
from tests.config.test_read import FULL

SHOP = '[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "make test"\n'
STYLES = ("full", "concise", "json", "github")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def check(folder: Path, raw: str | bytes) -> tuple[config.Config | None, tuple[config.Problem, ...]]:
    """Check a file; every problem must have a place in it and must be shown in every style."""
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    (folder / "projects.toml").write_bytes(data)
    found, problems = config.check(folder, {}, resolve=False)
    lines = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")
    for problem in problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 2
        assert problem.column < problem.end_column
    for style in STYLES:
        said = config.render(problems, style=style)
        assert not [letter for letter in said if letter < " " and letter not in "\n\t"]
    assert (found is None) == any(each.severity == "error" for each in problems)
    return found, problems


pieces = st.sampled_from(
    [
        *("[", "]", "{", "}", '"', "'", '"""', "=", ".", ",", "#", "\n", "\\", "\t", "\r", "\0", "\x1b", "\ufeff"),
        *("1", "-", "true", "[]", "{}", '""', "日", "\u202e", "0x" + "f" * 5000, "9" * 5000, "1e999", "nan"),
        *("*", "**", "..", "/", "::", "@", "null", "[projects.shop]", "[[projects]]", "sub", "run = 1", "a" * 500),
    ]
)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """The full example with up to five places cut out, doubled, or filled with something."""
    text = FULL
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 40)))
        text = text[:start] + draw(st.one_of(pieces, st.just(text[start:stop] * 2), st.just(""))) + text[stop:]
    return text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=mutations())
def test_a_mutated_file_gives_a_configuration_or_problems_with_places(folder: Path, text: str) -> None:
    check(folder, text)


json_like = st.recursive(
    st.sampled_from(
        ['""', '"x"', '"main"', "1", "-1", "1.5", "true", "1979-05-27", "[]", "{}", '"\\u0000"', '"a\\nb"']
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{number} = {item}" for number, item in enumerate(items)) + "}"
        ),
    ),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    values=st.dictionaries(st.sampled_from(sorted(keys.ALL)), json_like, max_size=4),
    where=st.sampled_from(
        [
            *("defaults", "projects.shop", "each.shop", "projects.shop.recipes.test", "projects.shop.sub.api"),
            *("projects.shop.schedules.nightly", "notify.team", "notify.team.digest", "projects.shop.sandbox"),
            *("defaults.secrets", "projects.shop.recipes.test.matrix", "projects.shop.keep"),
        ]
    ),
)
def test_any_value_at_any_key_is_taken_or_told(folder: Path, values: dict[str, str], where: str) -> None:
    check(folder, f"[{where}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("x = " + "[" * 20_000, "nested too deep"),
        ("x = " + "{ a = " * 20_000, "nested too deep"),
        ("x = " + "9" * 10_000, "a number that is too long"),
        (b"x = '\xff'", "not UTF-8"),
        (b"\n\n\xed\xa0\x80", "not UTF-8"),
        (b"# " + b"x" * (5 << 20), "more than 4 MiB"),
    ],
)
def test_what_cannot_be_read_at_all_is_one_error(folder: Path, raw: str | bytes, said: str) -> None:
    found, problems = check(folder, raw)

    assert (found, [each.code for each in problems]) == (None, ["C001"])
    assert said in problems[0].message


def test_a_place_that_is_not_utf8_has_its_line(folder: Path) -> None:
    assert check(folder, b"a = 1\nb = 2\nc = '\xff'\n")[1][0].line == 3


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    found, (problem,) = config.check(tmp_path, {})

    assert found is None
    assert "cannot be read: No such file or directory" in problem.message


def test_a_folder_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "projects.toml").mkdir()
    (tmp_path / "ctci.toml").mkdir()

    assert [each.code for each in config.check(tmp_path, {})[1]] == ["C001", "C001"]


def test_at_most_400_problems_are_told_and_no_warning_hides_an_error(folder: Path) -> None:
    warned = "".join(
        f'[projects.p{number}]\ngit = "/x"\nbranches = ["*"]\nrecipes.test = "true"\n' for number in range(500)
    )

    many = check(folder, "".join(f"k{number} = 1\n" for number in range(20_000)))[1]
    found, both = check(folder, f"{warned}[projects.last]\n")

    assert len(many) == 400
    assert found is None
    assert [each.code for each in both if each.severity == "error"] == ["C102", "C104"]


def test_a_chain_of_needs_may_be_as_long_as_the_file(folder: Path) -> None:
    links = "".join(f'r{number} = {{ run = "true", needs = "r{number + 1}" }}\n' for number in range(5_000))
    top = '[projects.shop]\ngit = "/x"\n[projects.shop.recipes]\n'

    good = check(folder, f'{top}{links}r5000 = "true"\n')[1]
    round_about = check(folder, f'{top}{links}r5000 = {{ run = "true", needs = "r0" }}\n')[1]

    assert good == ()
    assert [(each.code, each.line) for each in round_about] == [("C114", 5004)]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "text",
    [
        'token = "hunter2',
        "token = hunter2",
        "webhook_secret : hunter2",
        'x = { token = "hunter2", y = z }',
        'ssh-key = """\nhunter2\n\\q"""',
        'ssh-key = """\nhunter2',
        "ssh-key = '''\nhunter2\x01'''",
        "git = https://ana:hunter2@example.org/x",
        'git = "https://ana:hunter2@example.org/x"\nbogus = 1',
        'x = { git = "ssh://a:hunter2@example.org", bogus = "hunter2" }',
        'Token = "hunter2"',
        'API_KEY = "hunter2"',
        'webhook-secrt = "hunter2"',
        'password = ["hunter2"]',
        'token = { value = "hunter2" }',
        'token = { env = "hunter2!" }',
        'token = { env = "A", note = "hunter2" }',
        "token = [\n'hunter2',\n] # hunter2",
        'secrets = { KEY = "hunter2", other = 1 }',
        'secrets = { KEY = { env = "A", x = "hunter2" } }\nbogus = 1',
        'recipes.test = { run = "x", secrets = { KEY = ["hunter2"] }, bogus = 1 }',
        '[notify.ops]\nwebhook = "https://hunter2"\napprise = "x://hunter2"',
        '[notify.ops]\napprize = "x://hunter2"\nhartbeat = ["hunter2"]',
    ],
)
def test_a_secret_in_the_wrong_place_is_never_shown(folder: Path, text: str, style: str) -> None:
    found, problems = check(folder, f"[projects.shop]\n{text}\n")

    assert found is None
    assert "hunter2" not in config.render(problems, style=style)
    assert "hunter2" not in f"{config.ConfigError(problems)} {problems!r}"


def test_an_escape_in_a_name_does_not_reach_the_terminal(folder: Path) -> None:
    problems = check(folder, '"\\u001b[2J\\u202e" = 1\n')[1]

    assert "unknown key `\ufffd[2J\ufffd`" in config.render(problems, style="full")
    assert "\x1b" not in str(config.ConfigError(problems))


@pytest.mark.parametrize("name", ["shop", "secrets", "token"])
def test_a_project_may_be_called_like_a_key(folder: Path, name: str) -> None:
    text = f'[projects.{name}]\ngit = "/x"\nrecipes.test = {{ run = "make", timout = "5m" }}\n'

    (problem,) = check(folder, text)[1]

    assert "timout" in problem.source


MANY = ", ".join(f'"x{number}"' for number in range(100_000))
SAME = ", ".join(['"x"'] * 100_000)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ('recipes.test = { run = "t", matrix = { a = [MANY] } }', MANY),
        ('recipes.test = { run = "t", matrix = { a = [MANY] } }', SAME),
        ('recipes.test = { run = "t", on = [MANY] }', MANY),
        ('recipes.test = "t"\nschedules.s = { at = "02:30", recipes = [MANY] }', SAME),
        (
            'recipes.test = "t"\nMANY',
            "".join(f'schedules.s{n} = {{ at = "1", timezone = "z{n}" }}\n' for n in range(9000)),
        ),
        ('recipes.test = "t"\n[notify.x]\nonly = [MANY]', MANY),
    ],
    ids=["values", "doubles", "events", "recipes", "zones", "only"],
)
def test_a_heap_of_mistakes_is_told_in_no_long_time(folder: Path, text: str, entries: str) -> None:
    began = time.process_time()

    check(folder, f'[projects.shop]\ngit = "/x"\n{text.replace("MANY", entries)}\n')

    assert time.process_time() - began < 20  # our own work, whatever else the machine does; each with each takes ages

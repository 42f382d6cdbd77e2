"""A secret is never shown, wherever its key stands, however its value is written, whatever else is wrong."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ctci import config

STYLES = ("full", "concise", "json", "github")
HEADERS = (
    "",
    "[projects.shop]",
    "[projects.shop.env]",
    "[defaults]",
    "[notify.team]",
    "[each.all]",
    "[recipes]",
    "[projects.shop.token]",
)
KEYS = (
    *("token", "webhook-secret", "ssh-key", "apprise", "webhook", "heartbeat", "secrets"),
    *("tokn", "Token", "webhook_secrt", "webhok", "aprise", "hartbeat", "pasword", "passwd", "pass", "MYSQL_PWD"),
    *("DB_PASS", "basic-auth", "API_KEY", '"token"', "'token'", "recipes.token", "token.value", "x.secret.y"),
)
VALUES = (
    *('"hunter2"', "'hunter2'", "hunter2", "https://hunter2/x", '"hunter2', "'hunter2", 'hunter2"', '"a" hunter2'),
    *('["hunter2"]', "[hunter2]", '["a"\n"hunter2"]', '[\n"a",\nhunter2,\n]', '[\n  "hunter2",\n  {', '["hunter2"'),
    *('"""hunter2"""', '"""\nhunter2\n"""', '"""\nhunter2\n""" x', '"""\n\\q hunter2', '"""a\nhunter2', "'''\nhunter2"),
    *("'''\nhunter2'''", "'''\nhunter2\x01'''", '{ value = "hunter2" }', '{ env = "hunter2" x }', "{ env = hunter2 }"),
    *('{ env = "A", note = "hunter2" }', '{ x = ["hunter2", y] }', "{ x = { y = hunter2 } }", '"a"\nhunter2'),
    *("\n  hunter2", "[]\n  hunter2", '"a"\n"hunter2"', "'a'\nhunter2=", "'a'\nhunter2= # x", '"a" # hunter2\n= 1'),
)
SIGNS = (" = ", "=", " : ", " ", "\t=\t", " == ", " = = ")
NOISE = (
    *(
        "",
        "\n",
        "x = 1\n",
        "# it's '''\n",
        'x = "# [{"\n',
        "x = [\n1,\n]\n",
        'y = """\n[a]\n"""\n',
        "x = '''\n\"\"\"'''\n",
    ),
    *("x = y\n", "x = [\n", 'x = """\n', "= 1\n", "]\n", "[\n", "x.y = 1\nx = 2\n", "needs = { a = "),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hiding")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=600)
@given(
    header=st.sampled_from(HEADERS),
    before=st.sampled_from(NOISE),
    key=st.sampled_from(KEYS),
    sign=st.sampled_from(SIGNS),
    value=st.sampled_from(VALUES),
    # With a sign behind it, the last line of a value may be the key of another.
    after=st.sampled_from([noise for noise in NOISE if not noise.startswith("=")]),
    twice=st.booleans(),
)
@example(header="[notify.team]", before="", key="apprise", sign=" = ", value="tgram://hunter2/1", after="", twice=False)
def test_the_secret_of_a_key_that_sounds_like_one_is_in_no_rendering(
    folder: Path, header: str, before: str, key: str, sign: str, value: str, after: str, *, twice: bool
) -> None:
    line = f"{key}{sign}{value}"

    told = problems_of(folder, f"{header}\n{before}{line}{f'{chr(10)}{line}' if twice else ''} {after}")

    assert [style for style in STYLES if "hunter2" in config.render(told, style=style)] == []
    assert "hunter2" not in f"{told!r} {config.ConfigError(told)}"


def problems_of(folder: Path, text: str) -> tuple[config.Problem, ...]:
    """What is wrong with a projects.toml."""
    (folder / "projects.toml").write_text(text)
    return config.check(folder, {}, resolve=False)[1]


@pytest.mark.parametrize(
    "address",
    [
        *("https://ana:hunter2@example.org/x", "https://hunter2@example.org/x", "ssh://ana:hunter2@example.org/x"),
        *("oauth2:hunter2@gitlab.com/acme/x.git", "ana:hunter2@example.org:acme/x.git"),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(folder: Path, address: str) -> None:
    told = problems_of(folder, f'[projects.shop]\ngit = "{address}"\nrecipes.test = "make"\n')

    assert [each.code for each in told] == ["C206"]
    assert "hunter2" not in "".join(config.render(told, style=style) for style in STYLES)


@pytest.mark.parametrize(
    "address", ["git@example.org:acme/x.git", "ssh://git@example.org:22/x@y", "http://localhost:3000/a@b", "/srv/a@b"]
)
def test_an_address_without_a_password_is_taken(folder: Path, address: str) -> None:
    assert problems_of(folder, f'[projects.shop]\ngit = "{address}"\nrecipes.test = "make"\n') == ()


@pytest.mark.parametrize(
    "line",
    [
        *("timeout = 20m", 'env-pass = ["HOME" "LANG"]', "git = /srv/git/shop.git", "recipes.test = make test"),
        *('recipes.test = { run = make, timeout = "20m" }', 'notify = ["team"', 'authors = ["@example.org"'),
    ],
)
def test_a_line_without_a_secret_is_shown_whole(folder: Path, line: str) -> None:
    token = 'token = { env = "A" }\n'

    (problem,) = problems_of(folder, f"[projects.shop]\n{token}{line}\nx = 1\n")

    assert (problem.line, problem.source) in ((3, line), (4, "x = 1"))


def test_a_password_in_a_variable_is_not_shown(folder: Path) -> None:
    (folder / "projects.toml").write_text('[projects.shop]\ngit = "/x"\nrecipes.test = "make"\n')

    told = config.check(folder, {"CTCI_PUBLIC_URL": "https://ana:hunter2@example.org/"})[1]

    assert [each.message for each in told] == ["`…hidden…` is not a value for CTCI_PUBLIC_URL"]

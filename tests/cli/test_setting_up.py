import json
import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest

from ctci import config, scaffold, setup
from ctci.cli import setting_up
from tests.cli.calling import Caller


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "srv" / "Shop.git"
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True, env=Caller.isolated())
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_bare_repository_becomes_a_project_and_its_hook_is_named(ctci: Caller, bare: Path) -> None:
    said = ctci("init", "ci", "--from", str(bare))

    text = (ctci.folder / "ci/config/projects.toml").read_text()
    assert (said.code, said.out) == (0, "")
    assert f'[projects.shop]\ngit            = "{bare}"' in text
    assert "\nforge" not in text
    assert f"ctci hook install {bare} --project shop" in said.err
    assert said.err.rstrip().endswith("next: `ctci check` in ci")


@pytest.mark.parametrize(
    ("address", "forge", "page"),
    [
        ("https://github.com/acme/shop.git", "github", "https://github.com/acme/shop/settings/hooks/new"),
        ("git@github.com:acme/shop.git", "github", "https://github.com/acme/shop/settings/hooks/new"),
        ("https://codeberg.org/acme/shop", "forgejo", "https://codeberg.org/acme/shop/settings/hooks/forgejo/new"),
        (
            "https://gitea.example.org:3000/acme/shop.git",
            "gitea",
            "https://gitea.example.org:3000/acme/shop/settings/hooks/gitea/new",
        ),
        (
            "ssh://git@forgejo.example.org:2222/acme/shop.git",
            "forgejo",
            "https://forgejo.example.org/acme/shop/settings/hooks/forgejo/new",
        ),
        (
            "http://gitea.local:3000/acme/shop.git",
            "gitea",
            "http://gitea.local:3000/acme/shop/settings/hooks/gitea/new",
        ),
        (
            "https://bitbucket.example.org/scm/acme/shop.git",
            "bitbucket-dc",
            "https://bitbucket.example.org/plugins/servlet/webhooks/projects/acme/repos/shop",
        ),
    ],
)
def test_a_known_forge_gets_a_secret_and_the_page_to_open(ctci: Caller, address: str, forge: str, page: str) -> None:
    said = ctci("init", "ci", "--from", address)

    secret = ctci.folder / "ci/config/secrets/shop-webhook"
    text = (ctci.folder / "ci/config/projects.toml").read_text()
    assert (mode(secret), mode(secret.parent)) == (0o600, 0o700)
    assert len(secret.read_text().strip()) == 64
    assert f'forge          = "{forge}"' in text
    assert f"open {page}\n" in said.err
    assert "URL     http://127.0.0.1:8484/hooks/shop\n" in said.err
    # Only a person at a terminal is shown the secret itself.
    assert str(secret) in said.err
    assert secret.read_text().strip() not in said.err + said.out


def test_a_person_at_a_terminal_is_shown_the_secret(ctci: Caller) -> None:
    seen = ctci.on_terminal("init", "ci", "--from", "https://github.com/acme/shop.git", columns=200)

    assert (ctci.folder / "ci/config/secrets/shop-webhook").read_text().strip() in seen


def test_a_forge_that_is_not_known_by_its_name_is_left_to_the_person(ctci: Caller) -> None:
    said = ctci("init", "ci", "--from", "https://git.example.org/acme/shop.git")

    assert "# forge " in (ctci.folder / "ci/config/projects.toml").read_text()
    assert "is not known by its name" in said.err
    assert "--forge NAME" in said.err


@pytest.mark.parametrize("forge", setting_up.FORGES)
def test_a_forge_that_is_named_gets_a_secret_and_its_page(ctci: Caller, forge: str) -> None:
    said = ctci("init", "ci", "--from", "https://git.example.org/acme/shop.git", "--forge", forge)

    assert (said.code, ctci("check", "ci/config").out) == (0, "")
    assert f'forge          = "{forge}"' in (ctci.folder / "ci/config/projects.toml").read_text()
    assert mode(ctci.folder / "ci/config/secrets/shop-webhook") == 0o600
    assert "open https://git.example.org/" in said.err


@pytest.mark.parametrize("source", [None, "bare"])
def test_a_forge_goes_with_the_address_of_a_repository_there(ctci: Caller, bare: Path, source: str | None) -> None:
    said = ctci("init", "ci", "--forge", "gitea", *(["--from", str(bare)] if source else []))

    assert (said.code, "--forge goes with" in said.err) == (2, True)
    assert not (ctci.folder / "ci").exists()


def test_a_user_in_an_address_of_http_is_left_out_and_that_is_said(ctci: Caller) -> None:
    said = ctci("init", "ci", "--from", "https://me@bitbucket.org/acme/shop.git")

    text = (ctci.folder / "ci/config/projects.toml").read_text()
    assert 'git            = "https://bitbucket.org/acme/shop.git"' in text
    assert "me@" not in said.err + text
    assert "user in the address is left out" in said.err


@pytest.mark.parametrize(
    "source",
    [
        None,
        "bare",
        "https://github.com/acme/shop.git",
        "https://gitea.example.org/acme/shop.git",
        "https://codeberg.org/acme/shop.git",
        "git@gitlab.com:acme/shop.git",
        "https://gogs.example.org/acme/shop.git",
        "https://bitbucket.org/acme/shop.git",
        "https://bitbucket.example.org/scm/acme/shop.git",
        "https://me@bitbucket.org/acme/shop.git",
        f"https://github.com/acme/{'very-' * 20}long.git",
        "ssh://git@bitbucket.example.org:7999/acme/shop.git",
        "http://me@gitea.local:3000/acme/shop.git",
        'https://git.example.org/a"\\b/my shop.git',
    ],
)
def test_what_init_writes_passes_check(ctci: Caller, bare: Path, source: str | None) -> None:
    named = str(bare) if source == "bare" else source
    made = ctci("init", "ci", *(["--from", named] if named else []))

    checked = ctci("check", "ci/config")

    assert (made.code, checked.code) == (0, 0)
    assert checked.out == ""


@pytest.mark.parametrize("options", [(), ("--from", "https://github.com/acme/shop.git")])
def test_an_editor_finds_the_schema_beside_what_init_writes(ctci: Caller, options: tuple[str, ...]) -> None:
    ctci("init", "ci", *options)

    text = (ctci.folder / "ci/config/projects.toml").read_text()
    first, _, _ = text.partition("\n")
    schema = json.loads((ctci.folder / "ci/config" / first.removeprefix("#:schema ")).read_text())
    assert schema == config.schema()
    assert [*jsonschema.Draft202012Validator(schema).iter_errors(tomllib.loads(text))] == []


def test_nothing_is_written_over_unless_forced_and_a_secret_never(ctci: Caller) -> None:
    address = "https://github.com/acme/shop.git"
    ctci("init", "ci", "--from", address)
    projects, secret = ctci.folder / "ci/config/projects.toml", ctci.folder / "ci/config/secrets/shop-webhook"
    projects.write_text("mine")
    before = secret.read_text()

    refused = ctci("init", "ci", "--from", address)
    kept = projects.read_text()
    forced = ctci("init", "ci", "--from", address, "--force")

    assert (refused.code, kept) == (2, "mine")
    assert "projects.toml" in refused.err
    assert "--force" in refused.err
    assert (forced.code, projects.read_text() == "mine", secret.read_text()) == (0, False, before)


def test_a_gitignore_that_is_there_keeps_its_lines(ctci: Caller) -> None:
    (ctci.folder / "ci").mkdir()
    (ctci.folder / "ci/.gitignore").write_text("*.pyc\n/data/")

    said = ctci("init", "ci")

    assert said.code == 0
    assert (ctci.folder / "ci/.gitignore").read_text() == "*.pyc\n/data/\n/config/secrets/\n"


@pytest.mark.parametrize(
    "source",
    [
        "nowhere",
        "ftp://example.org/x.git",
        "https://ana:hunter2@example.org/x.git",
        "ext::sh -c x",
        "https://ana:hunter2@example.org:port/x.git",
        "https://[::1/x.git",
        "https://example.org",
        "-oProxyCommand=x:y",
    ],
)
def test_what_is_no_repository_is_refused_and_nothing_is_written(ctci: Caller, source: str) -> None:
    said = ctci("init", "ci", f"--from={source}")

    assert said.code == 2
    assert "hunter2" not in said.err
    assert not (ctci.folder / "ci").exists()


def test_init_for_systemd_says_what_it_wrote_and_the_three_commands_that_install_it(ctci: Caller) -> None:
    said = ctci("init", "ci", "--systemd")

    folder = ctci.folder / "ci"
    for name in ("systemd/system/ctci.service", "sysusers.d/ctci.conf", "tmpfiles.d/ctci.conf"):
        assert f"wrote {folder / 'etc' / name}\n" in said.err
    assert said.err.count("\n  sudo ") == 3
    assert f"  sudo cp -rT {folder / 'etc'} /etc\n" in said.err


def test_init_for_containers_says_what_it_wrote_and_what_starts_it(ctci: Caller, bare: Path) -> None:
    said = ctci("init", "ci", "--compose", "--from", str(bare))

    folder = ctci.folder / "ci"
    for name in ("compose.yaml", "Caddyfile", ".env", "image/Dockerfile"):
        assert f"wrote {folder / name}\n" in said.err
    assert f"The container does not see {bare}" in said.err
    assert f"docker compose --project-directory {folder} up --build --detach" in said.err


def test_a_project_that_tests_nothing_yet_is_told_of(ctci: Caller, bare: Path) -> None:
    ctci("init", "ci", "--from", str(bare))
    projects = ctci.folder / "ci/config/projects.toml"
    new = ctci("check", str(projects))
    projects.write_text(projects.read_text().replace(scaffold.PLACEHOLDER, "make test"))
    mended = ctci("check", str(projects))

    assert (new.code, mended.code) == (0, 0)
    assert ("shop tests nothing yet" in new.err, "tests nothing" in mended.err) == (True, False)


def test_what_is_written_about_letters_asks_for_a_digest_once_it_is_no_comment(ctci: Caller, bare: Path) -> None:
    ctci("init", "ci", "--from", str(bare))
    path = ctci.folder / "ci/config/projects.toml"
    text, letters = re.subn(r"(?m)^# (?=\[notify|email|digest|notify )", "", path.read_text())
    path.write_text(text)

    found, problems = config.check(path.parent, {})
    assert (letters, problems) == (4, ())
    assert found is not None
    assert [project.notify for project in found.projects.values()] == [("team",)]
    assert found.notify["team"].digest is not None


def test_a_hook_is_installed_in_a_bare_repository(ctci: Caller, bare: Path) -> None:
    said = ctci("hook", "install", str(bare), "--project", "shop")

    assert said.code == 0
    assert os.access(bare / "hooks/post-receive", os.X_OK)


def test_a_hook_in_another_repository_than_the_projects_own_is_warned_of(ctci: Caller, bare: Path) -> None:
    other = bare.with_name("other.git")
    subprocess.run(["git", "init", "--quiet", "--bare", str(other)], check=True)
    ctci.configure(f'[projects.shop]\ngit = "{bare}"\nrecipes.test = "true"\n')

    own, foreign = (ctci("hook", "install", str(each), "--project", "shop") for each in (bare, other))

    told = f"but shop is configured at {bare}: what is pushed here is not what it fetches"
    assert (own.code, foreign.code) == (0, 0)
    assert (told in own.err, told in foreign.err) == (False, True)


def test_the_hook_is_printed_as_it_is_installed(ctci: Caller) -> None:
    said = ctci("hook", "print")

    assert (said.code, said.out, said.err) == (0, setup.HOOK.read_text(), "")


def test_a_hook_of_a_project_that_is_not_configured_is_refused(ctci: Caller, bare: Path) -> None:
    said = ctci("hook", "install", str(bare), "--project", "nobody")

    assert (said.code, (bare / "hooks/post-receive").exists()) == (5, False)


def test_a_hook_goes_into_repositories_only(ctci: Caller, tmp_path: Path) -> None:
    said = ctci("hook", "install", str(tmp_path), "--project", "shop")

    assert said.code == 2
    assert "Traceback" not in said.err


def test_a_secret_is_made_once_for_its_owner_alone(ctci: Caller) -> None:
    made, again = ctci("secret", "new", "shop-webhook"), ctci("secret", "new", "shop-webhook")

    path = ctci.config / "secrets" / "shop-webhook"
    assert (made.code, made.out.strip()) == (0, str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().strip()) == 64
    assert "say where it lies" in made.err
    assert (again.code, "is there" in again.err) == (2, True)


def test_a_secret_for_signing_is_one_that_check_takes(ctci: Caller) -> None:
    project = '[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "make"\nnotify = ["ops"]\n'
    ctci.configure(f'{project}[notify.ops]\nwebhook = {{ file = "secrets/url" }}\n')
    (command,) = re.findall(r"run `ctci ([^`]+)`", ctci("check").out)

    ctci(*command.split())
    (ctci.config / "secrets" / "url").write_text("https://hooks.example.org/in\n")
    (ctci.config / "secrets" / "url").chmod(0o600)
    keys = 'webhook = { file = "secrets/url" }\nwebhook-secret = { credential = "ops-webhook" }'
    ctci.configure(f"{project}[notify.ops]\n{keys}\n")

    assert (ctci("check").code, command) == (0, "secret new ops-webhook --signing")


@pytest.mark.parametrize("reference", ['{ credential = "shop-webhook" }', '{ file = "secrets/shop-webhook" }'])
def test_what_helps_against_a_project_without_a_secret_helps(ctci: Caller, reference: str) -> None:
    text = '[projects.shop]\ngit = "https://host/a/shop.git"\nrecipes.test = "make"\nforge = "gitea"\n'
    ctci.configure(text)
    (command,) = re.findall(r"run `ctci ([^`]+)`", ctci("check").out)

    ctci(*command.split())
    ctci.configure(f"{text}webhook-secret = {reference}\n")

    assert (ctci("check").code, command) == (0, "secret new shop-webhook")


@pytest.mark.parametrize("name", ["../x", "a/b", "-x", ""])
def test_a_secret_lies_nowhere_else(ctci: Caller, name: str) -> None:
    assert ctci("secret", "new", "--", name).code == 2

"""What valid files mean: defaults, what is laid over what, addresses and paths, and the shipped projects.toml."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from ctci import config
from ctci.config.settings import Backup, Digest, Keep, Notify, Project, Server, Smtp
from ctci.model import Remote, SecretRef
from tests import make

ROOT = Path(__file__).parents[2]
SHOP = '[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "make test"\n'
FULL = """
[defaults]
timeout     = "20m"
notify      = ["team"]
on-new-push = "supersede"
keep        = { runs = 30 }
env         = { A = "defaults", B = "defaults" }
env-pass    = ["PIP_INDEX_URL"]
retries     = 1
sandbox     = { mode = "pid" }

[notify.team]
email = ["ana@example.org", "bo@example.org"]

[notify.ops]
email = "ops@example.org"

[projects.dotfiles]
git          = "/srv/git/dotfiles.git"
recipes.test = "make check"

[projects.shop]
git            = "https://git.example.org/acme/shop.git"
forge          = "gitea"
webhook-secret = { credential = "shop-webhook" }
token          = { env = "SHOP_TOKEN" }
ca-file        = "ca.pem"
description    = "The shop"
default-branch = "trunk"
submodules     = true
env            = { B = "project", C = "project" }
shell          = "bash -euo pipefail"
on-interrupt   = "retry"

[projects.shop.branches]
main          = ["api", "web"]
"release/*"   = ["api"]
"renovate/**" = []
"**"          = "api"

[projects.shop.tags]
"v*" = ["api"]

[projects.shop.sub.api]
path     = "./services//api/"
env      = { C = "sub" }
env-pass = ["PIP_INDEX_URL", "HTTPS_PROXY"]
timeout  = "10m"
paths    = ["services/api/**", "libs/**", "!**/*.md"]
retries  = 2

[projects.shop.sub.api.recipes]
test = { run = "make test", timeout = "1h30m", env = { D = "recipe" }, nice = 15, shell = "sh -e" }
lint = "make lint"
deploy = { run = "make deploy", needs = ["test", "lint", "test"], lock = "stage.1", allow-failure = true, retries = 0 }
soak = { run = "make soak", needs = "test", on-interrupt = "fail", sandbox = { mode = "none" } }

[projects.shop.sub.web]
path         = "."
recipes.test = "npm test"

[projects.libwidget]
git           = "git@example.org:acme/libwidget.git"
ssh-key       = { file = "/etc/ctci/keys/libwidget" }
known-hosts   = "known_hosts"
notify        = ["ops"]
on-new-push   = "parallel"
paths         = "src"
keep          = { days = 7 }
branches      = ["main", "stable-*"]
recipes.build = "make"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "config"
    made.mkdir()
    return made


def load(folder: Path, text: str = SHOP, server: str | None = None) -> config.Config:
    (folder / "projects.toml").write_text(text)
    if server is not None:
        (folder / "ctci.toml").write_text(server)
    found, problems = config.check(folder, {}, resolve=False)
    assert problems == ()
    assert found is not None
    return found


def test_three_lines_are_a_project_with_every_default(folder: Path) -> None:
    found = load(folder)

    shop = found.projects["shop"]
    (recipe,) = shop.subs[""].recipes.values()
    assert shop == Project(name="shop", remote=Remote(url="/srv/git/shop.git"), subs=shop.subs)
    assert (
        recipe.name,
        recipe.run,
        recipe.timeout_s,
        recipe.shell,
        recipe.nice,
    ) == ("test", "make test", 3600, "sh -e", 0)
    assert (shop.subs[""].path, recipe.env, recipe.env_pass) == (".", {}, ())
    assert folder == found.folder


def test_env_and_job_defaults_are_laid_over_each_other_from_outside_in(folder: Path) -> None:
    api = load(folder, FULL).projects["shop"].subs["api"].recipes

    assert api["test"].env == {"A": "defaults", "B": "project", "C": "sub", "D": "recipe"}
    assert api["lint"].env == {"A": "defaults", "B": "project", "C": "sub"}
    assert api["lint"].env_pass == ("PIP_INDEX_URL", "HTTPS_PROXY")
    assert (api["test"].timeout_s, api["test"].shell, api["test"].nice) == (5400, "sh -e", 15)
    assert (api["lint"].timeout_s, api["lint"].shell, api["lint"].nice) == (600, "bash -euo pipefail", 0)


def test_retries_interruptions_and_the_sandbox_are_job_defaults_too(folder: Path) -> None:
    projects = load(folder, FULL).projects
    api = projects["shop"].subs["api"].recipes
    check = projects["dotfiles"].subs[""].recipes["test"]

    assert (check.retries, check.on_interrupt, check.sandbox) == (1, "fail", "pid")
    assert (api["test"].retries, api["test"].on_interrupt, api["test"].sandbox) == (2, "retry", "pid")
    assert (api["deploy"].retries, api["soak"].on_interrupt, api["soak"].sandbox) == (0, "fail", "none")


def test_a_recipe_says_what_it_needs_what_it_locks_and_whether_it_counts(folder: Path) -> None:
    api = load(folder, FULL).projects["shop"].subs["api"].recipes

    assert (api["deploy"].needs, api["deploy"].lock, api["deploy"].allow_failure) == (("test", "lint"), "stage.1", True)
    assert (api["test"].needs, api["test"].lock, api["test"].allow_failure) == ((), None, False)
    assert api["soak"].needs == ("test",)


def test_a_recipe_may_need_one_that_stands_below_it(folder: Path) -> None:
    found = load(folder, SHOP + 'recipes.all = { run = "true", needs = ["test", "late"] }\nrecipes.late = "true"\n')

    assert found.projects["shop"].subs[""].recipes["all"].needs == ("test", "late")


def test_paths_stand_in_a_subproject_or_in_a_project_without_any(folder: Path) -> None:
    projects = load(folder, FULL).projects

    assert projects["shop"].subs["api"].paths == ("services/api/**", "libs/**", "!**/*.md")
    assert projects["shop"].subs["web"].paths == ()
    assert projects["libwidget"].subs[""].paths == ("src",)


def test_the_default_branch_is_the_project_s_word_or_nobody_s(folder: Path) -> None:
    projects = load(folder, FULL).projects

    assert (projects["shop"].default_branch, projects["dotfiles"].default_branch) == ("trunk", None)


@pytest.mark.parametrize("name", ["main", "release/2.4", "größe", "a.b", "v1-x_y+z", "refs-heads", "heads/main"])
def test_what_git_lets_a_branch_be_called_can_be_the_default(folder: Path, name: str) -> None:
    found = load(folder, SHOP + f'default-branch = "{name}"\n')

    assert name == found.projects["shop"].default_branch


@pytest.mark.parametrize(
    "name",
    [
        "-x",
        "a..b",
        "a b",
        "/a",
        "a/",
        "a//b",
        "a.",
        ".a",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "@",
        "a@{b",
        "HEAD",
        "refs",
        "a~",
    ],
)
def test_what_git_lets_no_branch_be_called_is_refused(folder: Path, name: str) -> None:
    (folder / "projects.toml").write_text(SHOP + f'default-branch = "{name}"\n')

    found, problems = config.check(folder, {})

    assert (found, [each.code for each in problems]) == (None, ["C103"])


def test_a_project_goes_by_the_defaults_where_it_says_nothing_itself(folder: Path) -> None:
    projects = load(folder, FULL).projects

    dotfiles, widget = projects["dotfiles"], projects["libwidget"]
    assert (("team",), "supersede", Keep(runs=30, days=90)) == (dotfiles.notify, dotfiles.on_new_push, dotfiles.keep)
    assert (("ops",), "parallel", Keep(runs=30, days=7)) == (widget.notify, widget.on_new_push, widget.keep)
    assert dotfiles.subs[""].recipes["test"].timeout_s == 1200


def test_ctci_toml_says_what_is_kept_where_nobody_else_does(folder: Path) -> None:
    found = load(folder, "[defaults]\nkeep = { runs = 3 }\n" + SHOP, "keep = { runs = 9, days = 9 }\n")

    assert Keep(runs=3, days=9) == found.projects["shop"].keep


def test_secrets_are_references_and_paths_are_relative_to_the_folder(folder: Path) -> None:
    projects = load(folder, FULL).projects

    assert SecretRef(kind="credential", name="shop-webhook") == projects["shop"].webhook_secret
    assert SecretRef(kind="env", name="SHOP_TOKEN") == projects["shop"].remote.token
    assert SecretRef(kind="file", name="/etc/ctci/keys/libwidget") == projects["libwidget"].remote.ssh_key
    assert str(folder / "ca.pem") == projects["shop"].remote.ca_file
    assert str(folder / "known_hosts") == projects["libwidget"].remote.known_hosts
    assert projects["shop"].remote.submodules


def test_patterns_name_subprojects_and_a_list_names_them_all(folder: Path) -> None:
    projects = load(folder, FULL).projects

    assert projects["shop"].branches == {
        "main": ("api", "web"),
        "release/*": ("api",),
        "renovate/**": (),
        "**": ("api",),
    }
    assert projects["shop"].tags == {"v*": ("api",)}
    assert projects["libwidget"].branches == {"main": ("",), "stable-*": ("",)}
    assert (projects["libwidget"].tags, projects["dotfiles"].branches) == (None, None)


def test_the_path_of_a_subproject_is_written_one_way(folder: Path) -> None:
    subs = load(folder, FULL).projects["shop"].subs

    assert {name: sub.path for name, sub in subs.items()} == {"api": "services/api", "web": "."}


def test_notify_takes_one_address_or_several(folder: Path) -> None:
    assert {
        "team": Notify(name="team", email=("ana@example.org", "bo@example.org")),
        "ops": Notify(name="ops", email=("ops@example.org",)),
    } == load(folder, FULL).notify


@pytest.mark.parametrize(
    "address",
    [
        "/srv/git/my shop.git",
        "file:///srv/git/shop.git",
        "https://git.example.org:8443/acme/shop.git",
        "http://[::1]:3000/acme/shop",
        "https://git.example.org:8443/~acme@home/shop.git",
        "ssh://git@git.example.org:2222/acme/shop.git",
        "git@git.example.org:acme/shop.git",
        "git://git.example.org/shop.git",
    ],
)
def test_an_address_stays_as_it_is_written(folder: Path, address: str) -> None:
    assert address == load(folder, SHOP.replace("/srv/git/shop.git", address)).projects["shop"].remote.url


@pytest.mark.parametrize(("written", "meant"), [("..", "."), ("../shop", "shop"), ("./shop", "config/shop")])
def test_a_relative_address_starts_at_the_folder_of_the_file(folder: Path, written: str, meant: str) -> None:
    found = load(folder, SHOP.replace("/srv/git/shop.git", written))

    assert str((folder.parent / meant).resolve()) == found.projects["shop"].remote.url


@pytest.mark.parametrize(
    "address",
    ["", "~/shop", "shop", "-x", "ext::sh -c id", "https://", "http://-x/y", "ssh://git@-x/y", "a@-b:c", "fd::3"],
)
def test_what_is_not_an_address_is_refused(folder: Path, address: str) -> None:
    (folder / "projects.toml").write_text(SHOP.replace("/srv/git/shop.git", address))

    found, problems = config.check(folder, {})

    assert (found, [each.code for each in problems]) == (None, ["C103"])


def test_a_byte_order_mark_and_windows_lines_are_accepted(folder: Path) -> None:
    (folder / "projects.toml").write_bytes(b"\xef\xbb\xbf" + SHOP.replace("\n", "\r\n").encode())

    assert list(config.load(folder, {}).projects) == ["shop"]


def test_ctci_toml_is_the_servers(folder: Path) -> None:
    found = load(
        folder,
        server="""
listen     = "unix:/run/ctci/ctci.sock"
public-url = "https://ci.example.org/ci"
data-dir   = "../state"
max-jobs   = 3
title      = "Acme CI"
disk-floor = "5GiB"
log-format = "json"
[smtp]
url  = { credential = "smtp-url" }
from = "Acme CI <ci@example.org>"
[limits]
log       = "1.5MiB"
worktrees = "20 GB"
body      = "1MiB"
""",
    ).server

    assert (
        Server(
            listen="unix:/run/ctci/ctci.sock",
            public_url="https://ci.example.org/ci/",
            data_dir=folder / "../state",
            max_jobs=3,
            title="Acme CI",
            disk_floor=5 << 30,
            log_format="json",
            smtp=Smtp(url=SecretRef(kind="credential", name="smtp-url"), sender="Acme CI <ci@example.org>"),
            limit_log=3 << 19,
            limit_worktrees=20 * 10**9,
            limit_body=1 << 20,
        )
        == found
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None),
        ("backup = {}", Backup(at="03:30", keep=7)),
        ('backup = { at = "12:05" }', Backup(at="12:05", keep=7)),
        ("[backup]\nkeep = 30", Backup(at="03:30", keep=30)),
    ],
)
def test_a_backup_is_made_only_where_one_is_asked_for(folder: Path, written: str, meant: Backup | None) -> None:
    assert meant == load(folder, server=written).server.backup


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ('backup = "/srv/backup"', "C109"),
        ('backup = { at = "3:30" }', "C103"),
        ("backup = { keep = 0 }", "C103"),
        ("backup = { days = 7 }", "C101"),
    ],
)
def test_what_says_nothing_of_a_backup_is_an_error(folder: Path, written: str, code: str) -> None:
    (folder / "projects.toml").write_text(SHOP)
    (folder / "ctci.toml").write_text(written)

    found, problems = config.check(folder, {})

    assert (found, [each.code for each in problems]) == (None, [code])


def test_the_time_zone_of_the_defaults_is_the_servers(folder: Path) -> None:
    without = load(folder).timezone
    (folder / "projects.toml").write_text('[defaults]\ntimezone = "Europe/Berlin"\n' + SHOP)

    assert (without, config.load(folder, {}).timezone) == ("UTC", "Europe/Berlin")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", Notify(name="x")),
        ("digest = {}", Notify(name="x", digest=Digest(at="07:30", days=(), quiet="skip", after=None))),
        (
            'digest = { at = "09:00", days = ["mon-fri", "sun"], quiet = "short", after = "nightly" }',
            Notify(name="x", digest=Digest(at="09:00", days=("mon-fri", "sun"), quiet="short", after="nightly")),
        ),
        (
            'only = "shop@main"\nauthors = ["@example.org"]\ntimezone = "Asia/Kathmandu"',
            Notify(name="x", only=("shop@main",), authors=("@example.org",), timezone="Asia/Kathmandu"),
        ),
    ],
)
def test_a_table_of_notify_says_who_is_told_of_what_and_when(folder: Path, written: str, meant: Notify) -> None:
    nightly = 'schedules.nightly = { at = "02:30" }\n'

    assert meant == load(folder, f"{SHOP}{nightly}[notify.x]\n{written}\n").notify["x"]


def test_a_digest_comes_in_the_time_zone_of_the_defaults(folder: Path) -> None:
    found = load(folder, '[defaults]\ntimezone = "Europe/Berlin"\n[notify.x]\ndigest = {}\n' + SHOP)

    assert found.notify["x"].timezone == "Europe/Berlin"


def test_without_ctci_toml_the_server_has_its_defaults(folder: Path) -> None:
    server = load(folder).server

    assert Server(data_dir=folder.parent / "data") == replace(server, max_jobs=1)
    assert server.max_jobs >= 1


def test_all_mistakes_of_both_files_are_told_at_once(folder: Path) -> None:
    (folder / "projects.toml").write_text("a = 1\nb = 2\n" + SHOP)
    (folder / "ctci.toml").write_text("c = 3\n")

    with pytest.raises(
        config.ConfigError, match=r"^3 errors in .*ctci.toml, .*projects.toml; first: unknown key `c`"
    ) as e:
        config.load(folder, {})

    assert [(Path(each.file).name, each.line) for each in e.value.problems] == [
        ("ctci.toml", 1),
        ("projects.toml", 1),
        ("projects.toml", 2),
    ]


def test_a_warning_does_not_keep_a_configuration_from_force(folder: Path) -> None:
    (folder / "projects.toml").write_text(SHOP + 'branches = ["*"]\n')

    found, problems = config.check(folder, {})

    assert found is not None
    assert [(each.code, each.severity) for each in problems] == [("C402", "warning")]


def test_nobody_looks_for_secrets_where_that_is_not_wanted(folder: Path) -> None:
    text = SHOP + 'token = { env = "NOWHERE" }\nca-file = "nowhere"\n'
    (folder / "projects.toml").write_text(text)

    assert config.check(folder, {}, resolve=False)[1] == ()
    assert [each.code for each in config.check(folder, {})[1]] == ["C203", "C203"]


def test_ctci_builds_itself_as_it_is_shipped() -> None:
    found, problems = config.check(ROOT / "config", {})

    assert problems == ()
    assert found is not None
    project = found.projects["ctci"]
    assert Path(project.remote.url) == ROOT
    assert [recipe.run for recipe in project.subs[""].recipes.values()] == ["./scripts/test"]
    assert (ROOT / "scripts/test").is_file()


def test_the_example_in_the_shipped_file_is_valid(folder: Path) -> None:
    lines = (ROOT / "config/projects.toml").read_text().splitlines()
    example = "\n".join(line.removeprefix("#     ") for line in lines if line.startswith("#     "))

    assert list(load(folder, example).projects) == ["hello"]
    assert list(tomllib.loads(example)) == ["projects"]


def test_facts_are_those_of_the_innermost_table_that_has_some(tmp_path: Path) -> None:
    text = """
    [defaults]
    facts = ["git --version"]

    [projects.plain]
    git = "/srv/git/plain.git"
    recipes.test = "true"

    [projects.shop]
    git = "/srv/git/shop.git"
    facts = ["gcc --version", " node --version ", "gcc --version", ""]

    [projects.shop.sub.api]
    path = "api"
    recipes.test = "true"

    [projects.shop.sub.web]
    path = "web"
    facts = []
    recipes.test = "true"
    """
    (tmp_path / "projects.toml").write_text(text)

    found = config.load(tmp_path, {}, resolve=False).projects

    asked = {
        (project.name, sub.name): sub.recipes["test"].facts
        for project in found.values()
        for sub in project.subs.values()
    }
    assert asked == {
        ("plain", ""): ("git --version",),
        ("shop", "api"): ("gcc --version", "node --version"),
        ("shop", "web"): (),
    }


def test_a_recipe_that_is_asked_more_facts_is_the_same_recipe() -> None:
    assert make.recipe(facts=("gcc --version",)) == make.recipe()


def test_a_schedule_looks_for_culprits_where_it_says_so(tmp_path: Path) -> None:
    text = """
    [projects.shop.schedules]
    no    = { at = "02:30" }
    never = { at = "02:30", bisect = false }
    yes   = { at = "02:30", bisect = true }
    early = { at = "02:30", bisect = { until = "06:00" } }
    """
    (tmp_path / "projects.toml").write_text(SHOP + text)

    found = config.load(tmp_path, {}, resolve=False).projects["shop"].schedules

    meant = {name: (each.bisect, each.bisect_until) for name, each in found.items()}
    assert meant == {"no": (False, None), "never": (False, None), "yes": (True, None), "early": (True, "06:00")}

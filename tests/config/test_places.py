"""Who wins: flag, variable, file, default; and where the configuration and the state are looked for."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from ctci import config
from ctci.config.settings import Otlp

SHOP = '[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "make test"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """./config of the current folder."""
    monkeypatch.chdir(tmp_path)
    return put(tmp_path / "config")


def put(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "projects.toml").write_text(SHOP)
    return folder


# --- who wins -------------------------------------------------------------------------------------------------------


def test_a_flag_wins_before_a_variable_before_the_file_before_the_default(folder: Path) -> None:
    environ, flags = {"CTCI_LISTEN": "127.0.0.1:3"}, {"listen": "127.0.0.1:4"}

    seen = [config.load(folder, {}).server.listen]
    (folder / "ctci.toml").write_text('listen = "127.0.0.1:2"\n')
    seen += [
        config.load(folder, given, flags=flag).server.listen
        for given, flag in (({}, {}), (environ, {}), (environ, flags))
    ]

    assert seen == ["127.0.0.1:8484", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"]


def test_every_value_may_be_a_variable_named_after_its_place_in_the_file(folder: Path) -> None:
    environ = {
        "CTCI_LISTEN": "[::1]:80",
        "CTCI_PUBLIC_URL": "https://ci.example.org",
        "CTCI_DATA_DIR": "elsewhere",
        "CTCI_MAX_JOBS": "7",
        "CTCI_TITLE": "Acme",
        "CTCI_DISK_FLOOR": "0",
        "CTCI_LOG_FORMAT": "json",
        "CTCI_SMTP_FROM": "ci@example.org",
        "CTCI_SMTP_URL": "smtp://mail.example.org",
        "CTCI_LIMITS_LOG": "1MiB",
        "CTCI_LIMITS_WORKTREES": "1GiB",
        "CTCI_LIMITS_BODY": "2MiB",
        "CTCI_LIMITS_FINDINGS": "500",
        "CTCI_OTLP_ENDPOINT": "http://otel.example.org:4318",
        "CTCI_TRUSTED_PROXIES": "127.0.0.1, fd00::/8",
        "CTCI_PUBLIC": "badges",
        "CTCI_ALLOW": "10.0.0.0/8",
        "CTCI_HOOK_ALLOW": "192.0.2.0/24",
        "CACHE_DIRECTORY": "/var/cache/ctci",
    }

    server, origins = config.load(folder, environ).server, config.origins(folder, environ)

    assert (
        server.listen,
        server.public_url,
        server.max_jobs,
        server.title,
    ) == ("[::1]:80", "https://ci.example.org/", 7, "Acme")
    assert (
        server.disk_floor,
        server.log_format,
        server.limit_log,
        server.limit_worktrees,
        server.limit_body,
    ) == (0, "json", 1 << 20, 1 << 30, 2 << 20)
    assert (folder.parent / "elsewhere", Path("/var/cache/ctci/mirrors")) == (server.data_dir, server.mirrors_dir)
    assert server.otlp == Otlp(endpoint="http://otel.example.org:4318")
    assert server.smtp is not None
    assert server.smtp.url is not None
    assert (server.smtp.sender, server.smtp.url.name) == ("ci@example.org", "CTCI_SMTP_URL")
    walls = (server.public, server.trusted_proxies, server.allow, server.hook_allow)
    networks = (("127.0.0.1/32", "fd00::/8"), ("10.0.0.0/8",), ("192.0.2.0/24",))
    assert walls == ("badges", *(tuple(map(ip_network, each)) for each in networks))
    assert set(environ) == set(origins.values())


def test_the_origin_of_each_value_is_known_and_no_secret_is_in_it(folder: Path) -> None:
    (folder / "ctci.toml").write_text('# one\ntitle = "Acme"\n[smtp]\nurl = { file = "smtp" }\n')
    environ = {"CTCI_SMTP_URL_FILE": "/run/hunter2", "CTCI_MAX_JOBS": "2", "STATE_DIRECTORY": "/var/lib/ctci"}

    origins = config.origins(folder, environ, flags={"listen": "127.0.0.1:0"})

    assert origins == {
        "listen": "--listen",
        "public-url": "default",
        "data-dir": "STATE_DIRECTORY",
        "max-jobs": "CTCI_MAX_JOBS",
        "title": "ctci.toml:2",
        "disk-floor": "default",
        "log-format": "default",
        "trusted-proxies": "default",
        "public": "default",
        "allow": "default",
        "hook-allow": "default",
        "smtp.from": "default",
        "smtp.url": "CTCI_SMTP_URL_FILE",
        "limits.log": "default",
        "limits.worktrees": "default",
        "limits.body": "default",
        "limits.findings": "default",
        "otlp.endpoint": "default",
    }
    assert config.origins(folder, {})["smtp.url"] == "ctci.toml:4"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("CTCI_LISTEN", "8484", "C103"),
        ("CTCI_LISTEN", "127.0.0.1:65536", "C103"),
        ("CTCI_PUBLIC_URL", "ftp://ci.example.org", "C103"),
        ("CTCI_MAX_JOBS", "0", "C103"),
        ("CTCI_MAX_JOBS", "9" * 5000, "C103"),
        ("CTCI_LOG_FORMAT", "xml", "C103"),
        ("CTCI_DISK_FLOOR", "much", "C306"),
        ("CTCI_LIMITS_LOG", "1B", "C306"),
        ("CTCI_TITLE", "two\nlines", "C103"),
        ("CTCI_SMTP_FROM", "nobody", "C103"),
        ("CTCI_SMTP_URL_FILE", "/nowhere/at/all", "C203"),
    ],
)
def test_a_wrong_variable_is_named(folder: Path, name: str, value: str, code: str) -> None:
    found, problems = config.check(folder, {name: value})

    said = config.render(problems, style="concise")
    assert (None, [code]) == (found, [each.code for each in problems])
    assert f"${name}" in said or "/nowhere/at/all" in said
    assert len(said) < 500


def test_a_wrong_flag_is_named(folder: Path) -> None:
    _, problems = config.check(folder, {}, flags={"listen": "here"})

    assert (
        config.render(problems, style="concise")
        == "--listen: error[C103] `here` is not a value for --listen: HOST:PORT or unix:/PATH\n"
    )
    assert "::error title=C103::" in config.render(problems, style="github")


def test_a_variable_that_is_empty_says_nothing(folder: Path) -> None:
    assert config.load(folder, {"CTCI_LISTEN": ""}).server.listen == "127.0.0.1:8484"


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("0.0.0.0:80", "http://127.0.0.1:80/"),
        ("[::]:80", "http://127.0.0.1:80/"),
        ("[::1]:80", "http://[::1]:80/"),
        (":80", "http://127.0.0.1:80/"),
        ("ci.example.org:80", "http://ci.example.org:80/"),
        ("unix:/run/ctci.sock", "http://localhost/"),
    ],
)
def test_the_servers_own_address_is_where_this_machine_reaches_it(folder: Path, listen: str, url: str) -> None:
    assert url == config.load(folder, {"CTCI_LISTEN": listen}).server.public_url


# --- where it is looked for -----------------------------------------------------------------------------------------


def test_the_configuration_is_the_first_of_these_that_is_there(tmp_path: Path) -> None:
    environ = {
        "CONFIGURATION_DIRECTORY": str(tmp_path / "systemd"),
        "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
        "HOME": str(tmp_path / "home"),
    }
    order = [tmp_path / "xdg/ctci", tmp_path / "systemd", tmp_path / "config"]

    found = []
    for place in order:
        put(place)
        found.append(config.find(None, environ, tmp_path))

    assert order == found
    assert tmp_path / "other" == config.find(None, {**environ, "CTCI_CONFIG_DIR": "other"}, tmp_path)
    assert tmp_path / "flag" == config.find("flag", {**environ, "CTCI_CONFIG_DIR": "other"}, tmp_path)


def test_a_folder_that_may_not_be_looked_into_has_no_configuration(tmp_path: Path) -> None:
    place = put(tmp_path / ".config/ctci")
    # A name so long is refused to root, too.
    shut = Path("/", "x" * 300)

    assert place == config.find(None, {"HOME": str(tmp_path)}, shut)


def test_the_users_folder_has_its_usual_place(tmp_path: Path) -> None:
    place = put(tmp_path / ".config/ctci")

    assert place == config.find(None, {"HOME": str(tmp_path)}, tmp_path / "elsewhere")


def test_a_file_of_the_folder_may_be_named_for_it(folder: Path) -> None:
    assert folder == config.find("config/projects.toml", {}, folder.parent)
    assert folder == config.find(str(folder / "ctci.toml"), {}, folder.parent)


@pytest.mark.parametrize("name", ["config/other.toml", "config/missing.toml", "config/projects.d/a.toml", "LICENSE"])
def test_another_file_is_refused_for_it_would_not_be_read(folder: Path, name: str) -> None:
    (folder / "projects.d").mkdir()
    for each in ("config/other.toml", "config/projects.d/a.toml", "LICENSE"):
        (folder.parent / each).write_text("this is not TOML")

    with pytest.raises(config.ConfigError) as flag:
        config.find(name, {}, folder.parent)
    with pytest.raises(config.ConfigError) as variable:
        config.find(None, {"CTCI_CONFIG_DIR": name}, folder.parent)

    assert f"{name} is neither a folder nor its projects.toml or ctci.toml" in str(flag.value)
    assert str(flag.value) == str(variable.value)


def test_where_there_is_none_all_places_are_told(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError) as raised:
        config.find(None, {"HOME": str(tmp_path / "home")}, tmp_path)

    for place in (tmp_path / "config", tmp_path / "home/.config/ctci", Path("/etc/ctci")):
        assert str(place) in str(raised.value)


@pytest.mark.parametrize(
    ("folder", "environ", "state"),
    [
        ("/srv/ci/config", {}, "/srv/ci/data"),
        ("/srv/ci/config", {"XDG_STATE_HOME": "/home/ana/state"}, "/srv/ci/data"),
        ("/srv/ci/config", {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"),
        ("/home/ana/.config/ctci", {"HOME": "/home/ana"}, "/home/ana/.local/state/ctci"),
        ("/home/ana/.config/ctci", {"XDG_STATE_HOME": "/home/ana/state"}, "/home/ana/state/ctci"),
        ("/etc/ctci", {"HOME": "/home/ana"}, "/var/lib/ctci"),
        ("/srv/ci", {"HOME": "/home/ana"}, "/var/lib/ctci"),
    ],
)
def test_the_state_lies_where_it_belongs_to_the_configuration(folder: str, environ: dict[str, str], state: str) -> None:
    assert Path(state) == config.data_dir(Path(folder), environ)


def test_a_data_folder_in_the_file_is_meant_from_the_file(folder: Path) -> None:
    (folder / "ctci.toml").write_text('data-dir = "state"\n')

    assert folder / "state" == config.load(folder, {}).server.data_dir
    assert folder.parent / "typed" == config.load(folder, {}, flags={"data-dir": "typed"}).server.data_dir

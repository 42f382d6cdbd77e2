"""What runs ctci for good, held against the programs that read it: systemd's own where they are installed."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml
from flit_core import wheel

from ctci import config, deploying, scaffold

REPOSITORY = Path(__file__).parents[1]
#: What a wheel says of ctci.
LISTED = ("/METADATA", "/entry_points.txt")
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="without systemd-analyze (systemd)")


def made(folder: Path) -> Path:
    """What `init --systemd` lays below /etc."""
    scaffold.init(folder, source="https://git.example.org/acme/shop.git", forge="gitea", systemd=True)
    return folder / "etc"


@needs_systemd
def test_the_unit_is_without_fault_and_as_shut_as_builds_allow(tmp_path: Path) -> None:
    unit = made(tmp_path) / "systemd/system/ctci.service"

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", unit], capture_output=True, text=True, check=False
    )
    # In tenths: 3.0 of 10.
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")
    assert exposed.returncode == 0, exposed.stdout


@needs_systemd
@pytest.mark.skipif(os.getuid() != 0, reason="not root: it makes a user in a folder of its own")
def test_the_user_and_the_folders_come_to_be(tmp_path: Path) -> None:
    etc, root = made(tmp_path), tmp_path / "root"
    (root / "etc").mkdir(parents=True)

    for command in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        file = etc / f"{command[0].removeprefix('systemd-')}.d/ctci.conf"
        done = subprocess.run([*command, f"--root={root}", file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    name, _, uid, *_ = (root / "etc/passwd").read_text().split(":")
    data, secrets = (root / "var/lib/ctci").stat(), (root / "etc/ctci/secrets").stat()
    assert (name, str(data.st_uid), data.st_mode & 0o777) == ("ctci", uid, 0o711)
    assert (secrets.st_uid, secrets.st_mode & 0o777) == (0, 0o700)


def test_the_unit_calls_the_ctci_that_wrote_it_and_hands_it_its_secrets(tmp_path: Path) -> None:
    unit = (made(tmp_path) / "systemd/system/ctci.service").read_text().splitlines()

    said = dict(line.partition("=")[::2] for line in unit if not line.startswith("#"))
    program, verb = said["ExecStart"].split(" ")
    assert (os.access(program, os.X_OK), verb) == (True, "serve")
    assert said["LoadCredential"] == "shop-webhook:/etc/ctci/secrets/shop-webhook"
    assert (said["Type"], said["WatchdogSec"], said["KillMode"]) == ("notify", "60", "process")


def test_a_secret_is_found_with_systemd_and_without(tmp_path: Path) -> None:
    made(tmp_path)
    given = tmp_path / "credentials"
    given.mkdir()
    (given / "shop-webhook").write_text("systemd's")
    ours = (tmp_path / "config/secrets/shop-webhook").read_text().strip()

    settings = config.load(tmp_path / "config", {})
    secret = settings.projects["shop"].webhook_secret

    assert secret is not None
    assert config.reveal(secret, {}, settings.folder).decode() == ours
    assert config.reveal(secret, {"CREDENTIALS_DIRECTORY": str(given)}, settings.folder) == b"systemd's"


def test_a_configuration_that_is_there_stays_and_its_secrets_are_handed_on(tmp_path: Path) -> None:
    scaffold.init(tmp_path)
    (tmp_path / "config/projects.toml").write_text("mine")
    scaffold.secret(tmp_path / "config", "smtp")

    scaffold.init(tmp_path, systemd=True)

    unit = (tmp_path / "etc/systemd/system/ctci.service").read_text()
    assert (tmp_path / "config/projects.toml").read_text() == "mine"
    assert "\nLoadCredential=smtp:/etc/ctci/secrets/smtp\n" in unit
    with pytest.raises(scaffold.ScaffoldError, match="--force"):
        scaffold.init(tmp_path, systemd=True)
    scaffold.init(tmp_path, systemd=True, force=True)
    assert (tmp_path / "config/projects.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/opt/ctci/bin/ctci", "/opt/ctci/bin/ctci"),
        ("/opt/100%/ctci", "/opt/100%%/ctci"),
        ("/opt/my ctci/ctci", '"/opt/my ctci/ctci"'),
        ('/opt/"ctci', '"/opt/\\"ctci"'),
    ],
)
def test_a_path_is_one_word_of_a_unit(path: str, word: str) -> None:
    assert deploying._word(Path(path)) == word


def test_what_a_unit_cannot_see_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/home/ana/.local/bin/python")

    program, repository = deploying.homebound("/home/ana/shop.git")

    assert program.startswith("/home/ana/.local/bin/python lies in a home")
    assert repository.startswith("/home/ana/shop.git lies in a home")


@pytest.fixture
def composed(tmp_path: Path) -> Path:
    """A folder as `init --compose` makes it."""
    scaffold.init(tmp_path, compose=True)
    return tmp_path


def test_the_image_is_made_of_all_that_ctci_consists_of(
    composed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    built = wheel.make_wheel_in(REPOSITORY / "pyproject.toml", tmp_path_factory.mktemp("wheel")).file

    with zipfile.ZipFile(built) as theirs, zipfile.ZipFile(composed / "image" / built.name) as ours:
        files = {name: theirs.read(name) for name in theirs.namelist() if name.startswith("ctci/")}
        made_of = {name: ours.read(name) for name in ours.namelist() if name.startswith("ctci/")}
        # What follows in METADATA is the README, which may have changed since ctci was installed here.
        heads = [
            {each.read(name).partition(b"\n\n")[0] for name in each.namelist() if name.endswith(LISTED)}
            for each in (ours, theirs)
        ]
        record = ours.read(next(name for name in ours.namelist() if name.endswith("RECORD"))).decode()

    assert made_of == files
    assert heads[0] == heads[1]
    assert sorted(line.partition(",")[0] for line in record.splitlines()) == sorted(ours.namelist())
    assert {"ctci/post-receive", "ctci/packaging/ctci.service", "ctci/packaging/compose.yaml"} <= files.keys()


def test_the_image_runs_as_nobody_in_particular_and_has_what_a_fetch_needs(composed: Path) -> None:
    text = (composed / "image/Dockerfile").read_text().replace("\\\n", "")
    lines = [line.partition(" ")[::2] for line in text.splitlines() if line and not line.startswith("#")]
    said = dict(lines)
    verbs = [verb for verb, _ in lines]

    assert re.fullmatch(r"python:3\.\d+-slim", said["FROM"])
    assert {"git", "openssh-client", "ca-certificates", "tzdata"} <= {*"".join(rest for _, rest in lines).split()}
    assert (said["USER"], said["VOLUME"]) == ("ctci", "/var/lib/ctci")
    assert (composed / "image" / said["COPY"].split()[0]).is_file()
    # What is installed is installed by root, and what is called is called by the user.
    assert verbs.index("COPY") < verbs.index("USER") < verbs.index("ENTRYPOINT")
    assert json.loads(said["ENTRYPOINT"]) + json.loads(said["CMD"]) == ["ctci", "serve", "--drain"]
    assert json.loads(said["HEALTHCHECK"].partition("CMD")[2]) == ["ctci", "doctor", "--health"]
    assert {name for name, _ in (each.split("=") for each in said["ENV"].split())} == {
        "CTCI_CONFIG_DIR",
        "CTCI_DATA_DIR",
        "CTCI_LISTEN",
    }


def test_compose_names_only_what_is_there_and_opens_no_port_but_the_proxys(composed: Path) -> None:
    told = yaml.safe_load((composed / "compose.yaml").read_text())
    ours, proxy = told["services"]["ctci"], told["services"]["caddy"]
    env = dict(line.split("=") for line in (composed / ".env").read_text().splitlines())
    mounts = [mount.split(":")[0] for each in (ours, proxy) for mount in each["volumes"]]

    assert [
        name for name in re.findall(r"\$\{(\w+)\}", (composed / "compose.yaml").read_text()) if name not in env
    ] == []
    assert (composed / ours["build"]["context"] / "Dockerfile").is_file()
    assert [each for each in mounts if each.startswith("./") and not (composed / each).exists()] == []
    assert {each for each in mounts if not each.startswith("./")} == {*told["volumes"]}
    assert ("ports" in ours, ours["cap_drop"]) == (False, ["ALL"])
    assert config.server(composed / "config", ours["environment"]).listen == "unix:/run/ctci/http.sock"
    assert "reverse_proxy unix//run/ctci/http.sock\n" in (composed / "Caddyfile").read_text()


def test_an_image_is_made_anew_and_what_was_edited_stays(composed: Path) -> None:
    (composed / ".env").write_text("CTCI_HOST=ci.example.com\n")
    (composed / "image/Dockerfile").write_text("of a former version")

    scaffold.init(composed, compose=True, force=True)

    assert (composed / ".env").read_text() == "CTCI_HOST=ci.example.com\n"
    assert (composed / "image/Dockerfile").read_text() != "of a former version"

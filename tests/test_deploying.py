"""What runs ctci for good, held against the programs that read it: systemd's own where they are installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ctci import config, deploying, scaffold

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

"""Where secrets lie; what is wrong names the place, never the value."""

import os
from pathlib import Path

import pytest

from ctci import config
from ctci.model import SecretRef


def ref(kind: str, name: str) -> SecretRef:
    return SecretRef(kind=kind, name=name)


def put(path: Path, value: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(value)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("raw", "secret"), [(b"s3", b"s3"), (b"s3\n", b"s3"), (b"s3\r\n", b"s3"), (b"s3\n\n", b"s3\n"), (b" s3 ", b" s3 ")]
)
def test_one_newline_at_the_end_is_not_part_of_it(tmp_path: Path, raw: bytes, secret: bytes) -> None:
    put(tmp_path / "hook", raw)

    assert secret == config.reveal(ref("file", "hook"), {}, tmp_path)
    assert secret == config.reveal(ref("env", "HOOK"), {"HOOK": os.fsdecode(raw)}, tmp_path)


def test_a_variable_may_name_a_file(tmp_path: Path) -> None:
    path = put(tmp_path / "elsewhere/hook", b"from the file\n")
    environ = {"HOOK_FILE": str(path)}

    assert config.reveal(ref("env", "HOOK"), environ, tmp_path) == b"from the file"
    assert config.reveal(ref("env", "HOOK"), {**environ, "HOOK": "itself"}, tmp_path) == b"itself"
    assert config.reveal(ref("env", "HOOK"), {**environ, "HOOK": ""}, tmp_path) == b"from the file"


def test_a_credential_is_systemds_before_the_one_beside_the_configuration(tmp_path: Path) -> None:
    put(tmp_path / "config/secrets/hook", b"ours")
    put(tmp_path / "config/secrets/token", b"ours too")
    put(tmp_path / "credentials/hook", b"systemd's")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}

    assert config.reveal(ref("credential", "hook"), {}, tmp_path / "config") == b"ours"
    assert config.reveal(ref("credential", "hook"), environ, tmp_path / "config") == b"systemd's"
    assert config.reveal(ref("credential", "token"), environ, tmp_path / "config") == b"ours too"


@pytest.mark.parametrize("value", [b"", b"\n", b"  \n"])
def test_an_empty_secret_is_none(tmp_path: Path, value: bytes) -> None:
    put(tmp_path / "hook", value)

    with pytest.raises(config.SecretError, match="is empty"):
        config.reveal(ref("file", "hook"), {}, tmp_path)


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    with pytest.raises(config.SecretError, match="HOOK is empty"):
        config.reveal(ref("env", "HOOK"), {"HOOK": ""}, tmp_path)


@pytest.mark.parametrize("kind", ["env", "file", "credential"])
def test_one_that_is_not_there_is_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises(config.SecretError, match="NOWHERE"):
        config.reveal(ref(kind, "NOWHERE"), {}, tmp_path)


def test_only_a_small_file_is_a_secret(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    put(tmp_path / "huge", b"x" * 100_000)

    for name, said in (("pipe", "is not a file"), ("folder", "Is a directory"), ("huge", "more than 64 KiB")):
        with pytest.raises(config.SecretError, match=said):
            config.reveal(ref("file", name), {}, tmp_path)


def test_systemd_guards_its_own_credentials(tmp_path: Path) -> None:
    (tmp_path / "projects.toml").write_text(
        '[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "make test"\n'
        'webhook-secret = { credential = "hook" }\n'
    )
    put(tmp_path / "credentials/hook", b"s3", 0o444)
    put(tmp_path / "secrets/hook", b"s3", 0o440)

    def codes(environ: dict[str, str]) -> list[str]:
        return [each.code for each in config.check(tmp_path, environ)[1]]

    assert codes({"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}) == []
    assert codes({}) == ["C204"]

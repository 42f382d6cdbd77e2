"""What opens a remote: the references of the configuration resolved, at the moment they are used, to what git needs."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ctci import clock, config, git
from ctci.layout import Layout
from ctci.model import Remote, SecretRef


def access(remote: Remote, folder: Path, environ: Mapping[str, str], layout: Layout) -> git.Access:
    """A remote and what opens it; paths are relative to the configuration's `folder`. Raises config.SecretError."""
    key = None
    if remote.ssh_key is not None:
        if remote.ssh_key.kind == "file":
            key = folder / remote.ssh_key.name
        else:
            key = _key_file(config.reveal(remote.ssh_key, environ, folder), layout)
    return git.Access(
        url=remote.url,
        token=_token(remote.token, environ, folder) if remote.token else None,
        ssh_key=key,
        known_hosts=Path(remote.known_hosts) if remote.known_hosts else layout.known_hosts,
        pinned=remote.known_hosts is None,
        ca_file=Path(remote.ca_file) if remote.ca_file else None,
    )


def _token(ref: SecretRef, environ: Mapping[str, str], folder: Path) -> str:
    try:
        return config.reveal(ref, environ, folder).decode()
    except UnicodeDecodeError:
        # The error tells the bytes, so it goes nowhere.
        raise config.SecretError(f"the token in {ref.kind} {ref.name} is no UTF-8 text") from None


def _key_file(key: bytes, layout: Layout) -> Path:
    """An ssh key that is no file, as one that only we can read: ssh takes nothing else."""
    folder = layout.data / "keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    key = key.rstrip(b"\n") + b"\n"
    path = folder / hashlib.sha256(key).hexdigest()[:32]
    if not path.exists():
        # Another thread may write the same key now: whole files only, by rename.
        new = path.with_suffix(f".{clock.new_key()}")
        new.touch(mode=0o600)
        new.write_bytes(key)
        new.rename(path)
    return path

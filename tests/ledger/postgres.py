"""A PostgreSQL of the tests' own: from Debian's packages, in a temporary folder, on a unix socket, gone at the end."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually


def binaries() -> Path | None:
    """The newest PostgreSQL of this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(os.path.realpath(on_path)).parent if on_path else None


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server without databases of anybody's; skips by name where there is none to be had."""
    bin_ = binaries()
    if bin_ is None:
        pytest.skip("needs PostgreSQL (apt-get install postgresql)")
    # It refuses to be root's.
    user = _somebody() if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="ctci-postgresql-"))
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        drop: Any = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        data = folder / "data"
        made = subprocess.run(
            [
                str(bin_ / "initdb"),
                "-D",
                str(data),
                "-U",
                "ctci",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
            capture_output=True,
            check=False,
            cwd=folder,
            **drop,
        )
        assert made.returncode == 0, made.stderr.decode()
        # Nothing of it must survive a power cut.
        careless = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")
        options = [part for each in (*careless, f"unix_socket_directories={folder}") for part in ("-c", each)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [str(bin_ / "postgres"), "-D", str(data), *options], stdout=log, stderr=log, cwd=folder, **drop
            )
        try:
            ready = [str(bin_ / "pg_isready"), "-h", str(folder), "-U", "ctci", "-q"]
            eventually(lambda: subprocess.run(ready, check=False, cwd=folder).returncode == 0, 20)
            yield f"postgresql://ctci@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)
    finally:
        shutil.rmtree(folder)


def _somebody() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("needs a user that is not root, to run PostgreSQL as")

"""What `ctci init` writes for a server that is to run for good: systemd's files, or a container's, from packaging/.

Says what goes where and what installs it; writes nothing itself.
"""

import os
import re
import shlex
import sys
from collections.abc import Collection
from pathlib import Path

import ctci
from ctci import wheel

PACKAGING = Path(__file__).with_name("packaging")
#: Where ctci is in the unit that is shipped.
SHIPPED = "/usr/bin/ctci"
#: The line of the unit that shows how secrets are named.
EXAMPLE = "#LoadCredential=NAME:/etc/ctci/secrets/NAME\n"
#: What ProtectHome= shuts.
HOMES = ("/home", "/root", "/run/user")
#: In the order in which they are copied: where below /etc, and what.
OF_SYSTEMD = {
    "systemd/system/ctci.service": "ctci.service",
    "sysusers.d/ctci.conf": "sysusers.conf",
    "tmpfiles.d/ctci.conf": "tmpfiles.conf",
}
#: The number of the container's user where root has no better one.
UID = 10001


def systemd(folder: Path, secrets: Collection[str]) -> dict[Path, str]:
    """Systemd's files, as they go below /etc: the unit with its secrets, its user, and its folders."""
    texts = {folder / "etc" / place: (PACKAGING / name).read_text() for place, name in OF_SYSTEMD.items()}
    unit = folder / "etc" / "systemd/system/ctci.service"
    credentials = "".join(f"LoadCredential={name}:/etc/ctci/secrets/{name}\n" for name in sorted(secrets))
    texts[unit] = texts[unit].replace(SHIPPED, called()).replace(EXAMPLE, credentials or EXAMPLE)
    return texts


def compose(folder: Path) -> dict[Path, str | bytes]:
    """A container's files: what makes its image, and what runs it behind a proxy. Raises wheel.WheelError."""
    texts = {name: (PACKAGING / name).read_text() for name in ("compose.yaml", "Caddyfile", "Dockerfile")}
    # Edited by whoever runs it, so written once.
    theirs = {
        folder / "Caddyfile": texts["Caddyfile"],
        folder / ".env": f"CTCI_HOST=ci.example.org\nCTCI_UID={uid()}\n",
    }
    return {
        folder / "compose.yaml": texts["compose.yaml"].replace("VERSION", ctci.__version__),
        folder / "image" / "Dockerfile": texts["Dockerfile"].replace("*.whl", wheel.name()),
        folder / "image" / wheel.name(): wheel.made(),
        **{path: text for path, text in theirs.items() if not path.exists()},
    }


def uid() -> int:
    """Whose files of the host the container's user can read: the caller's, unless that is root."""
    return os.getuid() or UID


def start(folder: Path) -> tuple[str, ...]:
    """What is to be done with them."""
    env, here = _shell(folder / ".env"), _shell(folder)
    owned = (f"chown -R {UID} {_shell(folder / 'config')}",) if os.getuid() == 0 else ()
    return (
        f"$EDITOR {env}    # the name that people and forges reach ctci by",
        *owned,
        f"docker compose --project-directory {here} up --build --detach",
        f"docker compose --project-directory {here} exec ctci ctci doctor",
    )


def install(folder: Path) -> tuple[str, ...]:
    """The commands that make a service of them."""
    begin = "systemd-sysusers ctci.conf && systemd-tmpfiles --create ctci.conf && systemctl daemon-reload"
    return (
        f"sudo cp -rT {_shell(folder / 'etc')} /etc",
        f"sudo cp -rT {_shell(folder / 'config')} /etc/ctci",
        f"sudo sh -c '{begin} && systemctl enable --now ctci'",
    )


def by_credential(text: str) -> str:
    """A configuration whose secrets come from systemd; without it they are where they were."""
    return re.sub(r'\{ file = "secrets/([^"]+)" \}', r'{ credential = "\1" }', text)


def called() -> str:
    """How a unit calls the ctci that runs here."""
    ctci = Path(sys.executable).with_name("ctci")
    return _word(ctci) if os.access(ctci, os.X_OK) else f"{_word(Path(sys.executable))} -m ctci"


def homebound(repository: str | None) -> tuple[str, ...]:
    """What lies in a home, where a unit sees nothing, in sentences."""
    said = []
    if any(_in_a_home(each) for each in (Path(sys.executable), Path(sys.executable).resolve())):
        said.append(
            f"{Path(sys.executable).resolve()} lies in a home, which the unit shuts: install ctci for all, "
            "`sudo python3 -m venv /opt/ctci` and `sudo /opt/ctci/bin/pip install .`, and call that one."
        )
    if repository is not None and _in_a_home(Path(repository)):
        said.append(f"{repository} lies in a home, which the unit shuts: a repository is to lie in /srv, say.")
    return tuple(said)


def _in_a_home(path: Path) -> bool:
    return any(path.is_relative_to(home) for home in HOMES)


def _word(path: Path) -> str:
    """A path as a word of a command line in a unit, where percent and dollar signs mean something."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return text if re.fullmatch(r"[\w%./+@-]+", text) else f'"{text}"'


def _shell(path: Path) -> str:
    """A path as a word of a shell."""
    return shlex.quote(str(path))

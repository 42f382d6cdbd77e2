"""init: the first configuration of a folder, valid as it stands, with a webhook's secret where a forge is known.

Never writes over a file unless forced, and then never over a secret: the forge knows the one that is there.
"""

import base64
import json
import re
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ctci import config, deploying, wheel
from ctci.config.settings import Server
from ctci.forges import hosting

#: Beside projects.toml, for editors.
SCHEMA = "projects.schema.json"
#: The longest name that a project may have.
LONGEST = 64
#: The command that stands in a new projects.toml until somebody says what tests it.
PLACEHOLDER = "echo 'say in projects.toml what tests this'"


class ScaffoldError(Exception):
    """Nothing was written; the message says why and what helps."""


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """What a person pastes into the forge."""

    page: str
    how: str
    url: str
    secret_file: Path


@dataclass(frozen=True, kw_only=True)
class Scaffold:
    """What was written, and what is left to do."""

    written: tuple[Path, ...]
    webhook: Webhook | None
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Source:
    """The repository of the first project."""

    name: str
    git: str
    forge: str | None = None
    #: Where it is hosted; None where it lies on this machine.
    place: hosting.Place | None = None


def init(
    folder: Path,
    *,
    source: str | None = None,
    forge: str | None = None,
    force: bool = False,
    systemd: bool = False,
    compose: bool = False,
) -> Scaffold:
    """Lay the configuration out in `folder`. Raises ScaffoldError before anything is written."""
    found = _source(source, forge) if source is not None else None
    if forge is not None and (found is None or found.place is None):
        raise ScaffoldError("--forge goes with the address of a repository there: --from URL")
    folder = folder.absolute()
    kept = folder / "config" / "secrets"
    # Who has a configuration may want the rest only, or the rest anew.
    configured = (systemd or compose) and source is None and (folder / "config" / "projects.toml").exists()
    texts: dict[Path, str | bytes] = {}
    if not configured:
        texts |= _configuration(folder, found, by_credential=systemd)
    hooked = {f"{found.name}-webhook"} if found is not None and found.forge is not None else set()
    texts |= _deployment(folder, hooked, systemd=systemd, compose=compose)
    there = [str(path) for path in texts if path.exists() or path.is_symlink()]
    if there and not force:
        raise ScaffoldError(f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there; --force writes over")
    try:
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, text in texts.items():
            _write(path, text, 0o644)
        written, webhook = [*texts, _ignore(folder / ".gitignore")], None
        if found is not None and found.forge is not None and found.place is not None:
            secret = kept / f"{found.name}-webhook"
            if not secret.exists():
                _write(secret, secrets.token_hex(32) + "\n", 0o600)
                written.append(secret)
            page, how = hosting.webhooks(found.forge, found.place)
            url = f"{Server().public_url}hooks/{found.name}"
            webhook = Webhook(page=page, how=how, url=url, secret_file=secret)
    except OSError as error:
        raise ScaffoldError(f"{error.filename} cannot be written: {error.strerror}") from error
    return Scaffold(
        written=tuple(written),
        webhook=webhook,
        remarks=_remarks(folder, found, configured=configured, systemd=systemd, compose=compose),
    )


def _configuration(folder: Path, source: _Source | None, *, by_credential: bool) -> dict[Path, str]:
    """The files of a configuration; where it has secrets from a supervisor, it names them so."""
    server = CTCI.replace("MAX_JOBS", f"{config.slots():<29}")
    changed = deploying.by_credential if by_credential else str
    return {
        folder / "config" / "projects.toml": changed(projects(source)),
        folder / "config" / SCHEMA: json.dumps(config.schema(), indent=1, ensure_ascii=False) + "\n",
        folder / "config" / "ctci.toml": changed(server),
    }


def _deployment(folder: Path, hooked: set[str], *, systemd: bool, compose: bool) -> dict[Path, str | bytes]:
    """What runs the server of the folder for good; `hooked` are secrets that will lie there. Raises ScaffoldError."""
    kept = folder / "config" / "secrets"
    there = {path.name for path in kept.iterdir()} if systemd and kept.is_dir() else set()
    try:
        return {
            **(deploying.systemd(folder, hooked | there) if systemd else {}),
            **(deploying.compose(folder) if compose else {}),
        }
    except wheel.WheelError as error:
        raise ScaffoldError(str(error)) from error


def _remarks(
    folder: Path, source: _Source | None, *, configured: bool, systemd: bool, compose: bool
) -> tuple[str, ...]:
    said: list[str] = []
    if source is None and not configured:
        said.append(f"Put your repository into {folder / 'config' / 'projects.toml'}: it names an example.")
    elif source is None:
        said.append("The configuration is as it was; a secret is named there as { credential = … }.")
    elif source.place is None:
        said.append(f"For its pushes: `ctci hook install {source.git} --project {source.name}`")
    elif source.forge is None:
        said.append(
            f"The forge of {source.git} is not known by its name: run this again with `--force --forge NAME` "
            f"({', '.join(hosting.PAGES)}), or say `forge` and `webhook-secret` in projects.toml."
        )
    if source is not None and source.place is not None and source.place.without_user:
        said.append("The user in the address is left out: a private repository needs `token` in projects.toml.")
    if source is not None and source.forge is not None:
        said.append("Set `public-url` in config/ctci.toml to where the forge reaches this machine.")
    if systemd:
        said += deploying.homebound(source.git if source is not None and source.place is None else None)
        said.append("\n  ".join(["These make a service of it:", *deploying.install(folder)]))
    if compose:
        if source is not None and source.place is None:
            said.append(f"The container does not see {source.git}: give it a volume in compose.yaml.")
        said.append("\n  ".join(["These start it:", *deploying.start(folder)]))
    return tuple(said)


def _source(text: str, forge: str | None) -> _Source:
    """What a person gave: a repository on this machine, or a git address."""
    scheme, found, _ = text.partition("://")
    if found and scheme not in hosting.SCHEMES:
        raise ScaffoldError(f"{scheme}:// is not an address ctci fetches from; it takes {', '.join(hosting.SCHEMES)}")
    # Without a user, who may be a token.
    said = f"{text.rpartition('@')[2]} is no address of a repository"
    try:
        parts, place = urlsplit(text), hosting.place(text)
    except ValueError:
        raise ScaffoldError(said) from None
    if found and parts.password is not None:
        raise ScaffoldError("the address has a password in it; give it without, and name a token in projects.toml")
    if not found and "::" in text:
        raise ScaffoldError(f"{text.partition('::')[0]}:: is not an address ctci fetches from")
    path = Path(parts.path if found else text).expanduser()
    if scheme != "file" and (found or (":" in text and not path.exists())):
        if place is None:
            raise ScaffoldError(said)
        name = _name(place.path.rpartition("/")[2])
        return _Source(name=name, git=place.git, forge=forge or hosting.forge_of(place.host), place=place)
    if not path.is_dir():
        raise ScaffoldError(f"there is no repository {text}")
    path = path.absolute()
    done = subprocess.run(["git", "-C", str(path), "rev-parse", "--git-dir"], capture_output=True, check=False)
    if done.returncode:
        raise ScaffoldError(f"{path} is no git repository")
    named = path.parent if path.name == ".git" else path
    return _Source(name=_name(named.name), git=str(path))


def secret(folder: Path, name: str, *, signing: bool = False) -> Path:
    """A new secret beside the configuration, readable by its owner alone; its file. Raises ScaffoldError.

    `signing`: one of Standard Webhooks, which outgoing calls are signed with.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name):
        raise ScaffoldError(f"{name} is no name for a secret: letters, digits, `.`, `_` and `-`")
    path = folder.absolute() / "secrets" / name
    if path.exists() or path.is_symlink():
        raise ScaffoldError(f"{path} is there, and whoever has it goes on using it; remove it first, or choose another")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}" if signing else secrets.token_hex(32)
        _write(path, f"{made}\n", 0o600)
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _name(text: str) -> str:
    """A project's name out of a folder's."""
    name = re.sub(r"[^a-z0-9_-]+", "-", text.removesuffix(".git").lower())[:LONGEST].strip("-_")
    return name or "project"


def _write(path: Path, content: str | bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=mode)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _ignore(path: Path) -> Path:
    """Keep data and secrets out of git; lines that are there stay."""
    there = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    missing = [line for line in IGNORED if line not in there.splitlines()]
    if missing:
        end = "" if not there or there.endswith("\n") else "\n"
        with path.open("a", encoding="utf-8") as file:
            file.write(end + "".join(f"{line}\n" for line in missing))
    return path


def projects(source: _Source | None) -> str:
    """projects.toml, of a repository or of an example."""
    name = source.name if source is not None else "shop"
    address = source.git if source is not None else "https://git.example.org/acme/shop.git"
    lines = [
        f"#:schema ./{SCHEMA}",
        "# What ctci builds. `ctci check` validates it, `ctci plan PROJECT` says what a push would run.",
        "# Secrets are never written here, only where they lie: { file = … }, { env = … } or { credential = … }.",
        "",
        f"[projects.{name}]",
        f"git            = {_quoted(address)}",
    ]
    if source is not None and source.forge is not None:
        lines += [f'forge          = "{source.forge}"', f'webhook-secret = {{ file = "secrets/{name}-webhook" }}']
    elif source is None or source.place is not None:
        lines += [
            "# What sends the webhooks, and the secret it signs them with:",
            '# forge          = "gitea"                              # or github, gitlab, forgejo …',
            f'# webhook-secret = {{ file = "secrets/{name}-webhook" }}   # chmod 600',
        ]
    lines += [
        '# notify       = ["team"]   # who gets letters: the last table of this file',
        "",
        "# One recipe, at the root of the repository. Replace the command by yours.",
        f'recipes.test   = "{PLACEHOLDER}"',
        "",
        "# Several directories with recipes of their own, instead of `recipes`:",
        f"# [projects.{name}.sub.api]",
        '# path           = "services/api"',
        '# recipes.build  = "make"',
        '# recipes.test   = { run = "make test", timeout = "15m" }',
        "",
        "# Who gets a letter when a branch breaks and when it is fixed, and one a day of all that happened:",
        "# [notify.team]",
        '# email  = ["team@example.org"]',
        '# digest = { at = "07:30" }',
        "",
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each >= " " and each != "\x7f" else f"\\u{ord(each):04x}" for each in escaped) + '"'


CTCI = """\
# The server. Every line is a default; `ctci doctor` says where each value comes from.

# listen     = "127.0.0.1:8484"
# public-url = "http://127.0.0.1:8484/"     # how people and forges reach it; links in letters begin so
# max-jobs   = MAX_JOBS# half of the processors
# disk-floor = "1GiB"                       # nothing new is started under it

# [smtp]                                    # without it, letters are files in data/mail
# url  = { file = "secrets/smtp" }          # smtp://user:password@mail.example.org:587
# from = "ctci <ci@example.org>"
"""

#: What git has no business with: what is recorded, and what is secret.
IGNORED = ("/data/", "/config/secrets/")

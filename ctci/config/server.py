"""ctci.toml, the environment and flags -> the server's settings: a flag before a variable before the file."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctci.config import keys
from ctci.config.problems import Problem
from ctci.config.reader import Reader
from ctci.config.scan import Path as At  # noqa: TC001 - one import style, types or not
from ctci.config.settings import Server, Smtp
from ctci.model import SecretRef

_LISTEN = re.compile(r"unix:/.+|(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]*):(\d{1,5})")
_URL = re.compile(r"https?://[^\s/@]+(/\S*)?")
#: The keys that a variable or a flag may give: `listen` is CTCI_LISTEN.
GIVEN = ("listen", "public-url", "data-dir", "max-jobs", "title", "disk-floor", "log-format")


def variable(key: str) -> str:
    """The variable of a key."""
    return "CTCI_" + key.upper().replace("-", "_")


class ServerReader:
    """Reads ctci.toml; each value's origin is kept for `doctor`."""

    def __init__(self, reader: Reader, folder: Path, environ: Mapping[str, str], flags: Mapping[str, str]) -> None:
        self._r = reader
        self._folder = folder
        self._environ = environ
        self._flags = flags
        self._entries: Mapping[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.secrets: list[tuple[At, SecretRef]] = []

    def read(self) -> Server:
        """The settings; what is wrong is in the reader."""
        r = self._r
        self._entries = r.table((), r.plain, keys.SERVER, "this file")
        limits = r.table(("limits",), self._entries.get("limits", {}), keys.LIMITS, "[limits]")
        base = Server()
        listen = self._checked("listen", base.listen, _LISTEN, "HOST:PORT or unix:/PATH")
        public = self._checked("public-url", "", _URL, "https://ci.example.org/")
        cores = max(1, (os.cpu_count() or 1) // 2)
        return Server(
            listen=listen,
            public_url=(public or self._own_url(listen)).rstrip("/") + "/",
            data_dir=self._data_dir(),
            mirrors_dir=Path(self._environ["CACHE_DIRECTORY"]) / "mirrors"
            if "CACHE_DIRECTORY" in self._environ
            else None,
            max_jobs=self._number("max-jobs", cores),
            title=self._text("title", base.title),
            disk_floor=self._size("disk-floor", base.disk_floor),
            log_format=self._word("log-format", ("text", "json")),
            smtp=self._smtp(),
            limit_log=r.size(("limits", "log"), limits["log"], base.limit_log) if "log" in limits else base.limit_log,
            limit_worktrees=r.size(("limits", "worktrees"), limits["worktrees"], base.limit_worktrees)
            if "worktrees" in limits
            else base.limit_worktrees,
            limit_body=r.size(("limits", "body"), limits["body"], base.limit_body)
            if "body" in limits
            else base.limit_body,
        )

    def _given(self, key: str) -> tuple[str, object]:
        """(where from, value) of a key; None where nobody gave it."""
        if key in self._flags:
            return f"--{key}", self._flags[key]
        name = variable(key)
        if self._environ.get(name):
            return name, self._environ[name]
        if key in self._entries:
            line = self._r.spans.keys.get((key,))
            return f"{self._r.shown}:{line.line if line else 1}", self._entries[key]
        return "default", None

    def _take(self, key: str) -> tuple[object, bool]:
        """(value, whether it stands in the file); its origin is noted."""
        origin, value = self._given(key)
        self.origins[key] = origin
        return value, not origin.startswith(("--", "CTCI_", "default"))

    def _wrong(self, key: str, value: object, wanted: str, code: str = "C103") -> None:
        origin = self.origins[key]
        if origin.startswith(("--", "CTCI_")):
            self._r.problems.append(
                Problem(
                    code=code,
                    message=f"{origin} is `{value}`: {wanted}",
                    file=origin,
                    help=f"give {origin} another value",
                )
            )
        else:
            self._r.say(code, f"`{value}` is not a value for `{key}`", (key,), hint=wanted)

    def _checked(self, key: str, default: str, pattern: re.Pattern[str], wanted: str) -> str:
        value, _ = self._take(key)
        if value is None:
            return default
        found = pattern.fullmatch(value) if isinstance(value, str) else None
        if found is None or (key == "listen" and found.lastindex and int(found[1]) > 65535):
            self._wrong(key, value, wanted)
            return default
        return str(value)

    def _text(self, key: str, default: str) -> str:
        value, in_file = self._take(key)
        if value is None:
            return default
        return self._r.text((key,), value, default) if in_file else str(value)

    def _number(self, key: str, default: int) -> int:
        value, in_file = self._take(key)
        if value is None:
            return default
        if in_file:
            return self._r.number((key,), value, 1, 1024, default)
        if not str(value).isdecimal() or not 1 <= int(str(value)) <= 1024:
            self._wrong(key, value, "a number from 1 to 1024")
            return default
        return int(str(value))

    def _size(self, key: str, default: int) -> int:
        value, in_file = self._take(key)
        if value is None:
            return default
        if in_file:
            return self._r.size((key,), value, default)
        scratch = Reader(self._r.path, self._r.shown)
        size = scratch.size((key,), value, default)
        if scratch.problems:
            self._wrong(key, value, 'write "500MiB" or "5GiB"', "C306")
        return size

    def _word(self, key: str, allowed: tuple[str, ...]) -> str:
        value, _ = self._take(key)
        if value is None or value in allowed:
            return str(value or allowed[0])
        self._wrong(key, value, " or ".join(allowed))
        return allowed[0]

    def _data_dir(self) -> Path:
        value, in_file = self._take("data-dir")
        if isinstance(value, str) and value:
            return (self._folder / value if in_file else Path(value)).absolute()
        if value is not None:
            self._wrong("data-dir", value, "the path of a folder")
        if "STATE_DIRECTORY" in self._environ:
            self.origins["data-dir"] = "STATE_DIRECTORY"
            return Path(self._environ["STATE_DIRECTORY"])
        if self._folder == Path.cwd() / "config":
            return Path.cwd() / "data"
        state = self._environ.get("XDG_STATE_HOME")
        if state:
            return Path(state) / "ctci"
        return Path("/var/lib/ctci") if self._folder == Path("/etc/ctci") else self._folder.parent / "data"

    @staticmethod
    def _own_url(listen: str) -> str:
        if listen.startswith("unix:"):
            return "http://localhost/"
        host, _, port = listen.rpartition(":")
        shown = "127.0.0.1" if host in ("", "0.0.0.0", "[::]") else host  # noqa: S104 - compared, not bound
        return f"http://{shown}:{port}/"

    def _smtp(self) -> Smtp | None:
        r = self._r
        entries = r.table(("smtp",), self._entries.get("smtp", {}), keys.SMTP, "[smtp]")
        sender = r.text(("smtp", "from"), entries.get("from", Smtp().sender), Smtp().sender)
        if "url" in entries:
            ref = r.secret(("smtp", "url"), entries["url"])
            if ref is not None:
                self.secrets.append((("smtp", "url"), ref))
        elif self._environ.get("CTCI_SMTP_URL") or self._environ.get("CTCI_SMTP_URL_FILE"):
            ref = SecretRef(kind="env", name="CTCI_SMTP_URL")
        else:
            return Smtp(url=None, sender=sender) if entries else None
        return Smtp(url=ref, sender=sender)

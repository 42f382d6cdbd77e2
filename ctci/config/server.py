"""ctci.toml, the environment and flags -> the server's settings: a flag before a variable before the file."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctci.config import forms, hiding, keys, later, places, projects, values
from ctci.config.problems import Problem
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.config.settings import Backup, Keep, Network, Otlp, Server, Smtp
from ctci.model import SecretRef

_LISTEN = re.compile(r"unix:/.+|(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]*):([0-9]{1,5})")


@dataclass(frozen=True, kw_only=True)
class _Given:
    """A value and who gave it."""

    #: `--listen`, `CTCI_LISTEN`, `ctci.toml:3` or `default`.
    origin: str
    value: object = None
    #: Where it stands in the file; None of a flag or variable.
    at: At | None = None


def slots() -> int:
    """How many jobs run at a time where nobody says so: half of the processors."""
    return max(1, (os.cpu_count() or 1) // 2)


class ServerReader:
    """Reads ctci.toml; each value's origin is kept for `doctor`."""

    def __init__(self, r: Reader, folder: Path, environ: Mapping[str, str], flags: Mapping[str, str]) -> None:
        self.reader = self._r = r
        self._folder = folder
        self._environ = environ
        self._flags = flags
        self._entries: dict[At, Any] = {}
        #: By key ("listen", "smtp.from"): who gave the value.
        self.origins: dict[str, str] = {}
        #: Each secret with its place, which is empty where a variable names it.
        self.secrets: list[tuple[At, SecretRef]] = []
        self.keep = Keep()

    def read(self) -> Server:
        """The settings; what is wrong is told to the reader."""
        r = self._r
        top = r.table((), r.plain, keys.SERVER, "this file")
        self._entries = {(key,): value for key, value in top.items()}
        later.check(r, (), top, keys.SERVER)
        for name, known in (("smtp", keys.SMTP), ("limits", keys.LIMITS), ("otlp", keys.OTLP)):
            table = r.table((name,), top.get(name, {}), known, f"[{name}]")
            later.check(r, (name,), table, known)
            self._entries |= {(name, key): value for key, value in table.items()}
        if "keep" in top:
            self.keep = projects.keep(r, ("keep",), top["keep"], self.keep)
        base = Server()
        listen = self._text(("listen",), base.listen, _is_listen, "HOST:PORT or unix:/PATH")
        url = self._text(("public-url",), _own_url(listen), forms.is_url, "such as https://ci.example.org/")
        mirrors = places.mirrors_dir(self._environ)
        if mirrors is not None:
            self.origins["mirrors-dir"] = "CACHE_DIRECTORY"
        proxies = self._networks("trusted-proxies", top) or ()
        return Server(
            listen=listen,
            public_url=url.rstrip("/") + "/",
            data_dir=self._data_dir(),
            mirrors_dir=mirrors,
            max_jobs=self._number(("max-jobs",), slots(), 1024),
            title=self._text(("title",), base.title, bool, "a word or two"),
            disk_floor=self._size(("disk-floor",), base.disk_floor),
            log_format=self._text(
                ("log-format",), base.log_format, keys.LOG_FORMATS.__contains__, " or ".join(keys.LOG_FORMATS)
            ),
            trusted_proxies=proxies,
            public=self._text(("public",), "", keys.PUBLIC.__contains__, " or ".join(keys.PUBLIC)) or None,
            allow=self._networks("allow", top),
            hook_allow=self._networks("hook-allow", top),
            remote_user=self._remote_user(top, believes=bool(proxies) or listen.startswith("unix:")),
            backup=self._backup(top["backup"]) if "backup" in top else None,
            smtp=self._smtp(),
            otlp=self._otlp(),
            limit_log=self._size(("limits", "log"), base.limit_log, 64 << 10),
            limit_worktrees=self._size(("limits", "worktrees"), base.limit_worktrees),
            limit_body=self._size(("limits", "body"), base.limit_body, 1 << 10),
            limit_findings=self._number(("limits", "findings"), base.limit_findings, 10_000),
        )

    def _given(self, at: At) -> _Given:
        key = ".".join(map(str, at))
        variable = "CTCI_" + "_".join(map(str, at)).upper().replace("-", "_")
        if key in self._flags:
            found = _Given(origin=f"--{key}", value=self._flags[key])
        elif self._environ.get(variable):
            found = _Given(origin=variable, value=self._environ[variable])
        elif at in self._entries:
            line = self._r.spans.nearest(at, key=True).line
            found = _Given(origin=f"{self._r.path.name}:{line}", value=self._entries[at], at=at)
        else:
            found = _Given(origin="default")
        self.origins[key] = found.origin
        return found

    def _wrong(self, given: _Given, wanted: str, code: str = "C103") -> None:
        """Tell that a value is not one for its key."""
        if given.at is not None:
            key = ".".join(map(str, given.at))
            said = f"`{given.value}` is not a value for `{key}`" if given.value else f"`{key}` is empty"
            self._r.say(code, said, given.at, hint=wanted)
            return
        place = given.origin if given.origin.startswith("--") else f"${given.origin}"
        message = f"`{str(given.value)[:100]}` is not a value for {given.origin}"
        self._r.problems.append(Problem(code=code, message=hiding.told(message), file=place, hint=wanted))

    def _text(self, at: At, default: str, good: Callable[[str], bool], wanted: str) -> str:
        given = self._given(at)
        if given.origin == "default":
            return default
        if not isinstance(given.value, str):
            self._r.wrong_type(at, given.value, "text")
        elif not forms.is_line(given.value) or not good(given.value):
            self._wrong(given, wanted)
        else:
            return given.value
        return default

    def _number(self, at: At, default: int, high: int) -> int:
        given = self._given(at)
        if given.at is not None:
            return values.number(self._r, at, given.value, 1, high, default)
        if given.origin == "default":
            return default
        found = str(given.value)
        if re.fullmatch("[0-9]{1,9}", found) and 1 <= int(found) <= high:
            return int(found)
        self._wrong(given, f"a number from 1 to {high}")
        return default

    def _size(self, at: At, default: int, least: int = 0) -> int:
        given = self._given(at)
        if given.at is not None:
            return values.size(self._r, at, given.value, default, least)
        if given.origin == "default":
            return default
        found = values.bytes_of(given.value)
        if found is not None and found >= least:
            return found
        self._wrong(given, 'such as "500MiB" or "5GiB"', "C306")
        return default

    def _networks(self, key: str, top: Mapping[str, Any]) -> tuple[Network, ...] | None:
        """Addresses, of a variable with commas between them; None where nobody gives any."""
        given = self._given((key,))
        if given.origin == "default":
            return None
        if given.at is not None:
            return values.networks(self._r, given.at, top[key])
        found = []
        for each in str(given.value).split(","):
            try:
                found.append(ipaddress.ip_network(each.strip(), strict=False))
            except ValueError:
                self._wrong(given, 'such as "127.0.0.1" or "10.0.0.0/8, fd00::/8"')
        return tuple(found)

    def _remote_user(self, top: Mapping[str, Any], *, believes: bool) -> str | None:
        at: At = ("remote-user",)
        found = values.header(self._r, at, top["remote-user"]) if "remote-user" in top else None
        if found is not None and not believes:
            hint = 'trusted-proxies = ["127.0.0.1"], or where the proxy calls from'
            said = "`remote-user` is believed of nobody without `trusted-proxies`"
            self._r.say("C103", said, at, key=True, hint=hint)
        return found

    def _data_dir(self) -> Path:
        at = ("data-dir",)
        default = places.data_dir(self._folder, self._environ)
        named = self._text(at, "", bool, "the path of a folder")
        if not named:
            if self._environ.get("STATE_DIRECTORY") and self.origins["data-dir"] == "default":
                self.origins["data-dir"] = "STATE_DIRECTORY"
            return default.absolute()
        # What a person types is meant from where they stand; what a file says, from where it lies.
        in_file = self.origins["data-dir"].startswith(self._r.path.name)
        return (self._folder / named if in_file else Path(named)).absolute()

    def _backup(self, value: object) -> Backup:
        at: At = ("backup",)
        entries = self._r.table(at, value, keys.BACKUP, "`backup`")
        base = Backup()
        time = values.time(self._r, (*at, "at"), entries["at"]) if "at" in entries else None
        kept = values.number(self._r, (*at, "keep"), entries.get("keep", base.keep), 1, 10_000, base.keep)
        return Backup(at=time or base.at, keep=kept)

    def _smtp(self) -> Smtp | None:
        sender = self._text(("smtp", "from"), Smtp().sender, values.is_sender, '"ctci <ci@example.org>"')
        ref = self._smtp_url()
        if ref is None and self.origins["smtp.from"] == "default":
            return None
        return Smtp(url=ref, sender=sender)

    def _otlp(self) -> Otlp | None:
        at = ("otlp", "headers")
        endpoint = self._text(("otlp", "endpoint"), "", _is_endpoint, "such as http://localhost:4318")
        headers = values.secret(self._r, at, self._entries[at]) if at in self._entries else None
        if headers is not None:
            self.secrets.append((at, headers))
        if at in self._entries and self.origins["otlp.endpoint"] == "default":
            said = "[otlp] has `headers` and no `endpoint`"
            self._r.say("C102", said, at, key=True, hint="nobody would be sent them")
        return Otlp(endpoint=endpoint, headers=headers) if endpoint else None

    def _smtp_url(self) -> SecretRef | None:
        """The reference to the mail server's address, which has a password in it."""
        at = ("smtp", "url")
        for name in ("CTCI_SMTP_URL", "CTCI_SMTP_URL_FILE"):
            if self._environ.get(name):
                self.origins["smtp.url"] = name
                ref = SecretRef(kind="env", name="CTCI_SMTP_URL")
                self.secrets.append(((), ref))
                return ref
        if at not in self._entries:
            self.origins["smtp.url"] = "default"
            return None
        self.origins["smtp.url"] = f"{self._r.path.name}:{self._r.spans.nearest(at, key=True).line}"
        found = values.secret(self._r, at, self._entries[at])
        if found is not None:
            self.secrets.append((at, found))
        return found


def _is_endpoint(value: str) -> bool:
    """An address of the web that can be called, without user, password and query."""
    return forms.is_url(value) and forms.is_call(value)


def _is_listen(value: str) -> bool:
    found = _LISTEN.fullmatch(value)
    return found is not None and int(found[1] or 0) < 65536


def _own_url(listen: str) -> str:
    """Where this machine reaches the server."""
    if listen.startswith("unix:"):
        return "http://localhost/"
    host, _, port = listen.rpartition(":")
    shown = "127.0.0.1" if host in ("", "0.0.0.0", "[::]") else host  # noqa: S104 - compared, not bound
    return f"http://{shown}:{port}/"

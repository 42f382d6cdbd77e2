"""projects.toml -> projects and notify tables; what is wrong is told to the reader."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctci.config import branches, keys, paths, reader, recipes, values
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.config.settings import Keep, Notify, Project, Subproject
from ctci.model import Recipe, Remote, SecretRef

_ADDRESS = re.compile(
    # A host that begins with a dash would be an option of ssh; `ext::` and the like would be a command.
    r"(?:https?|ssh|git)://(?:[\w.-]+@)?[A-Za-z0-9\[][^\s@/]*(?:/.*)?"
    r"|file:///.+"
    r"|[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:.+"
    r"|/.+|\.{1,2}(?:/.*)?"
)


def keep(r: Reader, at: At, value: object, base: Keep) -> Keep:
    """A `keep` table; what it does not say is as in `base`."""
    entries = r.table(at, value, keys.KEEP, "`keep`")
    numbers = {
        name: values.number(r, (*at, name), each, 1, 1_000_000, getattr(base, name)) for name, each in entries.items()
    }
    return Keep(**{"runs": base.runs, "days": base.days, **numbers})


class ProjectsReader:
    """Reads one projects.toml. `kept`: what ctci.toml says of keeping."""

    def __init__(self, r: Reader, folder: Path, kept: Keep) -> None:
        self._r = r
        self._folder = folder
        self._kept = kept
        #: Each secret and file that a project names, with its place: `check` looks whether they are there.
        self.secrets: list[tuple[At, SecretRef]] = []
        self.files: list[tuple[At, Path]] = []

    def read(self) -> tuple[dict[str, Project], dict[str, Notify]]:
        """All projects and notify tables."""
        r = self._r
        top = r.table((), r.plain, keys.TOP, "this file")
        named = r.named(("notify",), top.get("notify", {}), "notify table")
        notify = {name: self._notify(("notify", name), each) for name, each in named.items()}
        at: At = ("defaults",)
        defaults = r.table(at, top.get("defaults", {}), keys.DEFAULTS, "[defaults]")
        around = recipes.job(r, at, defaults, Recipe(name="", run=""))
        shared = self._shared(at, defaults, notify, self._kept)
        found = r.named(("projects",), top.get("projects", {}), "project")
        return {name: self._project(name, each, around, shared, notify) for name, each in found.items()}, notify

    def _notify(self, at: At, value: object) -> Notify:
        entries = self._r.table(at, value, keys.NOTIFY, f"[notify.{at[-1]}]")
        return Notify(name=str(at[-1]), email=values.mails(self._r, (*at, "email"), entries.get("email", [])))

    def _shared(self, at: At, entries: Mapping[str, Any], known: Mapping[str, Notify], base: Keep) -> dict[str, Any]:
        """The keys that [defaults] and a project have in common."""
        r = self._r
        found: dict[str, Any] = {"keep": keep(r, (*at, "keep"), entries["keep"], base) if "keep" in entries else base}
        if "notify" in entries:
            names = values.texts(r, (*at, "notify"), entries["notify"])
            for place, name in names:
                if name not in known:
                    meant = reader.close(name, known)
                    hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(known) or 'none'}"
                    r.say("C113", f"no `[notify.{name}]` in this file", place, hint=hint)
            found["notify"] = tuple(dict.fromkeys(name for _, name in names))
        if "on-new-push" in entries:
            found["on_new_push"] = values.choice(r, (*at, "on-new-push"), entries["on-new-push"], keys.ON_NEW_PUSH)
        return found

    def _project(
        self, name: str, value: object, around: Recipe, shared: Mapping[str, Any], notify: Mapping[str, Notify]
    ) -> Project:
        r = self._r
        at: At = ("projects", name)
        entries = r.table(at, value, keys.PROJECT, f"project `{name}`")
        if not isinstance(value, dict):
            return Project(name=name, remote=Remote(url=""))
        inner = recipes.job(r, at, entries, around)
        subs = self._subs(at, entries, inner)
        built, tags = branches.read(r, at, entries, tuple(subs))
        return Project(
            name=name,
            remote=self._remote(at, entries),
            forge=self._forge(at, entries),
            webhook_secret=self._secret(at, entries, "webhook-secret"),
            description=values.line(r, (*at, "description"), entries.get("description", "")),
            default_branch=branches.default(r, at, entries),
            branches=built,
            tags=tags,
            subs=subs,
            **{**shared, **self._shared(at, entries, notify, shared["keep"])},
        )

    def _forge(self, at: At, entries: Mapping[str, Any]) -> str | None:
        if "forge" not in entries:
            return None
        name = at[-1]
        forge = values.choice(self._r, (*at, "forge"), entries["forge"], keys.FORGES)
        if forge not in (None, "none") and "webhook-secret" not in entries:
            self._r.say(
                "C202",
                f"project `{name}` accepts webhooks but has no `webhook-secret`",
                (*at, "forge"),
                hint="anyone who finds the URL could start builds",
                help=f"put a long random text into the file secrets/{name}-webhook beside this one (chmod 600), "
                f'then set webhook-secret = {{ credential = "{name}-webhook" }}',
            )
        return forge

    def _remote(self, at: At, entries: Mapping[str, Any]) -> Remote:
        return Remote(
            url=self._address(at, entries),
            token=self._secret(at, entries, "token"),
            ssh_key=self._secret(at, entries, "ssh-key"),
            known_hosts=self._file((*at, "known-hosts"), entries),
            ca_file=self._file((*at, "ca-file"), entries),
            submodules=values.flag(self._r, (*at, "submodules"), entries.get("submodules", False)),
        )

    def _secret(self, at: At, entries: Mapping[str, Any], key: str) -> SecretRef | None:
        ref = values.secret(self._r, (*at, key), entries[key]) if key in entries else None
        if ref is not None:
            self.secrets.append(((*at, key), ref))
        return ref

    def _file(self, at: At, entries: Mapping[str, Any]) -> str | None:
        key = str(at[-1])
        named = values.line(self._r, at, entries[key]) if key in entries else ""
        if not named:
            return None
        self.files.append((at, self._folder / named))
        return str(self._folder / named)

    def _address(self, at: At, entries: Mapping[str, Any]) -> str:
        r = self._r
        place: At = (*at, "git")
        if "git" not in entries:
            r.say(
                "C102",
                f"project `{at[-1]}` has no `git`",
                at,
                key=True,
                hint="the address of its repository is missing",
            )
            return ""
        address = values.line(r, place, entries["git"])
        if not address and entries["git"]:
            # Told already: of another type, or with control characters in it.
            return ""
        if reader.has_login(address):
            said, use = "the address has a user or password in it", 'use token = { credential = "name" } instead'
            r.say("C206", said, place, hint="it would be shown in many places", help=use)
        elif not _ADDRESS.fullmatch(address):
            hint = "https://…, ssh://…, git@host:path, /path or ./path"
            r.say("C103", f"`{address}` is not the address of a repository", place, hint=hint)
        return str((self._folder / address).resolve()) if address.startswith(".") else address

    def _subs(self, at: At, entries: Mapping[str, Any], around: Recipe) -> dict[str, Subproject]:
        r = self._r
        name = f"project `{at[-1]}`"
        if "recipes" in entries and "sub" in entries:
            r.say("C106", f"{name} has both `recipes` and `sub`", (*at, "recipes"), key=True, hint="choose one")
        if "paths" in entries and "sub" in entries:
            said, fix = f"{name} has both `paths` and `sub`", "move `paths` into the subprojects that it is about"
            r.say("C106", said, (*at, "paths"), key=True, hint=fix)
        if "sub" in entries:
            found = r.named((*at, "sub"), entries["sub"], "subproject")
            if entries["sub"] == {}:
                r.say("C104", f"{name} has nothing to run", (*at, "sub"), key=True, hint="`sub` is empty")
            return {sub: self._sub((*at, "sub", sub), each, around) for sub, each in found.items()}
        if "recipes" not in entries:
            r.say("C104", f"{name} has nothing to run", at, key=True, hint='add recipes.test = "make test"')
            return {}
        found = recipes.read(r, (*at, "recipes"), entries["recipes"], around, name)
        return {"": Subproject(paths=paths.read(r, at, entries), recipes=found)}

    def _sub(self, at: At, value: object, around: Recipe) -> Subproject:
        r = self._r
        sub = str(at[-1])
        what = f"subproject `{sub}`"
        entries = r.table(at, value, keys.SUB, what)
        if not isinstance(value, dict):
            return Subproject(name=sub)
        inner = recipes.job(r, at, entries, around)
        if "path" not in entries:
            r.say("C102", f"{what} has no `path`", at, key=True, hint='its directory is missing; "." is the root')
        if "recipes" not in entries:
            r.say("C104", f"{what} has nothing to run", at, key=True, hint='add recipes.test = "make test"')
        return Subproject(
            name=sub,
            path=self._path((*at, "path"), entries.get("path", ".")),
            paths=paths.read(r, at, entries),
            recipes=recipes.read(r, (*at, "recipes"), entries["recipes"], inner, what) if "recipes" in entries else {},
        )

    def _path(self, at: At, value: object) -> str:
        path = values.line(self._r, at, value, ".")
        parts = path.split("/")
        if path.startswith("/") or ".." in parts:
            self._r.say("C108", "`path` leaves the repository", at, hint="must be relative, without `..`")
        elif not path or "\\" in path:
            self._r.say("C108", "`path` is not a path", at, hint='write it with `/`; "." is the root')
        return "/".join(part for part in parts if part not in ("", ".")) or "."

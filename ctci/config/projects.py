"""One file of projects -> projects, [each] and notify tables; what is wrong is told to the file's reader."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctci.config import branches, hiding, keys, later, notes, outlets, paths, recipes, schedules, telling, values
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.config.settings import SWEEP_S, Each, Keep, Notify, Project, Subproject
from ctci.model import Recipe, Remote, SecretRef

_ADDRESS = re.compile(
    # A host that begins with a dash would be an option of ssh; `ext::` and the like would be a command.
    r"(?:https?|ssh|git)://(?:[\w.-]+@)?[A-Za-z0-9\[][^\s@/]*(?:/.*)?"
    r"|file:///.+"
    r"|[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:.+"
    r"|/.+|\.{1,2}(?:/.*)?"
)
#: Where the name of a repository may stand in the address of each: in the last part, or before a last part `.git`.
_HOLE = "{name}"
_LAST = re.compile(r".*[/:][^/:{}]*\{name\}[^/:{}]*(?:/\.git)?/?", re.DOTALL)


def keep(r: Reader, at: At, value: object, base: Keep) -> Keep:
    """A `keep` table; what it does not say is as in `base`."""
    entries = r.table(at, value, keys.KEEP, "`keep`")
    later.check(r, at, entries, keys.KEEP)
    numbers = {
        name: values.number(r, (*at, name), entries[name], 1, 1_000_000, getattr(base, name))
        for name in ("runs", "days")
        if name in entries
    }
    return Keep(**{"runs": base.runs, "days": base.days, **numbers})


def _sweep(r: Reader, at: At, value: object, base: int | None) -> int | None:
    """Seconds between two looks at the remote; None: it is never looked at."""
    if isinstance(value, bool):
        return (base or SWEEP_S) if value else None
    return values.duration(r, at, value, base or SWEEP_S)


@dataclass(frozen=True, kw_only=True)
class Around:
    """What holds for a table because of those around it."""

    recipe: Recipe
    keep: Keep
    timezone: str = "UTC"
    sweep_s: int | None = SWEEP_S
    notify: tuple[str, ...] = ()
    on_new_push: str | None = None
    submodules: bool = False


class ProjectsReader:
    """Reads one file of projects. `known`: the names of the notify tables of all files."""

    def __init__(self, r: Reader, folder: Path, known: Mapping[str, object]) -> None:
        self.reader = self._r = r
        self._folder = folder
        self._known = known
        #: Each secret and file that a project names, with its place: `check` looks whether they are there.
        self.secrets: list[tuple[At, SecretRef]] = []
        self.files: list[tuple[At, Path]] = []

    def defaults(self, top: Mapping[str, Any], kept: Keep) -> Around:
        """[defaults]; `kept`: what ctci.toml says of keeping."""
        at: At = ("defaults",)
        entries = self._r.table(at, top.get("defaults", {}), keys.DEFAULTS, "[defaults]")
        return self._around(at, entries, Around(recipe=Recipe(name="", run=""), keep=kept), keys.DEFAULTS)

    def notify(self, top: Mapping[str, Any], timezone: str) -> dict[str, Notify]:
        """The notify tables of this file; `timezone` is that of [defaults]."""
        named = self._r.named(("notify",), top.get("notify", {}), "notify table")
        found = {}
        for name, each in named.items():
            at: At = ("notify", name)
            entries = self._r.table(at, each, keys.NOTIFY, f"[notify.{name}]")
            refs = outlets.read(self._r, at, entries)
            self.secrets += [((*at, key), ref) for key, ref in refs.items()]
            found[name] = Notify(
                name=name,
                **telling.read(self._r, at, entries, timezone),
                email=values.mails(self._r, (*at, "email"), entries.get("email", [])),
                apprise=refs.get("apprise"),
                webhook=refs.get("webhook"),
                webhook_secret=refs.get("webhook-secret"),
                heartbeat=refs.get("heartbeat"),
            )
            self.secrets += later.check(self._r, at, entries, keys.NOTIFY)
            notes.told_by(self._r, at, entries)
        return found

    def projects(self, top: Mapping[str, Any], around: Around) -> dict[str, Project]:
        """The projects of this file that have a table of their own."""
        found = self._r.named(("projects",), top.get("projects", {}), "project")
        return {name: self._project(("projects", name), each, around) for name, each in found.items()}

    def each(self, top: Mapping[str, Any], around: Around) -> dict[str, Each]:
        """The tables of this file that stand for many projects."""
        found = self._r.named(("each",), top.get("each", {}), "table of [each]")
        return {
            name: Each(name=name, project=self._project(("each", name), one, around)) for name, one in found.items()
        }

    def _around(self, at: At, entries: Mapping[str, Any], base: Around, table: Mapping[str, keys.Key]) -> Around:
        """What a table says of what is in it, over what those around it say."""
        r = self._r
        self.secrets += later.check(r, at, entries, table)
        zone = base.timezone
        if "timezone" in entries:
            zone = values.zone(r, (*at, "timezone"), entries["timezone"]) or zone
        on_new_push, notify, submodules = base.on_new_push, base.notify, base.submodules
        sweep_s = _sweep(r, (*at, "sweep"), entries["sweep"], base.sweep_s) if "sweep" in entries else base.sweep_s
        if "notify" in entries:
            notify = self._names((*at, "notify"), entries["notify"])
        if "on-new-push" in entries:
            on_new_push = values.choice(r, (*at, "on-new-push"), entries["on-new-push"], keys.ON_NEW_PUSH)
        if "submodules" in entries:
            submodules = values.flag(r, (*at, "submodules"), entries["submodules"])
        return Around(
            recipe=recipes.job(r, at, entries, base.recipe),
            keep=keep(r, (*at, "keep"), entries["keep"], base.keep) if "keep" in entries else base.keep,
            timezone=zone,
            sweep_s=sweep_s,
            notify=notify,
            on_new_push=on_new_push,
            submodules=submodules,
        )

    def _names(self, at: At, value: object) -> tuple[str, ...]:
        """Names of notify tables."""
        names = values.texts(self._r, at, value)
        for place, name in names:
            if name not in self._known and not self._r.full:
                meant = self._r.close(name, self._known)
                hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(self._known) or 'none'}"
                self._r.say("C113", f"there is no `[notify.{name}]`", place, hint=hint)
        return tuple(dict.fromkeys(name for _, name in names))

    def _project(self, at: At, value: object, around: Around) -> Project:
        r = self._r
        name = str(at[-1])
        entries = r.table(at, value, keys.PROJECT, f"project `{name}`" if at[0] == "projects" else f"[each.{name}]")
        if not isinstance(value, dict):
            return Project(name=name, remote=Remote(url=""))
        inner = self._around(at, entries, around, keys.PROJECT)
        fires = schedules.names(entries.get("schedules"))
        subs = self._subs(at, entries, inner, fires)
        built, tags = branches.read(r, at, entries, tuple(subs))
        planned = {}
        if "schedules" in entries:
            planned = schedules.read(r, (*at, "schedules"), entries["schedules"], subs, inner.timezone)
        made = Project(
            name=name,
            remote=self._remote(at, entries, submodules=inner.submodules),
            forge=self._forge(at, entries),
            webhook_secret=self._secret(at, entries, "webhook-secret"),
            description=values.line(r, (*at, "description"), entries.get("description", "")),
            default_branch=branches.default(r, at, entries),
            schedules=planned,
            sweep_s=inner.sweep_s,
            branches=built,
            tags=tags,
            subs=subs,
            notify=inner.notify,
            on_new_push=inner.on_new_push,
            keep=inner.keep,
        )
        notes.never_ordered(r, at, made)
        return made

    def _forge(self, at: At, entries: Mapping[str, Any]) -> str | None:
        if "forge" not in entries:
            return None
        name = at[-1]
        forge = values.choice(self._r, (*at, "forge"), entries["forge"], keys.FORGES)
        if forge not in (None, "none") and "webhook-secret" not in entries:
            what = f"project `{name}`" if at[0] == "projects" else f"[each.{name}]"
            self._r.say(
                "C202",
                f"{what} accepts webhooks but has no `webhook-secret`",
                (*at, "forge"),
                hint="anyone who finds the URL could start builds",
                help=f"run `ctci secret new {name}-webhook`, then set "
                f'webhook-secret = {{ credential = "{name}-webhook" }}',
            )
        return forge

    def _remote(self, at: At, entries: Mapping[str, Any], *, submodules: bool) -> Remote:
        return Remote(
            url=self._address(at, entries),
            token=self._secret(at, entries, "token"),
            ssh_key=self._secret(at, entries, "ssh-key"),
            known_hosts=self._file((*at, "known-hosts"), entries),
            ca_file=self._file((*at, "ca-file"), entries),
            submodules=submodules,
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
            what = f"project `{at[-1]}`" if at[0] == "projects" else f"[each.{at[-1]}]"
            r.say("C102", f"{what} has no `git`", at, key=True, hint="the address of its repository is missing")
            return ""
        address = values.line(r, place, entries["git"])
        if not address and entries["git"]:
            # Told already: of another type, or with control characters in it.
            return ""
        if hiding.has_login(address):
            said, use = "the address has a user or password in it", 'use token = { credential = "name" } instead'
            r.say("C206", said, place, hint="it would be shown in many places", help=use)
        elif not _ADDRESS.fullmatch(address):
            hint = "https://…, ssh://…, git@host:path, /path or ./path"
            r.say("C103", f"`{address}` is not the address of a repository", place, hint=hint)
        else:
            self._hole(place, address)
        return str((self._folder / address).resolve()) if address.startswith(".") else address

    def _hole(self, place: At, address: str) -> None:
        """Tell where {name} is missing, or is too much."""
        count = address.count(_HOLE)
        if place[0] == "projects":
            if count:
                said = "`{name}` stands for the name of a repository in [each] only"
                self._r.say("C103", said, place, hint=f"write [each.{place[1]}] for all of them")
        elif count != 1:
            said = f"`git` of [each.{place[1]}] must have `{{name}}` in it exactly once"
            self._r.say("C103", said, place, hint='such as "/srv/git/{name}.git"')
        elif not _LAST.fullmatch(address):
            said = "`{name}` must stand in the last part of the address"
            self._r.say("C103", said, place, hint='such as "/srv/git/{name}.git"; it is one name, without slashes')

    def _subs(
        self, at: At, entries: Mapping[str, Any], around: Around, fires: tuple[str, ...]
    ) -> dict[str, Subproject]:
        r = self._r
        name = f"project `{at[-1]}`" if at[0] == "projects" else f"[each.{at[-1]}]"
        if "recipes" in entries and "sub" in entries:
            r.say("C106", f"{name} has both `recipes` and `sub`", (*at, "recipes"), key=True, hint="choose one")
        if "paths" in entries and "sub" in entries:
            said, fix = f"{name} has both `paths` and `sub`", "move `paths` into the subprojects that it is about"
            r.say("C106", said, (*at, "paths"), key=True, hint=fix)
        if "sub" in entries:
            found = r.named((*at, "sub"), entries["sub"], "subproject")
            if entries["sub"] == {}:
                r.say("C104", f"{name} has nothing to run", (*at, "sub"), key=True, hint="`sub` is empty")
            return {sub: self._sub((*at, "sub", sub), each, around, fires) for sub, each in found.items()}
        if "recipes" not in entries:
            r.say("C104", f"{name} has nothing to run", at, key=True, hint='add recipes.test = "make test"')
            return {}
        written = recipes.read(r, (*at, "recipes"), entries["recipes"], around.recipe, name, fires)
        self._recipe_keys((*at, "recipes"), entries["recipes"])
        return {"": Subproject(paths=paths.read(r, at, entries), recipes=written)}

    def _sub(self, at: At, value: object, around: Around, fires: tuple[str, ...]) -> Subproject:
        r = self._r
        sub = str(at[-1])
        what = f"subproject `{sub}`"
        entries = r.table(at, value, keys.SUB, what)
        if not isinstance(value, dict):
            return Subproject(name=sub)
        inner = self._around(at, entries, around, keys.SUB)
        for key in ("keep", "timezone"):
            if key in entries:
                r.later(key, (*at, key), of=" of a subproject", hint="that of the project counts")
        if "path" not in entries:
            r.say("C102", f"{what} has no `path`", at, key=True, hint='its directory is missing; "." is the root')
        if "recipes" not in entries:
            r.say("C104", f"{what} has nothing to run", at, key=True, hint='add recipes.test = "make test"')
        place: At = (*at, "recipes")
        made = recipes.read(r, place, entries["recipes"], inner.recipe, what, fires) if "recipes" in entries else {}
        self._recipe_keys(place, entries.get("recipes"))
        return Subproject(
            name=sub,
            path=self._path((*at, "path"), entries.get("path", ".")),
            paths=paths.read(r, at, entries),
            recipes=made,
        )

    def _recipe_keys(self, at: At, value: object) -> None:
        """The keys of recipes that are not in force yet."""
        for name, each in value.items() if isinstance(value, dict) else ():
            if isinstance(each, dict):
                known = {key: entry for key, entry in each.items() if key in keys.RECIPE}
                self.secrets += later.check(self._r, (*at, name), known, keys.RECIPE)

    def _path(self, at: At, value: object) -> str:
        path = values.line(self._r, at, value, ".")
        parts = path.split("/")
        if path.startswith("/") or ".." in parts:
            self._r.say("C108", "`path` leaves the repository", at, hint="must be relative, without `..`")
        elif not path or "\\" in path:
            self._r.say("C108", "`path` is not a path", at, hint='write it with `/`; "." is the root')
        return "/".join(part for part in parts if part not in ("", ".")) or "."

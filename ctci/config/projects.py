"""projects.toml -> projects and notify tables, or problems."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ctci.config import keys, patterns
from ctci.config.reader import Reader
from ctci.config.scan import Path as At
from ctci.config.settings import Keep, Notify, Project, Subproject
from ctci.model import Recipe, Remote, SecretRef

_ADDRESS = re.compile(
    r"(?:https?|ssh|git|file)://[^\x00-\x1f]+|[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^\x00-\x1f]+|(?:\.{0,2}/)[^\x00-\x1f]*|\.\.?"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ProjectsReader:
    """Reads one projects.toml."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self._r = reader
        self._folder = folder
        #: Each secret that a project names, with its place: checked where it lies by `check`.
        self.secrets: list[tuple[At, SecretRef]] = []

    def read(self) -> tuple[dict[str, Project], dict[str, Notify]]:
        """All projects and notify tables; what is wrong is in the reader."""
        r = self._r
        top = r.table((), r.plain, keys.TOP, "this file")
        notify = {
            name: self._notify(("notify", name), each) for name, each in self._named(("notify",), top, "notify table")
        }
        at: At = ("defaults",)
        defaults = r.table(at, top.get("defaults", {}), keys.DEFAULTS, "[defaults]")
        base = self._job(at, defaults, Recipe(name="", run=""))
        shared = self._shared(at, defaults, notify)
        projects = {
            name: self._project(("projects", name), name, each, base, shared, notify)
            for name, each in self._named(("projects",), top, "project")
        }
        return projects, notify

    def _named(self, at: At, parent: Mapping[str, Any], what: str) -> list[tuple[str, Any]]:
        """The entries of a table of names, unknown characters and doubles told."""
        value = parent.get(str(at[-1]), {})
        if not isinstance(value, dict):
            self._r.wrong_type(at, value, "a table")
            return []
        seen: dict[str, str] = {}
        good = []
        for name, each in value.items():
            if not self._r.name((*at, name), what):
                continue
            if name.casefold() in seen:
                first = seen[name.casefold()]
                self._r.say("C115", f"`{name}` and `{first}` differ in case only", (*at, name), key=True)
                continue
            seen[name.casefold()] = name
            good.append((name, each))
        return good

    def _notify(self, at: At, value: object) -> Notify:
        entries = self._r.table(at, value, keys.NOTIFY, f"[notify.{at[-1]}]")
        return Notify(name=str(at[-1]), email=self._r.mails((*at, "email"), entries.get("email", [])))

    def _shared(self, at: At, entries: Mapping[str, Any], known: Mapping[str, Notify]) -> dict[str, Any]:
        """The keys that [defaults] and a project have in common."""
        r = self._r
        found: dict[str, Any] = {}
        if "notify" in entries:
            found["notify"] = r.texts((*at, "notify"), entries["notify"])
            for number, name in enumerate(found["notify"]):
                if name not in known:
                    place = (*at, "notify", number) if isinstance(entries["notify"], list) else (*at, "notify")
                    close = r.close(name, known)
                    hint = f"did you mean `{close}`?" if close else "write the table, or leave the name out"
                    r.say("C113", f"no `[notify.{name}]` in this file", place, hint=hint)
        if "on-new-push" in entries:
            found["on_new_push"] = r.choice((*at, "on-new-push"), entries["on-new-push"], keys.ON_NEW_PUSH)
        if "keep" in entries:
            found["keep"] = self.keep((*at, "keep"), entries["keep"])
        return found

    def keep(self, at: At, value: object) -> Keep:
        """A `keep` table."""
        entries = self._r.table(at, value, keys.KEEP, "`keep`")
        numbers = {name: self._r.number((*at, name), each, 1, 1_000_000, 1) for name, each in entries.items()}
        return Keep(**numbers)

    def _job(self, at: At, entries: Mapping[str, Any], base: Recipe) -> Recipe:
        """The job defaults of a table, laid over those around it."""
        r = self._r
        found: dict[str, Any] = {}
        if "timeout" in entries:
            found["timeout_s"] = r.duration((*at, "timeout"), entries["timeout"], base.timeout_s)
        if "env" in entries:
            found["env"] = {**base.env, **self._env((*at, "env"), entries["env"])}
        if "env-pass" in entries:
            found["env_pass"] = tuple(
                dict.fromkeys((*base.env_pass, *self._pass((*at, "env-pass"), entries["env-pass"])))
            )
        if "shell" in entries:
            shell = r.text((*at, "shell"), entries["shell"])
            if not shell.strip() or shell.count('"') % 2 or shell.count("'") % 2:
                r.say(
                    "C103", "`shell` is not a command", (*at, "shell"), hint='such as "sh -e" or "bash -euo pipefail"'
                )
            else:
                found["shell"] = shell
        if "nice" in entries:
            found["nice"] = r.number((*at, "nice"), entries["nice"], 0, 19, 0)
        return replace(base, **found)

    def _env(self, at: At, value: object) -> dict[str, str]:
        if not isinstance(value, dict):
            self._r.wrong_type(at, value, "a table")
            return {}
        found = {}
        for name, each in value.items():
            if self._variable((*at, name), name, key=True):
                text = self._r.text((*at, name), each)
                if "\0" in text:
                    self._r.say("C103", f"`{name}` has a NUL in it", (*at, name))
                    continue
                found[name] = text
        return found

    def _pass(self, at: At, value: object) -> tuple[str, ...]:
        names = self._r.texts(at, value)
        places = [(*at, number) if isinstance(value, list) else at for number in range(len(names))]
        return tuple(name for name, place in zip(names, places, strict=True) if self._variable(place, name, key=False))

    def _variable(self, at: At, name: str, *, key: bool) -> bool:
        if not _VARIABLE.fullmatch(name):
            self._r.say("C105", f"not a name for a variable: `{name}`", at, key=key, hint="letters, digits and `_`")
            return False
        if name in keys.RESERVED or name.startswith("CTCI_"):
            self._r.say("C117", f"`{name}` is set by ctci itself", at, key=key, hint="choose another name")
            return False
        return True

    def _project(
        self, at: At, name: str, value: object, base: Recipe, shared: Mapping[str, Any], notify: Mapping[str, Notify]
    ) -> Project:
        r = self._r
        entries = r.table(at, value, keys.PROJECT, f"project `{name}`")
        around = self._job(at, entries, base)
        settings = {**shared, **self._shared(at, entries, notify)}
        forge = r.choice((*at, "forge"), entries["forge"], keys.FORGES) if "forge" in entries else None
        refs = {
            key: self._secret((*at, key), entries[key])
            for key in ("webhook-secret", "token", "ssh-key")
            if key in entries
        }
        remote = Remote(
            url=self._address(at, entries, name),
            token=refs.get("token"),
            ssh_key=refs.get("ssh-key"),
            known_hosts=self._file(at, entries, "known-hosts"),
            ca_file=self._file(at, entries, "ca-file"),
            submodules=r.flag((*at, "submodules"), entries.get("submodules", False)),
        )
        if forge not in (None, "none") and "webhook-secret" not in entries:
            r.say(
                "C202",
                f"project `{name}` accepts webhooks but has no `webhook-secret`",
                (*at, "forge"),
                hint="anyone who finds the URL could start builds",
                help="write a long random secret into a file that only you can read, "
                f'then set webhook-secret = {{ file = "secrets/{name}-webhook" }}',
            )
        subs = self._subs(at, name, entries, around)
        return Project(
            name=name,
            remote=remote,
            forge=forge,
            webhook_secret=refs.get("webhook-secret"),
            description=r.text((*at, "description"), entries.get("description", "")),
            branches=self._patterns((*at, "branches"), entries, subs),
            tags=self._patterns((*at, "tags"), entries, subs),
            subs=subs,
            **settings,
        )

    def _secret(self, at: At, value: object) -> SecretRef | None:
        ref = self._r.secret(at, value)
        if ref is not None:
            self.secrets.append((at, ref))
        return ref

    def _file(self, at: At, entries: Mapping[str, Any], key: str) -> str | None:
        if key not in entries:
            return None
        named = self._r.text((*at, key), entries[key])
        path = self._folder / named
        if named and not path.is_file():
            self._r.say("C203", f"`{key}`: there is no file {path}", (*at, key))
        return str(path)

    def _address(self, at: At, entries: Mapping[str, Any], name: str) -> str:
        r = self._r
        if "git" not in entries:
            r.say("C102", f"project `{name}` has no `git`", at, key=True, hint="the address or path of its repository")
            return ""
        place: At = (*at, "git")
        address = r.text(place, entries["git"])
        if re.search(r"://[^/@\s]*:[^/@\s]+@", address):
            r.hide(place)
            r.say("C206", "the address has a password in it", place, help='use token = { file = "…" } instead')
            return ""
        if not _ADDRESS.fullmatch(address) or "::" in address.partition("/")[0]:
            r.say(
                "C103",
                f"not an address of a repository: `{address}`",
                place,
                hint="https://…, ssh://…, git@host:path, /path or ./path",
            )
            return ""
        if address.startswith("."):
            return str((self._folder / address).resolve())
        return address

    def _subs(self, at: At, name: str, entries: Mapping[str, Any], around: Recipe) -> dict[str, Subproject]:
        r = self._r
        if "recipes" in entries and "sub" in entries:
            r.say(
                "C106", f"project `{name}` has both `recipes` and `sub`", (*at, "recipes"), key=True, hint="choose one"
            )
        if "sub" not in entries:
            if "recipes" not in entries:
                r.say(
                    "C104", f"project `{name}` has nothing to run", at, key=True, help='add recipes.test = "make test"'
                )
                return {}
            recipes = self._recipes((*at, "recipes"), entries, around, f"project `{name}`")
            return {"": Subproject(recipes=recipes)}
        subs = {}
        for sub, value in self._named((*at, "sub"), entries, "subproject"):
            place: At = (*at, "sub", sub)
            inner = r.table(place, value, keys.SUB, f"subproject `{sub}`")
            if isinstance(value, dict) and "recipes" not in inner:
                r.say("C104", f"subproject `{sub}` has nothing to run", place, key=True)
            subs[sub] = Subproject(
                name=sub,
                path=self._path(place, inner, sub),
                recipes=self._recipes(
                    (*place, "recipes"), inner, self._job(place, inner, around), f"subproject `{sub}`"
                ),
            )
        return subs

    def _path(self, at: At, entries: Mapping[str, Any], sub: str) -> str:
        r = self._r
        if "path" not in entries:
            r.say("C102", f"subproject `{sub}` has no `path`", at, key=True, hint='its directory, "." for the root')
            return "."
        path = r.text((*at, "path"), entries["path"])
        parts = path.split("/")
        if path.startswith("/") or ".." in parts or "\0" in path or not path or "\\" in path:
            r.say("C108", "`path` leaves the repository", (*at, "path"), hint="must be relative, without `..`")
            return "."
        return "/".join(part for part in parts if part not in ("", ".")) or "."

    def _recipes(self, at: At, parent: Mapping[str, Any], around: Recipe, what: str) -> dict[str, Recipe]:
        r = self._r
        found = {}
        named = self._named(at, parent, "recipe")
        if not named and parent.get("recipes") == {}:
            r.say("C104", f"{what} has nothing to run", at, key=True)
        for name, value in named:
            place: At = (*at, name)
            if isinstance(value, str):
                value = {"run": value}  # noqa: PLW2901 - one string says it
                run_at = place
            elif isinstance(value, dict):
                run_at = (*place, "run")
            else:
                kind = "list" if isinstance(value, list) else type(value).__name__
                r.say("C110", f"recipe `{name}` must be a command or a table", place, hint=f"found {kind}")
                continue
            entries = r.table(place, value, keys.RECIPE, f"recipe `{name}`")
            if "run" not in entries:
                r.say("C102", f"recipe `{name}` has no `run`", place, key=True, hint="the command")
                continue
            run = r.text(run_at, entries["run"])
            if not run.strip():
                r.say("C104", f"recipe `{name}` has nothing to run", run_at)
            found[name] = replace(self._job(place, entries, around), name=name, run=run)
        return found

    def _patterns(
        self, at: At, entries: Mapping[str, Any], subs: Mapping[str, Subproject]
    ) -> dict[str, tuple[str, ...]] | None:
        """`branches` or `tags`: a list means all subprojects, a table names them."""
        r = self._r
        key = str(at[-1])
        if key not in entries:
            return None
        value = entries[key]
        table: dict[str, tuple[str, ...]] = {}
        if isinstance(value, dict) and "" not in subs:
            for pattern, named in value.items():
                table[pattern] = self._named_subs((*at, pattern), named, subs, str(at[1]))
                self._pattern((*at, pattern), pattern, key=True)
            self._never_built(at, table, subs, key)
        elif isinstance(value, dict):
            r.say(
                "C109",
                f"`{key}` must be a list: the project has no subprojects",
                at,
                key=True,
                hint="a list of patterns",
            )
        else:
            for number, pattern in enumerate(r.texts(at, value)):
                table[pattern] = tuple(subs)
                self._pattern((*at, number) if isinstance(value, list) else at, pattern, key=False)
        if key == "branches" and "*" in table and "**" not in table and table["*"]:
            place: At = (*at, "*") if isinstance(value, dict) else at
            if isinstance(value, list):
                place = (*at, value.index("*"))
            r.say(
                "C402",
                "`*` does not match names with a slash, such as `feature/login`",
                place,
                key=isinstance(value, dict),
                warning=True,
                hint="use `**` for every other branch",
            )
        self._ties(at, table)
        return table

    def _named_subs(self, at: At, value: object, subs: Mapping[str, Subproject], project: str) -> tuple[str, ...]:
        named = self._r.texts(at, value)
        for number, sub in enumerate(named):
            if sub not in subs:
                close = self._r.close(sub, subs)
                hint = f"did you mean `{close}`?" if close else f"known: {', '.join(subs) or 'none'}"
                place = (*at, number) if isinstance(value, list) else at
                self._r.say("C107", f"no subproject `{sub}` in project `{project}`", place, hint=hint)
        return tuple(sub for sub in named if sub in subs)

    def _pattern(self, at: At, pattern: str, *, key: bool) -> None:
        fault = patterns.fault(pattern)
        if fault:
            self._r.say("C116", f"not a pattern: `{pattern}`", at, key=key, hint=fault)

    def _never_built(
        self, at: At, table: Mapping[str, tuple[str, ...]], subs: Mapping[str, Subproject], key: str
    ) -> None:
        if key != "branches":
            return
        built = {sub for named in table.values() for sub in named}
        for sub in subs:
            if sub not in built:
                self._r.say(
                    "C401",
                    f"subproject `{sub}` is never built",
                    (*at[:-1], "sub", sub),
                    key=True,
                    warning=True,
                    hint="no pattern in `branches` names it",
                    also=at,
                    also_text="patterns are here",
                )

    def _ties(self, at: At, table: Mapping[str, tuple[str, ...]]) -> None:
        names = list(table)[:200]
        for number, first in enumerate(names):
            for second in names[number + 1 :]:
                name = patterns.tie(first, second)
                if name is not None and table[first] != table[second]:
                    self._r.say(
                        "C119",
                        f"`{first}` and `{second}` are equally specific",
                        (*at, second),
                        key=True,
                        hint=f"both match `{name}`",
                    )

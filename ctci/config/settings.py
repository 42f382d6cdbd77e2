"""What a valid configuration is, as frozen nouns; every default is already filled in."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ctci.config.keys import IMMEDIATE
from ctci.config.looked import Looked
from ctci.config.problems import Problem
from ctci.model import HEADS, Recipe, Remote, SecretRef

#: Of one machine, or of many.
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: How often the remote is asked for what no hook told of, seconds.
SWEEP_S = 15 * 60


@dataclass(frozen=True, kw_only=True)
class Keep:
    """How long runs are kept, per branch; the last green one always is."""

    runs: int = 300
    days: int = 90


@dataclass(frozen=True, kw_only=True)
class Backup:
    """When a copy of the ledger is made, and how many are kept."""

    #: A time of day, `HH:MM`.
    at: str = "03:30"
    keep: int = 7


@dataclass(frozen=True, kw_only=True)
class Subproject:
    """A directory of a project with recipes of its own; nameless where the project has just one."""

    name: str = ""
    #: Relative to the repository's root; `.` is the root itself.
    path: str = "."
    #: Patterns of files, of which a push must change one; `!` excludes. Empty: any push will do.
    paths: tuple[str, ...] = ()
    recipes: Mapping[str, Recipe] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When recipes run without a push."""

    name: str
    #: Five fields; `at` and `days` are written so too.
    cron: str
    #: An IANA name.
    timezone: str = "UTC"
    #: Patterns of branches; empty: the default branch.
    branches: tuple[str, ...] = ()
    #: Subprojects and recipes; empty: all.
    subs: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    skip_unchanged: bool = False
    #: Seconds within which a time that was missed is made up for.
    catch_up_s: int = 1800
    #: Seconds over which starts are spread.
    jitter_s: int = 0
    #: Whether the commit is looked for that broke what it finds broken, and until which time of day, `HH:MM`.
    bisect: bool = False
    bisect_until: str | None = None


@dataclass(frozen=True, kw_only=True)
class Project:
    """One repository."""

    name: str
    remote: Remote
    #: `github`, `gitea` and so on, `none`, or None: told by the headers.
    forge: str | None = None
    webhook_secret: SecretRef | None = None
    description: str = ""
    #: Its name without refs/heads/; None: as the forge or the remote says.
    default_branch: str | None = None
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    #: Seconds between two looks at the remote for what no hook told of; None: none are made.
    sweep_s: int | None = SWEEP_S
    #: Pattern -> names of subprojects ([] = never); None: every branch builds everything.
    #: A list of patterns in the file becomes a table that names all subprojects.
    branches: Mapping[str, tuple[str, ...]] | None = None
    #: The same for tags; None: tags are not built.
    tags: Mapping[str, tuple[str, ...]] | None = None
    subs: Mapping[str, Subproject] = field(default_factory=dict)
    notify: tuple[str, ...] = ()
    #: `supersede`, `queue`, `parallel`, or None: queue on the default branch, supersede elsewhere.
    on_new_push: str | None = None
    keep: Keep = field(default_factory=Keep)

    def default_ref(self, learnt: str | None) -> str:
        """The full name of the default branch: the key's, else what was learnt of the remote, else main."""
        return HEADS + (self.default_branch or learnt or "main")


@dataclass(frozen=True, kw_only=True)
class Each:
    """A project for every repository whose address is `git` with its name in the place of {name}."""

    name: str
    #: What each of them is, but for its name and address.
    project: Project

    def named(self, name: str) -> Project:
        """The project of one of them."""
        remote = replace(self.project.remote, url=self.project.remote.url.replace("{name}", name))
        return replace(self.project, name=name, remote=remote)


@dataclass(frozen=True, kw_only=True)
class Digest:
    """When the digest comes, and what of it where nothing happened."""

    #: A time of day, `HH:MM`.
    at: str = "07:30"
    #: Days of the week and ranges of them, such as `mon-fri`; empty: every day.
    days: tuple[str, ...] = ()
    #: `skip`, `short` or `full`.
    quiet: str = "skip"
    #: A schedule: it comes as soon as that one's runs have settled, at the latest at `at`.
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Notify:
    """Who is told, and of what."""

    name: str
    email: tuple[str, ...] = ()
    #: When its digest comes; None: it gets none.
    digest: Digest | None = None
    #: What is told at once: `broke`, `fixed`, `errored`.
    immediate: tuple[str, ...] = IMMEDIATE
    #: `project`, `project/sub` or `project@branch`; empty: everything.
    only: tuple[str, ...] = ()
    #: An IANA name: of its digest.
    timezone: str = "UTC"
    #: Ends of addresses: who wrote what was pushed is told too, at once and by digest, if the address ends so.
    authors: tuple[str, ...] = ()
    #: An Apprise URL: a chat, a push service and so on.
    apprise: SecretRef | None = None
    #: An address that is called with each event, and the secret that the calls are signed with: both or none.
    webhook: SecretRef | None = None
    webhook_secret: SecretRef | None = None
    #: An address that is called after each digest that went out, or that had nothing to tell.
    heartbeat: SecretRef | None = None


@dataclass(frozen=True, kw_only=True)
class Smtp:
    """The mail server; without one, letters are .eml files in the data folder."""

    #: smtp:// (STARTTLS where offered), smtps:// (implicit TLS); user and password inside.
    url: SecretRef | None = None
    sender: str = "ctci <ctci@localhost>"


@dataclass(frozen=True, kw_only=True)
class Otlp:
    """The collector that runs are told to as traces."""

    endpoint: str
    #: `NAME=VALUE,NAME=VALUE`, for the collector alone.
    headers: SecretRef | None = None


@dataclass(frozen=True, kw_only=True)
class Server:
    """ctci.toml, with the environment and its defaults."""

    #: `HOST:PORT` or `unix:PATH`.
    listen: str = "127.0.0.1:8484"
    public_url: str = "http://127.0.0.1:8484/"
    data_dir: Path = Path("data")
    mirrors_dir: Path | None = None
    max_jobs: int = 1
    title: str = "ctci"
    #: Bytes that must be free before another job is claimed.
    disk_floor: int = 1 << 30
    log_format: str = "text"
    #: Whose `X-Forwarded-For` is believed, and who may name a user.
    trusted_proxies: tuple[Network, ...] = ()
    #: `read`, `badges` or `nothing`; None: by where it listens.
    public: str | None = None
    #: From where pages may be asked for; None: by where it listens.
    allow: tuple[Network, ...] | None = None
    #: From where hooks may be called; None: from everywhere.
    hook_allow: tuple[Network, ...] | None = None
    #: The header in which a trusted proxy names who has signed in.
    remote_user: str | None = None
    backup: Backup | None = None
    smtp: Smtp | None = None
    otlp: Otlp | None = None
    #: Bytes of log kept per attempt.
    limit_log: int = 200 << 20
    #: Bytes that kept worktrees may take together.
    limit_worktrees: int = 20 << 30
    #: Bytes of a webhook's body (JSON).
    limit_body: int = 25 << 20
    #: Findings kept of one job.
    limit_findings: int = 1000


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that is configured, valid as a whole."""

    projects: Mapping[str, Project]
    notify: Mapping[str, Notify]
    server: Server
    each: Mapping[str, Each] = field(default_factory=dict)
    #: An IANA name: of `[defaults]`.
    timezone: str = "UTC"
    #: The folder that the files were read from; relative paths in them are relative to it.
    folder: Path
    #: Every file that it was read from, projects.toml first and ctci.toml (which need not be there) last.
    files: tuple[Path, ...] = ()
    #: ("projects", "shop") -> the file and line where its table begins; so for `each` and `notify`.
    places: Mapping[tuple[str, str], tuple[Path, int]] = field(default_factory=dict)
    #: Warnings, and notes of what is not in force yet.
    problems: tuple[Problem, ...] = field(default=(), compare=False)
    #: What was looked at for it, and how that was.
    looked: Looked = field(default_factory=Looked, compare=False)

    def shown(self, path: Path) -> str:
        """One of its files, relative to its folder where it lies there."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)

    def where(self, kind: str, name: str) -> str | None:
        """`projects.toml:12`, where a table of `projects`, `each` or `notify` begins; None where it has none."""
        found = self.places.get((kind, name))
        return f"{self.shown(found[0])}:{found[1]}" if found is not None else None

    def where_of(self, project: Project) -> str | None:
        """The same of a project's own table, else of the `[each]` that stands for it."""
        of = next((name for name, each in self.each.items() if each.named(project.name) == project), "")
        return self.where("projects", project.name) or self.where("each", of)

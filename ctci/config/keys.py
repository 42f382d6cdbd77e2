"""The one table of keys: which stand where, what each takes, means and is by default. Anything else is an error.

The reader, `ctci schema` and the chapter of the documentation are held to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FORGES = ("github", "gitea", "forgejo", "gogs", "gitlab", "bitbucket", "bitbucket-dc", "none")
ON_NEW_PUSH = ("supersede", "queue", "parallel")
ON_INTERRUPT = ("fail", "retry")
SANDBOX_MODES = ("none", "pid", "bwrap")
LOG_FORMATS = ("text", "json")
CLEAN = ("all", "tracked")
PUBLIC = ("read", "badges", "nothing")
QUIET = ("skip", "short", "full")
IMMEDIATE = ("broke", "fixed", "errored")
#: What orders a recipe, beside the schedules of its project.
EVENTS = ("push", "tag", "manual")
#: Variables that ctci sets for every job and that nobody may change, beside CTCI_*.
RESERVED = ("CI", "CTCI", "HOME")


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key of one table."""

    name: str
    #: What its value is: a word that `schema` and `later` have a rule for; `table:X` and `names:X` lead to TABLES["X"].
    kind: str
    #: For people, in one line.
    says: str
    #: As it would be written, or a phrase; empty: nothing.
    default: str = ""
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    needed: bool = False
    #: Understood and checked, but its function comes with a later release.
    later: bool = False


def _key(
    name: str,
    kind: str,
    says: str,
    default: str = "",
    *,
    choices: tuple[str, ...] = (),
    span: tuple[int, int] = (0, 0),
    needed: bool = False,
    later: bool = False,
) -> Key:
    return Key(
        name=name,
        kind=kind,
        says=says,
        default=default,
        choices=choices,
        low=span[0],
        high=span[1],
        needed=needed,
        later=later,
    )


def _table(*found: Key | Mapping[str, Key]) -> dict[str, Key]:
    table: dict[str, Key] = {}
    for each in found:
        table |= {each.name: each} if isinstance(each, Key) else each
    return table


SECRET = _table(
    _key("env", "variable", "the variable that holds it, or NAME_FILE its file"),
    _key("file", "path", "the file that holds it"),
    _key("credential", "name", "systemd's credential, else `secrets/name` in the folder"),
)
PASSED_SECRET = _table(
    SECRET, _key("branches", "lines", "patterns of the branches that get it", "default branch and tags")
)
SANDBOX = _table(
    _key("mode", "choice", "`pid`: a PID namespace of its own; `none`: without", "none", choices=SANDBOX_MODES),
    _key("network", "flag", "whether it reaches the network", "true"),
    _key("memory", "size", "the most it may take", later=True),
    _key("cpus", "number", "how many it may use", span=(1, 1024), later=True),
    _key("pids", "number", "how many processes it may have", span=(1, 1_000_000), later=True),
    _key("read-only", "flag", "only its own folders can be written", "false", later=True),
)
KEEP = _table(
    _key("runs", "number", "how many runs are kept, per branch", "300", span=(1, 1_000_000)),
    _key("days", "number", "for how many days", "90", span=(1, 1_000_000)),
    _key("artifacts", "duration", "for how long artifacts are kept", later=True),
    _key("logs", "duration", "for how long logs are kept", later=True),
    _key("deliveries", "duration", "for how long calls of hooks are kept", "90d", later=True),
)
BACKUP = _table(
    _key("at", "time", "a time of day, in the time zone of `[defaults]`", "`03:30`"),
    _key("keep", "number", "how many are kept", "7", span=(1, 10_000)),
)
#: What a recipe has, and every table around it.
JOB = _table(
    _key("timeout", "duration", 'after which it is ended: "90s", "20m", "1h30m"', "1h"),
    _key("env", "env", "variables; the inner table wins name by name"),
    _key("env-pass", "lines", "names passed on from the server's environment", "none"),
    _key("shell", "line", "the shell and its arguments", "`sh -e`"),
    _key("nice", "number", "0 to 19", "0", span=(0, 19)),
    _key("retries", "number", "0 to 10: how often a red job is tried again", "0", span=(0, 10)),
    _key(
        "on-interrupt",
        "choice",
        "`fail` or `retry`: what becomes of a job that the machine lost",
        "fail",
        choices=ON_INTERRUPT,
    ),
    _key("sandbox", "table:sandbox", 'what it is shut into: `{ mode = "pid" }`', '`{ mode = "none" }`'),
    _key("secrets", "secrets", 'NAME = { credential = "…" }: secrets for its environment', "none", later=True),
)
#: What the tables around recipes have besides.
AROUND = _table(
    JOB,
    _key("keep", "table:keep", "how long runs are kept, per branch", "300 runs, 90 days"),
    _key("timezone", "zone", "an IANA name, for times of day", "UTC"),
    _key("facts", "lines", "[commands whose first line is the version of a tool](#facts), at most 20", "none"),
    _key("clean", "choice", "`all` or `tracked`: what a checkout is freed of", "all", choices=CLEAN, later=True),
)
SHARED = _table(
    _key("notify", "lines", "names of `[notify.NAME]` tables", "nobody"),
    _key(
        "on-new-push",
        "choice",
        "`supersede`, `queue` or `parallel`",
        "`queue` on the default branch, else `supersede`",
        choices=ON_NEW_PUSH,
    ),
    _key("submodules", "flag", "lay them out: relative or same-host addresses only", "false"),
    _key("lfs", "flag", "lay out large files", "false", later=True),
    _key("sweep", "sweep", "how often the remote is asked for missed pushes; `false`: never", "`15m`"),
)
DEFAULTS = _table(AROUND, SHARED)
SCHEDULE = _table(
    _key("at", "time", 'a time of day: "02:30"; or else `cron`'),
    _key("cron", "line", 'five fields: "30 2 * * mon-fri"'),
    _key("days", "days", 'with `at`: "mon-fri", or a list', "every day"),
    _key("timezone", "zone", "an IANA name", "the project's"),
    _key("branches", "lines", "patterns of branches", "the default branch"),
    _key("sub", "lines", "subprojects", "all"),
    _key("recipes", "lines", "recipes", "all"),
    _key("skip-unchanged", "flag", "not if it succeeded on this commit before", "false"),
    _key("catch-up", "duration", "a time missed by less than this is made up for", "30m"),
    _key("jitter", "duration", "starts are spread over so much time", "none"),
    _key("bisect", "bisect", '[look for the commit](#bisect) that broke it: `true` or `{ until = "06:00" }`', "false"),
)
BISECT = _table(_key("until", "time", "a time of day"))
REPO_RECIPES = _table(_key("branches", "lines", "patterns of the branches whose word counts"))
RECIPE = _table(
    _key("run", "text", "the command; of several lines the first that fails ends it", needed=True),
    _key("needs", "lines", "recipes of the same subproject that must succeed first", "none"),
    _key(
        "on", "lines", "what orders it: `push`, `tag`, `manual`, names of schedules; with it only those", "all of them"
    ),
    _key("vars", "lines", "names of variables that a trigger may set", "none"),
    _key("matrix", "matrix", '`{ py = ["3.11", "3.13"] }`: one recipe for each value, see below'),
    _key("lock", "name", "a name: of all jobs of the server one at a time has it", "none"),
    _key("allow-failure", "flag", "its failure is shown and counts for nothing", "false"),
    _key(
        "junit", "globs", "JUnit files of test results, below the subproject; a test that failed fails the job", "none"
    ),
    _key("sarif", "globs", "SARIF files of findings; an error among them fails the job", "none"),
    _key("artifacts", "globs", "files that are kept", "none", later=True),
    _key("matchers", "globs", "files of GitHub's problem matchers, for its log", "none"),
    _key("slow-after", "slow", '"2x" of its usual time, or "20m": when it is told as slower', "1.5x"),
    JOB,
)
SUB = _table(
    _key("path", "line", 'its directory, `"."` for the root', needed=True),
    _key("paths", "globs", "[path filters](#path-filters): what a push must change", "any push"),
    _key("recipes", "recipes", "name = command, or a table", needed=True),
    AROUND,
)
PROJECT = _table(
    _key("git", "line", "the address: `https://…`, `ssh://…`, `git@host:path`, a path", needed=True),
    _key(
        "forge", "choice", ", ".join(f"`{each}`" for each in FORGES), "told by the headers of the call", choices=FORGES
    ),
    _key(
        "webhook-secret",
        "secret",
        "the secret of its webhook, a reference",
        "without it: the socket and the spool only",
    ),
    _key(
        "token",
        "secret",
        "to fetch over https with and to set [statuses](statuses.md) on commits, a reference; what it names holds the "
        "token, or `USER:TOKEN` where the forge wants a user of its own with it",
    ),
    _key("ssh-key", "secret", "to fetch over ssh with, a reference"),
    _key("known-hosts", "path", "a file of host keys", "the first key seen is pinned in the data folder"),
    _key("ca-file", "path", "a PEM file, for a forge with a certificate of its own", "the system's"),
    _key("description", "line", "a line for people"),
    _key("default-branch", "line", 'its name: `"trunk"`', "as the forge or the remote says, else `main`"),
    _key(
        "branches",
        "patterns",
        "patterns: a list, or a table pattern = subprojects (`[]`: never)",
        "every branch, everything",
    ),
    _key("tags", "patterns", "the same for tags", "tags are not built"),
    _key("sub", "names:sub", "subprojects: `[projects.N.sub.NAME]`"),
    _key("recipes", "recipes", "the recipes of a project without subprojects"),
    _key("paths", "globs", "[path filters](#path-filters) of a project without subprojects", "any push"),
    _key("schedules", "names:schedule", "runs without a push: `[projects.N.schedules.NAME]`"),
    _key("repo-recipes", "repo-recipes", "recipes from the repository itself", "false", later=True),
    SHARED,
    AROUND,
)
DIGEST = _table(
    _key("at", "time", "a time of day", "`07:30`"),
    _key("days", "days", 'such as "mon-fri"', "every day"),
    _key("quiet", "choice", "what is sent when nothing happened: `skip`, `short`, `full`", "skip", choices=QUIET),
    _key("after", "line", "a schedule: sent when its runs have settled, at the latest at `at`"),
)
NOTIFY = _table(
    _key("email", "mails", "addresses"),
    _key("apprise", "secret", "a reference to an Apprise URL (needs `ctci[apprise]`)"),
    _key("webhook", "secret", "a reference to an address that is called with each event"),
    _key(
        "webhook-secret",
        "secret",
        "the secret that its calls are signed with, a reference; what it names is `whsec_…`",
    ),
    _key(
        "digest",
        "table:digest",
        'one letter a day: `{ at = "07:30", days = "mon-fri", quiet = "skip", after = "nightly" }`',
        "none",
    ),
    _key("immediate", "choices", "what is told at once: `broke`, `fixed`, `errored`", "all of them", choices=IMMEDIATE),
    _key("only", "lines", "`project`, `project/sub` or `project@branch`: what is told of", "everything"),
    _key("timezone", "zone", "an IANA name: of the times in letters", "that of `[defaults]`"),
    _key("heartbeat", "secret", "a reference to an address that is called after each digest that went out"),
    _key("authors", "lines", 'who pushed is told too, if the address ends so: `"@example.org"`', "nobody"),
)
TOP = _table(
    _key("include", "lines", 'more files of projects: `["projects.d/*.toml"]`'),
    _key("defaults", "table:defaults", "what holds for every project"),
    _key("notify", "names:notify", "who is told: `[notify.NAME]`"),
    _key("projects", "names:project", "one table per repository: `[projects.NAME]`"),
    _key("each", "names:project", "one table for many repositories: `[each.NAME]`, see below"),
)
#: Of the files that projects.toml includes.
INCLUDED = {name: key for name, key in TOP.items() if name not in ("include", "defaults")}
SMTP = _table(
    _key(
        "url",
        "secret",
        "a reference to `smtp://…` or `smtps://user:password@host` (also `CTCI_SMTP_URL`)",
        "letters are files",
    ),
    _key("from", "line", "the sender", "`ctci <ctci@localhost>`"),
)
LIMITS = _table(
    _key("log", "size", "bytes of log per attempt: the head and the tail are kept", "200MiB"),
    _key(
        "worktrees",
        "size",
        "bytes that the worktrees of running jobs may take together; beyond it no job is started",
        "20GiB",
    ),
    _key("body", "size", "bytes of a webhook's body", "25MiB"),
    _key("findings", "number", "findings that are kept of one job", "1000", span=(1, 10_000)),
)
OTLP = _table(
    _key("endpoint", "url", "the collector that is told of each run: `http://localhost:4318`", "nobody is told"),
    _key("headers", "secret", "a reference to what it wants to be sent: `NAME=VALUE,NAME=VALUE`", "none"),
)
SERVER = _table(
    _key("listen", "line", "`HOST:PORT` or `unix:/PATH`", "127.0.0.1:8484"),
    _key("public-url", "line", "how people reach it, with a path where a proxy gives it one", "from `listen`"),
    _key(
        "data-dir",
        "line",
        "ledger, mirrors, logs",
        "`STATE_DIRECTORY`, `./data`, `$XDG_STATE_HOME/ctci`, `/var/lib/ctci`",
    ),
    _key("max-jobs", "number", "jobs at a time", "half of the cores, at least one", span=(1, 1024)),
    _key("title", "line", "on the pages", "ctci"),
    _key("disk-floor", "size", "under so much free space no job is started", "1GiB"),
    _key("log-format", "choice", "`text` or `json`", "text", choices=LOG_FORMATS),
    _key("keep", "table:keep", "where no project says so: how long runs are kept", "300 runs, 90 days"),
    _key("trusted-proxies", "networks", "addresses whose `X-Forwarded-For` is believed", "none"),
    _key(
        "public",
        "choice",
        "what a visitor without a token sees: `read`, `badges`, `nothing`",
        "`read` on this machine alone, else `badges`",
        choices=PUBLIC,
    ),
    _key(
        "allow",
        "networks",
        "addresses that may see the pages",
        "private networks; all where it listens on this machine alone",
    ),
    _key("hook-allow", "networks", "addresses that may call the hooks", "all"),
    _key("backup", "table:backup", 'a copy of the ledger every day: `{ at = "03:30", keep = 7 }`', "none"),
    _key(
        "remote-user",
        "header",
        "the header in which a trusted proxy names who has signed in, or `true` for `Remote-User`; they may read, "
        "run, rerun and cancel",
        "none",
    ),
    _key("smtp", "table:smtp", "the mail server", "letters are files"),
    _key("limits", "table:limits", "the most of things"),
    _key("otlp", "table:otlp", "traces"),
)
#: By the name that a kind leads to.
TABLES: Mapping[str, Mapping[str, Key]] = {
    "top": TOP,
    "included": INCLUDED,
    "defaults": DEFAULTS,
    "project": PROJECT,
    "sub": SUB,
    "recipe": RECIPE,
    "schedule": SCHEDULE,
    "bisect": BISECT,
    "repo-recipes": REPO_RECIPES,
    "sandbox": SANDBOX,
    "keep": KEEP,
    "backup": BACKUP,
    "notify": NOTIFY,
    "digest": DIGEST,
    "secret": SECRET,
    "passed-secret": PASSED_SECRET,
    "server": SERVER,
    "smtp": SMTP,
    "limits": LIMITS,
    "otlp": OTLP,
}
ALL = frozenset(name for table in TABLES.values() for name in table)
#: The keys whose values are secrets, wherever they stand.
SECRETS = ("webhook-secret", "token", "ssh-key", "apprise", "webhook", "heartbeat", "headers")

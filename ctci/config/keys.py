"""The one table of keys: which stand where. Anything else is an error, from the first day."""

JOB = ("timeout", "env", "env-pass", "shell", "nice")
TOP = ("defaults", "notify", "projects")
DEFAULTS = (*JOB, "notify", "on-new-push", "keep")
PROJECT = (
    "git",
    "forge",
    "webhook-secret",
    "token",
    "ssh-key",
    "known-hosts",
    "ca-file",
    "description",
    "branches",
    "tags",
    "sub",
    "recipes",
    "notify",
    "on-new-push",
    "keep",
    "submodules",
    *JOB,
)
SUB = ("path", "recipes", *JOB)
RECIPE = ("run", *JOB)
KEEP = ("runs", "days")
NOTIFY = ("email",)
SERVER = (
    "listen",
    "public-url",
    "data-dir",
    "max-jobs",
    "title",
    "disk-floor",
    "log-format",
    "keep",
    "smtp",
    "limits",
)
SMTP = ("url", "from")
LIMITS = ("log", "worktrees", "body")
SECRET = ("env", "file", "credential")
ALL = frozenset((*TOP, *DEFAULTS, *PROJECT, *SUB, *RECIPE, *KEEP, *NOTIFY, *SERVER, *SMTP, *LIMITS, *SECRET))

#: The keys whose values are secrets, wherever they stand.
SECRETS = ("webhook-secret", "token", "ssh-key")
FORGES = ("github", "gitea", "forgejo", "none")
ON_NEW_PUSH = ("supersede", "queue")
LOG_FORMATS = ("text", "json")
#: Variables that ctci sets for every job and that nobody may change, beside CTCI_*.
RESERVED = ("CI", "CTCI", "HOME")

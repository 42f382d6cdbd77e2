"""The one table of keys: which stand where. Anything else is an error, from the first day."""

JOB = ("timeout", "env", "env-pass", "shell", "nice", "retries", "on-interrupt", "sandbox")
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
    "default-branch",
    "branches",
    "tags",
    "sub",
    "paths",
    "recipes",
    "notify",
    "on-new-push",
    "keep",
    "submodules",
    *JOB,
)
SUB = ("path", "paths", "recipes", *JOB)
RECIPE = ("run", "needs", "lock", "allow-failure", *JOB)
SANDBOX = ("mode",)
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
ALL = frozenset((*TOP, *DEFAULTS, *PROJECT, *SUB, *RECIPE, *SANDBOX, *KEEP, *NOTIFY, *SERVER, *SMTP, *LIMITS, *SECRET))

#: The keys whose values are secrets, wherever they stand.
SECRETS = ("webhook-secret", "token", "ssh-key")
FORGES = ("github", "gitea", "forgejo", "none")
ON_NEW_PUSH = ("supersede", "queue", "parallel")
ON_INTERRUPT = ("fail", "retry")
SANDBOX_MODES = ("none", "pid")
LOG_FORMATS = ("text", "json")
#: Variables that ctci sets for every job and that nobody may change, beside CTCI_*.
RESERVED = ("CI", "CTCI", "HOME")

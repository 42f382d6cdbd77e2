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

FORGES = ("github", "gitea", "forgejo", "none")
ON_NEW_PUSH = ("supersede", "queue")
#: Set by ctci for every job.
RESERVED = ("CI", "CTCI", "HOME")

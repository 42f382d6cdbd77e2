"""A paragraph for each code, for `ctci explain` and the web."""

EXPLAIN = {
    "C001": "The file is not there, cannot be read, or is not valid TOML. Where none is found, `--config FOLDER` or "
    "CTCI_CONFIG_DIR names the folder that has it, and `ctci init` writes a first one. In TOML, text values need "
    "quotes, a table stands under its [header], and a key stands once; only the first such error is told. What else it "
    "allows is written at https://toml.io/.",
    "C101": "A key that ctci does not know in this place. A typing error would otherwise be without effect and without "
    "a word, so every unknown key is an error. Keys are written in kebab-case: on-new-push, not on_new_push.",
    "C102": "A key without which this table means nothing: `git` of a project, `path` of a subproject, `run` of a "
    "recipe, and one of `env`, `file` and `credential` in a reference to a secret. In a notify table `webhook-secret` "
    "needs `webhook`, and `heartbeat` needs `email` and `digest`.",
    "C103": "The value is of the right type, but not one that the key takes.",
    "C104": "The project, subproject or recipe has no command, so nothing would ever run.",
    "C105": "Names of projects, subprojects, recipes, locks and notify tables are made of letters, digits, `.`, `_` "
    "and `-`, begin with a letter or digit and have at most 64 characters, because they stand in addresses and paths. "
    "Names of variables are made of letters, digits and `_`. An axis of a `matrix` begins with a small letter; its "
    "values stand in the names of recipes, so they have no `[`, `]`, `,` and `=`.",
    "C106": "A project has either `recipes`, which run at the root of the repository, or `sub`, directories with "
    'recipes of their own. To have both, make the root a subproject with path = ".". '
    "`paths` stands where the recipes are: beside `recipes` or in each subproject, never beside `sub`.",
    "C107": "A pattern of `branches` or `tags`, or a schedule, names a subproject that the project does not have.",
    "C108": "The path of a subproject is relative to the root of the repository, is written with `/` and has no `..`.",
    "C109": "The value has another type than the key takes: text stands in quotes, numbers, true and false do not. "
    'A version is text too: "3.10", for the number 3.10 is 3.1.',
    "C110": 'A recipe is a command (test = "make test") or, when more is said, a table (test = { run = "make test", '
    'timeout = "5m" }). Several commands are one text of several lines; it stops at the first that fails.',
    "C111": "`on` names something that never happens: `push`, `tag`, `manual` and the names of the project's "
    "schedules order a recipe. Without `on` all of them do. `digest.after` names a schedule too.",
    "C112": "`needs` or a schedule names a recipe that is not there. A recipe can only wait for others of the same "
    "subproject. Of one with a `matrix`, `test` means all and `test[py=3.11]` one.",
    "C113": "`notify` names a table that is in none of the files: write [notify.NAME] with the addresses in `email`.",
    "C114": "Recipes that need each other, or one that needs itself: each would wait for the other, and none could "
    "ever begin. The circle is shown as a → b → a; take one `needs` out of it.",
    "C115": "Two names differ in upper and lower case only. Some file systems and most people cannot tell them apart. "
    "In a `matrix`, two axes would be the same variable, or a value stands twice.",
    "C116": "No branch, tag or file can match the pattern. `*` and `?` stop at a slash, `**` does not; every other "
    "character stands for itself. In `paths`, `!` at the beginning excludes files that another pattern takes, so a "
    'list of nothing else takes none: put "**" first.',
    "C117": "ctci itself sets the variable for every job (CI, HOME and everything that begins with CTCI), or it holds "
    "a secret that this file refers to. No recipe can set the first or get the second.",
    "C118": "`only` of a notify table names a project, subproject or branch that there is not, so nothing would be "
    'told: write "project", "project/subproject" or "project@branch".',
    "C119": "Two patterns of one table match the same name, neither is more specific, and they have different values. "
    "The order of a table means nothing in TOML, so ctci could only guess. More specific is: the exact name, then the "
    "longer text before the first wildcard, then fewer wildcards, then `*` before `**`.",
    "C201": 'A secret itself stands in the file. Write where it lies: { env = "NAME" }, { file = "/path" } or '
    '{ credential = "name" }, which is a file of that name in systemd\'s credentials or in the folder `secrets` beside '
    "this file. ctci never shows the line of a secret.",
    "C202": "A project that a forge calls needs a secret, otherwise anyone who finds the address could start jobs. A "
    'project that is reached only by the hook of a repository on this machine says forge = "none", or nothing. A '
    "`webhook` of a notify table is signed with a secret of its own, by which the receiver knows the calls: `ctci "
    "secret new NAME --signing` makes one.",
    "C203": "The file names the place of something (a secret, a known_hosts, a certificate) where nothing is, or where "
    "this user may not read. `ctci check --no-resolve` does not look.",
    "C204": "Others on this machine can read the file of a secret: `chmod 600` it.",
    "C205": "Two projects, or tables of [each], have the same webhook secret: who knows it for one can start jobs of "
    "the other.",
    "C206": "The address of the repository has a user or password in it, and it is shown in many places. Use `token` "
    "with a reference instead.",
    "C207": "The secret is there, and it is not what the key takes: `webhook` and `heartbeat` take an address of the "
    "web, `apprise` one Apprise URL, `webhook-secret` of a notify table a text that begins with `whsec_`, as `ctci "
    "secret new NAME --signing` makes it. Each is one line without spaces.",
    "C301": 'A time zone is written as the IANA list has it: "Europe/Berlin", "UTC". Abbreviations such as CEST mean '
    "several things and know no summer.",
    "C302": 'A duration is a number with a unit: "90s", "20m", "1h30m", "2d"; at most 30d.',
    "C303": 'A schedule has a time of day, at = "02:30", or a line of cron, cron = "30 2 * * *", and not both. `days` '
    "goes with `at`; of a line of cron, the last field says it.",
    "C304": "A line of cron has five fields: minute, hour, day of the month, month and day of the week (0 and 7 are "
    "Sunday). Each is `*`, a number, a name of three letters, a range such as mon-fri, a list with commas, or one of "
    "these with a step such as */15. A range does not go over the end of the week: write fri,sat,sun,mon.",
    "C305": "The line of cron can be read, and no year has such a day: the 31st of February, say.",
    "C306": 'A size is a number with a unit: "500MiB", "5GiB".',
    "C401": "The project has a table of branches, and no pattern in it or in `tags` names the subproject, so no push "
    "ever builds it.",
    "C402": "`*` does not match a name with a slash, such as feature/login. Use `**` for every other branch, or write "
    "a pattern for them with the value [] if they shall not be built.",
    "C403": "`on` of the recipe names only what cannot happen: nothing at all, a push where no branch is built, a tag "
    "where no tag is, a schedule of another subproject. Without `on`, everything orders it.",
    "C501": 'An address is written "name@example.org". Several are a list. `from` may have a name before it: '
    '"ctci <ci@example.org>".',
    "C502": "The key needs a package that ctci does without otherwise: pip install 'ctci[apprise]', where ctci "
    "itself is installed.",
    "C601": "A pattern of `include` matches no file. Patterns are relative to the folder of projects.toml; `*` stops "
    "at a slash.",
    "C602": "Two of the files have a table of that name. Names count for all files together, in upper or lower case.",
    "C901": "The key is of this grammar and its value is right, but its function comes with a later ctci; until then "
    "it changes nothing. A note is neither error nor warning, and each key is noted once.",
    "C902": "Something would be shut off (the network, memory, who may see the pages) and this ctci cannot do it yet. "
    "To go on without would leave open what you believe to be shut, so it is an error. Take the key out to do without.",
    "C903": "`secrets` is understood, and no recipe gets them yet. Until then a recipe has what `env-pass` passes on.",
}

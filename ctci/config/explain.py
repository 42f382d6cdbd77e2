"""A paragraph for each code, for `ctci explain` and the web."""

EXPLAIN = {
    "C001": "The file is not valid TOML, or cannot be read. Text values need quotes, a table stands under its "
    "[header], and a key stands once. Only the first such error is told; what TOML allows is written at https://toml.io/.",
    "C101": "A key that ctci does not know in this place. A typing error would otherwise be without effect and without "
    "a word, so every unknown key is an error. Keys are written in kebab-case: on-new-push, not on_new_push.",
    "C102": "A key without which this table means nothing: `git` of a project, `path` of a subproject, `run` of a "
    "recipe, and one of `env`, `file` and `credential` in a reference to a secret.",
    "C103": "The value is of the right type, but not one that the key takes.",
    "C104": "The project, subproject or recipe has no command, so nothing would ever run.",
    "C105": "Names of projects, subprojects, recipes, locks and notify tables are made of letters, digits, `.`, `_` "
    "and `-`, begin with a letter or digit and have at most 64 characters, because they stand in addresses and paths. "
    "Names of variables are made of letters, digits and `_`.",
    "C106": "A project has either `recipes`, which run at the root of the repository, or `sub`, directories with "
    'recipes of their own. To have both, make the root a subproject with path = ".". '
    "`paths` stands where the recipes are: beside `recipes` or in each subproject, never beside `sub`.",
    "C107": "A pattern of `branches` or `tags` names a subproject that the project does not have.",
    "C108": "The path of a subproject is relative to the root of the repository, is written with `/` and has no `..`.",
    "C109": "The value has another type than the key takes: text stands in quotes, numbers, true and false do not.",
    "C110": 'A recipe is a command (test = "make test") or, when more is said, a table (test = { run = "make test", '
    'timeout = "5m" }). Several commands are one text of several lines; it stops at the first that fails.',
    "C112": "`needs` names a recipe that this subproject does not have. A recipe can only wait for others of the same "
    "subproject.",
    "C113": "`notify` names a table that is not in the file: write [notify.NAME] with the addresses in `email`.",
    "C114": "Recipes that need each other, or one that needs itself: each would wait for the other, and none could "
    "ever begin. The circle is shown as a → b → a; take one `needs` out of it.",
    "C115": "Two names differ in upper and lower case only. Some file systems and most people cannot tell them apart.",
    "C116": "No branch, tag or file can match the pattern. `*` and `?` stop at a slash, `**` does not; every other "
    "character stands for itself. In `paths`, `!` at the beginning excludes files that another pattern takes, so a "
    'list of nothing else takes none: put "**" first.',
    "C117": "ctci itself sets the variable for every job (CI, HOME and everything that begins with CTCI), or it holds "
    "a secret that this file refers to. No recipe can set the first or get the second.",
    "C119": "Two patterns of one table match the same name, neither is more specific, and they have different values. "
    "The order of a table means nothing in TOML, so ctci could only guess. More specific is: the exact name, then the "
    "longer text before the first wildcard, then fewer wildcards, then `*` before `**`.",
    "C201": 'A secret itself stands in the file. Write where it lies: { env = "NAME" }, { file = "/path" } or '
    '{ credential = "name" }, which is a file of that name in systemd\'s credentials or in the folder `secrets` beside '
    "this file. ctci never shows the line of a secret.",
    "C202": "A project that a forge calls needs a secret, otherwise anyone who finds the address could start jobs. A "
    'project that is reached only by the hook of a repository on this machine says forge = "none", or nothing.',
    "C203": "The file names the place of something (a secret, a known_hosts, a certificate) where nothing is, or where "
    "this user may not read. `ctci check --no-resolve` does not look.",
    "C204": "Others on this machine can read the file of a secret: `chmod 600` it.",
    "C205": "Two projects have the same webhook secret: who knows it for one can start jobs of the other.",
    "C206": "The address of the repository has a user or password in it, and it is shown in many places. Use `token` "
    "with a reference instead.",
    "C302": 'A duration is a number with a unit: "90s", "20m", "1h30m", "2d"; at most 30d.',
    "C306": 'A size is a number with a unit: "500MiB", "5GiB".',
    "C401": "The project has a table of branches, and no pattern in it or in `tags` names the subproject, so no push "
    "ever builds it.",
    "C402": "`*` does not match a name with a slash, such as feature/login. Use `**` for every other branch, or write "
    "a pattern for them with the value [] if they shall not be built.",
    "C501": 'An address is written "name@example.org". Several are a list. `from` may have a name before it: '
    '"ctci <ci@example.org>".',
}

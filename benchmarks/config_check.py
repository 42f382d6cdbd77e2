"""How long the check of a projects.toml of 2,000 lines takes; under 0.3 s is the aim.

Run: python -m benchmarks.config_check
"""

import tempfile
import time
from pathlib import Path

from ctci import config

LINES = 2000
ROUNDS = 5
PROJECT = """
[projects.shop-{number}]
git            = "https://git.example.org/acme/shop-{number}.git"
forge          = "gitea"
webhook-secret = {{ credential = "shop-{number}" }}
timezone       = "Europe/Berlin"
notify         = ["team"]

[projects.shop-{number}.branches]
main         = ["api", "web"]
"release/*"  = ["api"]
"renovate/**" = []
"**"         = ["api", "web"]

[projects.shop-{number}.sub.api]
path     = "services/api"
paths    = ["services/api/**", "libs/**", "!**/*.md"]
env      = {{ SETTINGS = "shop.ci" }}
recipes.build = {{ run = "make build", artifacts = "build/**" }}
recipes.test  = {{ run = "make test", needs = ["build"], matrix = {{ py = ["3.11", "3.13"] }} }}
recipes.fuzz  = {{ run = "make fuzz", timeout = "2h", on = ["nightly"] }}

[projects.shop-{number}.sub.web]
path          = "web"
recipes.test  = {{ run = "npm test", junit = "junit.xml", retries = 1, lock = "port-80" }}

[projects.shop-{number}.schedules.nightly]
cron     = "30 2 * * mon-fri"
branches = ["main"]
"""


def text_of(lines: int) -> str:
    """A valid file of so many lines, or a few more."""
    whole = '[notify.team]\nemail = ["ana@example.org"]\n'
    number = 0
    while whole.count("\n") < lines:
        whole += PROJECT.format(number=number)
        number += 1
    return whole


def heaps(lines: int) -> dict[str, str]:
    """Files in which one mistake comes again and again, among many names that are nearly right."""
    top = '[projects.shop]\ngit = "/srv/git/shop.git"\n'
    needs = "".join(f'r{number:04} = {{ run = "true", needs = ["q{number:04}"] }}\n' for number in range(lines - 10))
    team = '[notify.team-{0}]\nemail = ["ana@example.org"]\n'
    shop = '[projects.shop-{0}]\ngit = "/x"\nnotify = ["taem-{0}"]\nrecipes.test = "true"\n'
    zones = "".join(
        f'schedules.s{number} = {{ at = "02:30", timezone = "Europe/Berln{number}" }}\n' for number in range(lines - 3)
    )
    return {
        "needs": f"{top}[projects.shop.recipes]\n{needs}",
        "names": "".join(map(team.format, range(400))) + "".join(map(shop.format, range(300))),
        "zones": f'{top}recipes.test = "true"\n{zones}',
    }


def measure(folder: Path, text: str) -> tuple[float, float, int]:
    """The first and the best time of several, and the number of problems that are not notes."""
    (folder / "projects.toml").write_text(text, encoding="utf-8")
    times = []
    problems: tuple[config.Problem, ...] = ()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        _, problems = config.check(folder, {}, resolve=False)
        times.append(time.perf_counter() - began)
    return times[0], min(times), sum(each.severity != "note" for each in problems)


def main() -> None:
    """Measure a right file, one with an error in every project, and some with heaps of errors."""
    right = text_of(LINES)
    wrong = right.replace("timeout =", "timout =").replace('"api", "web"', '"api", "wbe"')
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {"right": right, "wrong": wrong, **heaps(LINES)}.items():
            first, took, problems = measure(Path(folder), text)
            count = text.count("\n")
            said = f"first {first * 1000:.0f} ms, best {took * 1000:.0f} ms, {count / took:,.0f} lines/s"
            print(f"{name}: {count} lines, {problems} problems, {said}")


if __name__ == "__main__":
    main()

"""The tables of docs/configuration.md say what the one table of keys says, row by row."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ctci.config import keys
from ctci.config.keys import Key

CHAPTER = (Path(__file__).parents[2] / "docs/configuration.md").read_text(encoding="utf-8")
#: Of a default that is not itself a value.
PHRASES = ("", "none", "nobody", "never", "nowhere", "all", "everything", "traces")


def row(key: Key) -> str:
    """A key's cells: its name, what it is and its default."""
    default = "needed" if key.needed else key.default
    plain = key.kind not in ("choice", "duration", "size", "number", "flag", "line", "zone") or key.kind == "names"
    if default and not plain and " " not in default and "`" not in default and not key.needed:
        default = default if default in PHRASES and key.kind != "choice" else f"`{default}`"
    return f"| `{key.name}` | {key.says}{' *(not yet)*' if key.later else ''} | {default} |".replace("|  |", "| |")


def without(table: Mapping[str, Key], *others: Mapping[str, Key]) -> list[Key]:
    return [key for key in table.values() if not any(key.name in other for other in others)]


#: Where a key stands, as the chapter has it -> the keys that stand there, each but once.
ROWS: Mapping[str, list[Key]] = {
    "top": list(keys.TOP.values()),
    "`projects.N`, `each.N`": without(keys.PROJECT, keys.SHARED, keys.AROUND),
    "project, `[defaults]`": list(keys.SHARED.values()),
    "sub, project, `[defaults]`": without(keys.AROUND, keys.JOB),
    "recipe, sub, project, `[defaults]`": list(keys.JOB.values()),
    "`sub.N`": without(keys.SUB, keys.AROUND),
    "recipe": without(keys.RECIPE, keys.JOB),
    "`schedules.N`": list(keys.SCHEDULE.values()),
    "`sandbox`": list(keys.SANDBOX.values()),
    "`keep`": list(keys.KEEP.values()),
    "`notify.N`": list(keys.NOTIFY.values()),
    "`digest`": list(keys.DIGEST.values()),
    "`ctci.toml`": without(
        keys.SERVER, {"smtp": keys.SERVER["smtp"]}, dict.fromkeys(("limits", "otlp"), keys.SERVER["limits"])
    ),
    "`backup`": list(keys.BACKUP.values()),
    "`[smtp]`": list(keys.SMTP.values()),
    "`[limits]`": list(keys.LIMITS.values()),
    "`[otlp]`": list(keys.OTLP.values()),
}


def lines(where: str) -> list[str]:
    """The rows of one table of keys; its name stands in the first."""
    return [
        f"| {where if number == 0 else ''} {row(key)}".replace("|  |", "| |") for number, key in enumerate(ROWS[where])
    ]


@pytest.mark.parametrize("where", ROWS)
def test_every_key_has_its_row_with_its_meaning_and_default(where: str) -> None:
    expected = "\n".join(lines(where))

    assert expected in CHAPTER

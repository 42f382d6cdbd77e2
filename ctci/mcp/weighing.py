"""The tools that weigh: what differs between two runs, and what is not to be relied on."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctci.api.problem import ApiError
from ctci.mcp import inputs, naming, plain, telling
from ctci.mcp.asking import Ask
from ctci.mcp.outputs import UNTRUSTED

Answer = tuple[str, Any]
#: Findings that are told of each recipe, and tests in all.
MOST = 20


def compare_runs(ask: Ask, asked: inputs.Two, key: str) -> Answer:
    """What differs between two runs of a project."""
    before, now = naming.run(ask, asked.a), naming.run(ask, asked.b)
    found = ask("compare_runs", {"a": before, "b": now})
    places = found["places"]

    def make(size: tuple[int, int]) -> Answer:
        count, width = size
        told = plain.cleaned(
            {
                "project": found["project"],
                "before": before,
                "now": now,
                "recipes": [_place(each, count, width) for each in places[: 2 * count]],
                "not_shown": max(0, len(places) - 2 * count),
                "untrusted": UNTRUSTED,
                "next": f"get_failures of {now} tells why a recipe is red.",
            }
        )
        return telling.comparison(told, key), told

    return plain.fitting(naming.fewer(MOST, plain.MOST, 200, 80), make)


def _place(place: Mapping[str, Any], count: int, width: int) -> dict[str, Any]:
    return {
        "name": plain.cut(place["place"], width),
        "word": place["word"],
        "before": place["before"]["status"] if place["before"] else None,
        "now": place["now"]["status"] if place["now"] else None,
        "new": _spotted(place["new"][:count], width),
        "new_not_shown": max(0, len(place["new"]) - count),
        "gone": _spotted(place["gone"][:count], width),
        "gone_not_shown": max(0, len(place["gone"]) - count),
        "still": len(place["still"]),
        "unknown": len(place["unknown"]),
    }


def _spotted(found: Sequence[Mapping[str, Any]], width: int) -> list[dict[str, Any]]:
    def text(said: str | None) -> str | None:
        return None if said is None else plain.cut(said, width)

    return [{name: text(each[name]) for name in ("test", "file", "message")} for each in found]


def list_flaky(ask: Ask, asked: inputs.OneBranch, key: str) -> Answer:
    """The tests and the recipes of a branch that are not to be relied on."""
    place = {"project": asked.project, **({"branch": asked.branch} if asked.branch else {})}
    tests = ask("list_tests", {**place, "word": ["flaky"], "limit": 200})["items"]
    try:
        verdicts = ask("list_verdicts_of_branch", place)["items"]
    except ApiError as error:
        # The project is there: it was asked for its tests. Nothing has run on the branch yet.
        if error.code != "not_found":
            raise
        verdicts = []
    recipes = [each for each in verdicts if each["flaky"]]

    def make(size: tuple[int, int]) -> Answer:
        count, width = size
        told = plain.cleaned(
            {
                "project": asked.project,
                "tests": [_test(each, width) for each in tests[:count]],
                "not_shown": max(0, len(tests) - count),
                "recipes": [
                    {"name": plain.cut(each["name"], width), "why": plain.cut(each["flaky"], width)}
                    for each in recipes[:count]
                ],
                "untrusted": UNTRUSTED,
                "next": "What is not named here, and fails, is most likely broken: get_failures tells why.",
            }
        )
        return telling.flaky(told, key), told

    return plain.fitting(naming.fewer(2 * MOST, 300, 100), make)


def _test(told: Mapping[str, Any], width: int) -> dict[str, Any]:
    names = [name for name in (told["subproject"], told["recipe"]) if name]
    return {
        "name": plain.cut(":".join(names), width),
        "test": plain.cut(told["test"], width),
        "seen": told["life"]["seen"],
        "looked_for": told["life"]["looked_for"],
        "last_run": told["life"]["last_run"],
    }

"""`matrix` of a recipe: one recipe for each value of each axis, named after it. Pure."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ctci.model import Recipe

Axes = Mapping[str, Sequence[str]]
#: More recipes are not made of one.
MOST = 50
_AXIS = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def axis_fault(name: str) -> str | None:
    """Why an axis cannot be called so, or None."""
    return None if _AXIS.fullmatch(name) else "a small letter, then small letters, digits, `_` and `-`"


def value_fault(value: str) -> str | None:
    """Why a recipe cannot be named after the value, or None."""
    if not value or value != value.strip():
        return "it is empty, or has a blank at an end"
    if len(value) > 64:
        return "it has more than 64 characters"
    if not value.isprintable():
        return "it has a character that cannot be shown"
    return next((f"it has `{wrong}` in it" for wrong in "[],=" if wrong in value), None)


def size(axes: Axes) -> int:
    """How many recipes there would be."""
    product = 1
    for entries in axes.values():
        product *= len(entries)
    return product


def variable(axis: str) -> str:
    """What a recipe finds the value in."""
    return f"MATRIX_{axis.upper().replace('-', '_')}"


def cells(name: str, axes: Axes) -> dict[str, dict[str, str]]:
    """Name -> variables of each recipe that is made of one; the last axis changes first, as the file has them."""
    found = {}
    for chosen in itertools.product(*axes.values()):
        pairs = list(zip(axes, chosen, strict=True))
        cell = ",".join(f"{axis}={each}" for axis, each in pairs)
        found[f"{name}[{cell}]"] = {variable(axis): each for axis, each in pairs}
    return found


def expand(recipes: Mapping[str, Recipe], axes: Mapping[str, Axes]) -> dict[str, Recipe]:
    """The recipes, with all of its own in the place of each that has axes; whoever needs it needs them all."""
    made: dict[str, dict[str, dict[str, str]]] = {
        name: cells(name, axes[name]) if name in axes else {name: {}} for name in recipes
    }
    return {
        cell: replace(recipe, name=cell, env={**recipe.env, **variables}, needs=_all(recipe.needs, made))
        for name, recipe in recipes.items()
        for cell, variables in made[name].items()
    }


def by_name(recipes: Iterable[str]) -> dict[str, list[str]]:
    """What each name means: the recipe that is called so, or all that were made of one."""
    found: dict[str, list[str]] = {}
    for recipe in recipes:
        for name in dict.fromkeys((recipe, recipe.partition("[")[0])):
            found.setdefault(name, []).append(recipe)
    return found


def named(wanted: str, recipes: Iterable[str]) -> tuple[str, ...]:
    """The recipes that one name means."""
    return tuple(by_name(recipes).get(wanted, ()))


def _all(needs: Sequence[str], made: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell for need in needs for cell in made.get(need, (need,))))

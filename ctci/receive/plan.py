"""(Trigger, Project, default branch) -> Plan: what is ordered, and a reason for every recipe that is not. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ctci.config import patterns
from ctci.config.settings import Project, Subproject
from ctci.model import HEADS, TAGS, Order, Plan, Recipe, Trigger, Unordered, short_ref
from ctci.receive import options


@dataclass(frozen=True)
class _Ask:
    """What is asked for: by whom, which subprojects by the ref and why, and which recipes by name."""

    trigger: Trigger
    chosen: frozenset[str]
    reason: str
    #: (subproject, recipe) that a person named.
    only: tuple[str | None, str | None]
    #: What a push option named.
    words: tuple[str, ...]
    #: The recipes that a schedule names; empty: all.
    recipes: tuple[str, ...]


def plan(
    trigger: Trigger,
    project: Project,
    *,
    default_branch: str | None = None,
    log_cap: int,
    only: tuple[str | None, str | None] = (None, None),
) -> Plan:
    """What `trigger` asks of `project`.

    `default_branch`: the remote's HEAD as far as it is known. `only`: (subproject, recipe) that a person named;
    what a person names is built on any ref, with what it needs. A needed recipe stands before those that need it.
    """
    chosen, reason = _subprojects(trigger, project)
    schedule = project.schedules.get(trigger.schedule or "")
    recipes = schedule.recipes if schedule is not None else ()
    ask = _Ask(trigger, chosen, reason, _meant(project, only), options.only(trigger.options), recipes)
    orders: list[Order] = []
    unordered: list[Unordered] = []
    for sub in project.subs.values():
        why_not = {name: _why_not(ask, sub, recipe) for name, recipe in sub.recipes.items()}
        ordered = _needed_first(sub, (name for name, why in why_not.items() if why is None))
        orders += (_order(trigger, project, sub, recipe, default_branch, log_cap) for recipe in ordered.values())
        unordered += (
            Unordered(subproject=sub.name, recipe=name, reason=why)
            for name, why in why_not.items()
            if why is not None and name not in ordered
        )
    if not orders:
        return Plan(orders=(), unordered=tuple(unordered), reason=_nothing(ask, unordered))
    missing = undeclared(trigger, project)
    remark = f"no recipe declares {_names(missing)} in its `vars`" if missing else ""
    reason = f"{reason}; {remark}" if remark else reason
    told = _queued(orders, reason)
    return Plan(orders=tuple(orders), unordered=tuple(unordered), reason=told, why=reason, remark=remark)


def _queued(orders: Sequence[Order], why: str) -> str:
    return f"{_names(list(dict.fromkeys(order.subproject or order.recipe.name for order in orders)))} queued: {why}"


def _subprojects(trigger: Trigger, project: Project) -> tuple[frozenset[str], str]:
    """The subprojects that the ref asks for, and why."""
    everything = frozenset(project.subs)
    if trigger.schedule is not None:
        schedule = project.schedules.get(trigger.schedule)
        chosen = frozenset(schedule.subs) if schedule is not None and schedule.subs else everything
        return chosen, f"the schedule {trigger.schedule}"
    if trigger.kind in ("manual", "rerun"):
        return everything, f"asked for by {trigger.pusher}" if trigger.pusher else "asked for by hand"
    name = short_ref(trigger.ref)
    if trigger.ref.startswith(HEADS):
        return _by_table("branch", name, project.branches, everything, "no branches table, so every branch builds")
    if trigger.ref.startswith(TAGS):
        if project.tags is None:
            return frozenset(), f"tag {name}: no tags table, so tags are not built"
        return _by_table("tag", name, project.tags, everything, "")
    return frozenset(), f"{trigger.ref} is neither a branch nor a tag"


def _by_table(
    kind: str, name: str, table: Mapping[str, tuple[str, ...]] | None, everything: frozenset[str], without: str
) -> tuple[frozenset[str], str]:
    if table is None:
        return everything, without
    found = patterns.choose(table, name)
    if found is None:
        return frozenset(), f"{kind} {name} matches no pattern of the project"
    pattern, subs = found
    if not subs:
        return frozenset(), f"{kind} {name} matches “{pattern}” = [], never built"
    matches = f"the {kind} is {name}" if pattern == name else f"the {kind} matches “{pattern}”"
    return frozenset(subs), matches


def spared(planned: Plan, changed: Sequence[str]) -> Plan:
    """The plan without the orders whose path filter none of the changed files concerns."""
    kept = tuple(
        order
        for order in planned.orders
        if not order.paths or any(patterns.touches(order.paths, path) for path in changed)
    )
    reason = "no file that its `paths` name has changed, so it repeats its last result, if there is one"
    spared = tuple(
        Unordered(subproject=order.subproject, recipe=order.recipe.name, reason=reason)
        for order in planned.orders
        if order not in kept
    )
    told = _queued(kept, planned.why) if kept else "nothing is run: no path filter lets these changes through"
    return replace(planned, orders=kept, unordered=(*planned.unordered, *spared), reason=told)


def undeclared(trigger: Trigger, project: Project) -> list[str]:
    """The variables that a trigger sets and no recipe declares."""
    declared = {name for sub in project.subs.values() for recipe in sub.recipes.values() for name in recipe.vars}
    return [name for name in options.variables(trigger.options) if name not in declared]


def _why_not(ask: _Ask, sub: Subproject, recipe: Recipe) -> str | None:
    wanted_sub, wanted_recipe = ask.only
    if wanted_sub is not None and sub.name != wanted_sub:
        return f"only {wanted_sub} was asked for"
    if wanted_recipe is not None and not _is_called(recipe.name, wanted_recipe):
        return f"only {wanted_recipe} was asked for"
    if sub.name not in ask.chosen:
        return f"{ask.reason}, which does not name it" if ask.chosen else ask.reason
    named = wanted_recipe is not None or any(_names_recipe(word, sub.name, recipe.name) for word in ask.words)
    if ask.words and not named and sub.name not in ask.words:
        return f"the push said `-o {options.ONLY}{','.join(ask.words)}`"
    event = _event(ask.trigger)
    if ask.recipes:
        return None if recipe.name in ask.recipes else f"{ask.reason}, which does not name it"
    if recipe.on is not None and event not in recipe.on and not named:
        kind = "the schedule " if ask.trigger.schedule is not None else "a "
        return f"on = {', '.join(recipe.on) or 'nothing'}, and this is {kind}{event}"
    return None


def _event(trigger: Trigger) -> str:
    """What `on` calls it: a schedule by its name."""
    if trigger.schedule is not None:
        return trigger.schedule
    return "manual" if trigger.kind == "rerun" else trigger.event


def _meant(project: Project, only: tuple[str | None, str | None]) -> tuple[str | None, str | None]:
    """What a person means who wrote `:api:test` or `/api/test`, or `/test` where one subproject alone has that."""
    sub, recipe = only
    if sub is None and recipe is not None and not _homes(project, recipe):
        within, colon, name = recipe.partition(":")
        return (within, name) if colon else only
    if sub is not None and recipe is None and sub not in project.subs:
        within, slash, name = sub.rpartition("/")
        homes = _homes(project, name)
        if slash:
            return (within, name) if within in homes else only
        return (homes[0], name) if len(homes) == 1 else only
    return only


def _homes(project: Project, name: str) -> list[str]:
    """The subprojects that have a recipe called so."""
    return [sub.name for sub in project.subs.values() if any(_is_called(each, name) for each in sub.recipes)]


def _is_called(recipe: str, name: str) -> bool:
    """Whether it is the recipe of that name, or one that its matrix made: `test[py=3.11]` of `test`."""
    return name in (recipe, recipe.partition("[")[0])


def _names_recipe(word: str, sub: str, recipe: str) -> bool:
    """Whether `api:test`, `api/test` or `test` means this recipe."""
    within, _, name = word.replace("/", ":", 1).rpartition(":")
    return _is_called(recipe, name) and within in ("", sub)


def _needed_first(sub: Subproject, wanted: Iterable[str]) -> dict[str, Recipe]:
    """The wanted recipes and all that they need, each behind what it needs and otherwise as they are given."""
    found: dict[str, Recipe] = {}
    seen: set[str] = set()
    for first in wanted:
        # (recipe, whether what it needs is found)
        waiting = [(first, False)]
        while waiting:
            name, ready = waiting.pop()
            if ready:
                found[name] = sub.recipes[name]
            elif name not in seen and name in sub.recipes:
                seen.add(name)
                waiting.append((name, True))
                waiting += ((need, False) for need in reversed(sub.recipes[name].needs))
    return found


def _order(
    trigger: Trigger, project: Project, sub: Subproject, recipe: Recipe, default_branch: str | None, log_cap: int
) -> Order:
    mode = project.on_new_push
    if mode is None:
        # Superseding a running default branch starves it where pushes come faster than tests.
        default = project.default_branch or trigger.default_branch or default_branch or "main"
        mode = "queue" if trigger.ref == HEADS + default else "supersede"
    return Order(
        project=project.name,
        subproject=sub.name,
        directory=sub.path,
        ref=trigger.ref,
        recipe=replace(recipe, env={**recipe.env, **_variables(trigger, recipe)}),
        remote=project.remote,
        on_new_push=mode,
        paths=sub.paths,
        log_cap=log_cap,
    )


def _variables(trigger: Trigger, recipe: Recipe) -> dict[str, str]:
    """Those that the trigger sets and the recipe declares."""
    return {name: value for name, value in options.variables(trigger.options).items() if name in recipe.vars}


def _nothing(ask: _Ask, unordered: list[Unordered]) -> str:
    """Why nothing at all is ordered."""
    if not ask.chosen:
        return ask.reason
    asked = list(filter(None, ask.only)) or list(ask.words)
    meant = [each for each in unordered if _is_meant(ask, each)]
    if asked and not meant:
        by = "" if ask.only != (None, None) else f" (`-o {options.ONLY}`)"
        return f"nothing is called {':'.join(asked) if not by else _names(asked)}{by}"
    reasons = list(dict.fromkeys(each.reason for each in meant))
    told = reasons[0] if len(reasons) == 1 else f"no recipe is for this: {'; '.join(reasons)}"
    return f"{_names(asked)}: {told}" if asked else told


def _is_meant(ask: _Ask, one: Unordered) -> bool:
    """Whether its reason is that of the whole: it is what somebody named, or where nobody did, what the ref chose."""
    sub, recipe = ask.only
    if ask.only != (None, None):
        return sub in (None, one.subproject) and (recipe is None or _is_called(one.recipe, recipe))
    if ask.words:
        return any(word == one.subproject or _names_recipe(word, one.subproject, one.recipe) for word in ask.words)
    return one.subproject in ask.chosen


def _names(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"

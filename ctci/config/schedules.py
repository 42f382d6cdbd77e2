"""`schedules` of a project: when which recipes run without a push."""

from collections.abc import Mapping
from typing import Any

from ctci.config import keys, later, matrix, times, values
from ctci.config.reader import Reader
from ctci.config.scan import At
from ctci.config.settings import Schedule, Subproject


def names(value: object) -> tuple[str, ...]:
    """The names of a table of schedules, before it is read: recipes may say that they are theirs."""
    return tuple(value) if isinstance(value, dict) else ()


def read(r: Reader, at: At, value: object, subs: Mapping[str, Subproject], timezone: str) -> dict[str, Schedule]:
    """The schedules of a project with these subprojects."""
    found = {}
    for name, each in r.named(at, value, "schedule").items():
        if name in keys.EVENTS:
            said = f"a schedule cannot be called `{name}`"
            r.say("C105", said, (*at, name), key=True, hint="it is the name of an event")
        found[name] = _schedule(r, (*at, name), each, subs, timezone)
    return found


def _schedule(r: Reader, at: At, value: object, subs: Mapping[str, Subproject], timezone: str) -> Schedule:
    name = str(at[-1])
    entries = r.table(at, value, keys.SCHEDULE, f"schedule `{name}`")
    if not isinstance(value, dict):
        return Schedule(name=name, cron="0 0 * * *")
    chosen = _subs(r, (*at, "sub"), entries["sub"], subs) if "sub" in entries else ()
    later.check(r, at, entries, keys.SCHEDULE)
    base = Schedule(name=name, cron="")
    bisect, until = _bisect(r, (*at, "bisect"), entries.get("bisect", False))
    return Schedule(
        name=name,
        cron=_cron(r, at, entries),
        timezone=values.zone(r, (*at, "timezone"), entries.get("timezone", timezone)) or timezone,
        branches=values.names(r, (*at, "branches"), entries.get("branches", [])),
        subs=chosen,
        recipes=_recipes(r, (*at, "recipes"), entries["recipes"], subs, chosen) if "recipes" in entries else (),
        skip_unchanged=values.flag(r, (*at, "skip-unchanged"), entries.get("skip-unchanged", False)),
        catch_up_s=_seconds(r, at, "catch-up", entries, base.catch_up_s),
        jitter_s=_seconds(r, at, "jitter", entries, base.jitter_s),
        bisect=bisect,
        bisect_until=until,
    )


def _bisect(r: Reader, at: At, value: object) -> tuple[bool, str | None]:
    """Whether a culprit is looked for, and until when."""
    if isinstance(value, bool):
        return value, None
    if not isinstance(value, dict):
        r.wrong_type(at, value, "true, false or a table")
        return False, None
    entries = r.table(at, value, keys.BISECT, "`bisect`")
    return True, values.time(r, (*at, "until"), entries["until"]) if "until" in entries else None


def _seconds(r: Reader, at: At, key: str, entries: Mapping[str, Any], default: int) -> int:
    return values.duration(r, (*at, key), entries[key], default) if key in entries else default


def _cron(r: Reader, at: At, entries: Mapping[str, Any]) -> str:
    """The line of cron that is written, or that `at` and `days` mean."""
    name = at[-1]
    nothing = "0 0 * * *"
    if ("at" in entries) == ("cron" in entries):
        found = "take one of them out" if "at" in entries else 'write at = "02:30" or cron = "30 2 * * *"'
        r.say("C303", f"schedule `{name}` needs exactly one of `at` and `cron`", at, key=True, hint=found)
        return nothing
    days = values.days(r, (*at, "days"), entries["days"]) if "days" in entries else ()
    if "at" in entries:
        time = values.time(r, (*at, "at"), entries["at"])
        return times.line(time, days) if time is not None else nothing
    if "days" in entries:
        said = f"schedule `{name}` has `days` beside `cron`"
        r.say("C303", said, (*at, "days"), key=True, hint="the last field of `cron` names them")
    place: At = (*at, "cron")
    cron = values.line(r, place, entries["cron"])
    if not isinstance(entries["cron"], str) or not (cron or entries["cron"] == ""):
        return nothing
    fault = times.cron_fault(cron)
    if fault is not None:
        r.say("C304", f"not a line of cron: `{cron}`", place, hint=fault)
        return nothing
    if times.never(cron):
        r.say("C305", f"schedule `{name}` never fires", place, hint="there is no such day in any year")
        return nothing
    return cron


def _subs(r: Reader, at: At, value: object, subs: Mapping[str, Subproject]) -> tuple[str, ...]:
    found = values.texts(r, at, value)
    for place, sub in found:
        if (sub not in subs or not sub) and not r.full:
            known = [each for each in subs if each]
            meant = r.close(sub, known)
            hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(known) or 'none'}"
            r.say("C107", f"no subproject `{sub}` in project `{at[1]}`", place, hint=hint)
    return tuple(dict.fromkeys(sub for _, sub in found if sub in subs))


def _recipes(
    r: Reader, at: At, value: object, subs: Mapping[str, Subproject], chosen: tuple[str, ...]
) -> tuple[str, ...]:
    known = list(dict.fromkeys(recipe for sub in chosen or subs for recipe in subs[sub].recipes))
    by_name = matrix.by_name(known)
    found: list[str] = []
    for place, wanted in values.texts(r, at, value):
        meant = by_name.get(wanted, [])
        found += meant
        if not meant and known and not r.full:
            close = r.close(wanted, known)
            hint = f"did you mean `{close}`?" if close else f"known: {', '.join(known)}"
            r.say("C112", f"schedule `{at[-2]}` names recipe `{wanted}`, which does not exist", place, hint=hint)
    return tuple(dict.fromkeys(found))

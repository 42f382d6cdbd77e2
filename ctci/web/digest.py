"""`/digest` and `/digest.json`: a digest, whole; as it would be now, or of the window that a letter links to."""

import json
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from ctci import clock, ledger, words
from ctci.api.digests import COMMITS, LINES, sections
from ctci.config.settings import Config, Notify
from ctci.model import Branch, Status, short_ref
from ctci.receive.almanac import Almanac
from ctci.report import digest, digest_letter, digest_lines, gathering, upcoming
from ctci.web import render, sentences, strip
from ctci.web.doors import Doors

TOO_LONG = f"A digest tells of {upcoming.LONGEST_DAYS} days at most"
#: The glyph of what a line says, and the status whose colour it has.
MARKS = {
    "broke": ("failed", "broke"),
    "failed": ("failed", "broke"),
    "still broken": ("failed", "failed"),
    "fixed": ("succeeded", "fixed"),
    "deleted": ("skipped", "sub"),
    "flaky": ("flaky", "sub"),
    "slower": ("slower", "sub"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One branch."""

    branch: Branch
    strip: strip.Strip


def page(request: Request) -> Response:
    """The whole page."""
    doors = render.doors(request)
    tables = _tables(doors.current.get())
    if not tables:
        said = sentences.Verdict(parts=(sentences.Part("Nobody gets a digest yet."),))
        return render.page(request, "digest.html", verdict=said, title="Digest", nav="digest", tables=(), notify=None)
    found = _asked(request, doors, tables)
    if found is None and _is_too_long(request):
        return render.wrong(request, 400, f"{TOO_LONG}.", "Ask for less with `since` and `until`.")
    if found is None:
        return render.wrong(
            request, 404, "There is no such digest.", f"Tables of notify with one: {', '.join(tables)}."
        )
    notify, made = found
    facts = made.facts
    return render.page(
        request,
        "digest.html",
        verdict=headline(made),
        title="Digest",
        state="broken" if made.broke or made.still else "green" if made.green else "idle",
        nav="digest",
        tables=tuple(tables),
        notify=notify,
        facts=facts,
        # Those that are not over have a section of their own.
        notes=digest_letter.notes(replace(made, unfinished=())),
        sections=digest_lines.sections(made, LINES, COMMITS),
        marks=MARKS,
        rows=_rows(doors, made),
        made=made,
    )


def as_json(request: Request) -> Response:
    """The same for programs."""
    doors = render.doors(request)
    found = _asked(request, doors, _tables(doors.current.get()))
    too_long = found is None and _is_too_long(request)
    told: dict[str, object] = {"to": None, "sections": [], **({"error": TOO_LONG} if too_long else {})}
    if found is not None:
        notify, made = found
        facts = replace(made.facts, public_url=doors.current.get().server.public_url)
        told = {
            "to": notify.name,
            "date": facts.date,
            "since": facts.since,
            "until": facts.until,
            "headline": headline(made).text.replace(words.THIN, " "),
            "runs": made.runs,
            "green": made.green,
            "notes": [each.replace(words.THIN, " ") for each in digest_letter.notes(made)],
            "unfinished": [
                {
                    "run": each.run,
                    "project": each.project,
                    "name": each.name,
                    "branch": each.branch,
                    "since": each.since,
                }
                for each in made.unfinished
            ],
            "sections": sections(replace(made, facts=facts)),
        }
    content = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    status = 200 if found is not None else 400 if too_long else 404
    return Response(content, status, media_type="application/json", headers={"cache-control": "no-store"})


def headline(made: digest.Digest) -> sentences.Verdict:
    """Such as `2 broke, 1 still broken, 1 fixed: 41 runs, 36 green.`, as its letter says it, and its status."""
    told = digest_letter.headline(made)
    counted = f": {words.count(made.runs, 'run')}, {words.number(made.green)} green" if made.runs else ""
    status: Status | None
    if made.broke or made.still:
        status = Status.FAILED
    elif made.errored or made.overdue:
        status = Status.ERRORED
    else:
        status = Status.SUCCEEDED if made.green else None
    return sentences.Verdict(parts=(sentences.Part(f"{told}{'' if made.is_quiet else counted}."),), status=status)


def _tables(settings: Config) -> dict[str, Notify]:
    """Those with a digest, by name."""
    return {name: each for name, each in settings.notify.items() if each.digest is not None and each.email}


def _asked(request: Request, doors: Doors, tables: dict[str, Notify]) -> tuple[Notify, digest.Digest] | None:
    """The digest that is asked for; None where there is no such table, or the window is none."""
    notify = tables.get(request.query_params.get("to") or next(iter(tables), ""))
    window = _window(request, doors, notify) if notify is not None else None
    if notify is None or window is None or notify.digest is None:
        return None
    facts = gathering.facts(
        doors.db,
        doors.current.get(),
        notify,
        window,
        following=Almanac(doors.db, doors.current).following,
        remarks=doors.remarks,
    )
    unsent = tuple(replace(each, to=words.veiled(each.to), error=words.veiled(each.error)) for each in facts.unsent)
    # Links of a page are of the server that it was asked of.
    return notify, digest.compose(replace(facts, public_url=render.root(doors), unsent=unsent))


def _window(request: Request, doors: Doors, notify: Notify) -> upcoming.Window | None:
    now = clock.now()
    since, until = (request.query_params.get(name, "") for name in ("since", "until"))
    if since or until:
        if not (_is_time(since) and _is_time(until)):
            return None
        last = min(int(until), now)
        first = int(since)
        if not 0 <= last - first <= upcoming.LONGEST_MS:
            return None
        return upcoming.Window(date=upcoming.day(notify.timezone, last), since=first, until=last)
    to = f"{notify.name}:{notify.email[0]}"
    last_to = ledger.last_to(doors.db, upcoming.SINK).get(to)
    ended = ledger.last_to(doors.db, upcoming.SINK, states=upcoming.ENDING).get(to)
    if notify.digest is None:
        return None
    return upcoming.since_last(notify.digest, notify.timezone, last_to, ended, now)


def _is_too_long(request: Request) -> bool:
    since, until = (request.query_params.get(name, "") for name in ("since", "until"))
    return _is_time(since) and _is_time(until) and min(int(until), clock.now()) - int(since) > upcoming.LONGEST_MS


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


def _rows(doors: Doors, made: digest.Digest) -> tuple[Row, ...]:
    places = [(each.project, each.ref) for each in made.branches]
    strips = ledger.strips(doors.db, places, length=strip.SLOTS) if places else {}
    return tuple(
        Row(
            branch=each,
            strip=strip.strip(f"{each.project} {short_ref(each.ref)}", strips.get((each.project, each.ref), ())),
        )
        for each in made.branches
    )

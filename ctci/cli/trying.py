"""try: what lies in this working copy, run by the server as a push of it would be, and held against another branch."""

from pathlib import Path

from ctci import config, git, ledger, shape
from ctci.cli import asking, judging, session, source, targets, terminal, watching
from ctci.config.settings import Config
from ctci.layout import Layout
from ctci.model import place_of
from ctci.receive import copies, trying, whose

#: Recipes that are not run are named, with their reasons, up to so many.
MOST_TOLD = 20


def run(
    only: tuple[str | None, str | None],
    *,
    project: str | None,
    as_: str | None,
    against: str | None,
    wait: bool,
    fields: tuple[str, ...] | None,
) -> int:
    """Ask for it, watch it, and tell what it means; the exit code."""
    ground = session.ground()
    settings = asking.configured(ground)
    git.setup()
    here = _here()
    if session.holder(ground.layout) is None:
        _unserved(ground.layout)
    db = session.need_ledger(ground.layout, session.AWAY)
    name = project or _project(db, settings, here)
    branch = as_ or here.pushed_as
    if branch is None:
        raise session.Refused("HEAD is detached: `--as BRANCH` says as which branch it is tried", session.WRONG)
    only = _without_project(settings, name, only)
    try:
        with git.taken(here.top, name=session.me()) as taken:
            tried = trying.attempt(
                db,
                settings,
                ground.layout,
                taken,
                project=name,
                ref=targets.ref(branch),
                only=only,
                against=targets.ref(against) if against else None,
                by=session.me(),
            )
    except git.GitError as error:
        raise session.Refused(str(error), session.WRONG) from error
    number = tried.recorded.run
    if number is None:
        raise session.Refused(f"nothing to run: {tried.recorded.reason}", session.ABSENT)
    who = f"{session.me()} on this machine"
    ledger.did(db, who=who, via=source.VIA, did=f"tried {name}", project=name, run=number)
    if fields is None:
        terminal.say(shape.run_url(ground.public_url, number))
    _tell(number, taken, tried)
    if not wait:
        return session.FINE
    try:
        code = watching.run(source.find(), number, follow=fields is None)
    except KeyboardInterrupt:
        ledger.ask_cancel(db, by=session.me(), reason="Ctrl-C", run=number)
        terminal.note(f"\n#{number} is asked to end")
        return session.STOPPED
    judging.why(targets.Target(run=number), None, fields)
    return code


def _without_project(
    settings: Config, project: str, only: tuple[str | None, str | None]
) -> tuple[str | None, str | None]:
    """`api:test` of `shop/api:test`, and `test` of `shop:test`: so a job is called wherever it is shown."""
    sub, recipe = only
    found = config.named(settings, [project]).get(project)
    if sub is None or found is None or sub in found.subs:
        return only
    if sub == project:
        return recipe, None
    return sub.removeprefix(f"{project}/"), recipe


def _here() -> git.Working:
    try:
        return git.working(Path.cwd())
    except git.GitError as error:
        raise session.Refused(f"try wants a git working copy: {error}", session.WRONG) from error


def _unserved(place: Layout) -> None:
    raise session.Refused(
        f"no server is running on {place.data}; `ctci serve` starts one, and `ctci run PROJECT --here` needs none",
        session.AWAY,
    )


def _project(db: ledger.Ledger, settings: Config, here: git.Working) -> str:
    """The project that the working copy is of. Raises Refused where none or more than one is."""
    known = whose.every(db, settings)
    found = copies.owners(settings, known, tuple(here.remotes.values()), here.top)
    if len(found) == 1:
        return found[0]
    if found:
        raise session.Refused(f"this may be {' or '.join(found)}: `--project NAME` says which", session.WRONG)
    lies = " and ".join(f"{name} is {whose.shown(address)}" for name, address in here.remotes.items())
    have = ", ".join(f"{name} at {whose.shown(each.remote.url)}" for name, each in sorted(known.items())) or "none"
    raise session.Refused(
        f"no project is at a remote of {here.top} ({lies or 'it has none'}); configured: {have}; "
        "`--project NAME` says which it is",
        session.ABSENT,
    )


def _tell(number: int, taken: git.Taken, tried: trying.Tried) -> None:
    """What is tried, and what is not, and why."""
    terminal.note(f"#{number}: {terminal.plain(tried.recorded.reason)}")
    if not taken.dirty:
        terminal.note(f"      nothing here is uncommitted: what is tried is {taken.commit[:7]}")
    for name in taken.left:
        terminal.note(terminal.plain(f"      what is not committed in the submodule {name} is not tried"))
    unordered = tried.plan.unordered
    for each in unordered[:MOST_TOLD]:
        place = place_of(each.subproject, each.recipe)
        terminal.note(terminal.plain(f"      {place} is not run: {each.reason}"))
    if len(unordered) > MOST_TOLD:
        terminal.note(f"      and {len(unordered) - MOST_TOLD} more are not run")

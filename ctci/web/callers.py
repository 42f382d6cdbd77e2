"""Who calls a hook: whose secret the call carries, and only then which project it is about.

A name in the URL is one project, or one of each [each] that could have it. Without a name, the secret of an [each]
that signed the body tells the organisation, and only then the body the repository; on this machine the hook's own
folder does, which needs no secret.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from ctci import clock, config, forges
from ctci.config.settings import Each, Project
from ctci.model import Ignored, Trigger
from ctci.receive import whose
from ctci.web import auth
from ctci.web.doors import Doors

log = logging.getLogger(__name__)

#: Nobody signs with it; calls for nobody are held against it.
_NOBODYS = clock.new_token().encode()


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a hook, before anything of it is believed."""

    #: What the URL names; None: to be found.
    name: str | None
    #: Lower-case names.
    headers: Mapping[str, str]
    body: bytes
    #: Through the data folder's own socket.
    local: bool

    @property
    def folder(self) -> str | None:
        """The repository that our hook lies in, as far as a hook of this machine tells it."""
        return self.headers.get("x-ctci-repository") if self.local else None


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whom a call comes from."""

    #: How its body is to be read.
    spoken: str
    #: Those that believe it; several of one name where their secrets are the same.
    projects: tuple[Project, ...] = ()
    #: Each [each] whose secret signed a call that names no project.
    signers: tuple[Each, ...] = ()
    #: Whether there is a project of the name, or at the folder, that it tells.
    known: bool = False

    @property
    def believed(self) -> bool:
        """Whether anybody believes it."""
        return bool(self.projects or self.signers)


def call(request: Request, doors: Doors, body: bytes) -> Call:
    """What came in."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        # A header that came several times is joined by commas.
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return Call(
        name=request.path_params.get("project"), headers=headers, body=body, local=auth.is_local(request, doors)
    )


def caller(doors: Doors, call: Call, told: str) -> Caller:
    """Who calls, where the headers tell of the forge `told`."""
    settings = doors.current.get()
    if call.local and told == "post_receive":
        found = whose.pushed(settings, call.name, call.folder)
        return Caller(spoken=told, projects=(found,) if found else (), known=found is not None)
    if call.name is None:
        signers = tuple(
            each for each in settings.each.values() if authentic(doors, each.project, _spoken(told, each.project), call)
        )
        return Caller(spoken=_spoken(told, signers[0].project if signers else None), signers=signers)
    every = config.candidates(settings, call.name)
    if not every:
        _nobody(told, call)
    believed = tuple(one for one in every if authentic(doors, one, _spoken(told, one), call))
    first = next(iter(believed or every), None)
    return Caller(spoken=_spoken(told, first), projects=believed, known=first is not None)


def _spoken(told: str, project: Project | None) -> str:
    """Which forge speaks: our hook says so, then the configuration, then the headers."""
    if told != "post_receive" and project is not None and project.forge not in (None, "none"):
        return project.forge or told
    return told


def authentic(doors: Doors, project: Project, spoken: str, call: Call) -> bool:
    """Whether the call carries the project's secret."""
    if project.webhook_secret is None:
        return _nobody(spoken, call)
    try:
        secret = config.reveal(project.webhook_secret, doors.environ, doors.current.get().folder)
    except config.SecretError as error:
        log.error("webhook-secret of %s: %s", project.name or project.remote.url, error)
        return False
    return forges.SPOKEN[spoken].authentic(call.headers, call.body, secret)


def _nobody(spoken: str, call: Call) -> bool:
    """No. It takes as long as where there is a secret, so that nobody can tell by the time which projects there are."""
    forges.SPOKEN[spoken].authentic(call.headers, call.body, _NOBODYS)
    return False


def about(doors: Doors, caller: Caller, items: Sequence[Trigger | Ignored]) -> Project | None:
    """Which project of a believed caller the call is about; None: none of an organisation's."""
    name = next((item.repository for item in items if item.repository is not None), None)
    if caller.signers:
        return whose.signed(doors.current.get(), caller.signers, name) if name is not None else None
    fitting = (one for one in caller.projects if name is None or forges.same_repository(one.remote.url, name))
    return next(fitting, caller.projects[0])

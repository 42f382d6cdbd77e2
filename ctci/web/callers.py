"""Who calls a hook: which project it is about, and whether it is believed.

A project that the URL names is known before the body is believed. Without a name, the secret of an [each] that signed
the body tells the organisation, and only then the body the repository; on this machine the hook's own folder does.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from ctci import config, forges
from ctci.config.settings import Config, Project
from ctci.model import Ignored, Trigger
from ctci.web.doors import Doors

log = logging.getLogger(__name__)


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


def call(request: Request, doors: Doors, body: bytes) -> Call:
    """What came in."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        # A header that came several times is joined by commas.
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return Call(name=request.path_params.get("project"), headers=headers, body=body, local=_is_local(request, doors))


def _is_local(request: Request, doors: Doors) -> bool:
    """Whether the call came through the data folder's own socket, and no proxy stands between."""
    server = request.scope.get("server")
    own = request.client is None and server is not None and server[0] == str(doors.layout.socket)
    return own and not any(name in request.headers for name in ("forwarded", "x-forwarded-for", "via"))


def project_of(doors: Doors, call: Call) -> Project | None:
    """The project that the URL names, or that the hook's folder is; None where only a secret can tell."""
    settings = doors.current.get()
    if call.name is not None:
        return config.project(settings, call.name)
    folder = call.headers.get("x-ctci-repository")
    if not call.local or folder is None:
        return None
    return next((each for each in config.named(settings).values() if each.remote.url == folder), None)


def spoken_by(call: Call, project: Project | None) -> str | None:
    """Which forge speaks: our hook says so, then the configuration, then the headers."""
    spoken = forges.detect(call.headers)
    if spoken != "post_receive" and project is not None and project.forge not in (None, "none"):
        return project.forge
    return spoken


def authentic(doors: Doors, project: Project, spoken: str, call: Call) -> bool:
    """Whether the call carries the project's secret."""
    if project.webhook_secret is None:
        return False
    try:
        secret = config.reveal(project.webhook_secret, doors.environ, doors.current.get().folder)
    except config.SecretError as error:
        log.error("webhook-secret of %s: %s", project.name, error)
        return False
    return forges.SPOKEN[spoken].authentic(call.headers, call.body, secret)


def of_an_organisation(doors: Doors, spoken: str, call: Call) -> Project | None:
    """The repository that a call is about which the secret of an [each] has signed. Raises forges' BadPayload."""
    settings: Config = doors.current.get()
    for each in settings.each.values():
        if not authentic(doors, each.project, spoken, call):
            continue
        name = repository(forges.SPOKEN[spoken].read(call.headers, call.body))
        if name is None:
            continue
        found = config.project(settings, name.rpartition("/")[2])
        if found is not None and forges.same_repository(found.remote.url, name):
            return found
    return None


def repository(items: Sequence[Trigger | Ignored]) -> str | None:
    """The full name that a call tells."""
    return next((item.repository for item in items if item.repository is not None), None)

"""Tells a forge what became of a commit: one call, and what became of it. Nothing is decided here.

The token is read when it is needed, goes to the forge's own address alone, and stands in no message.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ctci import clock, config, forges
from ctci.config.settings import Config, Project
from ctci.forges import status
from ctci.forges.status import Home
from ctci.model import Answer, Say, Status
from ctci.report import calls

#: A shorter half of a secret is no secret, but stands in many words.
_SECRET_FROM = 4


def told(project: Project) -> bool:
    """Whether a project's forge is told what becomes of its commits: with a `token`, and a forge that keeps it."""
    return project.remote.token is not None and forges.statuses(project.forge, project.remote.url) is not None


def body(what: Say) -> Mapping[str, str]:
    """A status as the ledger keeps it until it is said."""
    return asdict(what)


def of_body(kept: Mapping[str, Any]) -> Say:
    """What `body` made of it."""
    return Say(**{**kept, "state": Status(kept["state"])})


def say(
    settings: Config, project: Project, what: Say, environ: Mapping[str, str], *, deadline_s: float = calls.DEADLINE_S
) -> Answer | None:
    """Tell the project's forge; None where none is told. A fault of the configuration or the forge is an answer too."""
    found = forges.statuses(project.forge, project.remote.url)
    if found is None or project.remote.token is None:
        return None
    forge, home = found
    try:
        token = config.reveal(project.remote.token, environ, settings.folder).decode("latin-1").strip()
    except config.SecretError as error:
        return Answer(kind="again", said=str(error), everywhere=True)
    if not (token.isascii() and token.isprintable()):
        # Told by us: the library's error would tell the token.
        where = f"{project.remote.token.kind} {project.remote.token.name}"
        return status.refused(f"the token in {where} has characters that no token has, or several lines")
    name, value = forge.status_authorization(token)
    request = forge.status_request(home, what)
    try:
        answered = calls.call(
            request.method,
            request.url,
            headers={"Accept": "application/json", "Content-Type": "application/json", **request.headers, name: value},
            body=json.dumps(request.body).encode(),
            ca_file=project.remote.ca_file,
            deadline_s=deadline_s,
        )
    except calls.Unanswered as unanswered:
        answer = Answer(kind="again", said=_sentence(home, str(unanswered), deadline_s), everywhere=True)
    else:
        answer = forge.status_answer(home, answered.code, answered.headers, answered.body, clock.now())
    return replace(answer, said=_without(token, answer.said))


def _sentence(home: Home, why: str, deadline_s: float) -> str:
    if why == calls.LATE:
        why += f" ({deadline_s:g} s)"
    elif why.startswith(calls.STRANGE):
        why += "; `ca-file` names its authority"
    return f"{home.host} cannot be told: {why}"


def _without(token: str, said: str) -> str:
    """What a forge said, if it sent back the token that it was given."""
    halves = [half for half in token.split(":", 1) if len(half) >= _SECRET_FROM]
    # The longer first: the shorter may stand in it.
    for secret in sorted({token, base64.b64encode(token.encode()).decode(), *halves}, key=len, reverse=True):
        said = said.replace(secret, "[token]")
    return said

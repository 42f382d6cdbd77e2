"""The configuration: its errors, where each value of the server comes from, and whether every secret is there."""

from collections.abc import Iterator
from pathlib import Path

from ctci import config
from ctci.config import outlets
from ctci.config.settings import Config
from ctci.doctor.finding import FINE, WARNING, WRONG, Check, Subject
from ctci.model import SecretRef

GROUP = "Configuration"


def examine(subject: Subject) -> tuple[Check, ...]:
    """Errors, warnings, origins and secrets."""
    checks = [Check(group=GROUP, name="error", state=WRONG, said=each, fix="`ctci check`") for each in subject.errors]
    checks += [
        Check(group=GROUP, name="warning", state=WARNING, said=each, fix="`ctci check`") for each in subject.warnings
    ]
    if subject.config is None:
        return tuple(checks)
    if not subject.errors and not subject.warnings:
        checks.insert(0, Check(group=GROUP, name="files", state=FINE, said=f"{subject.folder} is valid"))
    checks += [
        Check(group=GROUP, name=name, state=FINE, said=f"from {origin}") for name, origin in subject.origins.items()
    ]
    checks += [_secret(subject, subject.config, what, ref) for what, ref in secrets(subject.config)]
    return tuple(checks)


def secrets(settings: Config) -> Iterator[tuple[str, SecretRef]]:
    """(what it is for, where it lies) of every secret that is configured."""
    for told in settings.notify.values():
        for what, ref in (
            ("apprise", told.apprise),
            ("webhook", told.webhook),
            ("webhook-secret", told.webhook_secret),
            ("heartbeat", told.heartbeat),
        ):
            if ref is not None:
                yield f"{what} of [notify.{told.name}]", ref
    for project in settings.projects.values():
        for what, ref in (
            ("webhook-secret", project.webhook_secret),
            ("token", project.remote.token),
            ("ssh-key", project.remote.ssh_key),
        ):
            if ref is not None:
                yield f"{what} of {project.name}", ref
    smtp = settings.server.smtp
    if smtp is not None and smtp.url is not None:
        yield "smtp url", smtp.url
    otlp = settings.server.otlp
    if otlp is not None and otlp.headers is not None:
        yield "headers of [otlp]", otlp.headers


def _secret(subject: Subject, settings: Config, what: str, ref: SecretRef) -> Check:
    where = f"{{ {ref.kind} = {ref.name} }}"
    try:
        value = config.reveal(ref, subject.environ, settings.folder)
    except config.SecretError as error:
        return Check(group=GROUP, name=what, state=WRONG, said=str(error), fix=f"put it where {where} says")
    key, _, table = what.partition(" of ")
    fault = outlets.fault(key, value) if table.startswith(("[notify.", "[otlp]")) else None
    if fault is not None:
        return Check(group=GROUP, name=what, state=WRONG, said=fault, fix=f"put one where {where} says")
    path = _file(subject, settings, ref)
    if path is not None and path.exists() and path.stat().st_mode & 0o077:
        return Check(group=GROUP, name=what, state=WARNING, said=f"others may read {path}", fix=f"chmod 600 {path}")
    return Check(group=GROUP, name=what, state=FINE, said=f"resolves: {where}")


def _file(subject: Subject, settings: Config, ref: SecretRef) -> Path | None:
    """The file that holds a secret, where it is one of ours: systemd keeps its credentials itself."""
    match ref.kind:
        case "file":
            return settings.folder / ref.name
        case "env":
            named = subject.environ.get(f"{ref.name}_FILE")
            return Path(named) if named and ref.name not in subject.environ else None
        case _:
            kept = subject.environ.get("CREDENTIALS_DIRECTORY")
            return None if kept and (Path(kept) / ref.name).exists() else settings.folder / "secrets" / ref.name

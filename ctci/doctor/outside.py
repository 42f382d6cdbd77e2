"""What answers from outside: each project's remote and hook and its last call, and the mail server.

Everything is asked at once, each with a deadline of its own: one remote that is away does not hide the others.
"""

import os
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ctci import clock, config, git, ledger, setup, words
from ctci.access import access
from ctci.config.settings import Config, Project
from ctci.doctor.finding import FINE, WARNING, WRONG, Check, Subject
from ctci.model import Delivery, Silence
from ctci.receive import sweep

GROUP = "Projects"
#: A remote or mail server that does not answer within this does not answer, seconds.
PATIENCE_S = 10.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def projects(subject: Subject) -> tuple[Check, ...]:
    """Remote, hook and last call of each project."""
    settings = subject.config
    if settings is None or not (projects := config.named(settings)):
        return ()
    git.setup()
    with ThreadPoolExecutor(max_workers=8) as pool:
        remotes = pool.map(lambda project: _remote(subject, settings, project), projects.values())
        checks = {project: [check] for project, check in zip(projects, remotes, strict=True)}
    calls = _last_calls(subject, settings)
    for name, project in projects.items():
        # A forge that calls is all that is needed.
        called = project.webhook_secret is not None and name in calls and calls[name].state == FINE
        hook = _hook(settings, project, called=called)
        checks[name] += [each for each in (hook, calls.get(name)) if each is not None]
    return tuple(check for each in checks.values() for check in each)


def _remote(subject: Subject, settings: Config, project: Project) -> Check:
    name = f"{project.name}: remote"
    began = clock.monotonic()
    try:
        opened = access(project.remote, settings.folder, subject.environ, subject.layout)
        refs = git.ask(opened, deadline_s=PATIENCE_S, stop=lambda: False).refs
    except (git.GitError, config.SecretError, OSError) as error:
        return Check(
            group=GROUP, name=name, state=WRONG, said=str(error), fix=f"see `git` of [projects.{project.name}]"
        )
    took = words.duration(clock.monotonic() - began)
    if not refs:
        return Check(group=GROUP, name=name, state=WARNING, said=f"answers in {took}, and is empty", fix="push to it")
    return Check(group=GROUP, name=name, state=FINE, said=f"answers in {took}: {words.count(len(refs), 'ref')}")


def _hook(settings: Config, project: Project, *, called: bool) -> Check | None:
    """Whether a local bare repository calls ctci; where nobody else has `called`, its pushes are not seen without."""
    repository = setup.local(project.remote.url)
    if repository is None or not (repository / "HEAD").exists():
        return None
    name = f"{project.name}: hook"
    fix = f"ctci hook install {repository} --project {project.name}"
    shipped = Path(setup.__file__).with_name("post-receive").read_bytes()
    hooks = _hooks_of(repository)
    found = [
        path
        for path in (hooks / "post-receive", *sorted((hooks / "post-receive.d").glob("*")))
        if path.is_file() and b"ctci" in path.read_bytes()[:2000]
    ]
    # A dispatcher of ours names ctci too: what counts is whether the hook itself is among them.
    same = [path for path in found if path.read_bytes() == shipped]
    if same and os.access(same[0], os.X_OK):
        amiss = _amiss(settings, project, repository, same[0])
        if amiss is not None:
            return Check(group=GROUP, name=name, state=WRONG, said=amiss, fix=fix)
        return Check(group=GROUP, name=name, state=FINE, said=f"installed and current: {same[0]}")
    if same:
        return Check(group=GROUP, name=name, state=WRONG, said=f"{same[0]} is not executable", fix=fix)
    if found:
        return Check(group=GROUP, name=name, state=WARNING, said=f"{found[0]} is of another ctci", fix=fix)
    if called:
        return None
    return Check(group=GROUP, name=name, state=WARNING, said="none, so pushes are not seen", fix=fix)


def _amiss(settings: Config, project: Project, repository: Path, hook: Path) -> str | None:
    """Why a hook that is called does not tell of the project."""
    told = setup.announced(repository, hook)
    if told is None:
        return f"{hook} finds no ctci.conf, so pushes are not announced"
    conf, name = told
    other = config.project(settings, name)
    # Of two projects of one repository the hook can name one.
    if name == project.name or (other is not None and other.remote.url == project.remote.url):
        return None
    return f"{conf} says project={name}, which is not this project"


def _hooks_of(repository: Path) -> Path:
    done = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "--git-path", "hooks"],
        env={**os.environ, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    said = done.stdout.strip()
    return repository / (said if done.returncode == 0 and said else "hooks")


def _last_calls(subject: Subject, settings: Config) -> dict[str, Check]:
    """What the last call of each project's hook came to."""
    if not subject.layout.ledger.exists() or not os.access(subject.layout.ledger, os.R_OK | os.W_OK):
        return {}
    db = ledger.connect(subject.layout.ledger)
    try:
        last = ledger.last_calls(db)
        silent = {each.project: each for each in sweep.silences(db, settings)}
    except Exception:  # noqa: BLE001 - the ledger itself has a check of its own, which says what is wrong
        return {}
    finally:
        db.close()
    return {name: _last_call(name, last.get(name), silent.get(name)) for name in settings.projects}


def _last_call(project: str, call: Delivery | None, silent: Silence | None) -> Check:
    about = f"{project}: last call"
    ago = words.ago(call.at, clock.now()) if call is not None else ""
    refused = call is not None and call.decision == "refused"
    agree = "the secret there and here must be the same"
    if silent is not None:
        beside = f"; a call was refused {ago}: {call.reason}" if call is not None and refused else ""
        lost = "the forge's own list of deliveries says why; the sweep builds what it does not tell of"
        return Check(
            group=GROUP,
            name=f"{project}: webhook",
            state=WARNING,
            said=words.silence(silent, clock.moment) + beside,
            fix=agree if refused else lost,
        )
    if call is None:
        fix = f"push, or add the webhook; `ctci run {project}` needs none"
        return Check(group=GROUP, name=about, state=WARNING, said="no hook has called yet", fix=fix)
    return Check(
        group=GROUP,
        name=about,
        state=WARNING if refused else FINE,
        said=f"{ago}, {words.decided(call.decision)}: {call.reason}",
        fix=agree if refused else None,
    )


def told(subject: Subject) -> tuple[Check, ...]:
    """Whether what people and machines outside are told goes: letters, statuses, calls."""
    if not subject.layout.ledger.exists() or not os.access(subject.layout.ledger, os.R_OK | os.W_OK):
        return ()
    db = ledger.connect(subject.layout.ledger)
    try:
        found = ledger.unsent(db, since=clock.now() - words.UNSENT_MS)
    except Exception:  # noqa: BLE001 - as above
        return ()
    finally:
        db.close()
    if not found:
        said = "none is held up, none was given up in the last 7 days"
        return (Check(group="Mail", name="messages", state=FINE, said=said),)
    fix = "`ctci told --failed` lists them; what was given up is sent again by `ctci redeliver` or `ctci digest send`"
    return (Check(group="Mail", name="messages", state=WARNING, said=words.unsent(found), fix=fix),)


def mail(subject: Subject) -> tuple[Check, ...]:
    """Whether the mail server answers and lets us in."""
    settings = subject.config
    if settings is None:
        return ()
    smtp = settings.server.smtp
    if smtp is None or smtp.url is None:
        said = f"none configured: letters are files in {subject.layout.mail}"
        return (Check(group="Mail", name="mail server", state=FINE, said=said),)
    try:
        url = config.reveal(smtp.url, subject.environ, settings.folder).decode()
    except (config.SecretError, UnicodeDecodeError):
        # That it does not resolve is said among the secrets.
        return ()
    host = urlsplit(url).hostname
    try:
        said = _greet(url)
    except Exception as error:  # noqa: BLE001 - smtplib raises what sockets, TLS and servers raise
        # A server may repeat what it was sent; the name of the error is enough where it could.
        told = str(error) if isinstance(error, OSError) and not _has_response(error) else type(error).__name__
        return (
            Check(
                group="Mail", name="mail server", state=WRONG, said=f"{host}: {told}", fix="see [smtp] url in ctci.toml"
            ),
        )
    return (Check(group="Mail", name="mail server", state=FINE, said=f"{host}: {said}"),)


def _has_response(error: OSError) -> bool:
    return hasattr(error, "smtp_error")


def _greet(url: str) -> str:
    import smtplib  # noqa: PLC0415 - slow, and most have no mail server

    parts = urlsplit(url)
    host = parts.hostname or ""
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        opened: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=PATIENCE_S, context=context)
    else:
        opened = smtplib.SMTP(host, parts.port or 25, timeout=PATIENCE_S)
    with opened as server:
        server.ehlo()
        secured = parts.scheme == "smtps"
        if not secured and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
            secured = True
        if parts.username is None:
            return f"answers{', encrypted' if secured else ''}"
        if not secured and host not in LOOPBACK:
            raise ConnectionError("it offers no TLS, and a password is not sent in the clear")
        server.login(unquote(parts.username), unquote(parts.password or ""))
        return f"answers and lets us in{', encrypted' if secured else ''}"

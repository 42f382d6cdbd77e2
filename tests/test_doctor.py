import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from ctci import clock, demo, doctor, layout, ledger, setup, words
from ctci.config.settings import Backup, Config, Project, Server, Smtp, Subproject
from ctci.doctor import Check, Subject
from ctci.model import Owed, Remote, SecretRef
from tests import make
from tests.conftest import StoppedClock

GIT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A bare repository with one commit on main."""
    path = tmp_path / "shop.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True, env=GIT)
    tree = _git(path, "write-tree")
    commit = _git(path, "-c", "user.name=Ana", "-c", "user.email=a@example.org", "commit-tree", tree, "-m", "First")
    _git(path, "update-ref", "refs/heads/main", commit)
    return path


def _git(path: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(path), *arguments], check=True, capture_output=True, text=True, env=GIT
    ).stdout.strip()


@pytest.fixture
def healthy(tmp_path: Path, place: layout.Layout, db: ledger.Ledger, bare: Path) -> Subject:
    """Everything as it should be: a ledger, a repository with its hook, a secret that only we can read."""
    assert db
    for folder in (place.slots, place.jobs, place.mail, place.trash, place.mirrors):
        folder.chmod(0o700)
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "secret").write_text("hunter2\n")
    (folder / "secret").chmod(0o600)
    setup.install_hook(
        bare, project="shop", socket=place.socket, url=None, secret_file=None, spool=place.spool, chain=False
    )
    make.recorded(db)
    project = Project(
        name="shop",
        remote=Remote(url=str(bare)),
        webhook_secret=SecretRef(kind="file", name="secret"),
        subs={"": Subproject(recipes={"test": make.recipe()})},
    )
    config = Config(
        projects={"shop": project}, notify={}, server=Server(data_dir=place.data, disk_floor=1), folder=folder
    )
    return Subject(layout=place, environ={}, folder=folder, config=config, server=os.getpid())


def found(subject: Subject) -> Mapping[str, Check]:
    return {check.name: check for check in doctor.examine(subject)}


def with_server(subject: Subject, **fields: object) -> Subject:
    assert subject.config is not None
    server = replace(subject.config.server, **fields)  # type: ignore[arg-type] # a test's keywords
    return replace(subject, config=replace(subject.config, server=server))


def with_project(subject: Subject, **fields: object) -> Subject:
    assert subject.config is not None
    project = replace(subject.config.projects["shop"], **fields)  # type: ignore[arg-type] # a test's keywords
    return replace(subject, config=replace(subject.config, projects={"shop": project}))


def test_where_all_is_well_nothing_is_to_be_mended(healthy: Subject) -> None:
    checks = doctor.examine(healthy)

    assert [check for check in checks if check.state != "fine" or check.fix] == []
    assert {"This machine", "Data folder", "Configuration", "Projects", "Mail"} == {check.group for check in checks}


def test_whatever_is_not_fine_names_its_fix(healthy: Subject) -> None:
    empty = Subject(
        layout=layout.at(healthy.layout.data / "nowhere"),
        environ={},
        folder=None,
        config=None,
        errors=["no configuration"],
    )

    checks = doctor.examine(empty)

    assert {"folder", "ledger", "server", "error"} <= {check.name for check in checks if check.state != "fine"}
    assert [check for check in checks if check.state != "fine" and not check.fix] == []


def test_it_changes_nothing(healthy: Subject) -> None:
    def there() -> set[str]:
        # SQLite makes and removes these two for whoever reads.
        return {str(path) for path in healthy.layout.data.rglob("*") if path.name[-4:] not in ("-wal", "-shm")}

    before = there()

    doctor.examine(healthy)

    assert before == there()


@pytest.mark.parametrize("name", ["jobs", "ledger.db"])
def test_what_others_may_read_is_wrong(healthy: Subject, name: str) -> None:
    (healthy.layout.data / name).chmod(0o755)

    check = found(healthy)["folder"]

    assert (check.state, name in check.said) == ("wrong", True)


def test_too_little_room_is_wrong(healthy: Subject) -> None:
    check = found(with_server(healthy, disk_floor=1 << 60))["room"]

    assert (check.state, "no job is started" in check.said) == ("wrong", True)


def test_a_damaged_ledger_is_wrong(healthy: Subject) -> None:
    content = healthy.layout.ledger.read_bytes()
    for suffix in ("-wal", "-shm"):
        healthy.layout.ledger.with_name(f"ledger.db{suffix}").unlink(missing_ok=True)
    healthy.layout.ledger.write_bytes(b"no database" + content[11:])

    assert found(healthy)["ledger"].state == "wrong"


def test_a_secret_that_is_not_there_is_wrong_and_one_that_others_read_is_a_warning(healthy: Subject) -> None:
    assert healthy.folder is not None
    secret = healthy.folder / "secret"
    secret.chmod(0o644)
    read_by_others = found(healthy)["webhook-secret of shop"]
    secret.unlink()
    missing = found(healthy)["webhook-secret of shop"]

    assert (read_by_others.state, read_by_others.fix) == ("warning", f"chmod 600 {secret}")
    assert missing.state == "wrong"


def test_a_secret_is_never_said(healthy: Subject) -> None:
    assert "hunter2" not in repr(doctor.examine(healthy))


def test_a_remote_that_does_not_answer_is_wrong_and_hides_no_other(healthy: Subject, tmp_path: Path) -> None:
    assert healthy.config is not None
    away = replace(healthy.config.projects["shop"], name="away", remote=Remote(url=str(tmp_path / "nowhere.git")))
    both = replace(healthy, config=replace(healthy.config, projects={"away": away, **healthy.config.projects}))

    checks = found(both)

    assert (checks["away: remote"].state, checks["shop: remote"].state) == ("wrong", "fine")


def test_a_local_repository_without_our_hook_is_told_of_with_the_command(healthy: Subject, bare: Path) -> None:
    assert healthy.config is not None
    shop = healthy.config.projects["shop"]
    (bare / "hooks/post-receive").unlink()
    alone = replace(healthy, config=replace(healthy.config, projects={"shop": replace(shop, webhook_secret=None)}))
    none = found(alone)["shop: hook"]
    # Where a forge calls, nothing is amiss without.
    assert "shop: hook" not in found(healthy)
    (bare / "hooks/post-receive").write_text("#!/bin/sh\n# ctci of long ago\n")
    old = found(healthy)["shop: hook"]

    assert (none.state, old.state) == ("warning", "warning")
    assert (none.fix, old.fix) == (f"ctci hook install {bare} --project shop",) * 2
    assert "of another ctci" in old.said


def test_a_hook_that_tells_of_another_project_is_wrong(healthy: Subject, bare: Path) -> None:
    assert healthy.config is not None
    shop = healthy.config.projects["shop"]
    renamed = replace(shop, name="store")

    moved = found(replace(healthy, config=replace(healthy.config, projects={"store": renamed})))["store: hook"]
    both = found(replace(healthy, config=replace(healthy.config, projects={"store": renamed, "shop": shop})))
    (bare / "ctci.conf").unlink()
    silent = found(healthy)["shop: hook"]

    assert (moved.state, moved.fix) == ("wrong", f"ctci hook install {bare} --project store")
    assert moved.said == f"{bare / 'ctci.conf'} says project=shop, which is not this project"
    assert both["store: hook"].state == "fine"
    assert (silent.state, "finds no ctci.conf" in silent.said) == ("wrong", True)


def test_a_remote_elsewhere_has_no_hook_to_look_at(healthy: Subject) -> None:
    checks = found(with_project(healthy, remote=Remote(url="https://127.0.0.1:1/acme/shop.git")))

    assert "shop: hook" not in checks


def test_the_last_call_and_a_refusal_are_told(healthy: Subject, db: ledger.Ledger) -> None:
    queued = found(healthy)["shop: last call"]
    ledger.refuse(db, project="shop", forge="gitea", event="push", key="x", reason="signature does not match")
    refused = found(healthy)["shop: last call"]

    assert (queued.state, refused.state) == ("fine", "warning")
    assert "signature does not match" in refused.said


@pytest.mark.parametrize("heard", [True, False])
def test_a_webhook_that_is_silent_while_pushes_come_is_told(
    healthy: Subject, db: ledger.Ledger, *, heard: bool
) -> None:
    project = "shop" if heard else "web"
    make.recorded(db, project=project, forge="ctci", event="sweep", trigger=make.trigger(project=project, kind="sweep"))
    settings = healthy.config
    assert settings is not None
    named = replace(settings.projects["shop"], name="web")
    healthy = replace(healthy, config=replace(settings, projects={**settings.projects, "web": named}))

    check = found(healthy)[f"{project}: webhook"]

    assert check.state == "warning"
    assert ("has been silent since" if heard else "has never called, while 1 push came") in check.said


def test_of_a_silent_webhook_a_refusal_is_told_too_and_it_is_silent_since_it_was_believed(
    healthy: Subject, db: ledger.Ledger, stopped_clock: StoppedClock
) -> None:
    make.recorded(db)
    since = clock.local(clock.now()).strftime("%-d %b, %H:%M")
    stopped_clock.move(3600)
    make.recorded(db, forge="ctci", event="sweep", trigger=make.trigger(kind="sweep"))
    ledger.refuse(db, project="shop", forge="gitea", event="push", key="x", reason="signature does not match")
    stopped_clock.move(120)

    check = found(healthy)["shop: webhook"]

    assert check.said == (
        f"the webhook of shop has been silent since {since} while 1 push came; "
        "a call was refused 2\N{NARROW NO-BREAK SPACE}min ago: signature does not match"
    )
    assert check.fix == "the secret there and here must be the same"


def test_the_last_call_is_known_however_much_came_by_itself_since(healthy: Subject, db: ledger.Ledger) -> None:
    make.recorded(db)
    since = clock.local(clock.now()).strftime("%-d %b, %H:%M")
    ours = make.entry(forge="ctci", event="schedule", trigger=make.trigger(kind="schedule"))
    ledger.record(db, [replace(ours, trigger=None, key=f"k{number}") for number in range(101)])
    fine = found(healthy)["shop: last call"]
    make.recorded(db, forge="ctci", event="sweep", trigger=make.trigger(kind="sweep"))
    silent = found(healthy)["shop: webhook"]

    assert (fine.state, silent.said) == (
        "fine",
        f"the webhook of shop has been silent since {since} while 1 push came",
    )


def test_origins_and_a_missing_server_are_told(healthy: Subject) -> None:
    checks = found(replace(healthy, origins={"listen": "CTCI_LISTEN"}, server=None))

    assert checks["listen"].said == "from CTCI_LISTEN"
    assert checks["server"].state == "warning"


def test_a_mail_server_that_answers_is_fine_and_one_that_does_not_is_wrong(healthy: Subject) -> None:
    asked = with_server(healthy, smtp=Smtp(url=SecretRef(kind="env", name="SMTP")))
    controller = Controller(Sink(), hostname="127.0.0.1", port=demo.free_port())
    controller.start()
    try:
        port = controller.port
        answers = _mail(replace(asked, environ={"SMTP": f"smtp://127.0.0.1:{port}"}))
        no_auth = _mail(replace(asked, environ={"SMTP": f"smtp://ana:hunter2@127.0.0.1:{port}"}))
    finally:
        controller.stop()
    away = _mail(replace(asked, environ={"SMTP": f"smtp://127.0.0.1:{port}"}))

    assert (answers.state, no_auth.state, away.state) == ("fine", "wrong", "wrong")
    assert "hunter2" not in no_auth.said


def test_what_could_not_be_told_outside_is_a_warning_with_its_reason(healthy: Subject, db: ledger.Ledger) -> None:
    well = found(healthy)["messages"]
    ledger.owe(db, sink="mail", owed=[Owed(key="k", to="team:ana@example.org", due=0, message_id="<1@localhost>")])
    taken = ledger.take(db, "mail", holder="me", hold_ms=1000)
    ledger.failed(db, taken, holder="me", error="451 try later", delay_ms=1000)

    told = found(healthy)["messages"]

    assert (well.state, told.state) == ("fine", "warning")
    assert told.said.replace("\u202f", " ") == "1 message is held up: 451 try later"
    assert "ctci told --failed" in str(told.fix)


def _mail(subject: Subject) -> Check:
    (check,) = [check for check in doctor.examine(subject) if check.name == "mail server"]
    return check


def spool(subject: Subject, name: str, age_s: float) -> None:
    subject.layout.spool.mkdir(exist_ok=True)
    path = subject.layout.spool / name
    path.write_text("POST /hooks/shop\n\n{}")
    then = clock.now() / 1000 - age_s
    os.utime(path, (then, then))


@pytest.mark.parametrize(
    ("age_s", "served", "state", "said"),
    [
        (None, True, "fine", "nothing waits in it"),
        (2, True, "fine", "1 request in it, the oldest for 2"),
        (300, True, "warning", "the server does not take them"),
        (2, False, "warning", "no server takes them"),
    ],
)
def test_a_spool_that_nobody_empties_is_told_of(
    healthy: Subject, age_s: float | None, *, served: bool, state: str, said: str
) -> None:
    if age_s is not None:
        spool(healthy, "1795516200-00000000-0000-4000-8000-000000000000", age_s)
    # What a hook is just writing waits for nobody, and a folder is no request.
    spool(healthy, "tmp.1234", 300)
    (healthy.layout.spool / "somebody's").mkdir()

    check = found(replace(healthy, server=os.getpid() if served else None))["spool"]

    assert (check.state, said in check.said) == (state, True)


def test_what_was_taken_from_the_spool_and_could_not_be_received_is_told_of(healthy: Subject) -> None:
    (healthy.layout.data / "dead").mkdir()
    (healthy.layout.data / "dead" / "1795516200-0").write_text("POST")

    check = found(healthy)["spool"]

    assert (check.state, "1 request that could not be received" in check.said) == ("warning", True)


@pytest.mark.parametrize(
    ("days", "state", "said"), [(None, "warning", "none yet"), (1, "fine", "1 are there"), (3, "warning", "3")]
)
def test_a_backup_that_is_wanted_and_not_made_is_told_of(
    healthy: Subject, days: int | None, state: str, said: str
) -> None:
    if days is not None:
        healthy.layout.backups.mkdir(mode=0o700)
        (healthy.layout.backups / f"ledger-{clock.stamp(clock.now() - days * 86_400_000)}.db").touch()

    without = found(healthy)
    check = found(with_server(healthy, backup=Backup()))["backup"]

    assert "backup" not in without
    assert (check.state, said in check.said) == (state, True)


def test_what_takes_room_is_told(healthy: Subject) -> None:
    (healthy.layout.job(1) / "1").mkdir(parents=True)
    (healthy.layout.log(1, 1)).write_bytes(b"x" * 3_000_000)

    check = found(healthy)["sizes"]

    assert (check.state, f"logs 3.0{words.THIN}MB" in check.said) == ("fine", True)

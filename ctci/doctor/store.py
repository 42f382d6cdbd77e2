"""The data folder: its filesystem, its modes, its room, the ledger in it, who serves it, and what piles up."""

import os
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing
from pathlib import Path

from ctci import clock, ledger, words
from ctci.doctor.finding import FINE, WARNING, WRONG, Check, Subject
from ctci.layout import Layout
from ctci.ledger import migrations
from ctci.run import backups, daily, sizes

GROUP = "Data folder"
#: Where the locks of SQLite and flock cannot be trusted.
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "fuse.glusterfs", "lustre")
#: Nothing in the data folder is for others, but the spool.
PRIVATE = ("slots", "jobs", "mail", "trash", "mirrors", "backups")
#: A running server takes what hooks leave within seconds.
STUCK_S = 60.0


def examine(subject: Subject) -> tuple[Check, ...]:
    """Everything about the data folder; of one that is not there yet, whether it could be made."""
    place = subject.layout
    checks = [_folder(place), _filesystem(place.data), _room(subject)]
    if place.data.is_dir() and os.access(place.data, os.W_OK | os.X_OK):
        checks.append(_wal(place.data))
    checks.append(_ledger(place))
    checks.append(_server(subject))
    checks += [check for check in (_sizes(place), _spool(subject), _backup(subject)) if check is not None]
    return tuple(checks)


def _nearest(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def _folder(place: Layout) -> Check:
    data = place.data
    if not data.exists():
        above = _nearest(data)
        if os.access(above, os.W_OK | os.X_OK):
            return _said("folder", WARNING, f"{data} is not there yet", "`ctci serve` makes it")
        return _said("folder", WRONG, f"{data} cannot be made: {above} is not ours", "give another with CTCI_DATA_DIR")
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return _said("folder", WRONG, f"{data} is not writable", "call ctci as the user who owns it")
    open_ = [
        path.name
        for path in (data, *(data / name for name in PRIVATE), place.ledger)
        if path.exists() and path.stat().st_mode & (0o022 if path == data else 0o077)
    ]
    if open_:
        return _said(
            "folder",
            WRONG,
            f"others may read or write {', '.join(open_)}",
            f"chmod go-rwx in {data}, or start the server",
        )
    return _said("folder", FINE, str(data))


def _filesystem(data: Path) -> Check:
    device = os.stat(_nearest(data)).st_dev
    kind = ""
    for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
        # "36 35 98:0 /root /mount options - type source": the number of the device says which mount it is.
        before, _, after = line.partition(" - ")
        major, _, minor = before.split()[2].partition(":")
        if os.makedev(int(major), int(minor)) == device:
            kind = after.split()[0]
    if kind in REMOTE:
        return _said(
            "filesystem",
            WRONG,
            f"{data} is on {kind}, where neither SQLite's nor ctci's locks can be trusted",
            "set CTCI_DATA_DIR to a local disk",
        )
    return _said("filesystem", FINE, f"{kind or 'of an unknown kind'}, local")


def _wal(data: Path) -> Check:
    try:
        with (
            tempfile.TemporaryDirectory(dir=data, prefix=".doctor-") as folder,
            closing(sqlite3.connect(Path(folder) / "try.db")) as db,
        ):
            mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            db.execute("CREATE TABLE t (a)")
    except (OSError, sqlite3.Error) as error:
        return _said("WAL", WRONG, f"SQLite cannot write here: {error}", "set CTCI_DATA_DIR to a local disk")
    if mode != "wal":
        return _said("WAL", WRONG, f"SQLite falls back to {mode} here", "set CTCI_DATA_DIR to a local disk")
    return _said("WAL", FINE, "SQLite's write-ahead log works here")


def _room(subject: Subject) -> Check:
    free = shutil.disk_usage(_nearest(subject.layout.data)).free
    floor = subject.config.server.disk_floor if subject.config is not None else 1 << 30
    said = f"{free / 2**30:,.1f} GiB free, disk-floor is {floor / 2**30:,.1f} GiB"
    if free < floor:
        return _said("room", WRONG, f"{said}: no job is started", "free some space, `ctci gc`, or lower disk-floor")
    if free < 2 * floor:
        return _said("room", WARNING, said, "`ctci gc` forgets old runs; `keep` says which")
    return _said("room", FINE, said)


def _ledger(place: Layout) -> Check:
    try:
        mode = place.ledger.stat().st_mode
    except FileNotFoundError:
        return _said("ledger", WARNING, "there is none yet", "`ctci serve` makes it")
    if not stat.S_ISREG(mode) or not os.access(place.ledger, os.R_OK | os.W_OK):
        return _said("ledger", WRONG, f"{place.ledger} cannot be read", "call ctci as the user who owns it")
    db = ledger.connect(place.ledger)
    try:
        with db.read() as connection:
            found = migrations.version(connection)
        known = len(migrations.STEPS)
        if found > known:
            return _said("ledger", WRONG, f"schema version {found}, known up to {known}", "install the newer ctci")
        fault = ledger.integrity(db)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the file is what is asked here
        return _said("ledger", WRONG, f"not readable: {error}", "`ctci restore FILE` puts a backup in its place")
    finally:
        db.close()
    if fault is not None:
        return _said("ledger", WRONG, fault, "`ctci restore FILE` puts a backup in its place")
    if found < known:
        return _said("ledger", WARNING, f"schema version {found}, wanted {known}", "`ctci serve` brings it up to date")
    return _said("ledger", FINE, f"sound, schema version {found}")


def _server(subject: Subject) -> Check:
    if subject.server is None:
        return _said("server", WARNING, "not running", "`ctci serve`")
    return _said("server", FINE, f"running, pid {subject.server}")


def _sizes(place: Layout) -> Check | None:
    if not place.data.is_dir():
        return None
    return _said("sizes", FINE, words.sizes(sizes.measure(place)))


def _spool(subject: Subject) -> Check | None:
    """Whether what hooks leave is taken: where it grows, somebody's pushes are not built."""
    found = sizes.spooled(subject.layout)
    if found is None:
        return None
    if found.dead:
        dead = subject.layout.data / "dead"
        said = f"{words.count(found.dead, 'request')} that could not be received"
        return _said("spool", WARNING, f"{said}: {dead}", "the server's log says why; remove them once you know")
    if not found.files:
        return _said("spool", FINE, "nothing waits in it")
    said = f"{words.count(found.files, 'request')} in it, the oldest for {words.duration(found.oldest_s)}"
    if subject.server is None:
        return _said("spool", WARNING, f"{said}: no server takes them", "`ctci serve`")
    if found.oldest_s > STUCK_S:
        return _said("spool", WARNING, f"{said}: the server does not take them", "its log says why")
    return _said("spool", FINE, said)


def _backup(subject: Subject) -> Check | None:
    """Whether a backup that is wanted was made: one that silently ends is missed too late."""
    settings = subject.config
    if settings is None or settings.server.backup is None:
        return None
    made = backups.times(subject.layout)
    at = settings.server.backup.at
    if not made:
        return _said("backup", WARNING, f"none yet; one is made daily at {at}", "`ctci serve` makes the first")
    said = f"the newest was due {words.ago(made[0], clock.now())}: {clock.stamp(made[0])}"
    if clock.now() - made[0] > 2 * daily.DAY_MS:
        return _said("backup", WARNING, said, "the server's log says why; `ctci backup FILE` makes one now")
    return _said("backup", FINE, f"{said}; {len(made)} are there")


def _said(name: str, state: str, said: str, fix: str | None = None) -> Check:
    return Check(group=GROUP, name=name, state=state, said=said, fix=fix)

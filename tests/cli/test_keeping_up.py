import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ctci import ledger
from ctci.model import Status
from tests import make
from tests.cli.calling import Caller, write_log


def test_gc_forgets_what_keep_no_longer_keeps_and_a_dry_run_only_says_so(
    ctci: Caller, db: ledger.Ledger, host: int
) -> None:
    ctci.configure(
        """
        [projects.shop]
        git = "/srv/git/acme/shop.git"
        keep = { runs = 2 }
        recipes.test = "make test"
        """
    )
    for _ in range(4):
        make.settled(db, host)
    write_log(ctci.place, 1, b"old\n")

    would = ctci("gc", "--dry-run")
    still = len(ledger.runs_(db))
    did = ctci("gc")

    told, sizes = would.out.splitlines()
    assert (would.code, told) == (0, "would forget 2 runs with 2 job folders")
    assert [each.split()[0] for each in sizes.split(", ")] == ["ledger", "logs", "mirrors", "backups", "trash", "spool"]
    assert still == 4
    assert (did.code, did.out.splitlines()[0]) == (0, "forgot 2 runs with 2 job folders")
    assert [run.id for run in ledger.runs_(db)] == [4, 3]
    assert not ctci.place.job(1).exists()


def test_gc_without_a_ledger_has_nothing_to_forget(ctci: Caller) -> None:
    said = ctci("gc")

    assert (said.code, "nothing has been recorded" in said.err) == (0, True)


def test_the_version_names_what_ctci_stands_on(ctci: Caller) -> None:
    said = ctci("version", "--json").json

    assert set(said) == {"ctci", "python", "sqlite", "pygit2", "git"}
    assert all(value[0].isdigit() for value in said.values())


def test_doctor_says_of_each_thing_whether_it_is_fine_and_what_mends_it(ctci: Caller, tmp_path: Path) -> None:
    bare = tmp_path / "shop.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True, env=ctci.isolated())
    ctci.configure(f'[projects.shop]\ngit = "{bare}"\nrecipes.test = "make test"\n')
    for folder in ctci.place.data.iterdir():
        folder.chmod(0o700)
    fine = ctci("doctor")
    shutil.rmtree(bare)
    wrong = ctci("doctor")

    assert fine.code == 0
    assert "✓ python: 3." in fine.out
    assert f"fix: ctci hook install {bare} --project shop" in fine.out
    assert wrong.code == 1
    assert "✗ shop: remote:" in wrong.out


def test_doctor_works_on_a_broken_configuration(ctci: Caller) -> None:
    ctci.configure("[projects.shop\n")

    said = ctci("doctor", "--json", "name,state,fix")

    assert said.code == 1
    assert {"name": "error", "state": "wrong", "fix": "`ctci check`"} in said.json["items"]


#: Becomes somebody else once all is imported: this Python may lie where others cannot read it.
AS_ANOTHER = """
import os, sys
from ctci import ledger
from ctci.cli import looking, reading, root
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(root.call(sys.argv[1:]))
"""


def test_what_belongs_to_another_user_is_not_allowed() -> None:
    # pytest's own folders are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="ctci-test-"))
    try:
        folder.chmod(0o755)
        (folder / "config").mkdir()
        (folder / "config/projects.toml").write_text(
            '[projects.shop]\ngit = "/srv/git/shop.git"\nrecipes.test = "make"\n'
        )
        (folder / "data").mkdir()
        ledger.open_ledger(folder / "data/ledger.db").close()
        if os.getuid() != 0:
            (folder / "data/ledger.db").chmod(0)

        done = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER, "--data-dir", str(folder / "data"), "runs"],
            cwd=folder,
            env=Caller.around(),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    finally:
        shutil.rmtree(folder)

    assert done.returncode == 4, done.stderr
    assert "belongs to" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_exit_code_of_the_table_is_met(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    make.settled(db, host, Status.FAILED)

    codes = {
        ctci(*call).code for call in (("runs",), ("status",), ("runs", "--no-such-option"), ("stop",), ("show", "99"))
    }

    assert codes == {0, 1, 2, 3, 5}

"""Where everything lies under the data folder: pure paths, nothing is made or read here."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The data folder of one server; `mirrors` may lie elsewhere (CACHE_DIRECTORY)."""

    data: Path
    mirrors: Path

    @property
    def ledger(self) -> Path:
        return self.data / "ledger.db"

    @property
    def lock(self) -> Path:
        """Held (flock) by the one server of this folder; its text is the holder's pid."""
        return self.data / "lock"

    @property
    def socket(self) -> Path:
        return self.data / "ctci.sock"

    @property
    def slots(self) -> Path:
        return self.data / "slots"

    @property
    def jobs(self) -> Path:
        return self.data / "jobs"

    @property
    def spool(self) -> Path:
        """What hooks left while nobody answered: mode 1733, anybody may put in, only the owner may list."""
        return self.data / "spool"

    @property
    def mail(self) -> Path:
        """Letters as .eml files, where no SMTP server is configured."""
        return self.data / "mail"

    @property
    def trash(self) -> Path:
        return self.data / "trash"

    @property
    def backups(self) -> Path:
        """Copies of the ledger, where `backup` says when one is made."""
        return self.data / "backups"

    @property
    def rounds(self) -> Path:
        """The time, in Unix milliseconds, that the last daily round was due at."""
        return self.data / "rounds"

    @property
    def admin_token(self) -> Path:
        """The first token, until it is rotated: made by the server, for its owner alone."""
        return self.data / "admin-token"

    @property
    def known_hosts(self) -> Path:
        """Ssh host keys, pinned at first use."""
        return self.data / "known_hosts"

    def mirror(self, project: str) -> Path:
        return self.mirrors / f"{quote(project, safe='')}.git"

    def slot(self, number: int) -> Path:
        return self.slots / str(number)

    def job(self, job: int) -> Path:
        return self.jobs / str(job)

    def attempt(self, job: int, number: int) -> Path:
        """The folder of one execution: script, log, result."""
        return self.job(job) / str(number)

    @property
    def restoring(self) -> Path:
        """A ledger that is about to be put in the place of ours."""
        return self.data / f"{self.ledger.name}.restoring"

    @property
    def numbers(self) -> Path:
        """Which numbers no ledger of this folder gives out again, once one was put back."""
        return self.data / "numbers.json"

    def log(self, job: int, number: int) -> Path:
        return self.attempt(job, number) / "log"


def at(data: Path, mirrors: Path | None = None) -> Layout:
    """The layout of a data folder."""
    return Layout(data=data, mirrors=mirrors or data / "mirrors")

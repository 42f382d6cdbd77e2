"""What badges, monitors and feeds ask again and again: a look that costs little however long the history is."""

from sqlalchemy import literal, select, union

from ctci.ledger.engine import Ledger
from ctci.ledger.tables import jobs
from ctci.model import Status


def busy(db: Ledger) -> frozenset[tuple[str, str, str]]:
    """(project, ref, subproject) of which a job waits or runs."""
    columns = (jobs.c.project, jobs.c.ref, jobs.c.subproject)
    # In the statement itself: the indexes are of those rows alone, and no database compares that with a parameter.
    some = (
        select(*columns).where(jobs.c.status == literal(str(each), literal_execute=True))
        for each in (Status.QUEUED, Status.RUNNING)
    )
    with db.read() as connection:
        return frozenset((row.project, row.ref, row.subproject) for row in connection.execute(union(*some)))

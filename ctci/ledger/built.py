"""Which runs were made of a commit: by one query for all that are asked for."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import and_, or_, select

from ctci.ledger import rows
from ctci.ledger.engine import Ledger
from ctci.ledger.tables import runs
from ctci.model import HEADS, Run

#: Runs of one project's commits that are looked at, the newest ones.
MOST = 200


def built(db: Ledger, project: str, shas: Collection[str]) -> Mapping[str, tuple[Run, ...]]:
    """By commit the runs of it, newest first; one that is not fetched yet by what was pushed to its branch."""
    pushed = and_(runs.c.commit.is_(None), runs.c.after.in_(shas), runs.c.ref.startswith(HEADS, autoescape=True))
    query = select(runs).where(runs.c.project == project, or_(runs.c.commit.in_(shas), pushed))
    found: dict[str, list[Run]] = defaultdict(list)
    with db.read() as connection:
        for row in connection.execute(query.order_by(runs.c.id.desc()).limit(MOST)):
            found[row.commit or row.after].append(rows.run(row))
    return {sha: tuple(each) for sha, each in found.items()}

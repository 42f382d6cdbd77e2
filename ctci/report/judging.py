"""What results mean, asked of the ledger: for letters, calls and statuses, for pages and the command line alike."""

from collections.abc import Collection, Mapping

from ctci import config, ledger
from ctci.config.settings import Config
from ctci.model import HEADS, Past, Verdict
from ctci.report import verdict


def pasts(db: ledger.Ledger, settings: Config | None, jobs: Collection[int]) -> Mapping[int, Past]:
    """What is known of the place of each of these jobs, by id; always as many queries.

    Without a configuration the default branches are those of the remotes.
    """
    learnt = ledger.default_branches(db)
    defaults = {name: HEADS + branch for name, branch in learnt.items()}
    if settings is not None:
        defaults = config.default_refs(settings, learnt)
    return ledger.pasts(db, jobs, defaults)


def verdicts(db: ledger.Ledger, settings: Config, jobs: Collection[int]) -> Mapping[int, Verdict]:
    """What these jobs mean against what was before, in the order of their ids."""
    return {id_: verdict.judge(past) for id_, past in sorted(pasts(db, settings, jobs).items())}

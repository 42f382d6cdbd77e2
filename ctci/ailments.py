"""What ctci itself suffers of, as a digest tells it: the same words from the server and from the command line."""

from collections.abc import Collection

from ctci import clock, config, ledger, words
from ctci.config.settings import Config
from ctci.model import Remark
from ctci.receive import sweep


def remarks(
    db: ledger.Ledger,
    settings: Config,
    projects: Collection[str],
    *,
    room: str | None,
    refused: config.ConfigError | None = None,
    unkept: str | None = None,
) -> tuple[Remark, ...]:
    """Sentences, each with a word for a subject.

    `room` says that the disk is too full, `refused` that the last change of the configuration is not in force, `unkept`
    that jobs cannot be kept; what calls no webhook is looked up for these projects.
    """
    found = []
    if room is not None:
        found.append(Remark(sentence=room, short="disk low"))
    if refused is not None:
        said = "the last change of the configuration is refused, the one before it is in force"
        found.append(Remark(sentence=f"{said}: {refused}", short="configuration refused"))
    if unkept is not None:
        found.append(Remark(sentence=unkept, short="jobs cannot be kept"))
    silent = [words.silence(each, clock.moment) for each in sweep.silences(db, settings) if each.project in projects]
    return (*found, *(Remark(sentence=each, short="a webhook is silent") for each in silent))

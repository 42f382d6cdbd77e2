"""Verdicts for tests of what is told of them: one of each noun to be varied, and strings as strangers make them."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from ctci.model import Job, Run, Seen, Status, Verdict
from tests import make

#: Line breaks, terminal sequences, bidi controls, HTML, half characters, mentions, and 10 KB of them.
HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["\r\nBcc: all@example.org", "\x1b[2J", "\u202e", "<script>", "\ud800", "@everyone", "<!here>"]),
    st.sampled_from(["x" * 10_000, "@a " * 3000, "\U0001f4a3" * 2500, "\x00" * 2500]),
)
RUN = Run(
    **dict.fromkeys(("reason", "rerun_of", "behind"), None),
    id=1482,
    project="shop",
    kind="push",
    ref="refs/heads/main",
    status=Status.FAILED,
    options=(),
    before=make.sha(1),
    prev_commit=make.sha(1),
    prev_run=1481,
    after=make.sha(2),
    commit=make.sha(2),
    subject="Use floats for prices",
    author="Ana Ruiz",
    author_email="ana@example.org",
    pusher="ana",
    created_at=1_795_516_200_000,
    prepared_at=1_795_516_201_000,
    finished_at=1_795_516_272_345,
)
JOB = Job(
    **dict.fromkeys(("cancel_asked_at", "cancel_by", "cancel_as", "cancel_reason"), None),
    id=3501,
    run=RUN.id,
    order=make.order(),
    attempt=1,
    host=1,
    status=Status.FAILED,
    reason="2 tests failed",
    exit=make.exit_(code=1, seconds=70.1),
    queued_at=RUN.created_at,
    began_at=1_795_516_202_000,
    finished_at=RUN.finished_at,
)
GREEN = Seen(job=3400, run=1481, status=Status.SUCCEEDED, commit=make.sha(1), at=1_795_500_000_000)
BROKE = Verdict(
    job=JOB,
    run=RUN,
    word="broke",
    change=True,
    green=GREEN,
    cause="commits",
    suspects=(make.commit(sha=make.sha(2)),),
    first=make.finding(),
)


def job(number: int = JOB.id, **fields: Any) -> Job:
    return replace(JOB, id=number, **fields)


def verdict(word: str = "broke", **fields: Any) -> Verdict:
    if word in ("broke", "failed", "still broken"):
        return replace(BROKE, **{"word": word, "change": word != "still broken", **fields})
    changes = word in ("fixed", "errored")
    return Verdict(**{"job": JOB, "run": RUN, "word": word, "change": changes, "green": GREEN, **fields})

"""What the web room is given by the roof: the ledger, the data folder, the configuration, and how the server is."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ctci import config, ledger
from ctci.layout import Layout
from ctci.model import Remark


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Everything a page or a hook may ask; lies in `app.state.doors`."""

    db: ledger.Ledger
    layout: Layout
    current: config.Current
    #: Where webhook secrets are looked up.
    environ: Mapping[str, str]
    #: What /readyz says: `ok` and `reasons`.
    ready: Callable[[], Mapping[str, object]]
    #: What is wrong with ctci itself, and with the webhooks of these projects, as a digest tells it.
    remarks: Callable[[Collection[str]], tuple[Remark, ...]]
    #: Whether the server is about to end: an answer that goes on and on ends before.
    stopping: Callable[[], bool]
    #: How many jobs run here now.
    busy: Callable[[], int]
    #: What takes room in the data folder -> its bytes, as they were last measured.
    sizes: Callable[[], Mapping[str, int]]

"""The one snapshot of the configuration in force; made by the service, handed to the rooms."""

import threading
from collections.abc import Callable
from dataclasses import replace

from ctci.config import looked
from ctci.config.looked import Looked
from ctci.config.problems import ConfigError
from ctci.config.settings import Config


class Current:
    """What is in force; a broken configuration leaves it as it is. Raises ConfigError where the first is broken."""

    def __init__(self, load: Callable[[], Config], now: Callable[[], int] = lambda: 0) -> None:
        """`now` is the clock, in Unix milliseconds; without it nobody asks when."""
        self._load, self._now = load, now
        self._config = load()
        #: What the last attempt looked at, and how that was; of a refused one too.
        self.looked = self._config.looked
        #: When what is in force was read, and when the last attempt was made.
        self.loaded_at = self.tried_at = now()
        #: Of the last reload, if it was refused.
        self.error: ConfigError | None = None
        #: How many configurations have been in force.
        self.generation = 1
        # Guards loading and all of the above: of two reloads at once, the later one reads the later files and wins.
        self._lock = threading.Lock()

    def get(self) -> Config:
        """What is in force now; a whole that never changes under its reader."""
        return self._config

    def look(self) -> Looked:
        """What the last attempt looked at, as it is now."""
        return looked.again(self.looked)

    def reload(self) -> None:
        """Read the files again. Raises ConfigError, and then what was in force stays so."""
        with self._lock:
            self.tried_at = self._now()
            try:
                fresh = self._load()
            except ConfigError as error:
                self.error = error
                self.looked = error.looked or self.looked
                raise
            first = self._config.server
            # What the process was started with (socket, folders, slots) cannot change under it.
            server = replace(
                fresh.server,
                listen=first.listen,
                public_url=first.public_url,
                data_dir=first.data_dir,
                mirrors_dir=first.mirrors_dir,
                max_jobs=first.max_jobs,
            )
            self._config = replace(fresh, server=server)
            self.looked = fresh.looked
            self.loaded_at = self.tried_at
            self.error = None
            self.generation += 1

"""Asks remotes where they stand, for schedules and for the sweep: one call each, with a deadline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ctci import config, git
from ctci.access import access
from ctci.config.settings import Project
from ctci.layout import Layout

#: A remote that does not answer within this does not answer, seconds.
PATIENCE_S = 30.0


class Unanswered(Exception):
    """The remote did not say where it stands; git's own sentence, fit to be shown."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What asking takes."""

    layout: Layout
    environ: Mapping[str, str]

    def ask(self, settings: config.Config, project: Project, stop: Callable[[], bool] = lambda: False) -> git.Told:
        """Where the branches and tags of a project's remote stand. Raises Unanswered."""
        try:
            opened = access(project.remote, settings.folder, self.environ, self.layout)
            return git.ask(opened, deadline_s=PATIENCE_S, stop=stop)
        except (git.GitError, config.SecretError, OSError) as error:
            raise Unanswered(str(error)) from error

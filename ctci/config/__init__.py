"""projects.toml + ctci.toml + environ -> Config, or all errors with their places. `Current`: what is in force."""

from ctci.config import patterns
from ctci.config.current import Current
from ctci.config.explain import EXPLAIN
from ctci.config.finding import at, candidates, default_refs, is_at, named, project, within
from ctci.config.places import data_dir, find
from ctci.config.present import built, configured, ordered
from ctci.config.problems import ConfigError, Problem, render
from ctci.config.read import check, load, origins, server
from ctci.config.schema import schema
from ctci.config.secrets import SecretError, reveal
from ctci.config.server import slots
from ctci.config.settings import Config, Each, Notify, Project, Schedule, Server

__all__ = [
    "EXPLAIN",
    "Config",
    "ConfigError",
    "Current",
    "Each",
    "Notify",
    "Problem",
    "Project",
    "Schedule",
    "SecretError",
    "Server",
    "at",
    "built",
    "candidates",
    "check",
    "configured",
    "data_dir",
    "default_refs",
    "find",
    "is_at",
    "load",
    "named",
    "ordered",
    "origins",
    "patterns",
    "project",
    "render",
    "reveal",
    "schema",
    "server",
    "slots",
    "within",
]

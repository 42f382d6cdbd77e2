"""The command line: arguments to calls. Each verb's module is imported when the verb is called.

Never shows a traceback to a user, unless asked with --debug.
"""

from ctci.cli.root import main

__all__ = ["main"]

"""ctci receives pushes, runs recipes and reports what it found.

             drives               decides (pure)      touches the world
    receive/ desk                 plan                spool
    run/     prepare worker tidy  skips outcome       keeping keeper workspace trees
    report/  courier              verdict life known  letter mail

The three rooms never import each other. They meet at the ledger. `api/` is what is answered, whoever asks; `web/` and
`cli/` are the doors.
"""

__version__ = "0.1.0"

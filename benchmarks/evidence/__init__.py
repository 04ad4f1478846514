"""The evidence that the level holds and what the power is: `python -m benchmarks.evidence`.

Six studies, each a file: `level`, `power` (beside published figures), `small` (few rows), `paired`
(rows that belong together), `relabelings` (do swaps lose power to shuffles?) and `defaults` (are
the default settings the best?). `runner` repeats them in processes, `problems` has the data,
`published` the figures of others, `rates` the intervals and checks.
"""

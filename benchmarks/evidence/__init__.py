"""The evidence that the level holds and what the power is: `python -m benchmarks.evidence`.

The studies, each a file: `level`, `power` (beside published figures), `small` (few rows),
`paired`, `clustered` and `stratified` (rows that are not independent, or of several kinds),
`relabelings` (do swaps lose power to shuffles?), `defaults` (are the default settings the best?),
`equivalence` (is it close enough?), `reference` (which of several models is closer?), `landmarks`
(what do they miss?), `metrics` (do intervals of FID and KID hold the true value?), `columns` and
`regions` (which are called different, and rightly?). `runner`
repeats them in processes, `problems`, `grouped`, `models`, `structures` and `features` have the
data, `published` the figures of others, `rates` the intervals and checks. `metric_numbers` sets
numbers beside those of other packages. `figures` draws what the tables hold, without a study.

A study of streams has a command of its own, `python -m benchmarks.evidence.drift`: does a monitor
alarm as rarely as it is asked to, and how soon after a change?
"""

"""The speed of repdist beside other libraries and the machine's own: `python -m benchmarks`.

Why a small runner and not pytest-benchmark or asv: each figure needs a fresh process with the same
cores for every library, its peak memory, and interpreters of other environments. pytest-benchmark
times inside its own process; asv builds an environment a commit and compares commits.
"""

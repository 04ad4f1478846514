"""The least that a pass over the kernel costs: a float32 product and an exponential a pair."""

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

EDGE = 512  # rows of a tile: product, exponentials and factors stay in the second-level cache
TILES = 40  # of each thread in a round


def roofline(rows: int, d: int, rounds: int = 7) -> float:
    """Return the seconds for all pairs of `rows` rows, on all cores that this process may use."""
    threads = len(os.sched_getaffinity(0))
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        tile = statistics.median(round_of(pool, threads, d + 2) for _ in range(rounds))
    return tile * rows * (rows + 1) / 2 / EDGE**2


def round_of(pool: ThreadPoolExecutor, threads: int, width: int) -> float:
    """Return the seconds a tile in one round of all threads."""
    start = time.perf_counter()
    list(pool.map(tiles, [width] * threads))
    return (time.perf_counter() - start) / (threads * TILES)


def tiles(width: int) -> None:
    """Compute some tiles: two of the `width` columns stand for the norms."""
    rng = np.random.default_rng(0)
    left = -rng.random((EDGE, width), dtype=np.float32)
    right = rng.random((width, EDGE), dtype=np.float32) * np.float32(4 / width)
    K = np.empty((EDGE, EDGE), np.float32)
    for _ in range(TILES):
        np.matmul(left, right, out=K)
        np.exp(K, out=K)


def gpu_roofline(rows: int, d: int, rounds: int = 7) -> float:
    """Return the seconds for all pairs of `rows` rows on a GPU, in float32 without TF32."""
    import torch

    left = -torch.rand(GPU_EDGE, d + 2, device="cuda")
    right = torch.rand(d + 2, GPU_EDGE, device="cuda") * (4 / (d + 2))
    K = torch.empty(GPU_EDGE, GPU_EDGE, device="cuda")

    def tile() -> float:
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(TILES):
            torch.exp(torch.matmul(left, right, out=K), out=K)
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / TILES

    tile()
    least = statistics.median(tile() for _ in range(rounds))
    return least * rows * (rows + 1) / 2 / GPU_EDGE**2


GPU_EDGE = 8192
ROOFLINES = {"cpu": roofline, "cuda": gpu_roofline}

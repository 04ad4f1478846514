"""KID, CMMD and KAD: MMD^2 of features under three kernels, as their papers quote it."""

from typing import Any

import numpy as np

from repdist import _arrays, _checks, kernels
from repdist._questions.estimate import mmd_squared
from repdist._questions.two_sample import mmd_test
from repdist._results.metric import MetricResult, Spread
from repdist._results.two_sample import MMDTestResult
from repdist._threads import computing
from repdist._typing import Array
from repdist.kernels import median_heuristic

_CMMD_BANDWIDTH, _CMMD_SCALE, _KAD_SCALE = 10.0, 1000.0, 100.0


def kid(  # noqa: PLR0913 (the options of a test)
    real: Array,
    fake: Array,
    *,
    clusters: tuple[Any, Any] | None = None,
    subsets: int = 0,
    subset_size: int = 1000,
    n_resamples: int = 9999,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
) -> MetricResult:
    """Return the Kernel Inception Distance: the unbiased MMD^2 under ``(<x, y> / d + 1)^3`` [1]_.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    real, fake : array-like, (n, d) and (m, d)
        Features of real and of generated samples, as `mmd_test` takes them.
    clusters : pair of sequences, optional
        The cluster of each row (several images of one prompt), of `real` and of `fake`; see
        `mmd_test`.
    subsets, subset_size : int
        If `subsets` is above 0, the mean and the standard deviation over so many random subsets of
        `subset_size` rows of each are given beside, as papers quote them. Default 0, and 1,000.
    n_resamples : int
    rng : None, int or numpy.random.Generator
    n_jobs : int
        See `mmd_test`.

    Returns
    -------
    MetricResult
        ``value`` is that of torchmetrics with a subset of all rows, and of clean-fid's formula.
        Papers often quote 1,000 times it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    References
    ----------
    .. [1] M. Binkowski, D. J. Sutherland, M. Arbel, A. Gretton, "Demystifying MMD GANs",
       ICLR 2018. https://arxiv.org/abs/1801.01401

    Examples
    --------
    >>> import numpy as np
    >>> from repdist import metrics
    >>> rng = np.random.default_rng(0)
    >>> real, fake = rng.normal(size=(300, 16)), rng.normal(0.2, 1, size=(200, 16))
    >>> result = metrics.kid(real, fake, rng=0)
    >>> round(result.value, 4), result.pvalue < 0.01
    (0.1367, True)
    """
    subsets = _checks.whole_number("subsets", subsets, 0)
    size = _checks.whole_number("subset_size", subset_size, 2)
    rng = _checks.generator(rng)
    arrays = _checked(real, fake, clusters)
    if subsets:
        _check_subset_size(size, arrays)
    test = mmd_test(
        real, fake, clusters=clusters, kernel=kernels.Polynomial(), n_resamples=n_resamples,
        rng=rng, n_jobs=n_jobs,
    )  # fmt: skip
    spread = _spread(arrays, subsets, size, rng) if subsets else None
    return _result("KID", test, 1.0, "unbiased MMD^2", spread)


def cmmd(  # noqa: PLR0913 (the options of a test)
    real: Array,
    fake: Array,
    *,
    clusters: tuple[Any, Any] | None = None,
    n_resamples: int = 9999,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
) -> MetricResult:
    """Return CMMD: 1,000 times the biased MMD^2 of unit vectors under a Gaussian kernel [1]_.

    Its bandwidth is 10. Rows are divided by their lengths here; CLIP's are meant.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    real, fake : array-like, (n, d) and (m, d)
    clusters : pair of sequences, optional
    n_resamples : int
    rng : None, int or numpy.random.Generator
    n_jobs : int
        See `kid`.

    Returns
    -------
    MetricResult

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described, or a row has no length.

    References
    ----------
    .. [1] S. Jayasumana, S. Ramalingam, A. Veit, D. Glasner, A. Chakrabarti, S. Kumar, "Rethinking
       FID: towards a better evaluation metric for image generation", CVPR 2024.
       https://arxiv.org/abs/2401.09603
    """
    arrays = _checked(real, fake, clusters)
    unit = [_unit(name, rows) for name, rows in zip(("real", "fake"), arrays, strict=True)]
    _arrays.check_varies(unit, "directions of `real` and `fake`")
    test = mmd_test(
        *unit, clusters=clusters, kernel=kernels.RBF(_CMMD_BANDWIDTH), estimator="biased",
        n_resamples=n_resamples, rng=rng, n_jobs=n_jobs,
    )  # fmt: skip
    return _result("CMMD", test, _CMMD_SCALE, "1,000 x biased MMD^2", None)


def kad(  # noqa: PLR0913 (the options of a test)
    real: Array,
    fake: Array,
    *,
    clusters: tuple[Any, Any] | None = None,
    n_resamples: int = 9999,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
) -> MetricResult:
    """Return the Kernel Audio Distance: 100 times the unbiased MMD^2 under a Gaussian kernel [1]_.

    Its bandwidth is the median distance between real rows (`repdist.median_heuristic`), as kadtk's
    README says; its code takes the evaluated ones. So numbers compare where `real` is the same.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    real, fake : array-like, (n, d) and (m, d)
    clusters : pair of sequences, optional
    n_resamples : int
    rng : None, int or numpy.random.Generator
    n_jobs : int
        See `kid`.

    Returns
    -------
    MetricResult

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    References
    ----------
    .. [1] Y. Chung, P. Eu, J. Lee, K. Choi, J. Nam, B. S. Chon, "KAD: no more FAD! An effective and
       efficient evaluation metric for audio generation", ICML 2025.
       https://arxiv.org/abs/2502.15602
    """
    arrays = _checked(real, fake, clusters)
    _arrays.check_varies(arrays[:1], "`real`")
    test = mmd_test(
        real, fake, clusters=clusters, kernel=kernels.RBF(median_heuristic(arrays[0])),
        n_resamples=n_resamples, rng=rng, n_jobs=n_jobs,
    )  # fmt: skip
    return _result("KAD", test, _KAD_SCALE, "100 x unbiased MMD^2", None)


def _result(
    name: str, test: MMDTestResult, scale: float, convention: str, spread: Spread | None
) -> MetricResult:
    return MetricResult(
        name=name,
        value=scale * test.mmd_squared,
        unbiased=scale * float(test.estimate.mmd_squared),
        standard_error=scale * test.standard_error,
        pvalue=test.pvalue,
        scale=scale,
        convention=convention,
        n=test.n,
        m=test.m,
        spread=spread,
        test=test,
        degrees=0,
        cautions=test.cautions,
    )


def _checked(real: Any, fake: Any, clusters: Any) -> list[Array]:
    """Return both samples as `mmd_test` will read them, or say what is wrong in their names."""
    with computing():
        arrays = _arrays.read_samples({"real": real, "fake": fake})
        _arrays.check_varies(arrays, "`real` and `fake`")
    if clusters is not None:
        if not isinstance(clusters, tuple | list) or len(clusters) != 2:
            raise TypeError(
                "`clusters` must be a pair, the ids of the rows of `real` and of those of `fake`; "
                f"got {_checks.describe(clusters)}."
            )
        sizes = {"real": len(arrays[0]), "fake": len(arrays[1])}
        both = _arrays.read_ids("clusters", clusters, sizes, [real, fake]).shared
        if both:
            raise ValueError(
                "`clusters` must each have all of their rows in one sample; got rows of "
                f"{both[0]!r} in `real` and `fake` ({len(both):,} such in all). If ids start anew "
                "in each, make them differ."
            )
    return [_arrays.detach(rows) for rows in arrays]


def _check_subset_size(size: int, arrays: list[Array]) -> None:
    most = min(map(len, arrays))
    if size > most:
        raise ValueError(
            f"`subset_size` must be at most the {most:,} rows of the smaller sample; got {size:,}."
        )


def _spread(arrays: list[Array], subsets: int, size: int, rng: np.random.Generator) -> Spread:
    """Return KID over random subsets, drawn without replacement from both."""
    values = []
    for _ in range(subsets):
        some = [
            _arrays.held_here(_arrays.take_rows(rows, rng.choice(len(rows), size, replace=False)))
            for rows in arrays
        ]
        values.append(float(mmd_squared(*some, kernel=kernels.Polynomial())))
    return Spread(float(np.mean(values)), float(np.std(values)), subsets, size)


def _unit(name: str, rows: Array) -> Array:
    """Return rows divided by their lengths, in float64: the kernel is nearly 1 between them."""
    rows = _arrays.cast(rows, _arrays.wide(rows))
    lengths = _arrays.namespace(rows).sqrt((rows * rows).sum(1))[:, None]
    if not bool((lengths > 0).all()):
        raise ValueError(
            f"`{name}` must have rows that are not all 0, which have no direction. Drop such rows."
        )
    return rows / lengths

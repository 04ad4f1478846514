"""How much more of one sample than of the other lives at each row."""

import numpy as np

from repdist import _arrays, _checks
from repdist._blocks import Layout, join
from repdist._designs.units import is_small
from repdist._inference.estimates import check_definite, witness_at_rows
from repdist._options import check_row_numbers
from repdist._pass.sums import kernel_blocks
from repdist._results.witness import WitnessResult
from repdist._threads import Workers, computing
from repdist._typing import Array
from repdist.kernels import Kernel, MultiRBF
from repdist.kernels._kernel import check_kernel, fit
from repdist.kernels._plan import plan


def witness(X: Array, Y: Array, *, kernel: Kernel = MultiRBF(), n_jobs: int = -1) -> WitnessResult:
    """Return at each row how much more of one sample than of the other lives there.

    ``w(x_i) = mean_{l != i} k(x_i, x_l) - mean_j k(x_i, y_j)`` and
    ``w(y_j) = mean_i k(y_j, x_i) - mean_{l != j} k(y_j, y_l)``: above 0 where there is more of `X`.
    The mean over `X` less the mean over `Y` is the unbiased MMD^2.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    X : array-like, (n, d), or table
    Y : array-like, (m, d), or table
        As `mmd_test` takes them, with at least 2 rows each.
    kernel : Kernel
        Default ``MultiRBF()``, fitted on the pooled rows. Values compare only under one fitted
        kernel: for several calls fit it once and pass it on.
    n_jobs : int
        See `mmd_test`.

    Returns
    -------
    WitnessResult
        With ``most_typical()``, ``to_frame()``, ``plot()``, ``summary()``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    See Also
    --------
    mmd_test : whether the samples differ.
    region_test : where they differ, with p-values.

    Notes
    -----
    A ranking of rows, to look at: there are no p-values, and no threshold above which a row is of
    one sample only. Of many values the largest is large by chance. A maximum over all rows under
    relabelings says whether the samples differ at all, but not at which row: where one sample has
    a clump, values change at every row that the kernel reaches from there, as its mean over the
    other rows changes, too. For regions with an error rate use `region_test`.

    The linear kernel is taken of rows less their median, or 0 would say nothing.

    ``O((n + m)^2 d)`` time, memory independent of ``(n + m)^2``.

    References
    ----------
    .. [1] A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf, A. Smola, "A kernel two-sample
       test", JMLR 13, 723-773, 2012, section 2.3.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(200, 3)), rng.normal(1, 1, size=(200, 3))
    >>> result = repdist.witness(X, Y)
    >>> round(float(result.values_x.mean() - result.values_y.mean()), 3)
    0.12
    >>> of_x, of_y = result.most_typical(n_rows=3)
    >>> bool(X[of_x].mean() < 0 and Y[of_y].mean() > 1)
    True
    """
    check_kernel(kernel)
    check_row_numbers(kernel, {"X": X, "Y": Y})
    n_jobs = _checks.jobs(n_jobs)
    with computing():
        X, Y = (_arrays.detach(rows) for rows in _arrays.read_samples({"X": X, "Y": Y}))
        _arrays.check_varies([X, Y], "`X` and `Y`")
        Z, sizes, samples = _arrays.concatenate([X, Y]), (len(X), len(Y)), np.array([0, 1])
        fitted = fit(kernel, Z)
        how, layout = plan(fitted), Layout(np.array(sizes), samples, is_small(*sizes))
        sums = join(*kernel_blocks(how, Z, layout, Workers(n_jobs)))
        check_definite(sums, samples, np.array(how.weights))
        of_x, of_y = witness_at_rows(sums.first_rows, sums.second_rows)
    return WitnessResult(values_x=of_x, values_y=-of_y, kernel=fitted)

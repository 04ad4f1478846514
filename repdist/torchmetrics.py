"""MMD of generated features as a metric of torchmetrics, for training loops and Lightning.

Import it by its name, `import repdist.torchmetrics`: `import repdist` does not load torch.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from repdist import _checks, kernels, mmd_test
from repdist._typing import Array

try:
    import torch
    from torch import Tensor, nn
    from torchmetrics import Metric
    from torchmetrics.utilities import dim_zero_cat
    from torchmetrics.utilities.distributed import gather_all_tensors
    from torchmetrics.utilities.exceptions import TorchMetricsUserError
except ImportError as error:
    raise ImportError(
        "repdist.torchmetrics needs torchmetrics and torch. Install them with: "
        'pip install "repdist[torchmetrics]"'
    ) from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["KernelDistance"]

Gather = Callable[..., list[Tensor]]
Values = Mapping[str, Tensor]


class KernelDistance(Metric):  # type: ignore[misc]
    """MMD^2 between features of real and of generated images, with its error and a p-value.

    With the default kernel it is the Kernel Inception Distance of all rows: `value` is what
    `KernelInceptionDistance` of torchmetrics gives with one subset of them all, and
    `repdist.metrics.kid` for the same rows.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    feature : torch.nn.Module, optional
        What makes features (n, d) of a batch of n images. It runs in evaluation mode and without
        gradients, and is left as it was. Default None: `update` is given features.
    kernel : repdist.kernels.Kernel
        Default ``Polynomial()``, that of KID. One whose bandwidth is a rule is fitted in each
        `compute`: fit it once, on real features, if values are to be compared.
    reset_real_features : bool
        Whether `reset` forgets the real rows, too. False: they are given once, and serve all
        epochs. Default True.
    n_resamples : int
        Relabelings behind the p-value, see `repdist.mmd_test`. Default 9,999.
    rng : int
        The seed of the p-value. Default 0.
    n_jobs : int
        Threads for rows that lie on the CPU; -1 (default) for all cores this process may use.
    **kwargs
        What every metric of torchmetrics takes: ``sync_on_compute``, ``process_group``, ...

    Attributes
    ----------
    real_features, fake_features : list of torch.Tensor
        The rows so far, batch by batch: the state, which processes concatenate.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    See Also
    --------
    repdist.metrics.kid : the same of features that are all there, with an interval and cautions.

    Notes
    -----
    Values are 0-d tensors on the metric's device, float64 after ``set_dtype(torch.float64)`` and
    float32 otherwise. Kernel sums are computed where the features lie. Features in half precision
    are kept as they are, and compared as float32.

    The order of rows, and so that in which processes are gathered, changes no bit of the answer.
    Before the test the rows of each sample are put in the order of a digest (BLAKE2) of their
    bytes. Its level stays exact: that order is a symmetric function of a sample, so that after
    `mmd_test` has shuffled each sample by `rng`, all rows are in random order again, whatever the
    order was before. A digest, because it has nothing to do with the values: in the order of the
    values themselves a *fixed* seed would always put rows of the same ranks into one bin, and tests
    with this seed would have a level of their own, above or below the stated one.

    Every process computes the whole test, of the rows of all. A process may have fewer rows than
    others, or none: do not let a sampler repeat images to fill it up, for the test takes rows as
    independent. P-values of several epochs are of the same real rows, and so not independent: they
    tell of each epoch by itself. All features are kept: 10,000 float32 rows of 2,048 columns take
    82 MB.

    Lightning logs scalars: use ``self.log_dict(metric.compute())``, then ``metric.reset()``.

    Metrics of one `MetricCollection` that hold the same rows share them, so they must agree about
    `reset_real_features`.

    Examples
    --------
    >>> import torch
    >>> from repdist.torchmetrics import KernelDistance
    >>> rng = torch.Generator().manual_seed(0)
    >>> metric = KernelDistance()
    >>> for _ in range(3):  # batches of features
    ...     metric.update(torch.randn(50, 8, generator=rng), real=True)
    ...     metric.update(torch.randn(50, 8, generator=rng) + 0.5, real=False)
    >>> {name: round(value.item(), 4) for name, value in metric.compute().items()}
    {'value': 1.4288, 'standard_error': 0.2249, 'pvalue': 0.0001}
    """

    higher_is_better = False
    is_differentiable = False
    full_state_update = False

    real_features: list[Tensor]
    fake_features: list[Tensor]

    def __init__(  # noqa: PLR0913 (the options of a test, and those of every metric)
        self,
        feature: nn.Module | None = None,
        *,
        kernel: kernels.Kernel = kernels.Polynomial(),
        reset_real_features: bool = True,
        n_resamples: int = 9999,
        rng: int = 0,
        n_jobs: int = -1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        given: Gather = kwargs.get("dist_sync_fn") or gather_all_tensors
        self.dist_sync_fn = partial(_gathered, gather=given)
        if feature is not None and not isinstance(feature, nn.Module):
            raise TypeError(
                f"`feature` must be a torch.nn.Module or None; got {_checks.describe(feature)}."
            )
        if not isinstance(kernel, kernels.Kernel) or isinstance(kernel, kernels.Precomputed):
            raise TypeError(
                "`kernel` must be a kernel of features, such as repdist.kernels.Polynomial(); got "
                f"{_checks.describe(kernel)}."
            )
        _checks.jobs(n_jobs)
        self.feature = feature
        self.kernel = kernel
        self.reset_real_features = _checks.flag("reset_real_features", reset_real_features)
        self.n_resamples = _checks.resamples(n_resamples)
        self.rng = _checks.whole_number("rng", rng, 0)
        self.n_jobs = n_jobs
        for name in ("real_features", "fake_features"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, imgs: Tensor, real: bool) -> None:
        """Add a batch of rows to one side.

        Parameters
        ----------
        imgs : torch.Tensor, (n, ...)
            What `feature` takes; without one, features (n, d).
        real : bool
            Whether they are real; else they are generated.

        Raises
        ------
        TypeError, ValueError
            If the batch is empty, or its features are not (n, d), of as many columns as before,
            floating and finite. Nothing is added then.
        """
        if self._is_synced:
            raise TorchMetricsUserError(
                "`update` must not be called between `sync` and `unsync`: the rows that are held "
                "are those of all processes. Call `unsync` first."
            )
        name = "real_features" if _checks.flag("real", real) else "fake_features"
        rows = self._features(imgs)
        setattr(self, name, [*getattr(self, name), rows])  # no list is changed: it may be shared

    def forward(self, imgs: Tensor, real: bool) -> dict[str, Tensor]:
        """Add a batch of rows, and return how far it alone is from all rows of the other side.

        Parameters
        ----------
        imgs : torch.Tensor, (n, ...)
        real : bool
            See `update`.

        Returns
        -------
        dict of torch.Tensor
            As of `compute`; over all processes with ``dist_sync_on_step=True``.

        Raises
        ------
        TypeError, ValueError
            As of `update` and `compute`. If the other side has no two rows yet, the batch is kept
            all the same: call `update` where no value is needed.
        """
        self.update(imgs, real)
        name = "real_features" if real else "fake_features"
        rows = getattr(self, name)
        setattr(self, name, rows[-1:])
        self._to_sync = self.dist_sync_on_step
        try:
            self._forward_cache = self.compute()
        finally:
            setattr(self, name, rows)
            self._to_sync = self.sync_on_compute
            self._computed = None
        return self._forward_cache

    def compute(self) -> dict[str, Tensor]:
        """Return how far the two sides are apart, over all processes.

        Returns
        -------
        dict of torch.Tensor, 0-d
            ``value``: MMD^2 without bias, which scatters around 0 if nothing differs.
            ``standard_error``: that of the value. ``pvalue``: of "both sides come from one
            distribution", exact and never 0.

        Raises
        ------
        ValueError
            If a side has fewer than two rows, or all rows are equal.
        """
        try:
            return self._distance(*map(_joined, (self.real_features, self.fake_features)))
        except Exception:
            if self._is_synced:  # or the metric could not be used any more
                self.unsync()
            raise

    def reset(self) -> None:
        """Forget all rows; the real ones only if `reset_real_features` is True."""
        kept = self.real_features
        self.real_features, self.fake_features = [], []  # what follows clears lists in place
        super().reset()
        if not self.reset_real_features:
            self.real_features = kept

    def plot(
        self, val: Values | Sequence[Values] | None = None, ax: "Axes | None" = None
    ) -> "tuple[Figure | SubFigure, Axes]":
        """Draw the value, or its course over several steps, with its standard error.

        Parameters
        ----------
        val : dict or sequence of dict, optional
            What `compute` or `forward` returned. Default: `compute` is called.
        ax : matplotlib.axes.Axes, optional
            Where to draw.

        Returns
        -------
        figure : matplotlib.figure.Figure
        ax : matplotlib.axes.Axes
        """
        import matplotlib.pyplot as plt

        if val is None:
            val = self.compute()
        if not isinstance(val, Mapping | Sequence) or isinstance(val, str):
            raise TypeError(f"`val` must be what `compute` returned; got {_checks.describe(val)}.")
        steps = [val] if isinstance(val, Mapping) else list(val)
        if ax is None:
            _, ax = plt.subplots()
        heights, errors = (
            [float(step[name]) for step in steps] for name in ("value", "standard_error")
        )
        ax.errorbar(range(len(steps)), heights, errors, marker="o", capsize=3)
        ax.axhline(0, color="0.6", linewidth=1, zorder=0)
        ax.set_xticks(range(len(steps)))
        ax.set_xlabel("step")
        ax.set_ylabel("MMD², with its standard error")
        return ax.figure, ax

    def _features(self, imgs: Any) -> Tensor:
        """Return the checked features of a batch."""
        if not isinstance(imgs, Tensor):
            raise TypeError(f"`imgs` must be a torch.Tensor; got {_checks.describe(imgs)}.")
        if imgs.is_meta:
            raise TypeError(
                "`imgs` must hold data; got a tensor on the meta device, which has none."
            )
        if imgs.ndim == 0 or len(imgs) == 0:
            raise ValueError(
                f"`imgs` must hold at least one row; got the shape {tuple(imgs.shape)}."
            )
        if self.feature is None:
            features, what = imgs, "`imgs`, without a `feature`,"
        else:
            what = "What `feature` makes of `imgs`"
            with _in_evaluation(self.feature):  # torchmetrics lets no update make gradients
                features = self.feature(imgs)
        _check(features, len(imgs), what)
        for before in (*self.real_features[:1], *self.fake_features[:1]):
            if before.shape[1] != features.shape[1]:
                raise ValueError(
                    f"{what} must have as many columns as before, {before.shape[1]}; got "
                    f"{features.shape[1]}."
                )
        return features.detach().clone()

    def _distance(self, real: Tensor | None, fake: Tensor | None) -> dict[str, Tensor]:
        counts = [0 if rows is None else len(rows) for rows in (real, fake)]
        if min(counts) < 2:
            raise ValueError(
                "`compute` must have at least two rows of each side; got "
                f"{counts[0]} real and {counts[1]} generated ones. Call `update(imgs, real=True)` "
                "and `update(imgs, real=False)` first."
            )
        try:
            result = mmd_test(
                _in_order(real), _in_order(fake), kernel=self.kernel,
                n_resamples=self.n_resamples, rng=self.rng, n_jobs=self.n_jobs,
            )  # fmt: skip
        except (TypeError, ValueError) as error:
            words = str(error).replace("`X` and `Y`", "the real and the generated features")
            raise type(error)(words) from None
        found = {
            "value": result.mmd_squared,
            "standard_error": result.standard_error,
            "pvalue": result.pvalue,
        }
        dtype = torch.promote_types(self.dtype, torch.float32)
        return {
            name: torch.tensor(number, dtype=dtype, device=self.device)
            for name, number in found.items()
        }


@contextlib.contextmanager
def _in_evaluation(feature: nn.Module) -> Iterator[None]:
    """Put a network in evaluation mode; its parts are as they were afterwards."""
    modes = [(part, part.training) for part in feature.modules()]
    feature.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _check(features: Any, n: int, what: str) -> None:
    """Raise unless these are features (n, d), floating and finite."""
    if not isinstance(features, Tensor) or not features.is_floating_point():
        got = features.dtype if isinstance(features, Tensor) else _checks.describe(features)
        raise TypeError(f"{what} must be a floating torch.Tensor; got {got}.")
    shape = tuple(features.shape)
    if len(shape) != 2 or shape[0] != n or shape[1] == 0:
        raise ValueError(
            f"{what} must have the shape ({n}, columns), one row an image; got {shape}. Flatten or "
            "pool it in `feature`."
        )
    bad = ~torch.isfinite(features)
    if bad.any():
        row, column = bad.nonzero()[0].tolist()
        raise ValueError(
            f"{what} must be finite; got {features[row, column].item()} in row {row} of the batch, "
            f"column {column}."
        )


def _joined(batches: list[Tensor] | Tensor) -> Tensor | None:
    """Return the rows of all batches, which a sync has joined already; None of none."""
    return dim_zero_cat(batches) if len(batches) else None


def _in_order(rows: Tensor) -> Array:
    """Return rows in the order of digests of their bytes, whatever order they had.

    Those on the CPU as NumPy arrays, of which threads change no bit of the answer.
    """
    rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
    held = np.ascontiguousarray(rows.cpu().numpy())
    order = sorted(range(len(held)), key=lambda row: hashlib.blake2b(held[row].tobytes()).digest())
    return held[order] if rows.device.type == "cpu" else rows[order]


def _gathered(rows: Tensor, group: Any = None, *, gather: Gather) -> list[Tensor]:
    """Return the rows of each process, of one dtype.

    One that has none sends an array of no rows: torchmetrics lets it send an empty vector, for
    which the others would wait in vain.
    """
    columns, size = (rows.shape[1], rows.dtype.itemsize) if rows.ndim == 2 else (0, 0)
    told = torch.tensor([columns, size], device=rows.device)
    of_all = torch.stack(gather(told, group))
    widths = sorted(set(of_all[:, 0].tolist()) - {0})
    if len(widths) > 1:
        raise ValueError(
            "Features must have the same number of columns in all processes; got "
            f"{' and '.join(map(str, widths))}."
        )
    if not widths:
        return [rows]
    dtype = torch.float64 if of_all[:, 1].max() > 4 else torch.float32
    return gather(rows.reshape(len(rows), widths[0]).to(dtype), group)

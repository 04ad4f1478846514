"""MMD^2 as a module of a torch training; needs torch, and is imported by `import repdist.torch`.

`MMDLoss` is the differentiable `repdist.mmd_squared` with a rule for its bandwidths, which may
remember past batches.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

try:
    import torch
    from torch import nn
except ImportError as error:
    raise ImportError(
        '`repdist.torch` needs torch. Install it with: pip install "repdist[torch]"'
    ) from error

from repdist import _arrays, _checks, mmd_squared
from repdist._options import check_estimator
from repdist._typing import Array, Estimator
from repdist.kernels import Kernel, MultiRBF
from repdist.kernels._kernel import FINAL, check_kernel, fit

__all__ = ["MMDLoss"]

Forward = TypeVar("Forward", bound=Callable[..., torch.Tensor])


def _outside_graphs(forward: Forward) -> Forward:
    """Return the method so that torch.compile calls it, and does not compile it."""
    reason = "MMDLoss looks at values, which a graph does not have. Compile without `fullgraph`."
    called: Forward = torch.compiler.disable(forward, reason=reason)
    return called


class MMDLoss(nn.Module):  # type: ignore[misc]
    """The squared maximum mean discrepancy between two batches, as a loss.

    ``loss(X, Y)`` is `repdist.mmd_squared`, with its value and its gradient. What is left to say
    is from which rows the bandwidths come:

    ====================  =====================  ==================================================
    kernel                `buffer_size`          bandwidths
    ====================  =====================  ==================================================
    fitted                0                      fixed: losses of any two steps compare
    with a rule           0, the default         those of each batch: the ruler moves with what it
                                                 measures, so losses of two steps do not compare
    with a rule           N                      those of the last N rows of either side: the ruler
                                                 moves slowly, and follows features that grow
    ====================  =====================  ==================================================

    .. versionadded:: 0.2.0

    Parameters
    ----------
    kernel : Kernel
        Default ``MultiRBF()``, whose rule is fitted as the table says. A kernel is fitted by
        ``kernel.fit(Z)``, and has no rule if its bandwidths are numbers.
    estimator : {"unbiased", "biased"}
        ``"unbiased"`` (default) is 0 on average for equal distributions, so it can be negative.
        ``"biased"`` is never negative, and above 0 for equal distributions.
    buffer_size : int
        The bandwidths are fitted on the last so many rows of X, and of Y, those of the batch among
        them. Default 0: on the rows of the batch alone, which is what `mmd_squared` does.

    Attributes
    ----------
    past_x, past_y : Tensor (rows, d) or None
        The buffer: at most `buffer_size` rows of each, the latest last, outside of any graph.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it. ``forward`` raises what
        `mmd_squared` raises, and then leaves the buffer as it was.

    See Also
    --------
    repdist.mmd_squared : the function behind it.
    repdist.mmd_test : whether what was trained has the right distribution.

    Notes
    -----
    In ``eval()`` mode the buffer does not change, and bandwidths are those of the buffer alone, so
    losses of one validation compare; before any training step they are those of the batch.

    The buffer is in ``state_dict()``, so that a training resumes to the bit. It keeps the precision
    of the features, whatever ``.half()`` does to the network, and follows them to their device.
    Half precision is computed as float32, under autocast as well.

    Bandwidths are constants for the gradient, which is that of `mmd_squared`, second derivatives
    included. ``torch.compile`` leaves the loss out of its graphs, so compiled networks may use it.
    Inside transforms of ``torch.func`` (``grad``, ``vmap``, ``jvp``) it raises.

    Each step fits on at most 1,000 rows: a `buffer_size` above 500 looks farther back, and not more
    closely.

    Examples
    --------
    >>> import torch
    >>> from repdist.torch import MMDLoss
    >>> generator = torch.Generator().manual_seed(0)
    >>> X = torch.randn(64, 2, generator=generator, requires_grad=True)
    >>> Y = torch.randn(64, 2, generator=generator) + 1
    >>> loss = MMDLoss(buffer_size=500)
    >>> value = loss(X, Y)
    >>> value.backward()
    >>> round(value.item(), 2), X.grad.shape, loss.past_x.shape
    (0.1, torch.Size([64, 2]), torch.Size([64, 2]))
    """

    past_x: torch.Tensor | None
    past_y: torch.Tensor | None

    def __init__(
        self,
        *,
        kernel: Kernel = MultiRBF(),
        estimator: Estimator = "unbiased",
        buffer_size: int = 0,
    ) -> None:
        super().__init__()
        check_kernel(kernel)
        check_estimator(estimator)
        self.kernel, self.estimator = kernel, estimator
        self.buffer_size = _checks.whole_number("buffer_size", buffer_size, 0)
        if self.buffer_size and _is_without_rule(kernel):
            raise _nothing_to_fit(kernel)
        self.past_x = self.past_y = None

    @_outside_graphs
    def forward(self, X: Array, Y: Array) -> torch.Tensor:
        """Return MMD^2 between X (n, d) and Y (m, d), a scalar tensor."""
        for name, value in {"X": X, "Y": Y}.items():
            _check_tensor(name, value)
        kernel, past = self.kernel, (self.past_x, self.past_y)
        if self.buffer_size:
            past = self._remembered(X, Y)
            kernel = _fitted(kernel, torch.cat(past))
        value = mmd_squared(X, Y, kernel=kernel, estimator=self.estimator)
        if self.training:
            self.past_x, self.past_y = past  # last: a batch that was refused leaves no trace
        return value

    def _remembered(self, X: Array, Y: Array) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the rows of each side that bandwidths are fitted on."""
        now = _arrays.read_samples({"X": X, "Y": Y}, minimum_rows=1)
        x, y = (rows.detach() for rows in now)
        if self.past_x is None or self.past_y is None:
            return x[-self.buffer_size :].clone(), y[-self.buffer_size :].clone()
        if self.past_x.shape[1] != x.shape[1]:
            raise ValueError(
                f"`X` must have as many columns as the rows before it; got {x.shape[1]} after "
                f"{self.past_x.shape[1]}. Take one `MMDLoss` for each layer."
            )
        if not self.training:
            return self.past_x.to(x), self.past_y.to(y)
        return _latest(self.past_x, x, self.buffer_size), _latest(self.past_y, y, self.buffer_size)

    def get_extra_state(self) -> dict[str, torch.Tensor | None]:
        """Return the buffer for ``state_dict()``."""
        return {"past_x": self.past_x, "past_y": self.past_y}

    def set_extra_state(self, state: dict[str, torch.Tensor | None]) -> None:
        """Take the buffer from a ``state_dict``; of a longer one the latest rows.

        Raises
        ------
        ValueError
            If this is not what `get_extra_state` returns.
        """
        if not isinstance(state, dict) or set(state) != {"past_x", "past_y"}:
            raise ValueError(
                "`state` must hold the `past_x` and `past_y` of another `MMDLoss`; got "
                f"{_checks.describe(state)}."
            )
        for name, rows in state.items():
            held = rows is not None and self.buffer_size > 0
            setattr(self, name, rows[-self.buffer_size :].clone() if held else None)

    def extra_repr(self) -> str:
        """Return the arguments, for ``print(network)``."""
        return f"{self.kernel}, estimator={self.estimator!r}, buffer_size={self.buffer_size}"


def _latest(past: torch.Tensor, rows: torch.Tensor, most: int) -> torch.Tensor:
    """Return the last rows of both, in their order and in storage of their own."""
    kept = max(0, len(past) + len(rows) - most)
    return torch.cat([past.to(rows)[kept:], rows[-most:]])


def _fitted(kernel: Kernel, Z: torch.Tensor) -> Kernel:
    _arrays.check_varies([Z], "`X` and `Y`")
    fitted = fit(kernel, Z)
    if fitted is kernel:  # the rule of one's own is known by what it does to rows
        raise _nothing_to_fit(kernel)
    return fitted


def _is_without_rule(kernel: Kernel) -> bool:
    """Tell whether no rows change a kernel, as far as that is known before there are any."""
    if type(kernel) in FINAL:
        return kernel.fit(np.array([[0.0], [1.0]])) is kernel
    return type(kernel).fit is Kernel.fit


def _nothing_to_fit(kernel: Kernel) -> ValueError:
    return ValueError(
        f"`buffer_size` must be 0 for a kernel without a rule for bandwidths; got {kernel}, which "
        "no rows change."
    )


def _check_tensor(name: str, value: Any) -> None:
    """Raise for what has no values to look at, or no gradient."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(
            f"`{name}` must be a torch tensor; got {_checks.describe(value)}. Use "
            "`torch.as_tensor`, or `repdist.mmd_squared` for a number without a gradient."
        )
    if value.layout != torch.strided:
        return  # `mmd_squared` says what to do with it
    try:
        value.data_ptr()
    except RuntimeError:  # the public sign of a tensor that stands for others
        raise TypeError(
            f"`{name}` must be a tensor with values of its own; got one inside a transform of "
            "`torch.func` (grad, vmap, jvp). Use `torch.autograd.grad(loss(X, Y), X)`, or "
            "`.backward()`."
        ) from None

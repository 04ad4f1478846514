"""What a test finds, whatever its design: the null, MMD^2 of each component, and the estimate."""

from collections.abc import Callable
from dataclasses import dataclass

from repdist._inference.combine import Null
from repdist._inference.estimates import Estimate
from repdist._typing import Float64


@dataclass(frozen=True)
class Findings:
    """What a design makes of kernel sums.

    Attributes
    ----------
    null : Null
    components : (R,)
        MMD^2 of each component, by the estimator asked for.
    mmd_squared : float
        Of the kernel, by that estimator.
    estimate : Estimate
        The unbiased MMD^2 of the kernel.
    spread : float
        ``mean k(x, x) - mean k(x, x')`` over different rows of one sample, the mean of both; of
        strata, over those of one stratum.
    guard : float
        No p-value below it is told, whatever relabelings say.
    floor : function, optional
        Returns the noise floor of this MMD^2, if it is not that of two groups.
    """

    null: Null
    components: Float64
    mmd_squared: float
    estimate: Estimate
    spread: float
    guard: float = 0.0
    floor: Callable[[], float] | None = None

    @property
    def pvalue(self) -> float:
        """Of the null hypothesis."""
        return max(self.null.pvalue, self.guard)

"""What a test finds, whatever its design: the null, MMD^2 of each component, and the estimate."""

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
    """

    null: Null
    components: Float64
    mmd_squared: float
    estimate: Estimate

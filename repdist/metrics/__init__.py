"""Distances between real and generated features under the names they have, with error bars.

`kid`, `cmmd`, `kad` and `fid` take features (n, d) and (m, d) that a network made of real and of
generated samples; `by_label` gives one value a class. Ranks of several generators are a matter of
`repdist.compare_to_reference(real, fakes, kernel=repdist.kernels.Polynomial())`.
"""

from repdist._results.metric import MetricResult
from repdist.metrics._by_label import by_label
from repdist.metrics._fid import fid
from repdist.metrics._mmd import cmmd, kad, kid

__all__ = ["MetricResult", "by_label", "cmmd", "fid", "kad", "kid"]

for _name in __all__:
    globals()[_name].__module__ = __name__  # so that pickles hold where users find it

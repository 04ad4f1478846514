"""Features to try the library on."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

import repdist._experiments as experiments


def example_features() -> tuple[npt.NDArray[np.float32], list[str]]:
    """Load the features of a small network: 10 classes of digits x 300 images x 64 features.

    A LeNet with global average pooling has learned to name a handwritten digit among clutter. Its
    64 averaged maps were taken on images of digits that it was not trained on.

    Returns
    -------
    features : ndarray of float32, shape (10, 300, 64)
        Not negative; a new array at each call.
    names : list of str
        The classes, ``"0"`` to ``"9"``.

    Raises
    ------
    FileNotFoundError
        If the file that comes with repdist is missing.

    Notes
    -----
    ``repdist lenet-gap`` makes them from the digits and the weights that come with repdist; the
    file has the positions of the digits in MNIST as well.

    Examples
    --------
    >>> import repdist
    >>> features, names = repdist.example_features()
    >>> features.shape
    (10, 300, 64)
    >>> bool(repdist.mmd_test(features[4], features[9], rng=0).pvalue < 0.001)
    True
    """
    for folder in experiments.__path__:
        path = Path(folder, "lenet_gap", "features.npz")
        if path.is_file():
            with np.load(path, allow_pickle=False) as arrays:
                return arrays["features"], [str(name) for name in arrays["names"]]
    raise FileNotFoundError(
        "The features that come with repdist (lenet_gap/features.npz) must be in its folder "
        "`_experiments`; they are missing. Install repdist again."
    )

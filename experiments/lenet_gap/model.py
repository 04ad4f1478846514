"""The network: LeNet with global average pooling, its weights, and class activation maps.

Keras runs on TensorFlow; both are imported when a network is built, not before.
"""

import importlib.util
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .archive import read_npz, write_npz

if TYPE_CHECKING:
    import keras

Float32 = NDArray[np.float32]

WEIGHTS_PATH = Path(__file__).with_name("weights.npz")
SHAPES = {
    "conv1": (5, 5, 1, 32),
    "bias1": (32,),
    "conv2": (5, 5, 32, 64),
    "bias2": (64,),
    "classifier": (64, 10),
}
BATCH = 250  # images in one forward pass


@dataclass(frozen=True)
class Weights:
    """The 52,736 weights of the network, float32.

    Attributes
    ----------
    conv1 : ndarray, shape (5, 5, 1, 32)
        Height, width, channels in, channels out; as `conv2`.
    bias1 : ndarray, shape (32,)
    conv2 : ndarray, shape (5, 5, 32, 64)
    bias2 : ndarray, shape (64,)
    classifier : ndarray, shape (64, 10)
        From the features to the logits, without a bias.
    """

    conv1: Float32
    bias1: Float32
    conv2: Float32
    bias2: Float32
    classifier: Float32

    def __post_init__(self) -> None:
        for name, shape in SHAPES.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"`{name}` must have shape {shape}; got {array.shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"`{name}` must be finite numbers; got NaN or infinity")

    @classmethod
    def load(cls, path: str | Path = WEIGHTS_PATH) -> "Weights":
        """Read weights from an .npz file; those that come with repdist by default.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it holds no weights of this network.
        """
        arrays = read_npz(Path(path), list(SHAPES), "--weights")
        try:
            return cls(**{name: array.astype(np.float32) for name, array in arrays.items()})
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"`--weights` must be weights of this network; in {path} {error}."
            ) from None

    @classmethod
    def initial(cls, rng: np.random.Generator) -> "Weights":
        """Draw the weights of a network before training.

        Kernels are uniform as Glorot and Bengio (2010) have it, biases 0, the classifier normal
        with standard deviation 0.01.
        """
        return cls(
            _glorot(rng, SHAPES["conv1"]),
            np.zeros(SHAPES["bias1"], np.float32),
            _glorot(rng, SHAPES["conv2"]),
            np.zeros(SHAPES["bias2"], np.float32),
            rng.normal(0, 0.01, SHAPES["classifier"]).astype(np.float32),
        )

    def save(self, path: str | Path) -> None:
        """Write the weights as an .npz file, which appears when it is complete."""
        write_npz(Path(path), asdict(self))

    def arrays(self) -> list[Float32]:
        """Return the weights in the order of the layers."""
        return [getattr(self, name) for name in SHAPES]


def require_tensorflow() -> None:
    """Raise an `ImportError` that says how to install TensorFlow, if it is missing."""
    if importlib.util.find_spec("tensorflow") is None or importlib.util.find_spec("keras") is None:
        raise ImportError(
            'The LeNet case study needs TensorFlow. Install it with: pip install "repdist[lenet]"'
        )
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def build_maps(dtype: str = "float32") -> "keras.Model":
    """Build the part of the network below the pooling: images (n, h, w) of bytes to maps.

    Parameters
    ----------
    dtype : str, default "float32"
        Keras dtype policy of the layers; the maps that come out are float32.
    """
    require_tensorflow()
    from keras import Input, Model, backend, layers

    if backend.backend() != "tensorflow":
        raise ImportError(
            f"Keras must run on TensorFlow; it was imported with {backend.backend()}. "
            "Set KERAS_BACKEND=tensorflow."
        )
    options = {"dtype": dtype, "data_format": "channels_last"}

    images = Input((None, None), dtype="uint8")
    maps = layers.Rescaling(1 / 255, dtype=dtype)(images[..., None])
    for n_maps in (32, 64):
        maps = layers.Conv2D(n_maps, 5, padding="same", **options)(maps)
        # ReLU and maximum commute; this order has a quarter of the ReLUs.
        maps = layers.ReLU(dtype=dtype)(layers.MaxPooling2D(2, **options)(maps))
    return Model(images, layers.Activation("linear", dtype="float32")(maps))


class Network:
    """The network with given weights, in TensorFlow.

    Parameters
    ----------
    weights : Weights

    Raises
    ------
    ImportError
        If TensorFlow is not installed.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._maps = build_maps()
        self._maps.set_weights(weights.arrays()[:-1])

    def maps(self, images: NDArray[np.uint8]) -> Float32:
        """Compute the last pooled maps.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, height, width)

        Returns
        -------
        ndarray of float32, shape (n, height / 4, width / 4, 64)
            160 kB for each image of 100 x 100.
        """
        return np.asarray(self._maps(images, training=False))

    def features(self, images: NDArray[np.uint8]) -> Float32:
        """Average the maps over the image: the representation.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, height, width)

        Returns
        -------
        ndarray of float32, shape (n, 64)
            In about 2 ms an image of 100 x 100 on two cores; the memory is that of one batch.
        """
        starts = range(0, len(images), BATCH)
        return np.concatenate(
            [self.maps(images[start : start + BATCH]).mean(axis=(1, 2)) for start in starts]
        )

    def logits(self, features: Float32) -> Float32:
        """Return the scores of the ten classes, (n, 10), from features (n, 64)."""
        return np.asarray(features @ self.weights.classifier)


def class_activation_maps(
    maps: Float32, weights: Weights, classes: NDArray[np.integer[Any]]
) -> Float32:
    """Compute ``CAM_c(u, v) = sum_k W[k, c] A_k(u, v)`` for one class an image.

    Its average over the image is the logit of the class.

    Parameters
    ----------
    maps : ndarray of float32, shape (n, height, width, 64)
        The last pooled maps ``A``.
    weights : Weights
        ``W`` is their classifier.
    classes : ndarray of int, shape (n,)
        The class for each image.

    Returns
    -------
    ndarray of float32, shape (n, height, width)

    References
    ----------
    Zhou, Khosla, Lapedriza, Oliva and Torralba (2016), *Learning deep features for discriminative
    localization*, CVPR, doi:10.1109/CVPR.2016.319, equation (2).
    """
    return np.asarray(np.einsum("nuvk,kn->nuv", maps, weights.classifier[:, classes]))


def _glorot(rng: np.random.Generator, shape: tuple[int, ...]) -> Float32:
    height, width, n_in, n_out = shape
    limit = np.sqrt(6 / (height * width * (n_in + n_out)))
    return rng.uniform(-limit, limit, shape).astype(np.float32)

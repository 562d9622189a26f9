"""Prices of houses by thirteen properties."""

from tenon.python.keras.datasets import common
from tenon.python.util.tf_export import tf_export

_DIGEST = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


@tf_export("keras.datasets.boston_housing.load_data")
def load_data(path="boston_housing.npz", test_split=0.2, seed=113):
    """((properties, prices), (properties, prices)): 506, TEST_SPLIT of them in the second part."""
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split must be in [0, 1), not {test_split}")
    x, y = common.shuffled(seed, *common.arrays(path, "boston_housing.npz", _DIGEST, "x", "y"))
    at = int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])

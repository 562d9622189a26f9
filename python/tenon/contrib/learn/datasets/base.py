"""Data sets of contrib.learn: rows of numbers in CSV files, Fisher's irises among them.

iris.csv holds the 150 flowers of Fisher (1936) as the UCI Machine Learning Repository gives them out (CC BY 4.0).
"""

import collections
import csv
from pathlib import Path

import numpy as np

import tenon
from tenon.python.lib.io import file_io
from tenon.python.util.tf_export import tf_export

Dataset = collections.namedtuple("Dataset", ["data", "target"])
Datasets = collections.namedtuple("Datasets", ["train", "validation", "test"])
TF_EXPORTS = {
    "contrib.learn.datasets.base.Dataset": "Dataset",
    "contrib.learn.datasets.base.Datasets": "Datasets",
}


def _rows(filename):
    with file_io.FileIO(str(filename), "r") as file:
        text = file.read()
    return list(csv.reader(text.splitlines()))


@tf_export("contrib.learn.datasets.base.load_csv_with_header")
def load_csv_with_header(filename, target_dtype, features_dtype, target_column=-1):
    """A CSV file whose first line begins with the numbers of rows and of features; the label is one of its columns."""
    rows = _rows(filename)
    count, width = int(rows[0][0]), int(rows[0][1])
    data = np.zeros((count, width), dtype=features_dtype)
    target = np.zeros((count,), dtype=target_dtype)
    for i, row in enumerate(rows[1:]):
        target[i] = np.asarray(row.pop(target_column), dtype=target_dtype)
        data[i] = np.asarray(row, dtype=features_dtype)
    return Dataset(data=data, target=target)


@tf_export("contrib.learn.datasets.base.load_csv_without_header")
def load_csv_without_header(filename, target_dtype, features_dtype, target_column=-1):
    """A CSV file of numbers; the label is one of its columns."""
    data, target = [], []
    for row in _rows(filename):
        target.append(row.pop(target_column))
        data.append(np.asarray(row, dtype=features_dtype))
    return Dataset(data=np.array(data), target=np.array(target, dtype=target_dtype))


@tf_export("contrib.learn.datasets.load_iris", "contrib.learn.datasets.base.load_iris")
def load_iris(data_path=None):
    """150 irises: four lengths in centimetres, and which of three kinds it is."""
    path = data_path or Path(tenon.__file__).parent / "contrib" / "learn" / "datasets" / "iris.csv"
    return load_csv_with_header(path, target_dtype=int, features_dtype=float)


@tf_export("contrib.learn.datasets.load_boston", "contrib.learn.datasets.base.load_boston")
def load_boston(data_path=None):
    """Prices of houses in Boston, from 1.15's boston_house_prices.csv, which is not part of Tenon."""
    if data_path is None:
        raise ValueError("load_boston: data_path must name a copy of boston_house_prices.csv; Tenon has none")
    return load_csv_with_header(data_path, target_dtype=float, features_dtype=float)


@tf_export("contrib.learn.datasets.load_dataset")
def load_dataset(name, size="small", test_with_fake_data=False):
    """A data set by its name: "iris", "boston" or "mnist"."""
    if name == "iris":
        return load_iris()
    if name == "boston":
        return load_boston()
    if name == "mnist":
        from tenon.examples.tutorials.mnist import input_data

        return input_data.read_data_sets("MNIST-data", fake_data=test_with_fake_data)
    raise ValueError(f"Name of dataset is not found: {name}")


@tf_export("contrib.learn.datasets.base.shrink_csv")
def shrink_csv(filename, ratio):
    """Writes every RATIO-th row of a CSV file to another, which is called `NAME_small`."""
    lines = Path(filename).read_text(encoding="utf-8").splitlines(keepends=True)
    Path(str(filename).replace(".", "_small.")).write_text("".join(lines[::ratio]), encoding="utf-8")

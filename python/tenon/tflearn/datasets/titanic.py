"""The passengers of the Titanic: who survived."""

import os
import shutil

from tenon.python.keras.utils import data_utils


def download_dataset(filename="titanic_dataset.csv", work_directory="./"):
    """The path of the CSV file, which is fetched if it is not there."""
    path = os.path.join(work_directory, filename)
    if not os.path.exists(path):
        local = data_utils.local_file(filename)
        found = local or data_utils.get_file(filename, "http://tflearn.org/resources/titanic_dataset.csv")
        os.makedirs(work_directory, exist_ok=True)
        shutil.copy(found, path)
    return path

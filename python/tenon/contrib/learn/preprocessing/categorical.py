"""contrib.learn.preprocessing.CategoricalProcessor: columns of categories as numbers."""

import numpy as np

from tenon.contrib.learn.preprocessing.text import CategoricalVocabulary
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.learn.preprocessing.CategoricalProcessor")
class CategoricalProcessor:
    """Rows of categories as rows of numbers, by a vocabulary for each column, or (SHARE) one for all."""

    def __init__(self, min_frequency=0, share=False, vocabularies=None):
        self.min_frequency, self.share, self.vocabularies_ = min_frequency, share, vocabularies

    def freeze(self, freeze=True):
        """No more new categories (or more again)."""
        for vocabulary in self.vocabularies_:
            vocabulary.freeze(freeze)

    def fit(self, x, unused_y=None):
        """Learns the categories of rows; returns self."""
        rows = np.array(list(x)) if not hasattr(x, "shape") else x
        if self.vocabularies_ is None:
            own = [CategoricalVocabulary() for _ in range(1 if self.share else rows.shape[1])]
            self.vocabularies_ = own * rows.shape[1] if self.share else own
        for row in rows:
            for vocabulary, value in zip(self.vocabularies_, row):
                if not _missing(value):
                    vocabulary.add(value)
        if self.min_frequency > 0:
            for vocabulary in {id(one): one for one in self.vocabularies_}.values():
                vocabulary.trim(self.min_frequency)
        self.freeze()
        return self

    def fit_transform(self, x, unused_y=None):
        """Learns the categories and yields the rows."""
        x = np.array(list(x)) if not hasattr(x, "shape") else x
        self.fit(x)
        return self.transform(x)

    def transform(self, x):
        """Yields a row of numbers for each row; what is missing, or was not learnt, is 0."""
        self.freeze()
        for row in x:
            found = [0 if _missing(value) else vocabulary.get(value)
                     for vocabulary, value in zip(self.vocabularies_, row)]  # fmt: skip
            yield np.array(found, np.int64)


def _missing(value):
    return value is None or value == "" or (isinstance(value, (float, np.floating)) and np.isnan(value))

"""contrib.learn.preprocessing: texts as rows of numbers."""

import collections
import pickle
import re

import numpy as np

from tenon.python.lib.io import file_io
from tenon.python.util.tf_export import tf_export

_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)


@tf_export("contrib.learn.preprocessing.tokenizer", "contrib.learn.preprocessing.text.tokenizer")
def tokenizer(iterator):
    """The words of each text."""
    for value in iterator:
        yield _WORDS.findall(value)


@tf_export("contrib.learn.preprocessing.ByteProcessor")
class ByteProcessor:
    """Texts as rows of bytes, of one length."""

    def __init__(self, max_document_length):
        self.max_document_length = max_document_length

    def fit(self, x):
        """Does nothing; returns self."""
        return self

    def fit_transform(self, x):
        """The same as transform."""
        return self.transform(x)

    def reverse(self, x):
        """The texts of rows."""
        for data in x:
            yield bytes(int(code) for code in np.trim_zeros(np.asarray(data), "b")).decode("utf-8", "ignore")

    def transform(self, x):
        """Yields a row of bytes for each text."""
        for text in x:
            data = text.encode() if isinstance(text, str) else text
            row = np.zeros(self.max_document_length, np.uint8)
            taken = np.frombuffer(data, np.uint8)[: self.max_document_length]
            row[: len(taken)] = taken
            yield row


@tf_export("contrib.learn.preprocessing.CategoricalVocabulary")
class CategoricalVocabulary:
    """Numbers for words: 0 is what is not known; new words get new numbers until it is frozen."""

    def __init__(self, unknown_token="<UNK>", support_reverse=True):
        self._unknown_token, self._mapping, self._freq = unknown_token, {unknown_token: 0}, collections.defaultdict(int)
        self._support_reverse, self._frozen = support_reverse, False
        self._reverse_mapping = [unknown_token]

    def __len__(self):
        return len(self._mapping)

    def freeze(self, freeze=True):
        """No more new words (or more again)."""
        self._frozen = freeze

    def get(self, category):
        """The number of a word."""
        if category not in self._mapping:
            if self._frozen:
                return 0
            self._mapping[category] = len(self._mapping)
            if self._support_reverse:
                self._reverse_mapping.append(category)
        return self._mapping[category]

    def add(self, category, count=1):
        """Counts a word."""
        if self.get(category) > 0:
            self._freq[category] += count

    def trim(self, min_frequency, max_frequency=-1):
        """Forgets words that came MIN_FREQUENCY times or less, or MAX_FREQUENCY or more; the frequent come first."""
        kept = [
            (category, count)
            for category, count in sorted(sorted(self._freq.items()), key=lambda pair: pair[1], reverse=True)
            if (max_frequency <= 0 or count < max_frequency) and count > min_frequency
        ]
        self._mapping = {self._unknown_token: 0}
        self._mapping.update((category, i) for i, (category, _) in enumerate(kept, 1))
        if self._support_reverse:
            self._reverse_mapping = list(self._mapping)
        self._freq = collections.defaultdict(int, kept)

    def reverse(self, class_id):
        """The word of a number."""
        if not self._support_reverse:
            raise ValueError("This vocabulary wasn't initialized with support_reverse to support reverse() function.")
        return self._reverse_mapping[class_id]


@tf_export("contrib.learn.preprocessing.VocabularyProcessor")
class VocabularyProcessor:
    """Texts as rows of the numbers of their words, of one length."""

    def __init__(self, max_document_length, min_frequency=0, vocabulary=None, tokenizer_fn=None):
        self.max_document_length, self.min_frequency = max_document_length, min_frequency
        self.vocabulary_ = vocabulary or CategoricalVocabulary()
        self._tokenizer = tokenizer_fn or tokenizer

    def fit(self, raw_documents, unused_y=None):
        """Learns the words of texts; returns self."""
        for tokens in self._tokenizer(raw_documents):
            for token in tokens:
                self.vocabulary_.add(token)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def fit_transform(self, raw_documents, unused_y=None):
        """Learns the words and yields the rows."""
        self.fit(raw_documents)
        return self.transform(raw_documents)

    def transform(self, raw_documents):
        """Yields a row for each text."""
        for tokens in self._tokenizer(raw_documents):
            row = np.zeros(self.max_document_length, np.int64)
            for i, token in enumerate(tokens[: self.max_document_length]):
                row[i] = self.vocabulary_.get(token)
            yield row

    def reverse(self, documents):
        """Yields the words of rows."""
        for item in documents:
            yield " ".join(self.vocabulary_.reverse(class_id) for class_id in item)

    def save(self, filename):
        """Writes it to a file."""
        kept = dict(vars(self), _tokenizer=None if self._tokenizer is tokenizer else self._tokenizer)
        with file_io.FileIO(str(filename), "wb") as file:
            file.write(pickle.dumps(kept))

    @classmethod
    def restore(cls, filename):
        """The one that was written to a file. Only for files of one's own: they can hold any code."""
        with file_io.FileIO(str(filename), "rb") as file:
            kept = pickle.loads(file.read())
        made = cls.__new__(cls)
        vars(made).update(kept)
        made._tokenizer = made._tokenizer or tokenizer
        return made

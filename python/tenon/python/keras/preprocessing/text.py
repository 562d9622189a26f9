"""Texts as sequences of numbers."""

import hashlib
from collections import Counter, OrderedDict

import numpy as np

TF_NAMESPACES = ("keras.preprocessing.text",)

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(text, filters=_FILTERS, lower=True, split=" "):
    """The words of a text."""
    text = (text.lower() if lower else text).translate({ord(c): split for c in filters})
    return [w for w in text.split(split) if w]


def hashing_trick(text, n, hash_function=None, filters=_FILTERS, lower=True, split=" "):
    """The words of a text as numbers in [1, n) by their hashes."""
    if hash_function == "md5":
        hash_function = lambda w: int(hashlib.md5(w.encode()).hexdigest(), 16)  # noqa: E731
    make = hash_function or hash
    return [make(w) % (n - 1) + 1 for w in text_to_word_sequence(text, filters, lower, split)]


def one_hot(text, n, filters=_FILTERS, lower=True, split=" "):
    """The words of a text as numbers in [1, n)."""
    return hashing_trick(text, n, hash, filters, lower, split)


class Tokenizer:
    """Numbers words by how often they come, the most frequent is 1."""

    def __init__(self, num_words=None, filters=_FILTERS, lower=True, split=" ", char_level=False, oov_token=None, **_):
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.document_count = char_level, oov_token, 0
        self.word_counts, self.word_docs = OrderedDict(), Counter()
        self.word_index, self.index_word = {}, {}

    def _words(self, text):
        if isinstance(text, list):
            return [w.lower() for w in text] if self.lower else text
        if self.char_level:
            return list(text.lower() if self.lower else text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts):
        """Counts the words of texts."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for w in words:
                self.word_counts[w] = self.word_counts.get(w, 0) + 1
            self.word_docs.update(set(words))
        order = [w for w, _ in sorted(self.word_counts.items(), key=lambda item: -item[1])]
        order = ([] if self.oov_token is None else [self.oov_token]) + order
        self.word_index = {w: i + 1 for i, w in enumerate(order)}
        self.index_word = {i: w for w, i in self.word_index.items()}

    def texts_to_sequences(self, texts):
        """The numbers of the words of each text; words that are not known are left out, or the number for those."""
        unknown = self.word_index.get(self.oov_token)
        result = []
        for text in texts:
            found = (self.word_index.get(w) for w in self._words(text))
            found = (unknown if i is None or self.num_words and i >= self.num_words else i for i in found)
            result.append([i for i in found if i is not None])
        return result

    def sequences_to_texts(self, sequences):
        """The words of numbers."""
        return [" ".join(self.index_word[i] for i in s if i in self.index_word) for s in sequences]

    def texts_to_matrix(self, texts, mode="binary"):
        """One row a text: binary, count, freq or tfidf of each word."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences, mode="binary"):
        """One row a sequence."""
        columns = self.num_words or len(self.word_index) + 1
        result = np.zeros((len(sequences), columns))
        for row, s in zip(result, sequences):
            for i, n in Counter(s).items():
                idf = np.log(1 + self.document_count / (1 + self.word_docs.get(self.index_word[i], 0)))
                row[i] = {"count": n, "freq": n / len(s), "binary": 1, "tfidf": (1 + np.log(n)) * idf}[mode]
        return result

"""Texts as sequences of numbers."""

import hashlib
import json
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
        self.word_index, self.index_word, self.index_docs = {}, {}, Counter()

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
        for w, n in self.word_docs.items():
            self.index_docs[self.word_index[w]] = n

    def fit_on_sequences(self, sequences):
        """Counts numbers in sequences; needed for tfidf where fit_on_texts was not used."""
        self.document_count += len(sequences)
        for sequence in sequences:
            self.index_docs.update(set(sequence))

    def texts_to_sequences(self, texts):
        """The numbers of the words of each text; words that are not known are left out, or the number for those."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts):
        """The same, one at a time."""
        unknown = self.word_index.get(self.oov_token)
        for text in texts:
            found = (self.word_index.get(w) for w in self._words(text))
            found = (unknown if i is None or self.num_words and i >= self.num_words else i for i in found)
            yield [i for i in found if i is not None]

    def sequences_to_texts(self, sequences):
        """The words of numbers."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences):
        """The same, one at a time."""
        unknown = self.word_index.get(self.oov_token)
        for sequence in sequences:
            words = []
            for i in sequence:
                known = i in self.index_word and not (self.num_words and i >= self.num_words)
                if known or unknown is not None:
                    words.append(self.index_word[i if known else unknown])
            yield " ".join(words)

    def texts_to_matrix(self, texts, mode="binary"):
        """One row a text: binary, count, freq or tfidf of each word."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences, mode="binary"):
        """One row a sequence."""
        if not self.num_words and not self.word_index:
            raise ValueError("Specify a dimension (`num_words` argument), or fit on some text data first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit the Tokenizer on some data before using tfidf mode.")
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError("Unknown vectorization mode:", mode)
        columns = self.num_words or len(self.word_index) + 1
        result = np.zeros((len(sequences), columns))
        for row, s in zip(result, sequences):
            for i, n in Counter(j for j in s if j < columns).items():
                idf = np.log(1 + self.document_count / (1 + self.index_docs.get(i, 0)))
                row[i] = {"count": n, "freq": n / len(s), "binary": 1, "tfidf": (1 + np.log(n)) * idf}[mode]
        return result

    def get_config(self):
        """The settings and what was counted, as JSON in JSON."""
        dump = json.dumps
        return {"num_words": self.num_words, "filters": self.filters, "lower": self.lower, "split": self.split,
                "char_level": self.char_level, "oov_token": self.oov_token, "document_count": self.document_count,
                "word_counts": dump(self.word_counts), "word_docs": dump(self.word_docs),
                "index_docs": dump(self.index_docs), "index_word": dump(self.index_word),
                "word_index": dump(self.word_index)}  # fmt: skip

    def to_json(self, **kwargs):
        """The same as one text."""
        return json.dumps({"class_name": self.__class__.__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string):
    """The Tokenizer that to_json wrote."""
    config = json.loads(json_string)["config"]
    counted = {k: json.loads(config.pop(k)) for k in ("word_counts", "word_docs", "index_docs", "index_word",
                                                      "word_index")}  # fmt: skip
    count = config.pop("document_count")
    made = Tokenizer(**config)
    made.document_count = count
    made.word_counts, made.word_docs = OrderedDict(counted["word_counts"]), Counter(counted["word_docs"])
    made.index_docs = Counter({int(k): v for k, v in counted["index_docs"].items()})
    made.index_word = {int(k): v for k, v in counted["index_word"].items()}
    made.word_index = counted["word_index"]
    return made

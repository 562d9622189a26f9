"""Labels, sequences, texts, tables and pictures as arrays."""

import csv
import os
import random
import re

import numpy as np

from tenon.python.keras.preprocessing import sequence
from tenon.python.keras.utils import np_utils
from tenon.python.lib.io import hdf5

__all__ = ["ImagePreloader", "LabelPreloader", "VocabularyProcessor", "build_hdf5_image_dataset",
           "chars_to_dictionary",
           "featurewise_std_normalization", "featurewise_zero_center", "image_preloader", "load_csv", "load_image",
           "pad_sequences", "random_sequence_from_string", "random_sequence_from_textfile", "samplewise_std_normalization",  # noqa: E501
           "samplewise_zero_center", "shuffle", "string_to_semi_redundant_sequences",
           "textfile_to_semi_redundant_sequences", "to_categorical"]  # fmt: skip


def to_categorical(y, nb_classes=None):
    """Numbers of classes as one-hot rows."""
    if nb_classes:
        return np_utils.to_categorical(np.asarray(y, dtype="int32"), nb_classes, "float64")
    y = np.array(y)
    return (y[:, None] == np.unique(y)).astype(np.float32)


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="post", truncating="post", value=0.0):
    """Sequences as one array, filled and cut at the end."""
    return sequence.pad_sequences(sequences, maxlen, dtype, padding, truncating, value)


def shuffle(*arrs):
    """Arrays in another order, the same for all."""
    arrs = [np.asarray(a) for a in arrs]
    order = np.random.permutation(len(arrs[0]))
    return tuple(a[order] for a in arrs)


# --- texts ---


def chars_to_dictionary(string):
    """The number of each character of a text, in alphabetical order."""
    return {c: i for i, c in enumerate(sorted(set(string)))}


def string_to_semi_redundant_sequences(string, seq_maxlen=25, redun_step=3, char_idx=None):
    """(windows of a text, the character after each, the numbers of characters): one-hot, a window each REDUN_STEP."""
    char_idx = char_idx or chars_to_dictionary(string)
    starts = list(range(0, len(string) - seq_maxlen, redun_step))
    X = np.zeros((len(starts), seq_maxlen, len(char_idx)), dtype=bool)
    Y = np.zeros((len(starts), len(char_idx)), dtype=bool)
    for row, start in enumerate(starts):
        for t, c in enumerate(string[start : start + seq_maxlen]):
            X[row, t, char_idx[c]] = 1
        Y[row, char_idx[string[start + seq_maxlen]]] = 1
    return X, Y, char_idx


def _text(path, to_lower_case=False):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    return text.lower() if to_lower_case else text


def textfile_to_semi_redundant_sequences(path, seq_maxlen=25, redun_step=3, to_lower_case=False,
                                         pre_defined_char_idx=None):  # fmt: skip
    """The same of a file."""
    return string_to_semi_redundant_sequences(_text(path, to_lower_case), seq_maxlen, redun_step, pre_defined_char_idx)


def random_sequence_from_string(string, seq_maxlen):
    """A window of a text, anywhere."""
    start = random.randint(0, len(string) - seq_maxlen - 1)
    return string[start : start + seq_maxlen]


def random_sequence_from_textfile(path, seq_maxlen):
    """The same of a file."""
    return random_sequence_from_string(_text(path), seq_maxlen)


_WORD = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)


def _tokens(documents):
    for text in documents:
        yield _WORD.findall(text)


class VocabularyProcessor:
    """Texts as rows of numbers of words; 0 stands for words that are not known, and fills up."""

    def __init__(self, max_document_length, min_frequency=0, vocabulary=None, tokenizer_fn=None):
        self.max_document_length, self.min_frequency = max_document_length, min_frequency
        self.vocabulary_ = dict(vocabulary) if vocabulary else {"<UNK>": 0}
        self._counts, self._frozen = {}, bool(vocabulary)
        self._tokenizer = tokenizer_fn or _tokens

    def fit(self, raw_documents, unused_y=None):
        """Numbers the words of texts in the order in which they come."""
        for tokens in self._tokenizer(raw_documents):
            for token in tokens:
                self._counts[token] = self._counts.get(token, 0) + 1
                if not self._frozen:
                    self.vocabulary_.setdefault(token, len(self.vocabulary_))
        if self.min_frequency > 0:
            kept = sorted((w for w in self.vocabulary_ if self._counts.get(w, 0) > self.min_frequency),
                          key=lambda w: (-self._counts[w], w))  # fmt: skip
            self.vocabulary_ = {"<UNK>": 0, **{w: i + 1 for i, w in enumerate(kept)}}
        self._frozen = True
        return self

    def fit_transform(self, raw_documents, unused_y=None):
        """Numbers the words, and gives the rows."""
        raw_documents = list(raw_documents)
        self.fit(raw_documents)
        return self.transform(raw_documents)

    def transform(self, raw_documents):
        """A row of max_document_length numbers for each text."""
        for tokens in self._tokenizer(raw_documents):
            row = np.zeros(self.max_document_length, np.int64)
            for i, token in enumerate(tokens[: self.max_document_length]):
                row[i] = self.vocabulary_.get(token, 0)
            yield row

    def reverse(self, documents):
        """The words of numbers."""
        words = {i: w for w, i in self.vocabulary_.items()}
        for row in documents:
            yield " ".join(words.get(int(i), "<UNK>") for i in row)

    def save(self, filename):
        """Writes it to a file (JSON)."""
        import json

        with open(filename, "w", encoding="utf-8") as f:
            json.dump({"max_document_length": self.max_document_length, "min_frequency": self.min_frequency,
                       "vocabulary": self.vocabulary_}, f)  # fmt: skip

    @classmethod
    def restore(cls, filename):
        """Reads what save wrote."""
        import json

        with open(filename, encoding="utf-8") as f:
            return cls(**json.load(f))


# --- tables ---


def load_csv(filepath, target_column=-1, columns_to_ignore=None, has_header=True, categorical_labels=False,
             n_classes=None):  # fmt: skip
    """(data, labels) of a CSV file: lists of texts, labels one-hot where CATEGORICAL_LABELS says so."""
    from tenon.python.lib.io.file_io import FileIO

    if isinstance(target_column, list) and len(target_column) < 1:
        raise Exception("target_column must be one column")
    with FileIO(filepath, "r") as f:
        lines = list(csv.reader(f.read().splitlines()))
    lines = lines[1:] if has_header else lines
    ignored = set(columns_to_ignore or ())
    data, labels = [], []
    for line in lines:
        if not line:
            continue
        at = target_column % len(line)
        labels.append(line[at])
        data.append([v for i, v in enumerate(line) if i != at and i not in ignored and i - len(line) not in ignored])
    if categorical_labels:
        if not isinstance(n_classes, int):
            raise ValueError("n_classes must be an integer where categorical_labels is True")
        labels = to_categorical(labels, n_classes)
    return data, labels


# --- pictures ---


def load_image(in_image):
    """The picture in a file."""
    from tenon.python.keras.preprocessing import picture

    return picture.read(in_image)


def resize_image(in_image, new_width, new_height, out_image=None, resize_mode=None):
    """A picture of another size."""
    found = in_image.resize((new_width, new_height), resize_mode or "lanczos")
    if out_image:
        found.save(out_image)
    return found


def convert_color(in_image, mode):
    """A picture in another mode: L or RGB."""
    return in_image.convert(mode)


def pil_to_nparray(pil_image):
    """A picture as an array of floats."""
    return np.asarray(pil_image, dtype="float32")


def directory_to_samples(directory, flags=None, filter_channel=False):
    """(paths, labels, ) of a folder that has one folder for each class."""
    samples, targets = [], []
    names = sorted(n for n in os.listdir(directory) if os.path.isdir(os.path.join(directory, n)))
    for label, name in enumerate(names):
        for root, _, files in sorted(os.walk(os.path.join(directory, name))):
            for f in sorted(files):
                if not flags or any(f.endswith(flag) for flag in flags):
                    samples.append(os.path.join(root, f))
                    targets.append(label)
    return samples, targets


class Preloader:
    """An array whose rows are made when they are asked for."""

    def __init__(self, array, function):
        self.array, self.function = array, function

    def __getitem__(self, id):
        if isinstance(id, slice):
            return [self.function(v) for v in self.array[id]]
        if isinstance(id, (list, np.ndarray)):
            return [self.function(self.array[int(i)]) for i in id]
        return self.function(self.array[id])

    def __len__(self):
        return len(self.array)


def _picture(path, image_shape, normalize, grayscale):
    """A picture of (columns, rows) IMAGE_SHAPE as an array: (rows, columns, 3), or (rows, columns) in gray."""
    img = load_image(path)
    width, height = img.size
    if (width, height) != tuple(image_shape):
        img = resize_image(img.convert("RGB") if img.mode == "RGBA" else img, image_shape[0], image_shape[1])
    img = img.convert("L" if grayscale else "RGB")
    found = pil_to_nparray(img)
    return found / 255.0 if normalize else found


class ImagePreloader(Preloader):
    """Pictures by their paths."""

    def __init__(self, array, image_shape, normalize=True, grayscale=False):
        super().__init__(array, lambda path: self.preload(path, image_shape, normalize, grayscale))

    def preload(self, path, image_shape, normalize=True, grayscale=False):
        """One picture as an array: (rows, columns, 3), or (rows, columns) in gray."""
        return _picture(path, image_shape, normalize, grayscale)


class LabelPreloader(Preloader):
    """Labels, one-hot where CATEGORICAL_LABEL says so."""

    def __init__(self, array, n_class=None, categorical_label=True, float_label=False):
        def load(label):
            if float_label:
                return [float(v) for v in label] if isinstance(label, list) else float(label)
            return to_categorical([label], n_class)[0] if categorical_label else int(label)

        super().__init__(array, load)


def _samples(target_path, mode, extensions, filter_channel, line):
    """(paths, labels) of a folder, or a file of `path label` lines; LINE is (what paths begin with, float labels)."""
    image_base_path, float_labels = line
    if mode not in ("folder", "file"):
        raise AssertionError("mode must be folder or file")
    if mode == "folder":
        images, labels = directory_to_samples(target_path, flags=extensions, filter_channel=filter_channel)
    else:
        images, labels = [], []
        with open(target_path, encoding="utf-8") as f:
            for line in f.read().splitlines():
                path, *rest = line.split(" ")
                path = os.path.join(image_base_path, path)
                if not rest or extensions and not any(e in path for e in extensions):
                    continue
                images.append(path)
                labels.append([float(v) for v in rest] if float_labels else int(rest[0]))
    return images, labels


def build_hdf5_image_dataset(target_path, image_shape, output_path="dataset.h5", mode="file", categorical_labels=True,
                             normalize=True, grayscale=False, files_extension=None, chunks=False, image_base_path="",
                             float_labels=False):  # fmt: skip
    """Writes the pictures and labels of image_preloader into the datasets X and Y of an HDF5 file, as float32.

    CHUNKS is taken for TFLearn's sake: the datasets always lie in one piece.
    """
    if not image_shape or len(image_shape) < 2 or not all(image_shape[:2]):
        raise AssertionError("Image shape must be defined: (columns, rows)")
    images, labels = _samples(target_path, mode, files_extension, False, (image_base_path, float_labels))
    if not images:
        raise ValueError(f"build_hdf5_image_dataset: no pictures in {target_path}")
    if float_labels:
        targets = np.array(labels, "f4")
    elif categorical_labels:
        targets = to_categorical(labels, int(np.max(labels)) + 1)
    else:
        targets = np.array(labels, "f4")
    shape = (len(images), image_shape[1], image_shape[0]) + (() if grayscale else (3,))
    with hdf5.File(output_path, "w") as f:
        pictures = f.create_dataset("X", shape, "f4")
        for i, path in enumerate(images):
            pictures[i] = _picture(path, image_shape, normalize, grayscale)
        f.create_dataset("Y", data=targets, dtype="f4")


def image_preloader(target_path, image_shape, mode="file", normalize=True, grayscale=False, categorical_labels=True,
                    files_extension=None, filter_channel=False, image_base_path="", float_labels=False):  # fmt: skip
    """(pictures, labels) that are read when they are asked for: from a file of `path label` lines, or a folder."""
    images, labels = _samples(target_path, mode, files_extension, filter_channel, (image_base_path, float_labels))
    n_classes = len(np.unique(labels)) if not float_labels else None
    return (ImagePreloader(images, image_shape, normalize, grayscale),
            LabelPreloader(labels, n_classes, categorical_labels, float_labels))  # fmt: skip


# --- numbers ---


def get_max(X):
    """The greatest."""
    return np.max(X)


def get_mean(X):
    """The mean."""
    return np.mean(X)


def get_std(X):
    """The standard deviation."""
    return np.std(X)


def is_array(X):
    """Whether it is an array."""
    return type(X) in (np.ndarray, list)


def featurewise_zero_center(X, mean=None):
    """(X without its mean, the mean); X alone where MEAN is given."""
    if mean is not None:
        return X - mean
    mean = np.mean(X, axis=0)
    return X - mean, mean


def samplewise_zero_center(X):
    """Each sample without its mean."""
    for i in range(len(X)):
        X[i] -= np.mean(X[i], axis=1, keepdims=True)
    return X


def featurewise_std_normalization(X, std=None):
    """(X over its deviation, the deviation); X alone where STD is given."""
    if std is not None:
        return X / std
    std = np.std(X, axis=0)
    return X / std, std


def samplewise_std_normalization(X):
    """Each sample over its deviation."""
    for i in range(len(X)):
        X[i] /= np.std(X[i], axis=1, keepdims=True) + 1e-10
    return X

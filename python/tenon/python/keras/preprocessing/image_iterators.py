"""Endless batches of pictures, changed at random: from arrays, folders and tables."""

import os
import threading

import numpy as np

from tenon.python.keras import backend as K
from tenon.python.keras.preprocessing import image
from tenon.python.keras.utils.data_utils import Sequence

TF_NAMESPACES = ("keras.preprocessing.image",)

_ENDINGS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")


class Iterator(Sequence):
    """Base class: batches of N samples; subclasses say what the samples of some numbers are."""

    def __init__(self, n, batch_size, shuffle, seed):
        self.n, self.batch_size, self.shuffle, self.seed = n, batch_size, shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array = None
        self.index_generator = self._flow_index()

    def _set_index_array(self):
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def __getitem__(self, idx):
        if idx >= len(self):
            raise ValueError(f"Asked to retrieve element {idx}, but the Sequence has length {len(self)}")
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1
        if self.index_array is None:
            self._set_index_array()
        part = self.index_array[self.batch_size * idx : self.batch_size * (idx + 1)]
        return self._get_batches_of_transformed_samples(part)

    def __len__(self):
        return (self.n + self.batch_size - 1) // self.batch_size

    def on_epoch_end(self):
        """Another order."""
        self._set_index_array()

    def reset(self):
        """Begins anew."""
        self.batch_index = 0

    def _flow_index(self):
        self.reset()
        while True:
            if self.seed is not None:
                np.random.seed(self.seed + self.total_batches_seen)
            if self.batch_index == 0:
                self._set_index_array()
            begin = 0 if self.n == 0 else (self.batch_index * self.batch_size) % self.n
            self.batch_index = self.batch_index + 1 if self.n > begin + self.batch_size else 0
            self.total_batches_seen += 1
            yield self.index_array[begin : begin + self.batch_size]

    def __iter__(self):
        return self

    def __next__(self):
        with self.lock:
            part = next(self.index_generator)
        return self._get_batches_of_transformed_samples(part)

    next = __next__

    def _get_batches_of_transformed_samples(self, index_array):
        """The batch of the samples with some numbers."""
        raise NotImplementedError

    def _save(self, batch, numbers):
        """Writes the pictures of a batch where save_to_dir says."""
        for x, number in zip(batch, numbers):
            name = f"{self.save_prefix}_{number}_{np.random.randint(10_000_000)}.{self.save_format}"
            image.array_to_img(x, self.data_format, scale=True).save(os.path.join(self.save_to_dir, name))


class NumpyArrayIterator(Iterator):
    """Batches from arrays."""

    def __init__(self, x, y, image_data_generator, batch_size=32, shuffle=False, sample_weight=None, seed=None,
                 data_format=None, save_to_dir=None, save_prefix="", save_format="png", subset=None,
                 dtype=None):  # fmt: skip
        self.dtype = dtype or K.floatx()
        x, self.x_misc = self._apart(x)
        if y is not None and len(x) != len(y):
            raise ValueError("`x` (images tensor) and `y` (labels) should have the same length. Found: x.shape = "
                             f"{np.shape(x)}, y.shape = {np.shape(y)}")  # fmt: skip
        if sample_weight is not None and len(x) != len(sample_weight):
            raise ValueError("`x` (images tensor) and `sample_weight` should have the same length. Found: x.shape = "
                             f"{np.shape(x)}, sample_weight.shape = {np.shape(sample_weight)}")  # fmt: skip
        if subset is not None:
            if subset not in ("training", "validation"):
                raise ValueError(f'Invalid subset name: {subset}; expected "training" or "validation".')
            at = int(len(x) * image_data_generator._validation_split)
            part = slice(None, at) if subset == "validation" else slice(at, None)
            x, y, sample_weight = (None if v is None else v[part] for v in (x, y, sample_weight))
            self.x_misc = [v[part] for v in self.x_misc]
        self.x = np.asarray(x, dtype=self.dtype)
        self.data_format = data_format or K.image_data_format()
        if self.x.ndim != 4:
            raise ValueError(f"Input data in `NumpyArrayIterator` should have rank 4. You passed an array with shape "
                             f"{self.x.shape}")  # fmt: skip
        self.y = None if y is None else np.asarray(y)
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        self.image_data_generator = image_data_generator
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    @staticmethod
    def _apart(x):
        """The pictures and what else was given beside them."""
        if not isinstance(x, (tuple, list)):
            return x, []
        others = [np.asarray(v) for v in (x[1] if isinstance(x[1], list) else [x[1]])]
        if any(len(v) != len(x[0]) for v in others):
            raise ValueError("All of the arrays in `x` should have the same length.")
        return x[0], others

    def _get_batches_of_transformed_samples(self, index_array):
        batch = np.zeros((len(index_array), *self.x.shape[1:]), dtype=self.dtype)
        for row, number in zip(batch, index_array):
            x = self.x[number]
            parameters = self.image_data_generator.get_random_transform(x.shape)
            x = self.image_data_generator.apply_transform(x.astype(self.dtype), parameters)
            row[...] = self.image_data_generator.standardize(x)
        if self.save_to_dir:
            self._save(batch, index_array)
        inputs = [batch, *(v[index_array] for v in self.x_misc)] if self.x_misc else batch
        found = (inputs,)
        if self.y is None:
            return found[0]
        found += (self.y[index_array],)
        return found if self.sample_weight is None else (*found, self.sample_weight[index_array])


class _Files(Iterator):
    """Batches from files."""

    def _take(self, generator, target_size, color_mode, data_format, save, interpolation, dtype):
        self.image_data_generator = generator
        self.target_size = tuple(target_size)
        if color_mode not in ("rgb", "rgba", "grayscale"):
            raise ValueError(f'Invalid color mode: {color_mode}; expected "rgb", "rgba", or "grayscale".')
        self.color_mode, self.data_format = color_mode, data_format or K.image_data_format()
        channels = {"rgb": 3, "rgba": 4, "grayscale": 1}[color_mode]
        last = self.data_format == "channels_last"
        self.image_shape = (*self.target_size, channels) if last else (channels, *self.target_size)
        self.save_to_dir, self.save_prefix, self.save_format = save
        self.interpolation, self.dtype = interpolation, dtype or K.floatx()

    def _part(self, subset):
        """The share of files that a subset takes."""
        if subset is None:
            return None
        split = self.image_data_generator._validation_split
        if subset not in ("training", "validation"):
            raise ValueError(f'Invalid subset name: {subset};expected "training" or "validation"')
        return (0, split) if subset == "validation" else (split, 1)

    def _get_batches_of_transformed_samples(self, index_array):
        batch = np.zeros((len(index_array), *self.image_shape), dtype=self.dtype)
        for row, number in zip(batch, index_array):
            img = image.load_img(self.filepaths[number], color_mode=self.color_mode, target_size=self.target_size,
                                 interpolation=self.interpolation)  # fmt: skip
            x = image.img_to_array(img, data_format=self.data_format)
            parameters = self.image_data_generator.get_random_transform(x.shape)
            row[...] = self.image_data_generator.standardize(self.image_data_generator.apply_transform(x, parameters))
        if self.save_to_dir:
            self._save(batch, index_array)
        labels = self._labels_of(batch, index_array)
        return batch if labels is None else (batch, labels)

    def _labels_of(self, batch, index_array):
        if self.class_mode == "input":
            return batch.copy()
        if self.class_mode in ("binary", "sparse"):
            return np.asarray([self.classes[i] for i in index_array]).astype(self.dtype)
        if self.class_mode == "categorical":
            return np.eye(len(self.class_indices), dtype=self.dtype)[[self.classes[i] for i in index_array]]
        if self.class_mode in ("raw", "other"):
            return np.asarray(self.targets)[index_array]
        return None


def _pictures_in(folder, follow_links):
    """The pictures in a folder and those below, in the order of their names."""
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links), key=lambda item: item[0]):
        yield from (os.path.join(root, f) for f in sorted(files) if f.lower().endswith(_ENDINGS))


class DirectoryIterator(_Files):
    """Batches from a folder that has one folder for each class."""

    def __init__(self, directory, image_data_generator, target_size=(256, 256), color_mode="rgb", classes=None,
                 class_mode="categorical", batch_size=32, shuffle=True, seed=None, data_format=None, save_to_dir=None,
                 save_prefix="", save_format="png", follow_links=False, subset=None, interpolation="nearest",
                 dtype=None):  # fmt: skip
        if class_mode not in ("categorical", "binary", "sparse", "input", None):
            raise ValueError(f'Invalid class_mode: {class_mode}; expected one of: "categorical", "binary", "sparse", '
                             '"input", None')  # fmt: skip
        self._take(image_data_generator, target_size, color_mode, data_format, (save_to_dir, save_prefix, save_format),
                   interpolation, dtype)  # fmt: skip
        self.directory, self.class_mode = directory, class_mode
        if not classes:
            classes = [d for d in sorted(os.listdir(directory)) if os.path.isdir(os.path.join(directory, d))]
        self.num_classes = len(classes)
        self.class_indices = {name: i for i, name in enumerate(classes)}
        part = self._part(subset)
        self.filepaths, self.filenames, numbers = [], [], []
        for name in classes:
            found = list(_pictures_in(os.path.join(directory, name), follow_links))
            if part is not None:
                found = found[int(part[0] * len(found)) : int(part[1] * len(found))]
            self.filepaths += found
            self.filenames += [os.path.relpath(f, directory) for f in found]
            numbers += [self.class_indices[name]] * len(found)
        self.samples, self.classes = len(numbers), np.array(numbers, dtype="int32")
        self.labels = self.classes
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)


class DataFrameIterator(_Files):
    """Batches from the files that a table names."""

    def __init__(self, dataframe, directory=None, image_data_generator=None, x_col="filename", y_col="class",
                 weight_col=None, target_size=(256, 256), color_mode="rgb", classes=None, class_mode="categorical",
                 batch_size=32, shuffle=True, seed=None, data_format="channels_last", save_to_dir=None, save_prefix="",
                 save_format="png", subset=None, interpolation="nearest", dtype="float32",
                 validate_filenames=True):  # fmt: skip
        self._take(image_data_generator, target_size, color_mode, data_format, (save_to_dir, save_prefix, save_format),
                   interpolation, dtype)  # fmt: skip
        self.class_mode = class_mode
        names = [str(n) for n in dataframe[x_col]]
        keep = list(range(len(names)))
        paths = [os.path.join(directory or "", n) for n in names]
        if validate_filenames:
            keep = [i for i in keep if os.path.isfile(paths[i]) and paths[i].lower().endswith(_ENDINGS)]
        part = self._part(subset)
        if part is not None:
            keep = keep[int(part[0] * len(keep)) : int(part[1] * len(keep))]
        self.filepaths, self.filenames = [paths[i] for i in keep], [names[i] for i in keep]
        if class_mode in ("categorical", "binary", "sparse"):
            values = [dataframe[y_col][i] for i in keep]
            classes = list(classes or sorted(set(values)))
            self.class_indices = {name: i for i, name in enumerate(classes)}
            self.classes = self.labels = [self.class_indices[v] for v in values]
        elif class_mode in ("raw", "other"):
            columns = [y_col] if isinstance(y_col, str) else list(y_col)
            found = np.array([[dataframe[c][i] for c in columns] for i in keep])
            self.targets = self.labels = found[:, 0] if isinstance(y_col, str) else found
        self.samples = len(keep)
        print(f"Found {self.samples} validated image filenames.")
        super().__init__(self.samples, batch_size, shuffle, seed)

"""ImageDataGenerator: what is done to pictures before a network sees them."""

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.preprocessing import affine, image, image_iterators

TF_EXPORTS = {"keras.preprocessing.image.ImageDataGenerator": "ImageDataGenerator"}


class ImageDataGenerator:
    """Batches of pictures, normalized, and changed at random within given ranges."""

    def __init__(self, featurewise_center=False, samplewise_center=False, featurewise_std_normalization=False,
                 samplewise_std_normalization=False, zca_whitening=False, zca_epsilon=1e-06, rotation_range=0,
                 width_shift_range=0.0, height_shift_range=0.0, brightness_range=None, shear_range=0.0, zoom_range=0.0,
                 channel_shift_range=0.0, fill_mode="nearest", cval=0.0, horizontal_flip=False, vertical_flip=False,
                 rescale=None, preprocessing_function=None, data_format=None, validation_split=0.0,
                 interpolation_order=1, dtype=None):  # fmt: skip
        given = dict(locals())
        self.__dict__.update({k: v for k, v in given.items() if k not in ("self", "validation_split")})
        self.data_format, self.dtype = data_format or K.image_data_format(), dtype or K.floatx()
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError('`data_format` should be `"channels_last"` (channel after row and column) or '
                             f'`"channels_first"` (channel before row and column). Received: {data_format}')  # fmt: skip  # noqa: E501
        first = self.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(f"`validation_split` must be strictly between 0 and 1.  Received: {validation_split}")
        self._validation_split = validation_split
        self.mean = self.std = self.zca_whitening_matrix = self.principal_components = None
        if isinstance(zoom_range, (float, int)):
            self.zoom_range = [1 - zoom_range, 1 + zoom_range]
        elif len(zoom_range) != 2:
            raise ValueError(f"`zoom_range` should be a float or a tuple or list of two floats. Received: {zoom_range}")
        if brightness_range is not None and (not isinstance(brightness_range, (tuple, list)) or
                                             len(brightness_range) != 2):  # fmt: skip
            raise ValueError(f"`brightness_range should be tuple or list of two floats. Received: {brightness_range}")
        if zca_whitening:
            self.featurewise_center, self.featurewise_std_normalization = True, False
        if self.featurewise_std_normalization:
            self.featurewise_center = True
        if samplewise_std_normalization:
            self.samplewise_center = True

    # --- where pictures come from ---

    def flow(self, x, y=None, batch_size=32, shuffle=True, sample_weight=None, seed=None, save_to_dir=None,
             save_prefix="", save_format="png", subset=None):  # fmt: skip
        """Batches from arrays."""
        return image_iterators.NumpyArrayIterator(
            x, y, self, batch_size=batch_size, shuffle=shuffle, sample_weight=sample_weight, seed=seed,
            data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            subset=subset, dtype=self.dtype,
        )  # fmt: skip

    def flow_from_directory(self, directory, target_size=(256, 256), color_mode="rgb", classes=None,
                            class_mode="categorical", batch_size=32, shuffle=True, seed=None, save_to_dir=None,
                            save_prefix="", save_format="png", follow_links=False, subset=None,
                            interpolation="nearest"):  # fmt: skip
        """Batches from a folder that has one folder for each class."""
        return image_iterators.DirectoryIterator(
            directory, self, target_size=target_size, color_mode=color_mode, classes=classes, class_mode=class_mode,
            data_format=self.data_format, batch_size=batch_size, shuffle=shuffle, seed=seed, save_to_dir=save_to_dir,
            save_prefix=save_prefix, save_format=save_format, follow_links=follow_links, subset=subset,
            interpolation=interpolation, dtype=self.dtype,
        )  # fmt: skip

    def flow_from_dataframe(self, dataframe, directory=None, x_col="filename", y_col="class", weight_col=None,
                            target_size=(256, 256), color_mode="rgb", classes=None, class_mode="categorical",
                            batch_size=32, shuffle=True, seed=None, save_to_dir=None, save_prefix="",
                            save_format="png", subset=None, interpolation="nearest", validate_filenames=True,
                            **kwargs):  # fmt: skip
        """Batches from the files that a table (a DataFrame, or a dict of lists) names."""
        return image_iterators.DataFrameIterator(
            dataframe, directory, self, x_col=x_col, y_col=y_col, weight_col=weight_col, target_size=target_size,
            color_mode=color_mode, classes=classes, class_mode=class_mode, data_format=self.data_format,
            batch_size=batch_size, shuffle=shuffle, seed=seed, save_to_dir=save_to_dir, save_prefix=save_prefix,
            save_format=save_format, subset=subset, interpolation=interpolation, dtype=self.dtype,
            validate_filenames=validate_filenames,
        )  # fmt: skip

    # --- what is done to them ---

    def standardize(self, x):
        """X normalized."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x = x * np.asarray(self.rescale, x.dtype)
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + 1e-6)
        for wanted, value, change in ((self.featurewise_center, self.mean, np.subtract),
                                      (self.featurewise_std_normalization, self.std, _divide)):  # fmt: skip
            if wanted and value is None:
                tf.logging.warning("This ImageDataGenerator normalizes by statistics of the data set, but it hasn't been "  # noqa: E501
                                   "fit on any training data. Fit it first by calling `.fit(numpy_data)`.")  # fmt: skip
            elif wanted:
                x = change(x, value)
        if self.zca_whitening and self.zca_whitening_matrix is not None:
            x = (x.reshape(1, -1) @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    def _shift(self, given, size):
        if not np.any(given):
            return 0
        if isinstance(given, float):
            found = np.random.uniform(-given, given)
        else:
            found = np.random.choice(given) * np.random.choice([-1, 1])
        return found * size if np.max(given) < 1 else found

    def get_random_transform(self, img_shape, seed=None):
        """Settings for apply_transform, drawn from the ranges."""
        if seed is not None:
            np.random.seed(seed)
        uniform = np.random.uniform
        found = {"theta": uniform(-self.rotation_range, self.rotation_range) if self.rotation_range else 0}
        found["tx"] = self._shift(self.height_shift_range, img_shape[self.row_axis - 1])
        found["ty"] = self._shift(self.width_shift_range, img_shape[self.col_axis - 1])
        found["shear"] = uniform(-self.shear_range, self.shear_range) if self.shear_range else 0
        low, high = self.zoom_range
        found["zx"], found["zy"] = (1, 1) if low == high == 1 else uniform(low, high, 2)
        found["flip_horizontal"] = (np.random.random() < 0.5) * self.horizontal_flip
        found["flip_vertical"] = (np.random.random() < 0.5) * self.vertical_flip
        found["channel_shift_intensity"] = found["brightness"] = None
        if self.channel_shift_range != 0:
            found["channel_shift_intensity"] = uniform(-self.channel_shift_range, self.channel_shift_range)
        if self.brightness_range is not None:
            found["brightness"] = uniform(*self.brightness_range)
        return found

    def apply_transform(self, x, transform_parameters):
        """X changed by settings."""
        p = transform_parameters
        row, column, channel = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        settings = [p.get(k, 0) for k in ("theta", "tx", "ty", "shear")] + [p.get(k, 1) for k in ("zx", "zy")]
        x = affine.transform(x, settings, (row, column, channel), self.fill_mode, self.cval, self.interpolation_order)
        if p.get("channel_shift_intensity") is not None:
            x = image.apply_channel_shift(x, p["channel_shift_intensity"], channel)
        if p.get("flip_horizontal", False):
            x = np.flip(x, column)
        if p.get("flip_vertical", False):
            x = np.flip(x, row)
        if p.get("brightness") is not None:
            x = image.apply_brightness_shift(x, p["brightness"], False)
        return x

    def random_transform(self, x, seed=None):
        """X changed at random."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def fit(self, x, augment=False, rounds=1, seed=None):
        """Finds the statistics of a data set: mean, deviation, and the axes of ZCA whitening."""
        x = np.asarray(x, dtype=self.dtype)
        if x.ndim != 4:
            raise ValueError(f"Input to `.fit()` should have rank 4. Got array with shape: {x.shape}")
        if seed is not None:
            np.random.seed(seed)
        x = np.copy(x)
        if self.rescale:
            x *= self.rescale
        if augment:
            x = np.stack([self.random_transform(x[i % len(x)]) for i in range(rounds * len(x))])
        wide = [1, 1, 1]
        wide[self.channel_axis - 1] = x.shape[self.channel_axis]
        axes = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.mean(x, axis=axes).reshape(wide)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=axes).reshape(wide)
            x /= self.std + 1e-6
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            u, s, _ = np.linalg.svd(flat.T @ flat / len(flat))
            self.zca_whitening_matrix = (u * (1.0 / np.sqrt(s + self.zca_epsilon))) @ u.T
            self.principal_components = self.zca_whitening_matrix


def _divide(x, std):
    return x / (std + 1e-6)

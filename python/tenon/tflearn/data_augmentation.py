"""Random changes of data while a network is trained."""

import random

import numpy as np

from tenon.python.keras.preprocessing import affine


class DataAugmentation:
    """Steps that are applied to each batch of training."""

    def __init__(self):
        self.methods = []
        self.args = []

    def initialize(self, dataset, session, limit=None):
        """Nothing is needed of the data set."""

    def apply(self, batch):
        """A batch after all steps."""
        for method, args in zip(self.methods, self.args):
            batch = method(batch, *args)
        return batch

    def _add(self, method, *args):
        self.methods.append(method)
        self.args.append(args)


class ImageAugmentation(DataAugmentation):
    """Crops, flips, rotations and blurs of pictures."""

    def add_random_crop(self, crop_shape, padding=None):
        """A part of each picture, anywhere: (height, width); PADDING zeros around it first."""
        self._add(self._random_crop, crop_shape, padding)

    def add_random_flip_leftright(self):
        """Half of the pictures turned from left to right."""
        self._add(self._flip, 1)

    def add_random_flip_updown(self):
        """Half of the pictures turned upside down."""
        self._add(self._flip, 0)

    def add_random_90degrees_rotation(self, rotations=(0, 1, 2, 3)):
        """Pictures turned by quarters."""
        self._add(self._quarters, list(rotations))

    def add_random_rotation(self, max_angle=20.0):
        """Half of the pictures turned by up to an angle, in degrees."""
        self._add(self._rotate, max_angle)

    def add_random_blur(self, sigma_max=5.0):
        """Half of the pictures blurred, by a Gaussian of up to SIGMA_MAX pixels."""
        self._add(self._blur, sigma_max)

    @staticmethod
    def _random_crop(batch, crop_shape, padding):
        batch = np.asarray(batch)
        if padding:
            batch = np.pad(batch, [(0, 0), (padding, padding), (padding, padding)] + [(0, 0)] * (batch.ndim - 3))
        height, width = crop_shape
        found = []
        for x in batch:
            top, left = random.randint(0, x.shape[0] - height), random.randint(0, x.shape[1] - width)
            found.append(x[top : top + height, left : left + width])
        return np.stack(found)

    @staticmethod
    def _flip(batch, axis):
        return np.stack([np.flip(x, axis) if random.getrandbits(1) else x for x in np.asarray(batch)])

    @staticmethod
    def _quarters(batch, rotations):
        return np.stack([np.rot90(x, random.choice(rotations)) for x in np.asarray(batch)])

    @staticmethod
    def _rotate(batch, max_angle):
        def turned(x):
            if not random.getrandbits(1):
                return x
            wide = x if x.ndim == 3 else x[:, :, None]
            y = affine.transform(wide, (random.uniform(-max_angle, max_angle), 0, 0, 0, 1, 1), (0, 1, 2), "constant")
            return y.reshape(x.shape)

        return np.stack([turned(x) for x in np.asarray(batch)])

    @staticmethod
    def _blur(batch, sigma_max):
        def blurred(x):
            if not random.getrandbits(1):
                return x
            sigma = max(random.uniform(0.0, sigma_max), 1e-3)
            radius = int(4 * sigma + 0.5)
            kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
            kernel /= kernel.sum()
            y = np.asarray(x, "float32")
            for axis in (0, 1):
                pads = [(radius, radius) if i == axis else (0, 0) for i in range(y.ndim)]
                y = np.apply_along_axis(np.convolve, axis, np.pad(y, pads, mode="symmetric"), kernel, mode="valid")
            return y.astype(x.dtype)

        return np.stack([blurred(x) for x in np.asarray(batch)])


class SequenceAugmentation(DataAugmentation):
    """Random changes of sequences."""

    def random_reverse(self):
        """Half of the sequences from the end to the beginning."""
        self._add(lambda batch: [s[::-1] if random.getrandbits(1) else s for s in batch])

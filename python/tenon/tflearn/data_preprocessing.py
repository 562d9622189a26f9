"""What is done to data before a network sees it, in training and in use."""

import numpy as np

import tenon as tf


class DataPreprocessing:
    """Steps that are applied to each batch; what they need of the data set is found before training, and saved."""

    def __init__(self, name="DataPreprocessing"):
        self.methods = []
        self.name = name
        self.session = None
        self.params = {}
        self.required = []

    def _parameter(self, key, value=None):
        """A number or array that goes into checkpoints with the weights."""
        with tf.variable_scope(None, default_name=self.name):
            v = tf.Variable(0.0, trainable=False, validate_shape=False, name=key, dtype=tf.float32)
        self.params[key] = [v, None if value is None else np.asarray(value, "float32")]
        self.required.append(key)

    def initialize(self, dataset, session, limit=None):
        """Finds what the steps need of a data set."""
        self.session = session
        data = None
        for key in self.required:
            if self.params[key][1] is None:
                data = np.asarray(dataset[:limit] if limit else dataset[:], "float32") if data is None else data
                self.params[key][1] = np.asarray(getattr(self, "_find_" + key)(data), "float32")
            self._keep(key)

    def _keep(self, key):
        v, value = self.params[key]
        with v.graph.as_default():
            place = tf.placeholder(tf.float32)
            self.session.run(tf.assign(v, place, validate_shape=False), {place: value})

    def _value(self, key):
        v, value = self.params[key]
        session = self.session or tf.get_default_session()
        if value is None and session is not None:
            try:
                value = session.run(v)  # what a checkpoint gave
            except tf.errors.FailedPreconditionError:
                value = None
        if value is None:
            raise Exception(f"{self.name}: {key} of the data set is not known yet: train first, or give it")
        return value

    def apply(self, batch):
        """A batch after all steps."""
        for method, args in self.methods:
            batch = method(batch, *args)
        return batch

    def add_custom_preprocessing(self, func):
        """A step of one's own: a function of a batch."""
        self.methods.append((func, ()))

    def add_samplewise_zero_center(self):
        """Each sample without its mean."""
        self.methods.append((self._samplewise_zero_center, ()))

    def add_samplewise_stdnorm(self):
        """Each sample over its standard deviation."""
        self.methods.append((self._samplewise_stdnorm, ()))

    def add_featurewise_zero_center(self, mean=None):
        """Samples without the mean of the data set (one number, unless MEAN says more)."""
        self._parameter("global_mean", mean)
        self.methods.append((lambda b: np.asarray(b, "float32") - self._value("global_mean"), ()))

    def add_featurewise_stdnorm(self, std=None):
        """Samples over the standard deviation of the data set."""
        self._parameter("global_std", std)
        self.methods.append((lambda b: np.asarray(b, "float32") / self._value("global_std"), ()))

    def add_zca_whitening(self, pc=None):
        """Samples turned and stretched so that their features are independent."""
        self._parameter("global_pc", pc)
        self.methods.append((self._zca_whitening, ()))

    @staticmethod
    def _find_global_mean(data):
        return np.mean(data)

    @staticmethod
    def _find_global_std(data):
        return np.std(data)

    @staticmethod
    def _find_global_pc(data):
        flat = np.reshape(data, (data.shape[0], -1))
        u, s, _ = np.linalg.svd(flat.T @ flat / flat.shape[0])
        return (u * (1.0 / np.sqrt(s + 10e-7))) @ u.T

    @staticmethod
    def _samplewise_zero_center(batch):
        batch = np.array(batch, "float32")
        return batch - batch.mean(axis=tuple(range(1, batch.ndim)), keepdims=True)

    @staticmethod
    def _samplewise_stdnorm(batch):
        batch = np.array(batch, "float32")
        return batch / (batch.std(axis=tuple(range(1, batch.ndim)), keepdims=True) + 10e-10)

    def _zca_whitening(self, batch):
        batch = np.asarray(batch, "float32")
        flat = np.reshape(batch, (batch.shape[0], -1))
        return (flat @ self._value("global_pc")).reshape(batch.shape)


class ImagePreprocessing(DataPreprocessing):
    """The same for pictures."""

    def __init__(self, name="ImagePreprocessing"):
        super().__init__(name)

    def add_image_normalization(self):
        """Bytes as numbers between 0 and 1."""
        self.methods.append((lambda b: np.array(b) / 255.0, ()))

    def add_crop_center(self, shape):
        """The middle of each picture: (height, width)."""
        self.methods.append((self._crop_center, (shape,)))

    def resize(self, height, width):
        """Another size for each picture."""
        self.methods.append((self._resize, (height, width)))

    @staticmethod
    def _crop_center(batch, shape):
        batch = np.asarray(batch)
        top, left = (batch.shape[1] - shape[0]) // 2, (batch.shape[2] - shape[1]) // 2
        return batch[:, top : top + shape[0], left : left + shape[1]]

    @staticmethod
    def _resize(batch, height, width):
        with tf.Graph().as_default(), tf.Session() as session:
            return session.run(tf.image.resize_images(np.asarray(batch, "float32"), [height, width]))

# tensorflow: no
"""Chapter: tf.contrib.learn. Irises by a network and by a model of one's own, with scikit-learn's manner of calling."""

import tempfile

import numpy as np
import tensorflow as tf
from tensorflow.contrib.learn.python.learn.datasets import base

learn = tf.contrib.learn
layers = tf.contrib.layers
tf.logging.set_verbosity(tf.logging.ERROR)

iris = base.load_iris()
order = np.random.RandomState(0).permutation(len(iris.data))
train, test = order[:120], order[120:]
x_train, y_train = iris.data[train].astype(np.float32), iris.target[train]
x_test, y_test = iris.data[test].astype(np.float32), iris.target[test]


def accuracy(predicted):
    return np.mean(np.array(list(predicted)) == y_test)


# A network that is ready.
columns = learn.infer_real_valued_columns_from_input(x_train)
config = learn.RunConfig(tf_random_seed=1)
classifier = learn.DNNClassifier(feature_columns=columns, hidden_units=[10, 20, 10], n_classes=3, config=config,
                                 model_dir=tempfile.mkdtemp())  # fmt: skip
classifier.fit(x=x_train, y=y_train, steps=300)
print("network:", accuracy(classifier.predict(x_test)) > 0.9, classifier.evaluate(x_test, y_test)["accuracy"] > 0.9)


# A model of one's own, with tf.contrib.layers, as scikit-learn's users call it.
def model(features, target):
    target = tf.one_hot(target, 3, 1, 0)
    features = layers.stack(features, layers.fully_connected, [10, 10])
    prediction = layers.fully_connected(features, 3, activation_fn=None)
    loss = tf.losses.softmax_cross_entropy(target, prediction)
    train_op = layers.optimize_loss(
        loss, tf.contrib.framework.get_global_step(), optimizer="Adagrad", learning_rate=0.1
    )
    return tf.argmax(prediction, 1), loss, train_op


own = learn.SKCompat(learn.Estimator(model_fn=model, model_dir=tempfile.mkdtemp(), config=config))
own.fit(x_train, y_train, steps=400)
print("own:", accuracy(own.predict(x_test)) > 0.9)


# The same by logistic regression.
def regression(features, target):
    target = tf.one_hot(target, 3, 1, 0)
    logits, loss = learn.models.logistic_regression(features, target)
    train_op = layers.optimize_loss(
        loss, tf.contrib.framework.get_global_step(), optimizer="Adagrad", learning_rate=0.1
    )
    return tf.arg_max(logits, 1), loss, train_op


classic = learn.SKCompat(learn.Estimator(model_fn=regression, model_dir=tempfile.mkdtemp(), config=config))
classic.fit(x_train, y_train, batch_size=32, steps=600)
print("regression:", accuracy(classic.predict(x_test)) > 0.85)

# Sines, one number from ten before it, by a regressor, watched on the way.
waves = np.sin(0.1 * np.arange(400)).astype(np.float32)
windows = np.stack([waves[i : i + 10] for i in range(380)])
following = waves[10:390]
watch = learn.monitors.ValidationMonitor(windows[300:], following[300:], every_n_steps=50, early_stopping_rounds=200)
regressor = learn.DNNRegressor(
    hidden_units=[16], feature_columns=[layers.real_valued_column("", dimension=10)], model_dir=tempfile.mkdtemp(),
    config=learn.RunConfig(tf_random_seed=1, save_checkpoints_steps=50),
)  # fmt: skip
regressor.fit(windows[:300], following[:300], batch_size=50, steps=600, monitors=[watch])
print("sine:", regressor.evaluate(windows[300:], following[300:])["loss"] < 0.01)

# Texts as rows of numbers.
processor = learn.preprocessing.VocabularyProcessor(max_document_length=5)
print(np.array(list(processor.fit_transform(["the cat sat", "the dog sat on the cat"]))).tolist())

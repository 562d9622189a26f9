"""packages: keras==2.2.4 keras-applications==1.0.8 keras-preprocessing==1.1.0 scipy pyyaml h5py six
keep: keras"""

import keras
import numpy as np
from keras import layers, models

assert keras.__version__ == "2.2.4" and keras.backend.backend() == "tensorflow"
random = np.random.RandomState(0)
pictures = random.rand(64, 12, 12, 3).astype("f")
classes = keras.utils.to_categorical(pictures.mean((1, 2, 3)) > 0.5, 2)
model = models.Sequential()
model.add(layers.Conv2D(8, 3, activation="relu", input_shape=(12, 12, 3)))
for layer in (layers.BatchNormalization(), layers.MaxPooling2D(), layers.Dropout(0.2), layers.Flatten()):
    model.add(layer)
model.add(layers.Dense(16, kernel_regularizer=keras.regularizers.l2(1e-3)))
model.add(layers.LeakyReLU())
model.add(layers.Dense(2, activation="softmax"))
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
losses = model.fit(pictures, classes, epochs=4, batch_size=16, validation_split=0.2, verbose=0).history["loss"]
assert losses[-1] < losses[0], losses
words = layers.Input((7,))
vectors = layers.Embedding(50, 8)(words)
both = layers.concatenate([layers.GRU(6)(layers.LSTM(12, return_sequences=True)(vectors)),
                           layers.Bidirectional(layers.LSTM(5))(vectors)])  # fmt: skip
reader = models.Model(words, layers.Dense(1, activation="sigmoid")(both))
reader.compile(keras.optimizers.RMSprop(1e-2), "binary_crossentropy")
texts = random.randint(0, 50, (40, 7))
losses = reader.fit(texts, texts[:, 0] > 25, epochs=8, verbose=0).history["loss"]
assert losses[-1] < losses[0], losses

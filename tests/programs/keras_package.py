"""Programs that say `import keras`.  tensorflow: no"""

import numpy as np
from keras import backend as K
from keras import optimizers
from keras.callbacks import ModelCheckpoint
from keras.engine.topology import Layer
from keras.layers import LSTM, Activation, Bidirectional, Dense, Dropout, Input, TimeDistributed
from keras.layers.normalization import BatchNormalization
from keras.models import Model, Sequential, load_model
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer
from keras.utils import np_utils


class Scale(Layer):
    def __init__(self, start=1.0, **kwargs):
        self.start = start
        super(Scale, self).__init__(**kwargs)

    def build(self, input_shape):
        self.gain = self.add_weight(name="gain", shape=(input_shape[-1],), initializer="ones", trainable=True)
        super(Scale, self).build(input_shape)

    def call(self, x):
        return x * self.gain * self.start

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super(Scale, self).get_config()
        config["start"] = self.start
        return config


texts = ["good film good", "bad film", "good good", "bad bad story", "a good story", "a bad one"] * 4
tokenizer = Tokenizer(num_words=10)
tokenizer.fit_on_texts(texts)
x = pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=4)
y = np_utils.to_categorical([int("good" in t) for t in texts])

np.random.seed(0)
inputs = Input(shape=(4, 10))
h = Bidirectional(LSTM(8, return_sequences=True))(inputs)
h = TimeDistributed(Dense(6))(h)
h = LSTM(6)(h)
h = Scale(1.0)(BatchNormalization()(h))
outputs = Activation("softmax")(Dense(2)(Dropout(0.1)(h)))
model = Model(inputs=inputs, outputs=outputs)
model.compile(loss="categorical_crossentropy", optimizer=optimizers.Adam(lr=0.02), metrics=["accuracy"])
rows = np.eye(10)[x]
model.fit(
    rows,
    y,
    epochs=15,
    batch_size=8,
    verbose=0,
    callbacks=[ModelCheckpoint("best.hdf5", monitor="loss", save_best_only=True)],
)
print("accuracy above 0.9:", model.evaluate(rows, y, verbose=0)[1] > 0.9)
best = load_model("best.hdf5", custom_objects={"Scale": Scale})
print([w.shape for w in best.get_layer("scale").get_weights()], best.predict(rows).shape, K.backend())
small = Sequential.from_config(Sequential([Dense(2, input_dim=3)]).get_config())
print(small.to_json()[:40], len(small.to_yaml()) > 10)

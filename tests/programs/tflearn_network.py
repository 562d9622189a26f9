"""TFLearn: a table with a validation set, then a recurrent text classifier.  tensorflow: no"""

import numpy as np
import tensorflow as tf
import tflearn
from tflearn.data_utils import pad_sequences, to_categorical

np.random.seed(0)
tflearn.init_graph(seed=0)
data = np.random.rand(200, 5)
labels = to_categorical((data[:, 0] + data[:, 1] > 1).astype(int), 2)

net = tflearn.input_data(shape=[None, 5])
net = tflearn.fully_connected(net, 32, activation="relu")
net = tflearn.fully_connected(net, 32, activation="relu")
net = tflearn.fully_connected(net, 2, activation="softmax")
net = tflearn.regression(net, optimizer=tflearn.Adam(learning_rate=0.01), loss="categorical_crossentropy")
model = tflearn.DNN(net, tensorboard_dir="logs")
model.fit(data, labels, n_epoch=15, batch_size=16, validation_set=0.2, show_metric=True, run_id="table")
assert model.evaluate(data, labels)[0] > 0.9
model.save("table.tfl")
print("saved", sorted(name for name, _ in tf.train.list_variables("table.tfl") if name.endswith("/W")))

tf.reset_default_graph()
tflearn.init_graph(seed=1)
texts = [np.random.randint(2, 20, np.random.randint(3, 9)).tolist() for _ in range(200)]
kinds = [int(1 in t or 7 in t) for t in texts]
x, y = pad_sequences(texts, maxlen=8, value=0.0), to_categorical(kinds, 2)
net = tflearn.input_data([None, 8])
net = tflearn.embedding(net, input_dim=20, output_dim=16)
net = tflearn.lstm(net, 16, dropout=0.9, dynamic=True)
net = tflearn.fully_connected(net, 2, activation="softmax")
net = tflearn.regression(net, optimizer="adam", learning_rate=0.02, loss="categorical_crossentropy")
model = tflearn.DNN(net, tensorboard_dir="logs")
model.fit(x, y, n_epoch=12, batch_size=32, show_metric=True, snapshot_epoch=False, run_id="texts")
assert model.evaluate(x, y)[0] > 0.8
print("labels", model.predict_label(x[:3]).shape)

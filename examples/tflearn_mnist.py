"""Digits with TFLearn: python -m tenon.compat examples/tflearn_mnist.py"""

import tflearn
import tflearn.datasets.mnist as mnist

X, Y, test_x, test_y = mnist.load_data(one_hot=True)
net = tflearn.input_data(shape=[None, 784])
net = tflearn.fully_connected(net, 128, activation="relu")
net = tflearn.fully_connected(net, 10, activation="softmax")
model = tflearn.DNN(tflearn.regression(net, optimizer="adam", learning_rate=0.001))
model.fit(X, Y, n_epoch=2, batch_size=128, show_metric=True)
print(model.evaluate(test_x, test_y))

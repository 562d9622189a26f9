# An autoencoder as a class that draws noise, with Xavier's initial weights, trained batch by batch.
import numpy as np
import tensorflow as tf


def xavier_init(fan_in, fan_out, seed, constant=1):
    low = -constant * np.sqrt(6.0 / (fan_in + fan_out))
    high = constant * np.sqrt(6.0 / (fan_in + fan_out))
    return tf.random_uniform((fan_in, fan_out), minval=low, maxval=high, dtype=tf.float32, seed=seed)


class AdditiveGaussianNoiseAutoencoder(object):
    def __init__(self, n_input, n_hidden, transfer_function=tf.nn.softplus, optimizer=None, scale=0.1):
        self.n_input = n_input
        self.n_hidden = n_hidden
        self.transfer = transfer_function
        self.scale = tf.placeholder(tf.float32)
        self.training_scale = scale
        self.weights = self._initialize_weights()
        self.x = tf.placeholder(tf.float32, [None, self.n_input])
        noisy = self.x + self.scale * tf.random_normal((n_input,), seed=4)
        self.hidden = self.transfer(tf.add(tf.matmul(noisy, self.weights["w1"]), self.weights["b1"]))
        self.reconstruction = tf.add(tf.matmul(self.hidden, self.weights["w2"]), self.weights["b2"])
        self.cost = 0.5 * tf.reduce_sum(tf.pow(tf.subtract(self.reconstruction, self.x), 2.0))
        self.optimizer = optimizer.minimize(self.cost)
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def _initialize_weights(self):
        all_weights = {}
        all_weights["w1"] = tf.Variable(xavier_init(self.n_input, self.n_hidden, 1))
        all_weights["b1"] = tf.Variable(tf.zeros([self.n_hidden], dtype=tf.float32))
        all_weights["w2"] = tf.Variable(tf.zeros([self.n_hidden, self.n_input], dtype=tf.float32))
        all_weights["b2"] = tf.Variable(tf.zeros([self.n_input], dtype=tf.float32))
        return all_weights

    def partial_fit(self, X):
        feed = {self.x: X, self.scale: self.training_scale}
        return self.sess.run((self.cost, self.optimizer), feed_dict=feed)[0]

    def calc_total_cost(self, X):
        return self.sess.run(self.cost, feed_dict={self.x: X, self.scale: 0.0})

    def transform(self, X):
        return self.sess.run(self.hidden, feed_dict={self.x: X, self.scale: 0.0})

    def generate(self, hidden=None):
        if hidden is None:
            hidden = np.random.normal(size=self.sess.run(self.weights["b1"]).shape)
        return self.sess.run(self.reconstruction, feed_dict={self.hidden: hidden})

    def getWeights(self):
        return self.sess.run(self.weights["w1"])


rng = np.random.RandomState(0)
data = rng.rand(320, 5).dot(rng.rand(5, 30)).astype("float32")
data = (data - data.mean(0)) / data.std(0)
autoencoder = AdditiveGaussianNoiseAutoencoder(
    n_input=30, n_hidden=12, optimizer=tf.train.AdamOptimizer(learning_rate=0.01), scale=0.01
)
costs = []
for epoch in range(10):
    for i in range(10):
        costs.append(autoencoder.partial_fit(data[i * 32 : i * 32 + 32]))
    print("Epoch: %04d cost= %.4f" % (epoch + 1, np.mean(costs[-10:])))
print(" ".join("%.3f" % cost for cost in costs))
print("Total cost: %.3f" % autoencoder.calc_total_cost(data[:50]))
hidden = autoencoder.transform(data[:2])
print(autoencoder.generate(hidden).round(3)[0, :5].tolist(), autoencoder.getWeights().shape)

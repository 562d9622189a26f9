# A denoising autoencoder.
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(4)
basis = rng.rand(3, 16)
X = (rng.rand(256, 3).dot(basis) / 3).astype("float32")


class Autoencoder(object):
    def __init__(self, n_input, n_hidden, scale=0.05):
        self.x = tf.placeholder(tf.float32, [None, n_input])
        w1 = tf.get_variable("w1", [n_input, n_hidden], initializer=tf.glorot_uniform_initializer(seed=1))
        b1 = tf.Variable(tf.zeros([n_hidden]))
        w2 = tf.get_variable("w2", [n_hidden, n_input], initializer=tf.glorot_uniform_initializer(seed=2))
        b2 = tf.Variable(tf.zeros([n_input]))
        noisy = self.x + scale * tf.random_normal((n_input,), seed=3)
        self.hidden = tf.nn.softplus(tf.add(tf.matmul(noisy, w1), b1))
        self.reconstruction = tf.add(tf.matmul(self.hidden, w2), b2)
        self.cost = 0.5 * tf.reduce_sum(tf.pow(tf.subtract(self.reconstruction, self.x), 2.0))
        self.optimizer = tf.train.AdamOptimizer(learning_rate=0.005).minimize(self.cost)
        self.sess = tf.Session()
        self.sess.run(tf.global_variables_initializer())

    def partial_fit(self, X):
        return self.sess.run((self.cost, self.optimizer), feed_dict={self.x: X})[0]


model = Autoencoder(16, 8)
for epoch in range(20):
    cost = sum(model.partial_fit(X[i : i + 64]) for i in range(0, 256, 64)) / 256
    if epoch % 5 == 0:
        print("Epoch: %04d cost= %.5f" % (epoch + 1, cost))

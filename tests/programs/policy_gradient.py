# Reinforcement: a policy of two layers that balances, gradients kept in placeholders until an episode ends.
import numpy as np
import tensorflow as tf

H, batch_size, learning_rate, D, gamma = 10, 5, 1e-2, 4, 0.99
rng = np.random.RandomState(11)


class Pole(object):
    """A pole on a cart, with the usual physics."""

    def reset(self):
        self.state = rng.uniform(-0.05, 0.05, 4)
        return self.state

    def step(self, action):
        x, v, angle, turn = self.state
        force = 10.0 if action == 1 else -10.0
        temp = (force + 0.05 * turn**2 * np.sin(angle)) / 1.1
        angular = (9.8 * np.sin(angle) - np.cos(angle) * temp) / (0.5 * (4.0 / 3 - 0.1 * np.cos(angle) ** 2 / 1.1))
        speed = temp - 0.05 * angular * np.cos(angle) / 1.1
        self.state = np.array([x + 0.02 * v, v + 0.02 * speed, angle + 0.02 * turn, turn + 0.02 * angular])
        return self.state, 1.0, abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.2095


observations = tf.placeholder(tf.float32, [None, D], name="input_x")
W1 = tf.get_variable("W1", shape=[D, H], initializer=tf.glorot_uniform_initializer(seed=1))
layer1 = tf.nn.relu(tf.matmul(observations, W1))
W2 = tf.get_variable("W2", shape=[H, 1], initializer=tf.glorot_uniform_initializer(seed=2))
probability = tf.nn.sigmoid(tf.matmul(layer1, W2))
tvars = tf.trainable_variables()
input_y = tf.placeholder(tf.float32, [None, 1], name="input_y")
advantages = tf.placeholder(tf.float32, name="reward_signal")
loglik = tf.log(input_y * (input_y - probability) + (1 - input_y) * (input_y + probability))
loss = -tf.reduce_mean(loglik * advantages)
newGrads = tf.gradients(loss, tvars)
adam = tf.train.AdamOptimizer(learning_rate=learning_rate)
W1Grad = tf.placeholder(tf.float32, name="batch_grad1")
W2Grad = tf.placeholder(tf.float32, name="batch_grad2")
updateGrads = adam.apply_gradients(zip([W1Grad, W2Grad], tvars))


def discount_rewards(r):
    discounted_r = np.zeros_like(r)
    running_add = 0
    for t in reversed(range(r.size)):
        running_add = running_add * gamma + r[t]
        discounted_r[t] = running_add
    return discounted_r


env = Pole()
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    gradBuffer = sess.run(tvars)
    for ix, grad in enumerate(gradBuffer):
        gradBuffer[ix] = grad * 0
    lengths, losses = [], []
    for episode in range(1, 26):
        xs, ys, drs, observation, done = [], [], [], env.reset(), False
        while not done and len(xs) < 200:
            x = np.reshape(observation, [1, D])
            tfprob = sess.run(probability, feed_dict={observations: x})
            action = 1 if rng.uniform() < tfprob else 0
            xs.append(x)
            ys.append(1 - action)
            observation, reward, done = env.step(action)
            drs.append(reward)
        epx, epy, epr = np.vstack(xs), np.vstack(ys), np.vstack(drs)
        discounted_epr = discount_rewards(epr)
        discounted_epr -= np.mean(discounted_epr)
        discounted_epr /= np.std(discounted_epr)
        feed = {observations: epx, input_y: epy, advantages: discounted_epr}
        value, tGrad = sess.run([loss, newGrads], feed_dict=feed)
        losses.append(value)
        lengths.append(len(xs))
        for ix, grad in enumerate(tGrad):
            gradBuffer[ix] += grad
        if episode % batch_size == 0:
            sess.run(updateGrads, feed_dict={W1Grad: gradBuffer[0], W2Grad: gradBuffer[1]})
            for ix, grad in enumerate(gradBuffer):
                gradBuffer[ix] = grad * 0
    print(lengths[:20])
    print(" ".join("%.4f" % value for value in losses[:20]))

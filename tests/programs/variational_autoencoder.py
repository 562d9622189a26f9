# A variational autoencoder of tf.layers: sampling, two losses, transposed convolutions.
import numpy as np
import tensorflow as tf

N_LATENT, BATCH = 4, 20
rng = np.random.RandomState(6)
pictures = np.zeros((200, 12, 12), "float32")
for i, (row, column) in enumerate(rng.randint(0, 8, (200, 2))):
    pictures[i, row : row + 4, column : column + 4] = 1.0
X_in = tf.placeholder(dtype=tf.float32, shape=[None, 12, 12], name="X")
keep_prob = tf.placeholder(dtype=tf.float32, shape=(), name="keep_prob")


def start(seed):
    return tf.variance_scaling_initializer(seed=seed)


def lrelu(x, alpha=0.3):
    return tf.maximum(x, tf.multiply(x, alpha))


def encoder(X_in, keep_prob):
    with tf.variable_scope("encoder", reuse=None):
        x = tf.reshape(X_in, shape=[-1, 12, 12, 1])
        x = tf.layers.conv2d(x, 8, 4, strides=2, padding="same", activation=lrelu, kernel_initializer=start(1))
        x = tf.nn.dropout(x, keep_prob, seed=2)
        x = tf.layers.conv2d(x, 8, 4, strides=1, padding="same", activation=lrelu, kernel_initializer=start(3))
        x = tf.contrib.layers.flatten(x)
        mn = tf.layers.dense(x, units=N_LATENT, kernel_initializer=start(4))
        sd = 0.5 * tf.layers.dense(x, units=N_LATENT, kernel_initializer=start(5))
        epsilon = tf.random_normal(tf.stack([tf.shape(x)[0], N_LATENT]), seed=6)
        return mn + tf.multiply(epsilon, tf.exp(sd)), mn, sd


def decoder(sampled_z, keep_prob):
    with tf.variable_scope("decoder", reuse=None):
        x = tf.layers.dense(sampled_z, units=36, activation=lrelu, kernel_initializer=start(7))
        x = tf.reshape(x, [-1, 3, 3, 4])
        for i, strides in enumerate((2, 2)):
            x = tf.layers.conv2d_transpose(x, filters=8, kernel_size=4, strides=strides, padding="same",
                                           activation=tf.nn.relu, kernel_initializer=start(8 + i))  # fmt: skip
            x = tf.nn.dropout(x, keep_prob, seed=20 + i)
        x = tf.layers.dense(tf.layers.flatten(x), 144, activation=tf.nn.sigmoid, kernel_initializer=start(10))
        return tf.reshape(x, shape=[-1, 12, 12])


sampled, mn, sd = encoder(X_in, keep_prob)
dec = decoder(sampled, keep_prob)
unreshaped = tf.reshape(dec, [-1, 144])
img_loss = tf.reduce_sum(tf.squared_difference(unreshaped, tf.reshape(X_in, [-1, 144])), 1)
latent_loss = -0.5 * tf.reduce_sum(1.0 + 2.0 * sd - tf.square(mn) - tf.exp(2.0 * sd), 1)
loss = tf.reduce_mean(img_loss + latent_loss)
optimizer = tf.train.AdamOptimizer(0.002).minimize(loss)
print([v.name for v in tf.trainable_variables()])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    losses = []
    for i in range(100):
        batch = pictures[i * BATCH % 200 : i * BATCH % 200 + BATCH]
        losses.append(sess.run([optimizer, loss], feed_dict={X_in: batch, keep_prob: 0.8})[1])
    print(" ".join("%.4f" % value for value in losses))
    randoms = [np.random.RandomState(i).normal(0, 1, N_LATENT) for i in range(3)]
    imgs = sess.run(dec, feed_dict={sampled: randoms, keep_prob: 1.0})
    print(imgs.shape, imgs.min() >= 0, imgs.max() <= 1)

# A generative adversarial network in one dimension.
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(6)


def generator(z):
    with tf.variable_scope("generator"):
        h = tf.layers.dense(
            z, 8, activation=tf.nn.softplus, kernel_initializer=tf.random_normal_initializer(stddev=0.5, seed=1)
        )
        return tf.layers.dense(h, 1, kernel_initializer=tf.random_normal_initializer(stddev=0.5, seed=2))


def discriminator(x, reuse):
    with tf.variable_scope("discriminator", reuse=reuse):
        h = tf.layers.dense(
            x, 8, activation=tf.tanh, kernel_initializer=tf.random_normal_initializer(stddev=0.5, seed=3)
        )
        return tf.layers.dense(h, 1, kernel_initializer=tf.random_normal_initializer(stddev=0.5, seed=4))


z, x = tf.placeholder(tf.float32, [None, 1]), tf.placeholder(tf.float32, [None, 1])
fake = generator(z)
real_logits, fake_logits = discriminator(x, False), discriminator(fake, True)
cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits
d_loss = tf.reduce_mean(
    cross_entropy(logits=real_logits, labels=tf.ones_like(real_logits))
    + cross_entropy(logits=fake_logits, labels=tf.zeros_like(fake_logits))
)
g_loss = tf.reduce_mean(cross_entropy(logits=fake_logits, labels=tf.ones_like(fake_logits)))
d_vars = [v for v in tf.trainable_variables() if v.name.startswith("discriminator")]
g_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="generator")
d_train = tf.train.AdamOptimizer(0.01, beta1=0.5).minimize(d_loss, var_list=d_vars)
g_train = tf.train.AdamOptimizer(0.01, beta1=0.5).minimize(g_loss, var_list=g_vars)
print([v.name for v in d_vars], [v.name for v in g_vars])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(20):
        feed = {x: rng.normal(2, 0.5, (32, 1)), z: rng.uniform(-1, 1, (32, 1))}
        _, d = sess.run([d_train, d_loss], feed)
        _, g = sess.run([g_train, g_loss], feed)
        if step % 5 == 0:
            print("step %d: %.4f %.4f" % (step, d, g))

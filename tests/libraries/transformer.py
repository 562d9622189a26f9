"""packages: bert-tensorflow==1.0.1 six"""

import numpy as np
import tensorflow as tf
from bert import modeling, optimization

config = modeling.BertConfig(100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
tf.set_random_seed(1)
ids, labels = tf.placeholder(tf.int32, [8, 16]), tf.placeholder(tf.int32, [8])
model = modeling.BertModel(config, True, ids, tf.ones_like(ids), tf.zeros_like(ids))
logits = tf.layers.dense(model.get_pooled_output(), 2)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
tf.train.create_global_step()
train = optimization.create_optimizer(loss, 1e-3, 100, 10, False)
words = np.random.RandomState(0).randint(0, 100, (8, 16))
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    losses = [session.run([loss, train], {ids: words, labels: words[:, 0] > 50})[0] for _ in range(40)]
assert losses[-1] < 0.05 * losses[0], losses

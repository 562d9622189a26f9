"""packages: gpt-2-simple==0.7.2 toposort tqdm regex requests urllib3 idna certifi charset-normalizer fire termcolor"""

import numpy as np
import tensorflow as tf
from gpt_2_simple.src import model, sample

parameters = model.default_hparams()
parameters.override_from_dict({"n_vocab": 50, "n_ctx": 32, "n_embd": 16, "n_head": 2, "n_layer": 2})
words = tf.placeholder(tf.int32, [2, 16])
logits = model.model(hparams=parameters, X=words)["logits"]
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=words[:, 1:], logits=logits[:, :-1]))
step = tf.train.AdamOptimizer(1e-2).minimize(loss)
made = sample.sample_sequence(hparams=parameters, length=5, context=words, batch_size=2, temperature=1.0, top_k=5)
text = np.random.RandomState(0).randint(0, 50, (2, 16))
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    losses = [session.run([loss, step], {words: text})[0] for _ in range(20)]
    assert losses[-1] < 0.5 * losses[0], losses
    assert session.run(made, {words: text}).shape == (2, 21)

# tensorflow: no (contrib is gone). Sequences to sequences, with attention: numbers in reverse.
import numpy as np
import tensorflow as tf

SIZE, VOCAB, STEPS, BATCH = 24, 10, 5, 16
rng = np.random.RandomState(1)
tf.set_random_seed(2)
src, src_size = tf.placeholder(tf.int32, [BATCH, STEPS]), tf.constant(STEPS, shape=[BATCH])
trg_in, trg_out = tf.placeholder(tf.int32, [BATCH, STEPS]), tf.placeholder(tf.int32, [BATCH, STEPS])
embedding = tf.get_variable("emb", [VOCAB, SIZE])
with tf.variable_scope("encoder"):
    forward, backward = tf.nn.rnn_cell.BasicLSTMCell(SIZE), tf.nn.rnn_cell.BasicLSTMCell(SIZE)
    enc_outputs, enc_state = tf.nn.bidirectional_dynamic_rnn(
        forward, backward, tf.nn.embedding_lookup(embedding, src), src_size, dtype=tf.float32
    )
    enc_outputs = tf.concat([enc_outputs[0], enc_outputs[1]], -1)
with tf.variable_scope("decoder"):
    cell = tf.nn.rnn_cell.BasicLSTMCell(SIZE)
    mechanism = tf.contrib.seq2seq.BahdanauAttention(SIZE, enc_outputs, memory_sequence_length=src_size)
    cell = tf.contrib.seq2seq.AttentionWrapper(cell, mechanism, attention_layer_size=SIZE)
    dec_outputs, _ = tf.nn.dynamic_rnn(cell, tf.nn.embedding_lookup(embedding, trg_in), src_size, dtype=tf.float32)
logits = tf.layers.dense(dec_outputs, VOCAB)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=trg_out, logits=logits))
variables = tf.trainable_variables()
grads, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
train_op = tf.train.AdamOptimizer(0.02).apply_gradients(zip(grads, variables))
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(150):
        numbers = rng.randint(1, VOCAB, (BATCH, STEPS))
        reverse = numbers[:, ::-1]
        before = np.concatenate([np.zeros((BATCH, 1), int), reverse[:, :-1]], 1)
        value, _ = sess.run([loss, train_op], {src: numbers, trg_in: before, trg_out: reverse})
    print("learnt:", value < 1.2)

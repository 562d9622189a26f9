# tensorflow: no (contrib is gone). Sequences by the older functions: buckets, attention, a loop function.
import numpy as np
import tensorflow as tf
from tensorflow.contrib.legacy_seq2seq.python.ops import seq2seq
from tensorflow.contrib.rnn.python.ops import core_rnn_cell

SIZE, VOCAB, BATCH = 16, 9, 12
buckets = [(3, 4), (5, 6)]
rng = np.random.RandomState(3)
tf.set_random_seed(4)


def seq2seq_f(encoder_inputs, decoder_inputs, do_decode):
    return seq2seq.embedding_attention_seq2seq(
        encoder_inputs,
        decoder_inputs,
        core_rnn_cell.GRUCell(SIZE),
        num_encoder_symbols=VOCAB,
        num_decoder_symbols=VOCAB,
        embedding_size=SIZE,
        feed_previous=do_decode,
    )


encoder_inputs = [tf.placeholder(tf.int32, [None], name="encoder%d" % i) for i in range(buckets[-1][0])]
decoder_inputs = [tf.placeholder(tf.int32, [None], name="decoder%d" % i) for i in range(buckets[-1][1] + 1)]
target_weights = [tf.placeholder(tf.float32, [None], name="weight%d" % i) for i in range(buckets[-1][1] + 1)]
targets = [decoder_inputs[i + 1] for i in range(len(decoder_inputs) - 1)]
outputs, losses = tf.contrib.legacy_seq2seq.model_with_buckets(
    encoder_inputs, decoder_inputs, targets, target_weights, buckets, lambda x, y: seq2seq_f(x, y, False)
)
with tf.variable_scope(tf.get_variable_scope(), reuse=True):
    decoded, _ = tf.contrib.legacy_seq2seq.model_with_buckets(
        encoder_inputs, decoder_inputs, targets, target_weights, buckets, lambda x, y: seq2seq_f(x, y, True)
    )
params = tf.trainable_variables()
opt = tf.train.AdagradOptimizer(0.5)
updates = []
for b in range(len(buckets)):
    clipped_gradients, norm = tf.clip_by_global_norm(tf.gradients(losses[b], params), 5.0)
    updates.append(opt.apply_gradients(zip(clipped_gradients, params)))


def feed_of(bucket):
    encoder_size, decoder_size = buckets[bucket]
    words = rng.randint(2, VOCAB, (BATCH, encoder_size))
    feed = {encoder_inputs[i]: words[:, encoder_size - 1 - i] for i in range(encoder_size)}
    answer = np.concatenate([np.ones((BATCH, 1), int), words, np.zeros((BATCH, decoder_size - encoder_size), int)], 1)
    for i in range(decoder_size + 1):
        feed[decoder_inputs[i]] = answer[:, i] if i < answer.shape[1] else np.zeros(BATCH, int)
        feed[target_weights[i]] = np.full(BATCH, float(i < encoder_size))
    return feed, words


with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    first, last = {}, {}
    for step in range(200):
        bucket = step % 2
        feed, _ = feed_of(bucket)
        _, value = sess.run([updates[bucket], losses[bucket]], feed)
        first.setdefault(bucket, value)
        last[bucket] = value
    print([last[b] < 0.75 * first[b] for b in (0, 1)], len(outputs[0]), len(outputs[1]), outputs[1][0].shape)
    feed, words = feed_of(0)
    symbols = [np.argmax(logit, 1) for logit in sess.run(decoded[0][:3], feed)]
    print("more right than by chance:", np.mean(np.stack(symbols, 1) == words) > 0.3)
    print(sorted({v.op.name.split("/")[0] for v in params}), len(params))

# tensorflow: no (its models are gone). The tutorial's language model: a reader, a producer, a supervised session.
import os

import numpy as np
import tensorflow as tf
from tensorflow.models.rnn.ptb import reader
from tensorflow.python.ops import rnn_cell

flags = tf.flags
logging = tf.logging
logging.set_verbosity(logging.ERROR)
flags.DEFINE_string("model", "small", "A type of model. Possible options are: small, large.")
flags.DEFINE_string("data_path", "data", "Where the training/test data is stored.")
flags.DEFINE_bool("use_fp16", False, "Train using 16-bit floats instead of 32bit floats")
FLAGS = flags.FLAGS


def data_type():
    return tf.float16 if FLAGS.use_fp16 else tf.float32


class SmallConfig(object):
    init_scale = 0.1
    learning_rate = 1.0
    max_grad_norm = 5
    num_layers = 2
    num_steps = 8
    hidden_size = 20
    max_epoch = 4
    max_max_epoch = 6
    keep_prob = 0.9
    lr_decay = 0.5
    batch_size = 4


class PTBInput(object):
    def __init__(self, config, data, name=None):
        self.batch_size = config.batch_size
        self.num_steps = config.num_steps
        self.epoch_size = ((len(data) // self.batch_size) - 1) // self.num_steps
        self.input_data, self.targets = reader.ptb_producer(data, self.batch_size, self.num_steps, name=name)


class PTBModel(object):
    def __init__(self, is_training, config, input_):
        self.input = input_
        size = config.hidden_size

        def attn_cell():
            cell = rnn_cell.BasicLSTMCell(size, forget_bias=0.0, state_is_tuple=True)
            if is_training and config.keep_prob < 1:
                cell = rnn_cell.DropoutWrapper(cell, output_keep_prob=config.keep_prob, seed=1)
            return cell

        cell = tf.contrib.rnn.MultiRNNCell([attn_cell() for _ in range(config.num_layers)], state_is_tuple=True)
        self.initial_state = cell.zero_state(input_.batch_size, data_type())
        with tf.device("/cpu:0"):
            embedding = tf.get_variable("embedding", [VOCAB_SIZE, size], dtype=data_type())
            inputs = tf.nn.embedding_lookup(embedding, input_.input_data)
        if is_training and config.keep_prob < 1:
            inputs = tf.nn.dropout(inputs, config.keep_prob, seed=2)
        inputs = tf.unstack(inputs, num=input_.num_steps, axis=1)
        outputs, state = tf.nn.rnn(cell, inputs, initial_state=self.initial_state)
        output = tf.reshape(tf.concat(outputs, 1), [-1, size])
        softmax_w = tf.get_variable("softmax_w", [size, VOCAB_SIZE], dtype=data_type())
        softmax_b = tf.get_variable("softmax_b", [VOCAB_SIZE], dtype=data_type())
        logits = tf.matmul(output, softmax_w) + softmax_b
        loss = tf.contrib.legacy_seq2seq.sequence_loss_by_example(
            [logits],
            [tf.reshape(input_.targets, [-1])],
            [tf.ones([input_.batch_size * input_.num_steps], dtype=data_type())],
        )
        self.cost = tf.reduce_sum(loss) / input_.batch_size
        self.final_state = state
        if not is_training:
            return
        self.lr = tf.Variable(0.0, trainable=False)
        tvars = tf.trainable_variables()
        grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, tvars), config.max_grad_norm)
        optimizer = tf.train.GradientDescentOptimizer(self.lr)
        self.train_op = optimizer.apply_gradients(
            zip(grads, tvars), global_step=tf.contrib.framework.get_or_create_global_step()
        )
        self._new_lr = tf.placeholder(tf.float32, shape=[], name="new_learning_rate")
        self._lr_update = tf.assign(self.lr, self._new_lr)

    def assign_lr(self, session, lr_value):
        session.run(self._lr_update, feed_dict={self._new_lr: lr_value})


def run_epoch(session, model, eval_op=None):
    costs, iters = 0.0, 0
    state = session.run(model.initial_state)
    fetches = {"cost": model.cost, "final_state": model.final_state}
    if eval_op is not None:
        fetches["eval_op"] = eval_op
    for _ in range(model.input.epoch_size):
        feed_dict = {}
        for i, (c, h) in enumerate(model.initial_state):
            feed_dict[c] = state[i].c
            feed_dict[h] = state[i].h
        vals = session.run(fetches, feed_dict)
        state = vals["final_state"]
        costs += vals["cost"]
        iters += model.input.num_steps
    return np.exp(costs / iters)


def main(_):
    global VOCAB_SIZE
    os.makedirs(FLAGS.data_path)
    rng = np.random.RandomState(2)
    for part, lines in (("train", 80), ("valid", 20), ("test", 20)):
        with open(os.path.join(FLAGS.data_path, "ptb.%s.txt" % part), "w") as f:
            for _ in range(lines):
                start = rng.randint(12)
                f.write(" ".join("w%d" % ((start + 2 * i) % 12) for i in range(6)) + " \n")
    train_data, valid_data, test_data, VOCAB_SIZE = reader.ptb_raw_data(FLAGS.data_path)
    print(len(train_data), len(valid_data), VOCAB_SIZE, next(reader.ptb_iterator(valid_data, 2, 3))[0].shape)
    config, eval_config = SmallConfig(), SmallConfig()
    eval_config.batch_size = eval_config.num_steps = 1
    with tf.Graph().as_default():
        initializer = tf.random_uniform_initializer(-config.init_scale, config.init_scale, seed=1)
        with tf.name_scope("Train"):
            train_input = PTBInput(config=config, data=train_data, name="TrainInput")
            with tf.variable_scope("Model", reuse=None, initializer=initializer):
                m = PTBModel(is_training=True, config=config, input_=train_input)
            tf.summary.scalar("Training Loss", m.cost)
        with tf.name_scope("Valid"):
            valid_input = PTBInput(config=config, data=valid_data, name="ValidInput")
            with tf.variable_scope("Model", reuse=True, initializer=initializer):
                mvalid = PTBModel(is_training=False, config=config, input_=valid_input)
        with tf.name_scope("Test"):
            test_input = PTBInput(config=eval_config, data=test_data, name="TestInput")
            with tf.variable_scope("Model", reuse=True, initializer=initializer):
                mtest = PTBModel(is_training=False, config=eval_config, input_=test_input)
        print([v.op.name for v in tf.trainable_variables()])
        sv = tf.train.Supervisor(logdir="log")
        with sv.managed_session() as session:
            perplexities = []
            for i in range(config.max_max_epoch):
                lr_decay = config.lr_decay ** max(i + 1 - config.max_epoch, 0.0)
                m.assign_lr(session, config.learning_rate * lr_decay)
                perplexities.append(run_epoch(session, m, eval_op=m.train_op))
                print("Epoch: %d Learning rate: %.3f" % (i + 1, session.run(m.lr)))
            print("train falls:", perplexities[-1] < 0.6 * perplexities[0])
            print("valid below the vocabulary:", run_epoch(session, mvalid) < 9, run_epoch(session, mtest) < 9)
            sv.saver.save(session, "log/model.ckpt", global_step=sv.global_step)
        print(os.path.basename(tf.train.latest_checkpoint("log")))


if __name__ == "__main__":
    tf.app.run()

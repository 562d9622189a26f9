# tensorflow: no (what a Supervisor prints differs). A supervisor that saves and goes on.
import tensorflow as tf

tf.logging.set_verbosity(tf.logging.ERROR)


def run(steps):
    with tf.Graph().as_default():
        global_step = tf.train.create_global_step()
        step = tf.assign_add(global_step, 1)
        tf.summary.scalar("step", global_step)
        sv = tf.train.Supervisor(logdir="log", global_step=global_step, save_model_secs=0)
        with sv.managed_session() as sess:
            for _ in range(steps):
                if sv.should_stop():
                    break
                value = sess.run(step)
            sv.saver.save(sess, sv.save_path, global_step=global_step)
        return value


print(run(3), run(4))

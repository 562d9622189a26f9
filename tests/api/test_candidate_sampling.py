"""Candidate samplers against TensorFlow: the same draws for the same seeds."""

from api.both import both


def test_samplers():
    def program(tf):
        tf.set_random_seed(5)
        classes = tf.constant([[1, 4], [0, 7]], tf.int64)
        samplers = [
            tf.nn.uniform_candidate_sampler,
            tf.nn.log_uniform_candidate_sampler,
            tf.nn.learned_unigram_candidate_sampler,
            tf.random.uniform_candidate_sampler,
        ]
        drawn = [sampler(classes, 2, 5, unique, 20, seed=3) for sampler in samplers for unique in (True, False)]
        drawn.append(tf.nn.fixed_unigram_candidate_sampler(classes, 2, 4, True, 8, unigrams=list(range(1, 9)), seed=2))
        drawn.append(tf.nn.all_candidate_sampler(classes, 2, 9, True))
        hits = tf.nn.compute_accidental_hits(classes, tf.constant([3, 7, 1], tf.int64), 2)
        return [list(x) for x in drawn], list(hits)

    both(program)

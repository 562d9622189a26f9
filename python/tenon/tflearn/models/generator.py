"""SequenceGenerator: a network that continues sequences."""

import numpy as np

from tenon.tflearn.models.dnn import DNN


def _sample(probabilities, temperature):
    """A number drawn by probabilities, which a low temperature makes more certain."""
    logs = np.log(np.maximum(np.asarray(probabilities, dtype=float), 1e-300)) / temperature
    odds = np.exp(logs - logs.max())
    odds /= odds.sum()
    return int(np.argmax(np.random.multinomial(1, odds, 1)))


class SequenceGenerator(DNN):
    """A network from (samples, steps, entries of the dictionary) to the probabilities of the next entry."""

    def __init__(self, network, dictionary=None, seq_maxlen=25, clip_gradients=0.0, tensorboard_verbose=0,
                 tensorboard_dir="/tmp/tflearn_logs/", checkpoint_path=None, max_checkpoints=None,
                 session=None):  # fmt: skip
        super().__init__(network, clip_gradients, tensorboard_verbose, tensorboard_dir, checkpoint_path, None,
                         max_checkpoints, session)  # fmt: skip
        self.dic = dictionary
        self.rev_dic = {v: k for k, v in dictionary.items()} if dictionary is not None else None
        self.seq_maxlen = seq_maxlen

    def generate(self, seq_length, temperature=0.5, seq_seed=None, display=False):
        """SEQ_LENGTH entries after a seed: a text or list of entries, at most seq_maxlen long."""
        sequence = list(seq_seed)[-self.seq_maxlen :]
        whole = list(seq_seed)
        for _ in range(seq_length):
            x = np.zeros((1, self.seq_maxlen, len(self.dic)))
            for t, entry in enumerate(sequence):
                x[0, t, self.dic[entry]] = 1.0
            entry = self.rev_dic[_sample(self.predict(x)[0], temperature)]
            if display:
                print(entry, end="", flush=True)
            sequence = [*sequence, entry][-self.seq_maxlen :]
            whole.append(entry)
        return "".join(whole) if isinstance(seq_seed, str) else whole

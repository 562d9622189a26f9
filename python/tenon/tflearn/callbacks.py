"""What is told while a network is trained."""


class Callback:
    """Base class: methods that do nothing. `training_state` has epoch, step, loss_value, acc_value and the like."""

    def on_train_begin(self, training_state):
        """Before training."""

    def on_epoch_begin(self, training_state):
        """Before an epoch."""

    def on_batch_begin(self, training_state):
        """Before a batch."""

    def on_sub_batch_begin(self, training_state):
        """Before the batch of one of several training ops."""

    def on_sub_batch_end(self, training_state, train_index=0):
        """After the batch of one of several training ops."""

    def on_batch_end(self, training_state, snapshot=False):
        """After a batch; SNAPSHOT says whether one was taken."""

    def on_epoch_end(self, training_state):
        """After an epoch."""

    def on_train_end(self, training_state):
        """After training."""


class ChainCallback(Callback):
    """Several callbacks as one."""

    def __init__(self, callbacks=()):
        self.callbacks = []
        for callback in callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]:
            self.add(callback)

    def add(self, callback):
        """One more."""
        if not isinstance(callback, Callback):
            raise Exception(f"{callback} is an invalid Callback object")
        self.callbacks.append(callback)


def _each(name):
    def method(self, *args, **kwargs):
        for callback in self.callbacks:
            getattr(callback, name)(*args, **kwargs)

    method.__name__, method.__doc__ = name, f"Calls {name} of each."
    return method


for _event in [n for n in vars(Callback) if n.startswith("on_")]:
    setattr(ChainCallback, _event, _each(_event))

"""What is printed while a network is trained."""

import sys
import time

from tenon.tflearn.callbacks import Callback


class TermLogger(Callback):
    """Prints steps, losses and metrics; on a terminal in place, else at the end of epochs."""

    def __init__(self, trainer, running, show_metric, run_id):
        self.trainer, self.running, self.show_metric, self.run_id = trainer, running, show_metric, run_id
        self.in_place = hasattr(sys.stdout, "isatty") and sys.stdout.isatty()

    def on_train_begin(self, training_state):
        """Prints what is about to run."""
        print("---------------------------------")
        print(f"Run id: {self.run_id}")
        print(f"Log directory: {self.trainer.tensorboard_dir}")
        print("---------------------------------")
        for i, one in enumerate(self.running):
            lead = "" if len(self.running) == 1 else f"{one.op.name}_{i} "
            print(f"{lead}Training samples: {one.batches.count}")
            print(f"{lead}Validation samples: {0 if one.held is None else one.held.count}")
            print("--")

    def on_epoch_begin(self, training_state):
        """Starts the clock."""
        self.begun = time.time()

    def on_batch_end(self, training_state, snapshot=False):
        """Prints where it is."""
        last = training_state.current_iter >= self.running[0].batches.count
        if not (self.in_place or snapshot or last):
            return
        print(f"Training Step: {training_state.step}  | total loss: {training_state.global_loss:.5f} | "
              f"time: {time.time() - self.begun:.3f}s")  # fmt: skip
        for one in self.running:
            line = f"| {one.op.name} | epoch: {training_state.epoch:03d} | loss: {one.loss:.5f}"
            if self.show_metric and one.acc is not None:
                line += f" - {one.op.metric_name}: {one.acc:.4f}"
            if snapshot and one.val_loss is not None:
                line += f" | val_loss: {one.val_loss:.5f}"
                if self.show_metric and one.val_acc is not None:
                    line += f" - val_acc: {one.val_acc:.4f}"
            print(f"{line} -- iter: {training_state.current_iter}/{one.batches.count}")
        if self.in_place and not snapshot and not last:
            sys.stdout.write(f"\x1b[{len(self.running) + 1}A")
        if snapshot:
            print("--")

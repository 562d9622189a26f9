"""Several heads over one model."""

from tenon.python.estimator.export.export_output import PredictOutput
from tenon.python.estimator.head import base_head
from tenon.python.framework import ops
from tenon.python.ops import array_ops, metrics_impl
from tenon.python.saved_model import constants
from tenon.python.summary import summary
from tenon.python.util.tf_export import tf_export


@tf_export("estimator.MultiHead")
class MultiHead(base_head.Head):
    """HEADS with names; logits and labels are dicts by these (or one tensor of all logits side by side).

    The loss is the sum of theirs times HEAD_WEIGHTS.
    """

    def __init__(self, heads, head_weights=None):
        if not heads:
            raise ValueError(f"Must specify heads. Given: {heads}")
        if head_weights and len(head_weights) != len(heads):
            raise ValueError(f"heads and head_weights must have the same size. Given len(heads): {len(heads)}. Given "
                             f"len(head_weights): {len(head_weights)}.")  # fmt: skip
        self._heads = tuple(heads)
        for head in heads:
            if head.name is None:
                raise ValueError(f"All given heads must have name specified. Given: {head}")
        self._weights = tuple(head_weights) if head_weights else None
        self._v1 = any(head._v1 for head in heads)

    @property
    def name(self):
        """The names of all heads."""
        return "_".join(head.name for head in self._heads)

    @property
    def logits_dimension(self):
        """The sum of all."""
        return sum(head.logits_dimension for head in self._heads)

    @property
    def loss_reduction(self):
        """That of all heads. ValueError where they differ."""
        found = {head.loss_reduction for head in self._heads}
        if len(found) > 1:
            raise ValueError(f"The loss_reduction must be the same for different heads. Given: {found}")
        return found.pop()

    def _split(self, logits):
        """{head's name: logits}."""
        if isinstance(logits, dict):
            for head in self._heads:
                if head.name not in logits:
                    raise ValueError(f"logits has missing values for head(s): {head.name}")
            return logits
        with ops.name_scope(None, "split_logits", [logits]):
            logits = base_head.checked_logits(logits, self.logits_dimension)
            found, first = {}, 0
            for head in self._heads:
                found[head.name] = logits[..., first : first + head.logits_dimension]
                first += head.logits_dimension
            return found

    def _own_labels(self, labels, head):
        if not isinstance(labels, dict):
            raise ValueError(f"labels must be a dict from the names of heads. Given: {labels}")
        if head.name not in labels:
            raise ValueError(f"labels has missing values for head: {head.name}")
        return labels[head.name]

    def _each_loss(self, labels, logits, features, mode):
        logits = self._split(logits)
        return [head.loss(self._own_labels(labels, head), logits[head.name], features, mode) for head in self._heads]

    def loss(self, labels, logits, features=None, mode=None, regularization_losses=None):
        """The weighted sum of the losses, with what regularizes it."""
        losses = self._each_loss(labels, logits, features, mode)
        weights = self._weights or [1.0] * len(losses)
        total = sum(loss * weight for loss, weight in zip(losses, weights))
        for extra in regularization_losses or ():
            total = total + extra
        return total

    def predictions(self, logits, keys=None):
        """{(head's name, name): tensor}."""
        logits, found = self._split(logits), {}
        for head in self._heads:
            own = head.predictions(logits[head.name])
            found.update(((head.name, key), value) for key, value in own.items() if not keys or key in keys)
        return found

    def metrics(self, regularization_losses=None):
        """{name: Keras metric} of all heads, and their losses."""
        from tenon.python.keras import metrics

        found = {f"loss/{head.name}": metrics.Mean(name=f"loss/{head.name}") for head in self._heads}
        if regularization_losses is not None:
            found["regularization_loss"] = metrics.Mean(name="regularization_loss")
        for head in self._heads:
            found.update(head.metrics())
        return found

    def update_metrics(self, eval_metrics, features, logits, labels, regularization_losses=None):
        """Gives the metrics a batch; returns them."""
        split = self._split(logits)
        for head, loss in zip(self._heads, self._each_loss(labels, logits, features, None)):
            eval_metrics[f"loss/{head.name}"].update_state(loss)
            own = {key: metric for key, metric in eval_metrics.items() if key.endswith("/" + head.name)}
            head.update_metrics(own, features, split[head.name], self._own_labels(labels, head))
        if regularization_losses is not None:
            eval_metrics["regularization_loss"].update_state(sum(regularization_losses))
        return eval_metrics

    def _eval_metric_ops(self, features, logits, labels, regularization_losses):
        if not self._v1:
            made = self.metrics(regularization_losses)
            return self.update_metrics(made, features, logits, labels, regularization_losses=regularization_losses)
        split, found = self._split(logits), {}
        for head, loss in zip(self._heads, self._each_loss(labels, logits, features, None)):
            found[f"loss/{head.name}"] = metrics_impl.mean(loss)
            found.update(head._eval_metric_ops(features, split[head.name], self._own_labels(labels, head), None))
        return found

    def _export_outputs(self, predictions):
        default = constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        found, every = {}, {}
        for head in self._heads:
            own = {key: value for (name, key), value in predictions.items() if name == head.name}
            for key, output in head._export_outputs(own).items():
                if key == default:
                    found.setdefault(default, output)
                    found[head.name] = output
                else:
                    found[f"{head.name}/{key}"] = output
            every.update((f"{head.name}/{key}", value) for key, value in own.items())
        found[base_head.PREDICT] = PredictOutput(every)
        return found

    def _summarize(self, loss, features, logits, labels, regularization_losses):
        with ops.name_scope(""):
            for head, one in zip(self._heads, self._each_loss(labels, logits, features, None)):
                summary.scalar(f"loss/{head.name}", array_ops.identity(one))
            summary.scalar("loss", loss)

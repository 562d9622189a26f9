"""contrib.linear_optimizer.SDCAOptimizer: dual coordinate ascent for contrib.learn's linear models."""

from tenon.python.estimator.canned import linear_sdca
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.linear_optimizer.SDCAOptimizer")
class SDCAOptimizer(linear_sdca.SdcaOptimizerBase):
    """An optimizer for LinearClassifier, LinearRegressor and SVM.

    The features need EXAMPLE_ID_COLUMN, strings that tell the examples apart.
    """

    def __init__(self, example_id_column, num_loss_partitions=1, num_table_shards=None,
                 symmetric_l1_regularization=0.0, symmetric_l2_regularization=1.0, adaptive=True):  # fmt: skip
        super().__init__(example_id_column, num_loss_partitions, num_table_shards, symmetric_l1_regularization,
                         symmetric_l2_regularization, adaptive)  # fmt: skip

    def get_train_step(self, columns_to_variables, weight_column_name, loss_type, features, targets, global_step,
                       bias=None):  # fmt: skip
        """(the SdcaModel, an operation that trains it) for {column of contrib.layers: its variables}."""
        inner = {column.inner: found for column, found in columns_to_variables.items()}
        model = self.model_of(inner, bias, weight_column_name, loss_type, features, targets)
        return model, model.minimize(global_step=global_step)

/* Neural networks as graph builders: variables, initializers, layers, losses and metrics, named as TensorFlow 1.15's
 * layers name theirs. */
#ifndef TENON_NN_H
#define TENON_NN_H

#include <tenon/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A network under construction: a graph and what was put into it. The first error sticks: every builder after it does
 * nothing and gives {NULL, 0}; tn_net_error tells it. */
typedef struct tn_net tn_net;

/* A variable of a network. The pointers live as long as the graph. */
typedef struct tn_net_variable {
  const char *name;     /* "dense/kernel" */
  tn_output ref;        /* the VariableV2, for assignments */
  tn_output read;       /* its value, "dense/kernel/read" */
  tn_node *initializer; /* the Assign of its first value */
  tn_output initial;    /* that value */
  bool trainable;       /* an optimizer changes it */
} tn_net_variable;

/* A network in GRAPH, which must outlive it. Free with tn_net_free. */
TN_API tn_error *tn_net_new(tn_graph *graph, tn_net **out) TN_MUST_USE;
/* Frees the network but not its graph. */
TN_API void tn_net_free(tn_net *net);
/* The graph that NET builds in. */
TN_API tn_graph *tn_net_graph(const tn_net *net);
/* The first error of NET, NULL if there was none; still the network's. */
TN_API const tn_error *tn_net_error(const tn_net *net);
/* Makes ERROR the network's, if it has none yet; takes it over. */
TN_API void tn_net_fail(tn_net *net, tn_error *error);
/* Whether dropout and batch normalization of later layers behave as in training. At first they don't. */
TN_API void tn_net_set_training(tn_net *net, bool training);
/* Later layers take the variables of the first ones, in the same order, instead of making new ones: for a second copy
 * of the network that evaluates. AVERAGES: where a moving average of a variable exists, that stands in for it. */
TN_API void tn_net_reuse(tn_net *net, bool averages);

/* --- initializers --- */

/* How a variable gets its first value. */
typedef enum tn_init_kind {
  TN_INIT_DEFAULT = 0,      /* what the layer says: glorot_uniform for kernels, zeros for biases */
  TN_INIT_ZEROS,            /* 0 */
  TN_INIT_ONES,             /* 1 */
  TN_INIT_CONSTANT,         /* A */
  TN_INIT_UNIFORM,          /* uniform in [A, B) */
  TN_INIT_NORMAL,           /* normal, mean A, standard deviation B */
  TN_INIT_TRUNCATED_NORMAL, /* the same, drawn again beyond two standard deviations */
  TN_INIT_GLOROT_UNIFORM,   /* uniform within sqrt(6 / (inputs + outputs)) */
  TN_INIT_GLOROT_NORMAL,    /* truncated normal of variance 2 / (inputs + outputs) */
  TN_INIT_HE_UNIFORM,       /* uniform within sqrt(6 / inputs) */
  TN_INIT_HE_NORMAL,        /* truncated normal of variance 2 / inputs */
  TN_INIT_LECUN_NORMAL      /* truncated normal of variance 1 / inputs */
} tn_init_kind;

/* An initializer; zero-initialise for the default. */
typedef struct tn_initializer {
  tn_init_kind kind;
  float a, b;
  bool seeded; /* SEED is the op's seed; else it follows from the graph's */
  int64_t seed;
} tn_initializer;

/* A variable called NAME in the root scope ("dense/kernel"), float32 unless DTYPE says otherwise. Under tn_net_reuse
 * the one that has the name. The result is its value. */
TN_API tn_output tn_net_variable_new(tn_net *net, const char *name, tn_dtype dtype, const tn_shape *shape,
                                     const tn_initializer *initializer, bool trainable);
/* Where the variables made from now on lie: on the tasks 0 to N - 1 of JOB (NULL: "ps"), one after the other, or
 * (BY_BYTES) each on the one that holds the fewest bytes, as tf.train.replica_device_setter places them. An optimizer's
 * slots lie with their variables. All other nodes lie where the graph's device scopes say (tn_graph_push_device). N 0:
 * variables do so too. */
TN_API void tn_net_parameter_servers(tn_net *net, const char *job, int n, bool by_bytes);
/* Whether all variables made so far have values, a bool scalar: what replicas ask for until one of them, the chief, has
 * run tn_net_initializer. */
TN_API tn_output tn_net_ready(tn_net *net);
/* The number of variables of NET. */
TN_API size_t tn_net_n_variables(const tn_net *net);
/* Variable I, in the order in which they were made; valid until the next one is made. */
TN_API const tn_net_variable *tn_net_variable_at(const tn_net *net, size_t i);
/* The variable called NAME, NULL if there is none. */
TN_API const tn_net_variable *tn_net_find_variable(const tn_net *net, const char *name);
/* A node that gives every variable made so far its first value. */
TN_API tn_node *tn_net_initializer(tn_net *net);
/* Adds NODE to what runs with every training step (moving averages of batch normalization: TensorFlow's UPDATE_OPS). */
TN_API void tn_net_add_update(tn_net *net, tn_node *node);
/* Adds a scalar to the loss (a regularizer). */
TN_API void tn_net_add_penalty(tn_net *net, tn_output penalty);

/* --- layers: images are [batch, height, width, channels] --- */

/* What layers have in common; zero-initialise for the defaults, NULL stands for all of them. */
typedef struct tn_layer_options {
  const char *name;       /* NULL: "dense", "dense_1", ... */
  const char *activation; /* "relu", "relu6", "sigmoid", "tanh", "softmax", "elu", "selu", "softplus", "softsign" */
  tn_initializer kernel;  /* of the weights */
  tn_initializer bias;    /* of the bias */
  bool no_bias;           /* without one */
  const char *padding;    /* "SAME" (the default) or "VALID" */
  int stride;             /* 0: 1 for convolutions, the window for pools */
  float l2;               /* adds l2 * sum(kernel^2) / 2 to the loss */
  float momentum;         /* batch normalization: of the moving averages; 0: 0.99 */
  float epsilon;          /* batch normalization: added to the variance; 0: 0.001 */
  bool seeded;            /* dropout: SEED is the op's seed */
  int64_t seed;
} tn_layer_options;

/* activation(x kernel + bias): X [..., n] gives [..., UNITS]. Variables NAME/kernel [n, UNITS], NAME/bias [UNITS]. */
TN_API tn_output tn_net_dense(tn_net *net, tn_output x, int64_t units, const tn_layer_options *options);
/* A SIZE x SIZE convolution to FILTERS channels. Variables NAME/kernel [SIZE, SIZE, channels, FILTERS], NAME/bias. */
TN_API tn_output tn_net_conv2d(tn_net *net, tn_output x, int64_t filters, int size, const tn_layer_options *options);
/* The largest value of each SIZE x SIZE window. */
TN_API tn_output tn_net_max_pool(tn_net *net, tn_output x, int size, const tn_layer_options *options);
/* The mean of each SIZE x SIZE window. */
TN_API tn_output tn_net_avg_pool(tn_net *net, tn_output x, int size, const tn_layer_options *options);
/* [batch, ...] as [batch, n]. */
TN_API tn_output tn_net_flatten(tn_net *net, tn_output x);
/* The activation called NAME; X itself for NULL. */
TN_API tn_output tn_net_activation(tn_net *net, tn_output x, const char *name);
/* In training: each element is zero with probability RATE, the others are divided by 1 - RATE. */
TN_API tn_output tn_net_dropout(tn_net *net, tn_output x, float rate, const tn_layer_options *options);
/* Normalizes over all but the last dimension. Variables NAME/gamma, beta, moving_mean, moving_variance. */
TN_API tn_output tn_net_batch_norm(tn_net *net, tn_output x, const tn_layer_options *options);
/* Rows of a [WORDS, WIDTH] table: integers [...] give [..., WIDTH]. Variable NAME/embeddings, uniform in +-0.05. */
TN_API tn_output tn_net_embedding(tn_net *net, tn_output x, int64_t words, int64_t width,
                                  const tn_layer_options *options);

/* --- losses and metrics --- */

/* The mean loss of OUTPUT against LABELS plus all penalties, a scalar. KIND: "sparse_softmax_cross_entropy" (class
 * numbers), "softmax_cross_entropy" (distributions), "sigmoid_cross_entropy", "mean_squared_error",
 * "absolute_difference", "hinge" (labels 0 or 1), "log" (probabilities), "huber". */
TN_API tn_output tn_net_loss(tn_net *net, const char *kind, tn_output output, tn_output labels);

/* A metric of one batch: its value is TOTAL / COUNT, and over many batches sum(TOTAL) / sum(COUNT). */
typedef struct tn_net_metric {
  tn_output total, count;
} tn_net_metric;
/* KIND: "accuracy" (class numbers, or rows that are largest at the class), "binary_accuracy", "top_5" (any number),
 * "mean_squared_error", "mean_absolute_error", "precision", "recall" (of probabilities or logits above 0.5 and labels
 * 0 or 1), "mean" (of OUTPUT). */
TN_API tn_net_metric tn_net_metric_of(tn_net *net, const char *kind, tn_output output, tn_output labels);

#ifdef __cplusplus
}
#endif
#endif

/* Training: learning-rate schedules, optimizers, moving averages of the weights, and savers of checkpoints. Names of
 * variables and slots are those of TensorFlow 1.15's optimizers. */
#ifndef TENON_TRAIN_H
#define TENON_TRAIN_H

#include <tenon/nn.h>
#include <tenon/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- learning rates --- */

/* How the learning rate changes with the step, s = step / STEPS. */
typedef enum tn_schedule_kind {
  TN_RATE_CONSTANT = 0,
  TN_RATE_EXPONENTIAL,  /* rate * decay^s */
  TN_RATE_NATURAL_EXP,  /* rate * exp(-decay * s) */
  TN_RATE_INVERSE_TIME, /* rate / (1 + decay * s) */
  TN_RATE_POLYNOMIAL,   /* from rate to END, (1 - s)^POWER of the way left; with CYCLE it starts again, stretched */
  TN_RATE_COSINE,       /* from rate to ALPHA * rate along half a cosine */
  TN_RATE_PIECEWISE     /* VALUES[i] up to step BOUNDARIES[i], and VALUES[n] from then on */
} tn_schedule_kind;

/* A schedule. The arrays are looked at when the training step is built. */
typedef struct tn_schedule {
  tn_schedule_kind kind;
  float rate;
  int64_t steps;
  float decay, end, power, alpha;
  bool staircase, cycle;
  size_t n;
  const int64_t *boundaries; /* N of them */
  const float *values;       /* N + 1 */
} tn_schedule;

/* The number of training steps so far: the int64 variable "global_step", made by the first call. Its value. */
TN_API tn_output tn_net_global_step(tn_net *net);
/* The learning rate by SCHEDULE at the current step, a float32 scalar. */
TN_API tn_output tn_net_learning_rate(tn_net *net, const tn_schedule *schedule);

/* --- optimizers --- */

/* The methods. */
typedef enum tn_optimizer_method {
  TN_SGD = 0,
  TN_MOMENTUM_SGD,
  TN_ADAM_METHOD,
  TN_RMSPROP_METHOD,
  TN_ADAGRAD_METHOD,
  TN_ADADELTA_METHOD,
  TN_FTRL_METHOD
} tn_optimizer_method;

/* An optimizer: make one with the functions below and change what is to differ. */
typedef struct tn_optimizer {
  tn_optimizer_method method;
  tn_schedule rate;
  float momentum;         /* Momentum, RMSProp */
  bool nesterov;          /* Momentum */
  float beta1, beta2;     /* Adam */
  float epsilon;          /* Adam, RMSProp, Adadelta */
  float rho;              /* RMSProp's decay, Adadelta */
  bool centered;          /* RMSProp */
  float initial;          /* Adagrad, Ftrl: of the accumulator */
  float power, l1, l2;    /* Ftrl */
  float clip_value;       /* each gradient's elements into [-c, c]; 0: not */
  float clip_norm;        /* each gradient's norm to at most this; 0: not */
  float clip_global_norm; /* the norm of all gradients together to at most this; 0: not */
  float average;          /* decay of exponential moving averages of the weights; 0: none are kept */
} tn_optimizer;

/* Gradient descent. */
TN_API tn_optimizer tn_sgd(float rate);
/* Gradient descent with momentum. */
TN_API tn_optimizer tn_momentum(float rate, float momentum);
/* Adam with beta1 0.9, beta2 0.999, epsilon 1e-8. */
TN_API tn_optimizer tn_adam(float rate);
/* RMSProp with decay 0.9, momentum 0, epsilon 1e-10. */
TN_API tn_optimizer tn_rmsprop(float rate);
/* Adagrad; its accumulators start at 0.1. */
TN_API tn_optimizer tn_adagrad(float rate);
/* Adadelta with rho 0.95, epsilon 1e-8. */
TN_API tn_optimizer tn_adadelta(float rate);
/* Ftrl with power -0.5; its accumulators start at 0.1. */
TN_API tn_optimizer tn_ftrl(float rate);

/* Adds what one training step does: gradients of LOSS by all trainable variables, clipping, updates, moving averages,
 * the global step, and the network's updates. Run the node that it returns. */
TN_API tn_node *tn_net_minimize(tn_net *net, const tn_optimizer *optimizer, tn_output loss);

/* --- several workers --- */

/* How many take part; zero-initialise. */
typedef struct tn_sync_options {
  int replicas;  /* workers that give gradients */
  int aggregate; /* gradients that make a step; 0: as many as REPLICAS. Fewer: the rest are backups, and what they give
                    late is dropped */
} tn_sync_options;

/* What makes steps of several workers' gradients; every worker builds the same. */
typedef struct tn_sync_step {
  tn_node *train;  /* a worker runs it for each step: gives its gradients and waits until the step was made */
  tn_node *update; /* the chief runs it over and over, on a thread of its own: waits for gradients and makes a step */
  tn_node *start;  /* the chief runs it once, when the variables have their first values */
  tn_node *join;   /* every worker runs it once, after that and before its first step */
} tn_sync_step;

/* As tn_net_minimize, for workers that train together (tf.train.SyncReplicasOptimizer): the mean gradient of AGGREGATE
 * workers makes a step, gradients of earlier steps are dropped. The network's variables should lie on parameter servers
 * (tn_net_parameter_servers). All nodes NULL after an error. Chen et al.: Revisiting Distributed Synchronous SGD, 2016.
 */
TN_API tn_sync_step tn_net_minimize_sync(tn_net *net, const tn_optimizer *optimizer, tn_output loss,
                                         const tn_sync_options *options);

/* --- checkpoints --- */

/* Writes checkpoints of a network into a folder, FOLDER/BASE-STEP, with the `checkpoint` state file that TensorFlow
 * reads, and removes old ones. */
typedef struct tn_saver tn_saver;
/* BASE NULL: "model.ckpt". MAX_TO_KEEP 0: 5. CONTINUES: the checkpoints that the state file names count as this
 * saver's. Makes FOLDER where it is missing. */
TN_API tn_error *tn_saver_new(const char *folder, const char *base, int max_to_keep, bool continues,
                              tn_saver **out) TN_MUST_USE;
/* Frees it; the files stay. */
TN_API void tn_saver_free(tn_saver *saver);
/* Saves all variables of NET as they are in SESSION now, and the session's random counters in keys that TensorFlow
 * ignores (_tenon/...). On an error (a full disk) the older checkpoints and the state file are as they were. */
TN_API tn_error *tn_saver_save(tn_saver *saver, const tn_net *net, tn_session *session, int64_t step) TN_MUST_USE;
/* Gives the variables of NET the values that the checkpoint PREFIX has, and SESSION its random counters. NOT_FOUND
 * names what is missing; INVALID_ARGUMENT: another shape or type. On an error nothing has changed. */
TN_API tn_error *tn_net_restore(const tn_net *net, tn_session *session, const char *prefix) TN_MUST_USE;
/* The prefix of the newest checkpoint that the state file in FOLDER names; free with free(). NOT_FOUND. */
TN_API tn_error *tn_latest_checkpoint(const char *folder, char **out) TN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif

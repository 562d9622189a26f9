/* Stochastic dual coordinate ascent (Shalev-Shwartz and Zhang 2012), with the losses that it knows. */
#ifndef TN_OPS_TRAIN_SDCA_H
#define TN_OPS_TRAIN_SDCA_H

#include <stdbool.h>
#include <tenon/tensor.h>

/* One example, as a loss sees it. */
typedef struct tn_sdca_example {
  double partitions;    /* of the global loss: the steepness of the steps */
  double label, weight; /* the label as the loss wants it */
  double dual;          /* the example's dual variable */
  double wx;            /* what the model says now */
  double norm;          /* the squared length of the features over L2 */
} tn_sdca_example;

typedef struct tn_sdca_loss {
  const char *name;
  double smoothness;                                     /* 1 over the Lipschitz constant of the derivative; 0: none */
  bool binary;                                           /* labels 0 and 1 become -1 and 1 */
  double (*update)(const tn_sdca_example *e);            /* the dual variable that is best, all others kept */
  double (*primal)(const tn_sdca_example *e, double wx); /* the loss, times the weight */
  double (*dual)(const tn_sdca_example *e);              /* minus its conjugate, times the weight */
  double (*slope)(const tn_sdca_example *e);             /* the loss's derivative by wx, of weight 1 */
} tn_sdca_loss;

/* NULL: there is none of that name. */
const tn_sdca_loss *tn_sdca_loss_find(tn_string name);
/* The label as LOSS wants it. False: it can't be one. */
bool tn_sdca_label(const tn_sdca_loss *loss, float *label);

#endif

/* The networks that `tenon train` knows, and what its commands share: data, models, checkpoints. */
#ifndef TN_CLI_NETWORKS_H
#define TN_CLI_NETWORKS_H

#include "cli/cli.h"

typedef struct cli_network {
  const char *name, *about;
  int epochs, batch; /* how long it trains by default, and on how many examples a step */
  void (*layers)(tn_model *model, int classes);
  tn_optimizer (*optimizer)(int64_t steps); /* for so many in all */
} cli_network;

/* NULL-terminated, the default first. */
extern const cli_network *const cli_networks[];
/* NULL if there is none called NAME. */
const cli_network *cli_find_network(const char *name);

/* Loads the data set NAME from FOLDER, or from where it is, or downloads it, or takes the digits that the library
 * carries; says on stdout what it is. */
tn_error *cli_load(const char *name, const char *folder, tn_datasets *out) TN_MUST_USE;
/* A compiled model of NETWORK for images of 28 x 28, to be trained STEPS steps; SET and the network's name go into its
 * checkpoints. NULL, and *ERROR, if it can't be made. */
tn_model *cli_model(const cli_network *network, const char *set, const tn_model_options *options, int64_t steps,
                    tn_error **error);
/* The folder that SET's NETWORK is saved in by default, in the user's cache. */
tn_error *cli_checkpoint_folder(const char *set, const char *network, char **out) TN_MUST_USE;
/* A model with the variables of the newest checkpoint in FOLDER (NULL: the default one of NAME, or of any network where
 * NAME is NULL), built as the checkpoint's notes say. */
tn_error *cli_restore(const char *folder, const char *set, const char *name, int threads, tn_model **out) TN_MUST_USE;

/* --- the progress of training, as a bar on a terminal and as lines elsewhere --- */
/* Shows P; at the end of an epoch with END set. */
void cli_show_progress(const tn_progress *p, bool end);

#endif

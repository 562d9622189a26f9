/* Gives shape functions the values of constant subgraphs. */
#ifndef TN_KERNEL_EVAL_CONST_H
#define TN_KERNEL_EVAL_CONST_H

/* Sets tn_eval_const_hook. Happens by itself when the library is loaded. */
void tn_install_eval_const(void);

#endif

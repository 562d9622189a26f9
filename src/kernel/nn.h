/* Float loops of neural network ops, one table per instruction set. The last dimension holds the channels (or classes).
 */
#ifndef TN_KERNEL_NN_H
#define TN_KERNEL_NN_H

#include <stdint.h>

/* A window of an image: rows [r0, r1), columns [c0, c1) of pixels with CHANNELS floats; ROW floats from row to row. */
typedef struct tn_nn_window {
  int64_t r0, r1, c0, c1, row, channels;
} tn_nn_window;

typedef struct tn_nn {
  /* --- N classes --- */
  void (*softmax)(const float *x, int64_t n, float *y);
  void (*log_softmax)(const float *x, int64_t n, float *y);
  /* *LOSS and BACK = softmax(x) minus the labels; LABEL is in [0, n). */
  void (*sparse_entropy)(const float *x, int64_t n, int64_t label, float *loss, float *back);
  void (*entropy)(const float *x, const float *labels, int64_t n, float *loss, float *back);
  /* --- one output pixel of a pool; images are whole ones --- */
  void (*max)(const tn_nn_window *w, const float *image, float *out);
  /* Puts (adds, where ADD) GRADIENT where IMAGE has the first largest element, and 0 elsewhere in the window of OUT. */
  void (*max_gradient)(const tn_nn_window *w, const float *image, const float *gradient, int add, float *out);
  void (*average)(const tn_nn_window *w, const float *image, float *out);
  void (*average_gradient)(const tn_nn_window *w, const float *gradient, float *out); /* adds */
  /* --- ROWS rows of C channels --- */
  /* MEAN of each channel, and the SQUARES of the distances from it, summed. */
  void (*moments)(const float *x, int64_t rows, int64_t c, float *mean, float *squares);
  /* y = a x + b, channel by channel. */
  void (*affine)(const float *x, const float *a, const float *b, int64_t rows, int64_t c, float *y);
  /* Sums of G, and of G times the distance of X from MEAN. */
  void (*norm_sums)(const float *g, const float *x, const float *mean, int64_t rows, int64_t c,
                    float *const sum_dot[2]);
  /* y = a g + b x + d. */
  void (*norm_gradient)(const float *g, const float *x, const float *const abd[3], int64_t rows, int64_t c, float *y);
} tn_nn;

extern const tn_nn tn_nn_generic, tn_nn_neon, tn_nn_avx2, tn_nn_avx512;
const tn_nn *tn_nn_active(void);

#endif

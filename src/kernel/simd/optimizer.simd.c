/* The optimizers' float loops, compiled once per instruction set. */
#include <math.h>

#include "kernel/optimizer.h"

#define E           float
#define R           float
#define GET(x)      (x)
#define PUT(x)      (x)
#define H(i)        (*(const float *)s->h[i])
#define FN(name)    vector_##name
#define SQRT        sqrtf
#define ABS         fabsf
#define POW         powf
#define EXP         expf
#define INDEPENDENT TN_INDEPENDENT

#include "kernel/optimizer_field.h"
#include "kernel/optimizer_real.h"

#define JOIN(a, b) a##b
#define TABLE(isa) JOIN(tn_optimizer_, isa)

tn_optimizer_table TABLE(TN_ISA) = {FIELDS, REALS};

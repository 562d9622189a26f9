/* UnicodeScript: the script of each character. */
#include "ops/string/string_array.h"
#include "ops/string/unicode_scripts.h"

/* ICU's number of the script of CODE, -1 where it is none of Unicode's. */
static int32_t script_of(int32_t code) {
  if (code < 0 || code > 0x10ffff) return -1;
  uint32_t key = (uint32_t)code << 8 | 0xff;
  size_t low = 0, high = sizeof scripts / sizeof *scripts; /* the first run that begins past CODE lies in between */
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (scripts[middle] <= key) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return (int32_t)(scripts[low] & 0xff);
}

static tn_error *run(tn_run *r) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    TN_DATA(int32_t, r->outputs[0])[i] = script_of(TN_DATA(int32_t, r->inputs[0])[i]);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .run = run}, {0}};

TN_OP(UnicodeScript, .inputs = "input: int32", .outputs = "output: int32",
      .doc = "The script that each code point belongs to, by ICU's number; -1 for what is no code point.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_unchanged, .kernels = kernels);

/* The library's version: the build's. */
#include <tenon/tenon.h>

const char *tn_version(void) { return TN_VERSION; }

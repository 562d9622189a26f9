/* Finding islands: which items of a subgraph may run together. */
#ifndef TN_COMPILE_ISLANDS_H
#define TN_COMPILE_ISLANDS_H

#include "compile/subgraph.h"

/* The number of the island of each item, -1 for those that run alone, in *ISLAND (tn_free); *N of them. */
tn_error *tn_find_islands(const tn_subgraph *g, int **island, int *n) TN_MUST_USE;
/* True if ITEM is a constant. One that waits for something is in an island like others; but islands further on do not
 * take its value from there: they know it themselves, and only wait. */
bool tn_item_is_constant(const tn_item *item);
/* True if ITEM is a constant or handle that waits for nothing, so that every island makes it for itself. */
bool tn_item_is_private(const tn_item *item);
/* Finds values of variables that G's updates change under way, and lets references go in their place.
 * For G before its islands are looked for. */
tn_error *tn_find_aliases(tn_subgraph *g) TN_MUST_USE;

#endif

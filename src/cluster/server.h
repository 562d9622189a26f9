/* Servers from the inside: for clients in the same process. */
#ifndef TN_CLUSTER_SERVER_H
#define TN_CLUSTER_SERVER_H

#include <tenon/server.h>

#include "cluster/master.h"

/* The running server of this process whose target is TARGET, a new reference; NULL if there is none. */
tn_server *tn_server_find(const char *target);
void tn_server_unref(tn_server *server); /* NULL is allowed */
tn_master *tn_server_master(tn_server *server);

#endif

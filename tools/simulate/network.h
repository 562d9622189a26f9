/* A network between the tasks of one process: the transport that their servers get instead of HTTP/2. */
#ifndef SIMULATE_NETWORK_H
#define SIMULATE_NETWORK_H

#include <stdint.h>

/* Each task has a host of its own with one full-duplex link. */
typedef struct sim_network {
  int64_t latency_ns;  /* from link to link */
  double bytes_per_ns; /* of a link, each way */
  int64_t call_ns;     /* of a host's time for each message that it gets */
  double scale;        /* answers with tensors above LARGE bytes count as so many times their size: they are small */
  uint64_t seed;       /* of what would be random numbers */
} sim_network;
enum { SIM_LARGE = 600 };

extern sim_network sim_net;
/* What all links carried, and messages. */
typedef struct sim_traffic {
  double bytes;
  uint64_t messages;
} sim_traffic;
extern sim_traffic sim_carried;

#endif

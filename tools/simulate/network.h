/* A network between the tasks of one process: the transport that their servers get instead of HTTP/2. */
#ifndef SIMULATE_NETWORK_H
#define SIMULATE_NETWORK_H

#include <stdint.h>

/* Each task has a host of its own with one full-duplex link. */
typedef struct sim_network {
  int64_t latency_ns;  /* from link to link */
  double bytes_per_ns; /* of a link, each way */
  double scale;        /* answers with tensors above LARGE bytes count as so many times their size: they are small */
  uint64_t seed;       /* of what would be random numbers */
} sim_network;
enum { SIM_LARGE = 600 };

extern sim_network sim_net;

/* What a message costs the task that sends or gets it, in time of a core: the process (sim_set_process) of its fibers.
 */
typedef struct sim_costs {
  double call_ns, byte_ns; /* for a message; for each of its bytes */
  uint64_t messages;       /* that it has sent and got */
  double bytes;
} sim_costs;
/* What all links carried, and messages. */
typedef struct sim_traffic {
  double bytes;
  uint64_t messages;
} sim_traffic;
extern sim_traffic sim_carried;

#endif

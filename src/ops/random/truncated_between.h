/* Rejection sampling of a normal distribution between two bounds: included once per dtype with R, FN(name), GROUP
 * (numbers in a block), UNIFORM(block, numbers), NORMAL(block, numbers), PUT and R's functions EXP, LOG, SQRT. */

typedef struct FN(bounds) {
  R mean, deviation, low, high; /* low and high in deviations from the mean */
} FN(bounds);

/* Numbers I to END of OUT are still to be found. */
typedef struct FN(span) {
  tn_philox *generator;
  const tn_tensor *out;
  int64_t i, end;
  int rejected; /* in a row */
} FN(span);

static void FN(accept)(FN(span) * s, const FN(bounds) * b, R z) {
  PUT(s->out, s->i, z * b->deviation + b->mean);
  s->i++;
  s->rejected = 0;
}

/* True if a proposal that failed has to be taken all the same, because too many failed. */
static bool FN(give_up)(FN(span) * s) { return ++s->rejected >= TRIES; }

/* The bounds leave much of the distribution: normal numbers until one is inside. */
static bool FN(by_normal)(FN(span) * s, const FN(bounds) * b) {
  while (s->i < s->end) {
    uint32_t bits[4];
    R z[GROUP];
    tn_philox_next(s->generator, bits);
    NORMAL(bits, z);
    for (int j = 0; j < GROUP && s->i < s->end; j++) {
      if (z[j] >= b->low && z[j] <= b->high) {
        FN(accept)(s, b, z[j]);
      } else if (++s->rejected > TRIES) {
        return false;
      }
    }
  }
  return true;
}

/* The bounds are close together: uniform proposals. */
static void FN(by_uniform)(FN(span) * s, const FN(bounds) * b) {
  R top = b->low < 0 ? 0 : b->low * b->low, width = b->high - b->low;
  while (s->i < s->end) {
    uint32_t bits[4];
    R z[GROUP], u[GROUP];
    tn_philox_next(s->generator, bits);
    UNIFORM(bits, z);
    tn_philox_next(s->generator, bits);
    UNIFORM(bits, u);
    for (int j = 0; j < GROUP && s->i < s->end; j++) {
      R at = z[j] * width + b->low;
      if (u[j] <= EXP((top - at * at) / (R)2) || FN(give_up)(s)) FN(accept)(s, b, at);
    }
  }
}

/* The bounds are in a tail: proposals of an exponential distribution that begins at the lower one. */
static void FN(by_exponential)(FN(span) * s, const FN(bounds) * b) {
  R alpha = (b->low + SQRT(b->low * b->low + (R)4)) / (R)2;
  while (s->i < s->end) {
    uint32_t bits[4];
    R u[GROUP];
    tn_philox_next(s->generator, bits);
    UNIFORM(bits, u);
    for (int j = 0; j < GROUP && s->i < s->end; j += 2) {
      R z = -LOG(u[j]) / alpha + b->low, x = b->low < alpha ? alpha - z : b->low - alpha;
      bool right = u[j + 1] <= EXP(-x * x / (R)2) && z < b->high;
      if (right || FN(give_up)(s)) FN(accept)(s, b, z);
    }
  }
}

/* Elements [begin, end) of OUT; false: the parameters are wrong. P is mean, deviation, least, most. */
static bool FN(sample)(tn_philox *g, const R p[4], const tn_tensor *out, int64_t begin, int64_t end) {
  R mean = p[0], deviation = p[1], least = p[2], most = p[3];
  if (!(deviation > 0 && least < most && (isfinite(least) || isfinite(most)))) return false;
  if ((isinf(least) && least < 0) || most < mean) {
    R swapped = least;
    least = most;
    most = swapped;
    deviation = -deviation;
  }
  FN(bounds) b = {mean, deviation, (least - mean) / deviation, (most - mean) / deviation};
  FN(span) s = {g, out, begin, end, 0};
  R root = SQRT(b.low * b.low + (R)4);
  R cutoff = (R)2 * EXP((R)0.5 + (b.low * (b.low - root)) / (R)4) / (b.low + root);
  if ((b.low < (R)-1.3 && b.high >= 0) || (b.high > (R)1.3 && b.low <= 0)) return FN(by_normal)(&s, &b);
  if (b.high - b.low < cutoff) {
    FN(by_uniform)(&s, &b);
  } else {
    FN(by_exponential)(&s, &b);
  }
  return true;
}

/* Searching with regular expressions: ways through the program are kept in the order of preference, each with the
 * places of the groups that it has passed. */
#include <string.h>

#include "ops/string/regex_program.h"

typedef struct ways {
  int n;
  int *steps;
  tn_regex_places *places;
} ways;

/* On the stack: a step to follow, or (STEP -1) a place to put back. */
typedef struct entry {
  int step, slot;
  int64_t place;
} entry;

struct tn_regex_searcher {
  const tn_regex *r;
  const tn_string *text;
  ways lists[2];
  int64_t *seen, round;
  entry *stack;
};

tn_error *tn_regex_searcher_new(const tn_regex *regex, tn_regex_searcher **out) {
  tn_regex_searcher *s = tn_calloc(1, sizeof *s);
  if (!s) return tn_out_of_memory();
  size_t n = (size_t)regex->n;
  bool failed = false;
  s->r = regex;
  s->seen = tn_calloc(n, sizeof *s->seen);
  s->stack = tn_malloc((2 * n + 2) * sizeof *s->stack);
  for (int i = 0; i < 2; i++) {
    s->lists[i].steps = tn_malloc(n * sizeof(int));
    s->lists[i].places = tn_malloc(n * sizeof(tn_regex_places));
    failed = failed || !s->lists[i].steps || !s->lists[i].places;
  }
  if (failed || !s->seen || !s->stack) {
    tn_regex_searcher_free(s);
    return tn_out_of_memory();
  }
  *out = s;
  return NULL;
}

void tn_regex_searcher_free(tn_regex_searcher *s) {
  if (!s) return;
  for (int i = 0; i < 2; i++) {
    tn_free(s->lists[i].steps);
    tn_free(s->lists[i].places);
  }
  tn_free(s->seen);
  tn_free(s->stack);
  tn_free(s);
}

int tn_regex_groups(const tn_regex *regex) { return regex->groups; }

/* Adds to W all steps that STEP leads to without a rune, at byte AT, the preferred ones first. */
static void follow(tn_regex_searcher *s, ways *w, int step, tn_regex_places places, size_t at) {
  int n = 0;
  s->stack[n++] = (entry){.step = step};
  while (n > 0) {
    entry e = s->stack[--n];
    if (e.step < 0) {
      places.at[e.slot] = e.place;
      continue;
    }
    if (s->seen[e.step] == s->round) continue;
    s->seen[e.step] = s->round;
    const tn_regex_step *code = &s->r->steps[e.step];
    switch (code->code) {
    case TN_CODE_FORK:
      s->stack[n++] = (entry){.step = code->b};
      s->stack[n++] = (entry){.step = code->a};
      break;
    case TN_CODE_GO: s->stack[n++] = (entry){.step = code->a}; break;
    case TN_CODE_SAVE:
      s->stack[n++] = (entry){.step = -1, .slot = code->a, .place = places.at[code->a]};
      places.at[code->a] = (int64_t)at;
      s->stack[n++] = (entry){.step = e.step + 1};
      break;
    case TN_CODE_ASSERT:
      if (tn_regex_holds(code->assertion, s->text->data, s->text->size, at))
        s->stack[n++] = (entry){.step = e.step + 1};
      break;
    default: w->steps[w->n] = e.step; w->places[w->n++] = places;
    }
  }
}

bool tn_regex_search(tn_regex_searcher *s, const tn_string *text, size_t from, tn_regex_places *out) {
  ways *now = &s->lists[0], *next = &s->lists[1];
  bool found = false;
  s->text = text;
  now->n = 0;
  s->round++;
  for (size_t at = from;;) {
    if (!found) {
      tn_regex_places none;
      memset(&none, 0xff, sizeof none);
      none.at[0] = (int64_t)at;
      follow(s, now, 0, none, at);
    }
    int length = 0;
    int32_t rune = at < text->size ? tn_rune_at(text->data + at, text->size - at, &length) : -1;
    s->round++;
    next->n = 0;
    for (int i = 0; i < now->n; i++) {
      const tn_regex_step *code = &s->r->steps[now->steps[i]];
      if (code->code == TN_CODE_MATCH) {
        *out = now->places[i];
        out->at[1] = (int64_t)at;
        found = true;
        break; /* the rest is less preferred */
      }
      if (length && tn_rune_in(code->set, rune))
        follow(s, next, now->steps[i] + 1, now->places[i], at + (size_t)length);
    }
    if (!length || (found && next->n == 0)) return found;
    ways *other = now;
    now = next;
    next = other;
    at += (size_t)length;
  }
}

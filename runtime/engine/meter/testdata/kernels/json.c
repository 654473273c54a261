// A recursive-descent JSON parser that builds a tree, and a walk over it.
#include "kernel.h"

typedef struct node {
  struct node *next, *child;
  u32 kind, length;
  const char *text;
  double number;
} node;

static node nodes[20000];
static u32 used;
static char text[65536];
static const char *p;

static node *value(void);

static void space(void) {
  while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') p++;
}

static node *make(u32 kind) {
  node *n = &nodes[used++];
  n->kind = kind, n->child = n->next = 0, n->length = 0;
  return n;
}

static node *string(void) {
  node *n = make(3);
  n->text = ++p;
  while (*p != '"') {
    if (*p == '\\') p++;
    p++;
  }
  n->length = (u32)(p++ - n->text);
  return n;
}

static node *number(void) {
  node *n = make(2);
  double v = 0, scale = 1;
  int negative = *p == '-';
  if (negative) p++;
  while (*p >= '0' && *p <= '9') v = v * 10 + (*p++ - '0');
  if (*p == '.') {
    p++;
    while (*p >= '0' && *p <= '9') v = v * 10 + (*p++ - '0'), scale *= 10;
  }
  n->number = (negative ? -v : v) / scale;
  return n;
}

static node *list(char end, u32 kind) {
  node *n = make(kind), **tail = &n->child;
  p++;
  space();
  while (*p != end) {
    if (kind == 5) {
      node *key = string();
      space();
      p++;
      key->child = value();
      *tail = key, tail = &key->next;
    } else {
      node *item = value();
      *tail = item, tail = &item->next;
    }
    space();
    if (*p == ',') p++;
    space();
  }
  p++;
  return n;
}

static node *value(void) {
  space();
  switch (*p) {
    case '{': return list('}', 5);
    case '[': return list(']', 4);
    case '"': return string();
    case 't': p += 4; return make(1);
    case 'f': p += 5; return make(1);
    case 'n': p += 4; return make(0);
    default: return number();
  }
}

static u32 walk(const node *n) {
  u32 sum = n->kind * 7 + n->length;
  if (n->kind == 2) sum += (u32)(int)n->number;
  for (const node *c = n->child; c; c = c->next) sum = sum * 31 + walk(c);
  return sum;
}

static char *put(char *q, const char *s) {
  while (*s) *q++ = *s++;
  return q;
}

static char *digits(char *q, u32 v) {
  if (v >= 10) q = digits(q, v / 10);
  *q++ = '0' + v % 10;
  return q;
}

EXPORT("run") u32 run(u32 n) {
  u32 sum = 0;
  char *q = put(text, "[");
  for (u32 i = 0; i < 300; i++) {
    q = put(q, i ? ",\n  {\"id\": " : "\n  {\"id\": ");
    q = digits(q, next());
    q = put(q, ", \"name\": \"a \\\"quoted\\\" name of some length\", \"tags\": [\"x\", \"yy\", [true, null, -12.5]], \"at\": {\"lat\": ");
    q = digits(q, next() % 90);
    q = put(q, ".25, \"lon\": 8.5}}");
  }
  put(q, "]");
  for (u32 r = 0; r < n; r++) {
    used = 0, p = text;
    sum = sum * 17 + walk(value());
  }
  return sum;
}

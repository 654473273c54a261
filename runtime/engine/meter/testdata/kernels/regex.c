// A backtracking matcher for . * + ? ^ $ [] over text: small recursive functions and short loops.
#include "kernel.h"

static int here(const char *re, const char *s);

static const char *after(const char *re) {
  if (*re != '[') return re + 1;
  while (*re != ']') re++;
  return re + 1;
}

static int one(const char *re, char c) {
  if (!c) return 0;
  if (*re == '.') return 1;
  if (*re != '[') return *re == c;
  for (re++; *re != ']'; re++) {
    if (re[1] == '-') {
      if (c >= re[0] && c <= re[2]) return 1;
      re += 2;
    } else if (*re == c) return 1;
  }
  return 0;
}

static int many(const char *re, const char *rest, const char *s, int least) {
  const char *t = s;
  while (one(re, *t)) t++;
  for (; t >= s + least; t--)
    if (here(rest, t)) return 1;
  return 0;
}

static int here(const char *re, const char *s) {
  if (!*re) return 1;
  if (*re == '$' && !re[1]) return !*s;
  const char *next = after(re);
  if (*next == '*') return many(re, next + 1, s, 0);
  if (*next == '+') return many(re, next + 1, s, 1);
  if (*next == '?') return (one(re, *s) && here(next + 1, s + 1)) || here(next + 1, s);
  return one(re, *s) && here(next, s + 1);
}

static int match(const char *re, const char *s) {
  if (*re == '^') return here(re + 1, s);
  do
    if (here(re, s)) return 1;
  while (*s++);
  return 0;
}

static const char *const patterns[] = {"[a-z]+@[a-z]+\\.com", "^GET /[a-z0-9/]*$", "x.*y.*z", "[0-9]+-[0-9]+-[0-9]+", "colou?r$", "a+b+c+d"};
static char line[256];

EXPORT("run") u32 run(u32 n) {
  u32 sum = 0;
  static const char letters[] = "abcxyz019 -/@.GET colour";
  for (u32 r = 0; r < n; r++) {
    u32 length = 40 + next() % 200;
    for (u32 i = 0; i < length; i++) line[i] = letters[next() % 24];
    line[length] = 0;
    for (u32 i = 0; i < 6; i++) sum = sum * 3 + (u32)match(patterns[i], line);
  }
  return sum;
}

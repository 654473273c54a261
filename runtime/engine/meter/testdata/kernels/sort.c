// Quicksort with insertion sort at its leaves, through a comparison function behind a pointer, and a heap sort without.
#include "kernel.h"

#define N 4096
static u32 items[N], copy[N];
typedef int (*compare)(u32, u32);
static int up(u32 a, u32 b) { return a < b; }
static int down(u32 a, u32 b) { return a > b; }
static compare volatile orders[2] = {up, down};

static void quick(u32 *a, int lo, int hi, compare before) {
  while (hi - lo > 12) {
    u32 pivot = a[(lo + hi) / 2];
    int i = lo, j = hi;
    while (i <= j) {
      while (before(a[i], pivot)) i++;
      while (before(pivot, a[j])) j--;
      if (i <= j) {
        u32 t = a[i];
        a[i++] = a[j];
        a[j--] = t;
      }
    }
    if (j - lo < hi - i) {
      quick(a, lo, j, before);
      lo = i;
    } else {
      quick(a, i, hi, before);
      hi = j;
    }
  }
  for (int i = lo + 1; i <= hi; i++) {
    u32 v = a[i];
    int j = i - 1;
    while (j >= lo && before(v, a[j])) {
      a[j + 1] = a[j];
      j--;
    }
    a[j + 1] = v;
  }
}

static void sift(u32 *a, u32 start, u32 end) {
  u32 root = start;
  for (;;) {
    u32 child = 2 * root + 1;
    if (child >= end) return;
    if (child + 1 < end && a[child] < a[child + 1]) child++;
    if (a[root] >= a[child]) return;
    u32 t = a[root];
    a[root] = a[child];
    a[child] = t;
    root = child;
  }
}

static void heap(u32 *a, u32 n) {
  for (u32 i = n / 2; i-- > 0;) sift(a, i, n);
  for (u32 end = n - 1; end > 0; end--) {
    u32 t = a[0];
    a[0] = a[end];
    a[end] = t;
    sift(a, 0, end);
  }
}

EXPORT("run") u32 run(u32 n) {
  u32 sum = 0;
  for (u32 r = 0; r < n; r++) {
    for (u32 i = 0; i < N; i++) items[i] = copy[i] = next();
    quick(items, 0, N - 1, orders[r & 1]);
    heap(copy, N);
    sum = sum * 31 + items[N / 3] + copy[N / 2];
  }
  return sum;
}

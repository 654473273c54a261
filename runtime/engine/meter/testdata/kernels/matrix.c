// Matrix products in f64 and i32.
#include "kernel.h"

#define N 64
static double a[N][N], b[N][N], c[N][N];
static int x[N][N], y[N][N], z[N][N];

EXPORT("run") u32 run(u32 n) {
  u32 sum = 0;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = (double)(int)(next() & 1023), b[i][j] = (double)(int)(next() & 1023);
      x[i][j] = (int)next(), y[i][j] = (int)next();
    }
  for (u32 r = 0; r < n; r++) {
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        double s = 0;
        int t = 0;
        for (int k = 0; k < N; k++) s += a[i][k] * b[k][j], t += x[i][k] * y[k][j];
        c[i][j] = s, z[i][j] = t;
      }
    sum = sum * 31 + (u32)z[r % N][3] + (u32)(long long)c[5][r % N];
    x[r % N][1]++;
  }
  return sum;
}

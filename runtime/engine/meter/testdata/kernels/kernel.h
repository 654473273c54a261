// What the kernels share: no libc, a small allocator, a generator of numbers. Each kernel exports run(n), which does
// n rounds of work and returns a checksum.
#pragma once
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
#define EXPORT(name) __attribute__((export_name(name)))

static u32 seed = 12345;
static inline u32 next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

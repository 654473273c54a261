// A stack machine that runs a sieve and a loop of arithmetic: one loop around one switch.
#include "kernel.h"

enum { PUSH, ADD, SUB, MUL, LESS, JUMP, JUMPZ, LOAD, STORE, GET, SET, DUP, DROP, XOR, SHR, HALT };

static int memory[4096];

__attribute__((noinline)) static int interpret(const int *code) {
  int stack[64], vars[16] = {0}, *sp = stack;
  const int *pc = code;
  for (;;) {
    switch (*pc++) {
      case PUSH: *sp++ = *pc++; break;
      case ADD: sp--, sp[-1] += sp[0]; break;
      case SUB: sp--, sp[-1] -= sp[0]; break;
      case MUL: sp--, sp[-1] *= sp[0]; break;
      case XOR: sp--, sp[-1] ^= sp[0]; break;
      case SHR: sp--, sp[-1] = (int)((u32)sp[-1] >> sp[0]); break;
      case LESS: sp--, sp[-1] = sp[-1] < sp[0]; break;
      case JUMP: pc = code + *pc; break;
      case JUMPZ: pc = *--sp ? pc + 1 : code + *pc; break;
      case LOAD: sp[-1] = memory[sp[-1] & 4095]; break;
      case STORE: sp -= 2, memory[sp[0] & 4095] = sp[1]; break;
      case GET: *sp++ = vars[*pc++]; break;
      case SET: vars[*pc++] = *--sp; break;
      case DUP: sp[0] = sp[-1], sp++; break;
      case DROP: sp--; break;
      default: return sp[-1];
    }
  }
}

static const int program[] = {
  /* 0 */ PUSH, 2, SET, 0,
  /* 4: i < 4096 */ GET, 0, PUSH, 4096, LESS, JUMPZ, 47,
  /* 11: memory[i] ? */ GET, 0, LOAD, JUMPZ, 18, JUMP, 38,
  /* 18: j = i + i */ GET, 0, DUP, ADD, SET, 1,
  /* 24 */ GET, 1, PUSH, 4096, LESS, JUMPZ, 38,
  /* 31 */ GET, 1, PUSH, 1, STORE, JUMP, 53,
  /* 38 */ GET, 0, PUSH, 1, ADD, SET, 0, JUMP, 4,
  /* 47 */ GET, 2, HALT, HALT, HALT, HALT,
  /* 53: j += i, mixed into a sum */ GET, 1, GET, 2, XOR, PUSH, 1, SHR, PUSH, 3, MUL, SET, 2, GET, 1, GET, 0, ADD, SET, 1, JUMP, 24,
};

EXPORT("run") u32 run(u32 n) {
  u32 sum = 0;
  for (u32 r = 0; r < n; r++) {
    for (int i = 0; i < 4096; i++) memory[i] = 0;
    memory[r & 4095] = (int)r;
    sum = sum * 31 + (u32)interpret(program);
  }
  return sum;
}

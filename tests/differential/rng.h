/* rng - random numbers that are the same everywhere for the same seed. */
#ifndef DIFFERENTIAL_RNG_H
#define DIFFERENTIAL_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t
rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline int
rng_below(struct rng *r, int n)
{
	return (int)(rng_next(r) % (uint64_t)n);
}

/* True in PERCENT of the cases. */
static inline bool
rng_chance(struct rng *r, int percent)
{
	return rng_below(r, 100) < percent;
}

#endif

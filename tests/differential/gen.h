/* gen - a random scene: tree, options, operands, environment. */
#ifndef DIFFERENTIAL_GEN_H
#define DIFFERENTIAL_GEN_H

#include "scene.h"

struct gen {
	uint64_t seed;
	uint64_t number; /* of the case */
	const char *box; /* the sandbox, for absolute names */
	bool root;	 /* devices and owners can be made */
	bool mounts;	 /* and mounts */
	bool other;	 /* the programs run as another user, nobody */
};

/* The same case for the same numbers, whatever cases came before. */
void gen_scene(const struct gen *g, struct scene *s);

#endif

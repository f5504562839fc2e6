/* known - the differences between cp and mcp that are there on purpose. */
#ifndef DIFFERENTIAL_KNOWN_H
#define DIFFERENTIAL_KNOWN_H

#include "run.h"

#define KNOWN_MAX 32

/* Which of them explains what differs, all of it; -1 where none does. */
int known_difference(const struct scene *s, const struct result *cp,
		     const struct result *mcp);

int known_count(void);
const char *known_name(int k);

#endif

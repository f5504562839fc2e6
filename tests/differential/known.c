#include <config.h>

#include "known.h"

#include <string.h>

int
known_difference(const struct scene *s, const struct result *cp,
		     const struct result *mcp)
{
	(void)s; (void)cp; (void)mcp;
	return -1;
}
int
known_count(void)
{
	return 0;
}

const char *
known_name(int k)
{
	(void)k;
	return "";
}

/*
 * label - the names of what is being copied, for messages only.
 *
 * Below an operand nothing has a path; it is put together when a message needs
 * it.  src and dst give a string that is valid until the same is asked again.
 */
#ifndef MCP_COPY_LABEL_H
#define MCP_COPY_LABEL_H

struct label {
	const char *(*src)(void *ctx);
	const char *(*dst)(void *ctx);
	void *ctx;
};

static inline const char *
label_src(const struct label *l)
{
	return l->src(l->ctx);
}

static inline const char *
label_dst(const struct label *l)
{
	return l->dst(l->ctx);
}

#endif

/* What map_writer and map_reader have in common: the file's contents. */
#ifndef MAP_SHARED_H
#define MAP_SHARED_H

#include <stdatomic.h>

enum { SHOWN_MAGIC = 0x6d6170 };

struct shown {
	atomic_uint magic;    /* SHOWN_MAGIC when the rest is set up */
	atomic_uint readers;  /* how many the writer waits for */
	atomic_uint here;     /* readers that have come */
	atomic_uint done;     /* readers that have seen enough */
	atomic_uint mark;     /* set in a private copy only */
	atomic_ulong version; /* odd while the two below are changed */
	atomic_ulong number;
	atomic_ulong square; /* number * number */
};

#endif

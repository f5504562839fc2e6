#include <config.h>

#include "cli/help.h"

#include <stdio.h>

#include "base/diag.h"

static const char usage[] =
	"Usage: %s [OPTION]... [-T] SOURCE DEST\n"
	"   or: %s [OPTION]... SOURCE... DIRECTORY\n"
	"   or: %s [OPTION]... -t DIRECTORY SOURCE...\n"
	"Copy SOURCE to DEST, or several SOURCEs to DIRECTORY,"
	" with several processes.\n";

static const char options[] =
	"\n"
	"As in cp:\n"
	"  -a, --archive                same as -dR --preserve=all\n"
	"  -d                           same as --no-dereference"
	" --preserve=links\n"
	"  -f, --force                  if an existing destination cannot be"
	" opened,\n"
	"                                 remove it and try again\n"
	"  -H                           follow symbolic links among the"
	" SOURCEs\n"
	"  -i, --interactive            ask before overwriting\n"
	"  -L, --dereference            follow all symbolic links in SOURCE\n"
	"  -n, --no-clobber             leave existing files alone\n"
	"  -P, --no-dereference         follow no symbolic link in SOURCE\n"
	"  -p                           same as"
	" --preserve=mode,ownership,timestamps\n"
	"      --preserve[=LIST]        keep these attributes: mode, ownership,"
	"\n"
	"                                 timestamps, links, xattr, context,"
	" all\n"
	"      --no-preserve=LIST       do not keep these\n"
	"  -R, -r, --recursive          copy directories with all that is in"
	" them\n"
	"      --reflink[=WHEN]         share the data where that can be:"
	" always,\n"
	"                                 auto (default), never\n"
	"      --sparse=WHEN            make holes: auto (default: where SOURCE"
	" has\n"
	"                                 some), always (for all zeros), never\n"
	"      --strip-trailing-slashes remove trailing slashes from each"
	" SOURCE\n"
	"  -t, --target-directory=DIRECTORY\n"
	"                               copy all SOURCEs into DIRECTORY\n"
	"  -T, --no-target-directory    treat DEST as a file, never as a"
	" directory\n"
	"                                 to copy into\n"
	"  -u, --update                 copy only where SOURCE is newer or DEST"
	" is\n"
	"                                 missing\n"
	"  -v, --verbose                say what is copied\n"
	"  -x, --one-file-system        stay on the file system of each"
	" SOURCE\n"
	"      --help                   print this and exit\n"
	"      --version                print the version and exit\n"
	"\n"
	"Of its own:\n"
	"  -j, --workers=N|auto         processes that copy; auto (default): as"
	" many\n"
	"                                 as there are processors for it\n"
	"      --method=METHOD          how data of regular files goes: auto,"
	" mmap,\n"
	"                                 range (copy_file_range), rw (read and"
	"\n"
	"                                 write), clone\n"
	"      --progress[=WHEN]        a bar on stderr: auto (default: on a"
	"\n"
	"                                 terminal, after a second), always,"
	" never\n"
	"      --stats                  say at the end what was done\n"
	"\n"
	"MCP_WORKERS in the environment sets the default of --workers.\n";

int
help_print(void)
{
	const char *me = diag_program();

	printf(usage, me, me, me);
	fputs(options, stdout);
	return fflush(stdout);
}

int
help_print_version(void)
{
	printf("mcp %s\n"
	       "Copyright (c) 2026 the mcp authors.  MIT licence.\n",
	       PACKAGE_VERSION);
	return fflush(stdout);
}

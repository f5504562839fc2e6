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
	"      --attributes-only        copy no data, only attributes\n"
	"  -b, --backup[=CONTROL]       rename what exists, not overwrite it"
	" (-b takes\n"
	"                                 no CONTROL); see below\n"
	"      --copy-contents          with -R, copy the contents of special"
	" files\n"
	"  -d                           same as --no-dereference"
	" --preserve=links\n"
	"      --debug                  say how each file is copied; implies"
	" -v\n"
	"  -f, --force                  if an existing destination cannot be"
	" opened,\n"
	"                                 remove it and try again\n"
	"  -H                           follow symbolic links among the"
	" SOURCEs\n"
	"  -i, --interactive            ask before overwriting\n"
	"      --keep-directory-symlink copy through symbolic links to"
	" directories that\n"
	"                                 exist in DEST\n"
	"  -l, --link                   make hard links instead of copies\n"
	"  -L, --dereference            follow all symbolic links in SOURCE\n"
	"  -n, --no-clobber             leave existing files alone\n"
	"  -P, --no-dereference         follow no symbolic link in SOURCE\n"
	"      --parents                copy to DIRECTORY/SOURCE, with the"
	" whole path\n"
	"                                 of SOURCE\n"
	"  -p                           same as"
	" --preserve=mode,ownership,timestamps\n"
	"      --preserve[=LIST]        keep these attributes: mode,"
	" ownership,\n"
	"                                 timestamps, links, xattr, context,"
	" all\n"
	"      --no-preserve=LIST       do not keep these\n"
	"  -R, -r, --recursive          copy directories with all that is in"
	" them\n"
	"      --reflink[=WHEN]         share the data where that can be:"
	" always,\n"
	"                                 auto (default), never\n"
	"      --remove-destination     remove each existing file before"
	" copying to it\n"
	"  -s, --symbolic-link          make symbolic links instead of copies\n"
	"  -S, --suffix=SUFFIX          make backups, simple ones with SUFFIX\n"
	"      --sparse=WHEN            make holes: auto (default: where"
	" SOURCE has\n"
	"                                 some), always (for all zeros),"
	" never\n"
	"      --strip-trailing-slashes remove trailing slashes from each"
	" SOURCE\n"
	"  -t, --target-directory=DIRECTORY\n"
	"                               copy all SOURCEs into DIRECTORY\n"
	"  -T, --no-target-directory    treat DEST as a file, never as a"
	" directory\n"
	"                                 to copy into\n"
	"  -u, --update[=WHICH]         overwrite WHICH existing files: all,"
	" none,\n"
	"                                 none-fail (none, and they are"
	" failures),\n"
	"                                 older (default; -u takes no WHICH)\n"
	"  -v, --verbose                say what is copied\n"
	"  -x, --one-file-system        stay on the file system of each"
	" SOURCE\n"
	"  -Z, --context[=CTX]          set the SELinux label, by path or to CTX\n"
	"      --help                   print this and exit\n"
	"      --version                print the version and exit\n"
	"\n"
	"Of its own:\n"
	"  -j, --workers=N|auto         processes that copy; auto (default):"
	" as many\n"
	"                                 as there are processors for it\n"
	"      --hand-over=YESNO        a FIFO's reader may fetch the file"
	" itself: yes\n"
	"                                 (default), no\n"
	"      --keep-partial           keep what there is of a stream that"
	" failed\n"
	"      --method=METHOD          how data of regular files goes: auto,"
	" mmap,\n"
	"                                 range (copy_file_range), rw (read"
	" and\n"
	"                                 write), clone\n"
	"      --mkfifo                 make SOURCE or else DEST a FIFO"
	" for this copy\n"
	"      --open-timeout=SECONDS   wait no longer than that for the other"
	" end of a\n"
	"                                 FIFO\n"
	"      --progress[=WHEN]        a bar on stderr: auto (default: on a\n"
	"                                 terminal, after a second), always,"
	" never\n"
	"      --rate=LIMIT             move no more than LIMIT bytes a second"
	" in all, in\n"
	"                                 K, M, G, T, or plain bytes\n"
	"      --receipt=WHEN           the ends of a FIFO tell each other how"
	" it went:\n"
	"                                 auto (default: if both are mcp),"
	" require, off\n"
	"      --stream=WHAT            require: no regular file to another;"
	" auto\n"
	"                                 (default)\n"
	"      --stats                  say at the end what was done\n"
	"      --wait-durable           until a FIFO's reader has synced what it"
	" wrote\n"
	"\n"
	"CONTROL is none or off (no backups), simple or never (NAME~),"
	" numbered or t\n"
	"(NAME.~1~), existing or nil (default: numbered where there are such,"
	" else\n"
	"simple).\n"
	"\n"
	"The environment sets defaults: MCP_WORKERS of --workers,"
	" VERSION_CONTROL of\n"
	"CONTROL, SIMPLE_BACKUP_SUFFIX of --suffix.\n";

int
help_print(void)
{
	const char *me = diag_program();

	/* More than stdio's buffer holds: any of them may be what fails. */
	if (printf(usage, me, me, me) < 0 || fputs(options, stdout) == EOF)
		return -1;
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

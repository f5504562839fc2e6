# shellcheck shell=sh
# What every file of tests begins with. Such a file reads
#
#	#!/bin/sh
#	# What is tested here, and a table of the cases.
#	. "$(dirname "$0")/lib.sh"
#
#	test_condition_result()
#	{
#		mkdir src && echo a >src/f
#		expect 0 mcp -a src dst
#		assert_same_tree src dst
#	}
#
#	. "$SHUNIT2"
#
# and runs under `make check` as well as alone: `sh tests/test_area.sh`, or
# `sh tests/test_area.sh -- test_one test_two` for some of its tests.
#
# Each test begins in a fresh and empty directory ($TEST_DIR), with nothing on
# stdin. For further preparation define before_each, after_each, before_all,
# after_all; setUp and the others of shunit2 are taken. A test fails also when
# some run of mcp ended with a status of 124 or more (a signal, the time limit),
# wrote a sanitizer's report, or left a process behind.
#
# Running mcp
#   mcp ARG...                 with a time limit of $MCP_LIMIT seconds
#   mcp_as_nobody ARG...       the same, without any privilege
#   as_nobody COMMAND...       another program, without any privilege
#   mcp_start ARG...           in the background: $MCP_PID is mcp itself
#   mcp_wait                   waits for it; its status, whatever it is
#   expect STATUS COMMAND...   stdout to $OUT, stderr to $ERR; fails where the
#                              status is another one
# Checking
#   assert_same_tree A B [FLAG]...   see tests/helpers/treecmp.c for the flags
#   assert_same_file A B             content only
#   poll SECONDS COMMAND...          until it succeeds; status 1 after SECONDS
# What not every machine has
#   with_fs TYPE SIZE [DIR [MKFS-ARG]...] || return 0
#                              a fresh ext4, xfs, btrfs or tmpfs, mounted on DIR
#                              (default: TYPE) and gone after the test
#   need_root || return 0
#   need_command NAME || return 0
#   skip REASON; return 0
#
# From the environment, with defaults for a run by hand
#   BUILD           the build directory
#   MCP             the mcp to be tested
#   HELPERS, GROUND, UNITS     where the small programs of the tests are
#   MCP_LIMIT       seconds for one run of mcp (60)
#   MCP_NO_SKIP     where not empty, what would be skipped fails instead
#   TMPDIR          scratch space; file system images go to /dev/shm where that
#                   has room

# ---------------------------------------------------------------------------
# Where everything is; all absolute, for tests change directory.
# ---------------------------------------------------------------------------

absolute()
{
	case $1 in
	/*) printf '%s\n' "$1" ;;
	*) printf '%s/%s\n' "$PWD" "$1" ;;
	esac
}

TEST_FILE=$(absolute "$0")

# A mount made in a namespace of our own goes when the last process of it does,
# SIGKILL or not; no run can leave one behind.
if [ -z "${MCP_TEST_NAMESPACE-}" ] && [ "$(id -u)" -eq 0 ] &&
	unshare --mount true 2>/dev/null; then
	MCP_TEST_NAMESPACE=yes
	export MCP_TEST_NAMESPACE
	exec unshare --mount sh "$0" "$@"
fi

find_top()
{
	top=$(cd "$(dirname "$TEST_FILE")" && pwd)
	until [ -e "$top/tests/lib.sh" ] || [ "$top" = / ]; do
		top=$(dirname "$top")
	done
	printf '%s\n' "$top"
}

TOP=$(find_top)
BUILD=$(absolute "${BUILD:-$TOP/build}")
MCP=$(absolute "${MCP:-$BUILD/mcp}")
HELPERS=$(absolute "${HELPERS:-$BUILD/tests/helpers}")
GROUND=$(absolute "${GROUND:-$BUILD/tests/ground}")
UNITS=$(absolute "${UNITS:-$BUILD/tests/unit}")
MCP_LIMIT=${MCP_LIMIT:-60}

[ -x "$MCP" ] || {
	echo "no mcp at $MCP: build it, or set MCP" >&2
	exit 1
}

# Its reports go to files, since a worker that dies of one is replaced, and the
# copy succeeds. Memory it reserves beyond any limit (ulimit -v).
if grep -q __asan_init "$MCP"; then
	SANITIZERS=yes
else
	SANITIZERS=no
fi

SHUNIT2=${SHUNIT2:-$(command -v shunit2 || echo /usr/share/shunit2/shunit2)}
[ -r "$SHUNIT2" ] || {
	echo 'shunit2 is needed: install it, or set SHUNIT2 to its path' >&2
	exit 1
}

# shunit2 looks for the test functions in this file, after we changed directory.
# shellcheck disable=SC2034
SHUNIT_PARENT=$TEST_FILE

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
TZ=UTC0
export LC_ALL TZ PATH MCP HELPERS GROUND UNITS SANITIZERS
unset POSIXLY_CORRECT NO_COLOR COLUMNS LINES CDPATH
umask 022
# shellcheck disable=SC3045
ulimit -c 0
exec </dev/null

# ---------------------------------------------------------------------------
# Before and after
# ---------------------------------------------------------------------------

before_all() { :; }
before_each() { :; }
after_each() { :; }
after_all() { :; }

oneTimeSetUp()
{
	TEST_ROOT=$(cd -P "$(mktemp -d "${TMPDIR:-/tmp}/mcp-test.XXXXXX")" &&
		pwd -P) || exit 1
	# Another user, nobody, is to come through and to write reports.
	chmod 755 "$TEST_ROOT"
	mkdir -m 1777 "$TEST_ROOT/reports"
	OUT=$TEST_ROOT/stdout
	ERR=$TEST_ROOT/stderr
	MCP_TEST_ID=$TEST_ROOT
	export MCP_TEST_ID
	san="log_path=$TEST_ROOT/reports/san:exitcode=134"
	asan_default="$san:detect_leaks=1:abort_on_error=0"
	UBSAN_OPTIONS="$san:print_stacktrace=1"
	export UBSAN_OPTIONS
	before_all
}

setUp()
{
	test_number=$((${test_number:-0} + 1))
	TEST_DIR=$TEST_ROOT/$test_number
	MCP_PID=
	mcp_job=
	# A test that traces or kills mcp turns leaks off, for itself alone.
	ASAN_OPTIONS=$asan_default
	export ASAN_OPTIONS
	: >"$TEST_ROOT/mounts"
	: >"$TEST_ROOT/failures"
	mkdir "$TEST_DIR" && cd "$TEST_DIR" || exit 1
	before_each
}

# shunit2 calls this once more when it is interrupted and when it exits, so it
# has to bear being called twice.
tearDown()
{
	[ -n "${TEST_DIR-}" ] || return 0
	after_each
	cd / || exit 1
	[ -z "$mcp_job" ] || {
		kill -KILL "$MCP_PID" 2>/dev/null
		wait "$mcp_job"
		mcp_job=
	} 2>/dev/null
	end_leftovers
	end_mounts
	for report in "$TEST_ROOT"/reports/*; do
		[ -e "$report" ] || continue
		note_failure "sanitizer: $(cat "$report")"
		rm -f "$report"
	done
	remove "$TEST_DIR"
	TEST_DIR=
	if [ -s "$TEST_ROOT/failures" ]; then
		endSkipping
		fail "$(cat "$TEST_ROOT/failures")"
	fi
	return 0
}

oneTimeTearDown()
{
	[ -n "${TEST_ROOT-}" ] || return 0
	after_all
	remove "$TEST_ROOT"
	TEST_ROOT=
}

# Read-only directories stop the rm of anyone but root.
remove()
{
	rm -rf "$1" 2>/dev/null || {
		chmod -R u+rwX "$1"
		rm -rf "$1"
	}
}

# For what goes wrong where fail() would go unheard: in a subshell, a pipeline
# or after the test. tearDown makes a failure of it.
note_failure()
{
	printf '%s\n' "$*" >>"$TEST_ROOT/failures"
}

# The processes of mcp that this test started and that are still there: all
# inherit the environment of the first.
leftovers()
{
	find /proc/[0-9]*/exe -maxdepth 0 \( -lname "$MCP" -o \
		-lname "$MCP (deleted)" -o -lname "$TEST_ROOT/mcp" \) \
		2>/dev/null |
		while read -r exe; do
			tr '\0' '\n' 2>/dev/null <"${exe%exe}environ" |
				grep -qxF "MCP_TEST_ID=$MCP_TEST_ID" ||
				continue
			basename "${exe%/exe}"
		done
}

no_leftovers()
{
	[ -z "$(leftovers)" ]
}

end_leftovers()
{
	# A child is gone only when it has been reaped, perhaps by init.
	if ! poll 3 no_leftovers; then
		left=$(leftovers | tr '\n' ' ')
		note_failure "processes of mcp left behind: $left"
		# shellcheck disable=SC2086
		kill -KILL $left 2>/dev/null
		poll 3 no_leftovers
	fi
}

# ---------------------------------------------------------------------------
# Running mcp
# ---------------------------------------------------------------------------

# judged COMMAND...: 124 is timeout's word for the end of time, what is above it
# is a signal or a program that could not be run.
judged()
{
	"$@"
	set -- "$?" "$*"
	[ "$1" -lt 124 ] || note_failure "status $1 of: $2"
	return "$1"
}

limited()
{
	judged timeout -k 5 "$MCP_LIMIT" "$@"
}

mcp()
{
	limited "$MCP" "$@"
}

# Who is not root has no privilege to lose.
as_nobody()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# A copy, since the directories above $MCP may be closed to nobody.
mcp_as_nobody()
{
	[ -e "$TEST_ROOT/mcp" ] ||
		install -m 755 "$MCP" "$TEST_ROOT/mcp" || return
	judged as_nobody timeout -k 5 "$MCP_LIMIT" "$TEST_ROOT/mcp" "$@"
}

# The shell ignores SIGINT on behalf of what it runs in the background, but
# timeout takes that back.
mcp_start()
{
	rm -f "$TEST_ROOT/pid"
	timeout -k 5 "$MCP_LIMIT" sh -c '
		echo "$$" >"$0.new" && mv "$0.new" "$0" && exec "$@"
	' "$TEST_ROOT/pid" "$MCP" "$@" &
	mcp_job=$!
	poll 10 test -s "$TEST_ROOT/pid"
	MCP_PID=$(cat "$TEST_ROOT/pid")
}

mcp_wait()
{
	wait "$mcp_job"
	set -- "$?"
	mcp_job=
	[ "$1" -ne 124 ] || note_failure 'mcp reached its time limit'
	return "$1"
}

expect()
{
	expected=$1
	shift
	"$@" >"$OUT" 2>"$ERR"
	set -- "$?" "$*"
	[ "$1" -eq "$expected" ] ||
		fail "status $1 instead of $expected: $2
$(tail -n 20 "$ERR")"
	return "$1"
}

# ---------------------------------------------------------------------------
# Checking
# ---------------------------------------------------------------------------

assert_same_tree()
{
	"$HELPERS/treecmp" "$@" >"$TEST_ROOT/differences" 2>&1
	set -- "$?" "$*"
	[ "$1" -eq 0 ] || fail "treecmp $2: status $1
$(head -n 40 "$TEST_ROOT/differences")"
	return "$1"
}

assert_same_file()
{
	cmp "$1" "$2" >"$TEST_ROOT/differences" 2>&1
	set -- "$?" "$@"
	[ "$1" -eq 0 ] || fail "$(cat "$TEST_ROOT/differences")"
	return "$1"
}

poll()
{
	# Whole seconds, so one more than asked for, of which some has passed.
	poll_end=$(($(date +%s) + $1 + 1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$poll_end" ] || return 1
		sleep 0.02
	done
}

# ---------------------------------------------------------------------------
# What not every machine has
# ---------------------------------------------------------------------------

skip()
{
	if [ -n "${MCP_NO_SKIP-}" ]; then
		fail "may not be skipped here: $*"
	else
		printf 'SKIP: %s\n' "$*"
		startSkipping
	fi
}

need_root()
{
	[ "$(id -u)" -eq 0 ] || {
		skip 'needs root'
		return 1
	}
}

need_command()
{
	command -v "$1" >/dev/null 2>&1 || {
		skip "needs $1"
		return 1
	}
}

with_fs()
{
	fs_type=$1
	fs_size=$2
	fs_dir=$(absolute "${3:-$1}")
	shift "$(($# < 3 ? $# : 3))"

	need_root || return 1
	mkdir -p "$fs_dir"
	if [ "$fs_type" = tmpfs ]; then
		fs_error=$(mount -t tmpfs -o "size=$fs_size,mode=755" \
			mcp-test "$fs_dir" 2>&1)
	else
		need_command "mkfs.$fs_type" || return 1
		fs_error=$(mount_image "$@" 2>&1)
	fi || {
		skip "no $fs_type here: $fs_error"
		return 1
	}
	printf '%s\n' "$fs_dir" >>"$TEST_ROOT/mounts"
	chmod 755 "$fs_dir"
	# In nobody's way when whole file systems are compared.
	[ "$fs_type" != ext4 ] || rmdir "$fs_dir/lost+found"
}

# The image has no name any more once it is mounted, so its space goes with the
# loop device, and that goes with the mount, by itself.
mount_image()
{
	fs_image=$(mktemp "$(image_dir)/mcp-test-image.XXXXXX") || return
	case $fs_type in
	# Small ones would get blocks of 1 KiB, which leaves xattrs no room.
	ext4) set -- -F -b 4096 "$@" ;;
	*) set -- -f "$@" ;;
	esac
	truncate -s "$fs_size" "$fs_image" &&
		"mkfs.$fs_type" -q "$@" "$fs_image" &&
		mount -o loop "$fs_image" "$fs_dir"
	set -- "$?"
	rm -f "$fs_image"
	return "$1"
}

image_dir()
{
	shm_free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
	if [ -w /dev/shm ] && [ "${shm_free:-0}" -gt 4000000 ]; then
		echo /dev/shm
	else
		echo "${TMPDIR:-/tmp}"
	fi
}

end_mounts()
{
	[ -s "$TEST_ROOT/mounts" ] || return 0
	# The last one first, since it may be mounted inside another.
	sed '1!G;h;$!d' "$TEST_ROOT/mounts" | while read -r dir; do
		mountpoint -q "$dir" || continue
		if ! poll 3 umount "$dir" 2>/dev/null; then
			note_failure "$dir was busy: something holds it open"
			umount -l "$dir"
		fi
	done
	: >"$TEST_ROOT/mounts"
}

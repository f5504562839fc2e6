#!/bin/sh
# Random small trees and command lines, GNU cp of this machine against mcp with
# one worker and with four: the same exit status, the same tree afterwards and
# the same messages. tests/differential/README.md tells how to read and to
# repeat a case that differs.
#
#   cases_of_root_are_as_with_cp     as the caller; all that root may do, if root
#   cases_on_btrfs_are_as_with_cp    where files are cloned
#   cases_of_nobody_are_as_with_cp   as a user without privileges
#   a_wrong_mcp_is_seen              the test fails with what is not cp
#   nothing_else_can_be_written      whatever a case does as root
#
# From the environment
#   DIFFERENTIAL_COUNT   cases of each of the first two (300)
#   DIFFERENTIAL_SEED    what they are made from (1)

. "$(dirname "$0")/lib.sh"

MCP_LIMIT=1200
DIFFERENTIAL_COUNT=${DIFFERENTIAL_COUNT:-300}
DIFFERENTIAL_SEED=${DIFFERENTIAL_SEED:-1}
differential=${HELPERS%/helpers}/differential/differential
CP=${CP:-/bin/cp}

# What differs on purpose differs from this version; another cp has its own.
like_cp_9_1()
{
	"$CP" --version 2>/dev/null | grep -q 'GNU coreutils. 9\.1$' || {
		skip "the cp here is not that of GNU coreutils 9.1"
		return 1
	}
}

# Nobody has to come to mcp and to the trees.
before_all()
{
	install -m 755 "$MCP" "$TEST_ROOT/mcp"
}

# In memory, where that can be had: what takes the time is making trees.
go_to_memory()
{
	if [ "$(id -u)" -eq 0 ]; then
		with_fs tmpfs 64m fs
	else
		mkdir fs
	fi
}

# compare FLAG...: in the directory fs
compare()
{
	TMPDIR=$TEST_DIR/fs MCP=${COMPARED:-$TEST_ROOT/mcp} \
		limited "$differential" --cp "$CP" --seed "$DIFFERENTIAL_SEED" \
		--count "$DIFFERENTIAL_COUNT" "$@" >"$OUT" 2>&1
}

test_cases_of_root_are_as_with_cp()
{
	like_cp_9_1 || return 0
	go_to_memory || return 0
	compare || fail "$(cat "$OUT")"
}

test_cases_of_nobody_are_as_with_cp()
{
	like_cp_9_1 || return 0
	need_root || return 0
	go_to_memory || return 0
	compare --nobody || fail "$(cat "$OUT")"
}

# A tenth, from those that were not among the others.
test_cases_on_btrfs_are_as_with_cp()
{
	like_cp_9_1 || return 0
	with_fs btrfs 256m fs || return 0
	first=$DIFFERENTIAL_COUNT
	DIFFERENTIAL_COUNT=$((first / 10))
	compare --first "$first" || fail "$(cat "$OUT")"
	DIFFERENTIAL_COUNT=$first
}

test_a_wrong_mcp_is_seen()
{
	like_cp_9_1 || return 0
	mkdir fs
	printf '#!/bin/sh\nexec %s -p "$@"\n' "$CP" >"$TEST_ROOT/wrong"
	chmod 755 "$TEST_ROOT/wrong"
	COMPARED=$TEST_ROOT/wrong
	DIFFERENTIAL_COUNT=20 compare
	assertEquals 'status of the comparison' 1 "$?"
	assertContains "$(cat "$OUT")" 'differs'
}

# Where root can mount.
test_nothing_else_can_be_written()
{
	like_cp_9_1 || return 0
	need_root || return 0
	[ -n "${MCP_TEST_NAMESPACE-}" ] || {
		skip 'no mount namespace here'
		return 0
	}
	go_to_memory || return 0
	printf '#!/bin/sh\necho >%s/outside\nexec %s "$@"\n' "$TEST_DIR" \
		"$CP" >"$TEST_ROOT/writes"
	chmod 755 "$TEST_ROOT/writes"
	COMPARED=$TEST_ROOT/writes
	DIFFERENTIAL_COUNT=20 compare
	assertFalse 'it could' '[ -e outside ]'
	assertContains "$(cat "$OUT")" 'outside: Read-only file system'
}

. "$SHUNIT2"

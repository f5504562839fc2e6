#!/bin/sh
# The shared map: its three backings, what it does under limits, and that others
# can look at it.
#
#   each_backing_*      a tree and a big file through memfd, anon and zero
#   address_space_*     ulimit -v: down to where even one map is not to be had
#   file_size_*         ulimit -f: the memfd is a file too
#   unrelated_*         a process that is no child of it sees the board of a copy
#                       that is under way
#
# Such a copy is one with -v whose output nobody reads: all of it waits.

. "$(dirname "$0")/lib.sh"

# More names than all pipes hold.
make_long_names()
{
	long=$(printf '%0200d' 0)
	mkdir -p "$1/$long"
	"$HELPERS/bigtree" --files=1500 --dirs=20 --fanout=20 --size=100 \
		"$1/$long/tree" >"$TEST_ROOT/made"
}

# held_copy ARG...: mcp -rv, that waits for somebody to read its output
held_copy()
{
	mkfifo output
	exec 8<>output
	mcp_start -rv "$@" >output 2>"$ERR"
}

# Output, errors and sanitizers apart: no text is lost.
let_go()
{
	cat <&8 >"$OUT" &
	reader=$!
	mcp_wait
	set -- $?
	kill $reader 2>/dev/null
	wait $reader 2>/dev/null
	exec 8<&-
	return "$1"
}

view()
{
	"$HELPERS/boardview" "$MCP_PID" >view 2>view.errors
}

# under_way WORKERS: the board counts files, and there are as many.
under_way()
{
	view && ! grep -q '^files 0,' view &&
		[ "$(sed -n 's/^workers //p' view | wc -w)" -eq "$1" ]
}

backings()
{
	echo memfd anon zero
}

test_each_backing_copies_a_tree()
{
	"$HELPERS/mktree" --small src >left-out
	for backing in $(backings); do
		MCP_BOARD=$backing expect 0 mcp -a -j 4 --stats src "$backing"
		assert_same_tree src "$backing"
		grep -E '^(files|dir|sym|spec|hard|skip|err|bytes|holes|meth)' \
			"$ERR" >"$backing.counts"
	done
	assert_same_file memfd.counts anon.counts
	assert_same_file memfd.counts zero.counts
}

test_each_backing_copies_a_big_file()
{
	dd if=/dev/urandom of=src bs=1M count=24 status=none
	for backing in $(backings); do
		MCP_BOARD=$backing expect 0 mcp -a -j 4 --reflink=never src \
			"$backing"
		assert_same_file src "$backing"
	done
}

test_each_backing_is_what_it_is_called()
{
	make_long_names src
	for backing in $(backings); do
		rm -rf dst output
		mkfifo output
		exec 8<>output
		MCP_BOARD=$backing mcp_start -rv -j 2 src dst >output 2>"$ERR"
		case $backing in
		memfd) at='/memfd:mcp-board' ;;
		anon) at='/dev/zero (deleted)' ;; # so does the kernel call it
		zero) at='/dev/zero' ;;
		esac
		poll 10 grep -q " $at" "/proc/$MCP_PID/maps" ||
			fail "$backing: no $at"
		let_go
		assertEquals "$backing" 0 $?
	done
}

test_unknown_backing_is_refused()
{
	echo a >src
	MCP_BOARD=paper expect 1 mcp src dst
	assertContains "$(cat "$ERR")" 'paper'
}

# ---------------------------------------------------------------------------
# Limits
# ---------------------------------------------------------------------------

# AddressSanitizer takes more address space than any limit gives: there is
# nothing to be tested with it.
has_small_maps()
{
	[ "$SANITIZERS" = no ]
}

make_tree()
{
	"$HELPERS/bigtree" --files=150 --dirs=10 --size=3000 src >made
	truncate -s 10M src/big
	echo end >>src/big
}

# Without judgement, for where not even the loader has enough.
under_v()
{
	(
		# shellcheck disable=SC3045
		ulimit -v "$1"
		shift
		exec timeout -k 5 "$MCP_LIMIT" "$MCP" "$@"
	)
}

test_address_space_that_is_little_is_enough()
{
	has_small_maps || return 0
	make_tree
	for kib in 8000 20000 100000 1000000; do
		for backing in $(backings); do
			remove dst
			MCP_BOARD=$backing expect 0 under_v "$kib" -a -j 3 \
				src dst
			assert_same_tree src dst
		done
	done
}

# Wherever it ends, it ends, with a word to say, and no wrong copy is called one.
test_address_space_that_is_too_little_is_an_error()
{
	has_small_maps || return 0
	make_tree
	MCP_LIMIT=20
	for kib in 2600 3200 4100 4400 4500 4800 5300; do
		remove dst
		under_v "$kib" -a -j 3 src dst >"$OUT" 2>"$ERR"
		case $? in
		0) assert_same_tree src dst ;;
		1) assertContains "$kib" "$(cat "$ERR")" 'mcp: ' ;;
		127) ;; # the loader itself
		*) fail "$kib KiB: neither done nor an error" ;;
		esac
		[ "$(wc -l <"$ERR")" -lt 3000 ] || fail "$kib KiB: no end of it"
	done
	MCP_LIMIT=60
}

test_file_size_limit_leaves_the_board_another_backing()
{
	"$HELPERS/bigtree" --files=300 --dirs=10 --size=3000 src >made
	for blocks in 8 100 20000; do
		remove dst
		(
			# shellcheck disable=SC3045
			ulimit -f "$blocks"
			expect 0 mcp -a -j 3 --stats src dst
		)
		assert_same_tree src dst
	done
}

test_file_size_limit_is_one_error_for_the_file_over_it()
{
	make_tree
	(
		# shellcheck disable=SC3045
		ulimit -f 1000
		expect 1 mcp -a -j 3 src dst
	)
	assertEquals "mcp: error writing 'dst/big' at byte 10485764: File too large" \
		"$(cat "$ERR")"
	rm src/big
	assert_same_tree --no-dir-times src dst
}

# ---------------------------------------------------------------------------
# Seen from outside
# ---------------------------------------------------------------------------

test_unrelated_process_sees_the_board()
{
	make_long_names src
	MCP_BOARD=memfd held_copy -j 3 src dst
	poll 10 under_way 3
	assertEquals 'magic yes, version 4' "$(sed -n 1p view)"
	assertEquals 'sizes yes' "$(sed -n 2p view)"
	assertEquals "pid $MCP_PID, slots 4" "$(sed -n 3p view)"
	assertEquals "command ${MCP##*/} -rv -j 3 src dst" \
		"$(sed -n 4p view | sed 's|command .*/mcp |command mcp |')"
	assertEquals 3 "$(sed -n 's/^workers //p' view | wc -w)"
	workers=$(sed -n "s/^workers //p" view)
	for pid in $workers; do
		assertEquals "$MCP_PID" \
			"$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status")"
	done
	let_go
	assertEquals status 0 $?
	! view || fail 'there is a board after the end'
}

# Two that see it at the same time, one of them without a common ancestor but
# init, see the same; and it changes while they look.
test_unrelated_processes_see_the_same_board()
{
	need_command setsid || return 0
	make_long_names src
	MCP_BOARD=memfd held_copy -j 3 src dst
	poll 10 under_way 3
	# They do when everybody waits.
	agree()
	{
		rm -f view.orphan
		(setsid "$HELPERS/boardview" "$MCP_PID" >view.new &&
			mv view.new view.orphan) &
		poll 10 test -e view.orphan
		view && cmp -s view view.orphan
	}
	poll 10 agree || fail "$(diff view view.orphan)"
	head -c 100000 <&8 >"$OUT"
	changed()
	{
		view && ! cmp -s view view.orphan
	}
	poll 10 changed || fail 'it did not change'
	let_go
	assertEquals status 0 $?
}

test_board_is_not_for_other_users()
{
	need_root || return 0
	make_long_names src
	MCP_BOARD=memfd held_copy -j 2 src dst
	poll 10 under_way 2
	install -m 755 "$HELPERS/boardview" .
	if as_nobody ./boardview "$MCP_PID" >view 2>&1; then
		fail 'another user sees it'
	fi
	let_go
	assertEquals status 0 $?
}

. "$SHUNIT2"

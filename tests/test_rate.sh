#!/bin/sh
# --rate: how many bytes a second all processes move together.
#
#   held_*     a copy takes as long as the limit says, by whatever method and
#              with however many workers; not much longer
#   free_*     what moves no bytes does not wait
#   value_*    what is taken for a limit
#   ended_*    a signal ends the wait at once, and nothing is left half
#
# The lower bounds are hard; the upper ones leave a busy machine its time.

. "$(dirname "$0")/lib.sh"

METHODS='auto rw range mmap'

random_file()
{
	head -c "$1" /dev/urandom >"$2"
}

now_ms()
{
	date +%s%3N
}

# takes FROM-MS TO-MS COMMAND...
takes()
{
	takes_from=$1
	takes_to=$2
	shift 2
	began=$(now_ms)
	expect 0 "$@"
	took=$(($(now_ms) - began))
	if [ "$took" -lt "$takes_from" ] || [ "$took" -gt "$takes_to" ]; then
		fail "took $took ms, not $takes_from to $takes_to: $*"
	fi
}

# ---------------------------------------------------------------------------

# Two seconds' worth.
test_held_for_a_big_file()
{
	random_file 16777216 big
	for j in 1 2 4; do
		rm -f dst
		takes 1800 6000 mcp -j$j --reflink=never --rate=8M big dst
		assert_same_file big dst
	done
}

test_held_for_a_tree()
{
	mkdir src
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		random_file 100000 src/$i
		mkdir src/d$i
		random_file 4857 src/d$i/f
	done
	for j in 1 3; do
		rm -rf dst
		takes 1800 6000 mcp -j$j -a --reflink=never --rate=1M src dst
		assert_same_tree src dst
	done
}

test_held_by_each_method()
{
	random_file 9000000 big
	random_file 1000000 small
	mkdir dst
	for method in $METHODS; do
		rm -f dst/*
		takes 900 5000 mcp -j2 --reflink=never "--method=$method" \
			--rate=10000000 big small dst
		assert_same_file big dst/big
		assert_same_file small dst/small
	done
}

# Which file system it is chooses the method. Nothing is paid for twice.
test_held_on_each_file_system()
{
	for type in ext4 xfs btrfs; do
		with_fs $type 320M || return 0
		random_file 16777216 $type/big
		takes 1800 3500 mcp -j1 --reflink=never --rate=8M \
			$type/big $type/dst
		assert_same_file $type/big $type/dst
		end_mounts
	done
}

test_held_where_one_process_does_it_all()
{
	random_file 9000000 big
	takes 900 5000 mcp -i --reflink=never --rate=9000000 big dst
	assert_same_file big dst
	rm dst
	takes 900 5000 mcp -j2 --sparse=always --rate=9000000 big dst
	assert_same_file big dst
}

# What a hole skips is not paid for.
test_held_for_data_only()
{
	truncate -s 100M holes
	dd if=/dev/urandom of=holes bs=1M seek=50 count=1 conv=notrunc \
		status=none
	takes 400 5000 mcp -j2 --rate=2M holes dst
	assert_same_file holes dst
}

# Bytes of one worker's small pieces, and of files smaller than a page.
test_held_for_little()
{
	random_file 100 a
	takes 900 4000 mcp --rate=100 a b
	assert_same_file a b
	mkdir src
	for i in 1 2 3 4 5 6 7 8 9; do
		random_file 10 src/$i
	done
	takes 800 4000 mcp -j3 -r --rate=.1K src dst
	assert_same_tree --no-times src dst
}

# The pace is even: a line a second of what there is by then.
test_held_evenly()
{
	random_file 16777216 big
	expect 0 mcp -j2 --reflink=never --rate=4M --progress=always big dst
	sed -n 's/^[^0-9]*\([0-9]*%  \)*\([0-9]*\)\.[0-9] MiB .*/\2/p' "$ERR" |
		sed -n 2p >second
	has=$(cat second)
	assertTrue "${has:-nothing} MiB after 1 to 2 seconds: $(cat "$ERR")" \
		"[ ${has:-0} -ge 2 ] && [ ${has:-0} -le 9 ]"
}

test_held_is_shown()
{
	random_file 8000000 a
	expect 0 mcp --reflink=never --rate=4M --progress=always --stats a b
	assertContains "$(cat "$ERR")" 'MiB/s'
	# Bytes a second over all the time.
	rate=$(sed -n 's/^rate *\([0-9]*\)\..* MiB\/s$/\1/p' "$ERR")
	assertTrue "$(grep ^rate "$ERR")" "[ ${rate:-9} -le 4 ]"
}

# ---------------------------------------------------------------------------

test_free_where_no_bytes_move()
{
	random_file 9000000 big
	takes 0 4000 mcp --rate=1 --attributes-only big a
	takes 0 4000 mcp --rate=1 -l big b
	takes 0 4000 mcp --rate=1 -s big c
	mkdir -p src/a/b/c
	: >src/a/empty
	ln -s x src/a/link
	takes 0 4000 mcp -j2 -a --rate=1 src dst
	assert_same_tree src dst
}

test_free_where_it_is_cloned()
{
	with_fs btrfs 320M || return 0
	random_file 20000000 btrfs/big
	takes 0 4000 mcp -j2 --rate=1K btrfs/big btrfs/copy
	assert_same_file btrfs/big btrfs/copy
}

test_free_at_zero()
{
	random_file 9000000 big
	takes 0 4000 mcp --rate=0 big dst
	assert_same_file big dst
	takes 0 4000 mcp --rate=1 --rate=0.0K big dst
}

# ---------------------------------------------------------------------------

test_value_that_makes_no_sense()
{
	echo a >a
	for bad in '' x 1x 1KB 1.K -1 +1 ' 1' 1,5 1e6 99999999T; do
		expect 1 mcp "--rate=$bad" a b
		assertEquals "mcp: invalid rate for --rate: '$bad'" \
			"$(cat "$ERR")"
		assertFalse "$bad" '[ -e b ]'
	done
}

test_value_with_units()
{
	echo a >a
	for good in 1k 1K 1.5m 2M .5g 1.25G 1t 7T 1000 9223372036854775807; do
		expect 0 mcp "--rate=$good" a b
		assert_same_file a b
	done
}

# ---------------------------------------------------------------------------

# ended_soon SIGNAL: by that signal, within a second.
ended_soon()
{
	began=$(now_ms)
	kill "-$1" "$MCP_PID"
	mcp_wait 2>/dev/null
	status=$?
	took=$(($(now_ms) - began))
	case $1 in
	TERM) assertEquals 143 $status ;;
	INT) assertEquals 130 $status ;;
	esac
	assertTrue "took $took ms" "[ $took -le 1000 ]"
	assertEquals 'said' '' "$(cat err)"
	assertEquals 'processes left' '' "$(leftovers)"
}

test_ended_big_file_is_removed()
{
	random_file 20000000 big
	for method in $METHODS; do
		for signal in TERM INT; do
			mcp_start -j2 --reflink=never "--method=$method" \
				--rate=10 big dst 2>err
			poll 10 test -e dst
			ended_soon $signal
			assertFalse "$method: dst was left" '[ -e dst ]'
		done
	done
}

test_ended_small_file_is_removed()
{
	random_file 2000000 small
	echo before >there
	for j in 1 3; do
		for method in $METHODS; do
			mcp_start -j$j --reflink=never "--method=$method" \
				--rate=10 small dst 2>err
			poll 10 test -e dst
			ended_soon TERM
			assertFalse "$method: left" '[ -e dst ]'
		done
	done
	mcp_start --reflink=never --rate=10 small there 2>err
	poll 10 sh -c '[ "$(cat there)" != before ]'
	ended_soon TERM
	assertEquals 0 "$(stat -c %s there)"
}

test_ended_tree_has_no_half_files()
{
	mkdir src
	for i in 1 2 3 4 5 6 7 8 9; do
		random_file 200000 src/$i
	done
	mcp_start -j3 -r --reflink=never --rate=1M src dst 2>err
	poll 10 sh -c '[ "$(ls dst | wc -l)" -ge 3 ]' 2>/dev/null
	ended_soon TERM
	expect 1 "$HELPERS/treecmp" --no-times src dst
	assertEquals '' "$(grep -v 'only in A$' "$OUT")"
}

test_ended_where_one_process_does_it_all()
{
	random_file 2000000 small
	mcp_start -i --reflink=never --rate=10 small dst 2>err
	poll 10 test -e dst
	ended_soon TERM
	assertFalse 'dst was left' '[ -e dst ]'
}

workers()
{
	cat "/proc/$MCP_PID/task/$MCP_PID/children"
}

# Who dies while it waits is replaced as ever.
test_death_while_waiting_costs_nothing()
{
	random_file 12000000 big
	mcp_start -j2 --reflink=never --rate=6M big dst 2>err
	poll 10 test -e dst
	for pid in $(workers); do
		kill -KILL "$pid"
	done
	mcp_wait
	assertEquals 0 "$?"
	assert_same_file big dst
	assertEquals 2 "$(grep -c 'was killed by signal 9' err)"
}

. "$SHUNIT2"

#!/bin/sh
# --cache and --dirty-bytes: what a copy leaves in memory, and that write-back
# that fails is an error.
#
#   drop_*     what was copied is not in the page cache; a source that was there
#              before is
#   dirty_*    no more than that waits to be written back, at any time
#   error_*    write-back that fails
#   ended_*    signals and deaths while it is waited for
#   value_*    what is taken for a size
#
# "Big" is what the workers share, from 8 MiB on; "small" what one process
# copies.

. "$(dirname "$0")/lib.sh"

METHODS='auto rw range mmap'
TYPES='ext4 xfs btrfs'

random_file()
{
	head -c "$1" /dev/urandom >"$2"
}

make_tree()
{
	"$HELPERS/bigtree" --files=400 --dirs=20 --lognormal=8000,1.5 \
		--seed=3 "$1" >/dev/null
}

need_cachestat()
{
	echo >probe
	"$HELPERS/cached" probe >/dev/null
	[ $? -ne 77 ] || {
		skip 'needs cachestat(2)'
		return 1
	}
}

# pages COLUMN FILE...: of all these files, of what cached prints.
pages()
{
	column=$1
	shift
	"$HELPERS/cached" "$@" | awk -v c="$column" '{ n += $c } END { print n + 0 }'
}

in_cache()
{
	pages 1 "$@"
}

# The files of a tree.
of_tree()
{
	find "$1" -type f -size +0
}

tree_in_cache()
{
	# shellcheck disable=SC2046
	in_cache $(of_tree "$1")
}

drop_tree()
{
	# shellcheck disable=SC2046
	"$HELPERS/cached" --drop $(of_tree "$1") >/dev/null
}

read_tree()
{
	# shellcheck disable=SC2046
	"$HELPERS/cached" --read $(of_tree "$1") >/dev/null
}

# ---------------------------------------------------------------------------

test_drop_big_file()
{
	need_cachestat || return 0
	for type in $TYPES; do
		with_fs "$type" 320M || return 0
		random_file 20000001 "$type/big"
		for method in $METHODS; do
			for j in 1 3; do
				how="$type $method -j$j"
				rm -f "$type/dst"
				"$HELPERS/cached" --drop "$type/big" >/dev/null
				expect 0 mcp -j$j --reflink=never \
					"--method=$method" --cache=drop \
					"$type/big" "$type/dst"
				assertEquals "dst, $how" 0 "$(in_cache "$type/dst")"
				assertEquals "src, $how" 0 "$(in_cache "$type/big")"
				assert_same_file "$type/big" "$type/dst"
			done
		done
		end_mounts
	done
}

test_drop_tree()
{
	need_cachestat || return 0
	for type in $TYPES; do
		with_fs "$type" 320M || return 0
		make_tree "$type/src"
		for j in 1 3; do
			rm -rf "$type/dst"
			drop_tree "$type/src"
			expect 0 mcp -j$j -a --reflink=never --cache=drop \
				"$type/src" "$type/dst"
			assertEquals "dst, $type -j$j" 0 \
				"$(tree_in_cache "$type/dst")"
			assertEquals "src, $type -j$j" 0 \
				"$(tree_in_cache "$type/src")"
			assert_same_tree "$type/src" "$type/dst"
		done
		end_mounts
	done
}

# Without a fork, too.
test_drop_one_small_file()
{
	need_cachestat || return 0
	with_fs ext4 64M || return 0
	random_file 12345 ext4/a
	for method in $METHODS; do
		rm -f ext4/b
		"$HELPERS/cached" --drop ext4/a >/dev/null
		expect 0 mcp --cache=drop --method="$method" ext4/a ext4/b
		assertEquals "$method" '0 0' "$(in_cache ext4/a) $(in_cache ext4/b)"
		assert_same_file ext4/a ext4/b
	done
}

test_drop_with_holes()
{
	need_cachestat || return 0
	with_fs ext4 64M || return 0
	truncate -s 100M ext4/holes
	for at in 3 50 99; do
		dd if=/dev/urandom of=ext4/holes bs=64K seek=$((at * 16)) \
			count=9 conv=notrunc status=none
	done
	"$HELPERS/cached" --drop ext4/holes >/dev/null
	expect 0 mcp -j2 --cache=drop ext4/holes ext4/dst
	assertEquals '0 0' "$(in_cache ext4/holes) $(in_cache ext4/dst)"
	assert_same_tree --no-times ext4/holes ext4/dst
	expect 0 mcp -j2 --cache=drop --sparse=always ext4/holes ext4/dst2
	assertEquals 0 "$(in_cache ext4/dst2)"
	assert_same_file ext4/holes ext4/dst2
}

# One process for all, as it asks.
test_drop_where_one_process_does_it_all()
{
	need_cachestat || return 0
	with_fs ext4 128M || return 0
	random_file 20000000 ext4/big
	"$HELPERS/cached" --drop ext4/big >/dev/null
	expect 0 mcp -i --cache=drop ext4/big ext4/dst
	assertEquals '0 0' "$(in_cache ext4/big) $(in_cache ext4/dst)"
	assert_same_file ext4/big ext4/dst
}

test_drop_a_stream()
{
	need_cachestat || return 0
	with_fs ext4 64M || return 0
	random_file 9000000 big
	expect 0 sh -c "cat big | '$MCP' --cache=drop /dev/stdin ext4/dst"
	assertEquals 0 "$(in_cache ext4/dst)"
	assert_same_file big ext4/dst
}

test_drop_leaves_a_source_that_was_cached()
{
	need_cachestat || return 0
	with_fs ext4 200M || return 0
	random_file 20000000 ext4/big
	make_tree ext4/src
	read_tree ext4/src
	"$HELPERS/cached" --read ext4/big >/dev/null
	big=$(in_cache ext4/big)
	tree=$(tree_in_cache ext4/src)
	expect 0 mcp -j2 -r --cache=drop ext4/big ext4/dst
	expect 0 mcp -j2 -r --cache=drop ext4/src ext4/dst.d
	assertEquals "$big" "$(in_cache ext4/big)"
	assertEquals "$tree" "$(tree_in_cache ext4/src)"
	assertEquals 0 "$(in_cache ext4/dst)"
	assertEquals 0 "$(tree_in_cache ext4/dst.d)"
	# A part of it is not half; the kernel reads ahead of what is read.
	"$HELPERS/cached" --drop ext4/big >/dev/null
	dd if=ext4/big of=/dev/null bs=1M count=1 status=none
	rm ext4/dst
	expect 0 mcp -j2 --cache=drop ext4/big ext4/dst
	assertEquals 0 "$(in_cache ext4/big)"
}

# Who may not ask the kernel leaves the source alone.
test_drop_leaves_a_source_of_which_nothing_is_known()
{
	need_cachestat || return 0
	need_root || return 0
	with_fs ext4 64M || return 0
	random_file 9000000 ext4/big
	chmod 755 ext4
	chmod 644 ext4/big
	mkdir -m 777 ext4/out
	"$HELPERS/cached" --drop ext4/big >/dev/null
	expect 0 mcp_as_nobody -j2 --cache=drop ext4/big ext4/out
	assertNotEquals 0 "$(in_cache ext4/big)"
	assertEquals 0 "$(in_cache ext4/out/big)"
	assert_same_file ext4/big ext4/out/big
}

test_drop_keep_is_the_default()
{
	need_cachestat || return 0
	with_fs ext4 64M || return 0
	random_file 9000000 ext4/big
	for how in '' --cache=keep '--cache=drop --cache=keep' --dirty-bytes=1M; do
		rm -f ext4/dst
		"$HELPERS/cached" --drop ext4/big >/dev/null
		# shellcheck disable=SC2086
		expect 0 mcp -j2 --reflink=never $how ext4/big ext4/dst
		assertNotEquals "$how" 0 "$(in_cache ext4/big)"
		assertEquals "$how" 2198 "$(in_cache ext4/dst)"
	done
}

# Where pages are all there is (tmpfs), they stay.
test_drop_on_tmpfs_loses_nothing()
{
	with_fs tmpfs 100M || return 0
	random_file 20000000 tmpfs/big
	make_tree tmpfs/src
	expect 0 mcp -j2 --cache=drop tmpfs/big tmpfs/dst
	assert_same_file tmpfs/big tmpfs/dst
	expect 0 mcp -j2 -a --cache=drop tmpfs/src tmpfs/dst.d
	assert_same_tree tmpfs/src tmpfs/dst.d
}

# A kernel, or file system, without sync_file_range(2).
test_drop_by_other_calls()
{
	need_cachestat || return 0
	need_command strace || return 0
	with_fs ext4 64M || return 0
	random_file 9000000 ext4/big
	random_file 9000 ext4/small
	"$HELPERS/cached" --drop ext4/big ext4/small >/dev/null
	traced 0 sync_file_range ENOSYS -j2 --cache=drop ext4/big ext4/dst
	assertEquals '0 0' "$(in_cache ext4/big) $(in_cache ext4/dst)"
	traced 0 sync_file_range EOPNOTSUPP --cache=drop ext4/small ext4/dst2
	assertEquals '0 0' "$(in_cache ext4/small) $(in_cache ext4/dst2)"
}

# traced STATUS CALL ERROR ARG...: mcp where that call always fails.
traced()
{
	traced_status=$1
	traced_call=$2
	traced_error=$3
	shift 3
	expect "$traced_status" limited env \
		ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
		strace -f -q -o trace -e "trace=$traced_call" \
		-e "inject=$traced_call:error=$traced_error" "$MCP" "$@"
	grep -q INJECTED trace || fail "$traced_call was not called"
}

# ---------------------------------------------------------------------------

signal_workers()
{
	# shellcheck disable=SC2046
	kill -s "$1" $(cat "/proc/$MCP_PID/task/$MCP_PID/children") 2>/dev/null
} 2>/dev/null

# most_dirty FILES: the most pages of these (a pattern) that are seen dirty or
# under write-back while mcp runs, in $most.  cachestat(2) looks at one page after
# the other, so nothing may be written meanwhile.
most_dirty()
{
	most=0
	while [ -d "/proc/$MCP_PID" ] && ! grep -q '^State:.Z' \
		"/proc/$MCP_PID/status" 2>/dev/null; do
		signal_workers STOP
		# shellcheck disable=SC2086
		now=$("$HELPERS/cached" $1 2>/dev/null |
			awk '{ n += $2 + $3 } END { print n + 0 }')
		signal_workers CONT
		[ "$now" -le "$most" ] || most=$now
	done
	mcp_wait
	assertEquals 0 "$?"
}

# At a rate the kernel sees no reason to write anything back for long: without a
# bound there is more.
test_dirty_big_file_is_bounded()
{
	need_cachestat || return 0
	with_fs ext4 128M || return 0
	random_file 30000000 ext4/big
	sync ext4/big
	mcp_start --reflink=never --rate=25M ext4/big ext4/dst
	most_dirty ext4/dst
	assertTrue "$most pages without a bound" "[ $most -gt 512 ]"
	for how in -j1 -j3 '-j3 --method=rw' '-j2 --method=mmap' \
		'-j2 --method=range'; do
		rm -f ext4/dst
		# shellcheck disable=SC2086
		mcp_start $how --reflink=never --rate=25M --dirty-bytes=2M \
			ext4/big ext4/dst
		most_dirty ext4/dst
		assertTrue "$how: $most pages" "[ $most -le 512 ]"
		assert_same_file ext4/big ext4/dst
		assertEquals "$how: dirty at the end" 0 "$(pages 2 ext4/dst)"
	done
}

test_dirty_tree_is_bounded()
{
	need_cachestat || return 0
	with_fs ext4 128M || return 0
	mkdir ext4/src
	for i in 1 2 3 4 5; do
		mkdir ext4/src/$i
		for j in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			random_file 100000 ext4/src/$i/$j
		done
	done
	sync ext4/src/*/*
	mcp_start -j1 -r --reflink=never --rate=8M ext4/src ext4/dst
	most_dirty 'ext4/dst/*/*'
	assertTrue "$most pages without a bound" "[ $most -gt 150 ]"
	for j in 1 3; do
		rm -rf ext4/dst
		mcp_start -j$j -r --reflink=never --rate=8M --dirty-bytes=600K \
			ext4/src ext4/dst
		most_dirty 'ext4/dst/*/*'
		assertTrue "-j$j: $most pages" "[ $most -le 150 ]"
		assert_same_tree --no-times ext4/src ext4/dst
		assertEquals "dirty at the end" 0 "$(pages 2 ext4/dst/*/*)"
	done
}

# splice(2) and read(2)
test_dirty_stream_is_bounded()
{
	need_cachestat || return 0
	with_fs ext4 64M || return 0
	random_file 20000000 big
	mkfifo fifo
	for how in --sparse=auto --sparse=always; do
		rm -f ext4/dst
		cat big >fifo &
		writer=$!
		mcp_start -j1 $how --rate=15M --dirty-bytes=512K fifo ext4/dst
		most_dirty ext4/dst
		assertTrue "$how: $most pages" "[ $most -le 128 ]"
		wait $writer
		assert_same_file big ext4/dst
		assertEquals "$how: dirty at the end" 0 "$(pages 2 ext4/dst)"
	done
}

# So little that every page is waited for; so much that none is.
test_dirty_at_the_ends()
{
	with_fs ext4 64M || return 0
	random_file 500001 ext4/a
	random_file 9000001 ext4/big
	for size in 1 4K 0 100G; do
		for cache in keep drop; do
			rm -f ext4/b ext4/dst
			expect 0 mcp -j2 --reflink=never --dirty-bytes=$size \
				--cache=$cache ext4/a ext4/b
			assert_same_file ext4/a ext4/b
			[ $size != 1 ] || continue
			expect 0 mcp -j2 --reflink=never --dirty-bytes=$size \
				--cache=$cache ext4/big ext4/dst
			assert_same_file ext4/big ext4/dst
		done
	done
}

# Files held open for their write-back must not be too many.
test_dirty_with_few_descriptors()
{
	with_fs ext4 64M || return 0
	make_tree ext4/src
	(
		# shellcheck disable=SC3045
		ulimit -n 100
		expect 0 mcp -j2 -a --dirty-bytes=64M ext4/src ext4/dst
	)
	assert_same_tree ext4/src ext4/dst
}

# ---------------------------------------------------------------------------

EIO='Input/output error'

test_error_big_file_is_removed()
{
	need_command strace || return 0
	random_file 20000000 big
	for how in --dirty-bytes=1M --dirty-bytes=1G --cache=drop; do
		traced 1 sync_file_range EIO -j2 $how big dst
		assertEquals "$(cat "$ERR")" 1 "$(wc -l <"$ERR")"
		assertContains "$how" "$(cat "$ERR")" \
			"mcp: error writing 'dst' at byte"
		assertContains "$how" "$(cat "$ERR")" "$EIO"
		assertFalse "$how: it was left" '[ -e dst ]'
	done
	echo before >dst
	traced 1 sync_file_range EIO -j2 --dirty-bytes=1M big dst
	assertEquals 0 "$(stat -c %s dst)"
}

test_error_only_in_the_last_look_at_a_big_file()
{
	need_command strace || return 0
	random_file 20000000 big
	expect 1 limited env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
		strace -f -q -o trace -e trace=sync_file_range -P "$PWD/dst" \
		-e inject=sync_file_range:error=ENOSPC:when=11+ \
		"$MCP" -j1 --dirty-bytes=64M big dst
	grep -q INJECTED trace || fail "too few calls: $(cat trace)"
	assertContains "$(cat "$ERR")" 'No space left on device'
	assertFalse 'it was left' '[ -e dst ]'
}

test_error_small_file_is_removed_or_emptied()
{
	need_command strace || return 0
	random_file 20000 small
	mkdir src
	for i in 1 2 3 4 5 6 7 8 9; do
		random_file 5000 src/$i
	done
	# As soon as write-back is begun: it is not over yet.
	traced 1 sync_file_range ENOSPC --dirty-bytes=1M small dst
	assertEquals "mcp: error writing 'dst' at byte 0: No space left on device" \
		"$(cat "$ERR")"
	assertFalse 'it was left' '[ -e dst ]'
	# When it was waited for, at the end. MCP_ALONE=0: with workers.
	for alone in 1 0; do
		rm -rf dst
		MCP_ALONE=$alone
		export MCP_ALONE
		expect 1 limited env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
			strace -f -q -o trace -e trace=sync_file_range \
			-e inject=sync_file_range:error=EIO:when=10+ \
			"$MCP" -j1 -r --stats --dirty-bytes=64M src dst
		unset MCP_ALONE
		n=$(grep -c INJECTED trace)
		assertEquals 9 "$n"
		assertEquals "$alone" 9 \
			"$(grep -c "^mcp: error writing back 'dst/[1-9]': $EIO" "$ERR")"
		assertEquals 9 "$(find dst -type f -size 0 | wc -l)"
		assertEquals 9 "$(sed -n 's/^errors *//p' "$ERR")"
	done
}

test_error_stream_is_removed()
{
	need_command strace || return 0
	random_file 9000000 big
	mkfifo fifo
	for size in 1M 64M; do
		cat big >fifo 2>/dev/null &
		traced 1 sync_file_range EIO --dirty-bytes=$size fifo dst
		wait $!
		assertEquals "$(cat "$ERR")" 1 "$(wc -l <"$ERR")"
		assertContains "$(cat "$ERR")" "mcp: error writing 'dst' at byte"
		assertFalse "$size: it was left" '[ -e dst ]'
	done
}

# A file system that believes it has room, on a device that has none: the
# kernel's own error, when it comes to write back.
with_lying_fs()
{
	with_fs tmpfs 24M host || return 1
	need_command mkfs.ext4 || return 1
	truncate -s 200M host/image
	mkfs.ext4 -qF -O ^has_journal -E lazy_itable_init=1 host/image || {
		skip 'no ext4 here'
		return 1
	}
	mkdir lying
	mount -o loop host/image lying || {
		skip 'no loop devices here'
		return 1
	}
	printf '%s\n' "$PWD/lying" >>"$TEST_ROOT/mounts"
}

test_error_of_a_real_device()
{
	random_file 60000000 big
	mkdir src
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		random_file 3000000 src/$i
	done
	with_lying_fs || return 0
	for how in '--dirty-bytes=4M --method=rw' '--cache=drop --method=mmap'; do
		# shellcheck disable=SC2086
		expect 1 mcp -j2 $how big lying/dst
		assertContains "$how" "$(cat "$ERR")" \
			"mcp: error writing 'lying/dst' at byte"
		assertFalse "$how: it was left" '[ -e lying/dst ]'
	done
	expect 1 mcp -j2 -r --dirty-bytes=4M src lying/src
	grep -q -e "^mcp: error writing back 'lying/src/[0-9]*': " \
		-e "^mcp: error writing 'lying/src/[0-9]*' at byte" "$ERR" ||
		fail "$(cat "$ERR")"
	# Whatever is not as its source was reported.
	for f in src/*; do
		cmp -s "$f" "lying/$f" ||
			grep -q "'lying/$f'" "$ERR" ||
			fail "wrong, and not a word: $f"
	done
}

# ---------------------------------------------------------------------------

# slowly_synced ARG...: mcp in the background; each wait for write-back takes
# $DELAY us.
slowly_synced()
{
	need_command strace || return 1
	cat >slow-mcp <<-EOF
		#!/bin/sh
		export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
		exec strace -DD -f -q -o trace -e trace=sync_file_range \
			-e inject=sync_file_range:delay_enter=$DELAY "$MCP" "\$@"
	EOF
	chmod +x slow-mcp
	real=$MCP
	MCP=$PWD/slow-mcp
	mcp_start "$@"
	MCP=$real
}

many_small()
{
	mkdir src
	for i in 1 2 3 4 5 6 7 8 9 10; do
		random_file 5000 src/$i
	done
}

# by_a_slow_worker DELAY: ten small files, in the background.
by_a_slow_worker()
{
	many_small
	MCP_ALONE=0
	export MCP_ALONE
	DELAY=$1
	slowly_synced -j1 -r --dirty-bytes=64M src dst 2>err || return
	unset MCP_ALONE
}

# Workers that wait for the disk at the end are not taken for stuck.
test_ended_not_while_the_disk_is_slow()
{
	by_a_slow_worker 600000 || return 0
	mcp_wait
	assertEquals 0 "$?"
	assertEquals '' "$(cat err)"
	assertEquals 20 "$(grep -c 'sync_file_range(.*= 0' trace)"
	assert_same_tree --no-times src dst
}

copied()
{
	[ "$(find dst -type f -size 5000c 2>/dev/null | wc -l)" -eq 10 ]
}

# A signal ends that wait, and is not lost: not all was seen.
test_ended_while_the_disk_is_slow()
{
	many_small
	DELAY=300000
	for alone in 0 1; do
		MCP_ALONE=$alone
		export MCP_ALONE
		rm -rf dst
		slowly_synced -j1 -r --dirty-bytes=64M src dst 2>err || return 0
		unset MCP_ALONE
		poll 20 copied
		began=$(date +%s)
		kill -TERM "$MCP_PID"
		mcp_wait 2>/dev/null
		assertEquals "MCP_ALONE=$alone" 143 "$?"
		assertTrue 'it took too long' "[ $(($(date +%s) - began)) -le 2 ]"
		# They are whole, and stay.
		assert_same_tree --no-times src dst
	done
}

test_ended_worker_that_had_not_seen_all_is_told_of()
{
	by_a_slow_worker 300000 || return 0
	poll 20 copied
	# shellcheck disable=SC2046
	kill -KILL $(cat "/proc/$MCP_PID/task/$MCP_PID/children")
	mcp_wait
	assertEquals 0 "$?"
	grep -q '^mcp: nobody knows whether all that worker [0-9]* copied was wr' \
		err || fail "$(cat err)"
	assert_same_tree --no-times src dst
}

# Of a big file it is known: who finishes it waits for all of it.
test_ended_worker_in_a_big_file_leaves_nothing_unknown()
{
	random_file 20000000 big
	mcp_start -j1 --reflink=never --rate=10M --dirty-bytes=64M big dst 2>err
	poll 10 has_data_at 9000000 dst
	# shellcheck disable=SC2046
	kill -KILL $(cat "/proc/$MCP_PID/task/$MCP_PID/children")
	mcp_wait
	assertEquals 0 "$?"
	assertEquals 1 "$(grep -c 'was killed by signal 9' err)"
	assertEquals "$(cat err)" 1 "$(wc -l <err)"
	assert_same_file big dst
}

# has_data_at BYTE FILE: more than zeros, whatever its length says.
has_data_at()
{
	tail -c "+$1" "$2" 2>/dev/null | tr -d '\0' | head -c 1 | grep -q .
}

# ---------------------------------------------------------------------------

test_value_that_makes_no_sense()
{
	echo a >a
	for bad in '' x 1x 1KB -1 1,5 99999999T; do
		expect 1 mcp "--dirty-bytes=$bad" a b
		assertEquals "mcp: invalid size for --dirty-bytes: '$bad'" \
			"$(cat "$ERR")"
		assertFalse "$bad" '[ -e b ]'
	done
	expect 1 mcp --cache=x a b
	assertContains "$(cat "$ERR")" "invalid argument 'x' for '--cache'"
	assertFalse '[ -e b ]'
}

# Where nobody asks for it, none of it happens.
test_value_nothing_is_nothing()
{
	need_command strace || return 0
	random_file 9000000 big
	for how in '' --cache=keep --dirty-bytes=0; do
		# shellcheck disable=SC2086
		expect 0 limited env \
			ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -f -q \
			-o trace -e trace=sync_file_range,fadvise64,fdatasync \
			"$MCP" -j2 $how big dst
		assertEquals "$how" '' "$(grep '(' trace)"
	done
	expect 0 limited env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
		strace -f -q -o trace -e trace=sync_file_range "$MCP" -j2 \
		--cache=drop big dst
	assertNotEquals '' "$(grep '(' trace)"
}

. "$SHUNIT2"

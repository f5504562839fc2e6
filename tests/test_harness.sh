#!/bin/sh
# The tests' own tools, for what they do not see no test sees.
#
#   same_*, differ_*   treecmp: each aspect of a difference is reported, the flag
#                      that leaves it out leaves it out, and nothing else does.
#                      The copies compared are made by cp, not by mcp.
#   mktree_*           it makes what it says, on each file system
#   bigtree_*          it makes as many as it is told
#   lib_*              tests/lib.sh: what fails a test, what is tidied up
#   driver_*           tests/driver.sh and tests/summary.sh: what is counted
#   machine_*          what all tests take for granted of the machine

. "$(dirname "$0")/lib.sh"

# Some tests put another program in its place.
real_mcp=$MCP
real_no_skip=${MCP_NO_SKIP-}

before_each()
{
	MCP=$real_mcp
	MCP_NO_SKIP=$real_no_skip
	unset MCP_FILE_LIMIT
}

# A file, a directory with a file, a symlink; and b, a copy of it.
make_pair()
{
	mkdir -p a/dir
	echo content >a/file
	echo content >a/dir/file
	ln -s target a/symlink
	touch -d 2001-02-03T04:05:06.789012345 a/file
	copy_pair
}

copy_pair()
{
	rm -rf b
	cp -a a b
}

treecmp()
{
	"$HELPERS/treecmp" "$@"
}

# Are a and b the same, to treecmp with these flags?
same()
{
	expect 0 treecmp "$@" a b || cat "$OUT"
}

# differ LINE [FLAG]...: they are not, and LINE is all that is said of it. What
# was done to b changed the times of directories, which is not the point.
differ()
{
	line=$1
	shift
	expect 1 treecmp --no-dir-times "$@" a b
	assertEquals "$line" "$(cat "$OUT")"
}

# ---------------------------------------------------------------------------
# treecmp
# ---------------------------------------------------------------------------

test_same_trees_have_no_difference()
{
	make_pair
	same
	assertEquals '' "$(cat "$OUT")"
}

test_same_single_files_have_no_difference()
{
	make_pair
	expect 0 treecmp a/file b/file
	echo contenT >b/file
	expect 1 treecmp --no-times a/file b/file
	assertEquals '.: content differs from byte 6 on' "$(cat "$OUT")"
}

test_differ_missing_entry()
{
	make_pair
	rm b/dir/file
	differ 'dir/file: only in A'
}

test_differ_additional_entry()
{
	make_pair
	mkdir b/dir/more
	differ 'dir/more: only in B'
}

test_differ_type()
{
	make_pair
	rm b/file && mkdir b/file
	differ 'file: regular file in A, directory in B'
	rmdir b/file && ln -s x b/file
	differ 'file: regular file in A, symlink in B'
	rm b/file && mkfifo b/file
	differ 'file: regular file in A, FIFO in B'
}

test_differ_size()
{
	make_pair
	echo longer content >b/file
	differ 'file: size 8 in A, 15 in B' --no-times
}

test_differ_first_byte()
{
	make_pair
	echo Content >b/file
	differ 'file: content differs from byte 0 on' --no-times
	same --no-dir-times --no-times --no-content
}

# Beyond the first buffer of treecmp, and on the last byte of a file.
test_differ_last_byte()
{
	make_pair
	head -c 1000001 /dev/urandom >a/file
	printf 'x' | dd of=a/file bs=1 seek=1000000 conv=notrunc status=none
	copy_pair
	printf 'y' | dd of=b/file bs=1 seek=1000000 conv=notrunc status=none
	differ 'file: content differs from byte 1000000 on' --no-times
}

test_differ_byte_in_a_hole()
{
	make_pair
	truncate -s 5M a/file
	copy_pair
	printf 'y' | dd of=b/file bs=1 seek=3000000 conv=notrunc status=none
	differ 'file: content differs from byte 3000000 on' --no-times
}

test_same_content_in_other_extents()
{
	make_pair
	truncate -s 100k a/file
	cp --sparse=never --preserve=all a/file b/file
	same
}

test_differ_hole_filled()
{
	make_pair
	truncate -s 4M a/file
	copy_pair
	cp --sparse=never --preserve=all a/file b/file
	expect 1 treecmp a b
	assertContains "$(cat "$OUT")" 'file: takes '
	same --no-blocks
	same --slack=5000000
}

test_differ_mode()
{
	make_pair
	chmod 604 b/file
	differ 'file: mode 0644 in A, 0604 in B'
	chmod 4644 b/file
	differ 'file: mode 0644 in A, 4644 in B'
	same --no-dir-times --no-mode
}

test_differ_mode_of_directory()
{
	make_pair
	chmod 1755 b/dir
	differ 'dir: mode 0755 in A, 1755 in B'
}

test_differ_owner()
{
	need_root || return 0
	make_pair
	chown 1 b/file
	differ 'file: uid 0 in A, 1 in B'
	same --no-dir-times --no-owner
}

test_differ_group_of_symlink()
{
	need_root || return 0
	make_pair
	chown -h :1 b/symlink
	differ 'symlink: gid 0 in A, 1 in B'
	same --no-dir-times --no-owner
}

test_differ_mtime_by_1_ns()
{
	make_pair
	touch -d 2001-02-03T04:05:06.789012346 b/file
	differ 'file: mtime 981173106.789012345 in A, 981173106.789012346 in B'
	same --no-times
}

test_differ_mtime_of_directory()
{
	make_pair
	touch -d @1.000000001 a/dir
	touch -d @1.000000002 b/dir
	expect 1 treecmp a b
	assertEquals 'dir: mtime 1.000000001 in A, 1.000000002 in B' \
		"$(cat "$OUT")"
	same --no-dir-times
}

test_differ_mtime_of_symlink()
{
	make_pair
	touch -h -d @1.5 a/symlink
	touch -h -d @1 b/symlink
	differ 'symlink: mtime 1.500000000 in A, 1.000000000 in B'
}

test_differ_atime_where_asked_for()
{
	make_pair
	touch -a -d @1 a/file
	touch -a -d @2 b/file
	same
	expect 1 treecmp --atime a/file b/file
	assertEquals '.: atime 1.000000000 in A, 2.000000000 in B' \
		"$(cat "$OUT")"
}

test_differ_symlink_target()
{
	make_pair
	ln -snf targeT b/symlink
	differ 'symlink: symlink with another target' --no-times
}

test_differ_user_xattr()
{
	need_command setfattr || return 0
	make_pair
	setfattr -n user.key -v value a/file
	differ 'file: xattr user.key: only in A'
	setfattr -n user.key -v valuE b/file
	differ 'file: xattr user.key: other value'
	setfattr -n user.key -v val b/file
	differ 'file: xattr user.key: 5 bytes in A, 3 in B'
	setfattr -x user.key a/file
	differ 'file: xattr user.key: only in B'
	same --no-dir-times --no-xattr
}

test_differ_trusted_and_security_xattr()
{
	need_root || return 0
	need_command setfattr || return 0
	make_pair
	setfattr -n trusted.key -v value a/dir
	differ 'dir: xattr trusted.key: only in A'
	copy_pair
	setfattr -n security.key -v value b/file
	differ 'file: xattr security.key: only in B'
	copy_pair
	setfattr -h -n trusted.key -v value a/symlink
	differ 'symlink: xattr trusted.key: only in A'
}

test_differ_capability()
{
	need_root || return 0
	need_command setcap || return 0
	make_pair
	setcap cap_net_raw=ep a/file
	differ 'file: xattr security.capability: only in A'
}

test_differ_acl()
{
	need_command setfacl || return 0
	make_pair
	setfacl -m u:1:r a/file
	copy_pair
	same
	setfacl -m u:1:w,m::r b/file
	differ 'file: xattr system.posix_acl_access: other value'
	same --no-dir-times --no-acl
}

test_differ_default_acl()
{
	need_command setfacl || return 0
	make_pair
	setfacl -d -m u:1:r a/dir
	differ 'dir: xattr system.posix_acl_default: only in A'
	same --no-dir-times --no-acl
}

test_differ_link_lost()
{
	make_pair
	ln a/file a/dir/link
	copy_pair
	same
	cp -p b/file b/copy && mv b/copy b/file
	differ 'file: link of another name in A, not in B'
	same --no-dir-times --no-links
}

test_differ_link_added()
{
	make_pair
	cp -p a/file a/dir/twin
	cp -a a/. b
	ln -f b/file b/dir/twin
	differ 'file: link of another name in B, not in A'
}

# Two pairs of links that were crossed: each inode has as many links as before.
test_differ_links_crossed()
{
	make_pair
	echo x >a/1 && ln a/1 a/2 && cp -p a/1 a/3 && ln a/3 a/4
	copy_pair
	same
	ln -f b/1 b/4 && cp -p b/1 b/new && ln -f b/new b/2 && mv b/new b/3
	expect 1 treecmp --no-dir-times a b
	assertContains "$(cat "$OUT")" 'link of another name in A, not in B'
	assertContains "$(cat "$OUT")" 'link of another name in B, not in A'
}

test_differ_link_of_symlink_lost()
{
	make_pair
	ln -P a/symlink a/link
	cp -a a/link b/link
	touch -h -r a/symlink b/symlink b/link
	differ 'symlink: link of another name in A, not in B'
}

test_differ_device_number()
{
	need_root || return 0
	make_pair
	mknod a/device c 1 3 2>/dev/null || {
		skip 'no devices here'
		return 0
	}
	mknod b/device c 1 5
	differ 'device: device 1:3 in A, 1:5 in B' --no-times
	rm b/device && mknod b/device b 1 3
	differ 'device: character device in A, block device in B' --no-times
}

test_differ_root_of_the_tree()
{
	make_pair
	chmod 700 b
	differ '.: mode 0755 in A, 0700 in B'
	same --no-root
}

test_differ_name_with_newline_is_one_line()
{
	make_pair
	touch "a/dir/new
line $(printf '\377')"
	differ 'dir/new\012line \377: only in A'
}

test_differ_every_one_is_reported()
{
	make_pair
	rm b/file
	chmod 700 b/dir
	echo x >b/dir/file
	ln -snf other b/symlink
	expect 1 treecmp --no-times a b
	assertEquals 4 "$(wc -l <"$OUT")"
}

test_differ_tree_that_is_its_own_copy()
{
	make_pair
	expect 1 treecmp a a
	assertContains "$(cat "$OUT")" \
		'file: one and the same inode in A and B'
	expect 0 treecmp --may-share a a
}

# mktree's deep/ is beyond PATH_MAX, so no path leads there, but find does.
test_differ_below_path_max()
{
	"$HELPERS/mktree" --small a >/dev/null
	"$HELPERS/mktree" --small b >/dev/null
	same
	find b/deep -name end -execdir chmod 600 {} +
	expect 1 treecmp a b
	assertEquals 2 "$(wc -l <"$OUT")"
	assertContains "$(cat "$OUT")" "$(printf '%0100d/' 0 |
		tr 0 p)end: mode 0644 in A, 0600 in B"
	# The other name of the same inode.
	assertContains "$(cat "$OUT")" 'end of deep: mode 0644 in A, 0600 in B'
}

test_differ_few_descriptors_are_enough()
{
	"$HELPERS/bigtree" --files=3000 --dirs=3000 --fanout=1 a >/dev/null
	"$HELPERS/bigtree" --files=3000 --dirs=3000 --fanout=1 b >/dev/null
	find b -name file2999 -execdir chmod 600 {} +
	# shellcheck disable=SC3045
	(
		ulimit -n 16
		treecmp --no-times a b
	) >"$OUT" 2>"$ERR"
	assertEquals 1 "$?"
	assertEquals 1 "$(grep -c 'file2999: mode 0644 in A, 0600 in B$' "$OUT")"
}

test_unreadable_is_not_the_same()
{
	make_pair
	chmod 000 a/file b/file
	cp "$HELPERS/treecmp" .
	expect 2 as_nobody ./treecmp a b
	assertContains "$(cat "$OUT")" 'file: A: cannot open: Permission denied'
	expect 2 treecmp a none
	assertContains "$(cat "$OUT")" '.: B: cannot stat: No such file'
}

# ---------------------------------------------------------------------------
# mktree, bigtree
# ---------------------------------------------------------------------------

# mktree_on TYPE: makes one there; there is nothing that file system lacks.
mktree_on()
{
	with_fs "$1" 600M fs || return 0
	expect 0 "$HELPERS/mktree" fs/a
	assertEquals '' "$(cat "$OUT")"
	"$HELPERS/mktree" --seed=1 a >/dev/null
	"$HELPERS/mktree" --seed=1 fs/b >/dev/null
	expect 0 treecmp --no-blocks a fs/b || cat "$OUT"
}

test_mktree_on_ext4_leaves_nothing_out()
{
	mktree_on ext4
}

test_mktree_on_xfs_leaves_nothing_out()
{
	mktree_on xfs
}

test_mktree_on_btrfs_leaves_nothing_out()
{
	mktree_on btrfs
}

test_mktree_on_tmpfs_leaves_nothing_out()
{
	mktree_on tmpfs
}

test_mktree_has_every_kind()
{
	"$HELPERS/mktree" a >/dev/null
	for kind in f d l p s; do
		[ -n "$(find a -type "$kind" | head -n 1)" ] ||
			fail "nothing of type $kind"
	done
	[ -n "$(find a -name '*
*' | head -n 1)" ] || fail 'no newline in a name'
	[ -n "$(find a -perm -4000 -type f | head -n 1)" ] || fail 'no set-id'
	[ -n "$(find a -links +200 | head -n 1)" ] || fail 'no links'
	[ -n "$(find a ! -newermt 1960-01-01 | head -n 1)" ] ||
		fail 'nothing before 1970'
	[ -n "$(find a -newermt 2300-01-01 | head -n 1)" ] ||
		fail 'nothing in the far future'
	[ -n "$(find a -size +4G | head -n 1)" ] || fail 'nothing over 4 GiB'
	need_root || return 0
	for kind in b c; do
		[ -n "$(find a -type "$kind" | head -n 1)" ] ||
			fail "nothing of type $kind"
	done
	[ -n "$(find a -perm 0 -type d | head -n 1)" ] || fail 'no mode 000'
}

test_mktree_another_seed_makes_another_tree()
{
	"$HELPERS/mktree" --small --seed=7 a >/dev/null
	"$HELPERS/mktree" --small --seed=8 b >/dev/null
	expect 1 treecmp --no-times a b
	assertContains "$(cat "$OUT")" 'sizes/4096+0: content differs'
}

test_mktree_chunk_adds_sizes_around_it()
{
	"$HELPERS/mktree" --small --chunk=300000 a >/dev/null
	assertEquals '299999 300000 300001' "$(find a/sizes/chunk -type f \
		-printf '%s\n' | sort | xargs)"
}

test_mktree_without_privilege_says_what_it_leaves_out()
{
	need_root || return 0
	mkdir -m 777 place
	cp "$HELPERS/mktree" .
	expect 0 as_nobody ./mktree --small place/a
	for what in devices 'foreign owners' \
		'trusted and security xattrs' \
		'modes that shut the owner out'; do
		assertContains "$(cat "$OUT")" "left out: $what: "
	done
	assertEquals 4 "$(wc -l <"$OUT")"
}

test_bigtree_makes_what_it_is_told()
{
	expect 0 "$HELPERS/bigtree" --files=1234 --dirs=77 \
		--lognormal=4000,1.6 a
	assertEquals 1234 "$(find a -type f | wc -l)"
	assertEquals 77 "$(find a -type d | wc -l)"
	assertEquals "1234 files, 77 directories, $(find a -type f \
		-printf '%s\n' | awk '{ n += $1 } END { print n }') bytes" \
		"$(cat "$OUT")"
}

# ---------------------------------------------------------------------------
# The machine
# ---------------------------------------------------------------------------

# Root's `cp -p FILE /dev/null` changes its mode, and from then on tests fail that
# do something as nobody, with messages that do not tell why.
test_machine_null_is_open_to_all()
{
	for node in /dev/null /dev/zero /dev/full; do
		assertEquals "$node" 'character special file 666' \
			"$(stat -c '%F %a' $node)"
	done
}

# Nor can nobody do anything where the root directory is closed.
test_machine_programs_are_open_to_all()
{
	need_root || return 0
	expect 0 as_nobody true
	assertEquals '' "$(cat "$ERR")"
}

# ---------------------------------------------------------------------------
# tests/lib.sh: files of tests in the test's directory, mcp being another
# program where the test says so
# ---------------------------------------------------------------------------

# The file "inner.sh" of tests. Its functions are written with an @ before their
# names, for shunit2 would find them here.
write_inner()
{
	{
		printf '. "%s"\n' "$TOP/tests/lib.sh"
		printf '%s\n' "$1" | sed 's/@test/test/'
		printf '. "%s"\n' "$SHUNIT2"
	} >inner.sh
}

# inner BODY: runs it; its output goes to $OUT.
inner()
{
	write_inner "$1"
	env SHUNIT_COLOR=none TMPDIR="$PWD" sh inner.sh >"$OUT" 2>&1
}

assert_inner_fails()
{
	inner "$1"
	assertNotEquals 0 "$?"
	assertContains "$(cat "$OUT")" "$2"
}

test_lib_passes_what_is_right()
{
	inner '@test_x() { expect 0 true; expect 3 sh -c "exit 3"; return 0; }'
	assertEquals 0 "$?"
	assertContains "$(cat "$OUT")" OK
}

test_lib_each_test_has_a_fresh_directory()
{
	inner '@test_x() { assertEquals "" "$(ls)"; touch x; }
@test_y() { assertEquals "" "$(ls)"; touch x; }'
	assertEquals 0 "$?"
	# Nothing of it is left either.
	assertEquals inner.sh "$(ls)"
}

test_lib_stdin_is_empty()
{
	inner '@test_x() { assertEquals "" "$(cat)"; }'
	assertEquals 0 "$?"
}

test_lib_signal_fails_the_test()
{
	export MCP=/bin/sh
	assert_inner_fails '@test_x() { mcp -c "kill -SEGV \$\$"; return 0; }' \
		'status 139 of: '
	# Even where the status is lost.
	assert_inner_fails '@test_x() { mcp -c "kill -BUS \$\$" | cat; }' \
		'status 135 of: '
}

test_lib_time_limit_fails_the_test()
{
	export MCP=/bin/sleep
	assert_inner_fails '@test_x() { MCP_LIMIT=1; mcp 20; return 0; }' \
		'status 124 of: '
}

test_lib_process_left_behind_fails_the_test()
{
	cp "$(command -v sleep)" sleeper
	export MCP="$PWD/sleeper"
	assert_inner_fails '@test_x() { "$MCP" 100 & }' \
		'processes of mcp left behind: '
	assertEquals '' "$(find /proc/[0-9]*/exe -lname "$MCP" 2>/dev/null)"
}

test_lib_sanitizer_report_fails_the_test()
{
	assert_inner_fails '@test_x() {
		eval "$(printf "%s" "$ASAN_OPTIONS" | tr : "\n" |
			grep ^log_path=)"
		echo heap-buffer-overflow >$log_path.123
	}' 'sanitizer: heap-buffer-overflow'
}

test_lib_other_status_fails_the_test()
{
	assert_inner_fails '@test_x() { expect 1 true; return 0; }' \
		'status 0 instead of 1: true'
}

test_lib_difference_fails_the_test()
{
	assert_inner_fails '@test_x() { mkdir a b; touch a/x
		assert_same_tree --no-times a b; return 0; }' 'x: only in A'
	assert_inner_fails '@test_x() { echo 1 >a; echo 2 >b
		assert_same_file a b; return 0; }' 'differ: '
}

test_lib_skip_is_said_and_may_be_forbidden()
{
	body='@test_x() { skip "no such thing"; return 0; }'
	MCP_NO_SKIP=
	inner "$body"
	assertEquals 0 "$?"
	assertContains "$(cat "$OUT")" 'SKIP: no such thing'
	MCP_NO_SKIP=yes
	export MCP_NO_SKIP
	assert_inner_fails "$body" 'may not be skipped here: no such thing'
}

test_lib_background_run_can_be_interrupted()
{
	cp "$(command -v sleep)" sleeper
	export MCP="$PWD/sleeper"
	inner '@test_x() {
		mcp_start 100
		poll 5 [ "$MCP" -ef "/proc/$MCP_PID/exe" ]
		assertEquals "$MCP" "$(readlink "/proc/$MCP_PID/exe")"
		kill -INT "$MCP_PID"
		mcp_wait
		assertEquals 130 "$?"
	}'
	assertEquals "$(cat "$OUT")" 0 "$?"
}

test_lib_background_run_ends_with_the_test()
{
	cp "$(command -v sleep)" sleeper
	export MCP="$PWD/sleeper"
	inner '@test_x() { mcp_start 100; }'
	assertEquals "$(cat "$OUT")" 0 "$?"
	assertEquals '' "$(find /proc/[0-9]*/exe -lname "$MCP" 2>/dev/null)"
}

test_lib_mount_ends_with_the_test()
{
	need_root || return 0
	with_fs tmpfs 1M here || return 0
	inner '@test_x() { with_fs ext4 20M; pwd >../../dir; fail on purpose; }
@test_y() { grep -F "$(cat ../../dir)" /proc/mounts; assertEquals 1 $?; }'
	assertContains "$(cat "$OUT")" 'failures=1'
	assertEquals '' "$(grep -F "$(cat dir)" /proc/mounts)"
}

test_lib_mount_held_open_fails_the_test()
{
	need_root || return 0
	assert_inner_fails '@test_x() {
		with_fs tmpfs 1M
		sleep 20 <tmpfs &
		echo $! >../../pid
	}' 'was busy: something holds it open'
	kill "$(cat pid)"
}

# ---------------------------------------------------------------------------
# tests/driver.sh, tests/summary.sh
# ---------------------------------------------------------------------------

# drive BODY: the file "inner.sh" of tests, run by the driver.
drive()
{
	write_inner "$1"
	expect 0 env TMPDIR="$PWD" sh "$TOP/tests/driver.sh" \
		--test-name inner.sh --log-file inner.log \
		--trs-file inner.trs --color-tests no --expect-failure no \
		--enable-hard-errors yes -- inner.sh
}

# summarise STATUS: what summary.sh makes of that, into $OUT.
summarise()
{
	expect "$1" env SUMMARY_LATER=no sh "$TOP/tests/summary.sh" \
		summary.txt inner.log
	assertEquals "$(cat summary.txt)" "$(tail -n 1 "$OUT")"
}

test_driver_gives_one_result_a_function()
{
	MCP_NO_SKIP=
	drive '@test_a() { :; }
@test_b() { fail "on purpose"; }
@test_c() { skip "no such thing"; return 0; }
@test_d() { :; }'
	assertEquals 'PASS inner.sh test_a
FAIL inner.sh test_b
SKIP inner.sh test_c
PASS inner.sh test_d' "$(cat "$OUT")"
	summarise 1
	assertEquals '2 passed, 1 failed, 1 skipped' "$(cat summary.txt)"
	assertContains "$(cat "$OUT")" 'ASSERT:on purpose'
	assertContains "$(cat "$OUT")" '1   no such thing'
	assertNotContains "$(cat "$OUT")" test_a
}

test_driver_all_passed_is_success()
{
	drive '@test_a() { :; }'
	summarise 0
	assertEquals '1 passed, 0 failed' "$(cat summary.txt)"
}

test_driver_failure_in_a_subshell_counts()
{
	drive '@test_a() { (fail "unheard of"); return 0; }
@test_b() { :; }'
	summarise 1
	assertEquals '1 passed, 1 failed' "$(cat summary.txt)"
}

test_driver_file_that_dies_counts()
{
	drive '@test_a() { :; }
@test_b() { kill -KILL $$; }
@test_c() { :; }'
	assertContains "$(cat "$OUT")" 'FAIL inner.sh whole_file'
	summarise 1
	# Whatever it left is gone.
	assertEquals '' "$(find . -maxdepth 1 -name 'mcp-*')"
}

test_driver_file_that_cannot_be_read_counts()
{
	drive '@test_a() { :; '
	summarise 1
	assertEquals '0 passed, 1 failed' "$(cat summary.txt)"
}

test_driver_file_that_hangs_counts()
{
	MCP_FILE_LIMIT=1
	export MCP_FILE_LIMIT
	drive '@test_a() { sleep 20; }'
	summarise 1
	assertContains "$(cat "$OUT")" 'time limit of 1 s'
}

test_summary_missing_result_counts()
{
	drive '@test_a() { :; }'
	expect 1 sh "$TOP/tests/summary.sh" summary.txt inner.log gone.log
	assertEquals '1 passed, 1 failed' "$(cat summary.txt)"
}

test_summary_nothing_at_all_is_no_success()
{
	expect 1 sh "$TOP/tests/summary.sh" summary.txt
	assertEquals '0 passed, 0 failed' "$(cat summary.txt)"
}

. "$SHUNIT2"

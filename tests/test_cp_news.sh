#!/bin/sh
# What GNU cp came to do differently since 9.1, the version whose own tests
# `make check-gnu` runs: each entry on cp in coreutils' NEWS of 9.2 to 9.11, in
# short, and the test that goes with it. What later versions took back stands
# at the later one.
#
# 9.2
#   --debug says how each file was copied              debug_*
#   -i answered with no gives a status that is not 0   declined_*; not here, on
#                      purpose: tests of 9.1 have to pass, and they want 0
#   a clone that fails for a passing cause (EIO, ENOSPC...) is an error, and no
#                      other way is tried               clone_failure_*
#   --reflink=always leaves no empty file where it cannot
#                                                       clone_impossible_*
#   copy_file_range failing with ENOENT, as CIFS has it, is no error
#                                                       range_*
#   copy_file_range for files with holes too           only the way, no result;
#                      here it is chosen for network file systems alone
#   -rx / DIRECTORY works                               root_*
#   no huge buffer where st_blksize is odd (ZFS)       one size for all here
#   reads in multiples of st_blksize (devices)         the same
#   -p into a dangling link, clones: macOS              dangling_*, what of it
#                      there is on Linux
# 9.3
#   clones fall back in more cases (EPERM, EACCES...)  clone_unsupported_*
#   -r with --backup works again                        backup_*
#   --update=none skips, status 0                       update_none_*
# 9.4
#   --parents with -p takes absolute directories        parents_*
#   --sparse=never makes no clones                      sparse_never_*
#   -v does not name what is skipped, --debug does      debug_skipped_*
#   copy_file_range not before Linux 5.3; inode numbers of more than 32 bits on
#                      two machines                     not to be tested here
# 9.5
#   no "failed to preserve ownership" on CIFS, which refuses with EACCES
#                                                       owner_*
#   --no-preserve=mode keeps the set-group-ID bit that a directory inherits
#                                                       no_mode_*
#   -n skips in silence, status 0                       no_clobber_*
#   --keep-directory-symlink                            keep_symlink_*
#   --update=none-fail                                  none_fail_*
#   reads and writes of 256 KiB at least                block_*
#   SELinux labels untranslated                         copy/context.h
# 9.6
#   --update overrides neither -i nor -f; the one of --update=none and -i that
#                      does not ask wins                update_and_*
#   -b with --update=none or none-fail is refused       backup_update_*
#   quotes at both ends of escaped names (ls, printf)   test_names.sh
# 9.7: nothing on cp
# 9.8
#   -p of trivial NFSv4 ACLs gives no error             not to be tested here
#   -p, -a where ACLs or xattrs are not supported       unsupported_*
#   --sparse=always misses no zeros                     sparse_always_*
#   copy_file_range not asked for more than 2 GiB       range_*
# 9.9
#   copies of compressed files are fast again; holes that SEEK_HOLE does not
#                      tell are not looked for          only the way
# 9.10
#   no endless loop where SEEK_HOLE does not advance    seek_hole_*
# 9.11: nothing on cp; of its tests, names that are not UTF-8
#                                                       names_*
#
# And SELinux, which no kernel here has: context_*. Old promises that newer ways
# of copying broke on the way: /proc and /sys (virtual_*), devices (device_*).

. "$(dirname "$0")/lib.sh"

# says TEXT: all that stderr has.
says()
{
	assertEquals 'stderr' "$*" "$(sed 's/^[^:]*: /cp: /' "$ERR")"
}

# prints TEXT: all that stdout has.
prints()
{
	assertEquals 'stdout' "$*" "$(cat "$OUT")"
}

# traced STATUS STRACE-ARG... -- ARG...: mcp with its system calls watched or
# tampered with; what was seen is in the file trace.
traced()
{
	traced_status=$1
	shift
	traced_args=
	while [ "$1" != -- ]; do
		traced_args="$traced_args $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	expect "$traced_status" limited env \
		ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
		strace -f -q -o trace $traced_args "$MCP" "$@"
}

# Blocks of a file, in KiB.
allocated()
{
	echo $(($(stat -c '%b * %B' "$1") / 1024))
}

# with_bare_fs DIR: a ramfs, which knows neither xattrs nor ACLs.
with_bare_fs()
{
	need_root || return 1
	mkdir -p "$1"
	mount -t ramfs mcp-test "$1" 2>/dev/null || {
		skip 'no ramfs here'
		return 1
	}
	printf '%s\n' "$PWD/$1" >>"$TEST_ROOT/mounts"
}

# ---------------------------------------------------------------------------
# --debug
# ---------------------------------------------------------------------------

how='copy offload: [a-z]*, reflink: [a-z]*, sparse detection: [A-Za-z_+ ]*'

test_debug_says_how_each_file_was_copied()
{
	mkdir src
	echo a >src/a
	head -c 9000000 /dev/zero >src/big
	ln -s a src/link
	expect 0 mcp -r --debug src dst
	assertEquals 'files' 2 "$(grep -c "^$how\$" "$OUT")"
	assertEquals 'names' 4 "$(grep -c ' -> ' "$OUT")"
	assertEquals 'other lines' 0 \
		"$(grep -vc -e "^$how\$" -e ' -> ' "$OUT")"
}

test_debug_tells_a_clone_and_holes()
{
	with_fs btrfs 128M fs || return 0
	echo a >fs/a
	truncate -s 1M fs/holes
	expect 0 mcp --debug fs/a fs/b
	prints "'fs/a' -> 'fs/b'
copy offload: unknown, reflink: yes, sparse detection: unknown"
	expect 0 mcp --debug --reflink=never fs/holes fs/copy
	grep -q 'reflink: no, sparse detection: SEEK_HOLE$' "$OUT" ||
		fail "$(cat "$OUT")"
}

test_debug_is_silent_where_no_data_is_copied()
{
	echo a >a
	for option in --attributes-only --link --symbolic-link; do
		expect 0 mcp --debug $option a "b$option"
		prints "'a' -> 'b$option'"
	done
}

test_debug_fails_where_it_cannot_be_written()
{
	[ -c /dev/full ] || {
		skip 'needs /dev/full'
		return 0
	}
	echo a >a
	mcp --debug a b >/dev/full 2>"$ERR"
	assertEquals 'status' 1 $?
	assert_same_file a b
}

# Older and newer than one another, and one that asks: -v names the copied only.
test_debug_skipped_is_not_said_by_v()
{
	echo new >new
	echo old >old
	touch -d 2020-01-01 old
	for option in -u --update=older --update=none -n; do
		cp -p new dst
		expect 0 mcp -v $option old dst
		prints ''
		expect 0 mcp --debug $option old dst
		prints "skipped 'dst'"
		says ''
	done
	yes n | head -n 1 >no
	mcp --debug -i new old <no >"$OUT" 2>"$ERR"
	prints "skipped 'old'"
}

# ---------------------------------------------------------------------------
# -n, -i, --update
# ---------------------------------------------------------------------------

test_no_clobber_skips_in_silence()
{
	mkdir src dst
	echo new | tee src/a >src/b
	echo old >dst/a
	expect 0 mcp -nv src/a dst
	prints ''
	says ''
	expect 0 mcp -nrT src dst
	says ''
	assertEquals old "$(cat dst/a)"
	assertEquals new "$(cat dst/b)"
}

# As 9.1 has it, whose tests have to pass; since 9.2 the status is 1.
test_declined_is_no_failure()
{
	echo new >new
	echo old >old
	echo n >no
	expect 0 mcp -i new old <no
	assertEquals old "$(cat old)"
}

test_update_none_skips_with_success()
{
	echo new >new
	echo old >old
	touch -d 2020-01-01 old
	expect 0 mcp --update=none new old
	says ''
	assertEquals old "$(cat old)"
	expect 0 mcp --update=all new old
	assertEquals new "$(cat old)"
}

test_none_fail_says_so_and_copies_the_rest()
{
	mkdir src dst
	echo new | tee src/a >src/b
	echo old >dst/a
	expect 1 mcp -rT --update=none-fail src dst
	says "cp: not replacing 'dst/a'"
	assertEquals old "$(cat dst/a)"
	assertEquals new "$(cat dst/b)"
}

# No comparison of the two comes before it, nor a look at the times.
test_none_fail_of_a_file_onto_itself()
{
	echo a >a
	ln a b
	for dst in a b; do
		expect 1 mcp --update=none-fail a $dst
		says "cp: not replacing '$dst'"
		expect 0 mcp --update=none a $dst
		says ''
	done
	expect 1 mcp --debug --update=none-fail a b
	prints ''
}

# answered STATUS ANSWER ARG...: is "old" replaced by "new" with these?
answered()
{
	answered_status=$1
	answer=$2
	shift 2
	echo new >new
	echo old >old
	touch -d 2020-01-01 old
	echo "$answer" >answer
	expect "$answered_status" mcp "$@" new old <answer
	cat old
}

test_update_and_interactive_are_both_heard()
{
	for options in '-i --update=older' '-i -u' '-u -i' '-i --update=all' \
		'--update=all -i' '-n -i' '-fi' '-if'; do
		# shellcheck disable=SC2086
		assertEquals "$options, no" old "$(answered 0 n $options)"
		# shellcheck disable=SC2086
		assertEquals "$options, yes" new "$(answered 0 y $options)"
	done
	# What is not to be replaced anyway is not asked about.
	for options in '-i --update=none' '--update=none -i' \
		'-n --update=none -i' '-in' '-n --update=older' '-n -u' \
		'-u -n' '-n --update=all' '-n --update=none-fail'; do
		# shellcheck disable=SC2086
		assertEquals "$options" old "$(answered 0 y $options)"
		assertEquals "$options asked" '' "$(cat "$ERR")"
	done
}

test_update_and_force_are_both_heard()
{
	echo new >new
	echo old >old
	touch -d 2020-01-01 old
	for options in '-f --update=all' '--update=all -f' '-fu' '-uf'; do
		rm -f dst
		cp -p old dst
		chmod 444 dst
		chmod 444 new
		chmod 555 .
		# shellcheck disable=SC2086
		mcp_as_nobody $options new dst >"$OUT" 2>"$ERR"
		assertEquals "$options" 1 $?
		chmod 777 .
		# shellcheck disable=SC2086
		expect 0 mcp_as_nobody $options new dst
		chmod 755 .
		assertEquals "$options" new "$(cat dst)"
	done
}

test_backup_update_none_is_refused()
{
	echo a >a
	echo b >b
	for option in -n --update=none --update=none-fail; do
		expect 1 mcp -b $option a b
		grep -q 'mutually exclusive' "$ERR" || fail "$(cat "$ERR")"
		expect 1 mcp -S .old $option a b
	done
	expect 0 mcp -b -n -i --update=all a c
	assertEquals b "$(cat b)"
}

test_backup_in_trees_and_beside_the_file()
{
	mkdir -p src/d dst/d
	echo new | tee src/a >src/d/b
	echo old | tee dst/a >dst/d/b
	expect 0 mcp -rT --backup src dst
	expect 0 mcp -rT --backup=numbered src dst
	assertEquals 'a a.~1~ a~ b b.~1~ b~' \
		"$(find dst -type f -exec basename {} \; | LC_ALL=C sort |
			tr '\n' ' ' | sed 's/ $//')"
	assertEquals old "$(cat dst/d/b~)"
	echo here >a
	echo mine >a~
	expect 0 mcp --backup=simple a dst/
	assertEquals mine "$(cat a~)"
	assertEquals new "$(cat dst/a~)"
}

# ---------------------------------------------------------------------------
# Directories
# ---------------------------------------------------------------------------

test_keep_symlink_to_a_directory()
{
	mkdir -p src/d/e dst/real
	echo a >src/d/a
	ln -s real dst/d
	expect 1 mcp -rT src dst
	says "cp: cannot overwrite non-directory 'dst/d' with directory 'src/d'"
	assertEquals 'untouched' '' "$(ls dst/real)"
	expect 0 mcp -rT --keep-directory-symlink src dst
	assertTrue 'still a link' '[ -h dst/d ]'
	assert_same_tree src/d dst/real --no-times
}

test_keep_symlink_is_not_for_dangling_ones_or_files()
{
	mkdir -p src/d src/f dst
	echo file >file
	ln -s nowhere dst/d
	ln -s ../file dst/f
	expect 1 mcp -rT --keep-directory-symlink src dst
	assertEquals 2 "$(grep -c 'cannot overwrite non-directory' "$ERR")"
	assertEquals file "$(cat file)"
}

test_parents_with_absolute_directories()
{
	mkdir -p a/b dst
	echo x >a/b/f
	chmod 750 a
	chmod 705 a/b
	touch -d 2020-01-01 a/b a
	for option in -p --preserve=mode; do
		rm -rf dst/*
		expect 0 mcp --parents $option "$PWD/a/b/f" dst
		assertEquals "$option" '750 705' \
			"$(stat -c %a "dst$PWD/a" "dst$PWD/a/b" | tr '\n' ' ' |
				sed 's/ $//')"
	done
}

test_no_mode_keeps_an_inherited_set_group_id_bit()
{
	mkdir -p src/d dst
	echo a >src/d/f
	chmod 700 src src/d
	chmod 2755 dst
	for umask in 022 077; do
		rm -rf dst/src
		(umask $umask && expect 0 mcp -r --no-preserve=mode src dst)
		assertEquals "umask $umask" "$(printf '2%03o' $((0777 & ~umask)))" \
			"$(stat -c %a dst/src)"
		assertEquals "$(printf '2%03o' $((0777 & ~umask)))" \
			"$(stat -c %a dst/src/d)"
	done
	mkdir plain
	expect 0 mcp -r --no-preserve=mode src plain
	assertEquals 755 "$(stat -c %a plain/src)"
}

# A file system that is the root, with another one to copy it to; what belongs
# to neither is not entered.
test_root_to_a_directory_on_another_file_system()
{
	with_fs tmpfs 64M root || return 0
	mkdir -p root/mnt root/etc root/proc
	echo a >root/etc/a
	install -m 755 "$MCP" root/mcp
	# Where the board is made of that.
	mkdir root/dev
	mknod root/dev/zero c 1 5
	for dir in lib lib32 lib64 usr; do
		[ -d /$dir ] || continue
		mkdir root/$dir
		mount --bind /$dir root/$dir
		printf '%s\n' "$PWD/root/$dir" >>"$TEST_ROOT/mounts"
	done
	mount -t proc proc root/proc
	printf '%s\n' "$PWD/root/proc" >>"$TEST_ROOT/mounts"
	with_fs tmpfs 64M root/mnt || return 0
	ASAN_OPTIONS=detect_leaks=0 expect 0 limited \
		chroot root /mcp -rx / /mnt
	says ''
	assert_same_file root/etc/a root/mnt/etc/a
	for dir in usr proc mnt; do
		assertTrue "$dir is not there" "[ -d root/mnt/$dir ]"
		assertEquals '' "$(ls root/mnt/$dir)"
	done
}

# ---------------------------------------------------------------------------
# Data
# ---------------------------------------------------------------------------

test_clone_failure_that_passes_is_an_error()
{
	need_command strace || return 0
	echo small >small
	head -c 9000000 /dev/zero >big
	for error in EIO ENOSPC ENOMEM EDQUOT; do
		for file in small big; do
			traced 1 -e trace=ioctl -e "inject=ioctl:error=$error" \
				-- $file copy
			grep -q "cp: failed to clone 'copy' from '$file': " \
				"$ERR" || fail "$error, $file: $(cat "$ERR")"
			assertFalse "$error leaves $file" '[ -e copy ]'
		done
	done
}

test_clone_unsupported_is_none()
{
	need_command strace || return 0
	echo small >small
	head -c 9000000 /dev/zero >big
	for error in EOPNOTSUPP ENOTTY EXDEV EINVAL ENOSYS EPERM EACCES \
		ETXTBSY EBADF; do
		for file in small big; do
			traced 0 -e trace=ioctl -e "inject=ioctl:error=$error" \
				-- $file copy
			says ''
			assert_same_file $file copy
			rm copy
		done
	done
}

test_clone_impossible_leaves_nothing()
{
	with_fs tmpfs 32M fs || return 0
	echo a >fs/a
	echo b >fs/b
	head -c 9000000 /dev/zero >fs/big
	for file in a big; do
		expect 1 mcp --reflink=always fs/$file fs/c
		says "cp: failed to clone 'fs/c' from 'fs/$file':" \
			'Operation not supported'
		assertFalse '[ -e fs/c ]'
	done
	# What was there before stays there.
	expect 1 mcp --reflink=always fs/a fs/b
	assertTrue '[ -e fs/b ]'
}

test_sparse_never_makes_no_clone()
{
	with_fs btrfs 128M fs || return 0
	need_command strace || return 0
	truncate -s 1M fs/a
	echo x >>fs/a
	traced 0 -e trace=ioctl,copy_file_range -- --sparse=never fs/a fs/b
	assertEquals 'calls' '' "$(grep -e FICLONE -e copy_file_range trace)"
	assertTrue "$(allocated fs/b) KiB" "[ $(allocated fs/b) -ge 1024 ]"
	traced 0 -e trace=ioctl -- fs/a fs/c
	grep -q FICLONE trace || fail 'no clone: the test proves nothing'
}

# Zeros at odd places, at both ends, and alone.
test_sparse_always_misses_no_zeros()
{
	with_fs ext4 64M fs || return 0
	for zeros in '0 256' '255 257' '3 1000' '1020 4'; do
		at=${zeros% *}
		n=${zeros#* }
		yes | head -c 2097152 >fs/a
		dd if=/dev/zero of=fs/a bs=4096 seek="$at" count="$n" \
			conv=notrunc status=none
		truncate -s "$(((at + n + 1) * 4096 + 1))" fs/a
		expect 0 mcp --sparse=always fs/a fs/b
		assert_same_file fs/a fs/b
		size=$(stat -c %s fs/a)
		used=$(awk "BEGIN { n = $size - $n * 4096
			print int((n + 4095) / 4096) * 4 }")
		[ "$zeros" != '1020 4' ] || used=$((used + 2048))
		assertTrue "$zeros: $(allocated fs/b) KiB of $used" \
			"[ $(allocated fs/b) -le $((used + 4)) ]"
	done
	head -c 3000000 /dev/zero >fs/zeros
	expect 0 mcp --sparse=always fs/zeros fs/b
	assert_same_file fs/zeros fs/b
	assertEquals 0 "$(allocated fs/b)"
}

test_block_of_256_kib_at_least()
{
	need_command strace || return 0
	head -c 2000000 /dev/zero >a
	traced 0 -e trace=read,write,pread64,pwrite64 -P "$PWD/a" -- \
		--method=rw a b
	assertTrue "$(grep -c read trace) reads" \
		"[ $(grep -c 'read.*= [1-9]' trace) -le 8 ]"
}

# A big file goes by chunks, far smaller than that.
test_range_asks_for_less_than_2_gib()
{
	need_command strace || return 0
	head -c 40000000 /dev/zero >a
	traced 0 -e trace=copy_file_range -- -j 1 --method=range a b
	assert_same_file a b
	sed -n 's/.*, \([0-9]*\), 0) *=.*/\1/p' trace >asked
	[ -s asked ] || fail "not called: $(cat trace)"
	while read -r n; do
		[ "$n" -le 33554432 ] || fail "asked for $n"
	done <asked
}

# What is chosen by mcp itself goes another way; what was forced says so.
test_range_that_finds_nothing_is_said()
{
	need_command strace || return 0
	echo a >a
	traced 1 -e trace=copy_file_range \
		-e inject=copy_file_range:error=ENOENT -- --method=range a b
	says "cp: cannot copy 'a' to 'b' by copy_file_range:" \
		'No such file or directory'
}

# Each answer of SEEK_HOLE is the place it was asked from.
test_seek_hole_that_does_not_advance_ends()
{
	need_command strace || return 0
	truncate -s 256K small
	echo end >>small
	truncate -s 9M big
	echo end >>big
	for file in small big; do
		MCP_LIMIT=20 traced 0 -e trace=lseek \
			-e inject=lseek:retval=0 -- $file copy
		grep -q SEEK_HOLE trace || fail 'not asked'
		assert_same_file $file copy
		rm copy
	done
}

test_dangling_link_is_not_written_through()
{
	echo a >a
	ln -s nowhere link
	for options in '' -p --reflink=auto --reflink=always --update=all -f; do
		# shellcheck disable=SC2086
		expect 1 mcp $options a link
		says "cp: not writing through dangling symlink 'link'"
		assertFalse '[ -e nowhere ]'
	done
	expect 0 mcp --remove-destination -p a link
	assert_same_file a link
}

test_virtual_files_are_read_to_the_end()
{
	for file in /proc/self/mounts /proc/cpuinfo /sys/kernel/mm/*/enabled; do
		[ -r "$file" ] || continue
		for option in '' --sparse=always --reflink=never; do
			rm -f copy
			# shellcheck disable=SC2086
			expect 0 mcp $option "$file" copy
			assert_same_file "$file" copy
		done
	done
}

test_device_takes_the_data()
{
	echo a >a
	head -c 9000000 /dev/zero >big
	for file in a big; do
		expect 0 mcp $file /dev/null
		expect 1 mcp $file /dev/full
		grep -q "cp: error writing '/dev/full'.*No space left" "$ERR" ||
			fail "$(cat "$ERR")"
	done
	# Nodes of our own, for what goes wrong here changes them.
	need_root || return 0
	if ! mknod null c 1 3 || ! dd if=a of=null status=none 2>/dev/null; then
		skip 'no devices here'
		return 0
	fi
	chmod 666 null
	for file in a big; do
		expect 0 mcp -p --sparse=always $file null
		assertEquals 'character special file 666' \
			"$(stat -c '%F %a' null)"
	done
}

# ---------------------------------------------------------------------------
# What the file system does not have
# ---------------------------------------------------------------------------

test_unsupported_acls_that_say_no_more_than_the_mode()
{
	with_bare_fs bare || return 0
	echo a >a
	chmod 640 a
	mkdir d
	expect 0 mcp -p a bare
	says ''
	expect 0 mcp -a d bare
	says ''
	assertEquals 640 "$(stat -c %a bare/a)"
}

test_unsupported_acls_that_say_more_are_reported()
{
	with_bare_fs bare || return 0
	need_command setfacl || return 0
	echo a >a
	setfacl -m u:1:rw a 2>/dev/null || {
		skip 'no ACLs here'
		return 0
	}
	for option in -p -a; do
		expect 1 mcp $option a bare/
		says "cp: preserving permissions for 'bare/a':" \
			'Operation not supported'
		assert_same_file a bare/a
	done
	expect 0 mcp a bare/
}

test_unsupported_xattrs_matter_only_where_asked_for()
{
	with_bare_fs bare || return 0
	need_command setfattr || return 0
	echo a >a
	setfattr -n user.x -v 1 a 2>/dev/null || {
		skip 'no xattrs here'
		return 0
	}
	setfattr -n user.y -v 2 a
	for option in -p -a; do
		expect 0 mcp $option a bare/
		says ''
	done
	expect 1 mcp --preserve=xattr a bare/
	says "cp: setting attributes for 'bare/a': Operation not supported"
	assert_same_file a bare/a
	# Nor is a source that cannot have any at fault.
	echo b >bare/b
	expect 0 mcp -a bare/b b
	says ''
	expect 0 mcp --preserve=xattr bare/b b
	says ''
}

test_owner_that_cifs_refuses_to_set_is_no_failure()
{
	need_root || return 0
	need_command strace || return 0
	echo a >a
	ln -s a link
	mkdir -m 777 dst
	mcp_as_nobody --version >/dev/null
	for error in EACCES EPERM EINVAL; do
		rm -f dst/*
		expect 0 judged as_nobody timeout 60 env \
			ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
			strace -f -q -o /dev/null -e trace=fchown,fchownat \
			-e "inject=fchown,fchownat:error=$error" \
			"$TEST_ROOT/mcp" -dp a link dst
		says ''
		assert_same_file a dst/a
		# Who may give files away wants to know that it was not done.
		chown 1 a
		traced 1 -e trace=fchown -e "inject=fchown:error=$error" -- \
			-p a b
		grep -q "^mcp: failed to preserve ownership for 'b': " "$ERR" ||
			fail "$error: $(cat "$ERR")"
	done
}

# ---------------------------------------------------------------------------
# Names that are not UTF-8
# ---------------------------------------------------------------------------

test_names_that_are_not_utf_8()
{
	bad=$(printf 'b\351\377d')
	mkdir "$bad" dst
	touch "$bad/file1" "$bad/file2$bad"
	for locale in C C.UTF-8; do
		LC_ALL=$locale expect 0 mcp -r "$bad/." dst
		assert_same_tree "$bad" dst --no-times
		rm -r dst/*
		LC_ALL=$locale expect 1 mcp "$bad" dst
		says "cp: -r not specified; omitting directory" \
			"'b'\$'\\351\\377''d'"
		LC_ALL=$locale expect 0 mcp -v "$bad/file2$bad" dst
		assertEquals "'b'\$'\\351\\377''d/file2b'\$'\\351\\377''d' ->\
 'dst/file2b'\$'\\351\\377''d'" "$(cat "$OUT")"
		rm -r dst/*
	done
}

# ---------------------------------------------------------------------------
# SELinux
# ---------------------------------------------------------------------------

without_selinux()
{
	[ ! -e /sys/fs/selinux/enforce ] || {
		skip 'needs a kernel without SELinux'
		return 1
	}
}

test_context_is_ignored_without_selinux()
{
	without_selinux || return 0
	echo a >a
	for option in -Z --context; do
		expect 0 mcp $option a "b$option"
		says ''
		assert_same_file a "b$option"
	done
	expect 0 mcp --context=root:object_r:tmp_t a c
	says 'cp: warning: ignoring --context; it requires an SELinux-enabled' \
		kernel
	assert_same_file a c
	expect 0 mcp -aZ a d
	says ''
}

test_context_cannot_be_kept_without_selinux()
{
	without_selinux || return 0
	echo a >a
	for options in --preserve=context --preserve=mode,context \
		'-a --preserve=context' '--preserve=context -Z' \
		'--preserve=context --no-preserve=all'; do
		# shellcheck disable=SC2086
		expect 1 mcp $options a b
		says 'cp: cannot preserve security context without an' \
			'SELinux-enabled kernel'
		assertFalse '[ -e b ]'
	done
	for options in -a --preserve=all --no-preserve=context \
		'--preserve=context --no-preserve=context'; do
		# shellcheck disable=SC2086
		expect 0 mcp $options a b
		says ''
	done
}

# Then it is an xattr like any other.
test_context_of_another_machine_is_an_xattr()
{
	without_selinux || return 0
	need_root || return 0
	need_command setfattr || return 0
	echo a >a
	setfattr -n security.selinux -v label a 2>/dev/null || {
		skip 'no xattrs here'
		return 0
	}
	expect 0 mcp -a a b
	assertEquals label "$(getfattr --only-values -n security.selinux b)"
	expect 0 mcp -p a c
	assertEquals '' "$(getfattr -m - c)"
}

. "$SHUNIT2"

#!/bin/sh
# What goes wrong outside of mcp: it says so, with a path, ends with status 1,
# copies the rest, and leaves no half of a file.
#
#   full_*      no room: full file systems, quota, ulimit -f
#   error_*     system calls that fail or are interrupted (by strace)
#   another_*   "cannot" is no failure: it is done another way
#   source_*    it shrinks, grows, is replaced, cannot be read, is no plain file
#   dst_*       it cannot be written, or somebody plays with it
#   rights_*    what may be read by whom, meanwhile and after; set-id bits
#
# "Big" is what the workers share, from 8 MiB on; "small" what one process
# copies.

. "$(dirname "$0")/lib.sh"

METHODS='auto rw range mmap'

random_file()
{
	head -c "$1" /dev/urandom >"$2"
}

# The one message there is, or that is asked for.
said()
{
	grep -q -e "$1" "$ERR" || fail "not said: $1
$(head -n 20 "$ERR")"
}

said_only()
{
	said "$1"
	assertEquals "more than one message: $(cat "$ERR")" 1 "$(wc -l <"$ERR")"
}

# traced STATUS STRACE-ARG... -- ARG...: mcp under strace, to $OUT, $ERR, trace.
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

# ---------------------------------------------------------------------------
# No room
# ---------------------------------------------------------------------------

# Into a file system that reserves room for big files; `cd ..` at the end.
where_room_is_reserved()
{
	with_fs ext4 128M reserving && cd reserving || return
}

# leave_room DIR BYTES: about so many. What btrfs says is free it has not always
# for one file, and what it has changes.
leave_room()
{
	for less in 0 500000 1000000 2000000 3000000; do
		free=$(($(stat -f -c '%a * %S' "$1")))
		[ "$free" -gt "$2" ] || return 0
		fallocate -l "$((free - $2 - less))" "$1/filler" 2>/dev/null &&
			return 0
	done
	fail "cannot fill $1"
}

# For each file system with room for 10 MiB: BODY, with it mounted on full/.
each_full()
{
	for type in ext4 xfs btrfs tmpfs; do
		case $type in
		ext4) size=64M ;;
		tmpfs) size=24M ;;
		*) size=320M ;;
		esac
		with_fs $type $size full || return 0
		leave_room full 10000000
		"$1"
		end_mounts
	done
}

# "range" does not go from one file system to another.
full_big_is_removed()
{
	for method in auto rw mmap; do
		expect 1 mcp -j2 "--method=$method" first big last full
		said_only "^mcp: error writing 'full/big' at byte [0-9]*: No s"
		assertFalse "$type $method: it was left" '[ -e full/big ]'
		assert_same_file first full/first
		assert_same_file last full/last
	done
}

full_big_is_emptied()
{
	for method in auto rw mmap; do
		echo before >full/big
		expect 1 mcp -j2 "--method=$method" first big last full
		said_only "^mcp: error writing 'full/big' at byte [0-9]*: No s"
		assertEquals "$type $method" 0 "$(stat -c %s full/big)"
		assert_same_file last full/last
	done
}

# A directory, so that workers meet it.
full_small_are_removed()
{
	expect 1 mcp -j2 -r tree full
	said "^mcp: error writing 'full/tree/[0-9]*' at byte [0-9]*: No space"
	for f in full/tree/*; do
		assert_same_file "tree/${f##*/}" "$f"
	done
	lost=$(grep -c "error writing" "$ERR")
	assertEquals "$type: $(cat "$ERR")" 8 \
		"$((lost + $(find full/tree -type f | wc -l)))"
	rm -r full/tree
}

test_full_disk_big_file()
{
	random_file 33554432 big
	echo 1 >first
	echo 2 >last
	each_full full_big_is_removed
}

test_full_disk_big_file_that_was_there()
{
	random_file 33554432 big
	echo 1 >first
	echo 2 >last
	each_full full_big_is_emptied
}

test_full_disk_small_files()
{
	mkdir tree
	for i in 1 2 3 4 5 6 7 8; do
		random_file 3000000 tree/$i
	done
	each_full full_small_are_removed
}

# Nothing could be reserved, so that a store meets the full disk: SIGBUS.
test_full_disk_under_a_mapping()
{
	need_command strace || return 0
	with_fs tmpfs 24M full || return 0
	leave_room full 10000000
	random_file 33554432 big
	echo 2 >last
	traced 1 -e trace=fallocate -e inject=fallocate:error=EOPNOTSUPP -- \
		-j2 --method=mmap big last full
	said_only "^mcp: error writing 'full/big' at byte [0-9]*: No space"
	assertFalse 'it was left' '[ -e full/big ]'
	assert_same_file last full/last
}

# There was plenty of room, so that none was reserved.
test_full_disk_once_it_was_begun()
{
	make_broken 32000000 || return 0
	# One process, and two by turns.
	for how in '-j1 splice' '-j2 pread64'; do
		for type in tmpfs btrfs; do
			size=72M
			[ $type = tmpfs ] || size=320M
			with_fs $type $size full || return 0
			meanwhile "${how#* }" 2 'leave_room full 1000000' -- \
				"${how% *}" src/file src/last full
			assertEquals "$type, $how" 1 "$?"
			said_only "^mcp: error writing 'full/file' at b.*: No space"
			assertFalse "$type, $how: it was left" '[ -e full/file ]'
			end_mounts
		done
	done
}

test_full_file_size_limit()
{
	random_file 33554432 big
	random_file 2000000 small
	echo 2 >last
	for method in $METHODS; do
		# Of 512 bytes or of 1024: shells do not agree.
		for what in 'big 16384' 'small 1000'; do
			f=${what% *}
			rm -rf dst && mkdir dst
			(
				# shellcheck disable=SC3045
				ulimit -f "${what#* }"
				expect 1 mcp -j2 "--method=$method" "$f" last dst
				said_only "^mcp: .*'dst/$f'.*: File too large"
			)
			assertFalse "$method: left" "[ -e dst/$f ]"
			assert_same_file last dst/last
		done
	done
}

test_full_quota()
{
	need_command strace || return 0
	where_room_is_reserved || return 0
	random_file 9000000 big
	mkdir dst
	for call in fallocate ftruncate; do
		traced 1 -e trace=$call -e inject=$call:error=EDQUOT -- \
			-j2 big dst
		said_only "^mcp: error writing 'dst/big' at byte .*: Disk quota"
		assertFalse "$call: it was left" '[ -e dst/big ]'
	done
	cd ..
}

# A device that takes nothing and calls it no error.
# A part that is to be kept keeps its name, and the backup too.
test_full_disk_with_a_backup_and_a_part_kept()
{
	with_fs tmpfs 1M full || return 0
	mkfifo fifo
	echo old >full/dst
	head -c 3000000 /dev/zero >fifo 2>/dev/null &
	expect 1 limited "$MCP" -b --keep-partial fifo full/dst
	wait $! 2>/dev/null
	assertEquals old "$(cat full/dst~)"
	[ "$(stat -c %s full/dst)" -gt 100000 ] || fail 'no part of it is there'
	end_mounts
}

test_full_without_error()
{
	need_command strace || return 0
	echo a >a
	traced 1 -P "$PWD/b" -e trace=write -e inject=write:retval=0 -- \
		a "$PWD/b"
	said_only "^mcp: error writing '.*/b' at byte 0: No space left"
	assertFalse 'it was left' '[ -e b ]'
}

# ---------------------------------------------------------------------------
# System calls that fail
# ---------------------------------------------------------------------------

# What is put back under the name of the first copy, when that failed, is no
# copy that other names of its inode may be linked to.
test_broken_first_of_several_names_with_a_backup()
{
	with_fs tmpfs 64m fs || return 0
	mkdir -p fs/src/a fs/src/b fs/old/a fs/old/b
	for i in $(seq 200); do
		echo new >"fs/src/a/$i"
		ln "fs/src/a/$i" "fs/src/b/$i"
		echo "old a" >"fs/old/a/$i"
		echo "old b" >"fs/old/b/$i"
	done
	# It has no clones.
	cp -r fs/old fs/dst
	expect 1 limited "$MCP" -a -b --reflink=always -j1 fs/src/. fs/dst
	assertEquals messages 400 "$(grep -c '^mcp: failed to clone ' "$ERR")"
	assertEquals 'what has changed' '' "$(diff -r fs/old fs/dst | head -n 5)"
	# Of several processes one may have linked before the other failed.
	for round in 1 2 3 4 5 6 7 8; do
		rm -r fs/dst && cp -r fs/old fs/dst
		expect 1 limited "$MCP" -a -b --reflink=always -j4 fs/src/. fs/dst
		assertEquals "other messages, round $round" '' \
			"$(grep -v -e '^mcp: failed to clone ' \
				-e '^mcp: other names of .* are empty now$' "$ERR")"
		for name in a b; do
			assertEquals "contents of another in $name" '' \
				"$(find fs/dst/$name -type f -size +0 \
					-exec grep -L "old $name" {} +)"
		done
	done
	end_mounts
}

one_file()
{
	[ "$(stat -c %d:%i "$1")" = "$(stat -c %d:%i "$2")" ]
}

# The names after the one that failed are one file again.
test_broken_first_of_several_names()
{
	need_command strace || return 0
	mkdir src
	random_file 20000 src/a
	ln src/a src/b
	ln src/a src/c
	traced 1 -e trace=write -e inject=write:error=EIO:when=1 -- -a src dst
	said_only "^mcp: error writing 'dst/[abc]'"
	set -- dst/*
	assertEquals copies 2 $#
	assert_same_file src/a "$1"
	assertTrue 'two names of one file' "one_file $1 $2"
}

# broken CALL[,CALL] ERROR WHOSE MESSAGE [ARG...]: the calls on that file fail;
# the file is reported, not left, and its neighbour copied.
broken()
{
	calls=$1
	error=$2
	whose=$3
	message=$4
	shift 4
	rm -rf dst && mkdir dst
	traced 1 -P "$PWD/$whose" -e "trace=$calls" \
		-e "inject=$calls:error=$error" -- \
		-j2 "$@" "$PWD/src/file" "$PWD/src/last" "$PWD/dst"
	grep -q INJECTED trace || fail "$calls was not called"
	said_only "^mcp: $message"
	assertFalse "$calls $error: it was left" '[ -e dst/file ]'
	assert_same_file src/last dst/last
}

make_broken()
{
	need_command strace || return 1
	mkdir src
	random_file "$1" src/file
	echo last >src/last
}

# What was there is there again, whatever failed and whoever found out.
test_broken_with_a_backup()
{
	need_command strace || return 0
	mkdir src
	echo last >src/last
	for size in 20000 20000000; do
		random_file $size src/file
		for broken in pwrite64,write:EIO utimensat:EIO; do
			calls=${broken%:*}
			rm -rf dst && mkdir dst
			echo old >dst/file
			traced 1 -P "$PWD/dst/file" -e "trace=$calls" \
				-e "inject=$calls:error=EIO" -- -a -b -j2 --method=rw \
				src/file src/last "$PWD/dst"
			assertEquals "$size, $calls" 1 \
				"$(grep -c "^mcp: .*dst/file'.*Input/output" "$ERR")"
			assertEquals "$size, $calls" old "$(head -c 100 dst/file)"
			assertFalse "$size, $calls: a backup" '[ -e dst/file~ ]'
			assert_same_file src/last dst/last
		done
	done
}

# two_names_over_old SIZE: of one file, and what is at the names of their copies.
two_names_over_old()
{
	random_file "$1" src/a
	ln -f src/a src/b
	rm -rf dst && mkdir dst
	echo 'old a' >dst/a
	echo 'old b' >dst/b
}

test_broken_link_with_a_backup()
{
	need_command strace || return 0
	mkdir src
	for size in 20000 10000000; do
		two_names_over_old $size
		traced 1 -e trace=linkat -e inject=linkat:error=EIO -- \
			-a -b -j1 src/a src/b dst
		said_only "^mcp: cannot create hard link 'dst/b'"
		assert_same_file src/a dst/a
		assertEquals "$size" 'old b' "$(cat dst/b)"
		assertFalse "$size: a backup" '[ -e dst/b~ ]'
	done
}

# What is no file stays, and others are linked to it.
test_broken_attributes_of_several_names_of_a_fifo()
{
	need_command strace || return 0
	mkdir src dst
	mkfifo src/a
	ln src/a src/b
	echo 'old a' >dst/a
	echo 'old b' >dst/b
	traced 1 -e trace=utimensat -e inject=utimensat:error=EIO:when=1 -- \
		-a -b -j1 src/a src/b dst
	assertTrue 'linked' 'one_file dst/a dst/b'
	assertEquals 'old a' "$(cat dst/a~)"
	assertEquals 'old b' "$(cat dst/b~)"
}

# Nor is it what other names of the same inode are linked to.
test_broken_attributes_of_several_names_with_a_backup()
{
	need_command strace || return 0
	mkdir src
	for size in 20000 10000000; do
		two_names_over_old $size
		traced 1 -e trace=utimensat -e inject=utimensat:error=EIO -- \
			-a -b -j1 src/a src/b dst
		said "^mcp: preserving times for 'dst/a': Input/output"
		assertEquals 'old a' "$(head -c 100 dst/a)"
		# A copy of its own, which failed too, or a link to what was copied.
		grep -q "preserving times for 'dst/b'" "$ERR" ||
			assert_same_file src/b dst/b
		assertNotEquals "$size: linked to what was there" 'old a' \
			"$(head -c 100 dst/b)"
	done
}

# At once, or when some has gone that way already; into the pipe or out of it;
# once, and then nothing may be left in the pipe, or from then on.
test_splice_refused()
{
	make_broken 10000000 || return 0
	with_fs tmpfs 40M || return 0
	for n in 1 2 3 4 1+ 2+ 3+ 4+; do
		traced 0 -e trace=splice \
			-e inject=splice:error=EINVAL:when=$n -- \
			-j1 src/file tmpfs/dst
		assert_same_file src/file tmpfs/dst
	done
	# The worker's second one, for a pipe of another size, and mcp's second.
	traced 0 -e trace=fcntl -e inject=fcntl:error=EPERM:when=2 -- \
		-j1 src/file tmpfs/dst
	grep -q 'F_SETPIPE_SZ, 524288) *= -1 EPERM' trace ||
		fail "not refused: $(cat trace)"
	assert_same_file src/file tmpfs/dst
}

test_error_small_file()
{
	make_broken 600000 || return 0
	broken read EIO src/file \
		"error reading '.*/src/file' at byte 0: Input/output error"
	broken write EIO dst/file \
		"error writing '.*/dst/file' at byte 0: Input/output error"
	broken write EDQUOT dst/file \
		"error writing '.*/dst/file' at byte 0: Disk quota exceeded"
}

test_error_big_file()
{
	where_room_is_reserved || return 0
	make_broken 9000000 || return 0
	io='Input/output error'
	broken pread64 EIO src/file "error reading '.*/src/file' at b.*: $io" \
		--method=rw
	broken pwrite64 EIO dst/file "error writing '.*/dst/file' at b.*: $io" \
		--method=rw
	broken copy_file_range EIO src/file ".*/file' at b.*: $io" \
		--method=range
	broken fallocate EIO dst/file "error writing '.*/dst/file' at b.*: $io"
	broken ftruncate EIO dst/file "error writing '.*/dst/file' at b.*: $io"
	cd ..
}

# The turn to write, whose holder has the error.
test_error_in_the_turn_to_write()
{
	where_room_is_reserved || return 0
	make_broken 9000000 || return 0
	broken pwrite64 EIO dst/file \
		"error writing '.*/dst/file' at b.*: Input/output error"
	broken pwrite64 ENOSPC dst/file \
		"error writing '.*/dst/file' at b.*: No space left"
	# In the second of it: one that was left can be taken again.
	broken pwrite64 EIO:when=2 dst/file \
		"error writing '.*/dst/file' at byte 4194304: Input/output" -j1
	cd ..
}

# What is said at the close may have been lost from the start.
test_error_at_close()
{
	make_broken 5000 || return 0
	for size in 5000 9000000; do
		random_file $size src/file
		rm -rf dst && mkdir dst
		traced 1 -P "$PWD/dst/file" -e trace=close \
			-e inject=close:error=ENOSPC -- \
			-j2 "$PWD/src/file" "$PWD/src/last" "$PWD/dst"
		said_only "failed to close '.*/dst/file': No space left"
		assertFalse 'it was left' '[ -e dst/file ]'
		assert_same_file src/last dst/last
	done
	# In a tree, where what was made is not looked at before.
	for how in -r -a; do
		random_file 5000 src/file
		rm -rf dst
		traced 1 -P "$PWD/dst/file" -e trace=close \
			-e inject=close:error=ENOSPC -- $how "$PWD/src" \
			"$PWD/dst"
		said_only "failed to close '.*/dst/file': No space left"
		assertFalse "$how: it was left" '[ -e dst/file ]'
		assert_same_file src/last dst/last
	done
}

# What has taken the name of a file that failed is not taken for it.
test_error_leaves_what_has_taken_the_name()
{
	make_broken 600000 || return 0
	limited env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
		strace -f -q -o trace -P "$PWD/dst/file" -e trace=write \
		-e inject=write:error=EIO:delay_enter=500000 \
		"$MCP" -r src "$PWD/dst" >"$OUT" 2>"$ERR" &
	job=$!
	poll 20 test -e dst/file
	rm dst/file && echo mine >dst/file
	wait "$job"
	assertEquals 1 $?
	said "^mcp: error writing '.*/dst/file' at byte 0: Input/output"
	assertEquals mine "$(cat dst/file)"
}

# The backup has the old contents still, under its name.
test_error_leaves_what_has_taken_the_name_of_a_backup()
{
	need_command strace || return 0
	mkdir src
	for size in 20000 20000000; do
		random_file $size src/file
		rm -rf dst && mkdir dst && echo old >dst/file
		limited env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
			strace -f -q -o trace -P "$PWD/dst/file" \
			-e trace=write,pwrite64 \
			-e inject=write,pwrite64:error=EIO:delay_enter=500000 \
			"$MCP" -b --method=rw src/file "$PWD/dst" >"$OUT" \
			2>"$ERR" &
		job=$!
		poll 20 test -e dst/file~
		poll 20 test -e dst/file
		rm dst/file && echo mine >dst/file
		wait "$job"
		assertEquals "$size" 1 $?
		said "^mcp: cannot un-backup '.*dst/file': File exists"
		assertEquals "$size" mine "$(head -c 100 dst/file)"
		assertEquals "$size" old "$(head -c 100 dst/file~)"
	done
}

test_error_in_holes()
{
	make_broken 100 || return 0
	truncate -s 9000000 src/file
	broken lseek EIO src/file "error reading '.*/src/file' at b.*: Input/"
}

# Each entry that fails fails alone, and what is listed before a directory
# cannot be listed any further is copied.
test_error_in_a_tree()
{
	need_command strace || return 0
	mkdir -p src/bad src/good
	echo 1 >src/bad/f
	echo 2 >src/good/f
	traced 1 -P "$PWD/src/bad" -e trace=getdents64 \
		-e inject=getdents64:error=EIO -- -j2 -r "$PWD/src" dst
	said_only "error reading directory '.*/src/bad': Input/output error"
	assert_same_file src/good/f dst/good/f
	rm -r dst
	traced 1 -e trace=mkdirat \
		-e inject=mkdirat:error=ENAMETOOLONG:when=2 -- -j1 -r src dst
	said_only "cannot create directory 'dst/.*': File name too long"
	assertEquals 1 "$(find dst -type f | wc -l)"
}

test_error_name_too_long()
{
	echo a >a
	mkdir dir
	long=$(printf '%0300d' 0)
	expect 1 mcp a "$long"
	said_only ": File name too long"
	expect 1 mcp -r dir "dir2/$long"
	said_only "^mcp: .*'dir2/$long': "
}

# Interrupted calls are made again.
test_error_interrupted_is_none()
{
	where_room_is_reserved || return 0
	make_broken 600000 || return 0
	random_file 9000000 src/big
	for what in auto:read,write rw:pread64,pwrite64 \
		range:copy_file_range auto:fallocate; do
		calls=${what#*:}
		rm -rf dst
		# The loader's reads must go well.
		traced 0 -P "$PWD/src/file" -P "$PWD/src/big" \
			-P "$PWD/dst/file" -P "$PWD/dst/big" \
			-e "trace=$calls" -e "inject=$calls:error=EINTR:when=1" \
			-- -j2 -r --reflink=never "--method=${what%:*}" \
			"$PWD/src" "$PWD/dst"
		grep -q INJECTED trace || fail "no call of $calls"
		assert_same_tree --no-times src dst
	done
	cd ..
}

# A clone that went wrong is a failure; one that cannot be made is none.
test_error_of_a_clone_fails()
{
	make_broken 9000000 || return 0
	random_file 5000 src/small
	for error in EIO ENOSPC EDQUOT ENOMEM; do
		for f in small file; do
			rm -rf dst && mkdir dst
			traced 1 -P "$PWD/dst/$f" -e trace=ioctl \
				-e inject=ioctl:error=$error -- \
				-j1 src/$f "$PWD/dst"
			grep -q FICLONE trace || fail "no clone: $(cat trace)"
			said_only "^mcp: failed to clone '.*/dst/$f'"
			assertFalse "$error: left" "[ -e dst/$f ]"
		done
	done
}

test_another_way_than_a_clone()
{
	make_broken 9000000 || return 0
	random_file 5000 src/small
	for error in EOPNOTSUPP ENOTTY EXDEV EINVAL ENOSYS EPERM; do
		rm -rf dst
		traced 0 -e trace=ioctl -e inject=ioctl:error=$error -- \
			-j2 -r src dst
		assert_same_tree --no-times src dst
		# Where it was asked for there is no other.
		traced 1 -e trace=ioctl -e inject=ioctl:error=$error -- \
			-j2 --reflink=always src/small dst/new
		assertFalse "$error: left" '[ -e dst/new ]'
	done
}

# Seccomp, old kernels: no such call.
test_another_way_without_new_calls()
{
	make_broken 9000000 || return 0
	random_file 5000 src/small
	for call in fallocate madvise statfs,fstatfs copy_file_range \
		memfd_create; do
		for error in ENOSYS EPERM; do
			rm -rf dst
			traced 0 -e trace=$call -e inject=$call:error=$error \
				-- -j2 -r src dst
			assert_same_tree --no-times src dst
		done
	done
}

# Only bytes that can be mapped: of the method that was forced, and no other.
test_another_way_is_not_what_was_forced()
{
	make_broken 9000000 || return 0
	for error in EXDEV EOPNOTSUPP ENOSYS EINVAL; do
		broken copy_file_range $error src/file \
			"cannot copy '.*/file' to '.*/file' by copy_file_range" \
			--method=range
	done
	broken mmap ENODEV src/file \
		"cannot copy '.*/file' to '.*/file' by mmap" --method=mmap
}

# ---------------------------------------------------------------------------
# The source
# ---------------------------------------------------------------------------

# start_stopped ARG...: a run of meanwhile, in the background.
start_stopped()
{
	: >trace
	limited env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
		strace -f -q -o trace -P "$PWD/src/file" -e "trace=$call" \
		-e "inject=$call:signal=SIGSTOP:when=$number" \
		"$MCP" "$@" >"$OUT" 2>"$ERR" &
	job=$!
}

# One is, or there are none any more.
stopped()
{
	grep -q 'stopped by SIGSTOP' trace || ! kill -0 "$job" 2>/dev/null
}

# meanwhile CALL NUMBER COMMAND -- ARG...: mcp, each process of which is stopped
# at that call of its own on src/file, and goes on when COMMAND has been done.
# How many such calls a process comes to is up to the others as well: where none
# came to that one it is done again, a few times.
meanwhile()
{
	call=$1
	number=$2
	command=$3
	shift 4
	into=
	eval "into=\${$#}"
	for attempt in 1 2 3 4 5; do
		start_stopped "$@"
		poll 20 stopped || break
		grep -q 'stopped by SIGSTOP' trace && break
		wait "$job" || break
		rm -f "$into/file" "$into/last"
	done
	grep -q 'stopped by SIGSTOP' trace ||
		fail "no $call, $attempt times: $(tail -n 5 trace)"
	eval "$command"
	until ! kill -0 "$job" 2>/dev/null; do
		sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' trace |
			while read -r pid; do
				kill -CONT "$pid" 2>/dev/null
			done
		sleep 0.02
	done
	wait "$job"
}

# changed METHOD CALL NUMBER NEW-SIZE WORD: while it is being copied, by two
# workers or $workers.
changed()
{
	random_file "$size" src/file
	rm -rf dst && mkdir dst
	meanwhile "$2" "$3" "truncate -s $4 src/file" -- \
		"-j${workers:-2}" --reflink=never "--method=$1" src/file src/last dst
	assertEquals "$1 to $4" 1 "$?"
	said_only "^mcp: .*'src/file'.*$5"
	# What is there of it, if anything, is what the source has.
	[ ! -e dst/file ] ||
		cmp -n "$(($4 < size ? $4 : size))" src/file dst/file ||
		fail "$1 to $4: other bytes"
	assert_same_file src/last dst/last
}

# To nothing, to a page's end, into a page, into the last page; each time under
# the hands.
test_source_that_shrinks_big()
{
	make_broken 100 || return 0
	size=16777216
	for new in 0 4194304 8390656 8391000 16777116; do
		changed rw pread64 3 $new shrank
		changed range copy_file_range 2 $new ''
		changed mmap mmap 2 $new shrank
	done
}

# By both ways at the same time: one has the turn to write.
test_source_that_shrinks_with_a_turn_to_write()
{
	where_room_is_reserved || return 0
	make_broken 100 || return 0
	size=16777216
	for new in 0 4194304 8391000 16777116; do
		changed auto mmap 2 $new shrank
	done
	cd ..
}

# Pages of it are in the pipe when it happens.
test_source_that_shrinks_in_a_pipe()
{
	size=16777216
	for type in tmpfs btrfs; do
		with_fs $type 400M fs || return 0
		cd fs || return
		make_broken 100 || return 0
		workers=1
		for new in 0 524288 8390656 8391000 16777116; do
			changed auto splice 2 $new shrank
		done
		changed auto splice 2 16777217 grew
		# Two, by turns.
		workers=2
		for new in 0 524288 8390656 8391000 16777116; do
			changed auto pread64 3 $new shrank
		done
		changed auto pread64 3 16777217 grew
		cd .. || return
		end_mounts
	done
}

test_source_that_shrinks_small()
{
	make_broken 100 || return 0
	size=1000000
	for new in 0 262144 270001 999999; do
		changed auto read 2 $new shrank
		changed mmap mmap 1 $new shrank
	done
}

test_source_that_grows()
{
	make_broken 100 || return 0
	size=10000000
	changed rw pread64 2 10000001 grew
	changed range copy_file_range 1 11000000 grew
	changed mmap mmap 2 30000000 grew
	size=1000000
	changed auto read 2 1000001 grew
}

test_source_replaced()
{
	make_broken 100 || return 0
	random_file 16777216 src/file
	random_file 16777216 other
	cp src/file before
	mkdir dst
	meanwhile pread64 2 'mv other src/file' -- \
		-j2 --reflink=never --method=rw src/file src/last dst
	status=$?
	# Either it is the one or it is an error; never of both.
	if [ $status -eq 0 ]; then
		assert_same_file before dst/file
	else
		said "^mcp: 'src/file' was replaced"
		assertFalse 'it was left' '[ -e dst/file ]'
	fi
	assert_same_file src/last dst/last
}

# Their size is 0, and their contents come in short reads.
test_source_proc_is_read_to_its_end()
{
	mkdir dst
	for f in filesystems version cmdline devices; do
		for method in auto rw; do
			expect 0 mcp "--method=$method" /proc/$f dst/$f
			cat /proc/$f >expected
			assert_same_file expected dst/$f
		done
	done
	# Those of /sys say 4096 and have less.
	f=/sys/kernel/mm/transparent_hugepage/enabled
	if [ -r $f ]; then
		expect 0 mcp $f dst/sys
		cat $f >expected
		assert_same_file expected dst/sys
	fi
	expect 0 mcp -j2 -r /proc/sys/fs/inotify dst
	for f in /proc/sys/fs/inotify/*; do
		cat "$f" >expected
		assert_same_file expected "dst/inotify/${f##*/}"
	done
}

test_source_fifo_in_a_tree_does_not_block()
{
	mkdir src
	mkfifo src/fifo
	echo a >src/a
	expect 0 mcp -r src dst
	assertTrue '[ -p dst/fifo ]'
	expect 0 mcp -j4 -a src dst2
	assert_same_tree src dst2
}

# What was listed as a file may be a FIFO by the time it is opened.
test_source_that_becomes_a_fifo_does_not_block()
{
	mkdir src
	echo a >src/a
	mkfifo src/b
	race src/a src/b
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		mcp -r src dst 2>err
		[ "$?" -lt 2 ] || fail 'it hung'
		rm -r dst
	done
	race_over
}

test_source_devices_and_sockets()
{
	need_root || return 0
	mkdir src
	mknod src/null c 1 3
	mknod src/zero c 1 5
	mknod src/loop b 7 0
	mkfifo src/fifo
	python3 -c 'import socket
socket.socket(socket.AF_UNIX).bind("src/socket")' 2>/dev/null
	expect 0 mcp -r src dst
	assert_same_tree --no-times src dst
	expect 0 mcp -j2 -a src dst2
	assert_same_tree src dst2
	expect 0 mcp -j2 -aT src dst2
	assert_same_tree src dst2
}

test_source_that_may_not_be_read()
{
	need_root || return 0
	mkdir -p src/shut src/open
	echo 1 >src/shut/f
	echo 2 >src/open/f
	echo 3 >src/secret
	echo 4 >src/plain
	chmod 700 src/shut
	chmod 600 src/secret
	mkdir -m 777 out
	for j in 1 2; do
		expect 1 mcp_as_nobody -j$j -r src out/$j
		said "^mcp: cannot open 'src/secret' for reading: Permission"
		said "^mcp: cannot access 'src/shut': Permission denied"
		assertEquals 2 "$(wc -l <"$ERR")"
		assert_same_file src/open/f out/$j/open/f
		assert_same_file src/plain out/$j/plain
		assertFalse '[ -e out/$j/secret ]'
	done
}

# ---------------------------------------------------------------------------
# The destination
# ---------------------------------------------------------------------------

test_dst_read_only()
{
	with_fs tmpfs 10M ro || return 0
	mkdir ro/dir
	mount -o remount,ro ro
	echo a >a
	random_file 9000000 big
	mkdir src
	echo b >src/b
	expect 1 mcp a ro/a
	said_only "cannot create regular file 'ro/a': Read-only file system"
	expect 1 mcp -j2 big ro/big
	said_only "cannot create regular file 'ro/big': Read-only file system"
	expect 1 mcp -j2 -r src ro/dir
	said_only "cannot create directory 'ro/dir/src': Read-only file system"
}

test_dst_that_may_not_be_written()
{
	need_root || return 0
	mkdir src dst
	echo a >src/a
	echo before >dst/a
	chmod 755 dst
	expect 1 mcp_as_nobody -r src/. dst
	said "^mcp: cannot create regular file 'dst/./a': Permission denied"
	assertEquals before "$(cat dst/a)"
}

# race A B: exchanges two names until race_over.
race()
{
	[ -p race.fifo ] || mkfifo race.fifo
	# Open for writing already when it looks for the end.
	exec 8<>race.fifo
	"$HELPERS/exchange" "$1" "$2" &
	race_pid=$!
}

race_over()
{
	kill -KILL "$race_pid"
	wait "$race_pid" 2>/dev/null
	exec 8<&-
}

# dst/sub is exchanged with a link to elsewhere all the time: nothing may be
# written there, whether or not the copy succeeds.
test_dst_directory_swapped_for_a_link()
{
	mkdir -p src/sub/deep elsewhere/deep
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		echo $i >src/sub/$i
		echo $i >src/sub/deep/$i
	done
	"$HELPERS/bigtree" --files=100 src/more >/dev/null
	random_file 8388608 src/sub/big
	ln -s "$PWD/elsewhere" evil
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		rm -rf dst
		mkdir -p dst/src/sub
		rm -f evil
		ln -s "$PWD/elsewhere" evil
		race dst/src/sub evil
		mcp -j2 -r src dst 2>err
		[ "$?" -lt 2 ] || fail "$(tail err)"
		mcp -j2 -a src dst 2>err
		race_over
		[ -d evil ] && [ ! -L evil ] && rm -rf evil
		found=$(find elsewhere -type f)
		[ -z "$found" ] || {
			fail "written elsewhere: $found"
			break
		}
	done
}

# The same with the source: nothing may be read there.
test_source_directory_swapped_for_a_link()
{
	mkdir -p src/sub/deep elsewhere/deep
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		echo good >src/sub/$i
		echo good >src/sub/deep/$i
		echo secret >elsewhere/$i
		echo secret >elsewhere/deep/$i
	done
	"$HELPERS/bigtree" --files=100 src/more >/dev/null
	ln -s "$PWD/elsewhere" evil
	race src/sub evil
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		rm -rf dst
		mcp -j2 -r src dst 2>err
		[ "$?" -lt 2 ] || fail "$(tail err)"
		found=$(grep -rl secret dst)
		[ -z "$found" ] || {
			fail "read elsewhere: $found"
			break
		}
	done
	race_over
}

# Below an operand somebody else's link is not written through; an operand that
# is one was meant.
test_dst_link_of_another_user_is_refused()
{
	need_root || return 0
	mkdir src dst
	echo new >src/f
	random_file 9000000 src/big
	for f in f big; do
		echo before >target
		ln -sf "$PWD/target" dst/$f
		chown -h 65534 dst/$f
		for how in "-r src/. dst" "-j2 -a src/. dst" "src/$f dst" \
			"-t dst src/$f"; do
			[ -L dst/$f ] || {
				rm -f dst/$f
				ln -sf "$PWD/target" dst/$f
				chown -h 65534 dst/$f
			}
			# shellcheck disable=SC2086
			mcp $how 2>err
			assertEquals "$how" before "$(head -c 80 target)"
		done
	done
	ln -sf "$PWD/target" link
	chown -h 65534 link
	expect 0 mcp src/f link
	assertEquals new "$(cat target)"
}

# One's own link at the destination is written through, as with cp. While it is
# exchanged with another user's nobody writes through that.
test_dst_link_swapped_for_another_users()
{
	need_root || return 0
	mkdir src dst
	echo new >src/f
	echo before >theirs
	echo before >ours
	ln -s "$PWD/ours" dst/f
	ln -s "$PWD/theirs" dst/evil
	chown -h 65534 dst/evil
	race dst/f dst/evil
	n=0
	while [ $n -lt 150 ]; do
		n=$((n + 1))
		mcp -r src/. dst 2>err
		[ "$(cat theirs)" = before ] || break
	done
	race_over
	assertEquals "after $n runs" before "$(cat theirs)"
}

# ---------------------------------------------------------------------------
# Rights
# ---------------------------------------------------------------------------

test_rights_capabilities_of_what_was_there_are_gone()
{
	need_root || return 0
	need_command setcap || return 0
	echo a >small
	random_file 9000000 big
	mkdir dst
	for method in $METHODS; do
		for f in small big; do
			echo before >dst/$f
			setcap cap_net_raw+ep dst/$f ||
				fail 'no capabilities here'
			expect 0 mcp -j2 --reflink=never "--method=$method" $f dst
			assertEquals "$method $f" '' "$(getcap dst/$f)"
		done
	done
}

# Root keeps them, as with cp (capability CAP_FSETID); nobody else does.
test_rights_set_id_bits_of_what_was_there_are_gone()
{
	need_root || return 0
	echo a >small
	random_file 9000000 big
	mkdir -m 777 dst
	for method in $METHODS; do
		for f in small big; do
			rm -f dst/$f
			echo before >dst/$f
			chown 65534:65534 dst/$f
			chmod 6775 dst/$f
			expect 0 mcp_as_nobody -j2 --reflink=never \
				"--method=$method" $f dst
			assertEquals "$method $f" 775 "$(stat -c %a dst/$f)"
		done
	done
}

test_rights_set_id_bits_go_where_the_owner_is_not_kept()
{
	need_root || return 0
	mkdir -p src/sub
	for mode in 4755 2755 6755 1755; do
		echo $mode >src/sub/$mode
		chmod $mode src/sub/$mode
	done
	random_file 9000000 src/big
	chmod 6755 src/big
	chmod 2755 src/sub
	mkdir -m 777 out
	expect 0 mcp_as_nobody -j2 -a src out
	assertEquals '' "$(find out/src -perm /7000)"
	assertEquals '' "$(find out/src -type f ! -perm 755)"
	expect 0 mcp -j2 -a src dst
	assert_same_tree src dst
}

# Of everything that is made: may more people read it than could before? Names
# are modes. What is another user's and will be again is for nobody, as long as
# it is not his: named with an o, where $1 says that owners are kept.
wider_than_named()
{
	sed -n 's/^.*\(openat\|mkdirat\|mknodat\)(.*"\([^"]*\)",.*\(O_CREAT.*,\|,\) *\(S_IF[A-Z]*|\)*\(0[0-7]*\)[,)].*= [0-9].*/\1 \2 \5/p' trace |
	while read -r call name mode; do
		case $name in
		*m0[0-7][0-7][0-7]) ;;
		*) continue ;;
		esac
		source=${name##*m}
		case $1:$name in
		yes:*o"m$source") source=0 ;;
		esac
		# The owner may do more meanwhile.
		[ $(((mode & 077) & ~source)) -eq 0 ] ||
			echo "$call $name $mode"
	done
}

test_rights_are_never_wider_meanwhile()
{
	need_root || return 0
	need_command strace || return 0
	mkdir src
	for mode in 0600 0400 0640 0700 0750 0604 0066 0000; do
		echo $mode >src/m$mode
		echo $mode >src/om$mode
		mkdir src/dm$mode
		echo x >src/dm$mode/m$mode
		mkfifo src/fm$mode
		mkfifo src/fom$mode
		chown 65534:65534 src/om$mode src/fom$mode
		chmod $mode src/m$mode src/om$mode src/dm$mode/m$mode \
			src/dm$mode src/fm$mode src/fom$mode
	done
	random_file 9000000 src/bigom0640
	chown 65534 src/bigom0640
	chmod 0640 src/bigom0640
	for how in -a -r '-r --preserve=mode' -rp '-r --preserve=ownership'; do
		case $how in
		-r | *=mode) owner=no ;;
		*) owner=yes ;;
		esac
		rm -rf dst
		# shellcheck disable=SC2086
		traced 0 -e trace=openat,mkdirat,mknodat -- -j2 $how src dst
		assertTrue "$how: too few in the trace" \
			"[ $(grep -c 'O_CREAT\|mkdirat\|mknodat' trace) -gt 20 ]"
		assertEquals "$how" '' "$(wider_than_named $owner)"
	done
}

# The new group must not have the rights the old one had on a file that was
# there, not even for a moment: the mode is narrowed before the owner changes.
test_rights_of_what_was_there_are_not_given_to_the_new_group()
{
	need_root || return 0
	need_command strace || return 0
	echo secret >small
	random_file 9000000 big
	chmod 600 small big
	chown 65534:100 small big
	mkdir dst
	for f in small big; do
		echo before >dst/$f
		chmod 664 dst/$f
		traced 0 -e trace=fchown,fchmod -- -j2 -p $f dst
		assertEquals 600:65534:100 "$(stat -c %a:%u:%g dst/$f)"
		mode=$(sed -n '/fchown(/q;s/.*fchmod([0-9]*, \(0[0-7]*\)).*/\1/p' \
			trace | tail -n 1)
		assertTrue "$f: fchown at mode ${mode:-0664}" \
			"[ $((${mode:-0664} & 066)) -eq 0 ]"
	done
}

# A directory's default ACL names somebody who may not read the source: he may
# not read the copy meanwhile, either.
test_rights_of_a_default_acl_do_not_reach_the_copy()
{
	need_command setfacl || return 0
	need_command strace || return 0
	echo secret >m0640
	chmod 640 m0640
	mkdir -p dst/src src
	cp -p m0640 src
	setfacl -d -m u:65533:rwx dst dst/src 2>/dev/null || {
		skip 'no ACLs here'
		return 0
	}
	for how in '-p m0640 dst' '-r --preserve=mode src dst' \
		'--preserve=mode m0640 dst'; do
		rm -f dst/m0640 dst/src/m0640
		# shellcheck disable=SC2086
		traced 0 -e trace=openat -- $how
		mode=$(sed -n 's/.*O_CREAT.*, \(0[0-7]*\)).*/\1/p' trace)
		assertEquals "$how" 0 "$((mode & 070))"
	done
}

# The copy has a name before it has its data, and others link to that. Which of
# the two is first, and whether the other comes in time, is chance.
test_link_made_before_its_file_failed_is_told()
{
	need_root || return 0
	need_command strace || return 0
	with_fs tmpfs 5M || return 0
	mkdir -p src/1 src/2
	head -c 12000000 /dev/urandom >src/1/a
	ln src/1/a src/2/b
	MCP_ALONE=0
	export MCP_ALONE
	for _ in 1 2 3 4 5 6; do
		traced 1 -e trace=fallocate \
			-e inject=fallocate:delay_enter=500000 \
			-- -aj2 src tmpfs/dst
		left=$(find tmpfs/dst -type f)
		[ -z "$left" ] || break
		assertContains "$(cat "$ERR")" "'tmpfs/dst/1/a'"
		assertContains "$(cat "$ERR")" "'tmpfs/dst/2/b'"
		rm -r tmpfs/dst
	done
	unset MCP_ALONE
	assertContains "$(cat "$ERR")" 'No space left on device'
	if [ -n "$left" ]; then
		assertEquals 0 "$(stat -c %s "$left")"
		assertContains "$(cat "$ERR")" 'were made and are empty now'
	fi
	# Once there is room, it is all mended.
	mount -o remount,size=30M tmpfs
	expect 0 mcp -aT src tmpfs/dst
	assert_same_tree src tmpfs/dst
}

# The same of a file that was there before: it is left, and empty.
test_link_to_a_file_that_failed_later_is_told()
{
	need_command strace || return 0
	mkdir -p src/1 src/2
	random_file 20000 src/1/a
	ln src/1/a src/2/b
	MCP_ALONE=0
	export MCP_ALONE
	for _ in 1 2 3 4 5 6; do
		rm -rf dst && mkdir -p dst/1 dst/2
		echo old >dst/1/a
		echo old >dst/2/b
		traced 1 -P "$PWD/dst/1/a" -P "$PWD/dst/2/b" -e trace=write \
			-e inject=write:error=EIO:delay_enter=500000 -- \
			-aTj2 src "$PWD/dst"
		assertTrue 'some have their old contents' \
			'[ ! -s dst/1/a ] && [ ! -s dst/2/b ]'
		one_file dst/1/a dst/2/b && break
	done
	unset MCP_ALONE
	assertTrue 'never linked' 'one_file dst/1/a dst/2/b'
	assertContains "$(cat "$ERR")" "other names of '"
	assertContains "$(cat "$ERR")" "' are empty now too"
}

. "$SHUNIT2"

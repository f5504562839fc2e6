#!/bin/sh
# Workers die, by SIGKILL, and it costs nothing: the copy is the same, counted
# the same, each name said once, status 0, and one line on stderr a death.
#
#   random_*        at a random moment: a tree and a big file, $MCP_DEATH_ROUNDS
#                   times (default 10, and half of that)
#   killed_at_*     before each N-th system call of a kind, and so again and
#                   again: each replacement dies at its N-th too
#   all_killed      all workers at once, as often as something was done
#   no_clobber, update    what is there already is decided about as without a
#                   death
#   killed_with_a_backup  what was there is lost at no moment (-b)
#   killed_after_an_error  what the next one has to say is said all the same
#   three_deaths_*  what kills whoever touches it is given up, as an error; the
#                   rest goes on
#   conductor       it dies: nobody remains
#   fork_refused, replacement_refused     no process to be had
#
# strace counts the calls of each process by itself. The conductor must not come
# to N, so the first operand is a big file: with that it forks at once.

. "$(dirname "$0")/lib.sh"

ROUNDS=${MCP_DEATH_ROUNDS:-10}

[ "$SANITIZERS" = no ] || ROUNDS=${MCP_DEATH_ROUNDS:-3}

# make_tree DIR FILES: besides as many files, of of some sizes, links of both kinds, FIFOs,
# holes, directories that one may not write into.
make_tree()
{
	"$HELPERS/bigtree" --files="$2" --dirs=16 --fanout=3 \
		--lognormal=3000,1.5 --max=300000 "$1" >"$TEST_ROOT/made"
	i=0
	find "$1" -type d | sort >"$TEST_ROOT/dirs"
	find "$1" -type f | sort | head -n 30 >"$TEST_ROOT/files"
	while read -r file; do
		i=$((i + 1))
		ln "$file" "$1/name-$i"
	done <"$TEST_ROOT/files"
	while read -r dir; do
		ln -s target "$dir/symlink"
		ln "$dir/symlink" "$1/symlink-$(basename "$dir")"
		mkfifo "$dir/fifo"
		echo 'read only' >"$dir/read-only"
		chmod 444 "$dir/read-only"
	done <"$TEST_ROOT/dirs"
	truncate -s 1M "$1/hole"
	echo end >>"$1/hole"
	# The times of directories change with what was made in them.
	while read -r dir; do
		touch -d '2001-02-03 04:05:06.789' "$dir"
	done <"$TEST_ROOT/dirs"
	sed -n '5,9p' "$TEST_ROOT/dirs" | tr '\n' '\0' | xargs -0 chmod 555
}

before_all()
{
	SMALL=$TEST_ROOT/src
	BIG=$TEST_ROOT/big
	BIGGER=$TEST_ROOT/bigger
	make_tree "$SMALL" 220
	# All hole, but for its end: a FILE job that is done at once.
	truncate -s 9M "$BIG"
	dd if=/dev/urandom of="$BIGGER" bs=1M count=80 status=none
}

# The leak check needs a process, and a ptrace(2), of its own.
before_each()
{
	SRC=$SMALL
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
}

# What a copy of $SRC says that nobody disturbs.
undisturbed()
{
	mkdir undisturbed
	began=$(date +%s%3N)
	"$MCP" -a -v -j 3 --stats "$BIG" "$SRC" "$PWD/undisturbed" \
		>lines.expected 2>stats.expected
	# shellcheck disable=SC2034
	took=$(($(date +%s%3N) - began))
	lines lines.expected "$PWD/undisturbed" >lines.sorted
	mv lines.sorted lines.expected
	remove undisturbed
}

# The counts of --stats, without what differs from run to run.
counts()
{
	grep -E '^(files|directories|symlinks|specials|hard links|skipped|errors|bytes|holes|methods) ' "$1"
}

# Lines of -v in a common order, with the destination's name cut out.
lines()
{
	sed "s|$2/||g" "$1" | sort
}

deaths()
{
	grep -c '^mcp: worker [0-9]* was killed by signal 9 (Killed);' "$ERR"
}

# The same copy, the same counts, a line a death.
assert_counted()
{
	assert_same_tree "$SRC" dst/src
	assert_same_file "$BIG" dst/big
	assertEquals "counts: $1" "$(counts stats.expected)" \
		"$(counts "$ERR")"
	lost=$(sed -n 's/^workers .* \([0-9]*\) lost and replaced$/\1/p' "$ERR")
	assertEquals "lines of deaths: $1" "${lost:-0}" "$(deaths)"
	assertEquals "other messages: $1" '' \
		"$(sed '/^mcp: worker/d;/^files /,$d' "$ERR")"
}

# And each name once.
assert_undisturbed()
{
	assert_counted "$1"
	lines "$OUT" "$PWD/dst" >lines.got
	assertEquals "lines of -v: $1" '' "$(diff lines.expected lines.got)"
}

traced()
{
	limited strace -f -qq -o "$TEST_ROOT/strace" "$@"
}

# killing CALL N ARG...: mcp, whose workers each die at their N-th such call
killing()
{
	call=$1
	when=$2
	shift 2
	traced -e "trace=$call" -e "inject=$call:signal=KILL:when=$when" \
		"$MCP" "$@"
}

# killing_some PREPARE CALL N ARG...: the same, and some did die of it.  Three
# that happen to die at one entry give it up, which is not what is tested: then
# it is done again, and they die one call later.
killing_some()
{
	prepare=$1
	call=$2
	first=$3
	shift 3
	for when in $(seq "$first" $((first + 4))); do
		$prepare dst
		killing "$call" "$when" "$@" >"$OUT" 2>"$ERR"
		status=$?
		grep -q '3 workers died at it' "$ERR" || break
	done
	assertEquals "status, killed at $call $when: $(tail -n 20 "$ERR")" \
		0 "$status"
	[ "$(deaths)" -gt 0 ] || fail "nobody died at $call $when"
}

nothing_is_there()
{
	remove "$1"
	mkdir "$1"
}

# killed_at SYSCALL N...
killed_at()
{
	need_command strace || return 0
	undisturbed
	syscall=$1
	shift
	for n; do
		killing_some nothing_is_there "$syscall" "$n" -a -v -j 2 \
			--stats "$BIG" "$SRC" "$PWD/dst"
		assert_undisturbed "$syscall $n"
	done
}

# ---------------------------------------------------------------------------
# At a random moment
# ---------------------------------------------------------------------------

random_number=$(date +%N | sed 's/^0*//')

# Below $1, into $random.
draw()
{
	random_number=$(((random_number * 1103515245 + 12345) % 2147483648))
	random=$((random_number / 65536 % $1))
}

workers()
{
	cat "/proc/$MCP_PID/task/$MCP_PID/children" 2>/dev/null
}

has_workers()
{
	[ -n "$(workers)" ] || ! kill -0 "$MCP_PID" 2>/dev/null
}

# One of the words that follow, or nothing.
pick()
{
	[ $# -gt 0 ] || return 0
	draw $#
	shift "$random"
	echo "$1"
}

need_children()
{
	[ -e "/proc/$$/task/$$/children" ] || {
		skip 'needs /proc/PID/task/TID/children'
		return 1
	}
}

# random_death MS ARG...: one worker of mcp dies within MS ms, if it is still
# there by then.
random_death()
{
	draw "$1"
	delay=$(printf '0.%03d' "$random")
	shift
	mcp_start "$@" >"$OUT" 2>"$ERR"
	poll 10 has_workers
	sleep "$delay"
	# shellcheck disable=SC2046
	victim=$(pick $(workers))
	[ -z "$victim" ] || kill -KILL "$victim" 2>/dev/null
	mcp_wait
	assertEquals "status, after $delay s" 0 $?
	killed=$((killed + $(deaths)))
}

test_random_death_in_a_tree()
{
	need_children || return 0
	killed=0
	SRC=$TEST_DIR/src
	make_tree "$SRC" 2000
	undisturbed
	for round in $(seq "$((ROUNDS * 5))"); do
		# All of them may have come too late.
		[ "$round" -le "$ROUNDS" ] || [ "$killed" -eq 0 ] || break
		remove dst
		mkdir dst
		random_death "$((took / 2 + 1))" -a -v -j 4 --stats "$BIG" "$SRC" \
			"$PWD/dst"
		assert_undisturbed "killed after $delay s"
	done
	[ "$killed" -gt 0 ] || [ "$ROUNDS" -lt 10 ] || fail 'nobody died'
}

test_random_death_in_a_big_file()
{
	need_children || return 0
	killed=0
	for method in auto mmap rw; do
		for _ in $(seq "$(((ROUNDS + 5) / 6))"); do
			rm -f copy
			random_death 80 -a -j 3 --stats --method=$method \
				--reflink=never "$BIGGER" copy
			assert_same_file "$BIGGER" copy
			assertContains "$(cat "$ERR")" '83,886,080'
			assertContains "$(cat "$ERR")" 'errors       0'
		done
	done
}

# ---------------------------------------------------------------------------
# At each place
# ---------------------------------------------------------------------------

test_killed_at_open()
{
	killed_at openat 61
}

test_killed_at_mkdir()
{
	killed_at mkdirat 6
}

# Without -v, with which the conductor too would come to N.  The first reads of
# a process are those of the loader, and of sanitizers.
test_killed_at_read_of_tokens_and_data()
{
	need_command strace || return 0
	undisturbed
	for n in 77 95; do
		killing_some nothing_is_there read "$n" -a -j 2 --stats \
			"$BIG" "$SRC" dst
		assert_counted "read $n"
	done
}

test_killed_at_write_of_data()
{
	need_command strace || return 0
	undisturbed
	killing_some nothing_is_there write 90 -a -j 2 --stats \
		"$BIG" "$SRC" dst
	assert_counted 'write 90'
}

test_killed_at_link()
{
	killed_at linkat 12
}

test_killed_at_symlink()
{
	killed_at symlinkat 6
}

test_killed_at_special()
{
	killed_at mknodat 6
}

test_killed_at_times()
{
	killed_at utimensat 9 33
}

test_killed_at_mode()
{
	killed_at fchmod 9
}

test_killed_at_close()
{
	killed_at close 50
}

test_killed_at_stat()
{
	killed_at newfstatat 40
}

test_killed_at_listing()
{
	killed_at getdents64 7
}

test_killed_at_looking_for_holes()
{
	killed_at lseek 9
}

# big_killed_at METHOD SYSCALL N
big_killed_at()
{
	need_command strace || return 0
	rm -f copy
	expect 0 killing "$2" "$3" -a -j 1 --stats --method="$1" \
		--reflink=never "$BIGGER" copy
	[ "$(deaths)" -gt 0 ] || fail "$1: nobody died at $2 $3"
	assert_same_file "$BIGGER" copy
	assert_same_tree "$BIGGER" copy
	assertContains "$1, $2 $3" "$(counts "$ERR")" 'files        1'
	assertContains "$1, $2 $3" "$(counts "$ERR")" 'errors       0'
	assertContains "$1, $2 $3" "$(counts "$ERR")" 'bytes        83,886,080 '
}

test_killed_in_a_big_file_that_is_mapped()
{
	big_killed_at mmap madvise 17
}

test_killed_in_a_big_file_that_is_written()
{
	big_killed_at rw pwrite64 20
	big_killed_at rw pread64 20
}

no_copy_is_there()
{
	rm -f fs/again
}

# Who dies with the turn to write does not keep it: the next one takes it, and
# dies of it in turn.  Of two, a busy machine may let one store nearly all, so
# that neither writes often.
test_killed_in_the_turn_to_write()
{
	need_command strace || return 0
	for type in ext4 xfs; do
		with_fs $type 400M fs || return 0
		# Of 4 MiB each.
		expect 0 killing pwrite64 5 -a -j 1 --stats --reflink=never \
			"$BIGGER" fs/copy
		assertEquals "deaths on $type" 4 "$(deaths)"
		assert_same_tree "$BIGGER" fs/copy
		killing_some no_copy_is_there pwrite64 2 -a -j 2 --stats \
			--reflink=never "$BIGGER" fs/again
		assert_same_tree "$BIGGER" fs/again
		assertContains "$type" "$(counts "$ERR")" 'errors       0'
		end_mounts
	done
}

# One process, two calls for half a MiB: into its pipe and out of it.
test_killed_in_a_big_file_that_is_spliced()
{
	need_command strace || return 0
	for type in btrfs tmpfs; do
		with_fs $type 400M fs || return 0
		for n in 65 66; do
			expect 0 killing splice $n -a -j 1 --stats \
				--reflink=never "$BIGGER" fs/$n
			[ "$(deaths)" -gt 1 ] || fail "$type: few died"
			assert_same_tree "$BIGGER" fs/$n
			assertContains "$type" "$(cat "$ERR")" 'methods      splice 1'
		done
		end_mounts
	done
}

# Two take turns, and each dies of it.  16 calls for a chunk.
test_killed_in_a_big_file_that_is_written_by_turns()
{
	need_command strace || return 0
	for type in btrfs tmpfs; do
		with_fs $type 400M fs || return 0
		for call in pread64 pwrite64; do
			expect 0 killing $call 20 -a -j 2 --stats \
				--reflink=never "$BIGGER" fs/$call
			[ "$(deaths)" -gt 1 ] || fail "$type: few died"
			assert_same_tree "$BIGGER" fs/$call
			assertContains "$type" "$(counts "$ERR")" \
				'bytes        83,886,080 '
		done
		end_mounts
	done
}

# A worker dies when it has said that a file cannot be written. The next one can
# write it, and says nothing of it: what it says of another file is new.
test_killed_after_an_error()
{
	need_command strace || return 0
	mkdir src dst dst/4
	for i in 1 2 3 4 5; do
		echo "$i" >"src/$i"
	done
	MCP_ALONE=0
	export MCP_ALONE
	traced -P "$PWD/dst/1" -P "$PWD/dst/2" -P "$PWD/dst/3" \
		-e trace=write,ftruncate -e inject=write:error=EIO:when=3 \
		-e inject=ftruncate:signal=KILL "$MCP" -j1 src/1 src/2 src/3 \
		src/4 src/5 "$PWD/dst" >"$OUT" 2>"$ERR"
	assertEquals "status: $(cat "$ERR")" 1 "$?"
	unset MCP_ALONE
	assertEquals deaths 1 "$(deaths)"
	assertEquals 'what was said' "mcp: error writing 'dst/3'
mcp: cannot overwrite directory 'dst/4'" \
		"$(sed -n "s|$PWD/||; s/' .*/'/; /worker/!p" "$ERR")"
	for i in 1 2 3 5; do
		assert_same_file "src/$i" "dst/$i"
	done
}

# old_is_there NAME CONTENTS: under its name, or under its backup's.
old_is_there()
{
	[ "$(head -c 50 "$1" 2>/dev/null)" = "$2" ] ||
		[ "$(head -c 50 "$1~" 2>/dev/null)" = "$2" ]
}

# killed_when STATUS CONDITION STRACE-ARG...: one worker of mcp dies when that is
# true.
killed_when()
{
	expected=$1
	condition=$2
	shift 2
	strace -f -qq -o "$TEST_ROOT/strace" "$@" >"$OUT" 2>"$ERR" &
	job=$!
	poll 20 sh -c "$condition" || fail "never: $condition"
	read -r MCP_PID _ <"/proc/$job/task/$job/children"
	# shellcheck disable=SC2046
	kill -KILL $(workers)
	wait "$job"
	assertEquals "status: $(cat "$ERR")" "$expected" "$?"
	assertEquals "deaths, $condition" 1 "$(deaths)"
}

# prepare_old SIZE: of the new file
prepare_old()
{
	rm -rf src dst && mkdir src dst
	head -c "$1" /dev/zero >src/f
	echo old >dst/f
}

# Once the backup was made, and once it was back: whoever goes on knows of it,
# and what is back is not taken for a copy that was begun.
test_killed_with_a_backup()
{
	need_command strace || return 0
	need_children || return 0
	MCP_ALONE=0
	export MCP_ALONE
	for size in 3000 20000000; do
		prepare_old $size
		killed_when 1 '[ -e dst/f~ ]' -P "$PWD/src/f" -P "$PWD/dst/f" \
			-e trace=openat,write,pwrite64 \
			-e inject=write,pwrite64:error=EIO \
			-e inject=openat:delay_enter=500000:when=1 \
			"$MCP" -b -j1 --method=rw "$PWD/src/f" "$PWD/dst"
		assertEquals "$size" old "$(head -c 50 dst/f)"
		assertFalse "$size: a backup" '[ -e dst/f~ ]'
		prepare_old $size
		killed_when 1 '[ -e dst/f~ ] && until [ -s dst/f ]; do :; done' \
			-P "$PWD/dst" -P "$PWD/dst/f" -P "$PWD/src/f" \
			-e trace=write,pwrite64,renameat2,close \
			-e inject=write,pwrite64:error=EIO:delay_enter=300000 \
			-e inject=renameat2,close:delay_exit=500000 \
			"$MCP" -b -j1 --method=rw "$PWD/src/f" "$PWD/dst"
		assertEquals "$size" old "$(head -c 50 dst/f)"
		assertFalse "$size: a backup" '[ -e dst/f~ ]'
	done
	unset MCP_ALONE
}

test_killed_with_a_backup_that_is_a_link()
{
	need_command strace || return 0
	need_children || return 0
	prepare_old 3000
	ln dst/f dst/f~
	# Which rename(2) leaves as they are.
	MCP_ALONE=0 killed_when 0 'sleep 0.7' -P "$PWD/dst" -P "$PWD/src/f" \
		-e trace=renameat -e inject=renameat:delay_exit=1500000:when=1 \
		"$MCP" -b -j1 "$PWD/src/f" "$PWD/dst"
	assert_same_file src/f dst/f
	assertEquals old "$(cat dst/f~)"
}

# What three workers died at is as if it had failed.
test_three_deaths_with_a_backup()
{
	need_command strace || return 0
	for old in '' old; do
		prepare_old 3000
		[ -n "$old" ] || rm dst/f
		expect 1 traced -P "$PWD/dst/f" -e trace=utimensat \
			-e inject=utimensat:signal=KILL "$MCP" -p ${old:+-b} \
			-j1 "$BIG" src/f "$PWD/dst"
		assertContains "$(cat "$ERR")" '3 workers died at it'
		assertEquals "$old" "$old" "$(head -c 50 dst/f 2>/dev/null)"
		[ -n "$old" ] || assertFalse 'it was left' '[ -e dst/f ]'
		assertFalse 'a backup' '[ -e dst/f~ ]'
	done
}

# Before it was opened: the next one may not open it either.
test_killed_before_a_file_that_may_not_be_written()
{
	need_command strace || return 0
	need_children || return 0
	need_root || return 0
	install -m 755 "$MCP" mcp
	chmod 777 .
	status=1
	for how in '' -f; do
		prepare_old 3000
		ln dst/f dst/other
		chmod 444 dst/f
		chown -R 65534:65534 src dst
		MCP_ALONE=0 killed_when "$status" 'sleep 0.7' \
			-P "$PWD/src/f" -e trace=openat \
			-e inject=openat:delay_enter=1500000:when=1 \
			setpriv --reuid=65534 --regid=65534 --clear-groups \
			"$PWD/mcp" -j1 $how "$PWD/src/f" "$PWD/dst"
		assertEquals "$how" 'old' "$(cat dst/other)"
		[ -n "$how" ] || assertEquals old "$(cat dst/f)"
		status=0
	done
	assert_same_file src/f dst/f
}

# --attributes-only leaves the contents alone, once more as well.
test_killed_with_attributes_only()
{
	need_command strace || return 0
	need_children || return 0
	need_root || return 0
	install -m 755 "$MCP" mcp
	chmod 777 .
	prepare_old 3000
	chmod 444 src/f
	chown -R 65534:65534 src dst
	MCP_ALONE=0 killed_when 0 'sleep 0.7' -P "$PWD/dst/f" -e trace=fchmod \
		-e inject=fchmod:delay_exit=1500000:when=1 \
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$PWD/mcp" -j1 --attributes-only --preserve=mode \
		"$PWD/src/f" "$PWD/dst"
	assertEquals old "$(cat dst/f)"
	assertEquals 444 "$(stat -c %a dst/f)"
}

# What was made through a dangling link is not taken for what was there before.
test_killed_behind_a_dangling_link()
{
	need_command strace || return 0
	need_children || return 0
	for how in -n -u --update=none-fail; do
		prepare_old 3000
		rm dst/f
		ln -s target dst/f
		MCP_ALONE=0 POSIXLY_CORRECT=1 killed_when 0 \
			'[ -e dst/target ] && sleep 0.5' \
			-P "$PWD/dst/f" -P "$PWD/dst/target" -e trace=write \
			-e inject=write:delay_enter=1500000:when=1 \
			"$MCP" $how -j1 "$PWD/src/f" "$PWD/dst"
		assert_same_file src/f dst/target
	done
}

# A worker dies with a link in its hand to what has just become another's
# contents again: these are not written into.
test_killed_with_a_link_to_what_is_back()
{
	need_command strace || return 0
	mkdir src
	head -c 40000000 /dev/zero >src/big
	head -c 3000 /dev/zero >src/a
	ln src/a src/b
	for _ in 1 2 3; do
		rm -rf dst && mkdir dst
		echo olda >dst/a
		echo oldb >dst/b
		MCP_ALONE=0 traced -P "$PWD/dst" -P "$PWD/dst/a" \
			-P "$PWD/dst/b" -e trace=linkat,unlinkat,utimensat \
			-e inject=utimensat:error=EIO:delay_enter=500000:when=1 \
			-e inject=linkat:delay_enter=1500000:when=1 \
			-e inject=unlinkat:signal=KILL:when=1 "$MCP" -a -b -j2 \
			src/big src/a src/b "$PWD/dst" >"$OUT" 2>"$ERR"
		for name in a b; do
			old_is_there dst/$name old$name ||
				fail "old$name is lost: $(cat "$ERR")"
		done
	done
}

# Died between the failure and its message.
test_killed_with_a_message_not_given()
{
	need_command strace || return 0
	head -c 20000000 /dev/zero >big
	mkdir dst
	: >trace
	MCP_ALONE=0 limited env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
		strace -f -q -o trace -e trace=pwrite64,write \
		-e inject=pwrite64:error=EIO:when=2 \
		-e inject=write:delay_enter=2000000:when=1 \
		"$MCP" --method=rw -j1 big dst >"$OUT" 2>"$ERR" &
	job=$!
	poll 20 grep -q INJECTED trace
	kill -KILL "$(sed -n 's/^\([0-9]*\) .*EIO.*INJECTED.*/\1/p' trace)"
	wait "$job"
	assertEquals 1 "$?"
	assertContains "$(cat "$ERR")" "mcp: cannot copy 'big': the worker that"
	assertFalse 'it was left' '[ -e dst/big ]'
}

test_killed_in_a_big_file_of_ranges()
{
	big_killed_at range copy_file_range 3
}

# ---------------------------------------------------------------------------
# What others, or the dead one, have already gone on from
# ---------------------------------------------------------------------------

stopped()
{
	sed -n 's/^\([0-9]*\) *--- stopped by SIGSTOP ---$/\1/p' \
		"$TEST_ROOT/strace" 2>/dev/null
}

somebody_stopped_and_both_are_there()
{
	[ -n "$(stopped)" ] && [ -L dst/src/1/linked ] &&
		[ -L dst/src/2/linked ]
}

ended_or_continued()
{
	# shellcheck disable=SC2046
	kill -CONT $(stopped) 2>/dev/null
	! kill -0 "$tracer" 2>/dev/null
}

# The copy that others have made links to is not made anew: who makes the first
# name is stopped before it sets the times, and dies when the second is there.
test_death_after_others_linked_keeps_the_links()
{
	need_command strace || return 0
	mkdir -p src/1 src/2 dst
	for i in $(seq 100); do
		echo "$i" >"src/2/$i"
	done
	ln -s target src/1/linked
	ln src/1/linked src/2/linked
	set --
	for i in $(seq 4 60); do
		set -- "$@" -P "/proc/self/fd/$i/linked"
	done
	traced "$@" -e trace=utimensat -e inject=utimensat:signal=STOP \
		"$MCP" -a -j 2 "$BIG" src dst 2>"$ERR" &
	tracer=$!
	poll 10 somebody_stopped_and_both_are_there
	# shellcheck disable=SC2046
	kill -KILL $(stopped)
	poll 10 ended_or_continued
	wait "$tracer"
	assertEquals status 0 $?
	assertEquals deaths 1 "$(deaths)"
	assert_same_tree src dst/src
}

# Who takes over shares the rest out first, since the other waits; the entry that
# is begun stays begun.
test_death_in_what_is_shared_out_then()
{
	need_command strace || return 0
	"$HELPERS/bigtree" --files=200 --size=1000 src >made
	killing_some nothing_is_there utimensat 9 -a -n -j 2 --stats \
		"$BIG" src dst
	assertContains "$(cat "$ERR")" 'files        201'
	assertContains "$(cat "$ERR")" 'skipped      0'
	assert_same_tree src dst/src
}

# What has its final mode can no longer be opened for writing, but by root.
test_death_after_the_final_mode_of_a_big_file()
{
	need_command strace || return 0
	mkdir -m 777 dst
	cp "$BIG" ./first && cp "$BIG" ./second && chmod 444 ./first ./second
	[ -e "$TEST_ROOT/mcp" ] || install -m 755 "$MCP" "$TEST_ROOT/mcp"
	: >trace && chmod 666 trace
	expect 0 judged as_nobody timeout -k 5 "$MCP_LIMIT" strace -f -qq -o trace \
		-e trace=utimensat -e inject=utimensat:signal=KILL:when=2 \
		"$TEST_ROOT/mcp" --preserve=mode,timestamps -j 1 \
		./first ./second "$PWD/dst"
	assertEquals deaths 1 "$(deaths)"
	assert_same_tree --no-owner ./first dst/first
	assert_same_tree --no-owner ./second dst/second
}

# ---------------------------------------------------------------------------
# Again and again
# ---------------------------------------------------------------------------

entries_made()
{
	find dst | wc -l
}

more_was_made()
{
	[ "$(entries_made)" -gt "$made" ] || ! kill -0 "$MCP_PID" 2>/dev/null
}

test_all_killed_as_often_as_something_was_done()
{
	need_children || return 0
	undisturbed
	mkdir dst
	mcp_start -a -v -j 4 --stats "$BIG" "$SRC" "$PWD/dst" >"$OUT" 2>"$ERR"
	for _ in 1 2 3 4 5 6; do
		made=$(entries_made)
		poll 10 more_was_made
		# shellcheck disable=SC2046
		kill -KILL $(workers) 2>/dev/null
	done
	mcp_wait
	assertEquals 'status' 0 $?
	assert_undisturbed 'all killed'
}

# ---------------------------------------------------------------------------
# What is there already
# ---------------------------------------------------------------------------

# Some that are newer, some that are older than their source, most missing.
some_are_there()
{
	remove "$1"
	mkdir -p "$1/src"
	sed -n '40,60p' "$TEST_ROOT/files" >there
	while read -r file; do
		mkdir -p "$1/$(dirname "src/${file#"$SRC/"}")"
		echo there >"$1/src/${file#"$SRC/"}"
		touch -d 2035-01-01 "$1/src/${file#"$SRC/"}"
	done <there
	head -n 10 there | while read -r file; do
		touch -d 1999-01-01 "$1/src/${file#"$SRC/"}"
	done
	for name in symlink fifo; do
		echo there >"$1/src/$name"
		touch -d 1999-01-01 "$1/src/$name"
	done
}

# The same result as without a death, with -n or -u.
as_without_a_death()
{
	need_command strace || return 0
	some_are_there expected
	expect 0 mcp -a "$1" -j 3 --stats "$BIG" "$SRC" expected
	cp "$ERR" stats
	for at in 'openat 60' 'utimensat 13' 'symlinkat 6' 'mknodat 6' \
		'linkat 9'; do
		# shellcheck disable=SC2086
		killing_some some_are_there $at -a "$1" -j 2 --stats \
			"$BIG" "$SRC" dst
		assert_same_tree --no-dir-times expected dst
		assertEquals "$1: $at" "$(counts stats)" "$(counts "$ERR")"
	done
}

test_no_clobber_with_deaths()
{
	as_without_a_death -n
}

test_update_with_deaths()
{
	as_without_a_death -u
}

# ---------------------------------------------------------------------------
# What kills whoever touches it
# ---------------------------------------------------------------------------

# fatal CALL PATH ARG...: mcp, whose workers die at the call for that path
fatal()
{
	call=$1
	path=$2
	shift 2
	traced -P "$path" -e "trace=$call" -e "inject=$call:signal=KILL" \
		"$MCP" "$@"
}

make_fatal_tree()
{
	mkdir -p src/dir src/after
	for i in $(seq 100); do
		echo "$i" >"src/dir/$i"
		echo "$i" >"src/after/$i"
	done
	echo fatal >src/dir/fatal
	mkdir dst
}

# All but what was fatal is there, and said once; three workers were lost.
assert_given_up()
{
	assertEquals 'errors' "$1" "$(grep '^mcp: cannot' "$ERR")"
	assertEquals 'deaths' "$2" "$(deaths)"
	rm -rf src/dir/fatal dst/src/dir/fatal
	assert_same_tree --no-dir-times src dst/src
}

test_three_deaths_give_a_file_up()
{
	need_command strace || return 0
	make_fatal_tree
	expect 1 fatal openat fatal -a -v -j 2 "$BIG" src dst
	assert_given_up \
		"mcp: cannot copy 'src/dir/fatal': 3 workers died at it" 3
	find src | sort >names.expected
	sed "s/^'\(src[^']*\)' -> .*/\1/; /fatal/d; /^'/d" "$OUT" |
		sort >names.got
	assertEquals '' "$(diff names.expected names.got)"
}

test_three_deaths_after_its_line_cost_no_other_line()
{
	need_command strace || return 0
	make_fatal_tree
	expect 1 fatal utimensat "$PWD/dst/src/dir/fatal" \
		-a -v -j 1 "$BIG" src dst
	assert_given_up \
		"mcp: cannot copy 'src/dir/fatal': 3 workers died at it" 3
	find src | sort >names.expected
	sed "s/^'\(src[^']*\)' -> .*/\1/; /fatal/d; /^'/d" "$OUT" |
		sort >names.got
	assertEquals '' "$(diff names.expected names.got)"
}

test_three_deaths_give_a_directory_up()
{
	need_command strace || return 0
	make_fatal_tree
	rm src/dir/fatal
	mkdir src/dir/fatal
	echo below >src/dir/fatal/below
	expect 1 fatal mkdirat fatal -a -j 2 "$BIG" src dst
	assert_given_up \
		"mcp: cannot copy 'src/dir/fatal': 3 workers died at it" 3
}

test_three_deaths_give_an_operand_up()
{
	need_command strace || return 0
	make_fatal_tree
	echo fatal >fatal
	expect 1 fatal openat fatal -a -j 2 "$BIG" fatal src dst
	assertContains "$(cat "$ERR")" \
		"mcp: cannot copy 'fatal': 3 workers died at it"
}

test_three_deaths_give_a_big_file_up()
{
	need_command strace || return 0
	make_fatal_tree
	cp "$BIG" src/dir/fatal
	echo end >>src/dir/fatal
	expect 1 fatal openat fatal -a -j 2 "$BIG" src dst
	assert_given_up \
		"mcp: cannot copy 'src/dir/fatal': 3 workers died at it" 3
}

# Its end too is deadly, when what was begun is to be taken back.
test_three_deaths_twice_end_a_big_file()
{
	need_command strace || return 0
	make_fatal_tree
	cp "$BIG" src/dir/fatal
	echo end >>src/dir/fatal
	MCP_LIMIT=20
	expect 1 fatal ftruncate "$PWD/dst/src/dir/fatal" \
		-a -j 2 "$BIG" src dst
	MCP_LIMIT=60
	message="mcp: cannot copy 'src/dir/fatal': 3 workers died at it"
	assert_given_up "$message
$message" 6
}

# ---------------------------------------------------------------------------
# The conductor
# ---------------------------------------------------------------------------

test_conductor_dies_and_nobody_remains()
{
	need_children || return 0
	for delay in 0.01 0.03; do
		remove dst
		mkdir dst
		mcp_start -a -j 4 "$BIG" "$BIGGER" "$SRC" "$PWD/dst"
		poll 10 has_workers
		sleep $delay
		kill -KILL "$MCP_PID" 2>/dev/null
		mcp_wait
		poll 5 no_leftovers || fail 'somebody remained'
	done
}

# ---------------------------------------------------------------------------
# No process to be had
# ---------------------------------------------------------------------------

# mcp_as_nobody_limited ARG...: who may have no other process
mcp_as_nobody_limited()
{
	[ -e "$TEST_ROOT/mcp" ] || install -m 755 "$MCP" "$TEST_ROOT/mcp"
	judged as_nobody timeout -k 5 "$MCP_LIMIT" \
		prlimit --nproc=1:1 "$TEST_ROOT/mcp" "$@"
}

# Directories that only root may write into are root's affair.
make_tree_for_all()
{
	"$HELPERS/bigtree" --files=300 --dirs=10 --size=2000 "$1" >made
	mkdir -m 777 dst
}

test_fork_refused_copies_all_the_same()
{
	need_command prlimit || return 0
	make_tree_for_all src
	expect 0 mcp_as_nobody_limited -r -j 4 --stats src dst
	assert_same_tree --no-owner --no-times src dst/src
}

is_gone()
{
	! kill -0 "$MCP_PID" 2>/dev/null
}

test_replacement_refused_is_an_error()
{
	need_root || return 0
	need_children || return 0
	need_command prlimit || return 0
	# More lines than the pipes take: 64 KiB each.
	"$HELPERS/bigtree" --files=8000 --dirs=40 src >made
	mkdir -m 777 dst
	mkfifo hold
	install -m 755 "$MCP" "$TEST_ROOT/mcp"
	chmod 777 . && chmod 666 hold
	exec 8<>hold
	# -v into a pipe that nobody reads holds the copy up.
	as_nobody timeout -k 5 "$MCP_LIMIT" sh -c \
		'echo $$ >pid.new && mv pid.new pid && exec "$@" >hold' sh \
		"$TEST_ROOT/mcp" -rv -j 2 src dst 2>"$ERR" &
	poll 10 test -s pid
	MCP_PID=$(cat pid)
	poll 10 has_workers
	as_nobody prlimit --pid "$MCP_PID" --nproc=1:1
	# shellcheck disable=SC2046
	kill -KILL $(workers)
	cat <&8 >"$OUT" &
	reader=$!
	poll 20 is_gone
	kill "$reader"
	exec 8<&-
	assertContains "$(cat "$ERR")" 'all workers died and none can be made'
}

. "$SHUNIT2"

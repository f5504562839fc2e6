#!/bin/sh
# Signals, and descriptors 0 to 2 that are closed, full or clogged.
#
#   ended_*    SIGINT, SIGTERM, SIGHUP, SIGKILL, SIGPIPE in the midst of it: a
#              death by that signal, soon, with nobody left and tidied up
#   ignored_*  what was ignored before stays so
#   stopped_*  SIGSTOP and SIGCONT
#   closed_*   no descriptor 0, 1 or 2: nothing said gets into a file
#   stdout_*   what -v says has no place to go
#
# Two ways make a copy last: strace delays the calls that move data, or an
# operand is copied to a FIFO that nobody reads from.

. "$(dirname "$0")/lib.sh"

# slowly CALLS DELAY-US ARG...: mcp in the background, each of these system
# calls delayed. strace is nobody's parent here: $MCP_PID is mcp.
slowly()
{
	need_command strace || return 1
	: >trace
	cat >slow-mcp <<-EOF
		#!/bin/sh
		export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
		exec strace -DD -f -q -o trace -e trace=$1,unlinkat \
			-e inject=$1:delay_enter=$2 "$MCP" "\$@"
	EOF
	chmod +x slow-mcp
	shift 2
	start_with "$PWD/slow-mcp" "$@"
}

# start_with SCRIPT ARG...: as mcp_start, by a script that becomes mcp.
start_with()
{
	real=$MCP
	MCP=$1
	shift
	mcp_start "$@"
	MCP=$real
}

DATA_CALLS=madvise,pread64,pwrite64,copy_file_range

# slow_big [ARG...]: a copy of big to dst, in its midst.
slow_big()
{
	slowly "$DATA_CALLS" 15000 -j2 --method=rw "$@" big dst || return
	poll 20 sh -c '[ "$(grep -c pwrite64 trace)" -ge 6 ]' ||
		fail "big is not being copied: $(tail trace)"
}

make_big()
{
	head -c 33554433 /dev/urandom >big
}

# $long, of which -v says more than two pipes hold.
make_talkative()
{
	long=$(printf 'long%0250d' 0)
	"$HELPERS/bigtree" --files=1000 --dirs=10 "$long" >/dev/null
}

make_gated()
{
	mkdir -p src dst
	"$HELPERS/bigtree" --files=300 --dirs=20 --size=100 src/tree >/dev/null
	echo content >src/gate
	mkfifo dst/gate
}

# Until the tree is there and the worker at the gate waits.
gated_waits()
{
	mcp_start -j2 -r "$@" src/tree src/gate dst 2>err
	poll 20 sh -c '[ "$(find dst -type f 2>/dev/null | wc -l)" -eq 300 ]' ||
		fail "the tree is not being copied"
}

workers()
{
	cat "/proc/$MCP_PID/task/$MCP_PID/children"
}

# ended_by SIGNAL-NAME [SECONDS]: soon, by that signal, and alone.
ended_by()
{
	began=$(date +%s)
	mcp_wait 2>/dev/null
	assertEquals "by SIG$1" "$((128 + $(signal_number "$1")))" "$?"
	took=$(($(date +%s) - began))
	assertTrue "took $took s" "[ $took -le ${2:-2} ]"
	assertEquals 'processes left' '' "$(leftovers)"
}

# dash's "kill -l" knows numbers only.
signal_number()
{
	case $1 in
	HUP) echo 1 ;;
	INT) echo 2 ;;
	TERM) echo 15 ;;
	esac
}

# ---------------------------------------------------------------------------

test_ended_big_file_that_was_new_is_removed()
{
	make_big
	for signal in INT TERM HUP; do
		slow_big || return 0
		kill -$signal "$MCP_PID"
		ended_by $signal
		assertFalse 'dst was left' '[ -e dst ]'
		# Not by exit(128 + n).
		poll 5 grep -q "^$MCP_PID .*killed by SIG$signal" trace ||
			fail "no death by SIG$signal: $(tail trace)"
	done
}

test_ended_big_file_that_was_there_is_empty()
{
	make_big
	echo before >dst
	slow_big || return 0
	kill -TERM "$MCP_PID"
	ended_by TERM
	assertEquals 0 "$(stat -c %s dst)"
}

# With a backup it is what it was.
test_ended_big_file_with_a_backup_is_undone()
{
	make_big
	echo old >dst
	slow_big -b || return 0
	kill -TERM "$MCP_PID"
	ended_by TERM
	assertEquals old "$(head -c 100 dst)"
	assertFalse 'a backup' '[ -e dst~ ]'
}

# Every file that is there is whole.
test_ended_tree_has_no_half_files()
{
	"$HELPERS/bigtree" --files=3000 --dirs=60 --size=300000 --seed=7 \
		--lognormal=5000,2 --max=1000000 src >/dev/null
	for signal in INT TERM HUP; do
		rm -rf dst
		slowly read,write 3000 -j2 -r src dst || return 0
		poll 20 sh -c '[ "$(find dst -type f 2>/dev/null | wc -l)" -ge 150 ]'
		kill -$signal "$MCP_PID"
		ended_by $signal
		expect 1 "$HELPERS/treecmp" --no-times src dst
		assertEquals '' "$(grep -v 'only in A$' "$OUT")"
	done
}

test_ended_with_the_whole_process_group()
{
	make_big
	for signal in INT TERM HUP; do
		slow_big 2>err || return 0
		kill -s $signal -- "-$mcp_job"
		ended_by $signal
		assertFalse 'dst was left' '[ -e dst ]'
		# The workers' deaths are no news.
		assertEquals '' "$(cat err)"
	done
}

# Neither a file below the size of big ones.
test_ended_small_file_with_the_whole_process_group()
{
	head -c 7000000 /dev/urandom >small
	for signal in INT TERM HUP; do
		for old in '' old; do
			rm -f dst dst~
			[ -z "$old" ] || echo old >dst
			MCP_ALONE=0 mcp_start ${old:+-b} -j2 --rate=1M small dst \
				2>err
			poll 20 sh -c '[ "$(stat -c %s dst)" -gt 9 ]' 2>/dev/null
			kill -s $signal -- "-$mcp_job"
			ended_by $signal
			assertEquals "$signal $old" "$old" "$(head -c 50 dst 2>&1 |
				sed '/No such file/d')"
			assertFalse "$signal $old: a backup" '[ -e dst~ ]'
			assertEquals '' "$(cat err)"
		done
	done
}

# Nor where the worker is killed; what is written over is left empty.
test_ended_small_file_with_a_worker_that_is_killed()
{
	head -c 7000000 /dev/urandom >small
	for how in new -b -p; do
		rm -f dst dst~
		[ $how = new ] || echo old >dst
		set -- -j1 --rate=1M small dst
		[ $how = new ] || set -- $how "$@"
		MCP_ALONE=0 mcp_start "$@" 2>err
		poll 20 sh -c '[ "$(stat -c %s dst)" -gt 9 ]' 2>/dev/null
		worker=$(workers)
		kill -STOP "$worker"
		kill -INT "$MCP_PID"
		kill -KILL "$worker"
		ended_by INT 5
		case $how in
		new) assertFalse 'dst was left' '[ -e dst ]' ;;
		-b) assertEquals old "$(head -c 50 dst)" ;;
		-p) assertEquals 0 "$(stat -c %s dst)" ;;
		esac
		assertFalse "$how: a backup" '[ -e dst~ ]'
	done
}

# A worker that cannot look up from what it does is ended by force.
test_ended_with_a_worker_that_waits()
{
	make_gated
	gated_waits
	kill -TERM "$MCP_PID"
	ended_by TERM 5
	assertEquals '' "$(cat err)"
}

test_ended_with_a_worker_that_is_stopped()
{
	make_gated
	gated_waits
	for pid in $(workers); do
		kill -STOP "$pid"
	done
	kill -INT "$MCP_PID"
	ended_by INT 5
}

test_ended_without_workers()
{
	echo a >a
	mkfifo fifo
	mcp_start a fifo 2>err
	poll 10 grep -q '^State:.S' "/proc/$MCP_PID/status"
	kill -INT "$MCP_PID"
	ended_by INT
	assertTrue 'the FIFO is gone' '[ -p fifo ]'
}

test_ended_conductor_leaves_nobody()
{
	make_gated
	gated_waits
	kill -KILL "$MCP_PID"
	mcp_wait 2>/dev/null
	assertEquals 137 "$?"
	assertTrue 'workers live on' 'poll 3 no_leftovers'
}

test_ended_by_a_reader_that_leaves()
{
	make_talkative
	{
		timeout "$MCP_LIMIT" "$MCP" -j2 -rv "$long" dst 2>err
		echo $? >status
	} | head -n 1 >first
	assertEquals 141 "$(cat status)"
	assertEquals '' "$(cat err)"
	assertEquals "'$long' -> 'dst'" "$(cat first)"
	assertTrue 'it copied on' \
		"[ $(find dst -type f | wc -l) -lt 1000 ]"
}

# With workers the conductor holds its signals back (MCP_ALONE=0: from the start);
# and who started mcp may have held them back.
test_ignored_sigpipe_makes_it_an_error()
{
	make_talkative
	for with in MCP_ALONE=1 MCP_ALONE=0 --block-signal=PIPE; do
		{
			(
				trap '' PIPE
				limited env $with "$MCP" -j2 -rv "$long" \
					dst 2>err
				echo $? >status
			)
		} | head -n 1 >first
		assertEquals 1 "$(cat status)"
		assertEquals 'mcp: write error: Broken pipe' "$(cat err)"
		# What nobody hears of is copied all the same.
		assert_same_tree --no-times "$long" dst
		rm -r dst
	done
}

test_ignored_sighup_stays_ignored()
{
	make_gated
	cat >nohup-mcp <<-EOF
		#!/bin/sh
		trap '' HUP
		exec "$MCP" "\$@"
	EOF
	chmod +x nohup-mcp
	start_with "$PWD/nohup-mcp" -j2 -r src/tree src/gate dst
	poll 20 sh -c '[ "$(find dst -type f 2>/dev/null | wc -l)" -eq 300 ]'
	for pid in $(workers) "$MCP_PID"; do
		# Bit 0 of the mask of what is ignored.
		assertContains "$(grep '^SigIgn' "/proc/$pid/status" |
			grep '[13579bdf]$')" SigIgn
		kill -HUP "$pid"
	done
	timeout 10 cat dst/gate >/dev/null
	mcp_wait
	assertEquals 0 "$?"
	assert_same_tree --no-times src/tree dst/tree
}

test_stopped_worker_goes_on()
{
	make_big
	slow_big || return 0
	# Whoever of the two it is, the file is not whole without it.
	for pid in $(workers); do
		kill -STOP "$pid"
	done
	poll 10 sh -c '[ "$(grep -c "stopped by SIGSTOP" trace)" -eq 2 ]' ||
		fail "they do not stop: $(tail trace)"
	assertTrue 'mcp is gone' "[ -d /proc/$MCP_PID ]"
	for pid in $(workers); do
		kill -CONT "$pid"
	done
	mcp_wait
	assertEquals 0 "$?"
	assert_same_file big dst
}

test_stopped_conductor_goes_on()
{
	make_gated
	gated_waits
	kill -STOP "$MCP_PID"
	timeout 10 cat dst/gate >/dev/null
	kill -CONT "$MCP_PID"
	mcp_wait
	assertEquals 0 "$?"
}

# ---------------------------------------------------------------------------

# closed REDIRECTIONS: a small file, a tree and a big file with these closed.
closed()
{
	rm -rf a2 big2 src2
	eval "mcp a a2 $1"
	assertEquals "a small file, $1" 0 "$?"
	eval "mcp -j2 big big2 $1"
	assertEquals "a big file, $1" 0 "$?"
	eval "mcp -j2 -r src src2 $1"
	assertEquals "a tree, $1" 0 "$?"
	assert_same_file a a2
	assert_same_file big big2
	assert_same_tree --no-times src src2
}

test_closed_descriptors_change_nothing()
{
	echo content >a
	make_big
	"$HELPERS/bigtree" --files=300 --size=1000 src >/dev/null
	closed '<&-'
	closed '>&-'
	closed '2>&-'
	closed '<&- >&-'
	closed '>&- 2>&-'
	closed '<&- >&- 2>&-'
}

# What is said must not end up in the file that got the free descriptor.
test_closed_descriptors_and_messages()
{
	echo content >a
	"$HELPERS/bigtree" --files=300 --size=1000 src >/dev/null
	mkdir dst
	mcp a missing dst <&- >&- 2>&-
	assertEquals 1 "$?"
	assert_same_file a dst/a
	mcp -j2 -r src missing dst <&- >&- 2>&-
	assertEquals 1 "$?"
	assert_same_tree --no-times src dst/src
	# As with cp: what was to be said and could not is an error.
	mcp -v a a2 >&- 2>err
	assertEquals 1 "$?"
	assertEquals 'mcp: write error: Bad file descriptor' "$(cat err)"
	assert_same_file a a2
	mcp -v a a3 <&- >&- 2>&-
	assertEquals 1 "$?"
	assert_same_file a a3
	# The lines of workers must not reach what all of them share, either.
	mcp -j2 -rv src src2 >&- 2>err
	assertEquals 1 "$?"
	assertEquals 'mcp: write error: Bad file descriptor' "$(cat err)"
	assert_same_tree --no-times src src2
}

# What stands in for them is nothing that can be copied, or copied to.
test_closed_descriptors_as_operands()
{
	name=mcp-test-closed.$$
	echo content >$name
	for to in /dev/stdout /dev/fd/1 /proc/self/fd/1; do
		mcp $name $to >&- 2>err
		assertEquals "$to" 1 "$?"
		assertEquals "mcp: cannot create regular file '$to': No such device or address" \
			"$(cat err)"
		assertFalse "$to: in the root" "[ -e /$name ]"
		rm -f /$name
	done
	mcp /dev/stdin dst <&- 2>err
	assertEquals 1 "$?"
	assertEquals "mcp: cannot open '/dev/stdin' for reading: No such device or address" \
		"$(cat err)"
	assertFalse '[ -e dst ]'
}

test_stdout_full_is_an_error()
{
	need_full || return 0
	echo content >a
	"$HELPERS/bigtree" --files=300 --size=1000 src >/dev/null
	for what in '-v a a2' '-j2 -rv src src2'; do
		# shellcheck disable=SC2086
		mcp $what >/dev/full 2>err
		assertEquals "$what" 1 "$?"
		assertEquals 'mcp: write error: No space left on device' \
			"$(cat err)"
	done
	assert_same_file a a2
	assert_same_tree --no-times src src2
}

need_full()
{
	[ -c /dev/full ] || {
		skip 'needs /dev/full'
		return 1
	}
}

# Nobody reads the pipe and it is full: a signal ends it all the same.
test_stdout_clogged_can_be_interrupted()
{
	echo content >a
	mkfifo pipe
	exec 9<>pipe
	dd if=/dev/zero bs=1M oflag=nonblock status=none >&9 2>/dev/null
	mcp_start -v a a2 >pipe
	poll 10 grep -q '^State:.S' "/proc/$MCP_PID/status"
	kill -INT "$MCP_PID"
	ended_by INT
	exec 9<&-
}

test_stdout_clogged_with_workers_can_be_interrupted()
{
	make_talkative
	mkfifo pipe
	exec 9<>pipe
	for signal in INT TERM; do
		rm -rf dst
		mcp_start -j2 -rv "$long" dst >pipe
		count=0
		no_headway()
		{
			before=$count
			sleep 0.1
			count=$(find dst -type f 2>/dev/null | wc -l)
			[ "$count" -gt 0 ] && [ "$count" -eq "$before" ]
		}
		poll 20 no_headway
		kill -$signal "$MCP_PID"
		ended_by $signal 5
		assertTrue 'it copied on' "[ $count -lt 1000 ]"
		dd bs=1M iflag=nonblock status=none <&9 >/dev/null 2>&1
	done
	exec 9<&-
}

. "$SHUNIT2"

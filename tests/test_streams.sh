#!/bin/sh
# Bytes out of and into what has no size: FIFOs, pipes, devices.
#
#   fifo_*         mcp at both ends
#   reader_*       another program reads: whole, slowly, in single bytes, not all
#   writer_*       another program writes: in pieces of any size, in turns, late
#   changed_*      the source is overwritten once mcp has returned
#   full_*         the destination takes no more
#   waited_*       --open-timeout
#   made_*         --mkfifo
#   required_*     --stream=require
#   killed_*       a worker dies while bytes go through a FIFO
#   ended_*        signals while one end waits for the other
#   standard_*     /dev/stdin, /dev/stdout, /dev/fd/N; devices

. "$(dirname "$0")/lib.sh"

# More than any pipe holds, and no multiple of anything.
SIZE=5000003
# How often that is tried which goes well most of the time.
ROUNDS=${MCP_STREAM_ROUNDS:-20}

before_each()
{
	mkfifo fifo
	head -c $SIZE /dev/urandom >src
}

# ---------------------------------------------------------------------------

test_fifo_between_two()
{
	mcp src fifo &
	expect 0 mcp fifo dst
	wait $!
	assertEquals 0 $?
	assert_same_file src dst
	assertEquals '' "$(cat "$ERR")"
}

test_fifo_between_two_started_the_other_way_round()
{
	mcp fifo dst &
	sleep 0.1
	expect 0 mcp src fifo
	wait $!
	assertEquals 0 $?
	assert_same_file src dst
}

test_fifo_on_each_file_system()
{
	need_root || return 0
	for type in ext4 xfs btrfs tmpfs; do
		with_fs $type 400M || return 0
		cp src $type/src
		mcp $type/src fifo &
		expect 0 mcp fifo $type/dst
		wait $!
		assertEquals $type 0 $?
		assert_same_file src $type/dst
		mcp $type/src fifo &
		mcp fifo /dev/stdout >>$type/appended
		wait $!
		assertEquals "$type, appended" 0 $?
		assert_same_file src $type/appended
	done
}

# At once, or when some has gone that way already: nothing comes twice.
test_fifo_where_splice_is_refused()
{
	need_command strace || return 0
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	for n in 1 2 3 4; do
		refusing="strace -f -qq -e trace=splice
			-e inject=splice:error=EINVAL:when=$n+"
		# shellcheck disable=SC2086
		limited $refusing -o first "$MCP" --hand-over=no src fifo &
		# shellcheck disable=SC2086
		expect 0 limited $refusing -o second "$MCP" fifo dst
		wait $!
		assertEquals "from call $n" 0 $?
		assertContains "$(cat first second)" INJECTED
		assert_same_file src dst
	done
}

test_fifo_empty_source()
{
	: >empty
	mcp empty fifo &
	expect 0 mcp fifo dst
	wait $!
	assertEquals 0 $?
	assertEquals 0 "$(stat -c %s dst)"
}

test_fifo_zeros_become_holes()
{
	{
		echo begin
		head -c 3000000 /dev/zero
		echo end
		head -c 1000000 /dev/zero
	} >src
	mcp src fifo &
	expect 0 mcp --sparse=always fifo dst
	assert_same_file src dst
	assertTrue "$(stat -c %b dst) blocks" "[ $(stat -c %b dst) -lt 200 ]"
}

# fifo to fifo: mcp as a relay.
test_fifo_through_a_relay()
{
	mkfifo second
	cat src >fifo &
	mcp fifo second &
	relay=$!
	cat second >dst
	wait $relay
	assertEquals 0 $?
	assert_same_file src dst
}

# ---------------------------------------------------------------------------

test_reader_of_every_kind()
{
	for reader in cat 'dd bs=4097 status=none' 'tail -c +1' \
		'head -c 99999999' 'sh -c "sleep 1; cat"'; do
		eval "$reader" <fifo >dst &
		expect 0 mcp src fifo
		wait $!
		assert_same_file src dst
	done
	sha256sum <fifo >sum &
	expect 0 mcp src fifo
	wait $!
	assertEquals "$(sha256sum <src)" "$(cat sum)"
}

test_reader_of_single_bytes()
{
	head -c 100000 src >small
	dd bs=1 status=none <fifo >dst &
	expect 0 mcp small fifo
	wait $!
	assert_same_file small dst
}

# The pipe would have held all of it, and nobody would have heard.
test_reader_that_leaves_bytes_unread()
{
	head -c 50000 src >small
	{
		head -c 10 >/dev/null
		sleep 0.3
	} <fifo &
	expect 1 mcp small fifo
	assertContains "$(cat "$ERR")" "mcp: error writing 'fifo' at byte "
	assertContains "$(cat "$ERR")" ': Broken pipe'
}

test_reader_that_leaves_in_the_middle()
{
	head -c 1000000 <fifo >/dev/null &
	expect 1 mcp src fifo
	assertContains "$(cat "$ERR")" "mcp: error writing 'fifo' at byte "
}

# ---------------------------------------------------------------------------

test_writer_of_every_kind()
{
	for writer in cat 'dd bs=4097 status=none' 'dd bs=1M status=none' \
		'sh -c "head -c 7; sleep 0.3; cat"'; do
		eval "$writer" <src >fifo &
		rm -f dst
		expect 0 mcp fifo dst
		wait $!
		assert_same_file src dst
	done
	head -c 100000 src >small
	dd bs=1 status=none <small >fifo &
	expect 0 mcp fifo dst
	assert_same_file small dst
}

# As long as one has it open it is no end.
test_writer_that_comes_and_goes()
{
	sh -c 'sleep 1' >fifo &
	sh -c 'for i in 1 2 3; do echo $i >fifo; sleep 0.1; done' &
	expect 0 mcp fifo dst
	assertEquals '1 2 3' "$(xargs <dst)"
}

test_writer_tar_and_gzip_go_through()
{
	mkdir tree && cp src tree/
	tar -cf fifo tree &
	expect 0 mcp fifo tar
	tar -df tar || fail 'another tree'
	gzip -1 <src >fifo &
	expect 0 mcp fifo gz
	gzip -d <gz >dst
	assert_same_file src dst
}

# ---------------------------------------------------------------------------

# Pages of the source may still have been in the pipe.
test_changed_source_after_the_end()
{
	cp src before
	for _ in $(seq "$ROUNDS"); do
		cp before src
		{
			sleep 0.02
			cat
		} <fifo >dst &
		mcp src fifo || fail "status $?"
		head -c $SIZE /dev/zero 1<>src >&1
		wait $!
		cmp before dst || fail 'the reader got what was written later'
	done
}

# The same where the reader is mcp, slow, and nobody waits for its answer.
test_changed_source_that_mcp_reads()
{
	need_command strace || return 0
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	cp src before
	for _ in 1 2 3; do
		cp before src
		limited strace -f -qq -o trace -e trace=splice \
			-e inject=splice:delay_enter=30000 \
			"$MCP" --receipt=off fifo dst &
		mcp --receipt=off src fifo || fail "status $?"
		head -c $SIZE /dev/zero 1<>src >&1
		wait $!
		cmp before dst || fail 'the reader got what was written later'
	done
}

test_changed_size_is_an_error()
{
	for size in 2000000 9000000; do
		head -c $SIZE /dev/zero >changing
		# Once the first byte is there, the size has been looked at,
		# and the pipe does not hold all.
		{
			dd bs=1 count=1 status=none
			: >begun
			poll 10 [ -e changed ]
			cat
		} <fifo >dst &
		mcp_start changing fifo 2>err
		poll 10 [ -e begun ]
		truncate -s $size changing
		: >changed
		mcp_wait
		assertEquals "to $size" 1 $?
		assertContains "$(cat err)" "while it was copied"
		rm begun changed
	done
	# What only says it has a size is no such case.
	cat fifo >dst &
	expect 0 mcp /sys/kernel/mm/transparent_hugepage/enabled fifo
	wait $!
	assert_same_file /sys/kernel/mm/transparent_hugepage/enabled dst
}

test_full_destination_says_so_and_is_removed()
{
	need_root || return 0
	with_fs tmpfs 1M || return 0
	cat src >fifo 2>/dev/null &
	expect 1 mcp fifo tmpfs/dst
	assertContains "$(cat "$ERR")" "mcp: error writing 'tmpfs/dst' at byte "
	assertContains "$(cat "$ERR")" ': No space left on device'
	assertFalse 'it is left' '[ -e tmpfs/dst ]'
}

# Reserved in steps where no size is known; what was too much is given back.
test_full_length_and_no_more()
{
	with_fs ext4 200M || return 0
	head -c 20000001 /dev/urandom >big
	cat big >fifo &
	expect 0 mcp fifo ext4/dst
	assert_same_file big ext4/dst
	blocks=$(stat -c %b ext4/dst)
	assertTrue "$blocks blocks" "[ $blocks -lt 39200 ]"
}

# ---------------------------------------------------------------------------

test_waited_in_vain()
{
	expect 1 mcp --open-timeout=1 fifo dst
	assertEquals "mcp: nobody opened 'fifo' for writing within 1 s" \
		"$(cat "$ERR")"
	assertFalse 'dst was made' '[ -e dst ]'
	# Neither -f nor a backup takes it for what can be removed.
	for options in '' -f; do
		# shellcheck disable=SC2086
		expect 1 mcp $options --open-timeout=0 src fifo
		assertEquals "mcp: nobody opened 'fifo' for reading within 0 s" \
			"$(cat "$ERR")"
		assertTrue 'the FIFO is gone' '[ -p fifo ]'
	done
}

test_waited_long_enough()
{
	sh -c 'sleep 1; exec cat fifo' >dst &
	expect 0 mcp --open-timeout=20 src fifo
	wait $!
	assert_same_file src dst
	sh -c 'sleep 1; exec cat src >fifo' &
	rm dst
	expect 0 mcp --open-timeout=20 fifo dst
	assert_same_file src dst
}

test_waited_with_alarms_blocked()
{
	cat >blocked <<-'EOF'
		#!/bin/sh
		exec env --block-signal=ALRM --ignore-signal=ALRM "$@"
	EOF
	chmod +x blocked
	./blocked timeout 20 "$MCP" --open-timeout=1 fifo dst 2>err
	assertEquals 1 $?
}

# ---------------------------------------------------------------------------

test_made_and_removed_by_either()
{
	mcp --mkfifo src new &
	poll 5 [ -p new ]
	assertEquals 600 "$(stat -c %a new)"
	expect 0 mcp --mkfifo new dst
	wait $!
	assertEquals 0 $?
	assert_same_file src dst
	assertFalse 'it is left' '[ -e new ]'
	rm dst
	mcp --mkfifo new dst &
	poll 5 [ -p new ]
	expect 0 mcp --mkfifo src new
	wait $!
	assertEquals 0 $?
	assert_same_file src dst
	assertFalse 'it is left' '[ -e new ]'
}

test_made_by_others_stays()
{
	cat fifo >dst &
	expect 0 mcp --mkfifo src fifo
	assertTrue '[ -p fifo ]'
}

test_made_is_removed_after_a_failure()
{
	expect 1 mcp --mkfifo --open-timeout=0 src new
	assertFalse 'it is left' '[ -e new ]'
	mcp_start --mkfifo src new
	poll 5 [ -p new ]
	kill -TERM "$MCP_PID"
	mcp_wait 2>/dev/null
	assertEquals 143 $?
	assertFalse 'it is left after a signal' '[ -e new ]'
	# Who has put something else there keeps it.
	mcp_start --mkfifo --open-timeout=1 src new 2>err
	poll 5 [ -p new ]
	rm new
	echo mine >new
	mcp_wait
	assertEquals mine "$(cat new)"
}

test_made_where_something_is()
{
	echo there >file
	expect 1 mcp --mkfifo src file
	assertEquals "mcp: cannot create fifo 'file': File exists" \
		"$(cat "$ERR")"
	assertEquals there "$(cat file)"
	expect 1 mcp --mkfifo src none/new
	assertEquals \
		"mcp: cannot create fifo 'none/new': No such file or directory" \
		"$(cat "$ERR")"
	for arguments in '-t . src' '-R fifo dst' 'src src fifo' \
		'--parents src new'; do
		# shellcheck disable=SC2086
		expect 1 mcp --mkfifo $arguments
		assertEquals "mcp: --mkfifo needs one source and one\
 destination, and neither -R nor --parents" "$(head -n 1 "$ERR")"
	done
}

# ---------------------------------------------------------------------------

test_required_and_not_there()
{
	for file in src small; do
		head -c 100 src >small
		for dst in new old; do
			echo old >old
			expect 1 mcp --stream=require $file $dst
			assertEquals "mcp: neither '$file' nor '$dst' is a\
 FIFO, pipe or device" "$(cat "$ERR")"
			assertFalse 'a file was made' '[ -e new ]'
			assertEquals old "$(cat old)"
		done
	done
	head -c 10000000 /dev/zero >big
	expect 1 mcp --stream=require big new
	assertFalse 'a file was made' '[ -e new ]'
	mkdir tree && cp small tree
	expect 1 mcp --stream=require -r tree copy
	assertFalse 'a file was made' '[ -e copy/small ]'
}

test_required_and_there()
{
	cat fifo >dst &
	expect 0 mcp --stream=require src fifo
	wait $!
	assert_same_file src dst
	cat src >fifo &
	expect 0 mcp --stream=require fifo dst
	expect 0 mcp --stream=require src /dev/null
}

# ---------------------------------------------------------------------------

# killed NAMES: the worker that has the FIFO open; status and words of mcp.
killed()
{
	read -r children <"/proc/$MCP_PID/task/$MCP_PID/children"
	# shellcheck disable=SC2086
	victim=$(printf '/proc/%s/fd\n' $children |
		xargs -I '{}' find '{}' -lname '*/fifo*' | cut -d / -f 3)
	kill -KILL "$victim"
	mcp_wait
	assertEquals 1 $?
	assertContains "$(cat err)" "mcp: cannot copy $1 once more:\
 what went through a stream is gone"
}

# More than what stood there before.
some_has_come()
{
	[ "$(stat -c %s dst 2>/dev/null || echo 0)" -gt 1000 ]
}

# What it read nobody can read again: the rest would look like the whole.
test_killed_while_it_reads()
{
	MCP_ALONE=0
	export MCP_ALONE
	for before in no yes; do
		{
			head -c 1000000 src
			poll 10 [ -e gone ]
			cat src
		} >fifo 2>/dev/null &
		[ $before = no ] || echo before >dst
		mcp_start -j2 fifo dst 2>err
		poll 10 some_has_come
		killed "'fifo' to 'dst'"
		: >gone
		if [ $before = no ]; then
			assertFalse 'it is left' '[ -e dst ]'
		else
			assertEquals 0 "$(stat -c %s dst)"
		fi
		wait
		rm -f gone dst
	done
	unset MCP_ALONE
}

# writer_killed FILE COMMAND: a worker that writes FILE dies; before, but after it
# has begun, COMMAND is run.
writer_killed()
{
	MCP_ALONE=0
	export MCP_ALONE
	{
		head -c 1000 >/dev/null
		eval "$2"
		: >begun
		poll 10 [ -e gone ]
		cat >/dev/null
	} <fifo &
	mcp_start -j2 "$1" fifo 2>err
	poll 10 [ -e begun ]
	killed "'$1' to 'fifo'"
	: >gone
	wait
	rm -f begun gone
	unset MCP_ALONE
}

# What it wrote would come twice.
test_killed_while_it_writes()
{
	head -c 20000000 /dev/urandom >big
	for file in src big; do
		writer_killed $file :
	done
}

# The FIFO is not there any more: no file is made in its place.
test_killed_while_it_writes_to_what_was_removed()
{
	head -c 20000000 /dev/urandom >big
	for file in src big; do
		writer_killed $file 'rm fifo'
		assertFalse 'a file took its place' '[ -e fifo ]'
		mkfifo fifo
	done
}

# ---------------------------------------------------------------------------

# by_signal STATUS: soon, and without words.
by_signal()
{
	began=$(date +%s)
	mcp_wait 2>/dev/null
	assertEquals "$1" "$?"
	assertTrue 'not soon' "[ $(($(date +%s) - began)) -le 2 ]"
	assertEquals '' "$(cat err)"
}

test_ended_while_the_writer_is_silent()
{
	for how in auto always; do
		{
			echo something
			sleep 20
		} >fifo &
		idle=$!
		mcp_start --sparse=$how fifo dst 2>err
		poll 5 [ -s dst ]
		kill -TERM "$MCP_PID"
		by_signal 143
		kill $idle
		assertFalse 'it is left' '[ -e dst ]'
	done
}

test_ended_while_the_reader_is_silent()
{
	sh -c 'exec sleep 20' <fifo &
	idle=$!
	mcp_start src fifo 2>err
	sleep 0.3
	kill -TERM "$MCP_PID"
	by_signal 143
	head -c 1000 src >small
	mcp_start small fifo 2>err
	sleep 0.3
	kill -INT "$MCP_PID"
	by_signal 130
	kill $idle
}

test_ended_while_nobody_is_there()
{
	mcp_start src fifo 2>err
	sleep 0.3
	kill -INT "$MCP_PID"
	by_signal 130
	mcp_start fifo dst 2>err
	sleep 0.3
	kill -TERM "$MCP_PID"
	by_signal 143
	assertFalse 'dst was made' '[ -e dst ]'
}

# ---------------------------------------------------------------------------

test_standard_input_and_output()
{
	head -c $SIZE src | mcp /dev/stdin dst
	assert_same_file src dst
	mcp /dev/fd/3 three 3<src
	assert_same_file src three
	mcp src /dev/stdout | cat >dst
	assert_same_file src dst
	mcp src /dev/fd/4 4>four
	assert_same_file src four
}

test_standard_devices()
{
	expect 0 mcp src /dev/null
	expect 0 mcp /dev/null dst
	assertEquals 0 "$(stat -c %s dst)"
	expect 1 mcp src /dev/full
	assertEquals "mcp: error writing '/dev/full' at byte 0: No space left on device" \
		"$(cat "$ERR")"
	mcp /dev/zero fifo 2>/dev/null &
	head -c 3000000 fifo | cmp -n 3000000 - /dev/zero
	assertEquals 0 $?
}

. "$SHUNIT2"

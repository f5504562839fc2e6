#!/bin/sh
# Two mcp at the ends of a FIFO: what they tell each other.
#
#   killed_*       SIGKILL at any moment; MCP_RECEIPT_ROUNDS times each (20)
#   ended_*        signals, failures: the other end is told
#   receipt_*      --receipt=require, off; who has none
#   durable_*      --wait-durable
#   handed_*       --hand-over: when, and when not
#   busy_*         several readers, several writers
#   partial_*      --keep-partial
#   joined_*       several sources into one FIFO
#   seen_*         --stats, the bar, the note while it waits
#
# The board is one that others can see, whatever mcp was built for.

. "$(dirname "$0")/lib.sh"

SIZE=9000001
ROUNDS=${MCP_RECEIPT_ROUNDS:-20}
MCP_BOARD=memfd
export MCP_BOARD

before_each()
{
	mkfifo fifo
	head -c $SIZE /dev/urandom >src
}

# started NAME ARG...: mcp in the background, its process in $NAME.pid, its
# status in $NAME.status when it has ended, its messages in $NAME.err.
started()
{
	who=$1
	shift
	rm -f "$who.status" "$who.pid"
	{
		limited_quietly "$@"
		echo $? >"$who.new"
		mv "$who.new" "$who.status"
	} 2>/dev/null &
	poll 10 [ -s "$who.pid" ]
}

# Killed on purpose: no matter for lib.sh, which notes deaths by signals.
limited_quietly()
{
	timeout -k 5 "$MCP_LIMIT" sh -c '
		echo $$ >"$0.tmp" && mv "$0.tmp" "$0.pid" && exec "$@"
	' "$who" "$MCP" "$@" 2>"$who.err"
}

status_of()
{
	poll 20 [ -s "$1.status" ] || note_failure "$1 does not end"
	cat "$1.status"
}

kill_9()
{
	kill -KILL "$(cat "$1.pid")" 2>/dev/null
}

# A moment of a run of some 30 ms, another each time.
a_moment()
{
	moment=$(((${moment:-7} * 131 + 17) % 4001))
	sleep "$(printf '0.%05d' "$moment")"
}

# both_start NUMBER ARG...: in either order; ARGs are for both, $consumer_rate for
# one.
consumer_rate=
both_start()
{
	number=$1
	shift
	rm -f dst
	if [ $((number % 2)) -eq 0 ]; then
		started consumer "$@" ${consumer_rate:+"$consumer_rate"} fifo dst
		started producer "$@" src fifo
	else
		started producer "$@" src fifo
		started consumer "$@" ${consumer_rate:+"$consumer_rate"} fifo dst
	fi
}

# The consumer said yes, so it has to be right; or no, then nothing is left.
judge_consumer()
{
	if [ "$1" -eq 0 ]; then
		assert_same_file src dst
	else
		assertEquals "$(cat consumer.err)" 1 "$1"
		assertContains "$(cat consumer.err)" 'mcp: producer '
		assertFalse 'a part is left' '[ -e dst ]'
	fi
}

# The producer has nothing but the consumer's copy to be right about.
judge_producer()
{
	if [ "$1" -eq 0 ]; then
		assert_same_file src dst
	else
		assertContains "$(cat producer.err)" 'mcp: '
	fi
}

# In the place of one that died before it had come at all.
another()
{
	victim=$1
	shift
	case $victim in
	producer) mcp "$@" src fifo ;;
	consumer) mcp "$@" fifo dst ;;
	esac
}

# ---------------------------------------------------------------------------

# kill_rounds VICTIM OTHER ARG...: one of both dies, the other is judged.
kill_rounds()
{
	dies=$1
	lives=$2
	shift 2
	# Who looks for leaks at its end stops its threads, and complains where
	# it is killed then.  The other tests look for them.
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	for i in $(seq "$ROUNDS"); do
		both_start "$i" "$@"
		a_moment
		kill_9 "$dies"
		status_of "$dies" >/dev/null
		poll 1 [ -s "$lives.status" ] || another "$dies" "$@"
		"judge_$lives" "$(status_of "$lives")"
	done
	wait
}

test_killed_producer()
{
	kill_rounds producer consumer --hand-over=no
}

test_killed_producer_that_handed_over()
{
	kill_rounds producer consumer -j2
}

# Slow enough for most of them to die in the middle.
test_killed_producer_at_its_pace()
{
	kill_rounds producer consumer --hand-over=no --rate=200M
}

test_killed_producer_of_what_is_fetched_slowly()
{
	consumer_rate=--rate=200M
	kill_rounds producer consumer -j2
	consumer_rate=
}

test_killed_consumer_that_fetches_slowly()
{
	consumer_rate=--rate=200M
	kill_rounds consumer producer -j2
	consumer_rate=
}

test_killed_consumer_at_its_pace()
{
	kill_rounds consumer producer --hand-over=no --rate=200M
}

test_killed_consumer()
{
	kill_rounds consumer producer --hand-over=no
}

test_killed_consumer_that_fetches()
{
	kill_rounds consumer producer -j2
}

test_killed_nobody()
{
	for i in $(seq "$ROUNDS"); do
		for over in yes no; do
			both_start "$i" --hand-over=$over
			assertEquals 0 "$(status_of producer)"
			assertEquals 0 "$(status_of consumer)"
			assert_same_file src dst
			assertEquals '' "$(cat producer.err consumer.err)"
		done
	done
	wait
}

# It has said that it is there, and was stopped before it opened the FIFO.
test_killed_before_it_has_opened()
{
	need_command strace || return 0
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	started consumer fifo dst
	sleep 0.2
	# First it looks at the name.
	strace -f -qq -o trace -P "$PWD/fifo" -e trace=openat \
		-e inject=openat:signal=KILL:when=3 "$MCP" src "$PWD/fifo" \
		2>/dev/null
	assertContains "$(cat trace)" O_WRONLY
	assertContains "$(cat trace)" 'killed by SIGKILL'
	assertEquals 1 "$(status_of consumer)"
	assertContains "$(cat consumer.err)" "ended after 0 of $SIZE bytes"
	assertFalse '[ -e dst ]'
	wait
}

# Long before all of it would be there.
test_killed_producer_of_what_is_fetched_is_seen_at_once()
{
	started consumer --rate=300K fifo dst
	started producer src fifo
	poll 5 [ -s dst ]
	# Its workers have opened the file by then.
	sleep 0.5
	kill_9 producer
	poll 5 [ -s consumer.status ] || fail 'it goes on'
	kill -TERM "$(cat consumer.pid)" 2>/dev/null
	assertEquals 1 "$(status_of consumer)"
	assertContains "$(cat consumer.err)" "of $SIZE bytes"
	assertFalse '[ -e dst ]'
	wait
}

# One of those who fetch a file: another goes on.
test_killed_worker_that_fetches()
{
	head -c 300000000 /dev/urandom >src
	started consumer -j2 fifo dst
	started producer src fifo
	poll 5 [ -s dst ]
	pkill -KILL -P "$(cat consumer.pid)" -n
	assertEquals "$(cat consumer.err)" 0 "$(status_of consumer)"
	assertEquals 0 "$(status_of producer)"
	assert_same_file src dst
	wait
}

# ---------------------------------------------------------------------------

test_ended_producer_by_a_signal()
{
	for over in yes no; do
		rm -f dst
		started consumer --hand-over=$over --rate=2M fifo dst
		started producer --hand-over=$over src fifo
		poll 5 [ -s dst ]
		kill -TERM "$(cat producer.pid)"
		assertEquals 143 "$(status_of producer)"
		assertEquals 1 "$(status_of consumer)"
		assertContains "$(cat consumer.err)" "mcp: producer "
		assertContains "$(cat consumer.err)" "of $SIZE bytes"
		assertFalse '[ -e dst ]'
	done
	wait
}

test_ended_consumer_by_a_signal()
{
	for over in yes no; do
		rm -f dst
		started consumer --hand-over=$over --rate=2M fifo dst
		started producer --hand-over=$over src fifo
		poll 5 [ -s dst ]
		kill -TERM "$(cat consumer.pid)"
		assertEquals 143 "$(status_of consumer)"
		assertEquals "$(cat producer.err)" 1 "$(status_of producer)"
		assertContains "$(cat producer.err)" 'mcp: '
		assertFalse '[ -e dst ]'
	done
	wait
}

# All of it has gone through, and is lost all the same.
test_ended_by_a_destination_that_is_full()
{
	with_fs tmpfs 4M small || return 0
	for over in yes no; do
		started consumer --hand-over=$over fifo small/dst
		started producer --hand-over=$over src fifo
		assertEquals 1 "$(status_of consumer)"
		assertContains "$(cat consumer.err)" 'No space left'
		assertEquals 1 "$(status_of producer)"
		assertContains "$(cat producer.err)" 'mcp: '
		assertFalse '[ -e small/dst ]'
	done
	wait
}

# The size is known, so before the first byte.
test_ended_by_a_destination_too_small()
{
	with_fs ext4 20M || return 0
	head -c 40000000 /dev/urandom >src
	started consumer fifo ext4/dst
	started producer --hand-over=no src fifo
	assertEquals 1 "$(status_of consumer)"
	assertEquals "mcp: error writing 'ext4/dst' at byte 0: No space left on device" \
		"$(cat consumer.err)"
	assertEquals 1 "$(status_of producer)"
	assertFalse '[ -e ext4/dst ]'
	wait
}

test_ended_by_a_close_that_fails()
{
	need_command strace || return 0
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	head -c 1000 src >small
	started producer small fifo
	strace -f -qq -o trace -P "$PWD/dst" -e trace=close \
		-e inject=close:error=EIO "$MCP" fifo "$PWD/dst" 2>err
	assertEquals 1 $?
	assertContains "$(cat trace)" INJECTED
	assertEquals 1 "$(status_of producer)"
	assertContains "$(cat producer.err)" "which read 'fifo', failed after 1000"
	wait
}

test_ended_source_that_shrinks()
{
	started consumer --hand-over=no --rate=2M fifo dst
	started producer --hand-over=no --rate=2M src fifo
	poll 5 [ -s dst ]
	truncate -s 5000000 src
	assertEquals 1 "$(status_of producer)"
	assertContains "$(cat producer.err)" "'src' shrank"
	assertEquals 1 "$(status_of consumer)"
	assertContains "$(cat consumer.err)" 'mcp: producer '
	assertContains "$(cat consumer.err)" 'failed after'
	assertFalse '[ -e dst ]'
	wait
}

# ---------------------------------------------------------------------------

test_receipt_required_and_there()
{
	for over in yes no; do
		both_start 0 --receipt=require --hand-over=$over
		assertEquals 0 "$(status_of producer)"
		assertEquals 0 "$(status_of consumer)"
		assert_same_file src dst
	done
	wait
}

test_receipt_required_of_others()
{
	cat src >fifo &
	expect 1 mcp --receipt=require fifo dst
	assertContains "$(cat "$ERR")" "mcp: no receipt for 'fifo'"
	assertFalse '[ -e dst ]'
	wait
	cat <fifo >got &
	expect 1 mcp --receipt=require src fifo
	assertContains "$(cat "$ERR")" "mcp: no receipt for 'fifo'"
	wait
	assertEquals 0 "$(stat -c %s got)"
	echo x | expect 1 mcp --receipt=require /dev/stdin dst
	assertContains "$(cat "$ERR")" "mcp: no receipt for '/dev/stdin'"
}

test_receipt_off_is_raw()
{
	both_start 0 --receipt=off
	assertEquals 0 "$(status_of producer)"
	assertEquals 0 "$(status_of consumer)"
	assert_same_file src dst
	rm dst
	started consumer --receipt=off fifo dst
	started producer --rate=2M src fifo
	poll 5 [ -s dst ]
	kill_9 producer
	assertEquals 0 "$(status_of consumer)"
	wait
}

# The rights of the kernel, no more: nobody may not look into root's.
test_receipt_of_another_user_is_none()
{
	need_root || return 0
	chmod 666 fifo
	chmod 755 .
	head -c 100000 src >small
	chmod 644 small
	mcp_as_nobody small fifo &
	expect 0 mcp --receipt=auto fifo dst
	wait $!
	assertEquals 0 $?
	assert_same_file small dst
	mkdir -m 777 theirs
	started consumer fifo dst2
	expect 1 mcp_as_nobody --receipt=require small fifo
	assertContains "$(cat "$ERR")" 'no receipt for'
	assertEquals 0 "$(status_of consumer)"
	# Root may: but for what nobody has open it takes nobody's word.
	head -c 5000000 src >big
	chmod 644 big
	mcp_as_nobody big fifo &
	expect 0 mcp fifo dst3
	wait $!
	assertEquals 0 $?
	assert_same_file big dst3
}

# Who may look into it, and offers a file: that is not opened with root's rights.
test_receipt_of_another_user_is_no_offer()
{
	need_root || return 0
	chmod 666 fifo
	chmod 755 .
	chmod 644 src
	install -m 755 "$MCP" ./tracer
	started consumer --receipt=require fifo dst
	expect 0 limited setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=+sys_ptrace,+dac_read_search \
		--ambient-caps=+sys_ptrace,+dac_read_search \
		./tracer --receipt=require --stats src fifo
	assertNotContains "$(cat "$ERR")" 'handed over'
	assertEquals 0 "$(status_of consumer)"
	assert_same_file src dst
	wait
}

test_receipt_without_a_board_to_be_seen()
{
	MCP_BOARD=anon
	both_start 0
	assertEquals 0 "$(status_of producer)"
	assertEquals 0 "$(status_of consumer)"
	assert_same_file src dst
	expect 1 mcp --receipt=require fifo dst
	assertContains "$(cat "$ERR")" 'no receipt for'
	MCP_BOARD=memfd
	wait
}

# More came than a producer says it sent.
test_receipt_counts_what_others_put_in()
{
	started consumer fifo dst
	sleep 0.2
	exec 3>fifo
	echo more >&3
	started producer --hand-over=no src fifo
	sleep 0.5
	exec 3>&-
	assertEquals 1 "$(status_of consumer)"
	assertContains "$(cat consumer.err)" \
		"sent $SIZE bytes, and $((SIZE + 5)) came"
	assertFalse '[ -e dst ]'
	wait
}

# One that holds it open keeps no producer waiting, and several may follow.
test_receipt_of_several_in_turn()
{
	started consumer fifo dst
	sleep 0.2
	exec 3>fifo
	for i in 1 2 3; do
		expect 0 mcp --hand-over=no src fifo
	done
	exec 3>&-
	assertEquals 0 "$(status_of consumer)"
	cat src src src >thrice
	assert_same_file thrice dst
	wait
}

test_receipt_of_several_fifos()
{
	mkdir d
	mkfifo f1 f2 f3
	for i in 1 2 3; do
		head -c "${i}00000" src >s$i
		mcp s$i f$i &
	done
	expect 0 mcp f1 f2 f3 d
	wait
	for i in 1 2 3; do
		assert_same_file s$i d/f$i
	done
}

# In a directory too, and of files that would be fetched by themselves.
test_receipt_of_several_fifos_in_a_directory()
{
	mkdir d
	mkfifo d/f1 d/f2
	for i in 1 2; do
		head -c 30000000 /dev/urandom >s$i
		mcp s$i d/f$i &
		eval "producer$i=$!"
	done
	expect 0 mcp -r -j 2 --copy-contents d dst
	for i in 1 2; do
		eval "wait \$producer$i"
		assertEquals "status of producer $i" 0 $?
		assert_same_file s$i dst/f$i
	done
}

# What is open for others too is no one's alone to speak for.
test_receipt_not_of_what_is_shared()
{
	{
		cat src
		mcp src /dev/stdout
	} >fifo &
	expect 0 mcp fifo dst
	wait $!
	cat src src >twice
	assert_same_file twice dst
	mcp src fifo &
	{
		head -c 5
		mcp /dev/stdin rest
	} <fifo >first
	wait $!
	assertEquals 0 $?
	cat first rest | cmp - src
	assertEquals 0 $?
}

test_receipt_through_a_relay()
{
	mkfifo second
	started producer src fifo
	mcp fifo second &
	expect 0 mcp --receipt=require second dst
	assertEquals 0 "$(status_of producer)"
	assert_same_file src dst
	wait
}

test_receipt_by_a_symlink_and_another_name()
{
	ln -s fifo link
	ln fifo other
	started consumer --receipt=require link dst
	expect 0 mcp --receipt=require src other
	assertEquals 0 "$(status_of consumer)"
	assert_same_file src dst
	wait
}

# ---------------------------------------------------------------------------

# synced TRACE FILE
synced()
{
	grep -q "fsync([0-9]*<[^>]*/$2>) *= 0" "$1"
}

test_durable_when_the_writer_says_so()
{
	need_command strace || return 0
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	for over in yes no; do
		rm -f dst
		mcp --wait-durable --hand-over=$over src fifo &
		expect 0 limited strace -f -y -qq -o trace -e trace=fsync \
			-e signal=none "$MCP" fifo dst
		wait $!
		assertEquals 0 $?
		assertTrue "$over: $(cat trace)" 'synced trace dst'
		assertTrue "$over: directory" "synced trace $(basename "$PWD")"
	done
	mcp src fifo &
	expect 0 limited strace -f -y -qq -o trace -e trace=fsync \
		-e signal=none "$MCP" fifo dst
	wait $!
	assertEquals '' "$(cat trace)"
}

test_durable_needs_mcp()
{
	cat <fifo >got &
	expect 1 mcp --wait-durable src fifo
	assertContains "$(cat "$ERR")" 'no receipt for'
	wait
	expect 1 mcp --wait-durable --receipt=off src fifo
	assertContains "$(cat "$ERR")" 'needs a receipt'
}

test_durable_fails_with_the_sync()
{
	need_command strace || return 0
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	started producer --wait-durable src fifo
	strace -f -qq -o trace -e trace=fsync -e inject=fsync:error=EIO \
		"$MCP" fifo dst 2>err
	assertEquals 1 $?
	assertContains "$(cat err)" 'Input/output error'
	assertEquals 1 "$(status_of producer)"
	wait
}

# ---------------------------------------------------------------------------

handed()
{
	grep -q '^handed over  1$' producer.err
}

test_handed_over_and_said()
{
	both_start 0 --stats
	assertEquals 0 "$(status_of producer)"
	assertEquals 0 "$(status_of consumer)"
	assert_same_file src dst
	assertTrue handed
	assertContains "$(cat producer.err)" "bytes        9,000,001"
	wait
}

# Neither -p of the FIFO's attributes nor its mode changes by it.
test_handed_over_makes_the_same_file()
{
	umask 027
	for mode in 600 644 400; do
		chmod $mode fifo
		for over in yes no; do
			both_start 0 --hand-over=$over
			assertEquals 0 "$(status_of producer)"
			assertEquals 0 "$(status_of consumer)"
			stat -c '%a %s' dst >$over
		done
		assertEquals "$mode" "$(cat no)" "$(cat yes)"
	done
	umask 022
	wait
}

test_handed_over_into_what_is_there()
{
	head -c 20000000 /dev/zero >dst
	ln dst other
	started consumer fifo dst
	started producer --stats src fifo
	assertEquals 0 "$(status_of consumer)"
	assertEquals 0 "$(status_of producer)"
	assertTrue handed
	assert_same_file src other
	wait
}

test_handed_over_is_cloned()
{
	with_fs btrfs 400M || return 0
	cp src btrfs/src
	started producer --stats btrfs/src fifo
	expect 0 mcp --stats fifo btrfs/dst
	assertEquals 0 "$(status_of producer)"
	assertTrue handed
	assertContains "$(cat "$ERR")" 'clone 1'
	assert_same_file src btrfs/dst
}

test_handed_over_not_where_it_may_not()
{
	for option in --hand-over=no -p --preserve=mode --keep-partial \
		--sparse=always; do
		rm -f dst
		started consumer $option fifo dst
		started producer --stats src fifo
		assertEquals 0 "$(status_of consumer)"
		assertEquals 0 "$(status_of producer)"
		assertFalse "$option" handed
		assert_same_file src dst
	done
	started consumer fifo /dev/null
	started producer --stats src fifo
	assertEquals 0 "$(status_of producer)"
	assertFalse 'to a device' handed
	head -c 100000 src >small
	rm -f dst
	started consumer fifo dst
	started producer --stats small fifo
	assertEquals 0 "$(status_of producer)"
	assertFalse 'small' handed
	# Who fetches it would not keep to the limit.
	rm -f dst
	started consumer fifo dst
	started producer --rate=1G --stats src fifo
	assertEquals 0 "$(status_of producer)"
	assertFalse 'at a rate' handed
	wait
}

# A consumer that is stopped does not answer: then it is sent.
test_handed_over_not_without_an_answer()
{
	started consumer fifo dst
	sleep 0.3
	kill -STOP "$(cat consumer.pid)"
	started producer --stats src fifo
	sleep 1.5
	kill -CONT "$(cat consumer.pid)"
	assertEquals 0 "$(status_of consumer)"
	assertEquals 0 "$(status_of producer)"
	assertFalse handed
	assert_same_file src dst
	wait
}

test_handed_over_source_changed_after_the_end()
{
	for i in $(seq "$ROUNDS"); do
		head -c 6000000 /dev/urandom >src
		cp src old
		rm -f dst
		started consumer fifo dst
		mcp src fifo
		head -c 6000000 /dev/zero >src
		assertEquals 0 "$(status_of consumer)"
		assert_same_file old dst
	done
	wait
}

# ---------------------------------------------------------------------------

test_busy_with_a_reader()
{
	started consumer fifo dst
	sleep 0.2
	expect 1 mcp fifo dst2
	assertContains "$(cat "$ERR")" \
		"mcp: 'fifo' is being read by process $(cat consumer.pid)"
	assertFalse '[ -e dst2 ]'
	expect 0 mcp src fifo
	assertEquals 0 "$(status_of consumer)"
	assert_same_file src dst
	wait
}

test_busy_with_readers_that_come_at_once()
{
	for i in 1 2 3 4 5 6; do
		for n in 1 2 3; do
			started c$n fifo dst$n
		done
		sleep 0.1
		mcp src fifo
		good=0
		for n in 1 2 3; do
			[ "$(status_of c$n)" -ne 0 ] || {
				good=$((good + 1))
				assert_same_file src dst$n
			}
			rm -f dst$n
		done
		assertEquals 'one only' 1 $good
	done
	wait
}

# Each looks before the other has its lock, and so once more.
test_busy_with_readers_that_look_at_once()
{
	need_command strace || return 0
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	for n in 1 2; do
		# After three that look at the standard descriptors.
		limited strace -f -qq -o trace$n -e trace=fcntl \
			-e inject=fcntl:delay_enter=400000:when=4..6 \
			"$MCP" fifo dst$n 2>err$n &
		eval "reader$n=$!"
	done
	sleep 3
	expect 0 mcp src fifo
	good=0
	for n in 1 2; do
		if eval "wait \$reader$n"; then
			good=$((good + 1))
			assert_same_file src dst$n
		else
			assertContains "$(cat err$n)" "'fifo' is being read by"
		fi
	done
	assertEquals 'one only' 1 $good
	assertContains 'neither went back' "$(cat trace1 trace2)" \
		'F_SETLK, {l_type=F_UNLCK'
}

test_busy_with_a_writer()
{
	started consumer --rate=2M fifo dst
	started producer --hand-over=no src fifo
	poll 5 [ -s dst ]
	expect 1 mcp src fifo
	assertContains "$(cat "$ERR")" \
		"mcp: 'fifo' is being written by process $(cat producer.pid)"
	assertEquals 0 "$(status_of consumer)"
	assertEquals 0 "$(status_of producer)"
	assert_same_file src dst
	wait
}

# ---------------------------------------------------------------------------

test_partial_is_kept()
{
	started consumer --keep-partial fifo dst
	started producer --rate=2M src fifo
	poll 5 [ -s dst ]
	kill_9 producer
	assertEquals 1 "$(status_of consumer)"
	assertTrue '[ -s dst ]'
	cmp -n "$(stat -c %s dst)" src dst
	assertEquals 0 $?
	assertContains "$(cat consumer.err)" \
		"ended after $(stat -c %s dst) of $SIZE bytes"
	wait
}

# ---------------------------------------------------------------------------

test_joined_sources_are_one_stream()
{
	echo end >end
	started consumer --receipt=require --stats fifo dst
	expect 0 mcp --receipt=require --wait-durable src src end fifo
	assertEquals 0 "$(status_of consumer)"
	cat src src end >all
	assert_same_file all dst
	mcp src end fifo &
	cat fifo >dst2
	wait $!
	assertEquals 0 $?
	cat src end | cmp - dst2
	assertEquals 0 $?
	mcp end end /dev/stdout | wc -c >n
	assertEquals 8 "$(tr -d ' ' <n)"
	wait
}

test_joined_with_another_fifo()
{
	mkfifo in
	cat src >in &
	started consumer --receipt=require fifo dst
	expect 0 mcp src in fifo
	assertEquals 0 "$(status_of consumer)"
	cat src src >all
	assert_same_file all dst
	wait
}

test_joined_one_is_missing()
{
	started consumer fifo dst
	expect 1 mcp src none src fifo
	assertContains "$(cat "$ERR")" "cannot stat 'none'"
	assertEquals 1 "$(status_of consumer)"
	assertContains "$(cat consumer.err)" 'mcp: producer '
	assertFalse '[ -e dst ]'
	started consumer fifo dst
	mkdir d
	expect 1 mcp src d fifo
	assertContains "$(cat "$ERR")" "omitting directory 'd'"
	assertEquals 1 "$(status_of consumer)"
	wait
}

test_joined_reader_that_leaves()
{
	head -c 1000000 <fifo >/dev/null &
	expect 1 mcp src src fifo
	assertContains "$(cat "$ERR")" 'Broken pipe'
	wait
}

test_joined_refused_as_cp_would()
{
	for option in -R -l -s -b -n -i -u --remove-destination; do
		expect 1 mcp $option src src fifo
		assertContains "$option" "$(cat "$ERR")" "mcp: target 'fifo'"
	done
	assertTrue '[ -p fifo ]'
	expect 1 mcp src src --open-timeout=0 fifo
	assertContains "$(cat "$ERR")" 'nobody opened'
}

# ---------------------------------------------------------------------------

test_seen_bar_of_both_ends()
{
	started consumer --progress=always --hand-over=no fifo dst
	started producer --progress=always --hand-over=no --rate=3M src fifo
	assertEquals 0 "$(status_of producer)"
	assertEquals 0 "$(status_of consumer)"
	assertContains "$(cat consumer.err)" 'pipe '
	assertContains "$(cat consumer.err)" 'of 8.6 MiB'
	assertContains "$(cat consumer.err)" ' left'
	assertContains "$(cat producer.err)" '% full'
	wait
}

# As they stand in README.
test_seen_examples_run()
{
	sed -n '/^## Streams/,/^## How/ s/^\(mkfifo\|mcp\|gzip\) .*/&/p' \
		"$TOP/README.md" >examples
	assertEquals 4 "$(wc -l <examples)"
	head -c 20000001 /dev/urandom >disk.img
	cp src dump
	for i in 1 2 3; do
		head -c "${i}00001" src >part$i
	done
	(PATH=$(dirname "$MCP"):$PATH && limited sh -e ./examples) \
		>"$OUT" 2>"$ERR"
	assertEquals "$(cat "$ERR")" 0 $?
	assert_same_file disk.img copy.img
	gzip -dc dump.gz | cmp - dump
	assertEquals 0 $?
	cat part1 part2 part3 | cmp - all
	assertEquals 0 $?
}

test_seen_note_while_it_waits()
{
	timeout 4 "$HELPERS/onpty" --raw=raw "$MCP" fifo dst >/dev/null 2>&1
	assertContains "$(cat raw)" \
		"waiting for somebody to open 'fifo' for writing"
	timeout 4 "$HELPERS/onpty" --raw=raw "$MCP" src fifo >/dev/null 2>&1
	assertContains "$(cat raw)" \
		"waiting for somebody to open 'fifo' for reading"
}

. "$SHUNIT2"

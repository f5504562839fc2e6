#!/bin/sh
# The bar: what is on the terminal at every moment, by tests/helpers/onpty.
#
#   hidden_*    where there is to be no bar: not one byte
#   bar_*       what it shows, how it goes
#   window_*    sizes of the window
#   message_*   with other output in between
#   plain_*     --progress=always where there is no terminal
#
# A copy lasts as long as the test wants it to: its last operand is copied to a
# FIFO of the destination, which takes until somebody reads from that.

. "$(dirname "$0")/lib.sh"

before_each()
{
	unset NO_COLOR
	TERM=xterm
	export TERM
	pty_job=
}

after_each()
{
	[ -z "$pty_job" ] || {
		kill -KILL "$pty_job"
		wait "$pty_job"
		pty_job=
	} 2>/dev/null
}

# make_gated [FILES]: src/tree to copy with src/gate after it, which waits.
make_gated()
{
	mkdir -p src dst
	"$HELPERS/bigtree" --files="${1:-200}" --size=100 src/tree >/dev/null
	echo content >src/gate
	mkfifo dst/gate
}

open_gate()
{
	timeout 30 cat "${1:-dst/gate}" >/dev/null
}

# on_pty [OPTION OF onpty]... -- ARG...: mcp on a terminal, in the background.
on_pty()
{
	pty_options=
	while [ "$1" != -- ]; do
		pty_options="$pty_options $1"
		shift
	done
	shift
	: >frames
	frames_seen=0
	# shellcheck disable=SC2086
	timeout -k 5 "$MCP_LIMIT" "$HELPERS/onpty" --raw=raw --frames=frames \
		--screen=screen --pid=pid $pty_options "$MCP" "$@" \
		>pty.out 2>pty.err &
	pty_job=$!
}

# pty_ends STATUS
pty_ends()
{
	wait "$pty_job"
	assertEquals "status of mcp on a terminal" "$1" "$?"
	pty_job=
	assertEquals '' "$(cat pty.err)"
}

# Is there a frame with this in it, after those looked at before?
shown()
{
	tail -n "+$((frames_seen + 1))" frames | grep -q -e "$1"
}

forget_frames()
{
	frames_seen=$(wc -l <frames)
}

see()
{
	poll 20 shown "$1" || fail "never on the terminal: $1
$(tail -n 20 frames)"
}

first_frame_ms()
{
	sed -n 's/^=== \([0-9]*\) ms.*/\1/p;q' frames
}

# ---------------------------------------------------------------------------

test_hidden_in_a_short_copy()
{
	mkdir src
	"$HELPERS/bigtree" --files=300 --size=10 src/tree >/dev/null
	on_pty -- -j2 -r src dst
	pty_ends 0
	assertEquals '' "$(cat raw)"
	assert_same_tree --no-times src dst
}

test_hidden_for_the_first_second()
{
	make_gated
	on_pty -- -j2 -r src/tree src/gate dst
	see files
	ms=$(first_frame_ms)
	assertTrue "first output after $ms ms" "[ $ms -ge 1000 ]"
	open_gate
	pty_ends 0
}

# Both run longer than the one that shows its bar, which began after them.
test_hidden_without_terminal_and_where_forbidden()
{
	make_gated
	mkdir dst2 dst3
	mkfifo dst2/gate dst3/gate
	mcp_start -j2 -r src/tree src/gate dst2 >out2 2>err2
	limited "$HELPERS/onpty" --both --raw=raw3 "$MCP" --progress=never \
		-j2 -r src/tree src/gate dst3 >out3 2>err3 &
	never=$!
	on_pty -- -j2 -r src/tree src/gate dst
	see '^=== [2-9][0-9][0-9][0-9] ms'
	for d in dst dst2 dst3; do
		open_gate $d/gate
	done
	pty_ends 0
	mcp_wait
	assertEquals 0 "$?"
	wait "$never"
	assertEquals 0 "$?"
	assertEquals '' "$(cat out2 err2 out3 err3 raw3)"
}

test_bar_tells_what_is_done_and_is_wiped_at_the_end()
{
	make_gated
	on_pty --narrow -- -j2 -r src/tree src/gate dst
	see 'of 201 files'
	# Counted: the bar itself.
	see '^\[[#> ]*\] [ 0-9][0-9]%  .* of .*  200 of 201 files  .*/s'
	# And a line for each worker, one of them with the file in hand.
	see '^   [12]       src/gate$'
	see '^   [12]  waiting$'
	open_gate
	pty_ends 0
	assertEquals '' "$(cat screen)"
	assertNotContains "$(cat frames)" 100%
	# Wiped means also: the cursor is where it was.
	assertEquals 'row 0, column 0' \
		"$(sed -n '/^===/s/.*ms, \(.*\), .*/\1/p' frames | tail -n 1)"
}

test_bar_of_one_worker_is_one_line()
{
	make_gated
	on_pty --narrow -- -j1 -r src/tree src/gate dst
	see 'of 201 files'
	open_gate
	pty_ends 0
	assertEquals '' "$(grep -v '^===' frames | grep -v ' files ')"
	assertEquals '' "$(cat screen)"
}

test_bar_is_wiped_at_a_signal()
{
	make_gated
	on_pty -- -j2 -r src/tree src/gate dst
	see files
	kill -INT "$(cat pid)"
	pty_ends 130
	assertEquals '' "$(cat screen)"
}

test_bar_is_dim_only_where_colour_is_welcome()
{
	make_gated
	on_pty -- -j2 -r src/tree src/gate dst
	see gate
	open_gate
	pty_ends 0
	esc=$(printf '\033')
	assertContains "$(cat raw)" "${esc}[2m"
	rm -r dst && mkdir dst && mkfifo dst/gate
	NO_COLOR=1
	export NO_COLOR
	on_pty -- -j2 -r src/tree src/gate dst
	see gate
	open_gate
	pty_ends 0
	assertEquals '' "$(tr -d '\n' <raw | grep -o "$esc\[[0-9;]*m")"
}

test_bar_on_a_dumb_terminal_has_no_escapes()
{
	make_gated
	TERM=dumb
	on_pty --narrow -- -j2 -r src/tree src/gate dst
	see 'of 201 files'
	open_gate
	pty_ends 0
	assertEquals 0 "$(tr -dc '\033\n' <raw | wc -c)"
	assertEquals '' "$(cat screen)"
}

# What a name may hold must not do anything to the terminal.
test_bar_shows_no_control_characters()
{
	make_gated
	name=$(printf 'a\033]0;title\007\r\b\033[9Ab\177\233z')
	rm dst/gate
	echo content >"src/$name"
	mkfifo "dst/$name"
	on_pty --narrow -- -j2 -r src/tree "src/$name" dst
	see 'src/a?]0;title????\[9Ab??z$'
	open_gate "dst/$name"
	pty_ends 0
}

test_window_follows_its_size()
{
	make_gated
	on_pty --resize=24x30 --narrow -- -j8 -r src/tree src/gate dst
	see 'of 201 files'
	see '^   8 '
	kill -USR1 "$(pgrep -P "$pty_job" onpty)"
	see ' 30 wide'
	# The frame on its way at that moment is still one for the old window.
	forget_frames
	see ' 30 wide'
	forget_frames
	for _ in 1 2 3; do
		see ' waiting'
		forget_frames
	done
	open_gate
	pty_ends 0
	# onpty has looked at how wide they are.
	assertEquals '' "$(cat screen)"
}

# Never a character in the last column, where it would wrap; never as many lines
# as there are rows, where the first would be scrolled out of reach.
window_of()
{
	rm -rf dst && mkdir dst && mkfifo dst/gate
	on_pty --narrow "--size=$1" -- --progress=always -j8 -r src/tree \
		src/gate dst
	poll 20 sh -c '[ "$(grep -c ^=== frames)" -ge 5 ]' ||
		fail "no frames in a window of $1"
	open_gate
	pty_ends 0
	assertEquals "$1" '' "$(cat screen)"
}

test_window_narrow_or_low()
{
	make_gated
	for size in 24x1 24x2 24x7 24x19 24x40 24x200 1x80 2x80 3x20; do
		window_of $size
	done
}

# Two gates, so that there is a bar before the messages and one after them.
test_message_stands_on_lines_of_its_own()
{
	make_gated
	echo content >src/gate2
	mkfifo dst/gate2
	echo content >src/f
	# -j1 takes the operands one after the other.
	set -- -j1 -v -r src/tree src/gate src/f src/missing src/gate2 dst
	on_pty --both -- "$@"
	see ' files '
	open_gate
	see missing
	forget_frames
	see ' files '
	open_gate dst/gate2
	pty_ends 1
	rm -r dst && mkdir dst && mkfifo dst/gate dst/gate2
	mcp_start "$@" >plain 2>&1
	open_gate
	open_gate dst/gate2
	mcp_wait
	assertEquals 1 "$?"
	# The screen wraps what is longer than it is wide; these are not.
	sort plain >plain.sorted
	sort screen >screen.sorted
	assert_same_file plain.sorted screen.sorted
	assertEquals 205 "$(wc -l <screen)"
}

test_plain_lines_where_asked_for_without_terminal()
{
	make_gated
	mcp_start --progress=always -j2 -r src/tree src/gate dst 2>err
	poll 10 grep -q '^[ 0-9][0-9]%  .*  200 of 201 files' err ||
		fail "$(cat err)"
	open_gate
	mcp_wait
	assertEquals 0 "$?"
	assertEquals 0 "$(tr -dc '\033\r' <err | wc -c)"
	assertEquals '' "$(grep -v ' files ' err)"
	assertNotContains "$(cat err)" 100%
}

# The process that counts ahead has ended and was waited for: its number may be
# somebody else's by now, so nothing may be sent to it.
test_plain_counter_that_ended_is_not_killed()
{
	need_command strace || return 0
	make_gated
	: >trace
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 \
		limited strace -f -q -o trace \
		-e trace=kill,wait4,waitid,setpriority \
		"$MCP" --progress=always -j2 -r src/tree src/gate dst 2>err &
	job=$!
	counter_is_over()
	{
		counter=$(sed -n 's/^\([0-9]*\) .*setpriority(.*/\1/p' trace)
		[ -n "$counter" ] && grep -q "^$counter .*exited" trace
	}
	poll 10 counter_is_over || fail "no process that counts: $(cat trace)"
	# It is waited for at the next tick.
	poll 10 grep -q "wait.*$counter" trace
	open_gate
	wait $job
	assertEquals 0 "$?"
	assertEquals '' "$(grep 'kill(' trace)"
}

. "$SHUNIT2"

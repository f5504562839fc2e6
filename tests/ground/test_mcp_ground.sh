#!/bin/sh
# The ground rules where mcp itself lives by them (the rules as such:
# test_ground.sh):
#
#   many readers of one pipe      no token is taken twice, none is lost
#   many writers of one pipe      no line of 16 workers is torn, none is lost,
#                                 those over PIPE_BUF neither
#   everybody closes what he      /proc/PID/fd in a copy that is under way: the
#   does not use                  conductor's and each worker's descriptors
#   shared maps                   the three backings of the board give the same
#                                 copy, and two processes without common ancestor
#                                 see the same one: tests/test_board.sh

. "$(dirname "$0")/../lib.sh"

# ---------------------------------------------------------------------------
# Many readers
# ---------------------------------------------------------------------------

# tokens CALL: all of 8 bytes that went through the job pipe by that call.  Of
# one that another call came between, a read has its bytes in the second line, a
# write in the first.  What is read from a file, by a sanitizer, is none.
tokens()
{
	grep "$1.*\", 8" trace | grep -v '<\\x2f' |
		grep ') *= 8$\|write.*<unfinished' |
		sed 's/^[^"]*"\([^"]*\)".*/\1/' | sort
}

test_each_token_is_taken_by_one_reader()
{
	need_command strace || return 0
	"$HELPERS/bigtree" --files=1500 --dirs=150 --size=100 src >made
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 expect 0 \
		limited strace -f -qq -y -xx -s 8 -o trace -e trace=read,write \
		"$MCP" -r -j 6 src dst
	tokens write >posted
	tokens read >taken
	[ "$(wc -l <posted)" -gt 6 ] || fail 'hardly any token was posted'
	assertEquals '' "$(diff posted taken)"
	assert_same_tree --no-times src dst
}

# ---------------------------------------------------------------------------
# Many writers
# ---------------------------------------------------------------------------

# said DIR FILE: what -v has to say of a copy of DIR to dst, in order
said()
{
	find "$1" | sed "s|.*|'&' -> 'dst/&'|" | sort >"$2"
}

many_writers()
{
	said src expected
	mkdir dst
	expect 0 mcp -rv -j 16 src dst
	assertEquals 'stderr' '' "$(cat "$ERR")"
	sort "$OUT" >got
	cmp expected got || fail "lines were torn, lost or said twice:
$(diff expected got | cut -c1-200 | head -n 5)"
}

# In memory where that can be had: it is the lines that count, not the files.
test_lines_of_many_writers_are_whole()
{
	if [ "$(id -u)" -eq 0 ]; then
		with_fs tmpfs 600M fs || return 0
		cd fs || return
	fi
	long=$(printf '%0100d' 0)
	files=50000
	[ "$SANITIZERS" = no ] || files=10000
	mkdir -p "src/$long"
	"$HELPERS/bigtree" --files=$files --dirs=300 "src/$long/tree" >made
	many_writers
	cd "$TEST_DIR" || return
}

# Two paths of 3 KiB make more than PIPE_BUF bytes.
test_lines_over_pipe_buf_are_whole()
{
	long=$(printf '%0250d' 0)
	deep=src
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		deep=$deep/$long
	done
	mkdir -p "$deep"
	"$HELPERS/bigtree" --files=1500 --dirs=60 "$deep/tree" >made
	many_writers
	[ "$(tail -n 1 "$OUT" | wc -c)" -gt 4096 ] || fail 'lines are short'
}

# ---------------------------------------------------------------------------
# What is open
# ---------------------------------------------------------------------------

workers()
{
	cat "/proc/$MCP_PID/task/$MCP_PID/children"
}

as_many_workers()
{
	[ "$(workers | wc -w)" -eq "$1" ]
}

# descriptors PID: "NUMBER MODE TARGET" in order; MODE is r, w or rw, and p for
# one that only holds a place (O_PATH)
descriptors()
{
	for fd in $(find "/proc/$1/fd" -mindepth 1 -printf '%f\n' | sort -n); do
		flags=$(sed -n 's/^flags:[^0-9]*//p' "/proc/$1/fdinfo/$fd" \
			2>/dev/null)
		case $flags in
		*1??????? | *3??????? | *5??????? | *7???????) mode=p ;;
		*0) mode=r ;;
		*1) mode=w ;;
		*) mode=rw ;;
		esac
		printf '%s %s %s\n' "$fd" "$mode" \
			"$(readlink "/proc/$1/fd/$fd")"
	done
}

# Everybody waits, so what is open stays as it is.
settled()
{
	all_descriptors >now
	cmp -s now before && return
	mv now before
	return 1
}

all_descriptors()
{
	for pid in $MCP_PID $(workers); do
		echo "process $pid"
		descriptors "$pid"
	done
}

# The lines of one process, without those of stdin, stdout and stderr, and of
# what the shell left open: that, timeout(1) has inherited as well.
of_process()
{
	descriptors "$(awk '$1 == "PPid:" { print $2 }' \
		"/proc/$MCP_PID/status")" >inherited
	awk -v pid="$1" 'FILENAME == "inherited" { old[$3] = 1; next }
		$1 == "process" { mine = $2 == pid; next }
		mine && $1 > 2 && !($3 in old)' inherited now
}

# pipes FILE: "NAME MODE" of each
pipes()
{
	awk '$3 ~ /^pipe:/ { print $3, $2 }' "$1"
}

test_nobody_holds_what_he_does_not_use()
{
	[ -e "/proc/$$/task/$$/children" ] || {
		skip 'needs /proc/PID/task/TID/children'
		return 0
	}
	long=$(printf '%0200d' 0)
	mkdir -p "src/$long" dst
	"$HELPERS/bigtree" --files=1500 --dirs=20 --fanout=20 --size=100 \
		"src/$long/tree" >made
	# Nobody reads what -v says, so that all come to a halt.
	mkfifo output
	exec 8<>output
	MCP_BOARD=memfd mcp_start -rv -j 3 src dst >output 2>"$ERR" 8<&-
	poll 10 as_many_workers 3
	: >before
	poll 10 settled

	# The conductor: the board, both ends of both pipes (a token and a report
	# from each end: it posts again what was lost, and hands them on to those
	# it forks), and the directory to copy into.
	of_process "$MCP_PID" >conductor
	assertEquals 'boards' 1 "$(grep -c '/memfd:mcp-board' conductor)"
	pipes conductor >pipes.conductor
	jobs=$(sed -n 1p pipes.conductor | cut -d ' ' -f 1)
	reports=$(sed -n 3p pipes.conductor | cut -d ' ' -f 1)
	assertEquals "$jobs r
$jobs w
$reports r
$reports w" "$(cat pipes.conductor)"
	assertEquals 'else' "p $PWD/dst" \
		"$(grep -v 'pipe:\|memfd' conductor | cut -d ' ' -f 2-)"

	# A worker reads and posts tokens, and writes reports.  Else it has only
	# what it copies: directories on both sides, a file on either.
	for pid in $(workers); do
		of_process "$pid" >worker
		assertEquals "pipes of $pid" "$jobs r
$jobs w
$reports w" "$(pipes worker)"
		assertEquals "else of $pid" '' \
			"$(grep -v "pipe:\| $PWD/src\| $PWD/dst" worker)"
		assertEquals "files of $pid" '' \
			"$(grep '/file[0-9]*$' worker | tail -n +3)"
	done

	cat <&8 >"$OUT" &
	reader=$!
	mcp_wait
	assertEquals status 0 $?
	kill $reader
	exec 8<&-
}

# What the shell left open besides is no worker's to use either, but it is
# inherited, as by any program; what mcp opens is closed on exec.
test_all_that_is_opened_is_closed_on_exec()
{
	need_command strace || return 0
	"$HELPERS/bigtree" --files=200 --dirs=10 --size=100 src >made
	truncate -s 9M src/big
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 expect 0 \
		limited strace -f -qq -o trace \
		-e signal=none \
		-e trace=openat,open,pipe,pipe2,memfd_create,dup,dup2,creat \
		"$MCP" -a -j 2 src dst
	assertEquals '' "$(grep -v 'resumed>\|CLOEXEC\|/proc/\|/sys/' trace |
		head -n 5)"
}

. "$SHUNIT2"

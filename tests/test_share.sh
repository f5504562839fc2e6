#!/bin/sh
# How work spreads over the workers, and what it costs where there is little.
#
#   share_*    a flat directory, a deep tree, a wide one, one big file, a mix:
#              each worker does its part, and all are busy until nearly the end
#   few_*      little to do: nobody is forked
#   memory_*   what a process keeps to itself
#
# Sizes are small; to see it at full size:
#
#	SHARE_FILES=200000 SHARE_BIG=8G SHARE_MEMORY=1000000 sh test_share.sh

. "$(dirname "$0")/lib.sh"

SHARE_FILES=${SHARE_FILES:-4000}
SHARE_BIG=${SHARE_BIG:-512M}
SHARE_MEMORY=${SHARE_MEMORY:-20000}

# In memory where that has room: an ext4 that was much deleted in is slow.
before_all()
{
	inodes=$(df -iP /dev/shm | awk 'NR == 2 { print $4 }')
	[ "$(image_dir)" != /dev/shm ] ||
		[ "${inodes:-0}" -lt $((5 * SHARE_MEMORY)) ] || fast=/dev/shm
}

before_each()
{
	work=$(mktemp -d "${fast:-$PWD}/mcp-share.XXXXXX")
	cd "$work" || exit 1
}

after_each()
{
	cd / && end_mounts && rm -rf "$work"
}

# traced CALLS ARG...: with the time of each call and how long it took.
traced()
{
	calls=$1
	shift
	expect 0 limited env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
		strace -f -q -ttt -T -o trace -e "trace=$calls" \
		-e signal=none "$MCP" "$@"
}

# fair WHAT PATTERN: what the pattern finds in the trace are pieces of the work.
# Each of 4 workers did some, and none waited for a token for half of the time
# there was something to do, the end included. How even the parts are is the
# scheduler's doing: that is not looked at.
fair()
{
	awk -v pattern="$2" '
		# The conductor is the last to end.
		FNR == NR { conductor = $1; next }
		$1 == conductor { next }
		$0 ~ pattern { n[$1]++ }
		$0 ~ pattern && !begin { begin = $2 }
		{ end = $2 }
		# Its line has the time it began at, or ended where that was
		# another line. What came before the first piece is no loss.
		/read\(.*, 8\) = / || /read resumed/ {
			if (!begin || !match($0, /<[0-9.]+>$/))
				next
			took = substr($0, RSTART + 1, RLENGTH - 2)
			if (/resumed/ && took > $2 - begin)
				took = $2 - begin
			waited[$1] += took
		}
		END {
			for (p in n) {
				workers++
				life = end - begin
				printf "%d pieces, waited %.3f of %.3f s\n",
					n[p], waited[p], life
				bad = bad || waited[p] > life / 2
			}
			exit bad || workers != 4
		}' trace trace >parts || fail "$1:
$(cat parts)"
}

test_share_flat_directory()
{
	need_command strace || return 0
	"$HELPERS/bigtree" --files="$SHARE_FILES" --size=100 src >/dev/null
	traced openat,read -j4 -r src dst
	fair 'a flat directory' O_CREAT
}

# Whether many empty files are better left to one process is tried: others wait
# while it makes those of two blocks of names.
test_share_empty_files_by_one_on_trial()
{
	need_command strace || return 0
	mkdir src
	for i in $(seq 9000); do
		: >"src/empty$i"
	done
	traced openat -j4 -r src dst
	assertEquals 9000 "$(grep -c 'empty.*O_CREAT' trace)"
	longest=$(awk '
		!/O_CREAT/ || ++made < 4500 { next }
		$1 != last { n = 0; last = $1 }
		++n > longest { longest = n }
		END { print longest }' trace)
	[ "$longest" -gt 700 ] || fail "no more than $longest in a row"
}

# While it is found out whether many empty files are better left to one process,
# what has data ends that: while it is copied others are at work too.
test_share_data_among_empty_files()
{
	need_command strace || return 0
	mkdir src
	# The same in either order of listing: the data is in a block that is not
	# shared, when the others have nothing left of what they were given.
	for half in 1 2; do
		for i in $(seq 7000); do
			: >"src/empty$half.$i"
		done
		[ $half -eq 2 ] || for i in $(seq 40); do
			head -c 262144 /dev/zero >"src/data$i"
		done
	done
	traced openat -j4 -r src dst
	assertEquals 40 "$(grep -c 'data.*O_CREAT' trace)"
	workers=$(sed -n '/data.*O_CREAT/,$p' trace | awk '
		/O_CREAT/ && /data/ { data++ }
		/O_CREAT/ && !seen[$1]++ { n++ }
		data == 40 { print n; exit }')
	[ "$workers" -gt 1 ] || fail 'the others waited'
}

test_share_deep_tree()
{
	need_command strace || return 0
	"$HELPERS/bigtree" --files="$SHARE_FILES" --dirs=200 --fanout=1 \
		--size=10 src >/dev/null
	traced openat,read -j4 -r src dst
	fair 'a deep tree' O_CREAT
}

test_share_wide_tree()
{
	need_command strace || return 0
	"$HELPERS/bigtree" --files="$SHARE_FILES" --dirs=300 --fanout=8 \
		--size=10 src >/dev/null
	traced openat,read -j4 -r src dst
	fair 'a wide tree' O_CREAT
}

test_share_operands()
{
	need_command strace || return 0
	"$HELPERS/bigtree" --files=1000 --size=10 src >/dev/null
	mkdir dst
	# shellcheck disable=SC2046
	traced openat,read -j4 $(find src -type f) dst
	fair operands O_CREAT
}

# The chunks of one file: data calls, one or more for each.
test_share_big_file()
{
	need_command strace || return 0
	fallocate -l "$SHARE_BIG" big 2>/dev/null || truncate -s "$SHARE_BIG" big
	for method in rw mmap; do
		traced pwrite64,madvise,read -j4 --sparse=never --reflink=never \
			--method=$method big dst
		fair "a big file by $method" 'pwrite64|madvise'
		rm dst
	done
}

# Where a write takes the file's lock and makes it longer: chunk by chunk, two
# processes and no more.
test_share_big_file_by_turns()
{
	need_command strace || return 0
	for type in tmpfs btrfs; do
		with_fs $type 400M fs || return 0
		head -c 134217728 /dev/zero >fs/big
		traced pwrite64 -j4 --reflink=never fs/big fs/dst
		# How many calls for even chunks and for odd ones each made.
		found=$(sed -n 's/^\([0-9]*\) .*pwrite64(.*, \([0-9]*\)[) ].*/\1 \2/p' \
			trace |
			awk '{ n[$1, int($2 / 4194304) % 2]++; who[$1] }
			END { for (p in who) print n[p, 0] + 0, n[p, 1] + 0 }')
		few=$(echo "$found" | awk '$1 > 100 || $2 > 100' | wc -l)
		assertEquals "$type: $found" 2 "$few"
		one=$(echo "$found" | awk '$1 && $2' | wc -l)
		assertEquals "$type: $found" 0 "$one"
		cmp fs/big fs/dst || fail "$type: other bytes"
		end_mounts
	done
}

# At a limited pace a piece is not a whole part of a chunk: it ends there all the
# same, and what is the other's is not copied twice.
test_share_big_file_by_turns_in_pieces()
{
	with_fs tmpfs 100M fs || return 0
	head -c 25165824 /dev/urandom >fs/big
	expect 0 limited "$MCP" -j2 --stats --rate=33000001 fs/big fs/dst
	cmp fs/big fs/dst || fail 'other bytes'
	assertContains "$(cat "$ERR")" "$(tr -s ' ' <"$ERR")" \
		'bytes 25,165,824 '
}

test_share_mix()
{
	need_command strace || return 0
	"$HELPERS/bigtree" --files="$SHARE_FILES" --dirs=50 --size=3000 \
		src >/dev/null
	fallocate -l 128M src/big 2>/dev/null || truncate -s 128M src/big
	traced openat,pwrite64,madvise,read -j4 -r --reflink=never --sparse=never \
		src dst
	fair 'a mix' 'O_CREAT|pwrite64|madvise'
	assert_same_tree --no-times src dst
}

# ---------------------------------------------------------------------------

# forks ARG...: how many processes are made by a copy.
forks()
{
	traced clone,clone3,fork,vfork "$@"
	grep -c 'clone\|fork' trace
}

test_few_small_file_does_not_fork()
{
	need_command strace || return 0
	printf 0123456789 >small
	assertEquals 0 "$(forks small dst)"
	assert_same_file small dst
	assertEquals 0 "$(forks -j8 -a small dst2)"
	assert_same_file small dst2
}

test_few_small_tree_does_not_fork()
{
	need_command strace || return 0
	mkdir -p src/sub
	echo 1 >src/a
	echo 2 >src/sub/b
	ln -s a src/c
	assertEquals 0 "$(forks -j8 -r src dst)"
	assert_same_tree --no-times src dst
	# And nothing is opened, mapped, asked that was only for workers.
	traced pipe2,ppoll,pidfd_open -j8 -r src dst2
	assertEquals '' "$(grep -v exited trace)"
}

test_few_big_file_does_fork()
{
	need_command strace || return 0
	truncate -s 9000000 big
	assertEquals 2 "$(forks -j2 --sparse=never big dst)"
}

# ---------------------------------------------------------------------------

# All of the tree is copied, the last operand waits for a reader: everything a
# worker may hold on to is still there.
test_memory_of_a_process_stays_small()
{
	[ "$SANITIZERS" = no ] || {
		skip 'sanitizers take memory of their own'
		return 0
	}
	mkdir src
	"$HELPERS/bigtree" --files="$SHARE_MEMORY" \
		--dirs=$((SHARE_MEMORY / 40)) src/tree >/dev/null
	# A flat one too, and links, which a table remembers.
	"$HELPERS/bigtree" --files=$((SHARE_MEMORY / 4)) src/flat >/dev/null
	cp -al src/tree src/links
	fallocate -l 100M src/big
	echo content >src/gate
	mkdir dst
	mkfifo dst/gate
	MCP_LIMIT=$((60 + SHARE_MEMORY / 1000))
	mcp_start -j2 -a --progress=always src/tree src/flat src/links \
		src/big src/gate dst 2>err
	files=$((SHARE_MEMORY * 2 + SHARE_MEMORY / 4 + 1))
	# To look is work, too, and takes time from the copy: the more the longer.
	poll $((60 + SHARE_MEMORY / 1000)) sh -c \
		"sleep $((SHARE_MEMORY / 40000))"'
		[ "$(find dst -type f | wc -l)" -eq '$files' ]' ||
		fail "not copied: $(tail -n 1 err)"
	pids="$MCP_PID $(cat "/proc/$MCP_PID/task/$MCP_PID/children")"
	assertTrue "no workers: $pids" '[ $(echo $pids | wc -w) -ge 3 ]'
	: >private
	for pid in $pids; do
		kb=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' \
			"/proc/$pid/status" 2>/dev/null)
		# The one that counts ahead for the bar may have ended.
		[ -d "/proc/$pid" ] || continue
		echo "process $pid: $kb KiB private" >>private
		assertTrue "private memory: $kb KiB" "[ ${kb:-0} -lt 16384 ]"
		assertTrue "no figure for $pid" "[ ${kb:-0} -gt 0 ]"
	done
	[ "$SHARE_MEMORY" -lt 100000 ] || cat private
	timeout 10 cat dst/gate >/dev/null
	mcp_wait
	assertEquals 0 "$?"
}

. "$SHUNIT2"

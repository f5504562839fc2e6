#!/bin/sh
# The ground that mcp stands on: each program of this folder shows one rule of
# pipes, FIFOs, shared descriptors or mappings, and prints a sentence for each
# fact that held. Here they are all run, and held to those sentences.
#
#   every_rule_held                                   the status of each
#   nothing_written, parent_writes, ends_closed       pipe
#   no_writer, no_data, no_reader, full_pipe,
#   data_read, pipe_ends, nonblocking_end             pipe_rules
#   ls_is_parent, wc_is_parent                        pipe_exec
#   parent_closes, parent_keeps                       pipe_siblings
#   many_readers, many_writers, large_records         pipe_many
#   pids                                              pipe_count
#   pipe_buf, capacity, ulimit                        pipe_size
#   fifo                                              fifo_writer, fifo_reader
#   descriptor                                        fork_shared_fd
#   mapping                                           mmap_rules
#   smalloc                                           smalloc
#   fork, anonymous, dev_zero                         fork_mmap, map_anon,
#                                                     map_dev_zero
#   unrelated                                         map_writer, map_reader
#
# The programs are looked for in $GROUND; see tests/lib.sh.
. "$(dirname "$0")/../lib.sh"

LIMIT=20 # seconds for one run of a program

# ground PROGRAM ARG...: run it; what it prints goes to $OUT. The status is the
# matter of one test alone, so that a rule that is broken fails its own.
ground()
{
	ground_program=$GROUND/$1
	shift
	timeout -k 5 "$LIMIT" "$ground_program" "$@" >"$OUT" 2>"$ERR"
}

# prints SENTENCE...: each is a line of $OUT, and all of it
prints()
{
	for sentence; do
		grep -qxF "$sentence" "$OUT" ||
			fail "not printed: $sentence
$(tail -n 3 "$OUT" "$ERR")"
	done
}

# prints_like PATTERN...: the same with extended regular expressions
prints_like()
{
	for pattern; do
		grep -qxE "$pattern" "$OUT" ||
			fail "not printed: $pattern
$(tail -n 3 "$OUT" "$ERR")"
	done
}

# start NAME PROGRAM ARG...: in the background, its output in NAME.out, its pid
# in NAME.pid
start()
{
	start_name=$1
	start_program=$GROUND/$2
	shift 2
	# shellcheck disable=SC2016
	timeout -k 5 "$LIMIT" sh -c '
		echo "$$" >"$0.new" && mv "$0.new" "$0.pid" && exec "$@"
	' "$start_name" "$start_program" "$@" >"$start_name.out" 2>&1 &
	eval "job_$start_name=\$!"
	jobs="$jobs $!"
}

# ended NAME: wait for it and expect success; what it printed is in $OUT
ended()
{
	eval "wait \"\$job_$1\""
	assertEquals "status of $1: $(cat "$1.out")" 0 "$?"
	cp "$1.out" "$OUT"
}

# says NAME SENTENCE: it has printed that, or will soon
says()
{
	poll "$LIMIT" grep -qxF "$2" "$1.out" 2>/dev/null ||
		fail "$1 does not say: $2"
}

# blocks NAME: it sleeps in the kernel, or will soon
blocks()
{
	poll "$LIMIT" is_asleep "$(cat "$1.pid")" || fail "$1 does not block"
}

is_asleep()
{
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
	stat=${stat##*) }
	[ "${stat%% *}" = S ]
}

before_each()
{
	jobs=
}

# what a test that failed left running
after_each()
{
	for job in $jobs; do
		kill "$job" 2>/dev/null && wait "$job"
	done
	jobs=
	return 0
}

# seven names in a directory to be listed
seven_names()
{
	mkdir names && touch names/a names/b names/c names/d names/e \
		names/f names/g
}

# those that need no partner; the others are judged where they are started
test_every_rule_held_status_is_0()
{
	for program in fork_mmap fork_shared_fd map_anon map_dev_zero \
		mmap_rules pipe pipe_count pipe_exec pipe_many pipe_rules \
		pipe_siblings pipe_size smalloc; do
		expect 0 ground "$program"
	done
}

# ---------------------------------------------------------------------------
# Pipes
# ---------------------------------------------------------------------------

test_nothing_written_reader_waits()
{
	ground pipe
	prints 'Nothing is written yet, and the child waits in read.'
}

test_parent_writes_child_reads_all()
{
	ground pipe
	prints 'The child read all 200000 bytes, in order.'
}

test_ends_closed_reader_sees_end_of_file()
{
	ground pipe
	prints 'Then read gave it 0: the end of the file.' \
		'The child ended by itself, with status 0.'
}

test_no_writer_left_read_gives_rest_then_0()
{
	ground pipe_rules
	prints 'All writers closed: read gives what is left.' \
		'All writers closed and nothing left: read gives 0, each time.'
}

test_no_data_read_blocks()
{
	ground pipe_rules
	prints 'A writer is open, nothing written: read blocks.' \
		'A byte is written: read returns with it.'
}

test_no_reader_left_write_gets_sigpipe()
{
	ground pipe_rules
	prints 'All readers closed: write kills the writer with SIGPIPE.'
}

test_no_reader_left_and_sigpipe_held_write_gets_epipe()
{
	ground pipe_rules
	prints 'All readers closed, SIGPIPE caught: write fails with EPIPE.' \
		'All readers closed, SIGPIPE ignored: write fails with EPIPE.'
}

test_full_pipe_write_blocks_until_room()
{
	ground pipe_rules
	prints 'The pipe is full: a plain write blocks.' \
		'There is room again: the write goes through.'
}

test_full_pipe_nonblocking_write_gets_eagain()
{
	ground pipe_rules
	prints 'The pipe is full: a write with O_NONBLOCK fails with EAGAIN.' \
		'Of a write refused so, no byte went into the pipe.'
}

test_data_read_is_gone()
{
	ground pipe_rules
	prints 'Data once read is gone, for every reader.'
}

test_pipe_ends_go_one_way()
{
	ground pipe_rules
	prints 'The reading end cannot be written: EBADF.' \
		'The writing end cannot be read: EBADF.' \
		'A pipe has no offset: lseek fails with ESPIPE.'
}

test_nonblocking_end_leaves_other_end_blocking()
{
	ground pipe_rules
	prints 'O_NONBLOCK at the writing end leaves the reading end blocking.'
}

test_ls_is_parent_shell_goes_on_before_wc()
{
	seven_names
	ground pipe_exec names
	prints 'Parent ls, child wc: the shell waits for ls.' \
		'Parent ls, child wc: ls has ended, the shell has its prompt back, and wc has not answered.' \
		'Parent ls, child wc: wc answers 7 after the prompt.' \
		'Parent ls, child wc: wc was an orphan, and whoever takes in orphans reaped it.'
}

test_wc_is_parent_shell_waits_for_wc()
{
	seven_names
	ground pipe_exec names
	prints 'Parent wc, child ls: the shell waits for wc.' \
		'Parent wc, child ls: the answer is out when the shell has its prompt back.' \
		'Parent wc, child ls: wc answers 7.'
}

test_parent_closes_both_ends_brothers_end()
{
	seven_names
	ground pipe_siblings names
	prints 'The parent closed both ends: wc answers 7.' \
		'The parent reaped both brothers, each with status 0.'
}

test_parent_keeps_writing_end_wc_waits_for_ever()
{
	seven_names
	ground pipe_siblings names
	prints 'The parent keeps the writing end: ls has ended all the same.' \
		'The parent keeps the writing end: wc has read everything and waits for more.' \
		'The parent closes it: wc answers and ends.'
}

test_many_readers_each_token_comes_once()
{
	ground pipe_many
	prints '4 readers, 1 writer: each reader got whole tokens only, then the end of the file.' \
		'4 readers, 1 writer: each of 20000 tokens came exactly once, at one reader.'
}

test_many_writers_each_record_comes_whole_and_once()
{
	ground pipe_many
	prints '4 writers, 1 reader: records of PIPE_BUF bytes arrived whole.' \
		'4 writers, 1 reader: the records of each writer came in its order.' \
		'4 writers, 1 reader: 4000 records came, each exactly once.'
}

test_large_records_interleave()
{
	ground pipe_many
	prints_like '2 writers: records larger than PIPE_BUF interleaved, with [0-9]+ changes of writer\.'
}

test_pids_above_10000_counted_through_pipe()
{
	ground pipe_count
	prints_like '[0-9]+ processes have a pid above 10000, by the pipe and by /proc\.'
}

# few systems have none above 10000, but none has no process at all
test_pids_above_0_counted_through_pipe()
{
	ground pipe_count 0
	prints_like '[1-9][0-9]* processes have a pid above 0, by the pipe and by /proc\.'
	ground pipe_count 99999999
	prints '0 processes have a pid above 99999999, by the pipe and by /proc.'
}

test_pipe_buf_is_the_same_everywhere()
{
	ground pipe_size
	prints "PIPE_BUF is $(getconf PIPE_BUF /) bytes, by fpathconf and by limits.h."
}

test_capacity_is_what_fits()
{
	ground pipe_size
	prints_like 'The capacity is [1-9][0-9]* bytes, by F_GETPIPE_SZ and by filling the pipe\.'
}

test_capacity_can_be_changed()
{
	ground pipe_size
	prints 'F_SETPIPE_SZ of 100000 gives 131072: the next power of two.' \
		'The larger pipe holds 131072 bytes.' \
		'F_SETPIPE_SZ below what the pipe holds is refused with EBUSY.'
}

test_capacity_above_limit_is_refused()
{
	ground pipe_size
	prints "F_SETPIPE_SZ above $(cat /proc/sys/fs/pipe-max-size), the limit in pipe-max-size, is refused with EPERM."
}

# the -p of other shells is something else
test_ulimit_prints_pipe_buf_in_blocks()
{
	need_command bash || return 0
	blocks=$(bash -c 'ulimit -p')
	ground pipe_size
	prints "ulimit -p prints PIPE_BUF as $blocks blocks of 512 bytes; it is not the capacity."
	bash -c 'ulimit -a' >"$OUT"
	prints_like "pipe size +\\(512 bytes, -p\\) $blocks"
}

# ---------------------------------------------------------------------------
# FIFOs: writer and reader share nothing but the name
# ---------------------------------------------------------------------------

# what both print, whoever comes first
fifo_passes_all()
{
	ended writer
	prints "The name is a FIFO's." 'Its size on disk is 0.' \
		'Written three lines; its size is still 0.' 'Closed it.'
	ended reader
	prints 'A writer came.' 'Read: one' 'Read: two' 'Read: three' \
		'End of the file: the last writer has gone.' \
		'Nobody writes: opening with O_NONBLOCK succeeds, and read gives 0.'
}

test_fifo_writer_first_blocks_until_reader()
{
	start writer fifo_writer f
	says writer 'Opening without it: this blocks until a reader comes.'
	blocks writer
	assertFalse 'the writer is through' \
		"grep -xF 'A reader came.' writer.out"
	assertTrue 'a FIFO' '[ -p f ]'
	assertEquals 'size on disk' 0 "$(stat -c %s f)"
	start reader fifo_reader f
	fifo_passes_all
	cp writer.out "$OUT"
	prints 'Made the FIFO with mkfifo(3).' \
		'Nobody reads: opening with O_NONBLOCK is refused with ENXIO.' \
		'A reader came.'
}

test_fifo_reader_first_blocks_until_writer()
{
	start reader fifo_reader f
	says reader 'Opening to read: this blocks until a writer comes.'
	blocks reader
	assertFalse 'the reader is through' \
		"grep -xF 'A writer came.' reader.out"
	start writer fifo_writer f
	fifo_passes_all
	cp writer.out "$OUT"
	prints 'The FIFO is there already.' \
		'A reader waits: opening succeeded at once.'
}

test_fifo_made_by_command_serves_as_well()
{
	mkfifo -m 600 f
	start writer fifo_writer f
	start reader fifo_reader f
	fifo_passes_all
	cp writer.out "$OUT"
	prints 'The FIFO is there already.'
}

test_fifo_with_second_writer_ends_with_the_last()
{
	mkfifo -m 600 f
	start reader fifo_reader f
	says reader 'Opening to read: this blocks until a writer comes.'
	# this shell is a writer too; <> because that never blocks
	exec 7<>f
	ground fifo_writer f
	says reader 'Read: three'
	blocks reader
	assertFalse 'the reader saw the end' \
		"grep -F 'End of the file' reader.out"
	exec 7>&-
	ended reader
	prints 'End of the file: the last writer has gone.'
}

# ---------------------------------------------------------------------------
# Descriptors
# ---------------------------------------------------------------------------

test_descriptor_forked_shares_offset()
{
	ground fork_shared_fd
	prints "Shared by fork: the parent's offset is 4 as well." \
		'Shared by fork: the parent reads on behind the child.'
}

test_descriptor_opened_twice_has_own_offset()
{
	ground fork_shared_fd
	prints "Opened twice: the other's offset is still 0." \
		'Opened twice: the other reads from the beginning.'
}

test_descriptor_pread_leaves_offset()
{
	ground fork_shared_fd
	prints 'pread reads anywhere and leaves the shared offset alone.'
}

test_descriptor_forked_shares_status_flags()
{
	ground fork_shared_fd
	prints 'Shared by fork: a status flag that the child sets is set in the parent.' \
		'Opened twice: the flag is not set on the other.' \
		"The close-on-exec flag is the descriptor's own: the child's does not reach the parent."
}

# ---------------------------------------------------------------------------
# Mappings
# ---------------------------------------------------------------------------

test_mapping_empty_file_needs_ftruncate()
{
	ground mmap_rules
	prints 'A new file has size 0, and mapping 0 bytes is refused with EINVAL.' \
		'Mapping a page of the empty file is allowed, but touching it brings SIGBUS.' \
		'After ftruncate it works, in the mapping made before as well.'
}

test_mapping_read_only_file_takes_private_only()
{
	ground mmap_rules
	prints 'O_RDONLY: PROT_WRITE with MAP_SHARED is refused with EACCES.' \
		'O_RDONLY: PROT_WRITE with MAP_PRIVATE is allowed.' \
		'A store to the MAP_PRIVATE mapping does not reach the file.'
}

test_mapping_write_only_file_is_refused()
{
	ground mmap_rules
	prints 'O_WRONLY: every mapping is refused with EACCES.'
}

test_mapping_shared_is_the_file()
{
	ground mmap_rules
	prints 'A store to the MAP_SHARED mapping is read from the file at once.' \
		'A write to the file is seen in the mapping at once.' \
		'munmap loses nothing.'
}

test_mapping_survives_close()
{
	ground mmap_rules
	prints 'Closing the descriptor changes nothing: a store still reaches the file.'
}

test_mapping_offset_must_be_page_aligned()
{
	ground mmap_rules
	prints 'An offset of 1000 is refused with EINVAL.' \
		"An offset of one page ($(getconf PAGESIZE)) works."
}

test_mapping_behind_end_of_file_is_zeros_then_sigbus()
{
	ground mmap_rules
	prints 'Behind the end of the file, in its last page: zeros.' \
		'A store there does not make the file longer.' \
		'Behind the last page of the file, in the mapping: SIGBUS.' \
		'pread to there fails with EFAULT, and brings no signal.'
}

test_mapping_behind_its_end_is_sigsegv()
{
	ground mmap_rules
	prints 'Behind the mapping: SIGSEGV.'
}

test_mapping_of_shrunk_file_gives_sigbus_that_can_be_caught()
{
	ground mmap_rules
	prints 'The file shrinks under the mapping: SIGBUS, and its handler learns the address and can jump out.'
}

test_mapping_populated_ends_with_the_file()
{
	ground mmap_rules
	grep -qxF 'This kernel has no MADV_POPULATE_WRITE, and says EINVAL.' \
		"$OUT" && return
	prints 'MADV_POPULATE_WRITE takes the pages of the file, the last one included.' \
		'MADV_POPULATE_WRITE behind them says EFAULT, where a store brings SIGBUS.'
}

test_mapping_pointer_moved_munmap_takes_pages_only()
{
	ground mmap_rules
	prints 'munmap of a pointer moved by one byte is refused with EINVAL.' \
		'munmap of a pointer moved by one page unmaps from there on.' \
		'munmap of nothing is no error.'
}

test_mapping_fixed_replaces_part_of_reserved_range()
{
	ground mmap_rules
	prints 'A PROT_NONE mapping reserves addresses: touching it brings SIGSEGV.' \
		'MAP_FIXED puts a file over a part of it, and leaves the rest.'
}

test_mapping_refused_with_its_errno()
{
	ground mmap_rules
	prints 'No descriptor and no MAP_ANONYMOUS: EBADF.' \
		'A pipe: ENODEV.' \
		'A directory: ENODEV.' \
		'Neither MAP_SHARED nor MAP_PRIVATE: EINVAL.' \
		'MAP_FIXED at an address inside a page: EINVAL.' \
		'More than the address space: ENOMEM.' \
		'An offset beyond every file: EOVERFLOW.' \
		'More than ulimit -v allows: ENOMEM.' \
		'PROT_WRITE with MAP_SHARED of a file sealed against writing: EPERM.'
}

test_smalloc_block_is_shared_with_child()
{
	ground smalloc
	prints "smalloc: the parent sees the child's 42." \
		'malloc: the parent does not.'
}

test_smalloc_block_knows_its_size()
{
	ground smalloc
	prints 'The size stands in front of the block.' \
		'The block is aligned for every type.' \
		'A new block is all zeros.' \
		'After sfree the whole block is gone: SIGSEGV.' \
		'The other block is still there.'
}

test_smalloc_freed_by_child_stays_for_parent()
{
	ground smalloc
	prints "The child's sfree did not take the parent's block away."
}

test_smalloc_too_large_gives_enomem()
{
	ground smalloc
	prints 'Too large a size gives NULL and ENOMEM.'
}

test_fork_shared_memory_is_common()
{
	ground fork_mmap
	prints "The child starts with the parent's values, all 1." \
		'The child stores 2 in all three, and reads 2.' \
		"MAP_SHARED: the parent sees the child's 2."
}

test_fork_private_memory_is_copied()
{
	ground fork_mmap
	prints 'MAP_PRIVATE: the parent still sees 1.' \
		'A global variable: the parent still sees 1.'
}

test_anonymous_map_is_common()
{
	ground map_anon
	prints 'It starts with zeros.' \
		'The child saw what the parent stored after the fork.' \
		'The parent sees what the child stored, and the child has ended.'
}

test_dev_zero_map_is_common()
{
	ground map_dev_zero
	prints 'It starts with zeros, and needs no descriptor any more.' \
		'The child saw what the parent stored after the fork.' \
		'The parent sees what the child stored, and the child has ended.' \
		'A second mapping of /dev/zero has nothing of it.'
}

# map_writer_for N: it waits for N readers
map_writer_for()
{
	start writer map_writer m "$1"
	says writer 'Mapped the file and changing it; waiting for readers.'
}

test_unrelated_readers_see_stores()
{
	map_writer_for 2
	start reader1 map_reader m
	start reader2 map_reader m
	for reader in reader1 reader2; do
		ended "$reader"
		prints "Mapped the writer's file." \
			'All readers are here at once.' \
			'Saw 100 changes by loads alone, with no system call.' \
			'Each of them was complete.'
	done
	ended writer
	prints 'Saw that 2 readers came and have seen enough.'
}

test_unrelated_private_reader_sees_no_more_after_store()
{
	map_writer_for 2
	start reader map_reader m
	start private map_reader m private
	ended private
	prints 'MAP_PRIVATE, before a store: it shows what is in the file.' \
		'MAP_PRIVATE, after a store: it shows no change any more.' \
		'MAP_PRIVATE: its store is in no other mapping and not in the file.'
	ended reader
	ended writer
	prints 'Saw no store from a MAP_PRIVATE mapping.'
}

. "$SHUNIT2"

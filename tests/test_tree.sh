#!/bin/sh
# Trees, all attributes of them. Everything mktree makes, copied with -a, has no
# difference from its source:
#
#   fs_*           with 1, 2, 4 and 16 workers, on ext4, XFS, btrfs, tmpfs, and from
#                  each to each other. MCP_TREE_ROUNDS=20 repeats it (1).
#   user_*         as an ordinary user
#   merge_*        into what is there: again, over itself, other types in the way
#   shape_*        deep, flat, few descriptors, empty, holes, all names
#   links_*        hard links, across directories and workers
#   gone_*         what is missing, changes or is exchanged meanwhile
#   operand_*      -x, into itself, `.`, `..`, slashes, symlinks with -H -L -P,
#                  operands with one destination
#   there_*        default ACL, set-id directory and umask at the destination

. "$(dirname "$0")/lib.sh"

# On a disk where much was deleted a moment ago ext4 takes its time to make files.
before_each()
{
	case ${_shunit_test_-} in
	test_fs_*) return 0 ;;
	esac
	if [ "$(id -u)" -eq 0 ] && with_fs tmpfs 1G fast; then
		cd fast || return
	fi
}

ROUNDS=${MCP_TREE_ROUNDS:-1}
FSES='ext4 xfs btrfs tmpfs'

mktree()
{
	"$HELPERS/mktree" "$@" >"$TEST_ROOT/left_out"
}

# copies SRC DST WORKERS: makes DST of SRC, compares, removes DST.
copies()
{
	expect 0 mcp -a -j "$3" "$1" "$2" || return 0
	assertEquals '' "$(cat "$OUT" "$ERR")"
	assert_same_tree "$1" "$2"
	rm -rf "$2"
}

# ---------------------------------------------------------------------------
# Four file systems
# ---------------------------------------------------------------------------

# The whole tree on the file system itself, with each number of workers.
within()
{
	with_fs "$1" 600M || return 0
	mktree "$1/src"
	round=0
	while [ $round -lt "$ROUNDS" ]; do
		for n in 1 2 4 16; do
			copies "$1/src" "$1/dst" $n
		done
		round=$((round + 1))
	done
}

test_fs_ext4() { within ext4; }
test_fs_xfs() { within xfs; }
test_fs_btrfs() { within btrfs; }
test_fs_tmpfs() { within tmpfs; }

# Each to each other, the number of workers going round.
test_fs_each_to_each_other()
{
	for fs in $FSES; do
		with_fs "$fs" 300M || return 0
		mktree --small "$fs/src"
	done
	n=1
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		for from in $FSES; do
			for to in $FSES; do
				[ "$from" != "$to" ] || continue
				copies "$from/src" "$to/dst" $n
				n=$((n == 16 ? 1 : n == 4 ? 16 : n * 2))
			done
		done
		round=$((round + 1))
	done
}

# ---------------------------------------------------------------------------

test_user_copies_all_that_is_theirs()
{
	mkdir -m 777 open
	as_nobody "$HELPERS/mktree" --small open/src >/dev/null
	for n in 1 2 4 16; do
		expect 0 mcp_as_nobody -a -j $n open/src open/dst
		assertEquals '' "$(cat "$ERR")"
		assert_same_tree open/src open/dst
		remove open/dst
	done
}

# What belongs to others: the copy belongs to the caller, without set-id bits.
test_user_copies_what_is_not_theirs()
{
	need_root || return 0
	mkdir -m 777 open
	mkdir src
	echo 1 >src/f
	cp src/f src/setid
	chmod 6755 src/setid
	mkdir -m 2755 src/sub
	cp /proc/self/status src/sub/g
	expect 0 mcp_as_nobody -a src open/dst
	assert_same_tree --no-owner --no-mode src open/dst
	assertEquals '65534:65534 755' "$(stat -c '%u:%g %a' open/dst/setid)"
	assertEquals '65534:65534 755' "$(stat -c '%u:%g %a' open/dst/sub)"
	# What cannot be read is an error, and the rest is there.
	echo secret >src/secret
	chmod 600 src/secret
	mkdir -m 700 src/shut
	expect 1 mcp_as_nobody -a -j 4 src open/dst2
	assertEquals "mcp: cannot access 'src/shut': Permission denied
mcp: cannot open 'src/secret' for reading: Permission denied" "$(sort "$ERR")"
	rm -r src/secret src/shut open/dst2/shut
	assert_same_tree --no-owner --no-mode --no-dir-times src open/dst2
}

# ---------------------------------------------------------------------------

test_merge_again_changes_nothing()
{
	mktree --small src
	for n in 1 4; do
		expect 0 mcp -a -j $n src dst
		expect 0 mcp -aT -j $n src dst
		assert_same_tree src dst
		expect 0 mcp -aTu -j $n src dst
		assert_same_tree src dst
		expect 0 mcp -aTn -j $n src dst
		assert_same_tree src dst
		rm -rf dst
	done
}

test_merge_over_other_contents()
{
	mktree --small src
	mktree --small --seed=7 dst
	expect 0 mcp -aT -j 4 src dst
	assert_same_tree src dst
}

# The rest of a tree is merged around what is in the way.
test_merge_other_types_in_the_way()
{
	mkdir -p src/a/b src/c dst/a/file dst/a/b
	for f in file link fifo a/file a/b/in; do
		echo new >src/$f
	done
	echo in the way >dst/c
	ln -s nowhere dst/link
	mkfifo src/p dst/p
	echo theirs >dst/only
	expect 1 mcp -aT -j 4 src dst
	assertEquals "mcp: cannot overwrite directory 'dst/a/file' with \
non-directory
mcp: cannot overwrite non-directory 'dst/c' with directory 'src/c'
mcp: not writing through dangling symlink 'dst/link'" "$(sort "$ERR")"
	for f in file fifo a/b/in; do
		assert_same_file src/$f dst/$f
	done
	assertEquals theirs "$(cat dst/only)"
}

# ---------------------------------------------------------------------------

# 1200 levels, at each a file that has a second name as deep in another chain.
# Paths are longer than cp can.
test_shape_deep_chains_with_links_across()
{
	mkdir src
	"$HELPERS/bigtree" --files=1200 --dirs=1200 --fanout=1 --size=10 \
		src/a >/dev/null
	expect 0 mcp -al src/a src/b
	assert_same_tree --may-share --no-times src/a src/b
	for n in 1 2; do
		expect 0 mcp -a -j $n --stats src dst
		assert_same_tree src dst
		assertEquals 'hard links   1,200' "$(grep '^hard' "$ERR")"
		rm -rf dst
	done
}

test_shape_few_descriptors()
{
	mktree --small src
	for limit in 64 40; do
		for n in 1 4; do
			# shellcheck disable=SC3045
			(ulimit -n $limit && mcp -a -j $n src dst) >"$OUT" 2>"$ERR"
			assertEquals "ulimit -n $limit, $n workers" 0 "$?"
			assertEquals '' "$(cat "$ERR")"
			assert_same_tree src dst
			rm -rf dst
		done
	done
}

test_shape_flat()
{
	"$HELPERS/bigtree" --files=20000 --size=20 src >/dev/null
	copies src dst 2
	copies src dst 16
}

test_shape_empty()
{
	mkdir -p src/a/b/c src/d
	: >src/e
	copies src dst 1
	copies src dst 16
	expect 0 mcp -a src/d dst
	assertEquals '' "$(ls -A dst)"
}

test_shape_holes_stay()
{
	mkdir src
	truncate -s 50M src/hole
	truncate -s 30M src/tail
	echo end >>src/tail
	for n in 1 4; do
		expect 0 mcp -a --reflink=never -j $n src dst
		assert_same_tree --slack=0 src dst
		rm -r dst
	done
}

# ---------------------------------------------------------------------------

# 2000 inodes with three names each, all in different directories.
make_links()
{
	mkdir src
	"$HELPERS/bigtree" --files=2000 --dirs=40 --size=10 src/a >/dev/null
	cp -al src/a src/b
	cp -al src/a src/c
}

test_links_across_directories_and_workers()
{
	make_links
	expect 0 mcp -a -j 16 --stats src dst
	assert_same_tree src dst
	assertEquals 'inodes' 2000 "$(find dst -type f -printf '%i\n' |
		sort -u | wc -l)"
	assertEquals 'files        2,000' "$(grep ^files "$ERR")"
	assertEquals 'hard links   4,000' "$(grep '^hard links' "$ERR")"
	# Without them, a file for each name.
	expect 0 mcp -a --no-preserve=links -j 16 src dst2
	assertEquals 6000 "$(find dst2 -type f -links 1 | wc -l)"
}

test_links_of_big_files()
{
	mkdir -p src/a src/b
	head -c 20000000 /dev/urandom >src/a/big
	ln src/a/big src/b/one
	ln src/a/big src/two
	for n in 1 4; do
		copies src dst $n
	done
}

test_links_across_operands()
{
	mkdir a b dst
	echo 1 >a/f
	ln a/f b/g
	expect 0 mcp -a -j 4 a b dst
	assertEquals "$(stat -c %i dst/a/f)" "$(stat -c %i dst/b/g)"
	rm -r dst/*
	expect 0 mcp -a a/f b/g dst
	assertEquals "$(stat -c %i dst/f)" "$(stat -c %i dst/g)"
}

# ---------------------------------------------------------------------------

test_gone_operands_do_not_stop_the_others()
{
	mktree --small src
	mkdir dst
	expect 1 mcp -a -j 4 missing src none/such dst
	assertEquals "mcp: cannot stat 'missing': No such file or directory
mcp: cannot stat 'none/such': No such file or directory" "$(sort "$ERR")"
	assert_same_tree src dst/src
}

# A file, a directory and a FIFO take turns at one name while it is copied: it may
# fail, it may not hang, and all else is right.
test_gone_source_that_changes_its_type()
{
	mkdir src
	"$HELPERS/bigtree" --files=3000 --dirs=30 --size=100 src/still >/dev/null
	mkdir src/turns
	(
		while [ ! -e stop ]; do
			echo f >src/turns/x && rm src/turns/x
			mkdir src/turns/x && rmdir src/turns/x
			mkfifo src/turns/x && rm src/turns/x
			ln -s /etc src/turns/x && rm src/turns/x
		done
	) &
	for n in 1 2 4; do
		mcp -a -j $n src dst >"$OUT" 2>"$ERR"
		assertEquals '' "$(grep -v turns/x "$ERR")"
		assert_same_tree src/still dst/still
		rm -rf dst
	done
	: >stop
	wait
}

# ---------------------------------------------------------------------------

test_operand_one_file_system()
{
	need_root || return 0
	mkdir -p src/sub/mnt src/other
	echo 1 >src/sub/f
	with_fs tmpfs 1M src/sub/mnt || return 0
	chmod 750 src/sub/mnt
	echo 2 >src/sub/mnt/g
	for n in 1 4; do
		expect 0 mcp -ax -j $n src dst
		assertEquals '' "$(ls dst/sub/mnt)"
		assertEquals 750 "$(stat -c %a dst/sub/mnt)"
		assert_same_file src/sub/f dst/sub/f
		rm -r dst
		expect 0 mcp -a -j $n src dst
		assert_same_tree src dst
		rm -r dst
	done
	# The file system of each operand, that is.
	expect 0 mcp -ax src/sub/mnt dst
	assert_same_file src/sub/mnt/g dst/g
}

test_operand_into_itself()
{
	mktree --small src
	mktree --small before
	touch -r before src
	for n in 1 4; do
		expect 1 mcp -a -j $n src src
		assertEquals "mcp: cannot copy a directory, 'src', into itself, \
'src/src'" "$(cat "$ERR")"
		assert_same_tree --no-root --no-dir-times before src/src
		rm -rf src/src
		expect 1 mcp -a -j $n src src/wide/new
		assertEquals "mcp: cannot copy a directory, 'src', into itself, \
'src/wide/new'" "$(cat "$ERR")"
		rm -rf src/wide/new
	done
	assert_same_tree --no-dir-times before src
}

test_operand_dots_and_slashes()
{
	mktree --small src
	mkdir src/sub
	for operand in src/. src/sub/.. ./src/./. src//.; do
		mkdir dst
		expect 0 mcp -a -j 4 $operand dst
		assert_same_tree src dst
		rm -rf dst
	done
	for operand in src/ ./src// "$PWD/src" src/sub/../../src; do
		mkdir dst
		expect 0 mcp -a -j 4 "$operand" dst/
		assert_same_tree src dst/src
		rm -rf dst
	done
	(cd src && expect 0 mcp -a . ../dst)
	assert_same_tree src dst
	rm -rf dst
	mkdir dst
	(cd src/sub && expect 0 mcp -a .. ../../dst)
	assert_same_tree src dst
	rm -rf dst
	expect 0 mcp -a src dst/
	assert_same_tree src dst
}

test_operand_symlink_to_directory()
{
	mkdir -p src/real
	echo 1 >src/real/f
	ln -s real src/link
	ln -s src ls
	for n in 1 4; do
		expect 0 mcp -aH -j $n ls dst
		assert_same_tree src dst
		expect 0 mcp -aL -j $n ls dst2
		assertEquals directory "$(stat -c %F dst2/link)"
		assert_same_tree src/real dst2/link
		expect 0 mcp -aP -j $n ls dst3
		assertEquals src "$(readlink dst3)"
		expect 0 mcp -a -j $n ls/ dst4
		assert_same_tree src dst4
		rm -r dst dst2 dst3 dst4
	done
	ln -s . src/loop
	expect 1 mcp -rL src dst
	assertEquals "mcp: cannot copy cyclic symbolic link 'src/loop'" \
		"$(cat "$ERR")"
	assert_same_file src/real/f dst/link/f
}

# As cp does: among operands a file made just now is not overwritten; trees merge.
test_operand_one_destination()
{
	mkdir -p a/d b/d dst
	echo a >a/f
	echo b >b/f
	echo a >a/d/same
	echo b >b/d/same
	echo b >b/d/other
	for n in 1 4; do
		expect 1 mcp -a -j $n a/f b/f dst
		assertEquals "mcp: will not overwrite just-created 'dst/f' \
with 'b/f'" "$(cat "$ERR")"
		assert_same_file a/f dst/f
		expect 0 mcp -a -j $n a/d b/d dst
		assertEquals b "$(cat dst/d/same)"
		assert_same_file b/d/other dst/d/other
		expect 0 mcp -a -j $n a/d a/d/ ./a/d dst
		assertEquals 2 "$(grep -c 'specified more than once$' "$ERR")"
		rm -r dst/*
	done
}

# ---------------------------------------------------------------------------

# Access times of the past, which the next read puts right (relatime).
sources_not_read()
{
	mkdir "$1" && echo some >"$1/small" &&
		head -c 9000000 /dev/zero >"$1/big" &&
		touch -d 2001-01-01 "$1/small" "$1/big" "$1"
}

access_times()
{
	stat -c '%n %X' "$1" "$1/small" "$1/big"
}

test_there_access_times_of_sources_stay()
{
	sources_not_read src
	before=$(access_times src)
	for n in 1 2; do
		for more in '' -a; do
			expect 0 mcp -r -j $n $more src dst
			assertEquals "-j $n $more" "$before" "$(access_times src)"
			rm -r dst
		done
	done
	# Else this has shown nothing.
	cat src/small >/dev/null
	assertNotEquals "$before" "$(access_times src)"
}

test_there_sources_of_others_are_read_all_the_same()
{
	[ "$(id -u)" -eq 0 ] || return 0
	sources_not_read src
	mkdir to && chmod 777 to
	expect 0 mcp_as_nobody -r src to
	assertEquals '' "$(cat "$OUT" "$ERR")"
	assert_same_tree --no-times --no-owner src to/src
}

test_there_default_acl_at_the_destination()
{
	need_command setfacl || return 0
	mktree --small src
	mkdir dst
	setfacl -d -m u:77:rwx,g:78:r dst || { skip 'needs ACLs'; return 0; }
	for n in 1 4; do
		expect 0 mcp -a -j $n src dst
		assert_same_tree src dst/src
		rm -rf dst/src
	done
	# And without -p what cp makes there.
	mkdir plain cpd
	echo 1 >plain/f
	mkdir plain/sub
	echo 2 >plain/sub/g
	setfacl -d -m u:77:rwx,g:78:r cpd
	expect 0 mcp -r plain dst
	cp -r plain cpd
	assert_same_tree --no-times cpd dst
}

test_there_set_id_directory_at_the_destination()
{
	mktree --small src
	mkdir -m 2775 dst cpd
	[ "$(id -u)" -ne 0 ] || chgrp 4321 dst cpd
	for n in 1 4; do
		expect 0 mcp -a -j $n src dst
		assert_same_tree src dst/src
		rm -rf dst/src
	done
	mkdir -p plain/sub
	echo 2 >plain/sub/g
	expect 0 mcp -r plain dst
	cp -r plain cpd
	assert_same_tree --no-times cpd dst
}

test_there_umask()
{
	mktree --small src
	mkdir -p plain/sub
	echo 1 >plain/f
	echo 2 >plain/sub/g
	chmod 777 plain/f plain/sub
	mkdir cpd
	for mask in 000 077 027; do
		(
			umask $mask
			mcp -a -j 4 src dst
			mcp -r -j 4 plain dst2
			mcp -r --preserve=timestamps,ownership plain dst3
			mcp -r --no-preserve=mode plain dst4
			cp -r plain cpd/dst2
			cp -r --preserve=timestamps,ownership plain cpd/dst3
			cp -r --no-preserve=mode plain cpd/dst4
		) >"$OUT" 2>&1
		assertEquals "umask $mask" '' "$(cat "$OUT")"
		assert_same_tree src dst
		assert_same_tree --no-times cpd/dst2 dst2
		assert_same_tree cpd/dst3 dst3
		assert_same_tree --no-times cpd/dst4 dst4
		rm -rf dst dst2 dst3 dst4 cpd/*
	done
}

. "$SHUNIT2"

#!/bin/sh
# Every option against GNU cp: both do the same to copies of one input, and then
# exit status, messages, lines of -v (as a set) and all that is on the disk have
# to be the same. What may differ is in DIFFERENCES FROM CP of man/mcp.1.
#
#   cp_existing_*      one source over each kind of existing destination, with
#                      each option that has to do with it; as root and as nobody
#   cp_same_file_*     the two are one: itself, a hard link, a symlink, either way
#   cp_links_*         symbolic links as operands and below: -H -L -P -d
#   cp_trees_*         directories: merging, into itself, what is not there
#   cp_attributes_*    --preserve, --no-preserve, umask, set-id bits
#   cp_targets_*       -t, -T, slashes, `.` and `..`
#   cp_update_*        -u, -n, -i and their combinations
#   cp_overlap_*       operands with one destination
#   cp_holes_*         --sparse, --reflink
#   attribute_*        an extended attribute that is refused
#   method_*           --method: the same bytes, or a failure that says so
#   workers_*          --workers, MCP_WORKERS
#   stats_*            --stats: the figures are those of the tree
#   progress_*         --progress=never is silent

. "$(dirname "$0")/lib.sh"

# ---------------------------------------------------------------------------
# Cases: a line each, "TEMPLATE<tab>ARGUMENTS", run in a copy of the directory
# TEMPLATE. The arguments are shell text, so they may hold quotes, "<file" and
# further commands.
# ---------------------------------------------------------------------------

# Everything made before a case runs is from the past; so what is newer than this
# was made by the case, and its very time is chance.
write_runner()
{
	cat >"$TEST_ROOT/run_cases" <<'END'
program=$1
PATH=$2:$PATH
while IFS='	' read -r template args <&3; do
	n=$((n + 1))
	cd "$n" || exit 99
	echo "=== $n $template: $args"
	eval "$program $args" 3<&-
	echo "status $?"
	cd .. || exit 99
done
END
}

before_all()
{
	write_runner
	install -m 755 "$MCP" "$TEST_ROOT/mcp"
	touch -d 2020-01-01 "$TEST_ROOT/marker"
}

# On a disk where much was deleted a moment ago ext4 takes its time to make files.
before_each()
{
	if [ "$(id -u)" -eq 0 ] && with_fs tmpfs 1G fast; then
		cd fast || return
	fi
	mkdir templates cp mcp
	: >cases
	RUN_AS=
}

# case_ TEMPLATE ARGUMENTS
case_()
{
	printf '%s\t%s\n' "$1" "$2" >>cases
}

# run_cases PROGRAM: in directory PROGRAM, what was said into PROGRAM.said with
# the lines of each case in order of the alphabet.
run_cases()
{
	# shellcheck disable=SC2086
	(cd "$1" && limited $RUN_AS sh "$TEST_ROOT/run_cases" "$1" \
		"$TEST_ROOT" 3<../cases >../"$1".log 2>&1)
	sed 's/mcp/cp/g' "$1.log" | awk '
		/=== [0-9]/ { name = substr($0, index($0, "=== ")) }
		{ print name " | " $0 }' | sort -V >"$1.said"
}

prepare_templates()
{
	find templates -newer "$TEST_ROOT/marker" \
		-exec touch -h -d 2000-01-01 {} +
	[ -z "$RUN_AS" ] || chown -Rh 65534:65534 .
	n=0
	while IFS='	' read -r template _; do
		n=$((n + 1))
		cp -a "templates/$template" "cp/$n"
	done <cases
	cp -a cp/. mcp
}

# compare_with_cp [TREECMP-FLAG]...
compare_with_cp()
{
	prepare_templates
	run_cases cp
	run_cases mcp
	find cp mcp -newer "$TEST_ROOT/marker" -exec touch -h -d 2021-01-01 {} +
	diff cp.said mcp.said >said.diff ||
		fail "mcp (>) does not say the same as cp (<):
$(head -n "${MCP_DIFF_LINES:-60}" said.diff)"
	assertEquals 'cases that were run' "$(wc -l <cases)" \
		"$(grep -c 'status [0-9]*$' cp.log)"
	assert_same_tree cp mcp "$@"
}

# Who is root, in the tests as nobody: for whatever permissions are about.
as_nobody_here()
{
	[ "$(id -u)" -eq 0 ] || return 0
	RUN_AS='setpriv --reuid=65534 --regid=65534 --clear-groups'
}

# The sources that each template has; the copy of one is to be called t.
make_sources()
{
	mkdir -p "$1/d" || return
	(
		cd "$1" || exit
		echo source >f
		chmod 640 f
		echo program >x
		chmod 751 x
		: >empty
		ln -s f lf
		ln -s nowhere ldang
		ln -s d ld
		echo inside >d/in
		chmod 750 d
		mkfifo -m 640 p
		printf 'y\ny\ny\ny\n' >yes
		printf 'n\nno\n' >no
		find . -exec touch -h -d 2010-01-01T00:00:00.123456789 {} +
	)
}

# template NAME COMMANDS: those sources, and a destination made by COMMANDS.
template()
{
	make_sources "templates/$1" && (cd "templates/$1" && eval "$2")
}

old='echo old >t && chmod 604 t && touch -d 2005-01-01 t'

make_templates()
{
	template none ''
	template file "$old"
	template newer "$old && touch -d 2015-01-01 t"
	template same "$old && touch -r f t"
	template ro "$old && chmod 400 t"
	template dir 'mkdir -m 705 t'
	template full 'mkdir t && echo old >t/f && mkdir t/d && echo old >t/d/in
		mkdir t/x && ln -s nowhere t/lf && echo old >t/ld'
	template lfile "$old && mv t other && ln -s other t"
	template lro "$old && chmod 400 t && mv t other && ln -s other t"
	template ldir 'mkdir other && ln -s other t'
	template dang 'ln -s nothing t'
	template loop 'ln -s t t'
	template hard "$old && ln t t2"
	template fifo 'mkfifo t'
}

all_destinations='none file newer same ro dir full lfile lro ldir dang loop hard'
destinations=$all_destinations

# existing OPTIONS...: each source, each destination.
existing()
{
	for options; do
		for dst in $destinations; do
			for src in f lf ldang ld d; do
				case_ "$dst" "$options $src t"
			done
		done
	done
}

# ---------------------------------------------------------------------------

test_cp_existing_destinations()
{
	make_templates
	existing -v -fv -dv
	for dst in none file dir full; do
		case_ "$dst" '-v x t'
		case_ "$dst" '-pv x t'
		case_ "$dst" '-v missing t'
		case_ "$dst" '-v x missing f t'
	done
	compare_with_cp
}

test_cp_existing_destinations_with_recursion()
{
	make_templates
	existing -Rv -av -RLv
	case_ ldir '-RTv d t'
	case_ dir '-RTv d t'
	case_ dir '-RTv f t'
	case_ none '-av p t'
	case_ none '-Rv p t'
	for options in -av -Rv -aTv -afv -anv -auv; do
		case_ file "$options p t"
		case_ hard "$options p t"
		case_ lfile "$options p t"
		case_ dir "$options p t"
		case_ fifo "$options p t"
		case_ fifo "$options d t"
		case_ fifo "$options lf t"
	done
	compare_with_cp
}

test_cp_existing_destinations_as_nobody()
{
	make_templates
	as_nobody_here
	destinations='file ro dir full lro dang loop hard'
	existing -v -fv -afv
	destinations=$all_destinations
	compare_with_cp
}

test_cp_update_and_clobber()
{
	make_templates
	existing -nv -uv -auv '-iv <yes' '-iv <no'
	compare_with_cp
}

test_cp_update_and_clobber_combined()
{
	destinations='none file newer full lfile dang'
	make_templates
	existing '-inv <yes' '-niv <yes' '-fiv <yes' -finv -nuv -unv \
		'-iuv <yes' '-aiv <yes' '-aiv <no' -iv
	compare_with_cp
	destinations=$all_destinations
}

test_cp_interactive_as_nobody()
{
	make_templates
	as_nobody_here
	for dst in ro lro file; do
		for answer in yes no; do
			case_ "$dst" "-iv f t <$answer"
			case_ "$dst" "-ifv f t <$answer"
			case_ "$dst" "-aiv f t <$answer"
			case_ "$dst" "-aiv lf t <$answer"
		done
	done
	case_ full '-Riv d t <yes'
	case_ full '-Ri f x lf d t <yes'
	compare_with_cp
}

test_cp_same_file()
{
	template self ''
	template hself 'ln f t'
	template lself 'ln -s f t'
	template llself 'ln -s t2 t && ln -s f t2'
	template revlink 'mv f t && ln -s t f'
	template hlink 'ln lf t'
	template twolinks 'ln -s f t'
	for options in '' -f -n -u -i -d -L -H -a -R -RL -RH -af -au -an \
		--preserve=links; do
		input=
		[ "$options" != -i ] || input=' <yes'
		case_ self "$options -v f f$input"
		case_ self "$options -v f ./f$input"
		case_ self "$options -v lf lf$input"
		case_ self "$options -v lf f$input"
		case_ self "$options -v f lf$input"
		case_ self "$options -v d ./d/../d/in$input"
		case_ self "$options -Tv d d$input"
		case_ self "$options -v f .$input"
		case_ hself "$options -v f t$input"
		case_ hself "$options -v t f$input"
		case_ lself "$options -v f t$input"
		case_ lself "$options -v t f$input"
		case_ llself "$options -v f t$input"
		case_ llself "$options -v t f$input"
		case_ revlink "$options -v f t$input"
		case_ hlink "$options -v lf t$input"
		case_ twolinks "$options -v lf t$input"
		case_ self "$options -v ldang ldang$input"
	done
	compare_with_cp
}

test_cp_links()
{
	template links '
		mkdir s o && echo 1 >s/f && ln -s f s/lf && ln -s ../d s/ld &&
		ln -s nowhere s/dang && ln -s loop s/loop && ln -s s ls &&
		ln -s lls2 lls && ln -s s lls2'
	for options in -R -RH -RL -d -L -H -P -a -aL -aH -dRL -LdR -RHP \
		-RLH; do
		for src in s ls ls/ lls s/ld s/ld/ s/dang s/loop s/lf s/lf/; do
			case_ links "$options -v $src o"
		done
		case_ links "$options -v ls t"
		case_ links "$options -v ls/. t"
		case_ links "$options -v s/dang t"
		case_ links "$options -v s/lf t"
		case_ links "$options -v ls s/lf s/ld o"
		case_ links "$options -Tv ls o"
		case_ links "$options --strip-trailing-slashes -v ls/ s/lf/ o"
	done
	compare_with_cp
}

test_cp_hard_links()
{
	template hard '
		mkdir -p s/a s/b && echo 1 >s/a/1 && ln s/a/1 s/b/2 &&
		ln s/a/1 s/3 && ln -s x s/a/sl && ln s/a/sl s/b/sl &&
		mkfifo s/a/p && ln s/a/p s/b/p && ln s/a/1 out && ln -s 1 s/a/l1 &&
		mkdir -p t/b t2 && echo old >t/b/2 && ln t/b/2 t/other'
	for options in -R -a -dR '-R --preserve=links' -RL -aL \
		'-RL --preserve=links' '-a --no-preserve=links' \
		'-RH --preserve=links'; do
		case_ hard "$options s t2"
		case_ hard "$options -T s t"
		case_ hard "$options s/a s/b t2"
		case_ hard "$options s/a/1 s/b/2 s/3 t2"
		case_ hard "$options s/a/l1 s/a/1 t2"
		case_ hard "$options out s t2"
		case_ hard "$options -nT s t"
		case_ hard "$options -T s t && \$program $options -T s t"
	done
	compare_with_cp
}

test_cp_trees()
{
	template trees '
		mkdir -p s/a/b s/ro e/s t/s/a && echo 1 >s/a/b/1 && echo 2 >s/2 &&
		echo 3 >s/ro/3 && chmod 555 s/ro && chmod 2755 s/a &&
		chmod 1777 s/a/b && echo old >t/s/2 && echo old >t/s/a/b &&
		echo old >e/s/a && ln -s ../s e/link'
	for options in -R -a -Rp -Ru -Rn; do
		case_ trees "$options -v s new"
		case_ trees "$options -v s new/"
		case_ trees "$options -v s/ new"
		case_ trees "$options -v s/. new"
		case_ trees "$options -v s/. e"
		case_ trees "$options -v s/a/.. e"
		case_ trees "$options -v s t"
		case_ trees "$options -v s e"
		case_ trees "$options s e/link"
		case_ trees "$options -v s f e"
		case_ trees "$options s s/2"
		case_ trees "$options s s/none/new"
		case_ trees "$options s s/a/none/new"
		case_ trees "$options s missing e f"
		case_ trees "$options s none/new"
		case_ trees "$options s f/new"
		case_ trees "$options f f/new"
		case_ trees "$options d d/../d"
	done
	for options in '' -v -f -d -p; do
		case_ trees "$options s new"
		case_ trees "$options s f new"
		case_ trees "$options s f e"
		case_ trees "$options s/ e"
	done
	compare_with_cp
}

# In which order cp finds out, and how much it has copied by then, is chance; the
# message and the end of it are not.
test_cp_trees_into_themselves()
{
	template trees 'mkdir -p s/a/b e && echo 1 >s/a/b/1 && echo 2 >s/2'
	for options in -R -a -RL; do
		case_ trees "$options s s"
		case_ trees "$options s s/a"
		case_ trees "$options s s/new"
		case_ trees "$options s/ s/a/b/new"
		case_ trees "$options ./s ./s/a"
		case_ trees "$options . e"
		case_ trees "$options . e/new"
		case_ trees "$options s/../. e"
		case_ trees "$options s/.. e"
		case_ trees "$options d/.. s e"
	done
	prepare_templates
	run_cases cp
	run_cases mcp
	assertEquals "$(cat cp.said)" "$(cat mcp.said)"
	# All but itself is copied.
	for n in 1 11 21; do
		assertEquals "$n" 's/2 s/a/b/1 s/s/2 s/s/a/b/1' "$(cd mcp/$n &&
			find s -type f | sort | xargs)"
	done
}

test_cp_trees_as_nobody()
{
	template shut '
		mkdir -p s/shut s/noread s/nosearch s/ro o/s/ro u && echo 1 >s/1 &&
		echo 2 >s/unreadable && chmod 000 s/unreadable &&
		echo 3 >s/shut/3 && echo 4 >s/noread/4 && echo 5 >s/nosearch/5 &&
		echo 6 >s/ro/6 && echo 7 >s/ro/7 && echo old >o/s/ro/6 &&
		chmod 000 s/shut && chmod 300 s/noread && chmod 600 s/nosearch &&
		chmod 555 s/ro o/s/ro && chmod 555 u'
	as_nobody_here
	for options in -R -a -Rf -Rp -Rn; do
		case_ shut "$options s new"
		case_ shut "$options s o"
		case_ shut "$options s u"
		case_ shut "$options s/1 u"
		case_ shut "$options s/1 u/new"
		case_ shut "$options s/unreadable new"
		case_ shut "$options s/nosearch/5 new"
		case_ shut "$options s/shut new"
		case_ shut "$options s/1 s/shut"
		case_ shut "$options s/1 s/shut/new"
		case_ shut "$options s/1 s/nosearch/new"
		case_ shut "$options s/1 s/nosearch"
	done
	compare_with_cp
}

# Two names of one file: rename(2) does nothing, and says that it has.
test_backup_that_is_a_name_of_the_same_file()
{
	echo new >src
	for option in -b --backup=simple; do
		rm -f dst dst~
		echo old >dst
		ln dst dst~
		expect 0 mcp $option src dst
		assertEquals 'new old' "$(cat dst) $(cat dst~)"
	done
}

test_cp_backup_name_too_long()
{
	for n in 200 240 250 251 252 253 254 255; do
		name=$(head -c $n /dev/zero | tr '\0' x)
		template "long$n" "echo old >$name"
		for options in -b '-b -S .bak' --backup=t; do
			case_ "long$n" "$options f $name"
			case_ "long$n" "$options f $name; \$program $options empty $name"
		done
	done
	compare_with_cp
}

test_cp_attributes()
{
	template modes '
		mkdir -m 2750 sg && mkdir -m 1777 st && mkdir o && echo 1 >sg/1 &&
		chmod 6755 x && cp x sx && chmod 7777 sx && cp f zero &&
		chmod 000 zero && cp f group && chmod 664 group &&
		setfattr -n user.a -v 1 f && setfattr -n user.b -v 2 sg &&
		setfacl -m u:7:rw x 2>/dev/null; setfacl -d -m g:7:r st
		mkdir -m 2777 sgid && echo old >o/f && chmod 604 o/f &&
		setfattr -n user.c -v 3 o/f && mkdir dacl &&
		setfacl -d -m u:8:rwx,o::- dacl'
	# Not as cp, and on purpose: the set-id bit that a directory inherits is
	# gone after -p where its source had none; --no-preserve=mode leaves no
	# sticky bit.
	for options in '' -p -a --preserve --preserve=mode \
		--preserve=timestamps --preserve=ownership --preserve=xattr \
		--preserve=all --no-preserve=mode '-p --no-preserve=mode' \
		'-a --no-preserve=mode,ownership' \
		'-a --no-preserve=timestamps' '-a --no-preserve=xattr' \
		'-a --no-preserve=all' '--no-preserve=mode --preserve=mode' \
		'--preserve=mode --no-preserve=mode -p' \
		'--preserve=links,mode' '--preserve=ti'; do
		for mask in 000 077 257; do
			case_ modes "--help >help; (umask $mask; \$program $options -R f x sx zero group sg d p o); rm help"
		done
		case_ modes "$options -R f x sx zero group sg p sgid"
		case_ modes "$options -R f x sx zero group sg d p dacl"
		case_ modes "$options -RT sg dacl"
		case $options in
		*--no-preserve=mode* | *--no-preserve=all*) ;;
		*) case_ modes "$options -R st o; \$program $options -R st dacl" ;;
		esac
		case_ modes "$options -T f o/f"
	done
	compare_with_cp
}

# An attribute that may not be set: what comes after it is done all the same. cp
# 9.1 names the attribute where the file should be, so there is no comparison.
test_attribute_that_may_not_be_set()
{
	need_root || return 0
	echo a >f
	chmod 644 f
	setfattr -n security.foo -v x f
	mkdir -m 777 d
	lost="mcp: setting attribute 'security.foo' for 'd/f'"
	lost="$lost: Operation not permitted"
	expect 1 mcp_as_nobody -p --preserve=xattr f d
	assertEquals "$lost" "$(cat "$ERR")"
	assertEquals 644 "$(stat -c %a d/f)"
	rm -f d/f
	expect 0 mcp_as_nobody --preserve=all f d
	assertEquals "$lost" "$(cat "$ERR")"
	for options in -a '-a --preserve=all' '--preserve=all -a'; do
		rm -f d/f
		# shellcheck disable=SC2086
		expect 0 mcp_as_nobody $options f d
		assertEquals '' "$(cat "$ERR")"
	done
}

test_attribute_that_may_not_be_read()
{
	need_root || return 0
	mkdir -m 711 p
	setfattr -n user.d -v b p
	mkdir -m 777 d
	mcp_as_nobody -r --preserve=xattr p d 2>err
	assertEquals 1 $?
	assertContains "$(cat err)" \
		"mcp: getting attribute 'user.d' of 'p': Permission denied"
}

test_cp_attributes_as_nobody()
{
	template modes '
		chmod 6755 x && cp f zero && chmod 000 zero && mkdir -m 2750 sg &&
		mkdir o && setfattr -n user.a -v 1 f'
	as_nobody_here
	for options in '' -p -a --preserve=mode --preserve=all \
		--preserve=ownership --no-preserve=mode; do
		case_ modes "$options -R f x sg zero d o"
		case_ modes "$options f o/new"
		case_ modes "$options -R x lf p o"
		case_ modes "$options /proc/self/status new; rm -f new"
		case_ modes "$options -R /etc/passwd new; touch new"
	done
	compare_with_cp
}

test_cp_targets()
{
	template targets '
		mkdir o o/sub && ln -s o lo && ln -s f lnk && echo old >o/f'
	for options in '' -f -a; do
		case_ targets "$options -v -t o f x"
		case_ targets "$options -v -to f x"
		case_ targets "$options -v --target-directory=o f x"
		case_ targets "$options -v --targ o f"
		case_ targets "$options -v f -t lo"
		case_ targets "$options -v -t f x"
		case_ targets "$options -v -t none x"
		case_ targets "$options -v -t o/ x"
		case_ targets "$options -v -t o f f"
		case_ targets "$options -v -T f o"
		case_ targets "$options -v -T d o"
		case_ targets "$options -v -T d o/f"
		case_ targets "$options -v -T f lo"
		case_ targets "$options -v -T d lo"
		case_ targets "$options -v -T d/ o/"
		case_ targets "$options -v -T lf lo"
		case_ targets "$options -v f x o"
		case_ targets "$options -v f x f"
		case_ targets "$options -v f x none"
		case_ targets "$options -v f x none/"
		case_ targets "$options -v f x lo/"
		case_ targets "$options -v f x lo"
		case_ targets "$options -v f none/"
		case_ targets "$options -v f x/"
		case_ targets "$options -v f/ none"
		case_ targets "$options -v d none/"
		case_ targets "$options -v d x/"
		case_ targets "$options -v f/. o"
		case_ targets "$options -v ./f o//"
		case_ targets "$options -v o/sub/../../f o"
		case_ targets "$options -v d/. o"
		case_ targets "$options -v o/sub/.. d"
		case_ targets "$options -v f ''"
		case_ targets "$options -v '' f"
		case_ targets "$options -v '' o"
		case_ targets "$options -v f x ''"
		case_ targets "$options -v -- f o"
		case_ targets "$options -v f o -f"
		case_ targets "$options -v d o/f/x"
		case_ targets "$options -v f lnk"
		case_ targets "$options --strip-trailing-slashes -v f/ lf/ o/"
		case_ targets "$options --strip-trailing-slashes -v d// f/ o//"
		case_ targets "$options --strip-trailing-slashes -v f// new"
	done
	compare_with_cp
}

test_cp_overlap()
{
	template overlap '
		mkdir -p a/d b/d a/e o && echo a >a/d/same && echo b >b/d/same &&
		echo a >a/f && echo b >b/f && echo 1 >a/d/1 && echo 2 >b/d/2 &&
		ln -s 1 a/l && ln -s 2 b/l && echo b >b/e && mkfifo a/p b/p &&
		ln a/f a/hard && mkdir n && echo n >n/d && ln -s d n/e'
	for options in '' -R -a -n -u; do
		case_ overlap "$options -v a/f b/f o"
		case_ overlap "$options -v a/f a/f o"
		case_ overlap "$options -v a/f ./a/f o"
		case_ overlap "$options -v a/l b/l o"
		case_ overlap "$options -v a/d b/d o"
		case_ overlap "$options -v a/d a/d o"
		case_ overlap "$options -v a/e b/e o"
		case_ overlap "$options -v b/e a/e o"
		case_ overlap "$options -v a/d/ b/d/. o"
		case_ overlap "$options -v a/d n/d o"
		case_ overlap "$options -v n/d a/d o"
		case_ overlap "$options -v a/. b/. o"
		case_ overlap "$options -v a/f b/f a/f o"
	done
	for options in -R -a; do
		case_ overlap "$options -v a/p b/p o"
		case_ overlap "$options -v a/f a/hard o"
		case_ overlap "$options -v a/l a/f n/e o"
	done
	compare_with_cp
}

test_cp_holes()
{
	template holes '
		truncate -s 3M hole && cp hole tail && echo end >>tail &&
		cp hole head && printf x | dd of=head conv=notrunc status=none &&
		head -c 300000 /dev/zero >zeros && mkdir o &&
		(head -c 40960 /dev/zero; echo x; head -c 409600 /dev/zero) >mixed'
	for options in '' --sparse=auto --sparse=always --sparse=never \
		--reflink=auto --reflink=never '--sparse=always --reflink=never' \
		'--sparse=never --reflink=auto' '--reflink --sparse=always' \
		'--reflink=always --sparse=never'; do
		case_ holes "$options hole tail head zeros mixed empty o"
		case_ holes "$options -a hole new"
		case_ holes "$options -a mixed f"
	done
	compare_with_cp
}

# Where files cannot be cloned, and where they can.
# Where files cannot be cloned, and where they can. What failed mcp removes and cp
# leaves there, empty.
reflink_on()
{
	with_fs "$1" 128M || return 0
	mkdir "$1/templates" "$1/cp" "$1/mcp" && cd "$1" && : >cases || return
	template reflink 'mkdir o; head -c 300000 /dev/urandom >r'
	for options in --reflink --reflink=always --reflink=auto \
		--reflink=never '-R --reflink=always' '-a --reflink=always'; do
		case_ reflink "$options r o || ! rm -f o/r"
		case_ reflink "$options r new || ! rm -f new"
		case_ reflink "$options r f"
		case_ reflink "$options empty new || ! rm -f new"
		case_ reflink "$options empty f"
	done
	compare_with_cp
}

test_cp_reflink_where_it_cannot_be()
{
	need_root || return 0
	reflink_on tmpfs
}

test_cp_reflink_where_it_can()
{
	need_root || return 0
	reflink_on btrfs
}

# ---------------------------------------------------------------------------
# mcp's own
# ---------------------------------------------------------------------------

# Around pages, the buffer of read and write, the chunks of big files; and with
# holes.
make_sizes()
{
	mkdir sizes
	head -c 13000000 /dev/urandom >random
	for size in 0 1 511 4095 4096 4097 65536 262143 262144 262145 \
		4194303 4194304 4194305 8388607 8388608 8388609 12582913; do
		head -c "$size" random >"sizes/$size"
	done
	truncate -s 20M sizes/hole
	truncate -s 9M sizes/tail
	head -c 5000 random >>sizes/tail
	head -c 5000 random >sizes/head
	truncate -s 9000001 sizes/head
	head -c 3000 random |
		dd of=sizes/middle bs=1M seek=5 conv=notrunc status=none
	truncate -s 11M sizes/middle
	head -c 9000000 /dev/zero >sizes/zeros
}

test_method_each_gives_identical_copies()
{
	make_sizes
	for method in auto mmap rw range; do
		expect 0 mcp -a -j 2 --reflink=never --method=$method \
			sizes $method || continue
		assert_same_tree sizes $method
		# Over what is there, longer and shorter.
		cp random $method/1
		: >$method/8388609
		expect 0 mcp -aT -j 1 --method=$method sizes $method
		assert_same_tree sizes $method
		rm -rf $method
	done
}

test_method_clone_on_btrfs()
{
	need_root || return 0
	with_fs btrfs 400M || return 0
	cd btrfs || return
	make_sizes
	expect 0 mcp -a -j 2 --method=clone --stats sizes clone
	assert_same_tree sizes clone
	assertContains "$(grep ^methods "$ERR")" " clone $(find sizes -type f |
		wc -l)"
	expect 0 mcp -a --stats sizes auto
	assertContains "$(grep ^methods "$ERR")" ' clone '
	expect 0 mcp -a --reflink=never --stats sizes never
	assertNotContains "$(grep ^methods "$ERR")" clone
	assert_same_tree sizes never
}

test_method_that_cannot_serve_fails_and_says_so()
{
	need_root || return 0
	with_fs tmpfs 100M || return 0
	echo small >small
	head -c 9000000 /dev/urandom >big
	for file in small big; do
		expect 1 mcp --method=clone $file tmpfs/$file
		assertContains "$(cat "$ERR")" "'tmpfs/$file'"
		assertFalse "what could not be cloned is there" \
			"[ -e tmpfs/$file ]"
		expect 1 mcp -j 2 --method=clone $file small tmpfs
		assertEquals "" "$(ls tmpfs)"
	done
	# Neither mapped nor handled in the kernel: a file of /proc, a FIFO.
	expect 1 mcp --method=mmap /proc/self/status new
	assertContains "$(cat "$ERR")" mmap
	expect 1 mcp --method=range /proc/self/status new
	assertContains "$(cat "$ERR")" copy_file_range
	expect 0 mcp --method=rw /proc/version new
	assert_same_file /proc/version new
	expect 0 mcp /proc/version new
	assert_same_file /proc/version new
	# The others go on.
	expect 1 mcp --method=mmap small /proc/version big tmpfs
	assert_same_file big tmpfs/big
	assert_same_file small tmpfs/small
}

test_method_mmap_and_sparse_always_say_they_do_not_go_together()
{
	head -c 100000 /dev/urandom >f
	expect 1 mcp --method=mmap --sparse=always f new
	assertContains "$(cat "$ERR")" mmap
	assertFalse "[ -e new ]"
}

test_sparse_always_makes_holes()
{
	make_sizes
	for options in '-j 1' '-j 3' '--method=rw'; do
		# shellcheck disable=SC2086
		expect 0 mcp -a $options --sparse=always sizes new
		assert_same_tree sizes new
		for file in zeros hole; do
			assertEquals "$options $file" 0 \
				"$(stat -c %b new/$file)"
		done
		rm -r new
	done
	expect 0 mcp -a --sparse=never sizes new
	assert_same_tree --no-blocks sizes new
	assertTrue 'hole was not filled' \
		"[ $(stat -c %b new/hole) -ge $((20 * 2048)) ]"
	assertTrue 'hole was not filled' \
		"[ $(stat -c %b new/tail) -ge $((9 * 2048)) ]"
}

test_workers_values()
{
	"$HELPERS/bigtree" --files=200 --dirs=20 --size=100 src >/dev/null
	for n in 1 2 4 16 256 auto; do
		expect 0 mcp -a -j $n --stats src "d$n"
		assert_same_tree src "d$n"
		[ $n = auto ] || assertEquals "-j $n" $n \
			"$(sed -n 's/^workers  *\([0-9]*\).*/\1/p' "$ERR")"
	done
	expect 0 mcp -a --workers=3 --stats src e
	assertEquals 'workers      3' "$(grep ^workers "$ERR")"
	MCP_WORKERS=5 expect 0 mcp -a --stats src g
	assertEquals 'workers      5' "$(grep ^workers "$ERR")"
	MCP_WORKERS=5 expect 0 mcp -a -j 2 --stats src h
	assertEquals 'workers      2' "$(grep ^workers "$ERR")"
	MCP_WORKERS='' expect 0 mcp -a src i
	MCP_WORKERS=auto expect 0 mcp -a src k
}

test_workers_errors()
{
	echo f >f
	for n in 0 257 -1 2x '' ' 2' 1.5 99999999999999999999 automatic; do
		expect 1 mcp -j "$n" f new
		assertEquals "mcp: invalid number of workers for --workers: \
'$n' (1 to 256, or auto)" "$(cat "$ERR")"
		assertFalse "[ -e new ]"
		[ -n "$n" ] || continue
		MCP_WORKERS=$n expect 1 mcp f new
		assertEquals "mcp: invalid number of workers for MCP_WORKERS: \
'$n' (1 to 256, or auto)" "$(cat "$ERR")"
	done
}

# What little there is to do one process does.
test_workers_none_for_one_small_file()
{
	echo f >f
	expect 0 mcp --stats f new
	assertEquals 'workers      0 (copied without a fork)' \
		"$(grep ^workers "$ERR")"
}

stat_of()
{
	sed -n "s/^$1  *\([0-9,]*\).*/\1/p" "$ERR" | tr -d ,
}

test_stats_are_those_of_the_tree()
{
	mkdir -p src/a/b src/c
	head -c 100000 /dev/urandom >src/one
	head -c 9000000 /dev/urandom >src/a/big
	truncate -s 10M src/a/b/hole
	ln src/one src/c/linked
	ln -s one src/symlink
	mkfifo src/fifo
	echo 12345 >src/c/six
	for n in 1 4; do
		expect 0 mcp -a --reflink=never -j $n --stats src dst
		assertEquals 4 "$(stat_of files)"
		assertEquals 4 "$(stat_of directories)"
		assertEquals 1 "$(stat_of symlinks)"
		assertEquals 1 "$(stat_of specials)"
		assertEquals 1 "$(stat_of 'hard links')"
		assertEquals 0 "$(stat_of skipped)"
		assertEquals 0 "$(stat_of errors)"
		assertEquals 9100006 "$(stat_of bytes)"
		assertEquals 10485760 "$(stat_of holes)"
		assertEquals '' "$(cat "$OUT")"
		rm -r dst
	done
	expect 0 mcp -a src dst
	expect 0 mcp -anT --stats src dst
	assertEquals 0 "$(stat_of files)"
	assertEquals 0 "$(stat_of bytes)"
	assertEquals "$(find src ! -type d | wc -l)" "$(stat_of skipped)"
	expect 1 mcp --stats src/one missing src/c dst
	assertEquals 1 "$(stat_of files)"
	assertEquals 2 "$(stat_of errors)"
}

test_stats_count_the_methods()
{
	echo f >f
	expect 0 mcp --method=rw --stats f new
	assertEquals 'methods      rw 1' "$(grep ^methods "$ERR")"
	expect 0 mcp --method=mmap --stats f new
	assertEquals 'methods      mmap 1' "$(grep ^methods "$ERR")"
	head -c 9000000 /dev/urandom >big
	expect 0 mcp --method=mmap --stats -j 2 big new
	assertEquals 'methods      mmap 1' "$(grep ^methods "$ERR")"
}

test_progress_never_is_silent()
{
	"$HELPERS/bigtree" --files=300 --dirs=3 --size=1000 src >/dev/null
	expect 0 mcp -a --progress=never src dst
	assertEquals '' "$(cat "$OUT" "$ERR")"
	expect 0 mcp -a src dst2
	assertEquals '' "$(cat "$OUT" "$ERR")"
	need_command script || return 0
	script -qec "'$MCP' -a --progress=never src dst3" /dev/null >"$OUT"
	assertEquals '' "$(cat "$OUT")"
	assert_same_tree src dst3
}

. "$SHUNIT2"

#!/bin/sh
# The command line: what makes no sense is refused in the words of GNU cp, and
# the places that list the options say the same.
#
#   usage_*      operands and options that make no sense; what cp says too is
#                compared with what cp says
#   help_*       --help and --version
#   agree_*      the options of the code, --help, the manual and the completions;
#                their values; DIFFERENCES FROM CP lists what is not there yet

. "$(dirname "$0")/lib.sh"

OPTIONS_C=$TOP/src/cli/options.c
MANUAL=$TOP/man/mcp.1
BASH=$TOP/completions/mcp.bash
ZSH=$TOP/completions/_mcp
FISH=$TOP/completions/mcp.fish

before_each()
{
	echo one >f
	echo two >g
	mkdir d
}

# same_words ARG...: status and messages are cp's. By its name, not by its path.
same_words()
{
	(PATH=$(dirname "$MCP"):$PATH && limited mcp "$@") >mcp.out 2>mcp.err
	status=$?
	cp "$@" >cp.out 2>cp.err
	assertEquals "status of: $*" "$?" "$status"
	assertEquals "$*" "$(cat cp.err)" "$(sed 's/mcp/cp/g' mcp.err)"
	assertEquals "$*" "$(cat cp.out)" "$(sed 's/mcp/cp/g' mcp.out)"
}

# ---------------------------------------------------------------------------

test_usage_operands()
{
	same_words
	same_words f
	same_words ''
	same_words 'it'\''s'
	same_words -t d
	same_words -t d -T f
	same_words -T f g d
	same_words -T f g d f
	same_words -T f
	same_words -T
	same_words f g f
	same_words f g none
	same_words -t none f
	same_words -t f g
	same_words -t d -t d f
	same_words --target-directory=d -t d f
	same_words -t
	same_words f g -t
	same_words -v
	same_words --
	same_words -- -f
	same_words f -- g none
	same_words d none
	same_words none f
}

test_usage_unknown_options()
{
	same_words -y f g
	same_words -ay f g
	same_words --nonsense f g
	same_words --nonsense=1 f g
	same_words --archive=1 f g
	same_words --verbose=x f g
	same_words f g -y
	same_words -vTy f g
}

test_usage_ambiguous_and_short_forms()
{
	same_words --pre f g
	same_words --no f g
	same_words --recurs d none2
	same_words --verb f none3
	same_words --no-c f none4
	same_words --strip f none5
	same_words --str f none6
	same_words --pr f none7
	same_words --pr=mode f none8
	same_words --rec d none9
	same_words --o f none10
	same_words --sparse f
	same_words --no-preserve f
	for option in --no-preserve --sparse --target-directory; do
		same_words f g $option
	done
}

test_usage_values()
{
	for option in --preserve --no-preserve --sparse --reflink; do
		for value in nonsense a n au al nev '' 'x y' "it's" AUTO 'auto,' ','; do
			same_words "$option=$value" f "new$option$value"
		done
	done
	for list in mode,x ,mode 'mode,' links,links m,ow t l c all,none; do
		same_words --preserve=$list f "new2$list"
		same_words --no-preserve=$list f "new3$list"
	done
	same_words --reflink=always --sparse=always f g
	same_words --reflink=always --sparse=never f g
	same_words --reflink --sparse=never f g
}

# Whatever is wrong, nothing is copied.
test_usage_errors_copy_nothing()
{
	for bad in -y --nonsense --sparse=x -j0 --method=x --progress=x \
		'--reflink --sparse=always'; do
		# shellcheck disable=SC2086
		expect 1 mcp $bad f new
		assertFalse "$bad" '[ -e new ]'
		assertEquals "$bad" '' "$(cat "$OUT")"
		assertNotEquals "$bad" '' "$(cat "$ERR")"
	done
}

test_usage_values_of_its_own()
{
	expect 1 mcp --method=x f new
	assertEquals "mcp: invalid argument 'x' for '--method'
Valid arguments are:
  - 'auto'
  - 'mmap'
  - 'range'
  - 'rw'
  - 'clone'
Try 'mcp --help' for more information." "$(cat "$ERR")"
	expect 1 mcp --method=r f new
	assertContains "$(cat "$ERR")" "ambiguous argument 'r' for '--method'"
	expect 0 mcp --method=ra f new
	expect 1 mcp --progress=x f new
	assertContains "$(cat "$ERR")" "invalid argument 'x' for '--progress'"
}

# All messages begin with the same name, getopt's too.
test_usage_program_name()
{
	expect 1 mcp -y
	assertEquals "mcp: invalid option -- 'y'
Try 'mcp --help' for more information." "$(cat "$ERR")"
	ln -s "$MCP" copy
	expect 1 limited ./copy -y
	assertEquals "copy: invalid option -- 'y'
Try 'copy --help' for more information." "$(cat "$ERR")"
}

test_help_goes_to_stdout()
{
	expect 0 mcp --help
	assertEquals '' "$(cat "$ERR")"
	assertEquals 'Usage: mcp [OPTION]... [-T] SOURCE DEST' \
		"$(head -n 1 "$OUT")"
	# Fits a terminal.
	assertEquals '' "$(awk 'length > 80' "$OUT")"
	expect 0 mcp --help --nonsense f
	expect 0 mcp f g d --hel
}

test_version_goes_to_stdout()
{
	expect 0 mcp --version
	assertEquals '' "$(cat "$ERR")"
	assertEquals "mcp $(sed -n 's/^AC_INIT(\[mcp\], *\[\([^]]*\)\].*/\1/p' \
		"$TOP/configure.ac")" "$(head -n 1 "$OUT")"
}

test_help_that_cannot_be_written_fails()
{
	[ -w /dev/full ] || { skip 'needs /dev/full'; return 0; }
	"$MCP" --help >/dev/full 2>"$ERR"
	assertEquals 1 "$?"
	assertEquals 'mcp: write error: No space left on device' "$(cat "$ERR")"
	"$MCP" --version >/dev/full 2>"$ERR"
	assertEquals 1 "$?"
	"$MCP" -v f new >/dev/full 2>"$ERR"
	assertEquals 1 "$?"
	assertEquals 'mcp: write error: No space left on device' "$(cat "$ERR")"
}

# ---------------------------------------------------------------------------
# What lists the options. The code is what counts.
# ---------------------------------------------------------------------------

# -a and --archive, one a line; not the abbreviations that follow. --path is an old name of --parents, and as in cp
# nobody is told.
code_options()
{
	sed -n 's/^static const char short_options\[\] = "\(.*\)";/\1/p' \
		"$OPTIONS_C" | tr -d : | sed 's/./-&\n/g' | sed '/^$/d'
	sed -n '/^static const struct option long_options/,/Abbreviations/ {
		s/^\t{ "\([a-z-]*\)".*/--\1/p
	}' "$OPTIONS_C" | grep -vx -e --path
}

help_options()
{
	mcp --help | sed -n 's/^  \(-[^ ].*\)/\1/p; s/^      \(--.*\)/\1/p' |
		sed 's/  .*//; s/\[*=[^ ,]*//g; s/^\(-.\), \(-.\), /\1\n\2\n/
			s/^\(-.\), /\1\n/; s/=.*//' |
		sed 's/ .*//; s/,$//'
}

# The ".It Fl" lines of the section OPTIONS.
manual_options()
{
	sed -n '/^\.Sh OPTIONS/,/^\.Sh HOW/ s/^\.It Fl //p' "$MANUAL" |
		sed 's/ N[so] .*//; s/ Ar .*\(, Fl -\)/\1/
			s/ Op .*//; s/ , /, /g; s/ Ar .*//' |
		sed 's/, Fl /\n/g; s/, /\n/g' | sed 's/ .*//; s/^/-/'
}

bash_options()
{
	bash -c 'complete() { :; }; . "$1"; COMP_WORDS=(mcp -) COMP_CWORD=1
		compopt() { :; }; _mcp; printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$BASH" | sed 's/=$//'
}

zsh_options()
{
	# What stands in the braces or at the head of each line of _arguments.
	sed -n "s/^    '(.*)'{\(.*\)}'.*/{\1/p; t
		s/^    '\(.*\)' \\\\$/\1/p" "$ZSH" |
		sed "s/^([^)]*)//; s/^\*//; s/^{//; s/\[.*//; s/'.*//" |
		tr , '\n' | sed 's/[=+]*-*$//; s/[=+]$//' | grep '^-'
}

fish_options()
{
	sed -n 's/^complete -c mcp//p' "$FISH" | grep -o -e ' -[sl] [A-Za-z-]*' |
		sed 's/^ -s /-/; s/^ -l /--/'
}

# agree WHERE: what is on stdin lists the options of the code, each once.
agree()
{
	sort >listed
	code_options | sort >of_the_code
	diff of_the_code listed >difference ||
		fail "$1 (>) and src/cli/options.c (<) differ:
$(cat difference)"
}

test_agree_help()
{
	assertNotEquals 0 "$(code_options | grep -c '^--')"
	help_options | agree --help
}

test_agree_manual()
{
	manual_options | agree man/mcp.1
}

test_agree_bash()
{
	need_command bash || return 0
	bash_options | sort -u | agree completions/mcp.bash
}

test_agree_zsh()
{
	zsh_options | sort -u | agree completions/_mcp
}

test_agree_fish()
{
	fish_options | agree completions/mcp.fish
}

# Whether and what value an option takes, and that --help is in step with it.
test_agree_help_values()
{
	sed -n '/^static const struct option long_options/,/Abbreviations/ {
		s/^\t{ "\([a-z-]*\)", \([a-z]*\)_argument.*/\1 \2/p
	}' "$OPTIONS_C" | grep -v '^path ' >kinds
	mcp --help >help
	while read -r name kind; do
		case $kind in
		no) want="--$name\( \|\$\)" ;;
		required) want="--$name=[A-Z]" ;;
		optional) want="--$name\[=[A-Z]*\]" ;;
		esac
		grep -q -e "$want" help || fail "--help on --$name: $kind"
		case $kind in
		required) want="Fl -$name Ns = Ns" ;;
		optional) want="Fl -$name Ns Op = Ns" ;;
		*) want="Fl -$name" ;;
		esac
		grep -q "^\.It Fl.*$(echo "$want" | sed 's/^Fl //')" "$MANUAL" ||
			grep -q "^\.It $want" "$MANUAL" ||
			fail "the manual on --$name: $kind"
	done <kinds
}

# words OPTION: the values it takes, as it says itself.
words()
{
	"$MCP" "$1=?" f new 2>&1 | sed -n "s/^  - '\([^']*\)'.*/\1/p"
}

test_agree_values()
{
	for option in cache method sparse reflink progress preserve no-preserve; do
		words --$option >values
		assertTrue "--$option lists its values" "[ -s values ]"
		while read -r value; do
			grep -q "^\.It Cm $value\$" "$MANUAL" ||
				fail "$value of --$option is not in the manual"
			for file in "$BASH" "$ZSH" "$FISH"; do
				grep -q "\b$value\b" "$file" ||
					fail "$value of --$option: not in $file"
			done
			mcp --help | tr -s ' ,.:' '\n' | grep -qx "$value" ||
				fail "$value of --$option is not in --help"
		done <values
	done
}

# What cp has and mcp does not is listed in the manual, and nothing else is.
test_agree_options_of_cp()
{
	cp --help | grep -q coreutils || { skip 'needs GNU cp'; return 0; }
	cp --help | sed -n 's/^  \(-[^ ].*\)/\1/p; s/^      \(--.*\)/\1/p' |
		sed 's/  .*//' | grep -o -e '--[a-z][a-z-]*' | sort -u >of_cp
	code_options | grep '^--' | sort >of_mcp
	comm -23 of_cp of_mcp >missing
	sed -n '/^\.Sh DIFFERENCES/,/^\.Sh EXAMPLES/p' "$MANUAL" >differences
	while read -r option; do
		grep -q "^\.Fl -*.*-${option#--}\b" differences ||
			grep -q "Fl -${option#--}\b" differences ||
			fail "$option is of cp, not of mcp, not in the manual"
	done <missing
	sed -n '/do not exist yet/,/^\.El/p' differences |
		grep -o -e '^\.Fl -[a-z-]*' | sed 's/^\.Fl -/--/' >promised
	while read -r option; do
		code_options | grep -qxe "$option" &&
			fail "$option exists; the manual says it does not"
	done <promised
	return 0
}

test_agree_syntax_of_the_completions()
{
	for shell in bash zsh fish; do
		need_command $shell || return 0
	done
	expect 0 bash -n "$BASH"
	expect 0 zsh -n "$ZSH"
	expect 0 fish -n "$FISH"
}

. "$SHUNIT2"

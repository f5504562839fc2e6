#!/bin/sh
# Names in messages, quoted as GNU cp quotes them: in the C locale and in UTF-8.
# What a shell is to take back, its quotes included.
#
#   each_byte_*        every byte, alone and before, after and between letters
#   quotes_*           ' and what may stand next to it within double quotes
#   utf8_*             whole, broken and unprintable characters
#   random_*           strings of what is hard, the same ones each time
#   *_two_names        both names of one message; -v
#   completely_*       what bash makes of the quoted name is the name

. "$(dirname "$0")/lib.sh"

# compare_names LOCALE: every name in the file "names", one a line with bytes
# that are not letters as \0ooo, as a source that is missing. Few runs: as many
# operands as fit.
compare_names()
{
	mkdir -p dir
	# Where a name has a quote and ends with an escape, cp 9.1 (the gnulib of
	# then) takes a wrong turn: '\001'... is not what the shell takes back.
	sed "/'\|0047/s/\(\\\\0[0-7][0-7][0-7]\)\$/\1z/" names |
		xargs -d '\n' printf '%b\0' >names.bytes
	for program in cp "$MCP"; do
		said=$(basename "$program").said
		LC_ALL=$1 limited xargs -0 -n 2000 sh -c 'exec "$@" dir' sh \
			"$program" -- <names.bytes >"$OUT" 2>"$said"
		sed -i 's/^[^:]*cp: /cp: /' "$said"
		# The operands are shared out among the workers.
		sort -o "$said" "$said"
	done
	assertEquals 'messages' "$(wc -l <names)" "$(wc -l <mcp.said)"
	cmp -s cp.said mcp.said ||
		fail "in $1: $(diff cp.said mcp.said | cat -v |
			head -n 40 | sed 's/\\/\\\\/g')"
}

utf8()
{
	for locale in C.UTF-8 C.utf8 en_US.UTF-8; do
		[ "$(LC_ALL=$locale locale charmap 2>/dev/null)" = UTF-8 ] ||
			continue
		echo $locale
		return
	done
}

# All but NUL; "/" makes two components.
each_byte()
{
	i=1
	while [ $i -lt 256 ]; do
		o=\\0$(printf %03o $i)
		printf '%s\n' "$o" "${o}x" "x$o" "x${o}y" "x$o$o" "x'$o" \
			"x${o}'y" "x${o}z'" "x $o" "x\\0012$o" "x${o}\\0012"
		i=$((i + 1))
	done | grep -v '^\\0057'
}

test_each_byte_in_the_c_locale()
{
	each_byte >names
	compare_names C
}

test_each_byte_in_utf8()
{
	[ -n "$(utf8)" ] || { skip 'needs a UTF-8 locale'; return 0; }
	each_byte >names
	compare_names "$(utf8)"
}

# Two, three and four bytes; cut short, too long, a surrogate, beyond the last;
# an accent, a zero-width space, a right-to-left mark, private use, unassigned.
utf8_strings()
{
	for c in '\0303\0244' '\0342\0202\0254' '\0360\0237\0230\0200' \
		'\0303' '\0342\0202' '\0360\0237\0230' '\0300\0257' \
		'\0355\0240\0200' '\0364\0220\0200\0200' '\0370\0210\0200' \
		'\0314\0201' '\0342\0200\0213' '\0342\0200\0217' \
		'\0356\0200\0200' '\0315\0270' '\0357\0277\0276' '\0302\0205' \
		'\0302\0240' '\0200' '\0376\0377' '\0343\0200\0200'; do
		printf '%s\n' "$c" "a$c" "${c}b" "a${c}b" "$c$c" "'$c" \
			"${c}'" "a'${c}b" "$c\\0012" "\\0012$c" "\\0001'$c" \
			"$c\\0303" "\\0303$c"
	done
}

test_utf8_characters()
{
	utf8_strings >names
	compare_names C
	[ -n "$(utf8)" ] || { skip 'needs a UTF-8 locale'; return 0; }
	compare_names "$(utf8)"
}

test_quotes_next_to_everything()
{
	for a in "'" '"' "''" "'\"" "\"'" '`' "\$" '\0134' '#' '~' '!' '*' '?' \
		'[' ']' '=' '{' '}' '&' ';' '<' '>' '(' ')' '|' '^' ':' ' ' '@' \
		'\0011' '-' '%' ',' '+' '.' '_'; do
		for b in '' a "'" '"' "''" ' ' '\0012' "a'" "'a" '#' '~'; do
			printf '%s\n' "$a$b" "x$a$b" "$b${a}y" "it's $a$b"
		done
	done | grep -vx '\.' >names
	compare_names C
	[ -z "$(utf8)" ] || compare_names "$(utf8)"
}

test_random_strings()
{
	awk 'BEGIN {
		srand(1)
		n = split("'"'"' '"'"' a b \\0040 \" \\0012 \\0001 \\0177 " \
			"\\0303\\0244 \\0303 \\0200 \\0134 $ ` # ~ : = ! * - " \
			"\\0342\\0202\\0254 \\0342\\0200\\0213", c, " ")
		for (i = 0; i < 1500; i++) {
			s = ""
			for (k = 1 + int(rand() * 7); k > 0; k--)
				s = s c[1 + int(rand() * n)]
			print s
		}
	}' >names
	compare_names C
	[ -z "$(utf8)" ] || compare_names "$(utf8)"
}

# Both of them quoted; of -v and of errors.
test_two_names_in_one_message()
{
	newline=$(printf 'a\nb')
	for locale in C $(utf8); do
		for name in "it's" "$newline" 'a b' 'plain' 'äx' "$newline'c"; do
			for program in cp mcp; do
				rm -rf s t
				mkdir s t "t/$name" "t/é'x"
				: >"s/$name"
				: >"s/é'x"
				(
					LC_ALL=$locale
					export LC_ALL
					$program -rTv s t
					$program -v "s/$name" "s/é'x"
					$program -v "s/é'x" "s/é'x"
					$program -rv "t/$name" "t/$name"
					$program -rv s "t/$name"
				) 2>&1 | sed 's/^mcp:/cp:/' | sort >$program.said
			done
			assertEquals "$(cat cp.said)" "$(cat mcp.said)"
		done
	done
}

# Names of each kind in a tree: -v in full, taken back by bash.
test_completely_quoted_tree_reads_back()
{
	need_command bash || return 0
	"$HELPERS/mktree" --small src >/dev/null
	expect 0 mcp -rv src/names dst
	find src/names -mindepth 1 -printf 'src/names/%P -> dst/%P\0' |
		sort -z >want
	bash -c 'while IFS= read -r line; do
		eval "set -- ${line/ -> / }" && printf "%s -> %s\0" "$1" "$2"
	done' <"$OUT" | grep -zv '^src/names -> dst$' | sort -z >got
	assert_same_file want got
}

. "$SHUNIT2"

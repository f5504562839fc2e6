# Completion of mcp(1) for bash 4.1 or later. Install it as "mcp" where
# bash-completion looks for files, or source it from ~/.bashrc.
# What is not answered here (operands) is left to readline's own file names.

# _mcp_reply PREFIX WORD...: offer the words that go on from PREFIX$item
_mcp_reply()
{
	local prefix=$1 word
	shift
	for word; do
		[[ $word == "$item"* ]] && COMPREPLY+=("$prefix$word")
	done
}

# offer the attributes that the comma list in $cur does not hold yet
_mcp_attributes()
{
	local item=${cur##*,} word
	local head=${cur%"$item"}
	local -a free=()
	for word in mode ownership timestamps links xattr context all; do
		[[ ,$head == *,"$word",* ]] || free+=("$word")
	done
	_mcp_reply "$lead$head" "${free[@]}"
	# a comma may follow
	compopt -o nospace 2>/dev/null
}

_mcp_directories()
{
	mapfile -t COMPREPLY < <(compgen -P "$lead" -d -- "$cur")
	compopt -o filenames 2>/dev/null
}

# the value of option $1; false if it takes none in this form
_mcp_value()
{
	local item=$cur
	case $1 in
	--preserve | --no-preserve)
		_mcp_attributes ;;
	--cache)
		_mcp_reply "$lead" keep drop ;;
	--hand-over)
		_mcp_reply "$lead" yes no ;;
	--receipt)
		_mcp_reply "$lead" auto require off ;;
	--stream)
		_mcp_reply "$lead" auto require ;;
	--progress | --reflink | --sparse)
		_mcp_reply "$lead" auto always never ;;
	--backup)
		_mcp_reply "$lead" none off simple never existing nil \
			numbered t ;;
	--update)
		_mcp_reply "$lead" all none none-fail older ;;
	--method)
		_mcp_reply "$lead" auto mmap range rw clone ;;
	-j | --workers)
		_mcp_reply "$lead" auto 1 2 4 8 16 32 64 128 256 ;;
	-t | --target-directory)
		_mcp_directories ;;
	-S | --suffix | --dirty-bytes | --open-timeout | --rate)
		;;	# anybody's guess
	*)
		return 1 ;;
	esac
	# a value is never some file of the current directory
	compopt +o default +o bashdefault 2>/dev/null
	return 0
}

# the last letter of a cluster of short options, if it takes a value
_mcp_short_with_value()
{
	[[ $1 =~ ^-[abdfHilLnPpRrsTuvxZ]*([jSt])$ ]] && REPLY=-${BASH_REMATCH[1]}
}

_mcp()
{
	local cur prev words cword split=false
	local lead='' item REPLY i
	COMPREPLY=()

	if declare -F _init_completion >/dev/null; then
		_init_completion -s || return
	else
		words=("${COMP_WORDS[@]}")
		cword=$COMP_CWORD
		cur=${words[cword]}
		prev=${words[cword - 1]}
		if [[ $cur == = && $prev == --* ]]; then
			cur='' split=true
		elif [[ $prev == = && ${words[cword - 2]} == --* ]]; then
			prev=${words[cword - 2]} split=true
		elif [[ $cur == --*=* ]]; then
			prev=${cur%%=*} cur=${cur#*=} split=true
		fi
	fi
	# where = does not part words, the answer has to repeat the option
	if [[ $split == true && $COMP_WORDBREAKS != *=* ]]; then
		lead=$prev=
	fi

	for ((i = 1; i < cword; i++)); do
		[[ ${words[i]} == -- ]] && return
	done
	if [[ $split == true ]]; then
		_mcp_value "$prev" ||
			compopt +o default +o bashdefault 2>/dev/null
		return
	fi
	case $prev in
	--cache | --dirty-bytes | --hand-over | --method | --no-preserve | \
		--open-timeout | --rate | --receipt | --sparse | --stream | \
		--suffix | --target-directory | --workers)
		_mcp_value "$prev"
		return ;;
	esac
	if _mcp_short_with_value "$prev"; then
		_mcp_value "$REPLY"
		return
	fi
	[[ $cur == -* ]] || return

	item=$cur
	_mcp_reply '' -a -b -d -f -H -i -j -l -L -n -P -p -R -r -s -S -T -t \
		-u -v -x -Z --archive --attributes-only --backup --backup= \
		--cache= --context --context= --copy-contents --debug \
		--dereference --dirty-bytes= --force --hand-over= --help \
		--interactive --keep-directory-symlink --keep-partial --link \
		--method= --mkfifo --no-clobber --no-dereference --no-preserve= \
		--no-target-directory --one-file-system --open-timeout= \
		--parents --preserve --preserve= --progress --progress= \
		--rate= --receipt= --recursive --reflink --reflink= \
		--remove-destination --sparse= --stats --stream= \
		--strip-trailing-slashes --suffix= --symbolic-link \
		--target-directory= --update --update= --verbose --version \
		--wait-durable --workers=
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] &&
		compopt -o nospace 2>/dev/null
	return 0
}

complete -o bashdefault -o default -F _mcp mcp

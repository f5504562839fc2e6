#!/bin/sh
# The unit tests: programs in tests/unit/ that are linked with all of mcp but
# main(). Each names its tests, and here each of these becomes a function
#
#	test_PROGRAM_what    for test_what of tests/unit/PROGRAM.c
#
# See tests/unit/unit.h for how to write one.

. "$(dirname "$0")/lib.sh"

# In the environment under `make check`, or else whatever was built.
unit_programs()
{
	if [ -n "${UNIT_PROGRAMS-}" ]; then
		for program in $UNIT_PROGRAMS; do
			basename "$program"
		done
	else
		for program in "$UNITS"/*; do
			[ ! -f "$program" ] || [ ! -x "$program" ] ||
				basename "$program"
		done
	fi
}

# Status 77: it cannot be done here, and says why.
run_unit()
{
	limited "$UNITS/$1" "$2" >"$OUT" 2>"$ERR"
	set -- "$?" "$@"
	case $1 in
	0) ;;
	77) skip "$(tail -n 1 "$OUT")" ;;
	*) fail "status $1 of $2 $3
$(tail -n 20 "$ERR")" ;;
	esac
}

# One that cannot even be listed is a test that fails, not one that is missing.
suite()
{
	for program in $(unit_programs); do
		for unit in $("$UNITS/$program" --list ||
			echo test_list_of_units_is_given); do
			name=test_${program}_${unit#test_}
			eval "$name() { run_unit $program $unit; }"
			suite_addTest "$name"
		done
	done
}

. "$SHUNIT2"

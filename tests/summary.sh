#!/bin/sh
# summary.sh FILE LOG...: the end of `make check`. Shows the output of each test
# that failed, writes the one line of the summary to FILE and stdout, and exits
# non-zero unless every test passed. For each LOG there is the .trs that
# tests/driver.sh made beside it; one that is not there is a failure.
#
# With SUMMARY_LATER=yes in the environment the line goes to FILE only: who set
# it shows it (bootstrap, so that make says nothing after it).

file=$1
shift

passed=0
failed=0
skipped=0

# The part of log $1 that belongs to test $2, "whole_file" meaning all of it.
output_of()
{
	if [ "$2" = whole_file ]; then
		tail -n 100 "$1"
		return
	fi
	awk -v test="$2" '
		/^== test_/ { wanted = $2 == test }
		/^Ran [0-9]+ tests?\.$/ { wanted = 0 }
		wanted
	' "$1"
}

for log; do
	trs=${log%.log}.trs
	base=${log%.log}
	if [ ! -s "$trs" ]; then
		printf '\n---- %s gave no result\n' "$base"
		failed=$((failed + 1))
		continue
	fi
	while read -r tag result test; do
		[ "$tag" = :test-result: ] || continue
		case $result in
		PASS) passed=$((passed + 1)) ;;
		SKIP) skipped=$((skipped + 1)) ;;
		*)
			failed=$((failed + 1))
			printf '\n---- %s %s\n' "$base" "$test"
			output_of "$log" "$test"
			;;
		esac
	done <"$trs"
done

# Why something was left out is worth a line each, once.
if [ "$skipped" -gt 0 ]; then
	printf '\nskipped:\n'
	sed -n 's/^SKIP: /  /p' "$@" | sort | uniq -c
fi

line="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
mkdir -p "$(dirname "$file")"
printf '%s\n' "$line" >"$file"
[ "${SUMMARY_LATER-no}" = yes ] || printf '\n%s\n' "$line"

[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

#!/bin/sh
# Automake's driver for the files of tests: runs one of them, and makes of it
# one result and one line for each test function.
#
# What it reads is the output, for it is there that a failure in a subshell is
# seen, of which shunit2's own count knows nothing:
#
#   == test_name       the function begins (SHUNIT_TEST_PREFIX)
#   ASSERT:...         it failed
#   shunit2:ERROR...   it failed
#   SKIP: reason       it, or a part of it, was left out (tests/lib.sh)
#   Ran N test(s).     the file came to its end
#
# The arguments are those of the manual of Automake, "Command-line arguments for
# test drivers". Exit status 0 whatever the tests gave: tests/summary.sh judges.
#
# MCP_FILE_LIMIT: seconds that one file may take (default 1800).

name=
log=
trs=
while [ $# -gt 0 ]; do
	case $1 in
	--test-name) name=$2 ;;
	--log-file) log=$2 ;;
	--trs-file) trs=$2 ;;
	--) shift && break ;;
	--*) ;;
	*) break ;;
	esac
	shift 2
done
if [ -z "$name" ] || [ -z "$log" ] || [ -z "$trs" ] || [ $# -eq 0 ]; then
	echo "usage: driver.sh --test-name NAME --log-file LOG --trs-file TRS" \
		"[--] TEST [ARG]..." >&2
	exit 2
fi

# All that the tests leave behind, if they are killed, goes with this.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/mcp-check.XXXXXX") || exit 2
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
chmod 755 "$TMPDIR"

SHUNIT_TEST_PREFIX='== '
SHUNIT_COLOR=none
export SHUNIT_TEST_PREFIX SHUNIT_COLOR

# The tests end themselves on SIGTERM, unmounting what they mounted. Those that
# do not are not waited for.
timeout -k 30 "${MCP_FILE_LIMIT:-1800}" sh "$@" </dev/null >"$log" 2>&1
status=$?
[ "$status" -ne 124 ] ||
	echo "driver: time limit of ${MCP_FILE_LIMIT:-1800} s" >>"$log"

# A file that died before its report, or that says it failed where no function
# of it did, is one more failure, in the name of the file.
awk -v status="$status" '
	function done() {
		if (test != "")
			print result, test
		if (result == "FAIL")
			failed = 1
		test = ""
		result = "PASS"
	}
	/^== test_/ { done(); test = $2; next }
	/^ASSERT:/ || /^shunit2:(ERROR|FATAL)/ { result = "FAIL" }
	/^SKIP:/ && result == "PASS" { result = "SKIP" }
	/^Ran [0-9]+ tests?\.$/ { ended = 1; done() }
	END {
		done()
		if (!ended || (status != 0 && !failed))
			print "FAIL whole_file"
	}
' "$log" | sed 's/^/:test-result: /' >"$trs"

if grep -q '^:test-result: FAIL' "$trs"; then
	result=FAIL
else
	result=PASS
fi
cat >>"$trs" <<END
:global-test-result: $result
:recheck: $([ "$result" = PASS ] && echo no || echo yes)
:copy-in-global-log: yes
END

# In one piece, for other files run at the same time.
lines=$(sed -n "s|^:test-result: \([A-Z]*\) |\1 $name |p" "$trs")
printf '%s\n' "$lines"
exit 0
